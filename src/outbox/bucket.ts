import { limits } from '../limits.ts';

/** How fast a bucket fills, and how much it holds. */
export interface Flow {
  readonly perMs: number;
  readonly burst: number;
}

/**
 * A token bucket that learns: it widens by a part of its first rate for each while that somebody had to wait for it and
 * Telegram did not mind, and narrows by a factor when Telegram did (429). The rate at which it was refused is not
 * reached again for a while, which doubles with every refusal: so it settles just below what Telegram allows.
 */
export class Bucket {
  readonly #start: Flow;
  #perMs: number;
  #tokens: number;
  /** When `#tokens` was true, ms. Ahead of the clock while Telegram asked to wait. */
  #at: number;
  #heldUntil = 0;
  /** The last turn given. */
  #turn = 0;
  /** When the last two calls went. */
  #went: readonly [number, number] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  /** Somebody was told to wait since the rate last changed. */
  #wanted = false;
  #changedAt: number;
  #ceiling = Number.POSITIVE_INFINITY;
  #calmUntil = 0;
  #calmMs: number = limits.paceCalmMinMs;

  constructor(start: Flow, now: number) {
    this.#start = start;
    this.#perMs = start.perMs;
    this.#tokens = start.burst;
    this.#at = now;
    this.#changedAt = now;
  }

  /** Messages a ms, as learned so far. */
  get perMs(): number {
    return this.#perMs;
  }

  tokens(now: number): number {
    return Math.min(this.#start.burst, this.#tokens + Math.max(0, now - this.#at) * this.#perMs);
  }

  /** Telegram asked to wait until then; in the past: it does not. */
  get heldUntil(): number {
    return this.#heldUntil;
  }

  /** When this many tokens are there, if nobody takes any; `now` where they are. */
  readyAt(now: number, tokens: number): number {
    const from = Math.max(now, this.#heldUntil);
    const missing = tokens - this.tokens(from);
    if (missing <= 0) return from;
    this.#wanted = true;
    return Math.ceil(from + missing / this.#perMs);
  }

  /**
   * As `readyAt` for one of many that wait side by side: each gets a time of its own, so that not all come at once. Turns
   * are given out for limits.paceRestMaxMs ahead; whoever finds none left comes again by then, and takes none meanwhile.
   */
  turnAt(now: number): number {
    const at = this.readyAt(now, 1);
    if (at <= now) return at;
    const turn = Math.max(at, this.#turn + 1 / this.#perMs);
    const last = Math.max(at, now + limits.paceRestMaxMs);
    if (turn > last) return last;
    this.#turn = turn;
    return Math.ceil(turn);
  }

  /** A message goes. */
  take(now: number): void {
    this.#tokens = this.tokens(now) - 1;
    this.#at = Math.max(now, this.#at);
    this.note(now);
    this.#widen(now);
  }

  /** A call goes that Telegram does not count as a message; a 429 may be about it all the same. */
  note(now: number): void {
    this.#went = [this.#went[1], now];
  }

  /** Whether another call went shortly before the last one: so lately that the bucket has not filled again since. */
  get busy(): boolean {
    const [before, last] = this.#went;
    return last - before < Math.max(2, this.#start.burst) / this.#perMs;
  }

  /** Telegram refused a message, and asked to wait. `tokens`: what there is when the wait is over. */
  refused(now: number, waitMs: number, tokens = 1): void {
    const again = now < this.#heldUntil;
    this.#heldUntil = Math.max(this.#heldUntil, now + waitMs);
    this.#tokens = tokens;
    this.#at = this.#heldUntil;
    // Of several calls that were under way together only the first tells something new.
    if (again) return;
    this.#ceiling = this.#perMs * limits.paceCeilingShare;
    this.#calmUntil = this.#heldUntil + this.#calmMs;
    this.#calmMs = Math.min(this.#calmMs * 2, limits.paceCalmMaxMs);
    this.#perMs = Math.max(this.#perMs * limits.paceNarrowTo, this.#start.perMs * limits.paceShareMin);
    this.#changed(this.#heldUntil);
  }

  #widen(now: number): void {
    if (!this.#wanted || now - this.#changedAt < limits.paceWidenEveryMs) return;
    const most = Math.min(
      this.#start.perMs * limits.paceShareMax,
      now < this.#calmUntil ? this.#ceiling : Number.POSITIVE_INFINITY,
    );
    this.#perMs = Math.max(this.#perMs, Math.min(most, this.#perMs + this.#start.perMs * limits.paceWidenShare));
    this.#changed(now);
  }

  #changed(now: number): void {
    this.#changedAt = now;
    this.#wanted = false;
  }
}
