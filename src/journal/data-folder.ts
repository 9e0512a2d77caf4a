import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { Clock, TimerHandle } from '../clock.ts';
import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';

export const databaseFile = (folder: string): string => join(folder, 'switchboard.db');
const markerFile = (folder: string): string => join(folder, 'switchboard.stream');

/** The names of the journals that were made in the folder, as `switchboard.stream` lists them. */
export function streamsOf(folder: string): string[] {
  const marker = markerFile(folder);
  try {
    // A pipe would hold up whoever reads it.
    if (!statSync(marker).isFile()) {
      throw new SwitchboardError('data_unusable', `${marker} must be a file, and is something else: move it away`);
    }
    return readFileSync(marker, 'utf8').split('\n').filter(Boolean);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Whether the folder holds a database. A file without a byte is none: SQLite would begin a new one in it. */
export function hasDatabase(folder: string): boolean {
  const found = statSync(databaseFile(folder), { throwIfNoEntry: false });
  return found !== undefined && found.size > 0;
}

/** Throws if the folder holds no data: a command that reads makes none. */
export function requireData(folder: string): void {
  if (hasDatabase(folder)) return;
  refuseLoss(folder);
  throw new Error(`there is no data in ${folder}: see SWITCHBOARD_DATA`);
}

/** Throws data_missing if a journal was made in the folder. Call it where the database is not there, or is empty. */
export function refuseLoss(folder: string): void {
  if (streamsOf(folder).length === 0) return;
  throw new SwitchboardError(
    'data_missing',
    `${databaseFile(folder)} is missing or empty, but ${markerFile(folder)} says that there was a journal: ` +
      'put a backup there, or remove switchboard.stream to begin anew',
  );
}

/**
 * Looks, as soon as the system tells of a change and every limits.dataFolderLookMs, whether the database's path still leads to
 * the file that is open, and calls `onGone` once if it was deleted, moved, replaced or overwritten: commits go into a file then
 * that nobody will find again. Call it right after the database was opened. Returns what ends the watch.
 */
export function watchDataFolder(folder: string, clock: Clock, onGone: (error: SwitchboardError) => void): () => void {
  const file = databaseFile(folder);
  const opened = statSync(file);
  const isOverwritten = watchContent(file);
  let timer: TimerHandle | undefined;
  let looking = false;
  let stopped = false;

  async function loss(): Promise<string | null> {
    try {
      const found = await stat(file);
      if (found.dev !== opened.dev || found.ino !== opened.ino) return GONE;
      return isOverwritten(`${found.mtimeMs} ${found.size}`) ? OVERWRITTEN : null;
    } catch (error) {
      // A folder that cannot be read for a while is not gone.
      return isMissing(error) ? GONE : null;
    }
  }

  async function look(): Promise<void> {
    if (looking || stopped) return;
    looking = true;
    const lost = await loss();
    looking = false;
    if (lost === null || stopped) return;
    stop();
    onGone(new SwitchboardError('data_gone', `${file} ${lost}`));
  }

  function tick(): void {
    timer = clock.setTimeout(() => {
      void look();
      tick();
    }, limits.dataFolderLookMs);
  }

  function stop(): void {
    stopped = true;
    clock.clearTimeout(timer);
    notifier?.close();
  }

  const notifier = onChange(file, () => void look());
  tick();
  return stop;
}

const GONE =
  'was deleted, moved or replaced while Switchboard had it open: put the data folder or a backup there, and start again';
const OVERWRITTEN =
  'was overwritten while Switchboard had it open, and may be damaged: put a backup into an empty data folder, and start again';

/** Calls `listener` when the system tells of a change of the file. Some systems and network disks do not: null. */
function onChange(file: string, listener: () => void): FSWatcher | null {
  try {
    return watch(file, { persistent: false }, listener).on('error', () => {});
  } catch {
    return null;
  }
}

/**
 * Tells whether something else was written over the database's file, as `cp` of a backup does. The journal in the file, without
 * what is in the write-ahead log, only grows. `stamp` changes with each write to the file.
 */
function watchContent(file: string): (stamp: string) => boolean {
  let seen = '';
  let reached = journalLength(file);
  let unreadable = 0;
  return (stamp) => {
    if (stamp === seen) return false;
    const now = journalLength(file);
    if (now === null) {
      // Null before the first checkpoint; for a moment while another process writes to the file.
      unreadable += 1;
      return reached !== null && unreadable >= limits.dataFolderUnreadableMax;
    }
    const isShorter = now < (reached ?? 0);
    [seen, reached, unreadable] = [stamp, now, 0];
    return isShorter;
  };
}

/**
 * How far the journals in the file itself are, their starts counted too. Null: there are none. SQLite reads it, since closing a
 * file by other means would take away the locks that SQLite has on it in this process.
 */
function journalLength(file: string): number | null {
  const url = pathToFileURL(file);
  url.searchParams.set('immutable', '1');
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(url, { readOnly: true });
    const length = db.prepare('SELECT sum(next_seq) + sum(epoch) AS length FROM head').get()?.length;
    return typeof length === 'number' ? length : null;
  } catch {
    return null;
  } finally {
    db?.close();
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
