import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field, and a wrong one fails the test
export type Json = any;

/** The body of an answer. */
export const bodyOf = async (response: Response): Promise<Json> => response.json();

/** A sandbox for one test, and short ways to be a bot and a user in it. */
export interface Started {
  readonly sandbox: Sandbox;
  readonly token: string;
  /** Calls a method as JSON; gives Telegram's answer, whatever it is. */
  bot(method: string, params?: object): Promise<Json>;
  /** Calls a method and gives the HTTP response. */
  call(method: string, init?: RequestInit): Promise<Response>;
  /** The control API of the bot: GET without a body, else POST. */
  control(path: string, body?: object): Promise<Json>;
  /** A user writes. */
  write(chatId: number, text: string): Promise<Json>;
  /** Waits until a poll is waiting. */
  untilPolling(): Promise<void>;
}

let tokens = 0;

/** Starts a sandbox that ends with the test. Without flood limits unless asked for. */
export async function start(options: Partial<SandboxOptions> = {}): Promise<Started> {
  const sandbox = await createSandbox({ port: 0, clock: systemClock, random: Math.random, flood: 'off', ...options });
  onTestFinished(() => sandbox.close());
  tokens += 1;
  const token = `${1000 + tokens}:sandbox-test-token-of-35-characters-`;
  const json = (body: object): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const call = (method: string, init?: RequestInit) => fetch(`${sandbox.url}/bot${token}/${method}`, init);
  const control = async (path: string, body?: object) =>
    bodyOf(await fetch(`${sandbox.url}/sandbox/bots/${token}/${path}`, body && json(body)));
  return {
    sandbox,
    token,
    bot: async (method, params = {}) => bodyOf(await call(method, json(params))),
    call,
    control,
    write: (chatId, text) => control(`chats/${chatId}/messages`, { text }),
    async untilPolling() {
      while (!(await control('')).polling);
    },
  };
}

/** The update_ids of a getUpdates answer. */
export const idsOf = (answer: Json): number[] => answer.result.map((update: { update_id: number }) => update.update_id);
