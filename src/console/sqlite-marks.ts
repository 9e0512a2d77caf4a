import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import type { ReadMarks } from './console.ts';

/** Read marks in the data folder's database, on a connection of their own. On one that only reads, `of` alone may be used. */
export function createSqliteReadMarks(db: DatabaseSync): ReadMarks {
  // A mark that the last power cut took costs somebody a second look, and no commit here waits for the disk.
  db.exec('PRAGMA synchronous = NORMAL');
  const all = db.prepare('SELECT chat, seq FROM read_marks WHERE key_id = ?');
  const begin = db.prepare("INSERT INTO read_marks (key_id, chat, seq) VALUES (?, '', ?) ON CONFLICT DO NOTHING");
  const set = db.prepare(
    `INSERT INTO read_marks (key_id, chat, seq) VALUES (?, ?, ?)
     ON CONFLICT (key_id, chat) DO UPDATE SET seq = max(seq, excluded.seq)`,
  );
  const trim = db.prepare(
    `DELETE FROM read_marks WHERE key_id = ?1 AND chat <> '' AND chat IN
       (SELECT chat FROM read_marks WHERE key_id = ?1 AND chat <> '' ORDER BY seq DESC LIMIT -1 OFFSET ?2)`,
  );
  return {
    of(keyId) {
      const chats = new Map(all.all(keyId).map(({ chat, seq }) => [String(chat), Number(seq)]));
      const begun = chats.get('') ?? null;
      chats.delete('');
      return { begun, chats };
    },
    begin: (keyId, seq) => void begin.run(keyId, seq),
    set(keyId, chat, seq) {
      set.run(keyId, chat, seq);
      trim.run(keyId, limits.consoleMarksMax);
    },
  };
}
