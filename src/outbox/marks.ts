/**
 * Notes on calls that outlive the process, though not the machine. They tell a message that was claimed and whose call never
 * left from one that Telegram may have (I5). Only a note that a call waits proves anything: what is not noted may have left.
 */
export interface SendMarks {
  /** These are about to be claimed, and their calls wait to leave. Never throws: what cannot be noted is not. */
  waiting(calls: readonly MarkedCall[]): void;
  /** The first byte of the call is about to leave. Throws if that cannot be noted: then it must not leave. */
  leaving(call: MarkedCall): void;
  /** Whether the process before this one has died with the call certainly not left. */
  neverLeft(call: MarkedCall): boolean;
  /** What the process before left behind is settled: from here on this process notes its own calls. Never throws. */
  begin(): void;
}

/** One call of a message. `attempts`: the call itself included; no two calls of a message have the same. */
export interface MarkedCall {
  readonly seq: number;
  readonly attempts: number;
}

/** Nothing is noted: every call that was cut off may have left. */
export const NO_MARKS: SendMarks = { waiting() {}, leaving() {}, neverLeft: () => false, begin() {} };
