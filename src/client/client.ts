import { backoffMs } from '../backoff.ts';
import { type Clock, systemClock } from '../clock.ts';
import { limits } from '../limits.ts';
import type { ClientEvent, StreamLine } from './client-events.ts';
import { EventsRefused, open, type StreamAddress } from './client-stream.ts';

export type { ClientEvent, JournalEvent, StreamGap, StreamReset } from './client-events.ts';
export { EventsRefused } from './client-stream.ts';

/** What to read, and how. */
export interface EventsOptions {
  /** Where Switchboard is: `https://switchboard.example`. */
  readonly url: string;
  /** A key that may read. */
  readonly key: string;
  /** The id of the last event that you have; or `earliest`, or `latest` (the default): from now on. */
  readonly after?: string;
  /** Events of these chats alone. */
  readonly chats?: readonly (number | string)[];
  /** Events of these types alone. */
  readonly types?: readonly string[];
  /** Aborted: the events end. */
  readonly signal?: AbortSignal;
  readonly fetch?: typeof fetch;
  readonly clock?: Clock;
  /** From 0 to 1, for jitter. */
  readonly random?: () => number;
}

/**
 * The journal's events, in order, each once, for as long as you take them: it comes back by itself after whatever
 * breaks the connection, and goes on after the last event that it gave. What retention has taken comes as `stream.gap`,
 * a journal made anew as `stream.reset`. Where nothing is filtered it checks that no seq is missing: what is, is asked
 * for again, and told as a gap where it does not come. Keep the `id` of the last event and give it as `after`, and the
 * next process goes on there.
 *
 * Ends when the signal is aborted. Throws EventsRefused where coming back is in vain: the key is none or may not read
 * this, the id is none, or the database is damaged. Runs in Node and in browsers; nothing is read ahead of what you take.
 */
export async function* events(options: EventsOptions): AsyncGenerator<ClientEvent, void, undefined> {
  const { signal = new AbortController().signal, clock = systemClock, random = Math.random } = options;
  const place = new Place(options.after || 'latest');
  let failures = 0;
  while (!signal.aborted) {
    const connection = new AbortController();
    const stop = (): void => connection.abort();
    signal.addEventListener('abort', stop);
    let waitMs: number | null = null;
    try {
      const stream = await open(addressOf(options, place), connection, { clock, fetch: options.fetch ?? fetch });
      if (stream.kind === 'later') waitMs = stream.afterMs;
      else {
        for await (const line of stream.lines) {
          const taken = place.take(line);
          if (taken === 'again') break;
          // One that opens and ends, again and again, is no better than none.
          if (line.type === 'stream.heartbeat' || taken.some((event) => 'seq' in event)) failures = 0;
          yield* taken;
          if (signal.aborted) return;
        }
      }
    } finally {
      connection.abort();
      signal.removeEventListener('abort', stop);
    }
    failures += 1;
    await sleep(
      clock,
      waitMs ?? backoffMs(failures, limits.clientBackoffMinMs, limits.clientBackoffMaxMs, random),
      signal,
    );
  }
}

const addressOf = ({ url, key, chats = [], types = [] }: EventsOptions, place: Place): StreamAddress => ({
  ...{ url, key },
  query: [...place.query(), ...chats.map((chat) => ['chat', String(chat)]), ...types.map((type) => ['type', type])],
});

/** How far a reader is. I4 from the reader's side: it passes on each seq once, in order, and notices what is missing. */
class Place {
  readonly #after: string;
  /** Whether a stream was opened: until then it begins where it was asked to. */
  #hasBegun = false;
  #stream = '';
  #seq = 0;
  /** The first that is kept. */
  #first = 1;
  /** Nothing is filtered: every seq must come. */
  #isWhole = false;
  /** It was told that this stream is another than before. */
  #isReset = false;
  /** A gap that nobody declared, and that was asked for again. */
  #missed: number | null = null;

  constructor(after: string) {
    this.#after = after;
    if (!this.#isId()) return;
    const dot = after.lastIndexOf('.');
    this.#stream = after.slice(0, dot);
    this.#seq = Number(after.slice(dot + 1));
  }

  #isId(): boolean {
    return this.#after !== 'earliest' && this.#after !== 'latest';
  }

  query(): [string, string][] {
    if (this.#hasBegun) return [['last_event_id', `${this.#stream}.${this.#seq}`]];
    return [[this.#isId() ? 'last_event_id' : 'from', this.#after]];
  }

  /** What a line brings; `again`: something is missing before it, and the stream has to be opened anew. */
  take(line: StreamLine): readonly ClientEvent[] | 'again' {
    switch (line.type) {
      case 'stream.hello':
        return this.#hello(line);
      case 'stream.heartbeat':
        // Of a filtered stream: what was up to there was not for this reader.
        if (!this.#isWhole && typeof line.seq === 'number') this.#seq = Math.max(this.#seq, line.seq);
        return [];
      case 'stream.error':
        throw new EventsRefused(500, line.code, line.detail);
      case 'stream.reset':
        return this.#isReset ? [] : this.#reset();
      case 'stream.gap':
        this.#seq = line.to;
        return [{ type: 'stream.gap', from: line.from, to: line.to }];
      default:
        return this.#entry(line);
    }
  }

  /**
   * A stream of another name, or not as long as what was read, begins anew: seen here, as the connection may break before
   * its `stream.reset` comes, and this place has no meaning in it.
   */
  #hello({ stream, first, head, filtered }: Extract<StreamLine, { readonly head: number }>): readonly ClientEvent[] {
    const isOther = stream !== this.#stream || head < this.#seq;
    const isPlaced = this.#hasBegun || this.#isId();
    this.#hasBegun = true;
    this.#stream = stream;
    this.#first = first;
    this.#isWhole = filtered !== true;
    this.#isReset = isPlaced && isOther;
    if (!isPlaced) this.#seq = this.#after === 'earliest' ? first - 1 : head;
    return this.#isReset ? this.#reset() : [];
  }

  #reset(): readonly ClientEvent[] {
    this.#seq = this.#first - 1;
    return [{ type: 'stream.reset', stream: this.#stream }];
  }

  #entry(line: Extract<StreamLine, { readonly seq: number }>): readonly ClientEvent[] | 'again' {
    const expected = this.#seq + 1;
    if (line.seq < expected) return [];
    const event = { ...line, id: `${this.#stream}.${line.seq}` };
    if (line.seq > expected && this.#isWhole) {
      if (this.#missed !== expected) {
        this.#missed = expected;
        return 'again';
      }
      this.#seq = line.seq;
      return [{ type: 'stream.gap', from: expected, to: line.seq - 1 }, event];
    }
    this.#seq = line.seq;
    return [event];
  }
}

function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(done, ms);
    function done(): void {
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
