import type { Clock } from '../../src/clock.ts';

/** Something that is to happen, until it is taken back. */
export interface Armed {
  readonly at: number;
  readonly order: number;
  fn: (() => void) | null;
}

const BEGAN_AT = Date.parse('2026-01-01T00:00:00Z');
/** Node waits 1 ms in place of a delay that is none, or longer than this. */
const NODE_DELAY_MAX_MS = 2 ** 31 - 1;

/**
 * The world's time, ms: it stands still while code runs and jumps from one thing that is to happen to the next. Two that
 * are due at once happen in the order in which they were asked for.
 */
export class VirtualTime {
  #now = 0;
  #order = 0;
  steps = 0;
  #heap: Armed[] = [];
  /** What wall clocks show beside the time that has passed since the world began. */
  wallOffsetMs = BEGAN_AT;

  /** Time since the world began. */
  get now(): number {
    return this.#now;
  }

  /** What the wall clock shows: somebody may set it. */
  get wall(): number {
    return this.#now + this.wallOffsetMs;
  }

  /** What time it is, whatever the wall clock shows: Telegram knows. */
  get actual(): number {
    return this.#now + BEGAN_AT;
  }

  after(delayMs: number, fn: () => void): Armed {
    const armed = { at: this.#now + Math.max(0, delayMs), order: this.#order++, fn };
    push(this.#heap, armed);
    return armed;
  }

  /** Lets everything happen that is due up to then, or until `stopped`. */
  async run(until: number, stopped: () => boolean): Promise<void> {
    await settle();
    for (let first = this.#heap[0]; first !== undefined && first.at <= until; first = this.#heap[0]) {
      pop(this.#heap);
      if (first.fn === null) continue;
      this.#now = first.at;
      this.steps += 1;
      first.fn();
      await settle();
      if (stopped()) return;
    }
    this.#now = Math.max(this.#now, until);
  }

  /** The clock of one process: with its death its timers die. */
  clockOf(process: { readonly dead: boolean }): Clock {
    const aheadMs = this.wallOffsetMs;
    return {
      now: () => this.wall,
      steadyNow: () => this.#now + aheadMs,
      setTimeout: (fn, delayMs) => {
        const whole = delayMs >= 1 && delayMs <= NODE_DELAY_MAX_MS ? Math.trunc(delayMs) : 1;
        const timer: Armed = this.after(whole, () => {
          timer.fn = null;
          if (!process.dead) fn();
        });
        return { timer };
      },
      clearTimeout: (handle) => {
        if (isArmed(handle?.timer)) handle.timer.fn = null;
      },
    };
  }
}

const isArmed = (timer: unknown): timer is Armed => typeof timer === 'object' && timer !== null && 'fn' in timer;

/** All promises that can go on have gone on: whatever is simulated waits for nothing but virtual time. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const before = (a: Armed, b: Armed): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: Armed[], armed: Armed): void {
  let at = heap.length;
  heap.push(armed);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || before(above, armed)) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = armed;
}

function pop(heap: Armed[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
    if (left === undefined) break;
    const first = right !== undefined && before(right, left) ? right : left;
    if (before(last, first)) break;
    heap[at] = first;
    at = first === left ? 2 * at + 1 : 2 * at + 2;
  }
  heap[at] = last;
}
