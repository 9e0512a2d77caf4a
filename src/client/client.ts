import { backoffMs } from '../backoff.ts';
import { type Clock, systemClock } from '../clock.ts';
import { limits } from '../limits.ts';
import type { ClientEvent, StreamLine } from './client-events.ts';
import { open, type StreamAddress } from './client-stream.ts';

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
 * this, or the id is none. Runs in Node and in browsers; nothing is read ahead of what you take.
 */
export async function* events(options: EventsOptions): AsyncGenerator<ClientEvent, void, undefined> {
  const { signal = new AbortController().signal, clock = systemClock, random = Math.random } = options;
  const place = new Place(options.after ?? 'latest');
  let failures = 0;
  while (!signal.aborted) {
    const connection = new AbortController();
    const stop = (): void => connection.abort();
    signal.addEventListener('abort', stop);
    let waitMs: number | null = null;
    try {
      const stream = await open(addressOf(options, place), connection.signal, { clock, fetch: options.fetch ?? fetch });
      if (stream.kind === 'later') waitMs = stream.afterMs;
      else {
        for await (const line of stream.lines) {
          failures = 0;
          const taken = place.take(line);
          if (taken === 'again') break;
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
  #stream: string | null = null;
  #seq = 0;
  /** The first that is kept. */
  #first = 1;
  /** Nothing is filtered: every seq must come. */
  #isWhole = false;
  /** A gap that nobody declared, and that was asked for again. */
  #missed: number | null = null;

  constructor(after: string) {
    this.#after = after;
  }

  query(): [string, string][] {
    if (this.#stream !== null) return [['last_event_id', `${this.#stream}.${this.#seq}`]];
    const isId = this.#after !== 'earliest' && this.#after !== 'latest';
    return [[isId ? 'last_event_id' : 'from', this.#after]];
  }

  /** What a line brings; `again`: something is missing before it, and the stream has to be opened anew. */
  take(line: StreamLine): readonly ClientEvent[] | 'again' {
    switch (line.type) {
      case 'stream.hello':
        this.#isWhole = line.filtered !== true;
        this.#first = line.first;
        // A stream of another name: its `stream.reset` comes next.
        if (this.#stream === null) this.#begin(line.stream, line.head);
        else this.#stream = line.stream;
        return [];
      case 'stream.heartbeat':
        // Of a filtered stream: what was up to there was not for this reader.
        if (!this.#isWhole && typeof line.seq === 'number') this.#seq = Math.max(this.#seq, line.seq);
        return [];
      case 'stream.reset':
        this.#seq = this.#first - 1;
        return [{ type: 'stream.reset', stream: this.#stream ?? '' }];
      case 'stream.gap':
        this.#seq = line.to;
        return [{ type: 'stream.gap', from: line.from, to: line.to }];
      default:
        return this.#entry(line);
    }
  }

  #begin(stream: string, head: number): void {
    this.#stream = stream;
    if (this.#after === 'earliest') this.#seq = this.#first - 1;
    else if (this.#after === 'latest') this.#seq = head;
    else this.#seq = Number(this.#after.slice(this.#after.lastIndexOf('.') + 1));
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
