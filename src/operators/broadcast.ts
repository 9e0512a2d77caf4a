import type { Clock } from '../clock.ts';
import { errorText, type SwitchboardError } from '../errors.ts';
import type { Entry } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { StatusStore } from '../status.ts';
import { storageFault } from '../storage-fault.ts';
import { bytesOf, controlFrame, frameOf, opening } from './frames.ts';
import {
  entryText,
  type OpenStream,
  type Operators,
  type Page,
  type PageQuery,
  type Subscription,
} from './operators.ts';
import { type Reads, readPage } from './pages.ts';
import { Reader } from './reader.ts';
import { Ring } from './ring.ts';
import { BEATS, createWatch } from './watch.ts';

export interface BroadcastOptions {
  readonly journal: Reads;
  readonly clock: Clock;
  /** From 0 up to 1: spreads the readers' return after a lost stream. */
  readonly random: () => number;
  /** Told how the readers are doing. */
  readonly status?: StatusStore;
  readonly log: { warn(fields: object, message: string): void };
  /** Starts a round of writes; by default after the I/O at hand, so that the commits of one moment are one write. */
  readonly schedule?: (run: () => void) => void;
}

/**
 * The broadcast. Each reader has a place in the journal and nothing else: whoever stands within the ring of recent
 * entries is written to from there, a write a round; whoever is behind gets pages of the journal as fast as its
 * socket takes them, until it reaches the ring. No entry is queued for anybody, so that a slow reader costs no more
 * memory than its socket's buffer (limits.readerBufferBytes and one entry).
 *
 * I4: a reader's place moves only by what was written to it or did not pass its filters.
 */
export function createBroadcast(options: BroadcastOptions): Operators {
  return new Broadcast(options);
}

class Broadcast implements Operators {
  readonly #options: BroadcastOptions;
  readonly #schedule: (run: () => void) => void;
  readonly #readers = new Set<Reader>();
  readonly #ring: Ring;
  /** Readers that wait for a page of the journal, the longest waiting first. */
  readonly #behind = new Set<Reader>();
  #pagesUnderWay = 0;
  /** The rest of the round under way. */
  #round: Iterator<Reader> | null = null;
  #wanted = false;
  #scheduled = false;
  #closed = false;
  readonly #watch: ReturnType<typeof createWatch>;
  #lastId = 0;
  /** Written to readers that are gone. */
  #bytesGone = 0;

