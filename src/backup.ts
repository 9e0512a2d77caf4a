import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { copyFile, readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Settings } from '../config/schema.ts';
import { errorText, isFileMissing } from './errors.ts';
import { requireData } from './journal/data-folder.ts';
import { copyDatabase } from './journal/sqlite-backup.ts';
import { storageFault } from './storage-fault.ts';
import { parse, UsageError } from './usage.ts';

/** sqlite3.h: the lower byte of all errors of reading and writing. */
const SQLITE_IOERR = 10;

/**
 * `switchboard backup FILE`: copies the data folder, also while a server runs. FILE is the database; if messages with files
 * wait, those lie in the folder FILE.uploads. FILE is there once all of it is, and nothing is overwritten. Returns the exit
 * code. `progress` gets percents.
 */
export async function backupCommand(
  args: readonly string[],
  settings: Settings,
  print: (line: string) => void,
  progress: (percent: number) => void,
): Promise<number> {
  const { positionals } = parse({ args: [...args], allowPositionals: true });
  const [name, ...more] = positionals;
  if (name === undefined || name === '' || more.length > 0) throw new UsageError('backup takes one FILE to write to');
  requireData(settings.data);
  const file = resolve(name);
  const [partial, uploads] = [`${file}.partial`, `${file}.uploads`];
  for (const path of [file, uploads]) {
    if (existsSync(path)) throw new Error(`${path} exists already: name another file`);
  }
  claim(partial);
  const removeAll = () => {
    for (const path of [partial, `${partial}-journal`, uploads]) rmSync(path, { recursive: true, force: true });
  };
  process.once('exit', removeAll);
  try {
    await copyDatabase(settings.data, partial, (share) => progress(Math.floor(share * 100)));
    const files = await copyUploads(join(settings.data, 'uploads'), uploads);
    renameSync(partial, file);
    process.off('exit', removeAll);
    flush(dirname(file));
    print(JSON.stringify({ file, bytes: statSync(file).size, uploads: files }));
    return 0;
  } catch (error) {
    process.off('exit', removeAll);
    removeAll();
    throw copyFault(error, settings.data, file);
  }
}

/**
 * The error that names the backup's own disk, which may be another than the data folder's. SQLite does not say whether it failed to
 * read the one or to write the other. Other errors come back as they are.
 */
export function copyFault(error: unknown, folder: string, file: string): unknown {
  const code = storageFault(error)?.code;
  if (code === 'disk_full')
    return new Error(`the disk of ${file} is full: make room there, or name another FILE`, { cause: error });
  const errcode = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
  if (code !== 'disk_failed' || (errcode & 0xff) !== SQLITE_IOERR) return error;
  const what = `${file} cannot be written, or ${folder} cannot be read (${errorText(error)})`;
  return new Error(`${what}: check both disks, or name another FILE`, { cause: error });
}

/** Makes the empty file that the copy is written to: only its owner may read it. */
function claim(partial: string): void {
  try {
    closeSync(openSync(partial, 'wx', 0o600));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST')
      throw new Error(`${partial} exists: another backup is running, or one was cut off: delete it then`);
    if (code === 'ENOENT') throw new Error(`there is no folder ${dirname(partial)}: make it first`);
    throw new Error(`${partial} cannot be made (${code}): name a FILE in a folder that this user may write`);
  }
}

/** After the database: a file that is gone by now belongs to a message that has ended since. Returns how many there are. */
async function copyUploads(from: string, to: string): Promise<number> {
  const names = await readdir(from).catch(ignoreMissing);
  if (names === undefined || names.length === 0) return 0;
  mkdirSync(to, { mode: 0o700 });
  for (const name of names) await copyFile(join(from, name), join(to, name)).catch(ignoreMissing);
  for (const path of [...names.map((name) => join(to, name)).filter((path) => existsSync(path)), to]) flush(path);
  return (await readdir(to)).length;
}

function ignoreMissing(error: unknown): undefined {
  if (isFileMissing(error)) return undefined;
  throw error;
}

/** A file, or the names in a folder, are on the disk when it returns. */
function flush(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
