import type { Format } from './frames.ts';
import type { OpenStream, Sink, Subscription } from './operators.ts';
import type { Filter } from './ring.ts';

/**
 * `ready`: takes more. `blocked`: its socket holds as much as it may, until it drains. `replaying`: a page of the
 * journal is on its way. `gone`: nothing more is written to it.
 */
export type ReaderState = 'ready' | 'blocked' | 'replaying' | 'gone';

/** One stream. Everything that it costs beside its socket: no timer, no queue of its own. */
export class Reader {
  readonly id: number;
  readonly since: number;
  readonly keyId: string;
  readonly sink: Sink;
  readonly format: Format;
  /** Null: it gets everything, and shares its bytes with others. */
  readonly filter: Filter | null;
  readonly chats: readonly string[] | null;
  readonly types: readonly string[] | null;
  readonly owner: string | null;
  /** Called once it is gone. */
  readonly left: () => void;
  /** The second of limits.heartbeatMs at which it gets its heartbeat: so that not all are due at once. */
  readonly beat: number;
  state: ReaderState = 'ready';
  /** The seq that it has. */
  after: number;
  /** Of a reader that is told of its own entries alone: the last that it was told of. */
  #shown: number | null;
  /** Written to it so far. */
  bytes = 0;

  constructor(
    subscription: Subscription,
    at: { readonly id: number; readonly since: number; readonly beat: number },
    left: () => void,
  ) {
    const { chats, types, owner = null } = subscription;
    this.id = at.id;
    this.since = at.since;
    this.beat = at.beat;
    this.keyId = subscription.keyId;
    this.sink = subscription.sink;
    this.format = subscription.format;
    this.after = subscription.after;
    this.#shown = subscription.told?.after ?? null;
    this.chats = chats;
    this.types = types;
    this.owner = owner;
    this.filter =
      chats === null && types === null && owner === null
        ? null
        : { chats: chats && new Set(chats), types: types && new Set(types), owner };
    this.left = left;
  }

  /** How far it is told that it has come. */
  get shown(): number {
    return this.#shown ?? this.after;
  }

  /** It gets entries, of which this is the last. */
  shows(seq: number): void {
    if (this.#shown !== null) this.#shown = seq;
  }

  /** Writes; beyond what its socket holds the reader is blocked until that drains. */
  write(bytes: Uint8Array | string): void {
    // What is no buffer (a hello, a heartbeat) is ASCII.
    this.bytes += bytes.length;
    if (!this.sink.write(bytes)) this.state = 'blocked';
  }

  /** How it is doing beside a journal that ends with `head`. */
  view(head: number): OpenStream {
    const { id, keyId, since, format, chats, types, after, bytes } = this;
    const state = this.state === 'blocked' ? 'blocked' : this.state === 'replaying' ? 'behind' : 'live';
    const lag = Math.max(0, head - after);
    return { id, keyId, since, format, chats, types, state, after, lag, bytes, pending: this.sink.pending() };
  }
}
