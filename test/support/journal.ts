import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import type { Journal, RequestRecord } from '../../src/journal/journal.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { openDatabase, openReader } from '../../src/journal/sqlite-open.ts';

/** A folder of its own, gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A real journal on a real file. The same folder again is a restart. */
export function openJournal(folder: string, clock: Clock, bot = '1', stream = 'stream'): Journal {
  const db = openDatabase(folder);
  const reader = openReader(folder);
  onTestFinished(() => {
    if (db.isOpen) db.close();
    if (reader.isOpen) reader.close();
  });
  return openSqliteJournal({ db, reader, bot, clock, newStreamId: () => stream });
}

/** The request that has waited longest. Throws where none is open. */
export async function oldestRequest(journal: Journal): Promise<RequestRecord> {
  const [request] = await journal.openRequests(1);
  if (request === undefined) throw new Error('No request is open');
  return request;
}
