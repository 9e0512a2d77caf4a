import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { openConsoleDb } from './console/sqlite-open.ts';
import { compactDatabase } from './journal/sqlite-compact.ts';
import { openAgain } from './journal/sqlite-open.ts';

/** The composition root of the thread in which `compact` works: SQLite does it in one call. Posts whether all of it is done. */
if (parentPort === null) throw new Error('This is a thread of Switchboard, and no command');
const folder = String(Object(workerData).folder);
const db = openAgain(folder);
const isDone = compactDatabase(db);
db.close();
if (existsSync(join(folder, 'console.db'))) {
  const index = openConsoleDb(folder);
  index.exec("INSERT INTO words (words) VALUES ('optimize')");
  compactDatabase(index);
  index.close();
}
parentPort.postMessage(isDone);
