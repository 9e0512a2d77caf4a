import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import { int, type SeqRange, text } from './sqlite-rows.ts';

/** A message with another status is never sent again: nobody needs its contents but readers of its entries. */
const OPEN = "('scheduled', 'queued', 'sending', 'unknown')";

/** What is left of a message: which it was, when, and how it ended. Telegram's descriptions may quote the text. */
const WITHOUT_CONTENTS = `params = '{}', error = CASE WHEN error IS NOT NULL THEN json_object(
  'code', CASE WHEN json_valid(error) THEN error ->> 'code' ELSE 0 END, 'description', 'no longer kept') END`;

/**
 * Takes the contents of what is older than the first entry that is kept. A message's contents go once it has ended and the
 * entries of its acceptance and of its end are gone. Each call does a bounded part.
 */
export function prepareForget(db: DatabaseSync, bot: string, range: SeqRange) {
  const sql = {
    begun: db.prepare('SELECT contents_from FROM head WHERE bot = ?'),
    advance: db.prepare('UPDATE head SET contents_from = ? WHERE bot = ?'),
    keptSince: db.prepare('SELECT at FROM units WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1'),
    page: db.prepare('SELECT id FROM messages WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1 OFFSET ?'),
    empty: db.prepare(
      `UPDATE messages SET ${WITHOUT_CONTENTS} WHERE id BETWEEN ? AND ? AND status NOT IN ${OPEN} AND updated_at < ?`,
    ),
    postpone: db.prepare(
      `INSERT OR REPLACE INTO late_contents (id, seq) SELECT id, ? FROM messages
       WHERE id BETWEEN ? AND ? AND status NOT IN ${OPEN} AND updated_at >= ?`,
    ),
    endedLate: db.prepare('INSERT OR REPLACE INTO late_contents (id, seq) VALUES (?, ?)'),
    late: db.prepare(
      `SELECT id FROM late_contents INDEXED BY late_contents_by_seq
       WHERE seq < ? AND id BETWEEN ? AND ? ORDER BY seq LIMIT +?`,
    ),
    emptyOne: db.prepare(`UPDATE messages SET ${WITHOUT_CONTENTS} WHERE id = ? AND status NOT IN ${OPEN}`),
    dropLate: db.prepare('DELETE FROM late_contents WHERE id = ?'),
    // A timer's event that is no more than its name stays: its conversation waits for it.
    held: db.prepare(
      `SELECT conversation, seq FROM held_events INDEXED BY held_events_by_seq WHERE bot = ? AND seq < ?
         AND NOT (coalesce(awaited, '') LIKE 'timer %' AND json_remove(event, '$.type') = '{}') ORDER BY seq LIMIT +?`,
    ),
    dropHeld: db.prepare('DELETE FROM held_events WHERE bot = ? AND conversation = ? AND seq = ?'),
    noteDropped: db.prepare('UPDATE quarantined SET dropped = dropped + 1 WHERE bot = ? AND conversation = ?'),
  };
  const begun = (): number => int(sql.begun.get(bot) ?? { contents_from: 1 }, 'contents_from');
  /** Never behind the row: an end that is noted in vain does no harm. */
  let reached = begun();

  /** True if there is more. */
  function emptyMessages(first: number, nextSeq: number): boolean {
    const from = begun();
    if (from >= first) return false;
    const beyond = sql.page.get(range.id(from), range.id(first - 1), limits.forgottenAtOnce);
    const to = beyond === undefined ? first : range.seq(int(beyond, 'id'));
    const kept = sql.keptSince.get(range.id(first), range.last);
    const since = kept === undefined ? Number.MAX_SAFE_INTEGER : int(kept, 'at');
    sql.empty.run(range.id(from), range.id(to - 1), since);
    sql.postpone.run(nextSeq - 1, range.id(from), range.id(to - 1), since);
    sql.advance.run(to, bot);
    reached = Math.max(reached, to);
    return to < first;
  }

  function emptyLate(first: number): boolean {
    const rows = sql.late.all(first, range.id(1), range.last, limits.forgottenAtOnce);
    for (const row of rows) {
      sql.emptyOne.run(int(row, 'id'));
      sql.dropLate.run(int(row, 'id'));
    }
    return rows.length === limits.forgottenAtOnce;
  }

  function dropHeld(first: number): boolean {
    const rows = sql.held.all(bot, first, limits.forgottenAtOnce);
    for (const row of rows) {
      const conversation = text(row, 'conversation');
      sql.dropHeld.run(bot, conversation, int(row, 'seq'));
      sql.noteDropped.run(bot, conversation);
    }
    return rows.length === limits.forgottenAtOnce;
  }

  return {
    /** Within a transaction. True if there is more. */
    forgetMessages(first: number, nextSeq: number): boolean {
      return [emptyMessages(first, nextSeq), emptyLate(first)].includes(true);
    },
    /** Within a transaction. True if there is more. */
    forgetHeld: dropHeld,
    /** A message has ended with an entry of this seq or the next ones. */
    ended(seq: number, endSeq: number): void {
      if (seq < reached) sql.endedLate.run(range.id(seq), endSeq);
    },
  };
}
export type Forget = ReturnType<typeof prepareForget>;

/** Gives pages that nothing uses back to the disk. A database that was made before there was this keeps them until `compact`. */
export function prepareReclaim(db: DatabaseSync) {
  const isIncremental = Number(db.prepare('PRAGMA auto_vacuum').get()?.auto_vacuum) === 2;
  const free = db.prepare('PRAGMA freelist_count');
  const all = db.prepare('PRAGMA page_count');
  return {
    /** Within a transaction: a bounded number of pages, as long as more are free than new entries soon fill. True if there is more. */
    reclaim(): boolean {
      if (!isIncremental) return false;
      const spare =
        int(free.get() ?? {}, 'freelist_count') - int(all.get() ?? {}, 'page_count') / limits.freePagesShare;
      if (spare <= 0) return false;
      db.exec(`PRAGMA incremental_vacuum(${limits.reclaimedPagesAtOnce})`);
      return spare > limits.reclaimedPagesAtOnce;
    },
  };
}
export type Reclaim = ReturnType<typeof prepareReclaim>;
