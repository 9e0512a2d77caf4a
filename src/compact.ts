import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Settings } from '../config/schema.ts';
import { systemClock } from './clock.ts';
import { requireData } from './journal/data-folder.ts';
import { bytesInUse } from './journal/sqlite-compact.ts';
import { freeBytes } from './journal/sqlite-figures.ts';
import { holdDataFolder, openDatabase } from './journal/sqlite-open.ts';
import { limits } from './limits.ts';
import { parse } from './usage.ts';

/** Makes the data folder smaller while no server runs. Returns the exit code. `progress` gets percents. */
export async function compactCommand(
  args: readonly string[],
  settings: Settings,
  print: (line: string) => void,
  progress: (percent: number) => void,
): Promise<number> {
  parse({ args: [...args], options: {} });
  print(JSON.stringify(await compact(settings.data, { progress, freeBytes })));
  return 0;
}

export interface CompactOptions {
  readonly progress: (percent: number) => void;
  /** Bytes that the disk of a folder has left. */
  readonly freeBytes: (folder: string) => Promise<number>;
}

/**
 * Writes the databases of a data folder anew, without what is not used. Gives their sizes in bytes, before and after. Killed at
 * any moment it leaves all as it was, or as it is to be. Throws data_held while a server runs, and if there is too little room.
 */
export async function compact(
  folder: string,
  { progress, freeBytes }: CompactOptions,
): Promise<{ readonly bytes_before: number; readonly bytes: number }> {
  requireData(folder);
  const db = openDatabase(folder);
  try {
    const held = holdDataFolder(folder, db, systemClock.now());
    try {
      const bytes_before = sizeOf(folder);
      const needed = 2 * Math.max(bytesInUse(db), sizeOf(folder, ['console.db']));
      const free = await freeBytes(folder);
      if (free < needed) {
        const [needs, has] = [needed, free].map((bytes) => Math.ceil(bytes / 2 ** 20));
        throw new Error(
          `compact needs up to ${needs} MiB for a while, and the disk of ${folder} has ${has} MiB left: make room there`,
        );
      }
      // Where SQLite writes the new database first: the usual place may be in memory.
      process.env.SQLITE_TMPDIR = resolve(folder);
      const stop = tellProgress(free, needed, () => freeBytes(folder), progress);
      try {
        await runWorker(folder);
      } finally {
        stop();
      }
      return { bytes_before, bytes: sizeOf(folder) };
    } finally {
      held.release();
    }
  } finally {
    db.close();
  }
}

/** Tells how far it is by the room that the disk has lost of what is needed. Returns what ends it. */
function tellProgress(
  free: number,
  needed: number,
  freeNow: () => Promise<number>,
  progress: CompactOptions['progress'],
): () => void {
  let percent = 0;
  const tell = async (): Promise<void> => {
    // The temporary file is deleted before the end, and gives its room back.
    percent = Math.max(percent, Math.min(99, Math.floor((100 * (free - (await freeNow()))) / needed)));
    progress(percent);
  };
  // It works on if nobody can tell how far it is.
  const timer = setInterval(() => void tell().catch(() => {}), limits.commandProgressMs / 2);
  return () => clearInterval(timer);
}

async function runWorker(folder: string): Promise<void> {
  const worker = new Worker(join(import.meta.dirname, 'compact-worker.ts'), { workerData: { folder } });
  const [isDone]: unknown[] = await once(worker, 'message');
  if (isDone === true) return;
  const what = 'another program reads the database (a backup, say), so the file is not smaller yet';
  throw new Error(`${what}. Nothing is lost: run compact again once that has ended`);
}

const FILES = ['switchboard.db', 'switchboard.db-wal', 'console.db', 'console.db-wal'];

const sizeOf = (folder: string, names: readonly string[] = FILES): number =>
  names.reduce((sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0), 0);
