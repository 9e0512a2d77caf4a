import type { DatabaseSync } from 'node:sqlite';
import { int } from './sqlite-rows.ts';

/** Bytes of a database that are in use: so large is what VACUUM writes. */
export function bytesInUse(db: DatabaseSync): number {
  const pragma = (name: string) => int(db.prepare(`PRAGMA ${name}`).get() ?? {}, name);
  return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
}

/**
 * Writes a database anew without its unused pages, in one transaction: a crash leaves it as it was, or as it is to be. From
 * then on unused pages can be given back a part at a time. False if somebody reads the database, so that the file is not
 * smaller yet: it is once the write-ahead log was emptied.
 *
 * It blocks the thread. It writes twice what is in use: to a temporary file, in SQLITE_TMPDIR, and to the log.
 */
export function compactDatabase(db: DatabaseSync): boolean {
  // The other temporary storage is memory.
  db.exec('PRAGMA temp_store = FILE; PRAGMA auto_vacuum = INCREMENTAL; VACUUM');
  return db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0;
}
