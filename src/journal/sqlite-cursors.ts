import type { DatabaseSync } from 'node:sqlite';
import type { CursorRecord } from './journal.ts';
import { int, intOrNull, type Row, text, textOrNull } from './sqlite-rows.ts';

/** Reads the rows of `cursors`: on the reader of committed work, or within a transaction. */
export function prepareCursorReads(db: DatabaseSync, bot: string) {
  const one = db.prepare('SELECT * FROM cursors WHERE bot = ? AND key_id = ?');
  const all = db.prepare('SELECT * FROM cursors WHERE bot = ? AND key_id > ? ORDER BY key_id');
  return {
    cursor(keyId: string): CursorRecord | null {
      const row = one.get(bot, keyId);
      return row === undefined ? null : cursorOf(row);
    },
    cursors: (): CursorRecord[] => all.all(bot, '').map(cursorOf),
  };
}

/** The statement that writes a row of `cursors`. */
export const prepareSaveCursor = (db: DatabaseSync) =>
  db.prepare(
    `INSERT OR REPLACE INTO cursors (bot, key_id, seq, confirmed_offset, allowed_updates, updated_at)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );

const cursorOf = (row: Row): CursorRecord => ({
  keyId: text(row, 'key_id'),
  seq: int(row, 'seq'),
  confirmedOffset: intOrNull(row, 'confirmed_offset'),
  allowedUpdates: textOrNull(row, 'allowed_updates'),
  updatedAt: int(row, 'updated_at'),
});
