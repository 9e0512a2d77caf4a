import { backup, DatabaseSync } from 'node:sqlite';
import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import { openReader } from './sqlite-open.ts';

/**
 * Copies the database of a data folder to `target`, an empty file, as it is at this moment, whether or not a server writes
 * to it. The copy is one file without a log beside it, and is checked. Its journals have names that no folder knows, so that
 * a start renames them and holds the outbox (takeEpoch), also in the folder that it came from.
 * `onProgress` gets the share of pages that are copied, 0 to 1. Throws data_unusable if the copy is damaged, as its source is then.
 */
export async function copyDatabase(folder: string, target: string, onProgress: (share: number) => void): Promise<void> {
  const source = openReader(folder);
  try {
    // One read transaction from the first page to the last: without it every commit of the server would begin the copy anew.
    source.exec('BEGIN; SELECT count(*) FROM head');
    await backup(source, target, {
      rate: limits.backupPagesAtOnce,
      progress: ({ totalPages, remainingPages }) => onProgress(1 - remainingPages / Math.max(1, totalPages)),
    });
  } finally {
    source.close();
  }
  const copy = new DatabaseSync(target);
  try {
    copy.exec('PRAGMA journal_mode = DELETE');
    const found = copy.prepare('PRAGMA quick_check(1)').get()?.quick_check;
    if (found !== 'ok') {
      // SQLite's report has several lines.
      const report = String(found).replace(/\s+/g, ' ');
      const what = `the database in ${folder} is damaged (${report}): no backup was made of it, restore an earlier one`;
      throw new SwitchboardError('data_unusable', what);
    }
    copy.exec("UPDATE head SET stream = stream || '-copy'; DELETE FROM holder");
  } finally {
    copy.close();
  }
}
