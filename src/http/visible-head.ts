import type { Journal } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { ReaderFilter } from '../operators/operators.ts';

/**
 * The last entry of a filter's chats and owner at or after `from`; null: there is none. Looks from the newest entry back, and
 * lets other work have its turn: a chat may have been quiet for millions of entries.
 */
export async function lastVisible(
  journal: Pick<Journal, 'bounds' | 'lastSeq'>,
  { chats, owner = null }: Pick<ReaderFilter, 'chats' | 'owner'>,
  from: number,
): Promise<number | null> {
  const { first, head } = journal.bounds();
  const lowest = Math.max(first, from);
  for (let to = head; to >= lowest; to -= limits.lastSeqEntriesMax) {
    const window = { from: Math.max(lowest, to - limits.lastSeqEntriesMax + 1), to };
    const found = await journal.lastSeq({ ...window, chats, owner });
    if (found !== null) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return null;
}
