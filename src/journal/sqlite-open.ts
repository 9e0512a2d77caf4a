import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type DatabaseSyncOptions } from 'node:sqlite';
import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import { makePrivateFile } from '../private-files.ts';
import { dataFault, makeFolder } from './data-fault.ts';
import { hasDatabase, refuseLoss } from './data-folder.ts';

const MIGRATIONS = join(import.meta.dirname, 'sql');

/**
 * Opens the database of a data folder, made and migrated as needed. Several processes may have it open (the server
 * and the CLI); who serves a bot takes `holdDataFolder` first.
 * Throws data_unusable with the path and what to do, data_missing if a journal was made in the folder and its database is
 * gone, data_newer where a newer Switchboard wrote it, data_held where it is to be migrated and an older one serves it.
 */
export function openDatabase(folder: string): DatabaseSync {
  if (!hasDatabase(folder)) refuseLoss(folder);
  makeFolder(folder);
  requireOwnLog(join(folder, 'switchboard.db'));
  return openAgain(folder);
}

/**
 * Opens one more writing connection, in a process that has one. requireOwnLog must not run here: it closes a descriptor of
 * the database, and with any such descriptor POSIX ends all locks that the process has on the file. Then whoever else opens
 * and closes the database deletes the log in use, with every commit that follows: https://sqlite.org/howtocorrupt.html, 2.2
 */
export function openAgain(folder: string): DatabaseSync {
  const db = open(folder, 'switchboard.db', { timeout: 5000 });
  try {
    // Only a database without a table takes it: later its unused pages can be given back a part at a time.
    if (schemaVersion(db) === 0) db.exec('PRAGMA auto_vacuum = INCREMENTAL');
    // What is deleted is overwritten: it costs some 2 % more writes.
    db.exec('PRAGMA secure_delete = ON');
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    // 48 MiB of page cache: the index pages of a million chats stay in memory. Up to 32 MiB of log between checkpoints: pages
    // that change with every commit are copied half as often.
    db.exec(`PRAGMA journal_size_limit = ${limits.writeAheadLogBytesMax}`);
    db.exec('PRAGMA cache_size = -49152; PRAGMA wal_autocheckpoint = 8000; PRAGMA temp_store = MEMORY');
    migrate(folder, db);
    return db;
  } catch (error) {
    db.close();
    throw dataFault(error, folder);
  }
}

function open(folder: string, file: string, options: DatabaseSyncOptions): DatabaseSync {
  makePrivateFile(join(folder, file));
  try {
    return new DatabaseSync(join(folder, file), options);
  } catch (error) {
    throw dataFault(error, folder, file);
  }
}

/**
 * Makes a connection fail at once while another process holds the write lock, once it has been set up: SQLite would wait
 * in the event loop. Its writes go through retryWhileLocked.
 */
export const neverWait = (db: DatabaseSync): void => db.exec('PRAGMA busy_timeout = 0');

/**
 * Throws if a backup was put over a database whose log is still there: SQLite would write what is in the log into the backup.
 * To be called before this process has a connection to the database (openAgain).
 * A backup has no log of its own (copyDatabase), which byte 18 of a database file says: https://sqlite.org/fileformat.html
 */
function requireOwnLog(file: string): void {
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false });
  if (log === undefined || log.size === 0 || !existsSync(file)) return;
  const header = Buffer.alloc(19);
  const descriptor = openSync(file, 'r');
  const length = readSync(descriptor, header);
  closeSync(descriptor);
  if (length < header.length || header[18] !== 1) return;
  const what = `${file}-wal belongs to another database than ${file}: delete it and ${file}-shm, then start again`;
  throw new SwitchboardError('data_unusable', what);
}

/** A second connection that sees committed work alone. */
export function openReader(folder: string): DatabaseSync {
  const db = open(folder, 'switchboard.db', { readOnly: true, timeout: 5000 });
  db.exec('PRAGMA cache_size = -16384');
  return db;
}

