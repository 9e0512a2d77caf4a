import type { Random } from './random.ts';
import type { Moment } from './wire.ts';

/** When a life of the process ends: at the nth such moment, and `delayMs` later. */
export interface Death {
  readonly moment: Moment;
  readonly nth: number;
  readonly delayMs: number;
  /** Whether what was on the wire at that moment still arrives. */
  readonly arrives: boolean;
  /** Whether the Bot API server then delivers again all that it holds unconfirmed, whatever offset it is asked for. */
  readonly serverForgets: boolean;
}

/** As many, a multiple of 10: while a batch is committed, while one is confirmed, while messages are under way. */
export function planDeaths(random: Random, count: number): Death[] {
  const tenth = count / 10;
  const moments: Moment[] = [
    ...Array<Moment>(3 * tenth).fill('batch'),
    ...Array<Moment>(3 * tenth).fill('confirm'),
    ...Array<Moment>(2 * tenth).fill('call'),
    ...Array<Moment>(2 * tenth).fill('answer'),
  ];
  const deaths = moments.map((moment, i) => {
    const arrives = i % 2 === 0;
    return {
      moment,
      nth: random.whole(1, { batch: 4, confirm: 2, call: 100, answer: 100 }[moment]),
      delayMs: moment === 'batch' ? random.whole(0, 12) : 0,
      arrives,
      serverForgets: (moment === 'confirm' && !arrives) || random.next() < 0.5,
    };
  });
  return random.shuffled(deaths);
}

/** Has `kill` called at the death's moment. Give each moment on the wire to `at`, whose answer is the wire's. */
export function armDeath({ moment, nth, delayMs, arrives }: Death, kill: () => void): (seen: Moment) => boolean {
  let left = nth;
  return (seen) => {
    if (seen !== moment || left === 0) return true;
    left -= 1;
    if (left > 0) return true;
    if (delayMs > 0) setTimeout(kill, delayMs);
    else kill();
    return arrives;
  };
}
