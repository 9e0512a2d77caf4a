import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { openDatabase, openReader } from '../../src/journal/sqlite-open.ts';
import { manualClock } from '../support/clock.ts';
import { temporaryFolder } from '../support/journal.ts';

const FIRST = join(import.meta.dirname, '..', '..', 'src', 'journal', 'sql', '0001-journal.sql');

test('every step of the schema has a number of its own, one after the other', () => {
  const names = readdirSync(join(import.meta.dirname, '..', '..', 'src', 'journal', 'sql')).sort();
  expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, n) => n + 1));
});

test('a journal of the first version is read on: its entries by chat and type, its updates known, its seqs going on', async () => {
  const folder = join(temporaryFolder(), 'data');
  mkdirSync(folder);
  const old = new DatabaseSync(join(folder, 'switchboard.db'));
  old.exec(`${readFileSync(FIRST, 'utf8')}; PRAGMA user_version = 1; PRAGMA journal_mode = WAL`);
  old.exec(
    "INSERT INTO head (bot, slot, stream, next_seq, epoch) VALUES ('9', 0, 'other', 1, 1), ('1', 1, 's', 5001, 3)",
  );
  const add = old.prepare('INSERT INTO entries (id, type, chat, at, update_id, body) VALUES (?, ?, ?, ?, ?, ?)');
  old.exec('BEGIN');
  for (let seq = 1; seq <= 5000; seq += 1) {
    const chat = seq % 1000 === 3 ? '@name' : seq % 7 === 0 ? null : seq % 100;
    add.run(2 ** 40 + seq, seq % 900 === 1 ? 'chat.moved' : 'update.received', chat, 5, 70_000 + seq, `{"é👍":${seq}}`);
  }
  old.exec('COMMIT');
  old.close();

  const [db, reader] = [openDatabase(folder), openReader(folder)];
  onTestFinished(() => {
    db.close();
    reader.close();
  });
  const journal = openSqliteJournal({ db, reader, bot: '1', clock: manualClock(), newStreamId: () => 'new' });
  const seqsOf = async (more: object) => (await journal.read({ from: 1, limit: 1000, ...more })).map(({ seq }) => seq);
  // Nothing says that it was not brought here.
  expect(journal.stream).toBe('new');
  expect(journal.bounds()).toEqual({ first: 1, head: 5000 });
  expect(await journal.read({ from: 4097, limit: 1 })).toEqual([
    { seq: 4097, type: 'update.received', bot: '1', chat: '97', at: 5, body: '{"é👍":4097}' },
  ]);
  expect(await seqsOf({ chats: ['@name'] })).toEqual([3, 1003, 2003, 3003, 4003]);
  expect(await seqsOf({ types: ['chat.moved'] })).toEqual([1, 901, 1801, 2701, 3601, 4501]);
  expect((await seqsOf({ chats: ['55'] })).length).toBe(43);
  await journal.write(async (tx) => {
    expect(await tx.seenUpdates([70_000, 70_001, 75_000, 75_001], 0)).toEqual(new Set([70_001, 75_000]));
    expect(tx.append({ type: 'event.received', chat: '55', body: '{}' })).toBe(5001);
  });
  expect((await seqsOf({ chats: ['55'] })).at(-1)).toBe(5001);
});
