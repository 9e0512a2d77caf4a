import { expect, onTestFinished, test } from 'vitest';
import { createActor } from 'xstate';
import type { Journal } from '../../src/journal/journal.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { openDatabase, openReader } from '../../src/journal/sqlite-open.ts';
import { createLog } from '../../src/log.ts';
import { outboxLogic } from '../../src/outbox/actor.ts';
import { NO_MARKS } from '../../src/outbox/marks.ts';
import { addMessage, REPLY_PRIORITY } from '../../src/outbox/outbox.ts';
import { createPacing, type PacingRates } from '../../src/outbox/pacing.ts';
import { createSender } from '../../src/outbox/sender.ts';
import { checkFlood, type FloodLimits, type FloodTrace, newTrace, TELEGRAM_FLOOD } from '../../src/sandbox/flood.ts';
import { TelegramRefused } from '../../src/telegram/errors.ts';
import type { BotApi } from '../../src/telegram/telegram.ts';
import { percentile } from '../bench/bench.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { loadSize } from '../support/environment.ts';
import { temporaryFolder } from '../support/journal.ts';
import { NO_UPLOADS } from '../support/uploads.ts';

const ANSWER_MS = 40;
const LIVE_CHATS = 200;
const STEP_MS = 10;

/** The disk is not waited for: nothing dies here, and what is measured is time on a clock of its own. */
function journalOn(clock: ManualClock): Journal {
  const folder = temporaryFolder();
  const [db, reader] = [openDatabase(folder), openReader(folder)];
  db.exec('PRAGMA synchronous = OFF');
  onTestFinished(() => {
    for (const connection of [db, reader]) connection.close();
  });
  return openSqliteJournal({ db, reader, bot: '1', clock, newStreamId: () => 'stream' });
}

/** Telegram with the sandbox's limits, ANSWER_MS away. `began` hears of each call. */
function telegram(clock: ManualClock, flood: FloodLimits, began: (chat: number, text: string) => void): BotApi {
  const [bot, chats] = [newTrace(), new Map<number, FloodTrace>()];
  let arriving: (() => void)[] = [];
  let sent = 0;
  const arrival = () =>
    new Promise<void>((resolve) => {
      // Calls of one moment share a timer.
      if (arriving.push(resolve) > 1) return;
      clock.setTimeout(() => {
        const now = arriving;
        arriving = [];
        for (const arrive of now) arrive();
      }, ANSWER_MS);
    });
  return {
    async call(method, { chat_id: chat, text }) {
      began(Number(chat), String(text));
      await arrival();
      const trace = chats.get(Number(chat)) ?? newTrace();
      chats.set(Number(chat), trace);
      try {
        checkFlood(clock, flood, bot, trace, false);
      } catch (error) {
        const { errorCode, message, parameters } = error as { errorCode: number; message: string; parameters: object };
        throw new TelegramRefused(method, { error_code: errorCode, description: message, parameters });
      }
      sent += 1;
      return { message_id: sent };
    },
    close: async () => {},
  };
}

const add = (journal: Journal, chats: readonly number[], priority: number, text: (chat: number) => string) =>
  journal.write(async (tx) => {
    for (const chat of chats) {
      const params = JSON.stringify({ chat_id: chat, text: text(chat) });
      const plain = { method: 'sendMessage', sendAt: null, expiresAt: null, onUnknown: 'hold', keyId: null } as const;
      addMessage(tx, '1', { ...plain, chat: String(chat), params, priority });
    }
  });

