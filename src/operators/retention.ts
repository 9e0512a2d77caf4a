import type { Callbacks } from '../callbacks/callbacks.ts';
import type { Clock, TimerHandle } from '../clock.ts';
import { errorText } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { storageFault } from '../storage-fault.ts';

export interface RetentionOptions {
  readonly journal: Pick<Journal, 'bounds' | 'seqAt' | 'cursors' | 'write'>;
  readonly callbacks: Pick<Callbacks, 'behind'>;
  readonly clock: Clock;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Whether the key is in use: nobody waits for a key that is gone. */
  readonly isActive: (keyId: string) => boolean;
  /** How long entries are kept, and how many; null: no bound. Where both are set, what either lets go goes. */
  readonly days: number | null;
  readonly entries: number | null;
}

export interface Retention {
  /** Looks now, and from then on every limits.retentionEveryMs. Does nothing where there is no bound. */
  start(): void;
  /** Resolves once what is under way has ended. */
  stop(): Promise<void>;
}

/** A key that waits for what is after `seq`, by its own polls or by its callbacks. */
interface Waiting {
  readonly by: 'getUpdates' | 'callbacks';
  readonly keyId: string;
  readonly seq: number;
}

const DAY_MS = 24 * 3_600_000;

/**
 * Takes old entries out of the journal, a bounded unit of work at a time. I4: readers who want them are told of the gap.
 *
 * A key that reads through the façade and is behind is waited for, as is one whose callbacks have not been taken, and
 * the log says so, until the entries are limits.retentionPatience times as old, or as many, as is set; then they go,
 * and the log says that too.
 */
export function createRetention(options: RetentionOptions): Retention {
  const { journal, callbacks, clock, log, isActive, days, entries } = options;
  let timer: TimerHandle | undefined;
  let stopped = false;
  let underWay: Promise<void> = Promise.resolve();
  /** What the log said last about the key furthest behind: it says so once. */
  let said: string | null = null;

  function say(event: 'retention_waits' | 'retention_passed', waiting: Waiting, message: string): void {
    const { by, keyId: key, seq } = waiting;
    const saying = `${event} ${by} ${key}`;
    if (said !== saying) log.warn({ event, by, key, seq }, message);
    said = saying;
  }

  /** The first seq to keep, were everything set so many times as long. */
  async function keptFrom(times: number): Promise<number> {
    const byTime = days === null ? 0 : await journal.seqAt(clock.now() - days * times * DAY_MS);
    const byCount = entries === null ? 0 : journal.bounds().head - entries * times + 1;
    return Math.max(byTime, byCount);
  }

  async function slowest(): Promise<Waiting | null> {
    const polling = (await journal.cursors()).filter(({ keyId }) => isActive(keyId));
    const waiting: Waiting[] = [
      ...polling.map(({ keyId, seq }) => ({ by: 'getUpdates' as const, keyId, seq })),
      ...(await callbacks.behind()).map((place) => ({ by: 'callbacks' as const, ...place })),
    ];
    return waiting.reduce<Waiting | null>((slow, one) => (slow === null || one.seq < slow.seq ? one : slow), null);
  }

  /** What may go: up to the key furthest behind, and past it where it was waited for long enough. */
  async function target(): Promise<number> {
    const wanted = await keptFrom(1);
    const waiting = await slowest();
    if (waiting === null || waiting.seq + 1 >= wanted) {
      said = null;
      return wanted;
    }
    const past = await keptFrom(limits.retentionPatience);
    if (past <= waiting.seq + 1) {
      say('retention_waits', waiting, 'old entries stay until this key has them');
      return waiting.seq + 1;
    }
    say('retention_passed', waiting, 'this key will find entries gone that it has not had');
    return past;
  }

  async function look(): Promise<void> {
    try {
      const before = journal.bounds().first;
      const keep = await target();
      for (let first = before; first < keep && !stopped; ) {
        const kept = await journal.write(async (tx) => tx.trim(keep));
        // What is left was committed together with an entry that stays.
        if (kept === first) break;
        first = kept;
      }
      const { first } = journal.bounds();
      if (first > before) log.info({ event: 'retention', from: before, to: first - 1 }, 'old entries are gone');
    } catch (error) {
      if (storageFault(error) === null)
        log.warn({ event: 'retention_failed', error: errorText(error) }, 'old entries could not be taken away');
    }
    if (!stopped) timer = clock.setTimeout(begin, limits.retentionEveryMs);
  }

  function begin(): void {
    underWay = look();
  }

  return {
    start() {
      if (days !== null || entries !== null) begin();
    },
    async stop() {
      stopped = true;
      clock.clearTimeout(timer);
      await underWay;
    },
  };
}
