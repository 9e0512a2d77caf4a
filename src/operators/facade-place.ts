import type { CursorRecord } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { type Allowed, isAllowed, type QueuedUpdate, updateOf } from './facade-update.ts';
import { type EntriesPage, type Reads, readPage } from './pages.ts';

/** The updates that a key may see: of these chats (null: of all). */
export interface UpdateSource {
  readonly journal: Reads;
  readonly chats: readonly string[] | null;
  /** Lets other work have its turn between two pages. Throws where nobody waits for the next any more. */
  readonly turn: () => Promise<void>;
}

interface UpdatesPage extends Pick<EntriesPage, 'after' | 'atHead'> {
  readonly updates: readonly QueuedUpdate[];
}

/** The updates after a seq, and up to another, a page of the journal at a time. */
export async function* pagesAfter(
  { journal, chats, turn }: UpdateSource,
  seq: number,
  to = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<UpdatesPage> {
  for (let after = seq; ; await turn()) {
    const bounds = { limit: limits.facadeUpdatesMax, lengthMax: limits.facadeAnswerBytesMax };
    const query = { after, to, ...bounds, chats, types: ['update.received'] };
    const { entries, ...page } = await readPage(journal, query);
    yield { ...page, updates: entries.map(updateOf).filter((update) => update !== null) };
    if (page.atHead) return;
    after = page.after;
  }
}

/**
 * The seq up to which an offset confirms: that of the last update whose id is below it. No seq before the cursor's.
 *
 * Ids ascend, but after an idle week they start again anywhere (telegram.md). So an offset is read against the updates
 * that the key has yet to confirm, up to where their ids descend: those behind are of another time. The offset that
 * confirmed last confirms nothing more. One far beyond all ids is of another time too, and Telegram serves from the
 * head of the queue then.
 */
export async function confirmedBy(source: UpdateSource, cursor: CursorRecord, offset: number): Promise<number> {
  if (offset === cursor.confirmedOffset) return cursor.seq;
  let last: QueuedUpdate | null = null;
  for await (const { updates } of pagesAfter(source, cursor.seq)) {
    for (const update of updates) {
      if (update.updateId >= offset) return last?.seq ?? cursor.seq;
      if (last !== null && update.updateId < last.updateId) return confirmedUpTo(last, cursor, offset);
      last = update;
    }
  }
  return confirmedUpTo(last, cursor, offset);
}

/** The official server takes an offset up to 10 beyond its newest update (TQueue.cpp of tdlib/td). */
const confirmedUpTo = (last: QueuedUpdate | null, cursor: CursorRecord, offset: number): number =>
  last !== null && offset <= last.updateId + 10 ? last.seq : cursor.seq;

/** The seq behind which there are `count` updates of these kinds; the cursor's where there are not so many. */
export async function countedFromEnd(
  source: UpdateSource,
  cursor: CursorRecord,
  allowed: Allowed,
  count: number,
): Promise<number> {
  let missing = count;
  for (let last = source.journal.bounds().head; last > cursor.seq; await source.turn()) {
    const before = Math.max(cursor.seq, last - limits.readEntriesMax);
    const seqs: number[] = [];
    for await (const { updates } of pagesAfter(source, before, last)) {
      for (const { seq, kind } of updates) if (isAllowed(allowed, kind)) seqs.push(seq);
    }
    const first = seqs.at(-missing);
    if (seqs.length >= missing && first !== undefined) return first - 1;
    missing -= seqs.length;
    last = before;
  }
  return cursor.seq;
}

/** The seq of the last entry from before a time: found by halves, since entries are in the order of their times. */
export async function lastSeqBefore(journal: Reads, at: number): Promise<number> {
  const { first, head } = journal.bounds();
  let low = first - 1;
  let high = head;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const [entry] = await journal.read({ from: middle, limit: 1 });
    if (entry !== undefined && entry.at < at) low = middle;
    else high = middle - 1;
  }
  return low;
}
