import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { damaged } from '../storage-fault.ts';
import type { KeyStore, StoredKey } from './keys.ts';
import { ROLES } from './keys.ts';

/**
 * The tables of the keys. `keys_version` counts every change to `keys`, by whichever process and tool, so that a
 * look at one row tells whether there is anything new. (`PRAGMA data_version` would change with each commit of the
 * journal, which may share the file.)
 */
export const KEYS_SCHEMA = `
CREATE TABLE IF NOT EXISTS keys (
  id TEXT PRIMARY KEY,
  role TEXT NOT NULL,
  name TEXT NOT NULL,
  chats TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  secret_hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- The secret signs: it cannot be kept as a hash.
CREATE TABLE IF NOT EXISTS key_callbacks (
  key_id TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  secret TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys_version (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS keys_added AFTER INSERT ON keys BEGIN
  INSERT INTO keys_version (one, version) VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET version = version + 1;
END;
CREATE TRIGGER IF NOT EXISTS keys_changed AFTER UPDATE ON keys BEGIN
  INSERT INTO keys_version (one, version) VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET version = version + 1;
END;
CREATE TRIGGER IF NOT EXISTS keys_removed AFTER DELETE ON keys BEGIN
  INSERT INTO keys_version (one, version) VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET version = version + 1;
END;
`;

/**
 * Keys in SQLite. Give it a connection of its own: on one that is in a transaction, a change would commit, or be
 * undone, with that.
 */
export function createSqliteKeyStore(db: DatabaseSync): KeyStore {
  db.exec(KEYS_SCHEMA);
  const insert = db.prepare(
    `INSERT INTO keys (id, role, name, chats, created_at, expires_at, revoked_at, secret_hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertCallback = db.prepare('INSERT OR REPLACE INTO key_callbacks (key_id, url, secret) VALUES (?, ?, ?)');
  const callbacks = db.prepare('SELECT * FROM key_callbacks');
  const all = db.prepare('SELECT * FROM keys ORDER BY created_at, id');
  const revoke = db.prepare('UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL');
  const remove = db.prepare('DELETE FROM keys WHERE id = ?');
  const version = db.prepare('SELECT version FROM keys_version');
  return {
    add(key, callback) {
      const chats = key.chats === null ? null : JSON.stringify(key.chats);
      db.exec('BEGIN IMMEDIATE');
      try {
        if (callback !== null) insertCallback.run(key.id, callback.url, callback.secret);
        insert.run(key.id, key.role, key.name, chats, key.createdAt, key.expiresAt, key.revokedAt, key.secretHash);
        db.exec('COMMIT');
      } finally {
        if (db.isTransaction) db.exec('ROLLBACK');
      }
    },
    list: () => all.all().map(keyOf),
    callbacks: () =>
      new Map(
        callbacks.all().map((row) => [text(row, 'key_id'), { url: text(row, 'url'), secret: text(row, 'secret') }]),
      ),
    revoke: (id, at) => revoke.run(at, id).changes === 1,
    remove: (id) => void remove.run(id),
    version() {
      const row = version.get();
      return row === undefined ? 0 : Number(row.version);
    },
  };
}

type Row = Record<string, SQLOutputValue>;

/** A row that is not of the schema's types means a damaged file: stop rather than let anybody in. */
function keyOf(row: Row): StoredKey {
  const role = ROLES.find((r) => r === row.role);
  if (role === undefined) throw damaged(`key ${String(row.id)} has no known role`);
  const secretHash = text(row, 'secret_hash');
  if (!/^[0-9a-f]{64}$/.test(secretHash)) throw damaged('keys.secret_hash holds no SHA-256');
  return {
    id: text(row, 'id'),
    role,
    name: text(row, 'name'),
    chats: row.chats === null ? null : chatsOf(text(row, 'chats')),
    createdAt: time(row, 'created_at') ?? 0,
    expiresAt: time(row, 'expires_at'),
    revokedAt: time(row, 'revoked_at'),
    secretHash,
  };
}

function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw damaged(`keys.${column} holds ${typeof value}`);
  return value;
}

function time(row: Row, column: string): number | null {
  const value = row[column];
  if (value !== null && typeof value !== 'number') throw damaged(`keys.${column} holds ${typeof value}`);
  return value;
}

function chatsOf(json: string): string[] {
  try {
    const value: unknown = JSON.parse(json);
    if (Array.isArray(value) && value.every((chat) => typeof chat === 'string')) return value;
  } catch {
    // Told below.
  }
  throw damaged('keys.chats holds no list of chats');
}
