/** Time as an argument, so that a whole system can be simulated. Milliseconds throughout. */
export interface Clock {
  /** The wall clock, ms since 1970. It can be set at any moment, so it is for dates: what is shown, stored or chosen by users. */
  now(): number;
  /**
   * As the wall clock was when the process began, and from there evenly, whatever the wall clock does meanwhile. It is for
   * durations: paces, timeouts, backoff. It stands still while the machine sleeps, and means nothing to another process.
   */
  steadyNow(): number;
  /** Calls `fn` once, after `delayMs`. */
  setTimeout(fn: () => void, delayMs: number): TimerHandle;
  clearTimeout(timer: TimerHandle | undefined): void;
}

/** Opaque: only the clock that made it can clear it. */
export type TimerHandle = { readonly timer: unknown };

/** The machine's own clock. */
export const systemClock: Clock = {
  now: Date.now,
  steadyNow: () => performance.timeOrigin + performance.now(),
  setTimeout: (fn, delayMs) => ({ timer: setTimeout(fn, delayMs) }),
  clearTimeout: (handle) => {
    if (handle) clearTimeout(handle.timer as NodeJS.Timeout);
  },
};
