import { expect, onTestFinished, test } from 'vitest';
import { setup } from 'xstate';
import { stepText, watchClock } from '../../src/clock-watch.ts';
import { createMachineTable } from '../../src/conversations/machines.ts';
import { limits } from '../../src/limits.ts';
import { createLog } from '../../src/log.ts';
import { createSystem } from '../../src/system.ts';
import type { BotApi } from '../../src/telegram/telegram.ts';
import { manualClock, settle } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { NO_UPLOADS } from '../support/uploads.ts';

const HOUR = 3_600_000;

/** Rings two hours after it was told to. */
const alarm = setup({
  types: { events: {} as { type: 'alarm.set' } },
  actions: { reply: (_, _params: { text: string }) => {} },
}).createMachine({
  id: 'alarm',
  initial: 'idle',
  states: {
    idle: { on: { 'alarm.set': 'set' } },
    set: { after: { [2 * HOUR]: { target: 'idle', actions: { type: 'reply', params: { text: 'ring' } } } } },
  },
});
const selection = { machine: 'alarm', per: 'chat' } as const;
const machines = createMachineTable({ private: selection, group: null, channel: null }, new Map([['alarm', alarm]]));

const sent: string[] = [];
/** Nobody writes, and what is sent arrives. */
const telegram: BotApi = {
  async call(method, params, options) {
    if (method === 'getMe') return { id: 1, is_bot: true, first_name: 'Bot', username: 'bot' };
    if (method === 'getUpdates')
      return new Promise((_, reject) => options?.signal?.addEventListener('abort', () => reject(new Error('over'))));
    sent.push(String(params.text));
    return { message_id: 1 };
  },
  close: async () => {},
};

test('a step of more than two seconds is noticed within a second; what passes, or is shifted a little, is none', async () => {
  const clock = manualClock();
  const steps: number[] = [];
  const stop = watchClock(clock, (byMs) => steps.push(byMs));
  await clock.advance(60_000);
  clock.set(clock.now() + limits.clockStepMs);
  await clock.advance(limits.clockLookMs);
  clock.set(clock.now() - limits.clockStepMs);
  await clock.advance(limits.clockLookMs);
  expect(steps).toEqual([]);
  for (const byMs of [2001, -5000, 24 * HOUR, -24 * HOUR]) {
    clock.set(clock.now() + byMs);
    await clock.advance(limits.clockLookMs);
  }
  expect(steps).toEqual([2001, -5000, 24 * HOUR, -24 * HOUR]);
  stop();
  clock.set(0);
  await clock.advance(60_000);
  expect(steps).toHaveLength(4);
});

test('a step is logged and counted, and the dates that it brings are met at once', async () => {
  const clock = manualClock();
  const journal = openJournal(temporaryFolder(), clock);
  const lines: string[] = [];
  const system = await createSystem({
    ...{ journal, api: telegram, uploads: NO_UPLOADS, machines, clock, provenNow: clock.now, random: () => 1 },
    backend: { ask: () => new Promise(() => {}), close: async () => {} },
    log: createLog('warn', { write: (line: string) => void lines.push(line) }),
    ...{ pollTimeoutS: 30, deleteWebhook: false },
    backendTries: { timeoutMs: 1000, attemptsMax: 1, deadlineMs: 60_000, backoffMaxMs: 1000 },
    rates: { chatPerS: 1, chatBurst: 1, groupPerMin: 20, groupBurst: 1, overallPerS: 30, overallBurst: 10 },
    onRefused: (error) => {
      throw error;
    },
  });
  system.start();
  await settle();
  onTestFinished(async () => {
    await system.stop();
    await journal.close();
  });
  const event = { type: 'alarm.set' };
  await system.conversations.postEvent({ keyId: '1', idempotencyKey: 'alarm', conversation: '7', event });
  const send_at = new Date(clock.now() + HOUR).toISOString();
  const body = { chat_id: 8, text: 'scheduled', delivery: { send_at } };
  await system.outbox.accept({ keyId: '1', idempotencyKey: null, chats: null, body });
  await settle();
  clock.set(clock.now() + 3 * HOUR);
  await clock.advance(limits.clockLookMs);
  await settle();
  expect(sent.sort()).toEqual(['ring', 'scheduled']);
  clock.set(clock.now() - HOUR);
  await clock.advance(limits.clockLookMs);
  const logged = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'clock_stepped');
  expect(logged).toMatchObject([
    { byMs: 3 * HOUR, msg: stepText(3 * HOUR) },
    { byMs: -HOUR, msg: stepText(-HOUR) },
  ]);
  expect(system.status.getSnapshot().context.clock).toEqual({ steps: 2, lastStepMs: -HOUR });
});
