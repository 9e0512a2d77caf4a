import { parentPort, workerData } from 'node:worker_threads';
import { openReader } from './journal/sqlite-open.ts';

/**
 * The composition root of the thread in which `doctor` checks the database: SQLite does it in one call, which takes as long
 * as to read the file. Posts what is wrong, at most ten lines; an empty list if all is well.
 */
if (parentPort === null) throw new Error('This is a thread of Switchboard, and no command');
const { folder } = Object(workerData);
const db = openReader(String(folder));
const found = db
  .prepare('PRAGMA quick_check(10)')
  .all()
  .map((row) => String(row.quick_check));
parentPort.postMessage(found.filter((line) => line !== 'ok'));
