import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { damaged } from '../storage-fault.ts';
import type { KeyStore, Scope, StoredKey } from './keys.ts';
import { ROLES, SCOPES } from './keys.ts';

/**
 * Keys in SQLite (0022-keys.sql). Give it a connection of its own: on one that is in a transaction, a change would commit,
 * or be undone, with that.
 */
export function createSqliteKeyStore(db: DatabaseSync): KeyStore {
  const insert = db.prepare(
    `INSERT INTO keys (id, role, name, chats, scopes, events, created_at, expires_at, revoked_at, secret_hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insertCallback = db.prepare('INSERT OR REPLACE INTO key_callbacks (key_id, url, secret) VALUES (?, ?, ?)');
  const callbacks = db.prepare('SELECT * FROM key_callbacks');
  const all = db.prepare('SELECT * FROM keys ORDER BY created_at, id');
  const revoke = db.prepare('UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL');
  const remove = db.prepare('DELETE FROM keys WHERE id = ?');
  const version = db.prepare('SELECT version FROM keys_version');
  return {
    add(key, callback) {
      const [chats, events] = [listText(key.chats), listText(key.events)];
      const scopes = key.givenScopes.length === 0 ? null : listText(key.givenScopes);
      const rights = [key.role, key.name, chats, scopes, events] as const;
      db.exec('BEGIN IMMEDIATE');
      try {
        if (callback !== null) insertCallback.run(key.id, callback.url, callback.secret);
        insert.run(key.id, ...rights, key.createdAt, key.expiresAt, key.revokedAt, key.secretHash);
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
    chats: list(row, 'chats'),
    givenScopes: (list(row, 'scopes') ?? []).map(scopeOf),
    events: list(row, 'events'),
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

const listText = (values: readonly string[] | null): string | null => (values === null ? null : JSON.stringify(values));

/** A column that is null or a list of texts as JSON. */
function list(row: Row, column: string): string[] | null {
  if (row[column] === null) return null;
  try {
    const value: unknown = JSON.parse(text(row, column));
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  } catch {
    // The error below says it.
  }
  throw damaged(`keys.${column} holds no list`);
}

function scopeOf(text: string): Scope {
  const scope = SCOPES.find((known) => known === text);
  if (scope === undefined) throw damaged('keys.scopes holds an unknown scope');
  return scope;
}
