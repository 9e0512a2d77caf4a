import type { Clock } from '../clock.ts';
import type { ConversationRecord, Entry, JournalFollower } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { ErasedFromIndex, Progress } from './console.ts';
import { isJournalDamage } from './damage.ts';

/** How far the index is. */
export interface Reached {
  readonly stream: string;
  /** Spans of seqs that are taken in, the newest first; none touches another. */
  readonly ranges: readonly (readonly [number, number])[];
  /** What is older is forgotten. */
  readonly first: number;
  /** The conversation that was looked at last; null: all were. */
  readonly seeded: string | null;
}

/** Where the index is kept. Each call commits with how far the index is then. */
export interface IndexStore {
  /** Null where it does not say: then it is as good as empty. */
  reached(): Reached | null;
  /** Forgets all: another journal's, or one that was put back to an earlier time. */
  clear(reached: Reached): void;
  /** Takes entries in. Gives whether a group moved with them: then `move` is to be told. */
  take(entries: Iterable<Entry>, reached: Reached): boolean;
  /** How conversations stand: where their entries are gone, nothing else tells. */
  seed(records: readonly ConversationRecord[], reached: Reached): void;
  /** Groups that have become others: their rows follow. */
  move(chats: ReadonlyMap<string, string>, reached: Reached): void;
  /** Forgets what was erased. Gives the entries that are to be taken in again, by seq, in order. */
  erase(erased: ErasedFromIndex, reached: Reached): number[];
  /** Gives back the room of what was deleted. False: the file is in use. */
  empty(): boolean;
  /** Forgets a part of what is older than `reached.first`; true where there is more. */
  forget(reached: Reached): boolean;
  /** Takes what was forgotten out of the file, where its words can still be read; a part of it. True if there is more. */
  tidy(): boolean;
}

/** What a step did: took in what is new, or of the past; or there was nothing to do. */
export type IndexStep = 'live' | 'past' | 'idle';

/**
 * Follows the journal into the index, step by step: what is new first, then the past, from the newest entry back.
 *
 * Spans of seqs say what is taken in; each commits with its rows, so that a crash takes nothing in twice, or not at all.
 * Another journal's index, or one that knows more than the journal does, is begun anew.
 */
