import type { SwitchboardError } from '../errors.ts';
import type { Entry, EntryType } from '../journal/journal.ts';

/**
 * The broadcast: committed entries, encoded once, for any number of readers.
 *
 * I4: a reader sees every entry after its own that its filters let through, in order, once; where entries are gone
 * it is told so. I7: with `chats` set it sees nothing of other chats, nor what belongs to no chat.
 */
export interface Operators {
  /** Hands over a commit's entries, in the order of the commits; readers at the head get them at once. */
  publish(entries: readonly Entry[]): void;
  /** The broadcast begins, or begins again: whatever was committed and not published, readers get from the journal. */
  catchUp(): void;
  /** Serves one reader. Resolves when it is gone: its client left, its key ended, or the process drains. Never throws. */
  subscribe(subscription: Subscription): Promise<void>;
  /** One page of what a reader with these filters would get: for readers that ask again and again. */
  page(query: PageQuery): Promise<Page>;
  /** Open streams by id, those after `after`. */
  list(page: { readonly after: number; readonly limit: number }): OpenStream[];
  /** Ends the streams of a key that may read no more. */
  endStreamsOf(keyId: string): void;
  /** Ends every stream with `stream.error`, which tells readers that coming back is in vain. */
  fail(fault: SwitchboardError): void;
  /** Ends every stream cleanly: readers resume elsewhere. */
  close(): void;
}

/** Null as a filter lets everything through. */
export interface ReaderFilter {
  /** Telegram chat ids. Set: nothing of other chats, and nothing that belongs to no chat. */
  readonly chats: readonly string[] | null;
  readonly types: readonly string[] | null;
  /** A key: only entries about the messages that it posted. Left out, or null: all. */
  readonly owner?: string | null;
}

export interface Subscription extends ReaderFilter {
  readonly keyId: string;
  /** The last seq that the reader has; the stream goes on after it. */
  readonly after: number;
  readonly format: 'sse' | 'ndjson';
  /**
   * Of a reader that may not know how long the journal is, as others wrote it too: what it is told in place of the head, and
   * of its own place. From then on it is told of the entries that it gets alone.
   */
  readonly told?: { readonly head: number; readonly after: number };
  /** Set where the reader's id belonged to another stream. */
  readonly reset: boolean;
  readonly sink: Sink;
}

/** How one stream is doing. */
export interface OpenStream extends ReaderFilter {
  /** 1, 2, 3, … since the broadcast began. */
  readonly id: number;
  readonly keyId: string;
  /** ms since 1970. */
  readonly since: number;
  readonly format: Subscription['format'];
  /** `live`: takes what comes. `behind`: reads the journal. `blocked`: its socket is full. */
  readonly state: 'live' | 'behind' | 'blocked';
  /** The seq that it has, and how many there are after it. */
  readonly after: number;
  readonly lag: number;
  /** Written to it, and of that what its socket has not taken yet. */
  readonly bytes: number;
  readonly pending: number;
}

/** Where a reader's bytes go: a response. It closes by itself where nothing of what was written is taken for long. */
export interface Sink {
  /** False: wait for `drained` before more. */
  write(chunk: Uint8Array | string): boolean;
  /** Bytes of writes that the socket has not taken to their end. */
  pending(): number;
  end(): void;
  destroy(): void;
  onDrain(listener: () => void): void;
  onClose(listener: () => void): void;
}

export interface PageQuery extends ReaderFilter {
  readonly after: number;
  /** The last seq wanted; left out: the head. */
  readonly to?: number;
  /** Entries at most. */
  readonly limit: number;
  /** Of what length together, about; left out: limits.pageLengthMax. */
  readonly lengthMax?: number;
}

export interface Page {
  /** Each as entryText gives it. */
  readonly texts: readonly string[];
  /** The seq to go on after. */
  readonly after: number;
  /** The seq of its last entry; null: it has none. */
  readonly last: number | null;
  /** Nothing that was wanted was left behind it when the page was read. */
  readonly atHead: boolean;
  /** Entries wanted that retention took. */
  readonly gap: { readonly from: number; readonly to: number } | null;
}

