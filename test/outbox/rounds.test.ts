import { expect, test } from 'vitest';
import { createLog } from '../../src/log.ts';
import { addMessage } from '../../src/outbox/outbox.ts';
import { createPacing } from '../../src/outbox/pacing.ts';
import { createSender } from '../../src/outbox/sender.ts';
import type { BotApi } from '../../src/telegram/telegram.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { NO_UPLOADS } from '../support/uploads.ts';

const FAST = { chatPerS: 100, chatBurst: 100, groupPerMin: 20, groupBurst: 5, overallPerS: 1000, overallBurst: 1000 };

test.each([
  [1, ['enough']],
  [2, ['enough', 'enough']],
  [8, ['some', 'some', 'some', 'some', 'some', 'enough', 'enough', 'enough']],
])('%i calls under way: their fates are worth a commit once a quarter, or one, is left', async (count, expected) => {
  const clock = manualClock();
  const journal = openJournal(temporaryFolder(), clock);
  const calls: (() => void)[] = [];
  const api: BotApi = {
    call: () => new Promise((resolve) => void calls.push(() => resolve({ message_id: 1 }))),
    close: async () => {},
  };
  const told: string[] = [];
  const sender = createSender({
    ...{ journal, api, clock, random: () => 0.5, log: createLog('silent', process.stdout) },
    uploads: NO_UPLOADS,
    pacing: createPacing(FAST, clock.now()),
    ...{ onResult: () => {}, onFate: () => {}, onRound: () => {} },
    onEnded: (enough) => void told.push(enough ? 'enough' : 'some'),
  });
  await journal.write(async (tx) => {
    const wish = { priority: 1, sendAt: null, expiresAt: null, onUnknown: 'hold', keyId: null } as const;
    for (let n = 1; n <= count; n += 1)
      addMessage(tx, '1', { chat: String(n), method: 'sendMessage', params: '{}', ...wish });
  });
  expect(await sender.round(false)).toMatchObject({ inFlight: count, ended: 'none' });
  const after: string[] = [];
  for (const end of calls) {
    end();
    await new Promise((resolve) => setImmediate(resolve));
    after.push(told.at(-1) ?? 'nothing');
  }
  expect(after).toEqual(expected);
  // It is told once of either.
  expect(told).toEqual([...new Set(expected)]);
  expect(await sender.round(false)).toMatchObject({ inFlight: 0, ended: 'none' });
});