export function createIndexing(follower: JournalFollower, store: IndexStore, clock: Pick<Clock, 'steadyNow'>) {
  let reached = begin();

  function begin(): Reached {
    const { stream, first, head } = follower.bounds();
    const before = store.reached();
    let now: Reached = { stream, ranges: [], first, seeded: '' };
    if (before !== null && before.stream === stream && (before.ranges[0]?.[1] ?? 0) <= head) now = before;
    else store.clear(now);
    store.move(follower.movedChats(), now);
    return now;
  }

  function take(from: number, to: number, ranges: Reached['ranges']): void {
    const next = { ...reached, ranges };
    const migrates = store.take(follower.entries(from, to), next);
    reached = next;
    if (migrates) store.move(follower.movedChats(), reached);
  }

  /** The newest entries that are not taken in yet. False: there are none. */
  function takeLive(first: number, head: number): boolean {
    const [top, ...rest] = reached.ranges;
    const high = top?.[1] ?? 0;
    if (high >= head || head < first) return false;
    if (top === undefined || head - high > limits.consoleTailMax) {
      const from = Math.max(first, head - limits.consoleBatchEntries + 1);
      take(from, head, [[from, head], ...reached.ranges]);
      return true;
    }
    const to = Math.min(head, high + limits.consoleBatchEntries);
    take(Math.max(first, high + 1), to, [[top[0], to], ...rest]);
    return true;
  }

  /** The newest gap's newest entries. False: there is no gap. */
  function takePast(first: number): boolean {
    const [top, below, ...rest] = reached.ranges;
    if (top === undefined) return false;
    const bound = Math.max(first, (below?.[1] ?? 0) + 1);
    if (top[0] <= bound) {
      if (below === undefined || below[1] < first) return false;
      reached = { ...reached, ranges: [[below[0], top[1]], ...rest] };
      return takePast(first);
    }
    const from = Math.max(bound, top[0] - limits.consoleBatchEntries);
    const joined = below !== undefined && from === below[1] + 1;
    const kept = below === undefined ? [] : [below, ...rest];
    take(from, top[0] - 1, joined ? [[below[0], top[1]], ...rest] : [[from, top[1]], ...kept]);
    return true;
  }

  /** How conversations stand that have not moved since. False: all are known. */
  function seed(): boolean {
    const { seeded } = reached;
    if (seeded === null) return false;
    const records = follower.conversations(seeded, limits.consoleBatchEntries);
    // Those on their way are newer than the table, and may be nowhere else.
    const saved = seeded === '' ? follower.savedConversations() : [];
    const last = records.length < limits.consoleBatchEntries ? null : (records.at(-1)?.id ?? null);
    reached = { ...reached, seeded: last };
    store.seed([...saved, ...records], reached);
    return true;
  }

  /** Retention took entries: their texts go here too. False: there is nothing to forget. */
  let forgetting = true;
  function forget(first: number): boolean {
    if (first > reached.first) {
      const ranges = reached.ranges
        .filter(([, high]) => high >= first)
        .map(([low, high]) => [Math.max(low, first), high] as const);
      reached = { ...reached, first, ranges };
      forgetting = true;
    }
    if (!forgetting) return false;
    forgetting = store.forget(reached);
    isUntidy = reached.first > 1;
    return forgetting;
  }

  /** Words of entries that were forgotten may be in the file: also of a process before this one. */
  let isUntidy = false;
  let tidyAt = Number.NEGATIVE_INFINITY;
  let tidyingMs = 0;

  /** Rewrites the words' part of the file, so it is done at times only. False: it is tidy, or it is not yet time. */
  function tidy(): boolean {
    const begunAt = clock.steadyNow();
    if (!isUntidy || begunAt < tidyAt) return false;
    isUntidy = store.tidy();
    tidyingMs += clock.steadyNow() - begunAt;
    if (isUntidy) return true;
    tidyAt = begunAt + Math.max(limits.consoleTidyEveryMs, tidyingMs * limits.consoleTidyRest);
    tidyingMs = 0;
    return false;
  }

  /** Takes in what is new, a batch of it. False: there was nothing. */
  function live(): boolean {
    const { stream, first, head } = follower.bounds();
    if (stream !== reached.stream || (reached.ranges[0]?.[1] ?? 0) > head) reached = begin();
    return takeLive(first, head);
  }

  /** What of the journal could not be read, so that nothing more is taken in; null: all could. */
  let fault: string | null = null;

  function step(): IndexStep {
    if (live()) return 'live';
    const { first } = follower.bounds();
    return forget(first) || seed() || takePast(first) || tidy() ? 'past' : 'idle';
  }

  /** If the journal is damaged, there is nothing to do for good: what was taken in stays. */
  function unlessDamaged(work: () => IndexStep): IndexStep {
    if (fault !== null) return 'idle';
    try {
      return work();
    } catch (error) {
      if (!isJournalDamage(error)) throw error;
      fault = error.message;
      return 'idle';
    }
  }

  return {
    live,
    erase(erased: ErasedFromIndex): void {
      const isTaken = (seq: number) => reached.ranges.some(([low, high]) => seq >= low && seq <= high);
      const again = store.erase(erased, reached).filter(isTaken);
      store.take(follower.entriesOf(again), reached);
    },
    empty: (): boolean => store.empty(),
    fault: () => fault,
    step: (): IndexStep => unlessDamaged(step),
    /** Forgets a part of what retention took, and takes nothing in. */
    forget: (): IndexStep => unlessDamaged(() => (forget(follower.bounds().first) || tidy() ? 'past' : 'idle')),
    /** When there is something to tidy, by the steady clock; null: nothing is left of what was forgotten. */
    tidyAt: (): number | null => (isUntidy ? tidyAt : null),
    progress(): Progress {
      const { first, head } = follower.bounds();
      const indexed = reached.ranges.reduce(
        (sum, [low, high]) => sum + Math.max(0, high - Math.max(low, first) + 1),
        0,
      );
      const entries = Math.max(0, head - first + 1);
      return { indexed, entries, complete: indexed >= entries && reached.seeded === null, fault };
    },
  };
}
export type Indexing = ReturnType<typeof createIndexing>;
