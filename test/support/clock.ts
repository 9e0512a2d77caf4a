import type { Clock } from '../../src/clock.ts';

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves time on, firing what comes due in order; waits for what each firing starts to settle down. */
  advance(ms: number): Promise<void>;
  /** Somebody sets the wall clock, forward or back: what is armed waits as long as before. */
  set(now: number): void;
  /** Time passes and nothing fires, as if nobody had looked: what is armed waits as long as before. */
  skip(ms: number): void;
  /** The longest delay that was ever asked for. */
  longestDelayMs(): number;
}

interface Armed {
  at: number;
  readonly fn: () => void;
}

export function manualClock(startAt = Date.parse('2026-01-01T00:00:00Z')): ManualClock {
  /** The steady clock; and what somebody has set the wall clock ahead of it by. */
  let now = startAt;
  let aheadMs = 0;
  let longestDelayMs = 0;
  const armed = new Set<Armed>();
  const next = (until: number): Armed | undefined =>
    [...armed].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  return {
    now: () => now + aheadMs,
    steadyNow: () => now,
    setTimeout(fn, delayMs) {
      const timer: Armed = { at: now + delayMs, fn };
      longestDelayMs = Math.max(longestDelayMs, delayMs);
      armed.add(timer);
      return { timer };
    },
    clearTimeout(handle) {
      if (handle !== undefined) armed.delete(handle.timer as Armed);
    },
    set(to) {
      aheadMs = to - now;
    },
    skip(ms) {
      for (const timer of armed) timer.at += ms;
      now += ms;
    },
    longestDelayMs: () => longestDelayMs,
    async advance(ms) {
      const until = now + ms;
      for (let due = next(until); due !== undefined; due = next(until)) {
        now = due.at;
        armed.delete(due);
        due.fn();
        await settle();
      }
      now = until;
      await settle();
    },
  };
}

/** Lets everything that is ready run: a few turns of the loop, each with its microtasks. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
