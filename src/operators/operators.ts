import type { Entry } from '../journal/journal.ts';

/** The broadcast: committed entries, encoded once, for any number of readers. */
export interface Operators {
  /** Hands over a commit's entries; readers at the head get them at once. */
  publish(entries: readonly Entry[]): void;
  /** Serves one reader until it goes, its key is revoked, or the process drains. Never throws. */
  subscribe(subscription: Subscription): Promise<void>;
  /** Ends every stream cleanly: readers resume elsewhere. */
  close(): void;
}

export interface Subscription {
  readonly keyId: string;
  /** The last seq that the reader has; the stream goes on after it. */
  readonly after: number;
  readonly chats: readonly string[] | null;
  readonly types: readonly string[] | null;
  readonly format: 'sse' | 'ndjson';
  /** Set where the reader's id belonged to another stream. */
  readonly reset: boolean;
  readonly sink: Sink;
}

/** Where a reader's bytes go: a response. */
export interface Sink {
  /** False: wait for `drained` before more. */
  write(chunk: Uint8Array | string): boolean;
  end(): void;
  destroy(): void;
  onDrain(listener: () => void): void;
  onClose(listener: () => void): void;
}
