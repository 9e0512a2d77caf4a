/** Time as an argument, so that a whole system can be simulated. Milliseconds since 1970 throughout. */
export interface Clock {
  now(): number;
  /** Calls `fn` once, after `delayMs`. */
  setTimeout(fn: () => void, delayMs: number): TimerHandle;
  clearTimeout(timer: TimerHandle | undefined): void;
}

/** Opaque: only the clock that made it can clear it. */
export type TimerHandle = { readonly timer: unknown };

/** The machine's own clock. */
export const systemClock: Clock = {
  now: Date.now,
  setTimeout: (fn, delayMs) => ({ timer: setTimeout(fn, delayMs) }),
  clearTimeout: (handle) => {
    if (handle) clearTimeout(handle.timer as NodeJS.Timeout);
  },
};
