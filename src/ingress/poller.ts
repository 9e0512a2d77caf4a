import { fromPromise } from 'xstate';
import { type Batch, machine, type PollFailure, type PollInput } from '../../machines/poller.machine.ts';
import { backoffMs } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import { errorText } from '../errors.ts';
import { limits } from '../limits.ts';
import { storageFault } from '../storage-fault.ts';
import { AnswerTooLarge, GatewayRefused, TelegramRefused, TelegramUnreachable } from '../telegram/errors.ts';
import { type BotApi, UPDATE_KINDS } from '../telegram/telegram.ts';

export interface PollerOptions {
  readonly api: BotApi;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** The long poll's own time, seconds. */
  readonly pollTimeoutS: number;
  /** Take a webhook away at start. Off, a webhook is a conflict to be explained. */
  readonly deleteWebhook: boolean;
  readonly pollOffset: () => Promise<number | null>;
  /** Commits a batch with its offset (I1: polling goes on only when this has resolved). */
  readonly receive: (batch: Batch) => Promise<void>;
  readonly onBot: (bot: { readonly id: string; readonly username: string | null }) => void;
  /** Polling works: a poll was answered, and what it brought is stored. */
  readonly onUp: () => void;
  readonly onDown: (failure: PollFailure, failures: number) => void;
  /** This update is too large to be read: an entry takes its place. */
  readonly onTooLarge: (updateId: number) => void;
}

/** A call that failed, in the machine's terms. */
class PollError extends Error {
  readonly failure: PollFailure;
  constructor(failure: PollFailure, cause: unknown) {
    super(failure.message, { cause });
    this.failure = failure;
  }
}

/** The poller machine with its hands: what it does at Telegram and in the journal. */
export function createPoller(options: PollerOptions) {
  const { api, clock, random } = options;

  /** `waitMs`: how long Telegram may keep the call open before it answers. */
  const call = async (method: string, params: Record<string, unknown>, signal: AbortSignal, waitMs = 0) => {
    const silenceMs = Math.max(waitMs + limits.pollLateMs, limits.pollSilenceMinMs);
    try {
      return await api.call(method, params, { signal, silenceMs, timeoutMs: waitMs + limits.pollAnswerMs });
    } catch (error) {
      throw new PollError(failureOf(error), error);
    }
  };

  /**
   * The next update alone, after all of them were too large an answer. If it is too large by itself, what stands for it
   * has its id: it is journalled and confirmed like any other, so that those behind it come.
   */
  const oneUpdate = async (asked: Record<string, unknown>, signal: AbortSignal): Promise<unknown> => {
    try {
      return await call('getUpdates', { ...asked, limit: 1, timeout: 0 }, signal);
    } catch (error) {
      const id = isTooLarge(error) ? firstUpdateId(error.cause.head) : null;
      if (id === null) throw error;
      options.onTooLarge(id);
      return [{ update_id: id, too_large: { bytes_max: limits.botApiAnswerBytesMax } }];
    }
  };

  return machine.provide({
    actors: {
      connect: fromPromise(async ({ signal }) => {
        options.onBot(botOf(await call('getMe', {}, signal)));
        if (options.deleteWebhook) await call('deleteWebhook', {}, signal);
        return { offset: await options.pollOffset() };
      }),
      poll: fromPromise<Batch, PollInput>(async ({ input: { offset, probe }, signal }) => {
        const begun = clock.steadyNow();
        const timeout = probe ? 0 : options.pollTimeoutS;
        const params = { limit: limits.pollUpdatesMax, timeout, allowed_updates: UPDATE_KINDS };
        const asked = offset === null ? params : { offset, ...params };
        const result = await call('getUpdates', asked, signal, timeout * 1000).catch((error: unknown) => {
          if (!isTooLarge(error)) throw error;
          return oneUpdate(asked, signal);
        });
        const batch = batchOf(result, offset);
        // A server that answers a long poll at once with nothing must not make this a busy loop.
        if (!probe && batch.updates.length === 0 && clock.steadyNow() - begun < limits.pollEmptyMinMs) {
          await new Promise<void>((resolve) => clock.setTimeout(resolve, limits.pollEmptyMinMs));
        }
        return batch;
      }),
      commit: fromPromise<void, Batch>(async ({ input }) => {
        try {
          await options.receive(input);
        } catch (error) {
          throw new PollError(notStored(error), error);
        }
      }),
    },
    actions: {
      tellUp: () => options.onUp(),
      tellDown: (_, { failure, failures }) => {
        if (failure !== null) options.onDown(failure, failures);
      },
    },
    delays: {
      backoff: ({ context: { failure, failures } }) => {
        if (failure?.retryAfterMs !== undefined) {
          return Math.min(Math.max(failure.retryAfterMs, limits.pollBackoffMinMs), limits.timerArmMaxMs);
        }
        return backoffMs(failures, limits.pollBackoffMinMs, limits.pollBackoffMaxMs, random);
      },
      conflict: limits.pollConflictDelayMs,
      giveUp: limits.pollRefusedMs,
    },
  });
}

