import { backoffMs } from '../backoff.ts';
import type { Clock, TimerHandle } from '../clock.ts';
import { errorText } from '../errors.ts';
import type { RequestRecord } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { Logger } from '../log.ts';
import { type Backend, BackendFailed } from './backend.ts';

/** How a request ended: what its conversation is told. */
export type RequestEnd =
  | { readonly output: unknown }
  | { readonly error: { readonly code: BackendFailed['code']; readonly message: string } };

/** How often, and for how long, one request is tried. */
export interface RequestTries {
  /** ms that one try may take. */
  readonly timeoutMs: number;
  /** Tries of one request in a process's life; null: as many as fit before its deadline. */
  readonly attemptsMax: number | null;
  /** ms from the making of a request, also across restarts. After this it is not tried again. */
  readonly deadlineMs: number;
  /** The longest wait between two tries, unless the backend asks for a longer one. */
  readonly backoffMaxMs: number;
}

export interface AskingOptions {
  readonly backend: Backend;
  readonly bot: string;
  readonly clock: Clock;
  /** See ProvenTime: a clock that jumps ahead must not bring a request's deadline. */
  readonly provenNow: () => number;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: Pick<Logger, 'warn'>;
  readonly tries: RequestTries;
  /** A try was answered (null), or failed: why. */
  readonly onTry: (src: string, failure: string | null) => void;
}

/** A request's number of tries so far, until when it may be tried, by the steady clock, and why the last try failed. */
export interface Tried {
  readonly attempts: number;
  readonly deadline: number;
  readonly failure: string;
}

/**
 * A request has its first try however long it has waited for its turn, or for a process to run. If nobody hears of its
 * end, whether it is carried out is all that counts: its time begins with its first try. A clock that was set back since
 * it was made gives it no longer than `deadlineMs`.
 */
export function beforeFirstTry(
  { invoke, createdAt }: RequestRecord,
  deadlineMs: number,
  { clock, provenNow }: Pick<AskingOptions, 'clock' | 'provenNow'>,
): Tried {
  const now = Math.min(clock.now(), provenNow());
  const passedMs = invoke === '' ? 0 : Math.max(0, now - createdAt);
  return { attempts: 0, deadline: clock.steadyNow() + Math.max(0, deadlineMs - passedMs), failure: '' };
}

/** How one try ended: the request's end, or the wait before the next try. Null: without an answer, nobody is to be told. */
export type TryOutcome = { readonly end: RequestEnd } | { readonly retryInMs: number; readonly failure: string } | null;

/** Why nobody waits for an answer any more: what a request's signal aborts with. */
export const WITHDRAWN = new BackendFailed('unreachable', 'the conversation no longer waits for it', false);

/**
 * Asks one request once. A try that failed and may yet succeed is to be repeated, with backoff and jitter or after the time
 * that the backend asked for, until the request's deadline.
 *
 * Once `withdrawn` no further try is made; an answer of the one under way is given, if it comes within
 * limits.requestLateMs: then it is cut off.
 * `closing` ends everything at once.
 */
export function createAsking({ backend, bot, clock, random, log, tries, onTry }: AskingOptions) {
  const { timeoutMs, attemptsMax, deadlineMs, backoffMaxMs } = tries;

  const timedOut = (last: string): RequestEnd => ({
    error: { code: 'timeout', message: `no answer within ${deadlineMs / 1000} s; the last try: ${last}` },
  });

  /** Ends with the timeout or the close at the latest, whether or not the backend heeds its signal. */
  async function answerOf(
    request: RequestRecord,
    attempt: number,
    leftMs: number,
    withdrawn: AbortSignal,
    closing: AbortSignal,
  ) {
    const late = new AbortController();
    const ms = Math.min(timeoutMs, leftMs);
    const timer = clock.setTimeout(
      () => late.abort(new BackendFailed('timeout', `no answer within ${ms} ms`, ms < leftMs)),
      ms,
    );
    let lateTimer: TimerHandle | undefined;
    const onWithdrawn = () => {
      lateTimer = clock.setTimeout(() => late.abort(WITHDRAWN), limits.requestLateMs);
    };
    withdrawn.addEventListener('abort', onWithdrawn);
    const { id, conversation, src } = request;
    const cut = AbortSignal.any([closing, late.signal]);
    try {
      const ended = new Promise<never>((_, reject) => {
        cut.addEventListener('abort', () => reject(cut.reason), { once: true });
      });
      const question = { id, bot, conversation, src, input: JSON.parse(request.input), attempt };
      const output = await Promise.race([backend.ask(question, cut), ended]);
      // Through JSON, as it will be stored: what cannot be must fail here, where a try can be repeated.
      return JSON.parse(JSON.stringify(output ?? null));
    } finally {
      withdrawn.removeEventListener('abort', onWithdrawn);
      clock.clearTimeout(timer);
      clock.clearTimeout(lateTimer);
    }
  }

  /** `tried`: with the try that begins now. */
  return async (
    request: RequestRecord,
    tried: Tried,
    withdrawn: AbortSignal,
    closing: AbortSignal,
  ): Promise<TryOutcome> => {
    const { attempts: attempt, deadline } = tried;
    const leftMs = attempt === 1 ? Number.POSITIVE_INFINITY : deadline - clock.steadyNow();
    // It waited for a place meanwhile.
    if (leftMs <= 0) return { end: timedOut(tried.failure) };
    try {
      const output = await answerOf(request, attempt, leftMs, withdrawn, closing);
      onTry(request.src, null);
      return { end: { output } };
    } catch (error) {
      if (withdrawn.aborted || closing.aborted) return null;
      const { code, message, retryable, retryAfterMs } = failureOf(error);
      // Refusing is answering: the backend is there.
      onTry(request.src, code === 'unreachable' || code === 'timeout' ? message : null);
      log.warn({ event: 'backend.failed', request: request.id, src: request.src, attempt, code }, message);
      if (!retryable || attempt === attemptsMax) return { end: { error: { code, message } } };
      const backoff = backoffMs(attempt, Math.min(limits.requestBackoffMinMs, backoffMaxMs), backoffMaxMs, random);
      const retryInMs = Math.max(backoff, retryAfterMs);
      // A wait beyond the deadline has no try at its end.
      return clock.steadyNow() + retryInMs < deadline ? { retryInMs, failure: message } : { end: timedOut(message) };
    }
  };
}

/** Waits; ends at once with the signal. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

function failureOf(error: unknown): Pick<BackendFailed, 'code' | 'message' | 'retryable' | 'retryAfterMs'> {
  if (error instanceof BackendFailed) return error;
  const message = `the backend failed: ${errorText(error)}`;
  return { code: 'unreachable', message, retryable: true, retryAfterMs: 0 };
}
