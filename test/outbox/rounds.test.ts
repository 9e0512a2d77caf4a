import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { createLog } from '../../src/log.ts';
import { NO_MARKS } from '../../src/outbox/marks.ts';
import { addMessage, addReply } from '../../src/outbox/outbox.ts';
import { createPacing } from '../../src/outbox/pacing.ts';
import { createSender } from '../../src/outbox/sender.ts';
import type { BotApi } from '../../src/telegram/telegram.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { NO_UPLOADS } from '../support/uploads.ts';

const FAST = { chatPerS: 100, chatBurst: 100, groupPerMin: 20, groupBurst: 5, overallPerS: 1000, overallBurst: 1000 };

/** A sender whose calls end when the test says so: `calls` ends each. `told`: what it says of those that have ended. */
function newSender() {
  const clock = manualClock();
  const journal = openJournal(temporaryFolder(), clock);
  const calls: (() => void)[] = [];
  const told: string[] = [];
  const api: BotApi = {
    call: () => new Promise((resolve) => void calls.push(() => resolve({ message_id: 1 }))),
    close: async () => {},
  };
  const sender = createSender({
    isCanceled: () => false,
    marks: NO_MARKS,
    ...{ journal, api, clock, provenNow: clock.now, random: () => 0.5, log: createLog('silent', process.stdout) },
    uploads: NO_UPLOADS,
    health: { succeeded: () => {}, failed: () => {} },
    pacing: createPacing(FAST, clock.now()),
    ...{ onResult: () => {}, onFate: () => {}, onRound: () => {} },
    onEnded: (enough) => void told.push(enough ? 'enough' : 'some'),
  });
  /** One message to each of so many chats. */
  const accept = (kind: 'bulk' | 'replies', count: number, firstChat = 1) =>
    journal.write(async (tx) => {
      const wish = { priority: 1, sendAt: null, expiresAt: null, onUnknown: 'hold', keyId: null } as const;
      for (let chat = firstChat; chat < firstChat + count; chat += 1) {
        const call = { chat: String(chat), method: 'sendMessage', params: '{}' };
        if (kind === 'bulk') addMessage(tx, '1', { ...call, ...wish });
        else addReply(tx, '1', call);
      }
    });
  return { sender, calls, told, accept };
}

test.each([
  [1, ['enough']],
  [2, ['enough', 'enough']],
  [8, ['some', 'some', 'some', 'some', 'some', 'enough', 'enough', 'enough']],
])('%i calls under way: their fates are worth a commit once a quarter, or one, is left', async (count, expected) => {
  const { sender, calls, told, accept } = newSender();
  await accept('bulk', count);
  expect(await sender.round(false)).toMatchObject({ inFlight: count, ended: 'none' });
  const after: string[] = [];
  for (const end of calls) {
    end();
    await turn();
    after.push(told.at(-1) ?? 'nothing');
  }
  expect(after).toEqual(expected);
  // It is told once of either.
  expect(told).toEqual([...new Set(expected)]);
  expect(await sender.round(false)).toMatchObject({ inFlight: 0, ended: 'none' });
});

test('calls in bulk leave room for replies, and replies take all the room there is', async () => {
  const [all, kept] = [limits.sendsInFlightMax, limits.sendsForRepliesMin];
  const { sender, calls, accept } = newSender();
  await accept('bulk', all);
  expect(await sender.round(false)).toMatchObject({ inFlight: all - kept });
  await accept('replies', kept + 5, 1000);
  expect(await sender.round(false)).toMatchObject({ inFlight: all });
  // What ends makes room for the five replies that are left; bulk, with all of its room taken, waits on.
  for (const end of calls.splice(0, kept)) end();
  await turn();
  expect(await sender.round(false)).toMatchObject({ inFlight: all - kept + 5 });
  for (const end of calls.splice(0)) end();
  await turn();
  expect(await sender.round(false)).toMatchObject({ inFlight: kept });
});