/** Every type of entry, for filters. */
export const ENTRY_TYPES: readonly string[] = Object.keys({
  'update.received': true,
  'event.received': true,
  'timer.fired': true,
  'request.answered': true,
  'chat.moved': true,
  'chat.migrated': true,
  'chat.emitted': true,
  'chat.quarantined': true,
  'chat.resumed': true,
  'chat.erased': true,
  'message.accepted': true,
  'message.sent': true,
  'message.failed': true,
  'message.unknown': true,
  'message.canceled': true,
  'message.expired': true,
} satisfies Record<EntryType, true>);

/**
 * An entry as readers get it: `{"seq","type","bot","chat","at",…body}`, one line of JSON. The body is spliced in as it
 * is stored, and not parsed again.
 */
export function entryText(entry: Entry): string {
  const chat = entry.chat === null ? 'null' : JSON.stringify(entry.chat);
  const at = new Date(entry.at).toISOString();
  const envelope = `{"seq":${entry.seq},"type":"${entry.type}","bot":"${entry.bot}","chat":${chat},"at":"${at}"`;
  return envelope + tailOf(entry.body);
}

/** `{"a":1}` -> `,"a":1}`; `{}` -> `}`. */
function tailOf(body: string): string {
  const tail = body.slice(1);
  const text = EMPTY_TAIL.test(tail) ? '}' : `,${tail}`;
  // Inside strings JSON escapes line ends; between tokens they are only layout, and would break a frame.
  return LINE_END.test(text) ? text.replace(/[\r\n]+/g, ' ') : text;
}
const EMPTY_TAIL = /^\s*\}/;
const LINE_END = /[\r\n]/;

/** The id of an event: `<stream>.<seq>`. */
export const eventId = (stream: string, seq: number): string => `${stream}.${seq}`;

/** The parts of an event's id; null where the text is not of the form. */
export function parseEventId(text: string): { readonly stream: string; readonly seq: number } | null {
  const [, stream, seq] = /^([A-Za-z0-9_-]{1,64})\.(0|[1-9]\d{0,14})$/.exec(text) ?? [];
  return stream === undefined || seq === undefined ? null : { stream, seq: Number(seq) };
}

/**
 * The journal's updates by getUpdates: each key has a queue of its own, as if it polled Telegram alone.
 *
 * I4: a key gets every update that it may see and has not confirmed, in order. What it has confirmed survives a crash.
 * I7: with `chats` set it gets nothing of other chats, nor what belongs to no chat.
 */
export interface UpdateQueues {
  /**
   * One poll: Telegram's Update objects as JSON, at once where there are any, else as soon as there are, or none after
   * `timeoutMs`. A key's first poll begins with the updates of the last limits.facadeBacklogMs. Throws poll_superseded
   * once a newer poll of the key comes, key_missing once the key ends.
   */
  poll(request: PollRequest): Promise<readonly string[]>;
  /** Confirms all that there is. */
  dropPending(keyId: string): Promise<void>;
  /** Ends the poll of a key that may read no more. */
  end(keyId: string): void;
  /** The keys that have polled since the start, the one that did so last first: at most limits.facadePollersMax. */
  list(): QueuePoller[];
}

/** How one key that polls is doing. */
export interface QueuePoller {
  readonly keyId: string;
  readonly chats: readonly string[] | null;
  /** A poll of it is under way. */
  readonly polling: boolean;
  /** When its last poll came, ms since 1970. */
  readonly polledAt: number;
  /** The seq up to which it has confirmed, and how many entries there are after it. */
  readonly after: number;
  readonly lag: number;
  /** Of updates, given to it. */
  readonly bytes: number;
}

export interface PollRequest {
  readonly keyId: string;
  readonly chats: readonly string[] | null;
  /** As getUpdates takes it: one more than the last update_id that the caller has, or from the end where it is below 0. */
  readonly offset: number;
  /** Updates at most. */
  readonly limit: number;
  readonly timeoutMs: number;
  /** Kinds of update; empty: Telegram's default; null: as the key asked last. */
  readonly allowed: readonly string[] | null;
  /** Aborted: nobody waits any more. What it waits for ends with nothing; what is being looked through, with shutting_down. */
  readonly signal: AbortSignal;
}
