import { backoffMs } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import { errorText } from '../errors.ts';
import type { RequestRecord } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { Logger } from '../log.ts';
import { type Backend, BackendFailed } from './backend.ts';

/** How a request ended: what its conversation is told. */
export type RequestEnd =
  | { readonly output: unknown }
  | { readonly error: { readonly code: BackendFailed['code']; readonly message: string } };

export interface RequestRunnerOptions {
  readonly backend: Backend;
  readonly bot: string;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: Pick<Logger, 'warn'>;
  /** What one try may take, in ms. */
  readonly timeoutMs: number;
  /** Takes the end of a request; durable when it resolves. Where it rejects, it is given the same end again later. */
  readonly answered: (requestId: string, end: RequestEnd) => Promise<unknown>;
  /** A request has ended and there is room: look for more. */
  readonly freed?: () => void;
  /** `health()` has changed. */
  readonly healthChanged?: (health: BackendHealth) => void;
}

export interface BackendHealth {
  readonly inFlight: number;
  /** Why the last try failed, while no later one has been answered. */
  readonly failing: string | null;
}

export interface RequestRunner {
  /**
   * Starts those that are new, while there is room; the rest stay in the journal until they are given again. Returns
   * how many were started.
   */
  take(requests: readonly RequestRecord[]): number;
  health(): BackendHealth;
  /** Ends what runs without an answer: the journal still has it. Resolves when nothing runs. */
  close(): Promise<void>;
}

type Failure = Pick<BackendFailed, 'code' | 'message' | 'retryable'>;

/**
 * Asks the backend what conversations asked for.
 *
 * At most limits.requestsInFlightMax run at once (I9). A try that fails and may yet succeed is repeated with
 * backoff, up to limits.requestAttemptsMax tries; then the conversation is told. Each request ends once in a
 * process's life, whatever list it stands in again; after a crash it is asked anew under the same id.
 */
export function createRequestRunner(options: RequestRunnerOptions): RequestRunner {
  const { backend, bot, clock, log, timeoutMs } = options;
  const closing = new AbortController();
  const running = new Map<string, Promise<void>>();
  /** Lately ended: a list of open requests may have been read before their end was stored. */
  const ended = new Set<string>();
  let failing: string | null = null;

  /** With nothing asked, nothing is known to fail: the next request will tell. */
  const health = (): BackendHealth => ({ inFlight: running.size, failing: running.size === 0 ? null : failing });
  const tellHealth = () => options.healthChanged?.(health());

  /** Waits; ends at once when the runner closes. */
  function pause(failures: number): Promise<void> {
    const { signal } = closing;
    return new Promise((resolve) => {
      const end = () => {
        clock.clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const delayMs = backoffMs(failures, limits.requestBackoffMinMs, limits.requestBackoffMaxMs, options.random);
      const timer = clock.setTimeout(end, delayMs);
      signal.addEventListener('abort', end);
    });
  }

  /** One try. Ends with the timeout or the close at the latest, whether or not the backend heeds its signal. */
  async function ask(request: RequestRecord, attempt: number): Promise<unknown> {
    const late = new AbortController();
    const signal = AbortSignal.any([closing.signal, late.signal]);
    const timer = clock.setTimeout(
      () => late.abort(new BackendFailed('unreachable', `no answer within ${timeoutMs} ms`, true)),
      timeoutMs,
    );
    const { id, conversation, src } = request;
    try {
      const cut = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
      const question = { id, bot, conversation, src, input: JSON.parse(request.input), attempt };
      const output = await Promise.race([backend.ask(question, signal), cut]);
      // Through JSON, as it will be stored: what cannot be must fail here, where a try can be repeated.
      return JSON.parse(JSON.stringify(output ?? null));
    } finally {
      clock.clearTimeout(timer);
    }
  }

  /** Null where the runner closed before the end. */
  async function endOf(request: RequestRecord): Promise<RequestEnd | null> {
    for (let attempt = 1; ; attempt++) {
      try {
        const output = await ask(request, attempt);
        failing = null;
        return { output };
      } catch (error) {
        if (closing.signal.aborted) return null;
        const { code, message, retryable } = failureOf(error);
        // Refusing is answering: the backend is there.
        failing = code === 'unreachable' ? message : null;
        log.warn({ event: 'backend.failed', request: request.id, src: request.src, attempt, code }, message);
        if (!retryable || attempt >= limits.requestAttemptsMax) return { error: { code, message } };
      }
      tellHealth();
      await pause(attempt);
      if (closing.signal.aborted) return null;
    }
  }

  async function run(request: RequestRecord): Promise<void> {
    const end = await endOf(request);
    tellHealth();
    for (let failures = 1; end !== null && !closing.signal.aborted; failures++) {
      try {
        await options.answered(request.id, end);
        remember(request.id);
        return;
      } catch (error) {
        log.warn({ event: 'backend.answer_not_kept', request: request.id }, errorText(error));
        await pause(failures);
      }
    }
  }

  function remember(id: string): void {
    ended.add(id);
    const [oldest] = ended;
    if (ended.size > limits.requestsRememberedMax && oldest !== undefined) ended.delete(oldest);
  }

  return {
    take(requests) {
      let started = 0;
      for (const request of requests) {
        if (closing.signal.aborted || running.size >= limits.requestsInFlightMax) break;
        if (running.has(request.id) || ended.has(request.id)) continue;
        const runs = run(request).finally(() => {
          running.delete(request.id);
          tellHealth();
          if (!closing.signal.aborted) options.freed?.();
        });
        running.set(request.id, runs);
        started += 1;
      }
      if (started > 0) tellHealth();
      return started;
    },
    health,
    async close() {
      closing.abort(new BackendFailed('unreachable', 'Switchboard is shutting down', true));
      await Promise.all(running.values());
    },
  };
}

function failureOf(error: unknown): Failure {
  if (error instanceof BackendFailed) return error;
  return { code: 'unreachable', message: `the backend failed: ${errorText(error)}`, retryable: true };
}