const isTooLarge = (error: unknown): error is PollError & { readonly cause: AnswerTooLarge } =>
  error instanceof PollError && error.cause instanceof AnswerTooLarge;

/** The id of the first update in an answer's beginning; null if it is not told there. */
function firstUpdateId(head: string): number | null {
  const id = /^\s*\{"ok":true,"result":\[\{"update_id":(\d{1,15}),/.exec(head)?.[1];
  return id === undefined ? null : Number(id);
}

function botOf(result: unknown): { id: string; username: string | null } {
  const me = typeof result === 'object' && result !== null ? result : {};
  const id = 'id' in me && typeof me.id === 'number' ? String(me.id) : null;
  if (id === null) throw malformed('getMe answered without an id');
  return { id, username: 'username' in me && typeof me.username === 'string' ? me.username : null };
}

/**
 * Checks the batch before anything of it is stored: what is not a list of updates is asked for again, never
 * confirmed past. The offset follows the last update in Telegram's order, not the highest id, since ids restart.
 */
function batchOf(result: unknown, offset: number | null): Batch {
  if (!Array.isArray(result)) throw malformed('getUpdates answered with something other than a list');
  let next = offset ?? 0;
  for (const update of result) {
    const id: unknown = typeof update === 'object' && update !== null ? update.update_id : undefined;
    if (typeof id !== 'number' || !Number.isSafeInteger(id)) throw malformed('an update came without its update_id');
    next = id + 1;
  }
  return { updates: result, offset: next };
}

/** Telegram keeps the updates: they are asked for again, and stored once the disk takes them. */
function notStored(error: unknown): PollFailure {
  const message = `The updates were not stored: ${errorText(error)}`;
  const fault = storageFault(error);
  if (fault === null) return { kind: 'retry', message };
  const { retryAfterMs } = fault;
  return { kind: 'wait', message, isReported: true, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

const malformed = (what: string) =>
  new PollError(
    { kind: 'retry', message: `Telegram's answer was malformed: ${what}. Nothing of it was confirmed` },
    null,
  );

function failureOf(error: unknown): PollFailure {
  if (error instanceof TelegramRefused) {
    const { errorCode, description, retryAfterMs } = error;
    if (errorCode === 401 || errorCode === 404) {
      const message = `Telegram refuses the bot token (${errorCode} ${description}): check TELEGRAM_BOT_TOKEN, or ask @BotFather for a new one`;
      return { kind: 'refused', message };
    }
    if (errorCode === 409) return { kind: 'conflict', message: conflictMessage(description) };
    if (retryAfterMs !== undefined) return { kind: 'wait', message: error.message, retryAfterMs };
    return { kind: 'retry', message: error.message };
  }
  if (error instanceof GatewayRefused && error.retryAfterMs !== undefined) {
    return { kind: 'wait', message: error.message, retryAfterMs: error.retryAfterMs };
  }
  if (error instanceof TelegramUnreachable) return { kind: 'retry', message: error.message };
  return { kind: 'retry', message: errorText(error) };
}

const conflictMessage = (description: string): string =>
  /webhook/i.test(description)
    ? `A webhook is set for this bot, so nobody can poll it (${description}). Remove it, or set telegram.deleteWebhook to true`
    : `Another process polls this bot with the same token (${description}). Stop it: each poll steals updates from the other`;

/** Why the poller ended for good, of its actor's output; null where it was asked to stop. */
export function refusalOf(output: unknown): string | null {
  const failure = typeof output === 'object' && output !== null && 'failure' in output ? output.failure : null;
  return typeof failure === 'object' && failure !== null && 'message' in failure ? String(failure.message) : null;
}
