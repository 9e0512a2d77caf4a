import type { Clock, TimerHandle } from '../clock.ts';
import { limits } from '../limits.ts';
import { retryWhileLocked } from '../storage-fault.ts';
import type { Audit, AuditStore, NewAuditEntry } from './audit.ts';

export interface AuditOptions {
  readonly store: AuditStore;
  readonly clock: Clock;
  /** See ProvenTime: entries go for their age by it. */
  readonly provenNow: () => number;
  readonly onError: (error: unknown) => void;
}

interface Source {
  readonly entry: NewAuditEntry;
  /** Since its last entry. */
  count: number;
}

/** The audit log over a store. */
export function createAudit({ store, clock, provenNow, onError }: AuditOptions): Audit {
  /** The sources of this minute. */
  let sources = new Map<string, Source>();
  let timer: TimerHandle | undefined;
  let untilTrim = 0;

  function add(entry: NewAuditEntry, count = 1): void {
    store.add(entry, clock.now(), count);
  }

  /** Not within a transaction of the keys: it may take long. */
  function trimSometimes(): void {
    untilTrim -= 1;
    if (untilTrim > 0) return;
    untilTrim = limits.auditTrimEvery;
    store.trim(provenNow() - limits.auditAgeMs, limits.auditMax, limits.auditFrequentMax);
  }

  async function write(entry: NewAuditEntry, count = 1): Promise<void> {
    try {
      await retryWhileLocked(clock, () => add(entry, count));
      trimSometimes();
    } catch (error) {
      onError(error);
    }
  }

  function endMinute(): void {
    timer = undefined;
    const over = sources;
    sources = new Map();
    for (const { entry, count } of over.values()) if (count > 0) void write(entry, count);
  }

  return {
    note: (entry) => write(entry),
    noteNow: (entry) => add(entry),
    count(entry) {
      timer ??= clock.setTimeout(endMinute, limits.auditCountMs);
      const known = sources.get(sourceOf(entry));
      const isFull = known === undefined && sources.size >= limits.auditSourcesMax;
      const shown = isFull ? { ...entry, keyId: null, name: null, origin: 'others' } : entry;
      const source = known ?? sources.get(sourceOf(shown));
      if (source !== undefined) {
        source.count += 1;
        return;
      }
      sources.set(sourceOf(shown), { entry: shown, count: 0 });
      void write(shown);
    },
    page: (page) => store.page(page),
    stop() {
      clock.clearTimeout(timer);
      const over = [...sources.values()].filter(({ count }) => count > 0);
      sources = new Map();
      try {
        for (const { entry, count } of over) add(entry, count);
      } catch (error) {
        onError(error);
      }
    },
  };
}

const sourceOf = ({ act, keyId, origin }: NewAuditEntry): string => `${act} ${keyId} ${origin}`;
