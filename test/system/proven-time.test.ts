import { expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { createProvenTime } from '../../src/proven-time.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A process's proven time, and what it keeps for the next. */
function process(clock: ManualClock, kept: number | null = null) {
  let mark = kept;
  const proven = createProvenTime(clock, {
    read: () => mark,
    write: (at) => {
      mark = at;
    },
  });
  onTestFinished(proven.stop);
  return { ...proven, mark: () => mark };
}

test('it is the wall clock’s time, also where that is shifted a little, or set back and right again', async () => {
  const clock = manualClock();
  const { now, doubt } = process(clock);
  await clock.advance(HOUR);
  expect(now()).toBe(clock.now());
  clock.set(clock.now() + limits.clockBelievedMs);
  expect(now()).toBe(clock.now());
  const before = clock.now();
  clock.set(before - DAY);
  expect(now()).toBe(before);
  expect(doubt()).toBeNull();
  await clock.advance(HOUR);
  clock.set(clock.now() + DAY);
  expect(now()).toBe(before + HOUR);
  expect(clock.now()).toBe(before + HOUR);
  expect(doubt()).toBeNull();
});

test('a jump ahead that Telegram says nothing about is believed after 24 hours', async () => {
  const clock = manualClock();
  const { now, doubt } = process(clock);
  const before = clock.now();
  clock.set(before + 30 * DAY);
  expect(now()).toBe(before);
  await clock.advance(DAY - 1);
  expect(now()).toBe(before + DAY - 1);
  expect(doubt()).toEqual({ aheadMs: 30 * DAY, forMs: DAY - 1, telegramDisagrees: false });
  await clock.advance(1);
  expect(now()).toBe(clock.now());
  expect(doubt()).toBeNull();
});

test('a jump ahead that is taken back within that time was never believed', async () => {
  const clock = manualClock();
  const { now, doubt, mark } = process(clock);
  const before = clock.now();
  clock.set(before + 30 * DAY);
  await clock.advance(60_000);
  // What a process that starts now would begin with.
  expect(mark()).toBe(before + 60_000);
  clock.set(before + 60_000);
  expect(now()).toBe(before + 60_000);
  expect(doubt()).toBeNull();
});

test('a jump ahead that Telegram agrees with is believed at once', () => {
  const clock = manualClock();
  const { now, heard, doubt } = process(clock);
  clock.set(clock.now() + 30 * DAY);
  expect(doubt()).not.toBeNull();
  heard(clock.now() - 30_000);
  expect(now()).toBe(clock.now());
  expect(doubt()).toBeNull();
});

test('an answer whose time is ahead of this machine’s, as a gateway’s may be, makes nothing old', async () => {
  const clock = manualClock();
  const { now, heard, doubt } = process(clock);
  const before = clock.now();
  heard(before + 30 * DAY);
  expect(now()).toBe(before);
  await clock.advance(HOUR);
  clock.set(before - DAY);
  heard(before + HOUR);
  heard(before + 30 * DAY);
  expect(now()).toBe(before + HOUR);
  expect(doubt()).toBeNull();
});

test('while Telegram disagrees its time counts, for as long as it says so', async () => {
  const clock = manualClock();
  const { now, heard, doubt } = process(clock);
  const before = clock.now();
  clock.set(before + 30 * DAY);
  for (let hour = 1; hour <= 48; hour += 1) {
    await clock.advance(HOUR);
    heard(before + hour * HOUR);
  }
  expect(now()).toBe(before + 2 * DAY);
  expect(doubt()).toMatchObject({ aheadMs: 30 * DAY, telegramDisagrees: true });
  await clock.advance(DAY);
  expect(doubt()).toBeNull();
  expect(now()).toBe(clock.now());
});

test('a machine that slept, and a server that was stopped for a week, catch up with Telegram’s first answer', async () => {
  const clock = manualClock();
  const first = process(clock);
  clock.set(clock.now() + DAY);
  first.heard(clock.now());
  expect(first.now()).toBe(clock.now());
  await clock.advance(limits.provenKeepMs);
  const kept = first.mark() ?? 0;
  expect(clock.now() - kept).toBeLessThanOrEqual(limits.provenKeepMs);
  first.stop();

  const later = manualClock(kept + 7 * DAY);
  const next = process(later, kept);
  expect(next.now()).toBe(kept);
  expect(next.doubt()).toMatchObject({ aheadMs: 7 * DAY });
  next.heard(later.now());
  expect(next.now()).toBe(later.now());
  expect(next.doubt()).toBeNull();
});

test('a clock that jumps while the process is down is doubted by the next; a short stop raises no doubt', () => {
  const kept = manualClock().now();
  const ahead = process(manualClock(kept + 30 * DAY), kept);
  expect(ahead.now()).toBe(kept);
  expect(ahead.mark()).toBe(kept);
  expect(process(manualClock(kept + limits.clockBelievedMs), kept).doubt()).toBeNull();
});

test('a disk that takes no mark costs nothing but the mark', () => {
  const clock = manualClock();
  const proven = createProvenTime(clock, {
    read: () => null,
    write: () => {
      throw new Error('disk full');
    },
  });
  onTestFinished(proven.stop);
  expect(proven.now()).toBe(clock.now());
});
