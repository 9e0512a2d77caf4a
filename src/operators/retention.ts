import type { Callbacks } from '../callbacks/callbacks.ts';
import type { Clock, TimerHandle } from '../clock.ts';
import { errorText } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { Doubt, ProvenTime } from '../proven-time.ts';
import { storageFault } from '../storage-fault.ts';

export interface RetentionOptions {
  readonly journal: Pick<Journal, 'bounds' | 'seqAt' | 'cursors' | 'write' | 'emptyLog'>;
  readonly callbacks: Pick<Callbacks, 'behind'>;
  readonly clock: Clock;
  readonly proven: Pick<ProvenTime, 'now' | 'doubt'>;
  /** Why nothing goes for its age just now, in a sentence; null: what is old goes. */
  readonly onDoubt: (detail: string | null) => void;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Entries are gone: what was made of them elsewhere must go too. */
  readonly onGone: () => void;
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
 * With them go the contents of messages and held events that are as old, and what can be read of them in the files.
 *
 * A key that reads through the façade and is behind is waited for, as is one whose callbacks have not been taken, and
 * the log says so, until the entries are limits.retentionPatience times as old, or as many, as is set; then they go,
 * and the log says that too.
 */
export function createRetention(options: RetentionOptions): Retention {
  const { journal, callbacks, clock, proven, onDoubt, onGone, log, isActive, days, entries } = options;
  const begun = { at: clock.steadyNow(), head: journal.bounds().head };
  let timer: TimerHandle | undefined;
  let stopped = false;
  let underWay: Promise<void> = Promise.resolve();
  /** What the log said last about the key furthest behind: it says so once. */
  let said: string | null = null;
  /** It was said that the clock is not believed. */
  let doubted = false;
  /** What is older than this entry has been forgotten. The process before may have ended in the middle. */
  let forgottenTo = 0;
  /** What was deleted can still be read in the write-ahead log. */
  let isLogDue = false;

  function say(event: 'retention_waits' | 'retention_passed', waiting: Waiting, message: string): void {
    const { by, keyId: key, seq } = waiting;
    const saying = `${event} ${by} ${key}`;
    if (said !== saying) log.warn({ event, by, key, seq }, message);
    said = saying;
  }

  /** The first seq to keep, were everything set so many times as long. */
  async function keptFrom(times: number): Promise<number> {
    const byTime = days === null ? 0 : await keptByTime(days * times * DAY_MS);
    const byCount = entries === null ? 0 : journal.bounds().head - entries * times + 1;
    return Math.max(byTime, byCount);
  }

  /**
   * Entries bear times of the wall clock: one that is ahead of what is proven makes none of them old, nor one that was
   * behind as they were written. For what this process has written is no older than the process.
   */
  async function keptByTime(ageMs: number): Promise<number> {
    const seq = await journal.seqAt(Math.min(clock.now(), proven.now()) - ageMs);
    return clock.steadyNow() - begun.at < ageMs ? Math.min(seq, begun.head + 1) : seq;
  }

  /** Says so while a clock that jumped ahead is not believed, and once it is. */
  function tellDoubt(): void {
    const doubt = days === null ? null : proven.doubt();
    const isTold = doubt !== null && doubt.forMs >= limits.clockDoubtToldMs;
    if (isTold === doubted) return;
    doubted = isTold;
    onDoubt(isTold ? doubtText(doubt) : null);
    if (isTold) log.warn({ event: 'retention_doubts_clock', aheadMs: doubt.aheadMs }, doubtText(doubt));
    else log.info({ event: 'retention_believes_clock' }, 'the clock is believed again: what is old goes');
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

  /** Takes what is left of entries before `first`, and then the room that it took. */
  async function forget(first: number): Promise<void> {
    isLogDue = true;
    onGone();
    await journal.write(async (tx) => tx.forgetAnswersBefore(tx.provenNow - limits.idempotencyWindowMs), true);
    for (const part of ['forgetMessages', 'forgetHeld', 'reclaim'] as const)
      while (!stopped && (await journal.write(async (tx) => tx[part](), true)));
    if (!stopped) forgottenTo = first;
  }

  async function look(): Promise<void> {
    try {
      tellDoubt();
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
      if (first > forgottenTo) await forget(first);
      if (isLogDue) isLogDue = !(await journal.emptyLog());
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

function doubtText({ aheadMs, telegramDisagrees }: Doubt): string {
  const days = (aheadMs / DAY_MS).toFixed(1);
  return telegramDisagrees
    ? `This machine's clock is ${days} days ahead of Telegram's. Entries are not deleted by it: their age goes by Telegram's clock. Set the machine's clock`
    : `The clock went ahead by ${days} days. No entry is deleted for its age by it until Telegram's clock agrees, or it has run for ${limits.clockDoubtMs / 3_600_000} hours. If it is wrong, set it`;
}