  constructor(options: BroadcastOptions) {
    this.#options = options;
    this.#schedule = options.schedule ?? setImmediate;
    this.#ring = new Ring(options.journal.bounds().head);
    this.#watch = createWatch({
      clock: options.clock,
      readers: this.#readers,
      stream: options.journal.stream,
      head: () => options.journal.bounds().head,
      onSeen: ({ bytes, ...seen }) => this.#tellStatus({ ...seen, bytes: this.#bytesGone + bytes }),
    });
  }

  publish(entries: readonly Entry[]): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    // Nobody listens: nothing is encoded, and who comes later begins with the journal.
    if (this.#readers.size === 0) {
      this.#ring.emptyBehind(last.seq);
      return;
    }
    for (const entry of entries) this.#ring.push(entry, frameOf(this.#options.journal.stream, entry));
    this.#wantRound();
  }

  catchUp(): void {
    this.#ring.emptyBehind(this.#options.journal.bounds().head);
    this.#wantRound();
  }

  subscribe(subscription: Subscription): Promise<void> {
    const { format, reset, sink, told } = subscription;
    if (this.#closed) {
      sink.end();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const { journal, random, clock } = this.#options;
      const retryMs = Math.round(limits.reconnectMs * (0.5 + random()));
      this.#lastId += 1;
      const at = { id: this.#lastId, since: clock.now(), beat: this.#lastId % BEATS };
      const reader = new Reader(subscription, at, resolve);
      const filtered = reader.filter !== null;
      const { after } = told ?? subscription;
      const bounds = { ...journal.bounds(), ...(told === undefined ? {} : { head: told.head }) };
      const hello = opening(format, { stream: journal.stream, ...bounds, after, filtered }, retryMs);
      this.#readers.add(reader);
      this.#tellStatus();
      this.#watch.wake();
      sink.onClose(() => this.#remove(reader));
      sink.onDrain(() => this.#drained(reader));
      reader.write(hello + (reset ? controlFrame(format, 'stream.reset', {}) : ''));
      this.#wantRound();
    });
  }

  async page(query: PageQuery): Promise<Page> {
    const { entries, ...page } = await readPage(this.#options.journal, query);
    return { ...page, texts: entries.map(entryText) };
  }

  list({ after, limit }: { readonly after: number; readonly limit: number }): OpenStream[] {
    const { head } = this.#options.journal.bounds();
    const views: OpenStream[] = [];
    for (const reader of this.#readers) {
      if (views.length >= limit) break;
      if (reader.id > after) views.push(reader.view(head));
    }
    return views;
  }

  endStreamsOf(keyId: string): void {
    for (const reader of this.#readers) {
      if (reader.keyId !== keyId) continue;
      // What its socket still holds would keep the stream open for as long as its reader likes.
      if (reader.sink.pending() > 0) reader.sink.destroy();
      else reader.sink.end();
      this.#remove(reader);
    }
  }

  fail(fault: SwitchboardError): void {
    for (const reader of this.#readers) this.#failed(reader, fault);
  }

  #failed(reader: Reader, { code, message }: SwitchboardError): void {
    reader.write(controlFrame(reader.format, 'stream.error', { code, detail: message }));
    reader.sink.end();
    this.#remove(reader);
  }

  close(): void {
    this.#closed = true;
    this.#watch.stop();
    for (const reader of this.#readers) {
      reader.sink.end();
      this.#remove(reader);
    }
  }

  #remove(reader: Reader): void {
    if (!this.#readers.delete(reader)) return;
    reader.state = 'gone';
    this.#behind.delete(reader);
    this.#bytesGone += reader.bytes;
    this.#tellStatus();
    reader.left();
  }

  /** Tells how many there are, and the rest where it has been looked at. */
  #tellStatus(seen?: { readonly behind: number; readonly lag: number; readonly bytes: number }): void {
    const { status } = this.#options;
    if (status === undefined) return;
    const before = status.getSnapshot().context.operators;
    const none = this.#readers.size === 0 ? { behind: 0, lag: 0, bytes: this.#bytesGone } : {};
    status.trigger.set({ values: { operators: { ...before, ...seen, ...none, connected: this.#readers.size } } });
  }

  #drained(reader: Reader): void {
    if (reader.state !== 'blocked') return;
    reader.state = 'ready';
    this.#wantRound();
  }

  #wantRound(): void {
    this.#wanted = true;
    this.#scheduleTick();
  }

  #scheduleTick(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    this.#schedule(this.#tick);
  }

  /** Writes to a share of the readers, so that many of them do not hold up everything else. */
  readonly #tick = (): void => {
    this.#scheduled = false;
    if (this.#round === null) {
      this.#round = this.#readers.values();
      this.#wanted = false;
    }
    for (let n = 0; n < limits.readersPerTick; n += 1) {
      const next = this.#round.next();
      if (next.done) {
        this.#round = null;
        break;
      }
      this.#pump(next.value);
    }
    this.#readPages();
    if (this.#round !== null || this.#wanted) this.#scheduleTick();
  };

  /** One write to a reader that takes more and has not everything. */
  #pump(reader: Reader): void {
    const ring = this.#ring;
    if (reader.state !== 'ready' || reader.after >= ring.head) return;
    if (reader.after + 1 < ring.first) {
      reader.state = 'replaying';
      this.#behind.add(reader);
      return;
    }
    const { after, format, filter } = reader;
    const chunk = filter === null ? ring.shared(after, format) : ring.filtered(after, format, filter);
    reader.after = chunk?.after ?? ring.head;
    if (chunk !== null) {
      reader.shows(chunk.last);
      reader.write(chunk.bytes);
    }
    if (reader.after < ring.head) this.#wanted = true;
  }

  /** Starts pages for those behind: few at once, since each holds the entries of a page in memory. */
  #readPages(): void {
    for (const reader of this.#behind) {
      if (this.#pagesUnderWay >= limits.replayPagesMax) return;
      this.#behind.delete(reader);
      this.#pagesUnderWay += 1;
      void this.#replay(reader).finally(() => {
        this.#pagesUnderWay -= 1;
        // The next page comes with the next round: reading in one go would leave no time for others.
        this.#wantRound();
      });
    }
  }

  async #replay(reader: Reader): Promise<void> {
    const { journal, log } = this.#options;
    const { after, chats, types, owner } = reader;
    const bounds = { limit: limits.readEntriesMax, lengthMax: limits.readerBufferBytes };
    try {
      const page = await readPage(journal, { after, chats, types, owner, ...bounds });
      if (reader.state !== 'replaying') return;
      reader.state = 'ready';
      const parts: Buffer[] = [];
      let bytes = 0;
      if (page.gap !== null) {
        const gap = { ...page.gap, from: Math.min(page.gap.from, reader.shown + 1) };
        parts.push(Buffer.from(controlFrame(reader.format, 'stream.gap', gap)));
      }
      for (const entry of page.entries) {
        if (bytes >= limits.readerBufferBytes) break;
        const part = bytesOf(frameOf(journal.stream, entry), reader.format);
        parts.push(part);
        bytes += part.length;
        reader.after = entry.seq;
        reader.shows(entry.seq);
      }
      const written = parts.length - (page.gap === null ? 0 : 1);
      if (written === page.entries.length) reader.after = page.after;
      if (parts.length > 0) reader.write(Buffer.concat(parts));
    } catch (error) {
      if (reader.state === 'gone') return;
      const fault = storageFault(error);
      if (fault?.code === 'data_damaged') return this.#failed(reader, fault);
      if (fault === null)
        log.warn({ event: 'replay_failed', error: errorText(error) }, 'The journal could not be read for a reader');
      // It resumes by itself where it is; going on here might skip what could not be read.
      reader.sink.destroy();
      this.#remove(reader);
    }
  }
}
