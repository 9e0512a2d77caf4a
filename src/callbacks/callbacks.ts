/**
 * Callbacks: what became of a key's messages, sent to a URL of the aggregator's as it happens, signed as Standard
 * Webhooks says. In the order of the journal, each at least once; `webhook-id` tells one that comes again.
 */
export interface Callbacks {
  /** Goes on where the last process ended. */
  start(): void;
  /** Takes no more up, and lets go of what is under way: it comes again after the next start. */
  stop(): Promise<void>;
  /** How far the callbacks of a key are; null where it has none. */
  state(keyId: string): Promise<CallbackState | null>;
  /** The keys that have something coming, also where no more is sent: each with the last seq before the oldest of it. */
  behind(): Promise<readonly CallbackPlace[]>;
  /** Keys that have something to be told now, and those of them whose receivers did not take the last try. */
  counts(): { readonly behind: number; readonly failing: number };
  /** Sends again where it was given up, or waits for its next try. False where the key has no callbacks. */
  resume(keyId: string): Promise<boolean>;
}

export interface CallbackPlace {
  readonly keyId: string;
  readonly seq: number;
}

export interface CallbackState {
  readonly url: string;
  /** The last entry that the receiver has taken; 0: none yet. */
  readonly seq: number;
  /** ms since 1970; null: it takes them. */
  readonly failingSince: number | null;
  readonly failures: number;
  /** Why nothing more is sent; null: it is. */
  readonly disabled: string | null;
}

/** Sends one callback. Gives the HTTP status, or why there was no answer. Never throws. */
export type SendCallback = (callback: OutgoingCallback, signal: AbortSignal) => Promise<number | string>;

export interface OutgoingCallback {
  readonly url: string;
  /** `whsec_` and base64. */
  readonly secret: string;
  /** The entry's id as in the stream: the same from try to try. */
  readonly id: string;
  /** JSON. */
  readonly body: string;
}

/** Gone: the receiver wants no more, for good. */
export const GONE = 410;
