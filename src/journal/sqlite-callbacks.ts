import type { DatabaseSync } from 'node:sqlite';
import type { CallbackRecord } from './journal.ts';
import { int, intOrNull, type Row, text, textOrNull } from './sqlite-rows.ts';

/** Reads a row of `callbacks`. */
export function prepareCallbackReads(db: DatabaseSync, bot: string) {
  const one = db.prepare('SELECT * FROM callbacks WHERE bot = ? AND key_id = ?');
  return {
    callback(keyId: string): CallbackRecord | null {
      const row = one.get(bot, keyId);
      return row === undefined ? null : callbackOf(row);
    },
  };
}

/** The statement that writes a row of `callbacks`. */
export const prepareSaveCallback = (db: DatabaseSync) =>
  db.prepare(
    `INSERT OR REPLACE INTO callbacks (bot, key_id, seq, failing_since, failures, disabled) VALUES (?, ?, ?, ?, ?, ?)`,
  );

const callbackOf = (row: Row): CallbackRecord => ({
  keyId: text(row, 'key_id'),
  seq: int(row, 'seq'),
  failingSince: intOrNull(row, 'failing_since'),
  failures: int(row, 'failures'),
  disabled: textOrNull(row, 'disabled'),
});
