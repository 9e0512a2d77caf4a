import type { Entry } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { bytesOf, type Format, type Frame } from './frames.ts';

/** Bytes for a reader, and the seq that it has after them. */
export interface Chunk {
  readonly bytes: Buffer;
  readonly after: number;
  /** The last entry in it. */
  readonly last: number;
}

/** What a reader lets through; null: everything. */
export interface Filter {
  readonly chats: ReadonlySet<string> | null;
  readonly types: ReadonlySet<string> | null;
  readonly owner: string | null;
}

interface Slot {
  readonly chat: string | null;
  readonly type: string;
  readonly owner: string | null;
  readonly frame: Frame;
}

/**
 * The newest entries, encoded, without a gap from `first` to `head`. Beyond limits.broadcastEntriesMax or -BytesMax
 * the oldest go, and readers that want them turn to the journal.
 */
export class Ring {
  #slots: (Slot | undefined)[] = new Array(limits.broadcastEntriesMax).fill(undefined);
  #bytes = 0;
  #first: number;
  #head: number;
  #shared = new Map<number, Chunk>();

  /** Empty, behind the entry `head`. */
  constructor(head: number) {
    this.#head = head;
    this.#first = head + 1;
  }

  get first(): number {
    return this.#first;
  }

  get head(): number {
    return this.#head;
  }

  /** Adds the next entry. One that does not follow the last starts the ring anew: the journal has what is between. */
  push(entry: Entry, frame: Frame): void {
    if (entry.seq !== this.#head + 1) this.emptyBehind(entry.seq - 1);
    // Before its slot is taken: a full ring has the oldest entry there.
    if (this.#head - this.#first + 1 >= limits.broadcastEntriesMax) this.#evict();
    this.#slots[entry.seq % limits.broadcastEntriesMax] = {
      chat: entry.chat,
      type: entry.type,
      owner: entry.owner ?? null,
      frame,
    };
    this.#head = entry.seq;
    this.#bytes += frame.sse.length;
    while (this.#bytes > limits.broadcastBytesMax) this.#evict();
    this.#shared.clear();
  }

  /** Lets everything go: the next entry is the one behind `head`. */
  emptyBehind(head: number): void {
    while (this.#first <= this.#head) this.#evict();
    this.#first = head + 1;
    this.#head = head;
    this.#shared.clear();
  }

  /** The entries after `after`, about limits.readerBufferBytes of them. Readers at one place share the bytes. */
  shared(after: number, format: Format): Chunk {
    const key = after * 2 + (format === 'sse' ? 0 : 1);
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    if (this.#shared.size >= limits.sharedChunksMax) this.#shared.clear();
    const chunk = this.filtered(after, format, null) ?? { bytes: Buffer.alloc(0), after: this.#head, last: after };
    this.#shared.set(key, chunk);
    return chunk;
  }

  /** As `shared`, of the entries that the filter lets through; null where it lets none through up to the head. */
  filtered(after: number, format: Format, filter: Filter | null): Chunk | null {
    const parts: Buffer[] = [];
    let bytes = 0;
    let seq = after;
    let last = after;
    while (seq < this.#head && bytes < limits.readerBufferBytes) {
      seq += 1;
      const slot = this.#slots[seq % limits.broadcastEntriesMax];
      if (slot === undefined || (filter !== null && !passes(filter, slot))) continue;
      const part = bytesOf(slot.frame, format);
      parts.push(part);
      bytes += part.length;
      last = seq;
    }
    const [only] = parts;
    if (only === undefined) return null;
    return { bytes: parts.length === 1 ? only : Buffer.concat(parts, bytes), after: seq, last };
  }

  #evict(): void {
    const index = this.#first % limits.broadcastEntriesMax;
    this.#bytes -= this.#slots[index]?.frame.sse.length ?? 0;
    this.#slots[index] = undefined;
    this.#first += 1;
  }
}

/** Whether the filter lets an entry through. Entries of no chat pass where all chats do. */
export function passes(filter: Filter, { chat, type, owner }: Omit<Slot, 'frame'>): boolean {
  if (filter.owner !== null && filter.owner !== owner) return false;
  if (filter.types !== null && !filter.types.has(type)) return false;
  return filter.chats === null || (chat !== null && filter.chats.has(chat));
}
