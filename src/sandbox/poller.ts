import type { Clock, TimerHandle } from '../clock.ts';
import { type ApiError, conflict } from './api-error.ts';
import type { FloodLimits } from './flood.ts';
import type { QueuedUpdate, UpdateQueue } from './queue.ts';

/** The getUpdates side of a bot: at most one poll waits; a newer one ends it with 409. */
export interface Poller {
  readonly waiting: boolean;
  get(request: PollRequest): Promise<readonly QueuedUpdate[]>;
  /** There is something in the queue. */
  wake(): void;
  /** Ends the waiting poll with this error. */
  abort(error: ApiError): void;
  /** Refuses with 409: at once the first time, then only after 3 s, as Telegram slows conflicting pollers down. */
  refuse(error: ApiError): Promise<never>;
}

export interface PollRequest {
  readonly offset: number;
  readonly count: number;
  readonly timeoutMs: number;
  /** Aborted when the caller has gone: then nobody waits any more. */
  readonly gone: AbortSignal;
}

interface WaitingPoll {
  readonly request: PollRequest;
  readonly timer: TimerHandle;
  readonly resolve: (updates: readonly QueuedUpdate[]) => void;
  readonly reject: (error: ApiError) => void;
}

const CONFLICT_DELAY_MS = 3000;
/** The same offset again within these times is taken for a loop gone wild (telegram.md). */
const REPEAT_ONE_MS = 500;
const REPEAT_WAIT_MS = 3000;

/** A poller on a bot's queue, with nobody waiting. `flood` is asked anew at each poll, since it may be changed. */
export function createPoller(clock: Clock, queue: UpdateQueue, flood: () => FloodLimits): Poller {
  let poll: WaitingPoll | null = null;
  let conflictAtMs = 0;
  let last = { offset: Number.NaN, atMs: 0 };

  const end = (settle: (ended: WaitingPoll) => void): void => {
    const ended = poll;
    if (ended === null) return;
    poll = null;
    clock.clearTimeout(ended.timer);
    settle(ended);
  };
  const finish = (): void => end((p) => p.resolve(queue.read(p.request.offset, p.request.count)));

  /** Slows down a caller who asks for the same offset again and again. */
  const paced = (request: PollRequest): PollRequest => {
    const now = clock.steadyNow();
    const sinceMs = request.offset === last.offset && flood().repeatedPolls ? now - last.atMs : Infinity;
    last = { offset: request.offset, atMs: now };
    return {
      ...request,
      count: sinceMs < REPEAT_ONE_MS ? 1 : request.count,
      timeoutMs: sinceMs < REPEAT_WAIT_MS ? Math.max(request.timeoutMs, REPEAT_WAIT_MS) : request.timeoutMs,
    };
  };

  const refuse = (error: ApiError): Promise<never> => {
    const now = clock.steadyNow();
    if (now >= conflictAtMs || !flood().repeatedPolls) {
      conflictAtMs = now + CONFLICT_DELAY_MS;
      return Promise.reject(error);
    }
    return new Promise((_, reject) => clock.setTimeout(() => reject(error), CONFLICT_DELAY_MS));
  };
  const abort = (error: ApiError): void =>
    end((p) => {
      if (error.errorCode === 409) refuse(error).catch(p.reject);
      else p.reject(error);
    });

  return {
    get waiting() {
      return poll !== null;
    },
    get(given) {
      abort(conflict('terminated by other getUpdates request; make sure that only one bot instance is running'));
      const request = paced(given);
      const updates = queue.read(request.offset, request.count);
      if (updates.length > 0 || request.timeoutMs === 0) return Promise.resolve(updates);
      return new Promise((resolve, reject) => {
        const timer = clock.setTimeout(finish, request.timeoutMs);
        const own: WaitingPoll = { request, timer, resolve, reject };
        poll = own;
        const leave = () => {
          if (poll === own) end((p) => p.resolve([]));
        };
        if (request.gone.aborted) leave();
        else request.gone.addEventListener('abort', leave, { once: true });
      });
    },
    wake: finish,
    abort,
    refuse,
  };
}
