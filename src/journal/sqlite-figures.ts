import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { limits } from '../limits.ts';
import type { DataSizes, Journal } from './journal.ts';
import { int, intOrNull, type SeqRange, textOrNull } from './sqlite-rows.ts';

/** Since when a message waits: a scheduled one since its time, one that was tried since its first failure. */
const SINCE = `CASE WHEN attempts = 0 THEN max(created_at, due_at)
  ELSE coalesce(unixepoch(json_extract(error, '$.history[0].from'), 'subsec') * 1000, created_at) END`;

/** Figures for those who watch over it. None of them reads more than limits.figuresRowsMax rows. */
export function prepareFigures(
  db: DatabaseSync,
  bot: string,
  { slot }: SeqRange,
): Pick<Journal, 'oldestWaitingAt' | 'quarantinedCount'> {
  const nextPriority = db.prepare(
    `SELECT min(priority) AS priority FROM messages INDEXED BY messages_ready
     WHERE slot = ? AND ready_at = 0 AND priority > ?`,
  );
  const nextKey = db.prepare(
    `SELECT min(key_id) AS key FROM messages INDEXED BY messages_ready
     WHERE slot = ? AND ready_at = 0 AND priority = ? AND key_id > ?`,
  );
  const oldestReady = db.prepare(
    `SELECT ${SINCE} AS at FROM messages INDEXED BY messages_ready
     WHERE slot = ? AND ready_at = 0 AND priority = ? AND key_id IS ? ORDER BY id LIMIT 1`,
  );
  const oldestResting = db.prepare(
    `SELECT min(since) AS at FROM (SELECT ${SINCE} AS since FROM messages INDEXED BY messages_resting
     WHERE slot = ? AND ready_at > 0 ORDER BY ready_at LIMIT +?)`,
  );
  const quarantined = db.prepare('SELECT count(*) AS n FROM (SELECT 1 FROM quarantined WHERE bot = ? LIMIT +?)');
  const at = (row: Record<string, SQLOutputValue> | undefined): number[] => {
    const time = row === undefined ? null : intOrNull(row, 'at');
    return time === null ? [] : [time];
  };

  return {
    async oldestWaitingAt() {
      const times = at(oldestResting.get(slot, limits.figuresRowsMax));
      for (let priority = Number.MIN_SAFE_INTEGER; ; ) {
        const row = nextPriority.get(slot, priority);
        const next = row === undefined ? null : intOrNull(row, 'priority');
        if (next === null) break;
        priority = next;
        times.push(...at(oldestReady.get(slot, priority, null)));
        for (let key: string | null = ''; key !== null && times.length < limits.figuresRowsMax; ) {
          key = textOrNull(nextKey.get(slot, priority, key) ?? { key: null }, 'key');
          if (key !== null) times.push(...at(oldestReady.get(slot, priority, key)));
        }
      }
      return times.length === 0 ? null : Math.min(...times);
    },
    async quarantinedCount() {
      return int(quarantined.get(bot, limits.figuresRowsMax) ?? { n: 0 }, 'n');
    },
  };
}

/** What the data folder takes, and how much room its disk has. Rejects if the folder is not there. */
export async function dataSizes(folder: string): Promise<DataSizes> {
  const sizeOf = (name: string) =>
    stat(join(folder, name)).then(
      ({ size }) => size,
      () => 0,
    );
  return {
    databaseBytes: await sizeOf('switchboard.db'),
    walBytes: await sizeOf('switchboard.db-wal'),
    freeBytes: await freeBytes(folder),
  };
}

/** Bytes that the disk of a folder has left for this user. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
