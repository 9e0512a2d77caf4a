import { accessSync, constants, lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { errorText, SwitchboardError } from '../errors.ts';
import { storageFault } from '../storage-fault.ts';

/**
 * Makes a folder that only its owner may use, with those above it as the umask says. Node's recursive mkdir never ends in a place that takes no folders (/proc/x).
 * Throws data_unusable.
 */
export function makeFolder(folder: string): void {
  const missing: string[] = [];
  for (let at = resolve(folder); lstatSync(at, { throwIfNoEntry: false }) === undefined; at = dirname(at))
    missing.push(at);
  try {
    for (const at of missing.reverse()) {
      // Another process may have made it meanwhile.
      if (statSync(at, { throwIfNoEntry: false }) === undefined)
        mkdirSync(at, { mode: at === resolve(folder) ? 0o700 : 0o777 });
    }
    if (!statSync(folder).isDirectory()) throw unusable(`${folder} is a file, and must be a folder: ${OTHER}`);
  } catch (error) {
    throw dataFault(error, folder);
  }
}

/**
 * What a start or a command tells if the disk or the database does not let it work: data_unusable, with the path and what to
 * do. `file` is the one in use, unless the error names another. An error that is not about the data folder comes back as it is.
 */
export function dataFault(error: unknown, folder: string, file = 'switchboard.db'): unknown {
  if (!(error instanceof Error)) return error;
  const path = join(folder, file);
  const fault = 'errcode' in error ? null : storageFault(error);
  if (fault?.code === 'data_damaged')
    return unusable(`${path} is damaged (${errorText(fault.cause)}): restore a backup of it`, error);
  if (error instanceof SwitchboardError) {
    return error.entry.exit === undefined && error.cause !== undefined ? dataFault(error.cause, folder, file) : error;
  }
  if ('errcode' in error) return unusable(sqliteText(Number(error.errcode), path, error), error);
  if (!('code' in error && 'path' in error) || typeof error.path !== 'string') return error;
  const [inside, named] = [resolve(folder), resolve(error.path)];
  if (!`${named}${sep}`.startsWith(`${inside}${sep}`) && !`${inside}${sep}`.startsWith(`${named}${sep}`)) return error;
  return unusable(systemText(String(error.code), error.path, error), error);
}

const OTHER = 'name another folder with SWITCHBOARD_DATA';
const unusable = (message: string, cause?: unknown) => new SwitchboardError('data_unusable', message, { cause });
const user = (): string => (process.getuid === undefined ? 'this user' : `this user (uid ${process.getuid()})`);
const owner = (path: string): string =>
  `${path} may not be written by ${user()}: give the user the data folder and its files (chown -R), or ${OTHER}`;
const full = (path: string): string => `the disk of ${path} is full: make room there, and start again`;

/** sqlite3.h: there is no room for the index of the write-ahead log. */
const IOERR_SHMSIZE = 4874;

/** sqlite3.h has the codes. SQLite's own texts name no file. */
function sqliteText(code: number, path: string, error: Error): string {
  if (code === IOERR_SHMSIZE) return full(path);
  // The lower byte of an extended code is the code.
  switch (code & 0xff) {
    case 5:
      return `${path} is locked by another program (a backup, a database browser): end that, and start again`;
    case 8:
      return owner(path);
    case 11:
      return `${path} is damaged: restore a backup of it`;
    case 13:
      return full(path);
    case 14:
      return cannotOpen(path, error);
    case 26:
      if (path.endsWith('.lock')) return `${path} is not the lock file of Switchboard: delete it`;
      return `${path} is not a database of Switchboard: restore a backup of it, or ${OTHER}`;
    default:
      return `${path} cannot be used (${errorText(error)}): check the disk`;
  }
}

function cannotOpen(path: string, error: Error): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    return `${path} is a folder, and must be a file: move it away`;
  try {
    accessSync(dirname(path), constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (refusal) {
    const code = refusal instanceof Error && 'code' in refusal ? String(refusal.code) : '';
    return systemText(code, dirname(path), error);
  }
  return `${path} cannot be opened (${errorText(error)}): check whose file it is, and the disk`;
}

function systemText(code: string, path: string, error: Error): string {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return owner(path);
    case 'EROFS':
      return `${path} is on a disk that may only be read: mount it for writing, or ${OTHER}`;
    case 'ENOSPC':
    case 'EDQUOT':
      return full(path);
    case 'ENOTDIR':
      return `${path} cannot be made, as a part of this path is a file: ${OTHER}`;
    case 'EEXIST':
    case 'EISDIR':
      return `${path} is in the way: a ${code === 'EEXIST' ? 'folder' : 'file'} is needed there. Move it away, or ${OTHER}`;
    case 'ENOENT':
      return `${path} cannot be made there, or is a link that leads nowhere: ${OTHER}`;
    default:
      return `${path} cannot be used (${errorText(error)}): ${OTHER}`;
  }
}
