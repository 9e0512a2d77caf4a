import { type Entry, type Journal, lengthOf } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { Page, PageQuery } from './operators.ts';

/** The journal's reading side: all that readers need of it. */
export type Reads = Pick<Journal, 'stream' | 'bounds' | 'read'>;

export interface EntriesPage extends Omit<Page, 'texts'> {
  readonly entries: readonly Entry[];
}

/**
 * Reads the entries after a seq that pass the filters, up to so many and so much. The page says how far it reaches, also where nothing passed.
 * I4: whatever is committed or taken by retention meanwhile, the next page goes on where this one ends.
 */
export async function readPage(journal: Reads, query: PageQuery): Promise<EntriesPage> {
  const { after, to, chats, types, owner = null, lengthMax = limits.pageLengthMax } = query;
  const limit = Math.max(1, Math.min(query.limit, limits.readEntriesMax));
  const { first, head } = journal.bounds();
  const upTo = to === undefined ? {} : { to };
  const from = Math.max(after + 1, first);
  const read = await journal.read({ from, ...upTo, limit, lengthMax, chats, types, owner });
  const firstNow = journal.bounds().first;
  const length = read.reduce((sum, entry) => sum + lengthOf(entry), 0);
  const atHead = read.length < limit && length < lengthMax;
  const last = read.at(-1)?.seq ?? after;
  const reached = atHead ? Math.max(after, Math.min(head, to ?? head), last) : last;
  const entries = read.filter(({ seq }) => seq >= firstNow);
  return {
    entries,
    last: entries.at(-1)?.seq ?? null,
    after: Math.max(reached, firstNow - 1),
    atHead,
    gap: after + 1 < firstNow ? { from: after + 1, to: firstNow - 1 } : null,
  };
}
