import { expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { createRetention } from '../../src/operators/retention.ts';
import { createProvenTime } from '../../src/proven-time.ts';
import { manualClock, settle } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';

const DAY_MS = 24 * 3_600_000;

/** A journal with one entry a day, at noon, of so many days, and retention over it. */
async function start(settings: { days?: number; entries?: number }, days: number, gone: readonly string[] = []) {
  const clock = manualClock();
  const journal = openJournal(temporaryFolder(), clock);
  const append = () => journal.write(async (tx) => tx.append({ type: 'update.received', chat: '7', body: '{}' }));
  const oneDay = async () => {
    await clock.advance(DAY_MS / 2);
    await append();
    await clock.advance(DAY_MS / 2);
  };
  for (let n = 0; n < days; n += 1) await oneDay();
  const logged: object[] = [];
  const doubts: (string | null)[] = [];
  const proven = createProvenTime(clock, { read: () => clock.now(), write: () => {} });
  onTestFinished(proven.stop);
  const log = {
    info: (fields: object) => void logged.push(fields),
    warn: (fields: object) => void logged.push(fields),
  };
  const callbacks = { behind: async () => [] };
  const isActive = (keyId: string) => !gone.includes(keyId);
  const retention = createRetention({
    journal,
    callbacks,
    clock,
    proven,
    onDoubt: (detail) => void doubts.push(detail),
    onGone: () => {},
    log,
    isActive,
    days: null,
    entries: null,
    ...settings,
  });
  onTestFinished(() => retention.stop());
  const confirm = (keyId: string, seq: number) =>
    journal.write(async (tx) => tx.saveCursor({ keyId, seq, confirmedOffset: null, allowedUpdates: null }));
  /** Lets it look, as often as it does within a day; resolves with the first entry that is kept. */
  const look = async () => {
    await clock.advance(limits.retentionEveryMs);
    for (let n = 0; n < 20; n += 1) await settle();
    return journal.bounds().first;
  };
  return { proven, doubts, journal, retention, clock, logged, append, oneDay, confirm, look };
}

test('nothing goes unless it is set', async () => {
  const { retention, look } = await start({}, 10);
  retention.start();
  expect(await look()).toBe(1);
});

test('entries go once they are so many days old', async () => {
  const { retention, look, oneDay, logged } = await start({ days: 3 }, 10);
  retention.start();
  expect(await look()).toBe(8);
  expect(logged).toEqual([{ event: 'retention', from: 1, to: 7 }]);
  await oneDay();
  expect(await look()).toBe(9);
});

test('entries go once there are so many after them; where both are set, what either lets go goes', async () => {
  const few = await start({ entries: 4 }, 10);
  few.retention.start();
  expect(await few.look()).toBe(7);
  const both = await start({ entries: 4, days: 2 }, 10);
  both.retention.start();
  expect(await both.look()).toBe(9);
});

test('more than one unit of work takes goes at one look', async () => {
  const { retention, look } = await start({ entries: 1 }, 3 * limits.trimUnitsMax);
  retention.start();
  expect(await look()).toBe(3 * limits.trimUnitsMax);
});

test('a key that reads through the façade and is behind is waited for, and the log says so once', async () => {
  const { retention, look, confirm, logged } = await start({ entries: 6 }, 10);
  await confirm('slow', 2);
  await confirm('fast', 10);
  retention.start();
  expect(await look()).toBe(3);
  expect(await look()).toBe(3);
  expect(logged).toEqual([
    { event: 'retention_waits', by: 'getUpdates', key: 'slow', seq: 2 },
    { event: 'retention', from: 1, to: 2 },
  ]);
  await confirm('slow', 9);
  expect(await look()).toBe(5);
});

test('until the entries are twice as many or as old: then they go, and the log says that too', async () => {
  const { retention, look, confirm, oneDay, logged } = await start({ days: 3 }, 5);
  await confirm('slow', 1);
  retention.start();
  expect(await look()).toBe(2);
  for (let n = 0; n < 3; n += 1) await oneDay();
  expect(await look()).toBe(3);
  expect(logged).toContainEqual({ event: 'retention_passed', by: 'getUpdates', key: 'slow', seq: 1 });
});

test('a key that is gone is not waited for', async () => {
  const { retention, look, confirm } = await start({ entries: 6 }, 10, ['revoked']);
  await confirm('revoked', 2);
  retention.start();
  expect(await look()).toBe(5);
});

test('a journal that cannot be written is tried again', async () => {
  const { retention, look, journal, logged } = await start({ entries: 4 }, 10);
  await journal.close();
  retention.start();
  expect(await look()).toBe(1);
  expect(logged).toContainEqual(expect.objectContaining({ event: 'retention_failed' }));
});

test('a clock that jumps 30 days ahead makes nothing old; once it is set right all is as before', async () => {
  const { retention, look, clock, doubts, logged } = await start({ days: 3 }, 3);
  retention.start();
  const before = clock.now();
  clock.set(before + 30 * DAY_MS);
  expect(await look()).toBe(1);
  expect(await look()).toBe(1);
  expect(doubts).toEqual([expect.stringMatching(/went ahead by 30\.0 days.*until Telegram's clock agrees/)]);
  expect(logged).toEqual([{ event: 'retention_doubts_clock', aheadMs: 30 * DAY_MS }]);
  clock.set(before + 2 * limits.retentionEveryMs);
  expect(await look()).toBe(1);
  expect(await look()).toBe(1);
  expect(doubts.at(-1)).toBeNull();
});

test('a jump that Telegram’s clock agrees with, and one that lasts for a day, are believed: what is old goes', async () => {
  for (const agrees of [true, false]) {
    const { retention, look, clock, doubts, proven } = await start({ days: 3 }, 3);
    retention.start();
    clock.set(clock.now() + 30 * DAY_MS);
    expect(await look()).toBe(1);
    expect(await look()).toBe(1);
    if (agrees) proven.heard(clock.now());
    else await clock.advance(limits.clockDoubtMs);
    await look();
    expect(await look()).toBe(3);
    expect(doubts).toEqual([expect.any(String), null]);
  }
});

test('while Telegram’s clock disagrees, what is old by that goes', async () => {
  const { retention, look, clock, doubts, proven } = await start({ days: 3 }, 3);
  retention.start();
  const aheadMs = 30 * DAY_MS;
  clock.set(clock.now() + aheadMs);
  proven.heard(clock.now() - aheadMs);
  await clock.advance(DAY_MS / 2);
  proven.heard(clock.now() - aheadMs);
  await clock.advance(DAY_MS / 2);
  proven.heard(clock.now() - aheadMs);
  expect(await look()).toBe(2);
  expect(doubts).toEqual([expect.stringMatching(/30\.0 days ahead of Telegram's.*Set the machine's clock/)]);
});

test('what a process wrote while its clock was behind is no older than the process', async () => {
  const { retention, look, clock, append, proven } = await start({ days: 3 }, 0);
  retention.start();
  const right = clock.now();
  clock.set(right - 30 * DAY_MS);
  await append();
  clock.set(right);
  proven.heard(right);
  await append();
  expect(await look()).toBe(1);
  await clock.advance(3 * DAY_MS);
  expect(await look()).toBe(2);
});
