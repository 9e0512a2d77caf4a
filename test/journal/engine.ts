import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, onTestFinished } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { openDatabase, openReader } from '../../src/journal/sqlite-open.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { temporaryFolder } from '../support/journal.ts';

/** A database that outlives the journals opened on it. */
export interface Engine {
  readonly clock: ManualClock;
  /** Opens a bot's journal as a process of its own would: after a restart, or as a rival to one still open. */
  open(bot?: string, options?: { readonly provenNow?: () => number }): Promise<Journal>;
  /** From now on commits fail, in the database itself. */
  breakCommits(): Promise<void>;
  mendCommits(): Promise<void>;
}
/** Makes an empty database, gone when the test is over. */
export type OpenEngine = () => Promise<Engine>;

/** Every engine there is, for tests that hold for all of them. */
export function forEachEngine(suite: (openEngine: OpenEngine) => void): void {
  describe.each([['SQLite', sqliteEngine]] as const)('%s', (_, openEngine) => suite(openEngine));
}

async function sqliteEngine(): Promise<Engine> {
  const folder = temporaryFolder();
  const clock = manualClock();
  const opened: DatabaseSync[] = [];
  onTestFinished(() => {
    for (const db of opened) db.close();
  });
  const keep = (db: DatabaseSync): DatabaseSync => {
    opened.push(db);
    return db;
  };
  let streams = 0;
  const exec = (sql: string): void => {
    const db = new DatabaseSync(join(folder, 'switchboard.db'), { timeout: 5000 });
    db.exec(sql);
    db.close();
  };
  return {
    clock,
    async open(bot = '1', options = {}) {
      const [db, reader] = [keep(openDatabase(folder)), keep(openReader(folder))];
      return openSqliteJournal({ db, reader, bot, clock, newStreamId: () => `stream-${++streams}`, ...options });
    },
    // A deferred constraint: every statement succeeds, and COMMIT is refused.
    async breakCommits() {
      exec(`CREATE TABLE broken (id INTEGER PRIMARY KEY, of INTEGER REFERENCES broken DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER break_commits AFTER UPDATE ON head BEGIN INSERT INTO broken (of) VALUES (-1); END`);
    },
    async mendCommits() {
      exec('DROP TRIGGER break_commits; DROP TABLE broken');
    },
  };
}
