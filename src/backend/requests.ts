import { backoffMs } from '../backoff.ts';
import { errorText } from '../errors.ts';
import type { RequestRecord } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { type AskingOptions, createAsking, pause, type RequestEnd, WITHDRAWN } from './asking.ts';
import { BackendFailed } from './backend.ts';
import { type BackendHealth, createHealth } from './health.ts';

export interface RequestRunnerOptions extends Omit<AskingOptions, 'onTry'> {
  /** Takes the end of a request; durable when it resolves. Where it rejects, it is given the same end again later. */
  readonly answered: (request: RequestRecord, end: RequestEnd) => Promise<unknown>;
  /** There is room: look for more. */
  readonly freed?: () => void;
  /** `health()` has changed. */
  readonly healthChanged?: (health: BackendHealth) => void;
}

export interface RequestRunner {
  /**
   * Starts those that are new, while their src has room; the rest stay in the journal until they are given again.
   * Returns how many were started.
   */
  take(requests: readonly RequestRecord[]): number;
  /** Whether another could run. */
  hasRoom(): boolean;
  /** Ends these as `overloaded`, unless they run: too many wait. */
  refuse(requests: readonly RequestRecord[]): void;
  /** Their conversations no longer wait: what runs may still answer for a while, and then its call is cut off. */
  withdraw(ids: readonly string[]): void;
  health(): BackendHealth;
  /** Ends what runs without an answer: the journal still has it. Resolves when nothing runs. */
  close(): Promise<void>;
}

const overloaded: RequestEnd = {
  error: { code: 'overloaded', message: `more than ${limits.requestsOpenMax} requests wait` },
};

/**
 * Asks the backend what conversations asked for.
 *
 * At most limits.requestsInFlightMax of one src run at once, so that a slow one holds up no other, and of all srcs at
 * most limits.requestsInFlightAllMax (I9). Each request ends once in a process's life, whatever list it stands in again;
 * after a crash it is asked anew under the same id.
 */
export function createRequestRunner(options: RequestRunnerOptions): RequestRunner {
  const { clock, log } = options;
  const health = createHealth();
  const ask = createAsking({
    ...options,
    onTry(src, failure) {
      if (failure === null) health.answered(src);
      else health.failed(src, failure, clock.now());
      tellHealth();
    },
  });
  const closing = new AbortController();
  const running = new Map<string, { readonly withdrawn: AbortController; readonly done: Promise<void> }>();
  /** Lately ended: a list of open requests may have been read before their end was stored. */
  const ended = new Set<string>();

  const tellHealth = () => options.healthChanged?.(health.now());
  const hasRoom = (): boolean => health.inFlightOfAll() < limits.requestsInFlightAllMax;
  const isNew = ({ id }: RequestRecord): boolean => !closing.signal.aborted && !running.has(id) && !ended.has(id);

  function remember(id: string): void {
    ended.add(id);
    const [oldest] = ended;
    if (ended.size > limits.requestsRememberedMax && oldest !== undefined) ended.delete(oldest);
  }

  /** Tells the conversation, again and again until it is kept. */
  async function tell(request: RequestRecord, end: RequestEnd): Promise<void> {
    for (let failures = 1; !closing.signal.aborted; failures += 1) {
      try {
        await options.answered(request, end);
        remember(request.id);
        return;
      } catch (error) {
        log.warn({ event: 'backend.answer_not_kept', request: request.id }, errorText(error));
        const delayMs = backoffMs(failures, limits.requestBackoffMinMs, limits.requestBackoffMaxMs, options.random);
        await pause(clock, delayMs, closing.signal);
      }
    }
  }

  function run(request: RequestRecord, work: (withdrawn: AbortSignal) => Promise<void>): void {
    const withdrawn = new AbortController();
    const done = work(withdrawn.signal).finally(() => {
      running.delete(request.id);
      if (!closing.signal.aborted) options.freed?.();
    });
    running.set(request.id, { withdrawn, done });
  }

  /** Takes the room of one until its end is kept. */
  async function askAndTell(request: RequestRecord, withdrawn: AbortSignal): Promise<void> {
    health.began(request.src);
    tellHealth();
    const end = await ask(request, withdrawn, closing.signal);
    if (end !== null) await tell(request, end);
    health.ended(request.src);
    tellHealth();
  }

  return {
    take(requests) {
      let started = 0;
      for (const request of requests) {
        if (!hasRoom()) break;
        if (!isNew(request) || health.inFlight(request.src) >= limits.requestsInFlightMax) continue;
        run(request, (withdrawn) => askAndTell(request, withdrawn));
        started += 1;
      }
      return started;
    },
    hasRoom,
    refuse(requests) {
      for (const request of requests.filter(isNew)) run(request, () => tell(request, overloaded));
    },
    withdraw(ids) {
      for (const id of ids) {
        remember(id);
        running.get(id)?.withdrawn.abort(WITHDRAWN);
      }
    },
    health: health.now,
    async close() {
      closing.abort(new BackendFailed('unreachable', 'Switchboard is shutting down', true));
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}
