import { backoffMs } from '../backoff.ts';
import type { Clock, TimerHandle } from '../clock.ts';
import { errorText } from '../errors.ts';
import { type CallbackRecord, type Entry, type EntryType, isErased, type Journal } from '../journal/journal.ts';
import type { Keyring } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import { storageFault } from '../storage-fault.ts';
import { type CallbackPlace, type Callbacks, GONE, type SendCallback } from './callbacks.ts';

export interface CallbacksOptions {
  readonly journal: Pick<Journal, 'stream' | 'read' | 'write' | 'onCommit' | 'callback'>;
  readonly keyring: Pick<Keyring, 'callback' | 'withCallbacks'>;
  readonly send: SendCallback;
  readonly clock: Clock;
  /** See ProvenTime: a clock that jumps ahead must not make a receiver one that has failed for days. */
  readonly provenNow: () => number;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: { warn(fields: object, message: string): void };
}

/** What is told: the fates. That a message was accepted its poster knows. */
const FATES: readonly EntryType[] = [
  'message.sent',
  'message.failed',
  'message.unknown',
  'message.canceled',
  'message.expired',
];

/**
 * Delivers callbacks. A key has a cursor over the entries about its own messages, in the database; whoever falls behind
 * is read from the journal, so that no receiver costs memory. One at a time a key, so that the order holds; a receiver
 * that does not take one holds up its own key alone, with ever longer waits, until limits.callbackGiveUpMs: then it is
 * disabled, and its cursor stays where it is.
 */
export function createCallbacks(options: CallbacksOptions): Callbacks {
  const { journal, keyring, send, clock, provenNow, random, log } = options;
  const stopping = new AbortController();
  /** Keys that may have something to tell, the longest waiting first. */
  const ready = new Set<string>();
  const busy = new Map<string, Promise<void>>();
  /** Keys that wait for their next try. */
  const resting = new Map<string, TimerHandle>();

  journal.onCommit(({ entries }) => {
    for (const { owner } of entries) if (owner !== undefined && owner !== null) wake(owner);
  });

  function wake(keyId: string): void {
    if (stopping.signal.aborted || resting.has(keyId) || keyring.callback(keyId) === null) return;
    ready.add(keyId);
    pump();
  }

  function pump(): void {
    for (const keyId of ready) {
      if (busy.size >= limits.callbacksInFlightMax) return;
      if (busy.has(keyId) || stopping.signal.aborted) continue;
      ready.delete(keyId);
      // It comes back by itself.
      if (resting.has(keyId)) continue;
      const run = deliver(keyId)
        .catch((error: unknown) => {
          if (stopping.signal.aborted) return;
          // The disk or the database is to blame: the log says so already, and it is tried again soon.
          const fault = storageFault(error);
          if (fault !== null) return rest(keyId, fault.retryAfterMs ?? limits.callbackBackoffMaxMs);
          log.warn(
            { event: 'callbacks_failed', key: keyId, error: errorText(error) },
            'callbacks stand still for a while',
          );
          rest(keyId, limits.callbackBackoffMaxMs);
        })
        .then(() => {
          busy.delete(keyId);
          pump();
        });
      busy.set(keyId, run);
    }
  }

  function rest(keyId: string, ms: number): void {
    const end = () => {
      resting.delete(keyId);
      wake(keyId);
    };
    resting.set(keyId, clock.setTimeout(end, ms));
  }

  const recordOf = async (keyId: string): Promise<CallbackRecord> =>
    (await journal.callback(keyId)) ?? { keyId, seq: 0, failingSince: null, failures: 0, disabled: null };
  const save = (record: CallbackRecord) => journal.write(async (tx) => tx.saveCallback(record));

  /** The oldest entries that the receiver has not taken. */
  const untold = ({ keyId, seq }: CallbackRecord, limit: number) =>
    journal.read({ from: seq + 1, limit, types: FATES, owner: keyId });

  /** Tells what there is to tell, until there is no more or the receiver does not take it. */
  async function deliver(keyId: string): Promise<void> {
    const before = await recordOf(keyId);
    const target = keyring.callback(keyId);
    if (before.disabled !== null || target === null) return;
    const entries = await untold(before, limits.callbackPageEntries);
    let { seq } = before;
    for (const entry of entries) {
      // An erased entry does not say whose message it was: there is nothing to deliver.
      if (isErased(entry)) {
        seq = entry.seq;
        continue;
      }
      const status = await send(
        { ...target, id: `${journal.stream}.${entry.seq}`, body: bodyOf(entry) },
        stopping.signal,
      );
      if (stopping.signal.aborted) break;
      if (typeof status === 'string' || status < 200 || status > 299) {
        return notTaken({ ...before, seq, ...(seq > before.seq ? { failingSince: null, failures: 0 } : {}) }, status);
      }
      seq = entry.seq;
    }
    if (seq > before.seq) await save({ keyId, seq, failingSince: null, failures: 0, disabled: null });
    // At the bound there may be more; the other keys have their turn first.
    if (entries.length === limits.callbackPageEntries) ready.add(keyId);
  }

  async function notTaken(record: CallbackRecord, status: number | string): Promise<void> {
    const now = provenNow();
    const failures = record.failures + 1;
    const failingSince = record.failingSince ?? now;
    const disabled =
      status === GONE
        ? 'The receiver answered 410: it wants no more'
        : now - failingSince >= limits.callbackGiveUpMs
          ? `Nothing was taken since ${new Date(failingSince).toISOString()}`
          : null;
    const delayMs = backoffMs(failures, limits.callbackBackoffMinMs, limits.callbackBackoffMaxMs, random);
    // Before the cursor is saved: the commit may bring news of this key, which has to wait too.
    if (disabled === null) rest(record.keyId, delayMs);
    await save({ ...record, failures, failingSince, disabled });
    const answer = typeof status === 'string' ? { status: null, error: status } : { status };
    const fields = {
      ...{ event: 'callback_not_taken', key: record.keyId, ...answer, failures, disabled: disabled !== null },
    };
    log.warn(fields, disabled === null ? 'a callback was not taken' : 'no more callbacks are sent for a key');
  }

  return {
    start() {
      for (const keyId of keyring.withCallbacks()) wake(keyId);
    },
    async stop() {
      stopping.abort();
      for (const timer of resting.values()) clock.clearTimeout(timer);
      await Promise.allSettled(busy.values());
    },
    async state(keyId) {
      const target = keyring.callback(keyId);
      if (target === null) return null;
      const { seq, failingSince, failures, disabled } = await recordOf(keyId);
      return { url: target.url, seq, failingSince, failures, disabled };
    },
    async behind() {
      const places: CallbackPlace[] = [];
      for (const keyId of keyring.withCallbacks()) {
        const [oldest] = await untold(await recordOf(keyId), 1);
        if (oldest !== undefined) places.push({ keyId, seq: oldest.seq - 1 });
      }
      return places;
    },
    counts: () => ({
      behind: new Set([...ready, ...busy.keys(), ...resting.keys()]).size,
      failing: resting.size,
    }),
    async resume(keyId) {
      if (keyring.callback(keyId) === null) return false;
      const { seq } = await recordOf(keyId);
      await save({ keyId, seq, failingSince: null, failures: 0, disabled: null });
      clock.clearTimeout(resting.get(keyId));
      resting.delete(keyId);
      wake(keyId);
      return true;
    },
  };
}

/** As Standard Webhooks has it; `data` is what the stream's event carries. */
function bodyOf({ type, at, body }: Entry): string {
  return `{"type":"${type}","timestamp":"${new Date(at).toISOString()}","data":${body}}`;
}
