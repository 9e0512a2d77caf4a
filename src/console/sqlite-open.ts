import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makePrivateFile } from '../private-files.ts';
import { TOKENIZER } from './words.ts';

/** Of the tables below, and of how entries are read: an index of another version is made anew. */
const VERSION = 1;

const SCHEMA = `
-- One row: whose index it is, and how far it is.
CREATE TABLE progress (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  stream TEXT NOT NULL,
  -- Seqs that are taken in, as [[low, high], …], the newest first.
  ranges TEXT NOT NULL,
  -- Older entries are forgotten.
  first INTEGER NOT NULL,
  -- The last conversation that was looked at, of those there were in the beginning; null: all were.
  seeded TEXT
) STRICT;
CREATE TABLE chats (
  chat TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  -- Each with the seq that told it; 0: nothing did.
  name TEXT, name_seq INTEGER NOT NULL DEFAULT 0,
  text TEXT, text_out INTEGER NOT NULL DEFAULT 0, text_seq INTEGER NOT NULL DEFAULT 0,
  -- The last message of a user.
  heard INTEGER NOT NULL DEFAULT 0,
  moved_to TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX chats_by_activity ON chats (seq, chat);
CREATE TABLE conversations (
  id TEXT PRIMARY KEY,
  chat TEXT NOT NULL,
  machine TEXT NOT NULL,
  state TEXT NOT NULL, state_seq INTEGER NOT NULL,
  quarantined INTEGER NOT NULL, quarantined_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX conversations_of_chat ON conversations (chat, id);
CREATE INDEX conversations_by_state ON conversations (machine, state, chat);
CREATE TABLE lines (seq INTEGER PRIMARY KEY, chat TEXT NOT NULL, heard INTEGER NOT NULL) STRICT;
CREATE INDEX lines_of_chat ON lines (chat, seq, heard);
-- What became of messages, as far as entries tell.
CREATE TABLE fates (message INTEGER PRIMARY KEY, chat TEXT NOT NULL, status TEXT NOT NULL, seq INTEGER NOT NULL) STRICT;
CREATE INDEX fates_open ON fates (chat, status) WHERE status IN ('unknown', 'scheduled');
-- The words alone: texts stay in the journal.
CREATE VIRTUAL TABLE words USING fts5(text, chat, content='', contentless_delete=1, tokenize="${TOKENIZER}");
`;

/**
 * Opens the console's index, `console.db` in the data folder; one that cannot be opened, or is of another version, is begun
 * anew, and so is any where `anew` is asked for: damage behind the header shows only in use.
 * Nothing is in it that the journal has not: it may lose its last writes with the power, never its order.
 */
export function openConsoleDb(folder: string, anew = false): DatabaseSync {
  const file = join(folder, 'console.db');
  try {
    const db = anew ? null : opened(file);
    if (db !== null) return db;
  } catch {
    // Damaged: as good as none.
  }
  for (const end of ['', '-wal', '-shm']) rmSync(file + end, { force: true, recursive: true });
  const db = opened(file);
  if (db === null) throw new Error(`${file} cannot be made anew`);
  return db;
}

function opened(file: string): DatabaseSync | null {
  makePrivateFile(file);
  const db = new DatabaseSync(file, { timeout: 5000 });
  try {
    db.exec('PRAGMA secure_delete = ON');
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY',
    );
    const version = Number(db.prepare('PRAGMA user_version').get()?.user_version);
    if (version === VERSION) return db;
    if (version === 0 && db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined) {
      db.exec(`BEGIN; ${SCHEMA}; PRAGMA user_version = ${VERSION}; COMMIT`);
      return db;
    }
    db.close();
    return null;
  } catch (error) {
    db.close();
    throw error;
  }
}
