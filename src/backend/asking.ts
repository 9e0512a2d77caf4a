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

export interface AskingOptions {
  readonly backend: Backend;
  readonly bot: string;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: Pick<Logger, 'warn'>;
  /** What one try may take, in ms. */
  readonly timeoutMs: number;
  /** A try was answered (null), or failed: why. */
  readonly onTry: (src: string, failure: string | null) => void;
}

/**
 * After this a request is not tried again. It has its first try all the same, however long it has waited for its turn or
 * for a process to run. One whose end nobody hears of has no deadline: whether it is carried out is all that counts.
 */
const deadlineOf = ({ invoke, createdAt }: RequestRecord): number =>
  invoke === '' ? Number.POSITIVE_INFINITY : createdAt + limits.requestDeadlineMs;

/** The end of a request whose deadline has passed. */
const timedOut: RequestEnd = {
  error: { code: 'timeout', message: `no answer within ${limits.requestDeadlineMs / 60_000} minutes` },
};

/** Why nobody waits for an answer any more: what a request's signal aborts with. */
export const WITHDRAWN = new BackendFailed('unreachable', 'the conversation no longer waits for it', false);

/**
 * Asks one request until it ends, once at least. A try that fails and may yet succeed is repeated with backoff and
 * jitter, up to limits.requestAttemptsMax tries and the request's deadline.
 *
 * Once `withdrawn` no further try is made; an answer of the one under way is given, if it comes within
 * limits.requestLateMs: then it is cut off.
 * `closing` ends everything at once. Null: it ended without an answer, and nobody is to be told.
 */
export function createAsking({ backend, bot, clock, random, log, timeoutMs, onTry }: AskingOptions) {
  /** One try. Ends with the timeout or the close at the latest, whether or not the backend heeds its signal. */
  async function tryOnce(request: RequestRecord, attempt: number, withdrawn: AbortSignal, closing: AbortSignal) {
    const late = new AbortController();
    const leftMs = attempt === 1 ? Number.POSITIVE_INFINITY : deadlineOf(request) - clock.now();
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

  return async (request: RequestRecord, withdrawn: AbortSignal, closing: AbortSignal): Promise<RequestEnd | null> => {
    const over = AbortSignal.any([withdrawn, closing]);
    for (let attempt = 1; !over.aborted; attempt += 1) {
      if (attempt > 1 && clock.now() >= deadlineOf(request)) return timedOut;
      try {
        const output = await tryOnce(request, attempt, withdrawn, closing);
        onTry(request.src, null);
        return { output };
      } catch (error) {
        if (over.aborted) return null;
        const { code, message, retryable } = failureOf(error);
        // Refusing is answering: the backend is there.
        onTry(request.src, code === 'unreachable' || code === 'timeout' ? message : null);
        log.warn({ event: 'backend.failed', request: request.id, src: request.src, attempt, code }, message);
        if (!retryable || attempt >= limits.requestAttemptsMax) return { error: { code, message } };
      }
      const delayMs = backoffMs(attempt, limits.requestBackoffMinMs, limits.requestBackoffMaxMs, random);
      await pause(clock, Math.min(delayMs, Math.max(0, deadlineOf(request) - clock.now())), over);
    }
    return null;
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

function failureOf(error: unknown): Pick<BackendFailed, 'code' | 'message' | 'retryable'> {
  if (error instanceof BackendFailed) return error;
  return { code: 'unreachable', message: `the backend failed: ${errorText(error)}`, retryable: true };
}
