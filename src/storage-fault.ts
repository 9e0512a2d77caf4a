import type { Clock } from './clock.ts';
import { type ErrorCode, errorText, SwitchboardError } from './errors.ts';
import { limits } from './limits.ts';

/** What SQLite says (sqlite3.h). The lower byte is the kind; the rest of an extended code says where. */
const CODE_OF_SQLITE: Readonly<Record<number, ErrorCode>> = {
  5: 'data_locked', // SQLITE_BUSY
  8: 'disk_failed', // SQLITE_READONLY
  10: 'disk_failed', // SQLITE_IOERR
  11: 'data_damaged', // SQLITE_CORRUPT
  13: 'disk_full', // SQLITE_FULL
  14: 'disk_failed', // SQLITE_CANTOPEN
  26: 'data_damaged', // SQLITE_NOTADB
  522: 'data_damaged', // SQLITE_IOERR_SHORT_READ: the file is shorter than it says
  4874: 'disk_full', // SQLITE_IOERR_SHMSIZE: no room for the index of the write-ahead log
};

/** What the operating system says of a file. */
const CODE_OF_SYSTEM: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
  EIO: 'disk_failed',
  EROFS: 'disk_failed',
};

/** How node:sqlite tells of an integer that no column of ours holds. */
const TOO_LARGE = 'Value is too large to be represented as a JavaScript number';

const STORAGE_CODES: readonly ErrorCode[] = ['data_locked', 'disk_failed', 'disk_full', 'data_damaged', 'data_gone'];

/**
 * An error of the disk or the database, as callers get it: what happened and what to do. Null if the error is of another
 * kind. Works for errors of node:sqlite, of node:fs, and for those that came out of a thread.
 */
export function storageFault(error: unknown): SwitchboardError | null {
  if (error instanceof SwitchboardError) return STORAGE_CODES.includes(error.code) ? error : null;
  if (!(error instanceof Error)) return null;
  if (error instanceof RangeError && error.message.startsWith(TOO_LARGE)) return damaged('a number is too large');
  const code = 'errcode' in error ? sqliteCode(Number(error.errcode)) : 'code' in error ? systemCode(error.code) : null;
  if (code === null) return null;
  switch (code) {
    case 'disk_full': {
      const message = 'The disk of the data folder is full: make room there. Switchboard then goes on by itself';
      return new SwitchboardError(code, message, { retryAfterMs: limits.storageRetryMs, cause: error });
    }
    case 'data_locked': {
      const message =
        'Another program has locked the database: end what writes to it. Switchboard then goes on by itself';
      return new SwitchboardError(code, message, { retryAfterMs: limits.overloadRetryMs, cause: error });
    }
    case 'data_damaged':
      return damaged(errorText(error), error);
    default: {
      const message = `The disk of the data folder fails (${errorText(error)}): check the disk and the folder's permissions`;
      return new SwitchboardError('disk_failed', message, { retryAfterMs: limits.storageRetryMs, cause: error });
    }
  }
}

/** The error for a damaged database. `what` says what was found, without the content. */
export const damaged = (what: string, cause: unknown = new Error(what)): SwitchboardError =>
  new SwitchboardError(
    'data_damaged',
    `The database is damaged (${what}): stop Switchboard, look at it with switchboard doctor, and restore a backup`,
    { cause },
  );

const sqliteCode = (errcode: number): ErrorCode | null =>
  CODE_OF_SQLITE[errcode] ?? CODE_OF_SQLITE[errcode & 0xff] ?? null;

const systemCode = (code: unknown): ErrorCode | null =>
  typeof code === 'string' ? (CODE_OF_SYSTEM[code] ?? null) : null;

/**
 * Runs an attempt again while another process holds the database's write lock, up to `triesMax` times. It waits without
 * holding the event loop, unlike SQLite's own busy_timeout: the connection's must be 0.
 */
export async function retryWhileLocked<T>(
  clock: Clock,
  attempt: () => T | Promise<T>,
  triesMax: number = limits.lockTriesMax,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (tries >= triesMax || storageFault(error)?.code !== 'data_locked') throw error;
    }
    await new Promise<void>((resolve) => clock.setTimeout(resolve, limits.lockRetryMs));
  }
}
