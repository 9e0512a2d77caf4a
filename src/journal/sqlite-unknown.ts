import type { DatabaseSync } from 'node:sqlite';
import type { MessageRecord, UnknownQuery } from './journal.ts';
import { chatCell, int, messageOf, type SeqRange } from './sqlite-rows.ts';

/** Finds the messages of a query by the partial index alone. */
const CHOSEN = `FROM messages INDEXED BY messages_unknown
  WHERE slot = ?1 AND status = 'unknown' AND id > ?2
    AND (?3 IS NULL OR key_id = ?3) AND (?4 IS NULL OR chat = ?4) AND (?5 IS NULL OR method = ?5)
    AND (?6 IS NULL OR updated_at > ?6) AND (?7 IS NULL OR updated_at < ?7)
    AND (?8 IS NULL OR id IN (SELECT value FROM json_each(?8)))`;

/** Finds messages of unknown fate. */
export function prepareUnknown(db: DatabaseSync, range: SeqRange) {
  const page = db.prepare(`SELECT * FROM messages WHERE id IN (SELECT id ${CHOSEN} ORDER BY id LIMIT +?9) ORDER BY id`);
  const count = db.prepare(`SELECT count(*) AS n FROM (SELECT 1 ${CHOSEN} LIMIT +?9)`);
  const values = ({ owner, chat, method, since, until, seqs, after = 0 }: UnknownQuery, limit: number) => {
    const ids = seqs === undefined ? null : JSON.stringify(seqs.map(range.id));
    const who = [owner ?? null, chatCell(chat ?? null), method ?? null] as const;
    return [range.slot, range.id(after), ...who, since ?? null, until ?? null, ids, limit] as const;
  };
  return {
    page: (query: UnknownQuery, limit: number): MessageRecord[] =>
      page.all(...values(query, limit)).map((row) => messageOf(range, row)),
    /** Stops at `max`. */
    count: (query: UnknownQuery, max: number): number => int(count.get(...values(query, max)) ?? { n: 0 }, 'n'),
  };
}
