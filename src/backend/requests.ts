import { backoffMs } from '../backoff.ts';
import type { TimerHandle } from '../clock.ts';
import { errorText } from '../errors.ts';
import type { RequestRecord } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import {
  type AskingOptions,
  beforeFirstTry,
  createAsking,
  pause,
  type RequestEnd,
  type Tried,
  WITHDRAWN,
} from './asking.ts';
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
  /** How many wait for their next try without taking a place. A list to take from must reach beyond them. */
  resting(): number;
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
 * At most limits.requestsInFlightMax of one src are asked at once, so that a slow one holds up no other, and of all srcs at
 * most limits.requestsInFlightAllMax (I9). A request that waits for its next try gives its place to others, up to
 * limits.requestsRestingMax of them: requests that keep failing hold up none that would be answered.
 * Each request ends once in a process's life, whatever list it stands in again; after a crash it is asked anew under the
 * same id.
 */
export function createRequestRunner(options: RequestRunnerOptions): RequestRunner {
  const { clock, log, random } = options;
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
  /** Places taken, by src. */
  const asked = new Map<string, number>();
  let askedOfAll = 0;
  /** Requests between two tries. `timer` null: the wait is over, and the next try needs a place. */
  const resting = new Map<
    string,
    { readonly request: RequestRecord; readonly tried: Tried; timer: TimerHandle | null }
  >();
  /** Lately ended: a list of open requests may have been read before their end was stored. */
  const ended = new Set<string>();

  const tellHealth = () => options.healthChanged?.(health.now());
  const hasRoom = (): boolean => askedOfAll < limits.requestsInFlightAllMax;
  const isNew = ({ id }: RequestRecord): boolean =>
    !closing.signal.aborted && !running.has(id) && !resting.has(id) && !ended.has(id);
  /** Its wait for the next try is over. */
  const isDue = ({ id }: RequestRecord): boolean => resting.get(id)?.timer === null;
  const freed = () => {
    if (!closing.signal.aborted) options.freed?.();
  };

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
        const delayMs = backoffMs(failures, limits.requestBackoffMinMs, limits.answerBackoffMaxMs, random);
        await pause(clock, delayMs, closing.signal);
      }
    }
  }

  function run(request: RequestRecord, work: (withdrawn: AbortSignal) => Promise<void>): void {
    const withdrawn = new AbortController();
    const done = work(withdrawn.signal).finally(() => {
      running.delete(request.id);
      freed();
    });
    running.set(request.id, { withdrawn, done });
  }

  function takePlace(src: string, places: 1 | -1): void {
    const taken = (asked.get(src) ?? 0) + places;
    if (taken === 0) asked.delete(src);
    else asked.set(src, taken);
    askedOfAll += places;
  }

  /** Takes a place until its end is kept, or while it is tried. */
  async function askAndTell(request: RequestRecord, before: Tried, withdrawn: AbortSignal): Promise<void> {
    const { src } = request;
    takePlace(src, 1);
    let tried = before;
    for (;;) {
      tried = { ...tried, attempts: tried.attempts + 1 };
      const outcome = await ask(request, tried, withdrawn, closing.signal);
      if (outcome !== null && 'retryInMs' in outcome) {
        tried = { ...tried, failure: outcome.failure };
        if (rest(request, tried, outcome.retryInMs)) break;
        await pause(clock, outcome.retryInMs, AbortSignal.any([withdrawn, closing.signal]));
        if (!withdrawn.aborted && !closing.signal.aborted) continue;
      } else if (outcome !== null) await tell(request, outcome.end);
      over(src);
      break;
    }
    takePlace(src, -1);
  }

  /** No more tries of it follow. */
  function over(src: string): void {
    health.ended(src);
    tellHealth();
  }

  /** It waits without a place. False: too many do. */
  function rest(request: RequestRecord, tried: Tried, ms: number): boolean {
    if (resting.size >= limits.requestsRestingMax) return false;
    const timer = clock.setTimeout(() => {
      const found = resting.get(request.id);
      if (found !== undefined) found.timer = null;
      freed();
    }, ms);
    resting.set(request.id, { request, tried, timer });
    return true;
  }

  /** If it waits for its next try, there is none. */
  function wakeNoMore(id: string): void {
    const rested = resting.get(id);
    if (rested === undefined) return;
    if (rested.timer !== null) clock.clearTimeout(rested.timer);
    resting.delete(id);
    over(rested.request.src);
  }

  return {
    take(requests) {
      let started = 0;
      // New ones first: those that failed before may fail again, and would hold them up.
      for (const request of [...requests.filter(isNew), ...requests.filter(isDue)]) {
        if (!hasRoom()) break;
        const rested = resting.get(request.id);
        if (!isNew(request) && !isDue(request)) continue;
        if ((asked.get(request.src) ?? 0) >= limits.requestsInFlightMax) continue;
        resting.delete(request.id);
        if (rested === undefined) {
          health.began(request.src);
          tellHealth();
        }
        const before = rested?.tried ?? beforeFirstTry(request, options.tries.deadlineMs, options);
        run(request, (withdrawn) => askAndTell(request, before, withdrawn));
        started += 1;
      }
      return started;
    },
    hasRoom,
    resting: () => resting.size,
    refuse(requests) {
      for (const request of requests.filter(isNew)) run(request, () => tell(request, overloaded));
    },
    withdraw(ids) {
      for (const id of ids) {
        remember(id);
        running.get(id)?.withdrawn.abort(WITHDRAWN);
        wakeNoMore(id);
      }
    },
    health: health.now,
    async close() {
      closing.abort(new BackendFailed('unreachable', 'Switchboard is shutting down', true));
      for (const id of resting.keys()) wakeNoMore(id);
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}
