import type { DatabaseSync } from 'node:sqlite';
import { damaged } from '../storage-fault.ts';
import type { SessionStore } from './sessions.ts';

const HASH = /^[0-9a-f]{64}$/;

/** Sessions in the data folder's database, on a connection of their own. */
export function createSqliteSessionStore(db: DatabaseSync): SessionStore {
  const all = db.prepare('SELECT id, cookie_hash, key_id, key_proof, created_at, used_at FROM sessions');
  const add = db.prepare(
    'INSERT INTO sessions (id, cookie_hash, key_id, key_proof, created_at, used_at) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const use = db.prepare('UPDATE sessions SET used_at = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM sessions WHERE id = ?');
  return {
    list: () =>
      all.all().map((row) => {
        const session = {
          id: String(row.id),
          cookieHash: String(row.cookie_hash),
          keyId: String(row.key_id),
          keyProof: String(row.key_proof),
          createdAt: Number(row.created_at),
          usedAt: Number(row.used_at),
        };
        const hashes = [session.id, session.cookieHash, session.keyProof];
        if (!hashes.every((hash) => HASH.test(hash))) throw damaged('a session holds no SHA-256');
        return session;
      }),
    add: ({ id, cookieHash, keyId, keyProof, createdAt, usedAt }) =>
      void add.run(id, cookieHash, keyId, keyProof, createdAt, usedAt),
    setUsedAt: (id, at) => void use.run(at, id),
    remove: (id) => void remove.run(id),
  };
}
