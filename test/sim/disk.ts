import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { openDatabase, openReader } from '../../src/journal/sqlite-open.ts';

/** What a process meets with at a moment of its transactions; it throws where that moment fails. */
export type AtDisk = (moment: 'begin' | 'statement' | 'commit' | 'committed' | 'read') => void;

/** Two connections that write: one for the process that serves, one for a rival that takes over. */
export interface Disk {
  readonly writers: readonly [DatabaseSync, DatabaseSync];
  readonly reader: DatabaseSync;
  /** Empties it for the next world. */
  clear(): void;
  close(): void;
}

/**
 * A real database file that many worlds use one after another. What a dead process had committed stays, what it had not
 * is rolled back: so nothing needs to reach the disk itself.
 */
export function openDisk(): Disk {
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-sim-'));
  const writers = [openDatabase(folder), openDatabase(folder)] as const;
  // A writer that waits for another would stand still for ever: they share one thread.
  for (const db of writers) db.exec('PRAGMA synchronous = OFF; PRAGMA busy_timeout = 0');
  const reader = openReader(folder);
  const tables = reader
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all()
    .map(({ name }) => String(name));
  return {
    writers,
    reader,
    clear() {
      const [db] = writers;
      db.exec(`BEGIN; ${tables.map((name) => `DELETE FROM "${name}"`).join('; ')}; COMMIT`);
    },
    close() {
      for (const db of [...writers, reader]) db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Thrown into a process at the moment of its death; nobody hears of it. */
export class Death extends Error {}

/**
 * A connection as one process holds it: `at` decides what each moment of a transaction brings, and with the process the
 * connection is dead.
 */
export function connectionOf(
  db: DatabaseSync,
  process: { readonly dead: boolean },
  at: AtDisk,
  use: 'write' | 'read',
  rewritten: (sql: string) => string = (sql) => sql,
): DatabaseSync {
  /** Runs one statement, with what may befall it. */
  function run<T>(sql: string, writes: boolean, statement: () => T): T {
    if (process.dead) throw new Death();
    const word = /^\s*(BEGIN|COMMIT)\b/i.exec(sql)?.[1]?.toUpperCase();
    if (use === 'read') at('read');
    else if (word === 'BEGIN') at('begin');
    else if (word === 'COMMIT') at('commit');
    else if (writes && db.isTransaction) at('statement');
    const value = statement();
    if (word === 'COMMIT') at('committed');
    return value;
  }

  const statementOf = (sql: string): StatementSync => {
    const methods = new Map<string | symbol, unknown>();
    return new Proxy(preparedOn(db, rewritten(sql)), {
      get(target, name) {
        const known = methods.get(name);
        if (known !== undefined) return known;
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        const method = (...args: unknown[]) => run(sql, name === 'run', () => Reflect.apply(value, target, args));
        methods.set(name, method);
        return method;
      },
    });
  };

  return new Proxy(db, {
    get(target, name) {
      if (name === 'isTransaction') return !process.dead && target.isTransaction;
      if (name === 'prepare') return statementOf;
      if (name === 'exec') return (sql: string) => run(sql, false, () => target.exec(sql));
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => run('', false, () => Reflect.apply(value, target, args));
    },
  });
}

/** Statements outlive the processes that prepared them: preparing took more time than running them. */
const PREPARED = new WeakMap<DatabaseSync, Map<string, StatementSync>>();

function preparedOn(db: DatabaseSync, sql: string): StatementSync {
  const statements = PREPARED.get(db) ?? new Map<string, StatementSync>();
  PREPARED.set(db, statements);
  const statement = statements.get(sql) ?? db.prepare(sql);
  statements.set(sql, statement);
  return statement;
}

/** As node:sqlite throws it. */
export function diskError(what: keyof typeof DISK_ERRORS): Error {
  const [message, errcode] = DISK_ERRORS[what];
  return Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode });
}

const DISK_ERRORS = {
  full: ['database or disk is full', 13],
  io: ['disk I/O error', 10],
  locked: ['database is locked', 5],
  damaged: ['database disk image is malformed', 11],
} as const;
