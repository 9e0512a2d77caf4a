import { type Entry, type EntryType, lengthOf, type ReadQuery } from '../../src/journal/journal.ts';
import type { Sink, Subscription } from '../../src/operators/operators.ts';
import type { Reads } from '../../src/operators/pages.ts';

/** A journal in memory, read as slowly as the test likes, from which retention can take entries at any moment. */
export class MemoryJournal implements Reads {
  readonly stream = 's';
  readonly entries: Entry[] = [];
  first = 1;
  reads = 0;
  entriesRead = 0;
  /** Awaited by each read, before and after it looks. */
  pace: () => Promise<void> = async () => {};

  bounds() {
    return { first: this.first, head: this.entries.length };
  }

  append(chat: string | null, type: EntryType = 'update.received', size = 0): Entry {
    const seq = this.entries.length + 1;
    const body = JSON.stringify({ update: { n: seq, text: 'x'.repeat(size) } });
    const entry = { seq, type, bot: '1', chat, at: 0, body };
    this.entries.push(entry);
    return entry;
  }

  async read(query: ReadQuery): Promise<Entry[]> {
    const { from, to, limit, lengthMax = Number.POSITIVE_INFINITY, chats = null, types = null } = query;
    this.reads += 1;
    await this.pace();
    const all = this.entries
      .slice(Math.max(from, this.first) - 1, to)
      .filter(({ chat }) => chats === null || (chat !== null && chats.includes(chat)))
      .filter(({ type }) => types === null || types.includes(type))
      .slice(0, limit);
    let length = 0;
    const over = all.findIndex((entry) => {
      length += lengthOf(entry);
      return length >= lengthMax;
    });
    const read = over === -1 ? all : all.slice(0, over + 1);
    this.entriesRead += read.length;
    await this.pace();
    return read;
  }
}

/** A reader's end of a stream, that takes what it gets as the test decides. */
export class MemorySink implements Sink {
  text = '';
  writes: (Uint8Array | string)[] = [];
  ended = false;
  destroyed = false;
  /** Bytes taken by `write` and not yet by the reader. */
  held = 0;
  heldMax = 0;
  /** Whether the reader takes what comes at once. */
  open = true;
  /** Bytes held beyond which `write` says to wait. */
  highWater = 1;
  #drain = () => {};
  #close = () => {};

  write(chunk: Uint8Array | string): boolean {
    this.writes.push(chunk);
    this.text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    if (this.open) return true;
    this.held += Buffer.byteLength(chunk);
    this.heldMax = Math.max(this.heldMax, this.held);
    return this.held < this.highWater;
  }

  /** The reader takes so many bytes. */
  take(bytes = this.held): void {
    this.held = Math.max(0, this.held - bytes);
    if (this.held === 0) this.#drain();
  }

  pending(): number {
    return this.held;
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
    this.#close();
  }

  onDrain(listener: () => void): void {
    this.#drain = listener;
  }

  onClose(listener: () => void): void {
    this.#close = listener;
  }

  /** The client goes away. */
  leave(): void {
    this.#close();
  }

  /** What was sent, frame by frame: the seq of entries, and the control events. */
  events(): (number | string)[] {
    return this.text.split('\n\n').flatMap((frame): (number | string)[] => {
      const event = /^event: (stream\..*)$/m.exec(frame)?.[1];
      const data = /^data: (.*)$/m.exec(frame)?.[1] ?? '';
      if (event === 'stream.gap') return [`gap ${JSON.parse(data).from}-${JSON.parse(data).to}`];
      if (event !== undefined) return [event.replace('stream.', '')];
      return data === '' ? [] : [Number(JSON.parse(data).seq)];
    });
  }

  seqs(): number[] {
    return this.events().filter((event) => typeof event === 'number');
  }

  get heartbeats(): number {
    return this.text.split('\n\n').filter((frame) => frame === ':').length;
  }
}

export const subscription = (sink: Sink, fields: Partial<Subscription> = {}): Subscription => ({
  keyId: '1',
  after: 0,
  chats: null,
  types: null,
  format: 'sse',
  reset: false,
  sink,
  ...fields,
});
