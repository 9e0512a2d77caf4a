import { limits } from '../../src/limits.ts';

/** What a unit of work, and those that wait before it, may take. */
const SLACK_MS = 1000;
/** So soon a wall clock that was set is noticed. */
const NOTICED_MS = 1000;

/**
 * How late a timer may fire: soon after it is due, if a process serves and the disk lets it. All times are those of the
 * wall clock.
 */
export class Punctuality {
  /** Until then nobody could be punctual. */
  #excused = 0;
  /** By how much the wall clock was set forward unnoticed. */
  #unnoticedMs = 0;

  /** A process has begun to serve, or the disk has failed. */
  excuse(wall: number): void {
    this.#excused = Math.max(this.#excused, wall);
  }

  /** Somebody has set the wall clock. A small step is not noticed: what waits by then comes so much later. */
  clockSet(byMs: number, wall: number): void {
    if (byMs > 0 && byMs <= limits.clockStepMs) this.#unnoticedMs += byMs;
    else this.excuse(wall + NOTICED_MS);
  }

  /** The latest that what is due then may come. */
  latest(dueAt: number): number {
    return Math.max(dueAt, this.#excused) + SLACK_MS + this.#unnoticedMs;
  }
}