const schemaSteps = () =>
  readdirSync(MIGRATIONS)
    .map((name) => ({ name, number: Number(/^(\d{4})-[\w-]+\.sql$/.exec(name)?.[1]) }))
    .filter(({ number }) => number > 0)
    .sort((a, b) => a.number - b.number);

const schemaVersion = (db: DatabaseSync) => Number(db.prepare('PRAGMA user_version').get()?.user_version);

/** Of which version the schema of the data is, and of which this Switchboard makes it. */
export const schemaVersions = (db: DatabaseSync) => ({
  stored: schemaVersion(db),
  newest: schemaSteps().at(-1)?.number ?? 0,
});

function migrate(folder: string, db: DatabaseSync): void {
  const steps = schemaSteps();
  const version = () => schemaVersion(db);
  const newest = steps.at(-1)?.number ?? 0;
  if (version() === newest) return;
  if (version() === 0) refuseLoss(folder);
  if (version() > newest) {
    throw new SwitchboardError(
      'data_newer',
      `The data folder has version ${version()}, this Switchboard knows up to ${newest}: run the newer one`,
    );
  }
  db.exec('BEGIN IMMEDIATE');
  try {
    // Read again under the lock: another process may have migrated meanwhile.
    const holder = version() > 0 && version() < newest ? holderOf(folder, db) : null;
    if (holder !== null) {
      // Its statements are of the schema as it was.
      const what = `${folder} has version ${version()}, this Switchboard makes it version ${newest}`;
      throw new SwitchboardError('data_held', `${what}, and it is served by ${holder}: stop that first`);
    }
    for (const { name, number } of steps) {
      if (number > version())
        db.exec(`${readFileSync(join(MIGRATIONS, name), 'utf8')}; PRAGMA user_version = ${number}`);
    }
    db.exec('COMMIT');
  } catch (error) {
    // SQLite has rolled back by itself if the disk is full.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** The data folder, held by this process. */
export interface HeldFolder {
  /** Notes where this process answers HTTP, for `urlOfHolder`. */
  servesAt(url: string): void;
  release(): void;
}

/**
 * Takes the data folder for this process, until it closes or dies: an exclusive lock of the operating system on
 * `switchboard.lock`, which no crash leaves behind. Throws data_held, naming the holder.
 */
export function holdDataFolder(folder: string, db: DatabaseSync, now: number): HeldFolder {
  const lock = takeLock(folder);
  if (lock === null) throw new SwitchboardError('data_held', `${folder} is served by ${named(db)}: stop that first`);
  const sql = 'INSERT OR REPLACE INTO holder (one, pid, host, since) VALUES (1, ?, ?, ?)';
  db.prepare(sql).run(process.pid, hostname(), now);
  // The lock goes with its connection, and a connection that nothing refers to is closed by garbage collection.
  const release = (): void => {
    process.off('exit', release);
    if (lock.isOpen) lock.close();
  };
  process.on('exit', release);
  const note = db.prepare('UPDATE holder SET url = ? WHERE pid = ?');
  return { release, servesAt: (url) => void note.run(url, process.pid) };
}

/** Where the process that serves the data folder answers HTTP; null where nobody serves it, or not yet. */
export function urlOfHolder(folder: string, db: DatabaseSync): string | null {
  if (holderOf(folder, db) === null) return null;
  const url = db.prepare('SELECT url FROM holder').get()?.url;
  return typeof url === 'string' ? url : null;
}

/** Who serves the data folder now; null where nobody does. */
export function holderOf(folder: string, db: DatabaseSync): string | null {
  const lock = takeLock(folder);
  lock?.close();
  return lock === null ? named(db) : null;
}

function takeLock(folder: string): DatabaseSync | null {
  const lock = open(folder, 'switchboard.lock', { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    const busy = error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
    if (busy) return null;
    throw dataFault(error, folder, 'switchboard.lock');
  }
}

/** sqlite3.h */
const SQLITE_BUSY = 5;

function named(db: DatabaseSync): string {
  const row = db.prepare('SELECT pid, host, since FROM holder').get();
  if (row === undefined) return 'another process';
  return `process ${row.pid} on ${row.host}, since ${new Date(Number(row.since)).toISOString()}`;
}
