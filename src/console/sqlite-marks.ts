import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import type { ReadMarks } from './console.ts';

/** Read marks in the data folder's database. On a connection that only reads, `of` alone may be used. */
export function createSqliteReadMarks(db: DatabaseSync): ReadMarks {
  const all = db.prepare('SELECT chat, seq FROM read_marks WHERE key_id = ?');
  const put = (chat: string) => `INSERT INTO read_marks (key_id, chat, seq) VALUES (?, ${chat}, ?)`;
  const prepared = {
    begin: () => db.prepare(`${put("''")} ON CONFLICT DO NOTHING`),
    set: () => db.prepare(`${put('?')} ON CONFLICT (key_id, chat) DO UPDATE SET seq = max(seq, excluded.seq)`),
    trim: () =>
      db.prepare(
        `DELETE FROM read_marks WHERE key_id = ?1 AND chat <> '' AND chat IN
           (SELECT chat FROM read_marks WHERE key_id = ?1 AND chat <> '' ORDER BY seq DESC LIMIT -1 OFFSET ?2)`,
      ),
  };
  return {
    of(keyId) {
      const chats = new Map(all.all(keyId).map(({ chat, seq }) => [String(chat), Number(seq)]));
      const begun = chats.get('') ?? null;
      chats.delete('');
      return { begun, chats };
    },
    begin: (keyId, seq) => void prepared.begin().run(keyId, seq),
    set(keyId, chat, seq) {
      prepared.set().run(keyId, chat, seq);
      prepared.trim().run(keyId, limits.consoleMarksMax);
    },
  };
}
