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
  const revoke = db.prepare(
    'UPDATE keys SET revoked_at = ?, previous_hash = NULL, previous_until = NULL WHERE id = ? AND revoked_at IS NULL',
  );
  const cancel = db.prepare('UPDATE keys SET messages_canceled = 1 WHERE id = ?');
  const rotate = db.prepare(
    `UPDATE keys SET secret_hash = ?2, previous_hash = iif(?3 > ?4, secret_hash, NULL), previous_until = iif(?3 > ?4, ?3, NULL)
     WHERE id = ?1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?4)`,
  );
  const signAnew = db.prepare('UPDATE key_callbacks SET secret = ? WHERE key_id = ?');
  const removeCallback = db.prepare('DELETE FROM key_callbacks WHERE key_id = ?');
  const remove = db.prepare('DELETE FROM keys WHERE id = ?');
  const version = db.prepare('SELECT version FROM keys_version');

  function atOnce<T>(write: () => T): T {
    db.exec('BEGIN IMMEDIATE');
    try {
      const value = write();
      db.exec('COMMIT');
      return value;
    } finally {
      if (db.isTransaction) db.exec('ROLLBACK');
    }
  }

  return {
    add(key, callback, noting) {
      const [chats, events] = [listText(key.chats), listText(key.events)];
      const scopes = key.givenScopes.length === 0 ? null : listText(key.givenScopes);
      const rights = [key.role, key.name, chats, scopes, events] as const;
      atOnce(() => {
        if (callback !== null) insertCallback.run(key.id, callback.url, callback.secret);
        insert.run(key.id, ...rights, key.createdAt, key.expiresAt, key.revokedAt, key.secretHash);
        noting?.();
      });
    },
    list: () => all.all().map(keyOf),
    callbacks: () =>
      new Map(
        callbacks.all().map((row) => [text(row, 'key_id'), { url: text(row, 'url'), secret: text(row, 'secret') }]),
      ),
    revoke: (id, at, cancels, noting) =>
      atOnce(() => {
        const revoked = revoke.run(at, id).changes === 1;
        removeCallback.run(id);
        if (cancels) cancel.run(id);
        if (revoked) noting?.();
        return revoked;
      }),
    rotate: (id, { secretHash, previousUntil, callbackSecret }, at, noting) =>
      atOnce(() => {
        if (rotate.run(id, secretHash, previousUntil, at).changes !== 1) return false;
        if (callbackSecret !== null) signAnew.run(callbackSecret, id);
        noting?.();
        return true;
      }),
    remove: (id) =>
      atOnce(() => {
        remove.run(id);
        removeCallback.run(id);
      }),
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
  const secretHash = hash(row, 'secret_hash');
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
    previousUntil: time(row, 'previous_until'),
    secretHash,
    previousHash: row.previous_hash === null ? null : hash(row, 'previous_hash'),
    messagesCanceled: row.messages_canceled === 1,
  };
}

function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw damaged(`keys.${column} holds ${typeof value}`);
  return value;
}

function hash(row: Row, column: string): string {
  const value = text(row, column);
  if (!/^[0-9a-f]{64}$/.test(value)) throw damaged(`keys.${column} holds no SHA-256`);
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
