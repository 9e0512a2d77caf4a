import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Clock } from './clock.ts';
import { limits } from './limits.ts';
import { TelegramRefused } from './telegram/errors.ts';
import type { BotApi } from './telegram/telegram.ts';

export interface TrialOptions {
  readonly api: BotApi;
  /** The owner's own chat with the bot. */
  readonly chat: string;
  readonly clock: Clock;
  /** Tells the owner what to do. */
  readonly say: (text: string) => void;
  /** Resolves when the owner does not want to do what was asked for last. */
  readonly skipped: () => Promise<unknown>;
  /** Ends the trials; what was sent is deleted all the same. */
  readonly signal: AbortSignal;
  /** A message was sent. */
  readonly onSent: (messageId: number) => void;
}

/** Telegram answered no. */
export interface Refusal {
  readonly code: number;
  readonly description: string;
  readonly retryAfterMs: number | undefined;
}

/** What a fact is tried with. Calls are about the owner's chat. */
export interface Trial {
  /** The result. Throws if it is refused; a 429 is waited out once, up to limits.liveWaitMs. */
  call(method: string, params: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** The refusal; null if the call is taken. A 429 says nothing of the call: it is waited out once, and thrown if it stays. */
  refusal(method: string, params: Readonly<Record<string, unknown>>): Promise<Refusal | null>;
  /** The refusal at once, a 429 too; null if the call is taken. */
  refusalAtOnce(method: string, params: Readonly<Record<string, unknown>>): Promise<Refusal | null>;
  /** The update that the owner makes when asked to; null if it did not come within limits.liveAskMs, or was skipped. */
  await(what: string, is: (update: LiveUpdate) => boolean): Promise<LiveUpdate | null>;
  /** The updates that wait. Confirms none. */
  updates(): Promise<readonly LiveUpdate[]>;
  /** Confirms the update, and so all before it. False if one of them is of another chat: none is confirmed then. */
  confirm(update: LiveUpdate): Promise<boolean>;
  pause(ms: number): Promise<void>;
  /** ms since some time; only differences mean anything. */
  elapsedMs(): number;
}

const InChat = Type.Object({ chat: Type.Object({ id: Type.Number() }), message_id: Type.Integer() });
const Update = Type.Object({
  update_id: Type.Integer(),
  message: Type.Optional(Type.Intersect([InChat, Type.Object({ text: Type.Optional(Type.String()) })])),
  callback_query: Type.Optional(
    Type.Object({ id: Type.String(), data: Type.Optional(Type.String()), message: Type.Optional(InChat) }),
  ),
});
export type LiveUpdate = Static<typeof Update>;
const Updates = Compile(Type.Array(Update));
const Sent = Compile(InChat);

/** What facts are tried with. */
export function createTrial({ api, chat, clock, say, skipped, signal, onSent }: TrialOptions): Trial {
  const pause = (ms: number) => sleep(clock, signal.aborted ? 0 : ms);

  async function callOnce(method: string, params: Readonly<Record<string, unknown>>): Promise<unknown> {
    signal.throwIfAborted();
    const result = await api.call(method, { chat_id: chat, ...params });
    if (method.startsWith('send') && Sent.Check(result)) onSent(result.message_id);
    return result;
  }
  async function updates(timeout = 0, until = signal): Promise<readonly LiveUpdate[]> {
    const result = await api.call('getUpdates', { timeout }, { signal: until });
    return Updates.Check(result) ? result : [];
  }
  const isOwn = ({ message, callback_query }: LiveUpdate) =>
    String((message ?? callback_query?.message)?.chat.id) === chat;

  return {
    call: (method, params) => waitedOut(clock, () => callOnce(method, params)),
    async refusal(method, params) {
      const call = waitedOut(clock, () => callOnce(method, params));
      return refusalOf(call, (error) => error.errorCode !== 429);
    },
    refusalAtOnce: (method, params) => refusalOf(callOnce(method, params), () => true),
    async await(what, is) {
      say(`${what}, within ${limits.liveAskMs / 1000} s. Enter skips it.`);
      const over = new AbortController();
      const timer = clock.setTimeout(() => over.abort(), limits.liveAskMs);
      void skipped().then(
        () => over.abort(),
        () => {},
      );
      const until = AbortSignal.any([signal, over.signal]);
      try {
        while (!until.aborted) {
          const found = (await updates(limits.livePollS, until)).find((update) => isOwn(update) && is(update));
          if (found !== undefined) return found;
          // Others' updates wait too, so that no poll lasts.
          await pause(1000);
        }
      } catch (error) {
        if (!until.aborted) throw error;
      } finally {
        clock.clearTimeout(timer);
      }
      return null;
    },
    updates: () => updates(),
    async confirm({ update_id }) {
      const waiting = await updates();
      if (!waiting.every((update) => update.update_id > update_id || isOwn(update))) return false;
      await api.call('getUpdates', { offset: update_id + 1, limit: 1 });
      return true;
    },
    pause,
    elapsedMs: () => clock.steadyNow(),
  };
}

/** The refusal if it is one that `counts`; other errors are thrown. */
async function refusalOf(call: Promise<unknown>, counts: (error: TelegramRefused) => boolean): Promise<Refusal | null> {
  try {
    await call;
    return null;
  } catch (error) {
    if (!(error instanceof TelegramRefused && counts(error))) throw error;
    return { code: error.errorCode, description: error.description, retryAfterMs: error.retryAfterMs };
  }
}

/** Makes the call again if Telegram asks for a wait, once, and no longer than limits.liveWaitMs. */
export async function waitedOut(clock: Clock, call: () => Promise<unknown>): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    const waitMs = error instanceof TelegramRefused ? error.retryAfterMs : undefined;
    if (waitMs === undefined || waitMs > limits.liveWaitMs) throw error;
    await sleep(clock, waitMs);
    return call();
  }
}

const sleep = (clock: Clock, ms: number) => new Promise<void>((resolve) => void clock.setTimeout(resolve, ms));
