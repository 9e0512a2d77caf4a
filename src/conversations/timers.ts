import type { Clock, TimerHandle } from '../clock.ts';
import { limits } from '../limits.ts';

export interface TimerServiceOptions {
  readonly clock: Clock;
  /** When the next timer is due; null where none is set. */
  readonly nextTimerAt: () => Promise<number | null>;
  /** Fires what is due; how many fired. */
  readonly fire: () => Promise<number>;
  readonly onError: (error: unknown) => void;
}

/**
 * Durable time: the rows are the timers, and this arms the clock once, for the earliest. Overdue ones (the process
 * was down) fire at start, in due order.
 */
export function createTimerService({ clock, nextTimerAt, fire, onError }: TimerServiceOptions) {
  let armed: { readonly at: number; readonly handle: TimerHandle } | null = null;
  let stopped = false;

  function arm(at: number): void {
    if (stopped || (armed !== null && armed.at <= at)) return;
    clock.clearTimeout(armed?.handle);
    const delayMs = Math.min(Math.max(0, at - clock.now()), limits.timerArmMaxMs);
    armed = { at, handle: clock.setTimeout(() => void run(), delayMs) };
  }

  async function run(): Promise<void> {
    armed = null;
    try {
      while (!stopped && (await fire()) > 0);
      const next = await nextTimerAt();
      if (next !== null) arm(next);
    } catch (error) {
      onError(error);
      arm(clock.now() + limits.restartMinMs);
    }
  }

  return {
    /** Call once at start. */
    start: run,
    /** A timer was set for this time. */
    arm,
    stop(): void {
      stopped = true;
      clock.clearTimeout(armed?.handle);
    },
  };
}
