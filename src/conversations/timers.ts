import type { Clock, TimerHandle } from '../clock.ts';
import { limits } from '../limits.ts';

export interface TimerServiceOptions {
  readonly clock: Clock;
  /** When the next timer is due; null where none is set. */
  readonly nextTimerAt: () => Promise<number | null>;
  /** Fires what is due, a bounded unit of work; how many it took. */
  readonly fire: () => Promise<number>;
  readonly onError: (error: unknown) => void;
}

/**
 * Durable time: the rows are the timers, and this arms the clock once, for the earliest, however many there are.
 * Overdue ones (the process was down) fire at start, in due order. Between two units of a storm others get their turn.
 */
export function createTimerService({ clock, nextTimerAt, fire, onError }: TimerServiceOptions) {
  /** The earliest due time known of; null: none. */
  let next: number | null = null;
  let handle: TimerHandle | undefined;
  let firing = false;
  let stopped = false;

  /** Waits for `next` in pieces: setTimeout has a longest wait, and fires some of them a little early. */
  function wait(): void {
    clock.clearTimeout(handle);
    if (stopped || firing || next === null) return;
    const delayMs = Math.min(Math.max(0, next - clock.now()), limits.timerArmMaxMs);
    handle = clock.setTimeout(() => void (next !== null && clock.now() < next ? wait() : run()), delayMs);
  }

  async function run(): Promise<void> {
    firing = true;
    next = null;
    try {
      while (!stopped && (await fire()) > 0);
      const at = await nextTimerAt();
      if (at !== null) arm(at);
    } catch (error) {
      onError(error);
      // Whatever is due by then is found then.
      next = clock.now() + limits.restartMinMs;
    }
    firing = false;
    wait();
  }

  function arm(at: number): void {
    if (next !== null && next <= at) return;
    next = at;
    wait();
  }

  return {
    /** Call once at start. Resolves when what was overdue has fired. */
    start: run,
    /** A timer was set for this time. */
    arm,
    /** The wall clock was set: what is due by it now fires. */
    look(): void {
      next = clock.now();
      wait();
    },
    stop(): void {
      stopped = true;
      clock.clearTimeout(handle);
    },
  };
}
