import { readFileSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
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
 * Looks every limits.dataFolderLookMs whether the database's path still leads to the file that is open, and calls `onGone`
 * once if it was deleted, moved or replaced: commits go into a file then that nobody will find again. Call it right after
 * the database was opened. Returns what ends the watch.
 */
export function watchDataFolder(folder: string, clock: Clock, onGone: (error: SwitchboardError) => void): () => void {
  const file = databaseFile(folder);
  const opened = statSync(file);
  let timer: TimerHandle | undefined;
  let stopped = false;

  async function isGone(): Promise<boolean> {
    try {
      const { dev, ino } = await stat(file);
      return dev !== opened.dev || ino !== opened.ino;
    } catch (error) {
      // A folder that cannot be read for a while is not gone.
      return isMissing(error);
    }
  }

  async function look(): Promise<void> {
    const gone = await isGone();
    if (stopped) return;
    if (!gone) {
      watch();
      return;
    }
    stopped = true;
    const message = `${file} was deleted, moved or replaced while Switchboard had it open: put the data folder or a backup there, and start again`;
    onGone(new SwitchboardError('data_gone', message));
  }

  function watch(): void {
    timer = clock.setTimeout(() => void look(), limits.dataFolderLookMs);
  }

  watch();
  return () => {
    stopped = true;
    clock.clearTimeout(timer);
  };
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
