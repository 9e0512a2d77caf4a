import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { createActor } from 'xstate';
import { systemClock } from '../../src/clock.ts';
import type { Entry, Journal } from '../../src/journal/journal.ts';
import { openReader } from '../../src/journal/sqlite-open.ts';
import { limits } from '../../src/limits.ts';
import { createLog } from '../../src/log.ts';
import { outboxLogic } from '../../src/outbox/actor.ts';
import { createSendHealth } from '../../src/outbox/health.ts';
import { NO_MARKS, type SendMarks } from '../../src/outbox/marks.ts';
import { createPacing, type PacingRates } from '../../src/outbox/pacing.ts';
import { createOutbox } from '../../src/outbox/post.ts';
import { createSender } from '../../src/outbox/sender.ts';
import { createHttpBotApi } from '../../src/telegram/http.ts';
import type { BotApi } from '../../src/telegram/telegram.ts';
import { createDiskUploads } from '../../src/uploads/disk.ts';
import { until } from '../ingress/support.ts';
import { start } from '../sandbox/start.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';

/** A bot at the sandbox, whose users 1 to 9 have written to it, and a journal on a clock that stands still. */
export async function newWorld() {
  const bot = await start();
  for (let user = 1; user <= 9; user += 1) await bot.write(user, 'hello');
  const clock = manualClock();
  const folder = temporaryFolder();
  return { bot, clock, folder, journal: openJournal(folder, clock) };
}

export type World = Awaited<ReturnType<typeof newWorld>>;

export interface OutboxOptions {
  readonly rates?: Partial<PacingRates>;
  readonly random?: () => number;
  /** Stands between the sender and Telegram. */
  readonly through?: (api: BotApi) => BotApi;
  readonly marks?: SendMarks;
  readonly isCanceled?: (keyId: string) => boolean;
  /** What the sender writes to. */
  readonly disk?: (journal: Journal) => Journal;
}

/** A call as the sandbox is about to get it, with the status that the message's row has in the database just then. */
export interface Call {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly rows: readonly string[];
}

const UNHURRIED: PacingRates = {
  ...{ chatPerS: 1000, chatBurst: 1000, groupPerMin: 60_000, groupBurst: 1000, overallPerS: 1000, overallBurst: 1000 },
};

/** The whole outbox, running: posts, the actor, the sender, and real calls to the sandbox. */
export function runOutbox(
  world: World,
  {
    rates,
    random = () => 1,
    through = (api) => api,
    disk,
    marks = NO_MARKS,
    isCanceled = () => false,
  }: OutboxOptions = {},
) {
  const { bot, clock, journal, folder } = world;
  const calls: Call[] = [];
  const waits: number[] = [];
  const downs: unknown[] = [];
  const sends: (string | null)[] = [];
  const reader = openReader(folder);
  const sending = reader.prepare("SELECT params FROM messages WHERE status = 'sending'");
  const http = createHttpBotApi({ root: bot.sandbox.url, token: bot.token, connections: 16, clock: systemClock });
  const api = through(http);
  const uploads = createDiskUploads({ folder, journal, randomBytes, log: createLog('silent', process.stdout) });
  const outbox = createOutbox({ journal, clock, uploads });
  const sender = createSender({
    isCanceled,
    uploads,
    journal: disk?.(journal) ?? journal,
    api: {
      ...api,
      call(method, params, options) {
        calls.push({ method, params, rows: sending.all().map((row) => String(row.params)) });
        return api.call(method, params, options);
      },
    },
    marks,
    pacing: createPacing({ ...UNHURRIED, ...rates }, clock.now()),
    health: createSendHealth({
      clock,
      onChange: (failing) => void sends.push(failing),
    }),
    clock,
    provenNow: clock.now,
    random,
    log: createLog('silent', process.stdout),
    onResult: () => {},
    onFate: outbox.settledNow,
    onEnded: (enough) => actor.send({ type: 'calls.ended', enough }),
    onRound: () => {},
  });
  const logic = outboxLogic({ sender, random, onUp: () => {}, onDown: (error) => void downs.push(error) });
  const actor = createActor(logic, {
    clock: {
      setTimeout(fn, delayMs) {
        // The moment in which fates are collected passes by itself.
        if (delayMs === limits.fatesCollectMs) return { timer: setImmediate(fn) };
        waits.push(delayMs);
        return clock.setTimeout(fn, delayMs);
      },
      clearTimeout: (timer) => clock.clearTimeout(timer),
    },
  });
  journal.onCommit((commit) => commit.outbox && actor.send({ type: 'messages.queued' }));
  actor.start();
  onTestFinished(async () => {
    actor.stop();
    reader.close();
    await http.close();
  });

  let posts = 0;
  /** Posts a message; gives its id. */
  const post = async (body: object, idempotencyKey = `k${++posts}`) =>
    (await outbox.accept({ keyId: 'key', chats: null, mayRead: true, idempotencyKey, body })).id;
  /** As a caller does who waits for the answer; gives its id. */
  const reply = async (chat_id: number, text: string) =>
    (await outbox.accept({ keyId: 'key', chats: null, idempotencyKey: null, isReply: true, body: { chat_id, text } }))
      .id;
  const send = (chat_id: number | string, text: string, delivery: object = {}) => post({ chat_id, text, delivery });
  const find = async (id: string) => {
    const message = await outbox.find(id);
    if (message === null) throw new Error(`There is no message ${id}`);
    return message;
  };
  /** The message once its fate is known. */
  const fateOf = async (id: string) => {
    await outbox.settled(id, 50_000, new AbortController().signal);
    return find(id);
  };
  /** What the bot has written in a chat, as the sandbox shows it. */
  const seenBy = async (chat: number): Promise<string[]> => {
    const { messages } = await bot.control(`chats/${chat}`);
    return messages.filter((m: { from?: { is_bot?: boolean } }) => m.from?.is_bot).map((m: { text: string }) => m.text);
  };
  /** Types of the journal's entries about messages, in order, without their acceptance. */
  const told = async (): Promise<string[]> => {
    const entries: Entry[] = await journal.read({ from: 1, limit: 1000 });
    return entries.map(({ type }) => type).filter((type) => type !== 'message.accepted');
  };
  /** Moves time on, once the outbox has armed its timer for what it knows. */
  const advance = async (ms: number): Promise<void> => {
    await until(() => ['sending', 'waiting'].includes(String(actor.getSnapshot().value)));
    await clock.advance(ms);
  };
  return {
    ...world,
    ...{
      advance,
      uploads,
      outbox,
      sender,
      actor,
      calls,
      waits,
      downs,
      sends,
      post,
      reply,
      send,
      find,
      fateOf,
      seenBy,
      told,
    },
  };
}

export type Running = ReturnType<typeof runOutbox>;

export const texts = (calls: readonly Call[]): unknown[] => calls.map(({ params }) => params.text);
