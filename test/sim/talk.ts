import type { Inquiries } from './inquiries.ts';
import { type Coming, type Expected, PlainChatter } from './plain-chatter.ts';
import { ANEW, NAMES, type Release, type Unfit, type Version } from './release.ts';

/** What the conversations of a world have in common. */
export interface Surroundings {
  readonly inquiries: Inquiries;
  readonly unfit: Unfit;
  /** What the process runs that steps them. */
  today: Release;
  /** Events that a retry takes in one unit of work. */
  heldPerUnit: () => number;
}

/**
 * A conversation as plain code has it: beside what its machine does, what is held while it stands still, what becomes of
 * that at a retry, and how it comes from one version to another.
 */
export class Talk extends PlainChatter {
  readonly #world: Surroundings;
  /** Of today's that it did not fit, and was stepped in spite of: once it fits, it comes to it when it is read again. */
  #keptBy: Version | null = null;
  quarantined = false;
  /** What it has not taken. */
  held: Coming[] = [];

  constructor(world: Surroundings) {
    super(world.today.version, world.inquiries);
    this.#world = world;
  }

  get runs(): boolean {
    return !this.quarantined && this.state !== 'none' && this.state !== 'over';
  }

  /** There is a row of it. */
  get begun(): boolean {
    return this.quarantined || this.state !== 'none' || this.heard > 0;
  }

  get outdated(): boolean {
    return this.version !== this.#world.today.version;
  }

  /** It may not be stepped as it is, nor stay so: it comes to today's version first, or is held by policy. */
  get mustComeUp(): boolean {
    const { unfit, today } = this.#world;
    return this.runs && this.outdated && (unfit !== 'keep' || (this.fits && this.#keptBy !== today.version));
  }

  /** Whether it can go on with today's version: each of its states is there, and those that its history leads to. */
  get fits(): boolean {
    const [before, today] = [NAMES[this.version], NAMES[this.#world.today.version]];
    if (this.state === 'asking' && before.asking !== today.asking) return false;
    if (this.state === 'both' && before.both !== today.both) return false;
    return this.leftBoth === null || this.leftBoth === today.both;
  }

  /** It comes to today's version, or is held by policy: the entries that tell so. */
  bringUp(): Expected[] {
    this.told = [];
    this.#bringUp();
    return this.told;
  }

  /** The entries that this brings. */
  take(coming: Coming, at: number): Expected[] {
    this.told = [];
    if (this.quarantined) this.held.push(coming);
    else {
      if (this.runs && this.outdated) this.#keptBy = this.#world.today.version;
      if (!this.#step(coming, at)) this.#standStill(coming);
    }
    return this.told;
  }

  /** One unit of work of a retry. It may bring no entry. */
  retry(at: number): Expected[] {
    this.told = [];
    if (this.state !== 'none' && this.outdated && !this.#bringUp()) return this.told;
    // Kept: it is stepped as it is, as by whatever else comes.
    if (this.outdated) this.#keptBy = this.#world.today.version;
    for (let n = 0; n < this.#world.heldPerUnit(); n += 1) {
      const [next] = this.held;
      if (next === undefined) {
        this.quarantined = false;
        this.tell('chat.resumed', '');
        return this.told;
      }
      const wanted = next.kind !== 'answer' || this.asked.has(next.src);
      if (wanted && !this.#step(next, at)) {
        this.tell('chat.quarantined', '');
        return this.told;
      }
      this.held = this.held.filter((held) => held !== next);
    }
    if (this.state === 'over') this.state = 'none';
    return this.told;
  }

  /** It is no more: another has taken its place. */
  drop(): void {
    for (const src of [...this.asked.keys()]) this.withdraw(src);
  }

  /** What came of it, and was not taken yet, would not have come. */
  override takenBack(name: string | null): void {
    const comesOf = (coming: Coming): string | null =>
      coming.kind === 'timer' ? coming.timer : coming.kind === 'answer' ? coming.src : null;
    this.held = this.held.filter((coming) => comesOf(coming) === null || (name !== null && comesOf(coming) !== name));
  }

  #bringUp(): boolean {
    const { unfit, today } = this.#world;
    const before = this.value;
    if (this.fits) {
      this.tell('chat.migrated', `${this.version} ${today.version} migrated`);
      this.version = today.version;
      if (this.value !== before) this.tell('chat.moved', `${before} ${this.value}`);
      return true;
    }
    if (unfit === 'keep') return true;
    if (unfit === 'restart') {
      this.tell('chat.migrated', `${this.version} ${today.version} restarted`);
      this.tell('message.accepted', ANEW);
      this.state = 'none';
      this.endAll();
      return true;
    }
    this.quarantined = true;
    this.tell('chat.quarantined', '');
    return false;
  }

  #standStill(coming: Coming): void {
    if (this.state === 'over') this.state = 'none';
    this.quarantined = true;
    this.held = [coming];
    this.tell('chat.quarantined', '');
  }

  /** False: it fails, and nothing of it has happened. */
  #step(coming: Coming, at: number): boolean {
    const begins = this.state === 'none' || this.state === 'over';
    if (begins && coming.kind === 'member') return true;
    const { mended, version } = this.#world.today;
    if (coming.kind === 'message' && coming.text.startsWith('boom') && !mended) return false;
    const before = begins ? 'null' : this.value;
    if (begins) {
      this.state = 'idle';
      this.version = version;
      [this.heard, this.last, this.delayMs, this.leftBoth] = [0, '', 1, null];
    }
    this.react(coming, at);
    if (this.value !== before) this.tell('chat.moved', `${before} ${this.value}`);
    return true;
  }
}
