import type { Clock } from '../clock.ts';
import type { Journal } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { MachineTable } from './machines.ts';
import type { Settled } from './migrate.ts';
import type { Router } from './router.ts';
import { isOutdated, type Verdict } from './versions.ts';

/** How many conversations of other versions came to what. */
export type SweepCounts = Readonly<Record<Verdict['outcome'], number>>;

export interface SweepOptions {
  readonly journal: Pick<Journal, 'conversationVersions' | 'versionCheck'>;
  readonly machines: MachineTable;
  readonly router: Pick<Router, 'bringUp' | 'resume'>;
  /** Lets other work go first, between one page or unit of work and the next. */
  readonly pause: () => Promise<void>;
  /** True once it is to end; a later sweep goes on where this one was. */
  readonly stopped?: () => boolean;
  /** Walks also where the walk has been done: who asks is told of those that are kept, too. */
  readonly anew?: boolean;
  /** After each unit of work that brought some up: what became of them, and how many came to what so far. */
  readonly onProgress?: (counts: SweepCounts, settled: readonly Settled[]) => void;
}

/**
 * Brings every stored conversation to today's versions: one walk over all of them in the order of their ids, in small
 * units of work, each of which notes how far the walk is. A crash loses the unit at hand, and the next sweep goes on
 * there. Where the walk has been done for these machines, versions and policies it costs one read, however many there are.
 *
 * Those that stood still because their machine was not loaded go on where it is loaded again.
 *
 * Nothing depends on its being quick: a conversation that is stepped meanwhile is brought up first (readConversations).
 * Null where it was stopped before its end.
 */
export async function sweep(options: SweepOptions): Promise<SweepCounts | null> {
  const { journal, machines, router, pause, stopped = () => false, anew = false } = options;
  const counts = { migrated: 0, kept: 0, restarted: 0, quarantined: 0 };
  const plan = planOf(machines);
  const noted = await journal.versionCheck();
  if (noted?.plan === plan && noted.after === null && !anew) return counts;
  let after = noted?.plan === plan ? (noted.after ?? '') : '';
  for (;;) {
    const page = await journal.conversationVersions(after, limits.sweepPageMax);
    const still = page.filter(({ status }) => status === 'quarantined').map(({ id }) => id);
    for (let start = 0; start < still.length; start += limits.sweepUnitMax) {
      if (stopped()) return null;
      await Promise.all(still.slice(start, start + limits.sweepUnitMax).map((id) => router.resume(id)));
    }
    const outdated = page.filter((conversation) => isOutdated(conversation, machines.versions)).map(({ id }) => id);
    for (let start = 0; start < outdated.length; start += limits.sweepUnitMax) {
      if (stopped()) return null;
      const ids = outdated.slice(start, start + limits.sweepUnitMax);
      const settled = await router.bringUp(ids, { plan, after: ids.at(-1) ?? after });
      for (const { verdict } of settled) counts[verdict.outcome] += 1;
      options.onProgress?.(counts, settled);
    }
    if (page.length < limits.sweepPageMax) break;
    after = page.at(-1)?.id ?? after;
    await pause();
    if (stopped()) return null;
  }
  await router.bringUp([], { plan, after: null });
  return counts;
}

/** What conversations are held against: where any of it changes, all are looked at again. */
export function planOf(machines: MachineTable): string {
  return JSON.stringify(
    machines.names.map((name) => {
      const versions = machines.versions(name);
      return [name, versions.current?.version, versions.unfit, [...versions.older.keys()].sort()];
    }),
  );
}

export interface SweepServiceOptions extends Pick<SweepOptions, 'journal' | 'machines' | 'router'> {
  readonly clock: Clock;
  readonly onProgress: (counts: SweepCounts) => void;
  /** All have been brought up. */
  readonly onDone: (counts: SweepCounts) => void;
  readonly onError: (error: unknown) => void;
}

/** The sweep of a running server: in the background, begun again a while after a failure. */
export function createSweepService(options: SweepServiceOptions) {
  const { clock, onError } = options;
  let stopped = false;
  let retry: ReturnType<Clock['setTimeout']> | undefined;

  /** A turn of the clock: what has come meanwhile, from the network or a timer, goes first. */
  const pause = () => new Promise<void>((resolve) => void clock.setTimeout(resolve, limits.sweepPauseMs));

  async function start(): Promise<void> {
    try {
      const counts = await sweep({ ...options, pause, stopped: () => stopped });
      if (counts !== null) options.onDone(counts);
    } catch (error) {
      if (stopped) return;
      onError(error);
      retry = clock.setTimeout(() => void start(), limits.restartMaxMs);
    }
  }

  return {
    start,
    stop(): void {
      stopped = true;
      clock.clearTimeout(retry);
    },
  };
}
