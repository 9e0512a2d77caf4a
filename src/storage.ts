import type { Clock, TimerHandle } from './clock.ts';
import type { SwitchboardError } from './errors.ts';
import type { Journal } from './journal/journal.ts';
import { limits } from './limits.ts';
import type { Logger } from './log.ts';
import type { StatusStore } from './status.ts';
import { storageFault } from './storage-fault.ts';

export interface StorageWatchOptions {
  readonly journal: Pick<Journal, 'write' | 'onFault'>;
  readonly status: StatusStore;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'error' | 'info'>;
  /** The database is damaged; called once. */
  readonly onDamaged: (fault: SwitchboardError) => void;
}

/** Tells how the data folder is doing. */
export interface StorageWatch {
  /** Takes note of an error, if the disk or the database is to blame for it. */
  report(error: unknown): void;
  stop(): void;
}

/**
 * Shows a full, failing or locked disk as the state of `data`, and says it in the log at most once in
 * limits.storageLogEveryMs, however many requests fail. It tries an empty commit until one succeeds, and nothing else has failed
 * since the try before: then all is well again. A full disk may have room for an empty commit alone. A damaged database stays degraded until the next start.
 */
export function createStorageWatch({ journal, status, clock, log, onDamaged }: StorageWatchOptions): StorageWatch {
  let isDamaged = false;
  let stopped = false;
  let probe: TimerHandle | undefined;
  /** Code and time of the last log line, by the steady clock, and failures since. */
  let loggedCode = '';
  let loggedAt = 0;
  let failures = 0;
  /** The log said last that it failed. */
  let isFailureLogged = false;
  /** A commit failed since the last try. */
  let failedSince = false;

  function write(fault: SwitchboardError): void {
    failures += 1;
    const now = clock.steadyNow();
    if (fault.code === loggedCode && now - loggedAt < limits.storageLogEveryMs) return;
    log.error({ event: 'storage_failed', code: fault.code, failures }, fault.message);
    [loggedCode, loggedAt, failures] = [fault.code, now, 0];
    isFailureLogged = true;
  }

  function tryAgain(): void {
    if (probe !== undefined || stopped) return;
    failedSince = false;
    probe = clock.setTimeout(() => {
      journal
        .write(async () => {})
        .then(
          () => {
            probe = undefined;
            if (stopped) return;
            if (failedSince) return tryAgain();
            status.trigger.trouble({ name: 'data', cause: 'storage', detail: null });
            if (isFailureLogged) log.info({ event: 'storage_works' }, 'the data folder takes writes again');
            isFailureLogged = false;
          },
          (error: unknown) => {
            probe = undefined;
            report(error);
          },
        );
    }, limits.storageRetryMs);
  }

  function report(error: unknown): void {
    const fault = storageFault(error);
    if (fault === null) return;
    write(fault);
    const cause = fault.code === 'data_damaged' ? 'damage' : 'storage';
    status.trigger.trouble({ name: 'data', cause, detail: fault.message });
    if (cause === 'storage') {
      failedSince = true;
      tryAgain();
    } else if (!isDamaged) {
      isDamaged = true;
      onDamaged(fault);
    }
  }

  journal.onFault(report);
  return {
    report,
    stop() {
      stopped = true;
      clock.clearTimeout(probe);
    },
  };
}
