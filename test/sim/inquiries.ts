import type { RequestTries } from '../../src/backend/asking.ts';

/** A question to the backend, as the conversation that asks it makes it. */
export interface Inquiry {
  readonly src: string;
  readonly about: string;
  readonly madeAt: number;
  /** It is to be answered. */
  open: boolean;
}

/** What the backend has seen of one. */
interface Asked {
  readonly id: string;
  tries: number;
  refused: boolean;
}

/** How a request has ended, by its entry. */
export interface Ended {
  readonly request: string;
  readonly src: string;
  readonly late?: boolean;
  readonly output?: { readonly found: string };
  readonly error?: { readonly code: string };
}

/** How requests are tried: until their deadline, or, in a world of tight bounds, a few times. */
export const triesOf = (tight: boolean): RequestTries => ({
  timeoutMs: 3000,
  attemptsMax: tight ? 5 : null,
  deadlineMs: 10 * 60_000,
  backoffMaxMs: 30_000,
});

const keyOf = (src: string, about: string): string => `${src} ${about}`;

/**
 * Requests to the backend, each known by what is asked and by what about: no two of a world are alike. One is asked
 * under one id, and ended once, by what the backend has said, or when it has been asked often or long enough.
 */
export class Inquiries {
  readonly #violate: (invariant: string, what: string) => void;
  readonly #tries: RequestTries;
  readonly #made = new Map<string, Inquiry>();
  readonly #asked = new Map<string, Asked>();
  readonly #keys = new Map<string, string>();
  /** By how much the wall clock was set back in all: added to its times, it never goes back. */
  setBackMs = 0;
  /** The latest that it has shown, so counted. */
  #latest = 0;

  constructor(violate: (invariant: string, what: string) => void, tries: RequestTries) {
    this.#violate = violate;
    this.#tries = tries;
  }

  /** What is to be answered. */
  get open(): Inquiry[] {
    return [...this.#made.values()].filter(({ open }) => open);
  }

  /** An entry of this time has come. */
  heardAt(at: number): void {
    this.#latest = Math.max(this.#latest, at + this.setBackMs);
  }

  make(src: string, about: string, madeAt: number): Inquiry {
    const inquiry = { src, about, madeAt: madeAt + this.setBackMs, open: true };
    this.#made.set(keyOf(src, about), inquiry);
    return inquiry;
  }

  /** The backend is asked. `told`: whoever asks has been heard of all that is committed. */
  ask(id: string, src: string, about: string, told: boolean): void {
    const key = keyOf(src, about);
    if (told && !this.#made.has(key)) this.#violate('requests', `${id} asks ${key}, which is not committed`);
    const before = this.#asked.get(key) ?? { id, tries: 0, refused: false };
    if (before.id !== id) this.#violate('requests', `${key} is asked as ${before.id} and as ${id}`);
    const other = this.#keys.get(id) ?? key;
    if (other !== key) this.#violate('requests', `${id} is asked for ${other} and for ${key}`);
    before.tries += 1;
    this.#asked.set(key, before);
    this.#keys.set(id, key);
  }

  /** The backend has said no for good. */
  refuse(src: string, about: string): void {
    const asked = this.#asked.get(keyOf(src, about));
    if (asked !== undefined) asked.refused = true;
  }

  /**
   * A request ends: the question that it was; null where nobody waits for it, or where that may not be. `awaited`: what
   * its conversation waits for by that name.
   */
  end(seq: number, ended: Ended, awaited: Inquiry | null): Inquiry | null {
    const { request, src, late } = ended;
    const key = this.#keys.get(request);
    // What was never asked has told nobody its id.
    const inquiry = (key === undefined ? this.#unasked(src, awaited) : this.#made.get(key)) ?? null;
    this.#checkEnd(seq, ended, inquiry, key === undefined ? null : (this.#asked.get(key) ?? null));
    if (late === true) {
      if (key !== undefined && inquiry?.open === true)
        this.#violate('requests', `entry ${seq} drops the answer to ${request}, which is waited for`);
      return null;
    }
    if (inquiry?.open !== true) {
      this.#violate('requests', `entry ${seq} answers ${request}, which nobody waits for`);
      return null;
    }
    inquiry.open = false;
    return inquiry;
  }

  #unasked(src: string, awaited: Inquiry | null): Inquiry | undefined {
    const unasked = (one: Inquiry): boolean => one.src === src && !this.#asked.has(keyOf(src, one.about));
    if (awaited !== null && unasked(awaited)) return awaited;
    const candidates = [...this.#made.values()].filter(unasked);
    return candidates.find(({ open }) => open) ?? candidates[0];
  }

  #checkEnd(seq: number, { request, output, error }: Ended, inquiry: Inquiry | null, asked: Asked | null): void {
    const { attemptsMax, deadlineMs, backoffMaxMs } = this.#tries;
    // It ends once the next try would come too late.
    const expired = inquiry !== null && this.#latest >= inquiry.madeAt + deadlineMs - backoffMaxMs;
    const why = `entry ${seq} ends ${request} as ${error?.code ?? 'answered'}`;
    if (asked === null) {
      this.#violate('requests', `${why}, and it was never asked`);
    } else if (error?.code === 'refused') {
      if (!asked.refused) this.#violate('requests', `${why}, and the backend has not refused it`);
    } else if (error !== undefined && asked.tries < (attemptsMax ?? Number.POSITIVE_INFINITY) && !expired) {
      this.#violate('requests', `${why} after ${asked.tries} tries`);
    }
    if (output !== undefined && output.found !== foundFor(request))
      this.#violate('requests', `${why} with ${output.found}`);
  }
}

/** What the backend finds: always the same for the same request. */
export const foundFor = (requestId: string): string => `<${requestId}>`;