test.each([
  // The whole of it at 30/s takes an hour and shows the same: there a tenth is sent, here all.
  { bulk: 3_000, perS: 30, repliesPerS: 5 },
  { bulk: loadSize(20_000, 100_000), perS: 1000, repliesPerS: 20 },
])(
  'a broadcast of $bulk at $perS/s does not hold replies up',
  async ({ bulk, perS, repliesPerS }) => {
    const clock = manualClock();
    const begunAt = clock.now();
    const journal = journalOn(clock);
    const rates: PacingRates = {
      chatPerS: 1,
      chatBurst: 5,
      groupPerMin: 20,
      groupBurst: 5,
      overallPerS: perS,
      overallBurst: perS,
    };
    const learns = createPacing(rates, begunAt);
    /** When Telegram itself had the whole bot wait. */
    const holds: { readonly from: number; to: number }[] = [];
    const asked = new Map<string, number>();
    const waits: { ms: number; heldMs: number }[] = [];
    const api = telegram(clock, { ...TELEGRAM_FLOOD, botPerSecond: perS }, (_, text) => {
      const at = asked.get(text);
      if (at === undefined) return;
      asked.delete(text);
      const now = clock.now();
      const heldMs = holds.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(now, to) - Math.max(at, from)), 0);
      waits.push({ ms: now - at, heldMs });
    });
    const sender = createSender({
      isCanceled: () => false,
      marks: NO_MARKS,
      ...{
        journal,
        api,
        clock,
        provenNow: clock.now,
        uploads: NO_UPLOADS,
        log: createLog('silent', process.stdout),
        random: () => 0.5,
      },
      health: { succeeded: () => {}, failed: () => {} },
      pacing: {
        ...learns,
        refused(chat, waitMs, now) {
          const scope = learns.refused(chat, waitMs, now);
          const last = holds.at(-1);
          // Calls that were under way together are refused together.
          if (scope === 'bot' && last !== undefined && last.to >= now) last.to = Math.max(last.to, now + waitMs);
          else if (scope === 'bot') holds.push({ from: now, to: now + waitMs });
          return scope;
        },
      },
      onResult: () => {},
      onFate: () => {},
      onEnded: (enough) => actor.send({ type: 'calls.ended', enough }),
      onRound: () => {},
    });
    const actor = createActor(
      outboxLogic({
        sender,
        random: () => 0.5,
        onUp: () => {},
        onDown: (error) => {
          throw error;
        },
      }),
      {
        clock: { setTimeout: clock.setTimeout, clearTimeout: (timer) => clock.clearTimeout(timer) },
      },
    );
    const others = Array.from({ length: bulk }, (_, n) => 1_000_000 + n);
    for (let n = 0; n < bulk; n += 10_000) await add(journal, others.slice(n, n + 10_000), 1, () => 'news');
    journal.onCommit((commit) => commit.outbox && actor.send({ type: 'messages.queued' }));
    actor.start();
    onTestFinished(() => void actor.stop());

    let replies = 0;
    const until = begunAt + (bulk / perS) * 1500;
    while (sender.sent() < bulk + replies && clock.now() < until) {
      if (sender.sent() < bulk) {
        replies += 1;
        const text = `reply ${replies}`;
        asked.set(text, clock.now());
        await add(journal, [1000 + (replies % LIVE_CHATS)], REPLY_PRIORITY, () => text);
      }
      // A step at a time, and none while a round is under way: real work takes no time here.
      for (let ms = 0; ms < 1000 / repliesPerS; ms += STEP_MS) {
        while (actor.getSnapshot().matches('gathering')) await new Promise((resolve) => setImmediate(resolve));
        await clock.advance(STEP_MS);
      }
    }

    const tookS = (clock.now() - begunAt) / 1000;
    const raw = waits.map(({ ms }) => ms);
    const own = waits.map(({ ms, heldMs }) => ms - Math.min(ms, heldMs));
    const figures = (ms: number[]) =>
      [0.5, 0.99, 1].map((share) => `${Math.round(percentile(ms, share))} ms`).join(', ');
    console.log(
      `${bulk} in bulk in ${Math.round(tookS)} s beside ${replies} replies; their waits (p50, p99, max): ${figures(own)}; ` +
        `with the ${holds.length} refusals that had the whole bot wait: ${figures(raw)}; learned ${Math.round(learns.perS())}/s`,
    );
    expect({ sent: sender.sent(), waiting: asked.size }).toEqual({ sent: bulk + replies, waiting: 0 });
    expect(Math.max(...own)).toBeLessThan(100);
    // It does not buy that with slowness.
    expect(tookS).toBeLessThan((bulk / perS) * 1.35);
  },
  600_000,
);
