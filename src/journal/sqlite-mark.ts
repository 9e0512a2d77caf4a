import type { DatabaseSync } from 'node:sqlite';
import type { ProvenMark } from '../proven-time.ts';
import { int } from './sqlite-rows.ts';

/** Keeps the proven time in the data folder (0021-proven-time.sql). */
export function createSqliteMark(db: DatabaseSync): ProvenMark {
  const read = db.prepare('SELECT at FROM proven_time');
  const write = db.prepare('INSERT OR REPLACE INTO proven_time (one, at) VALUES (1, ?)');
  return {
    read() {
      const row = read.get();
      return row === undefined ? null : int(row, 'at');
    },
    write: (at) => void write.run(at),
  };
}
