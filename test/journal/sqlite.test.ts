import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import type { Commit } from '../../src/journal/journal.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { openDatabase, openReader } from '../../src/journal/sqlite-open.ts';
import { seqRange } from '../../src/journal/sqlite-rows.ts';
import { prepareUnits } from '../../src/journal/sqlite-units.ts';
import { limits } from '../../src/limits.ts';
import { manualClock, settle } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { conversation, entry } from './records.ts';

function open(folder: string, onListenerError?: (error: unknown) => void) {
  const [db, reader] = [openDatabase(folder), openReader(folder)];
  onTestFinished(() => {
    db.close();
    reader.close();
  });
  const options = { db, reader, bot: '1', clock: manualClock(), newStreamId: () => 'stream' };
  return { db, reader, journal: openSqliteJournal({ ...options, ...(onListenerError && { onListenerError }) }) };
}

const pragma = (db: DatabaseSync, name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];

test('a commit is on the disk when it resolves: the log is written ahead, and fully synchronised', () => {
  const { db, reader } = open(temporaryFolder());
  expect(pragma(db, 'journal_mode')).toBe('wal');
  expect(pragma(db, 'synchronous')).toBe(2);
  expect(pragma(db, 'foreign_keys')).toBe(1);
  expect(() => reader.exec("UPDATE head SET bot = '2'")).toThrow('readonly');
});

test('the schema is migrated once: opening again changes nothing', () => {
  const folder = temporaryFolder();
  const schema = () => {
    const db = openDatabase(folder);
    const rows = db.prepare('SELECT sql FROM sqlite_schema ORDER BY name').all();
    const version = [pragma(db, 'user_version'), pragma(db, 'schema_version')];
    db.close();
    return { rows, version };
  };
  const first = schema();
  expect(first.version[0]).toBeGreaterThan(0);
  expect(schema()).toEqual(first);
});

test('a database of a newer Switchboard is refused, untouched', () => {
  const folder = temporaryFolder();
  openDatabase(folder).close();
  const raw = new DatabaseSync(join(folder, 'switchboard.db'));
  onTestFinished(() => raw.close());
  raw.exec('PRAGMA user_version = 9999');
  expect(() => openDatabase(folder)).toThrow(expect.objectContaining({ code: 'data_newer' }));
  expect(pragma(raw, 'user_version')).toBe(9999);
  // The refused connection is gone: nobody else has the file open, so it can be locked whole.
  raw.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE');
  expect(pragma(raw, 'journal_mode')).toBe('delete');
});

test('I9: of large conversations no more are on their way to the table than a bounded number of characters', async () => {
  const { db, journal } = open(temporaryFolder());
  const snapshot = JSON.stringify({ value: 'idle', context: 'x'.repeat(200_000) });
  const chats = Math.ceil((4 * limits.conversationsOnTheWayLengthMax) / snapshot.length);
  const written = () => Number(db.prepare('SELECT count(*) AS n FROM conversations').get()?.n);
  const onTheWay: number[] = [];
  for (let first = 0; first < chats; first += 20) {
    await journal.write(async (tx) => {
      for (let n = first; n < first + 20; n += 1) tx.saveConversation(conversation(`${n}`, { snapshot }));
    });
    onTheWay.push((first + 20 - written()) * snapshot.length);
  }
  expect(Math.max(...onTheWay)).toBeLessThan(2.5 * limits.conversationsOnTheWayLengthMax);
  expect(written()).toBeGreaterThan(0);
});

test('a full disk in one job keeps nothing half: the others stand, or all are refused', async () => {
  const { db, journal } = open(temporaryFolder());
  await journal.write(async (tx) => tx.append(entry('first')));
  db.exec(`PRAGMA max_page_count = ${Number(pragma(db, 'page_count')) + 20}`);
  const outcomes = await Promise.allSettled(
    [10, 200_000, 10].map((length, n) =>
      journal.write(async (tx) => {
        tx.saveConversation(conversation(`${n}`));
        // A conversation's quarantine does as much: it catches what a step threw, and goes on writing.
        try {
          tx.append(entry('x'.repeat(length)));
        } finally {
          tx.saveConversation(conversation(`${n}:u1`));
        }
      }),
    ),
  );
  expect(outcomes[1]).toMatchObject({ status: 'rejected' });
  const kept = outcomes.flatMap(({ status }, n) => (status === 'fulfilled' ? [`${n}`, `${n}:u1`] : []));
  const page = await journal.conversations({ after: null, limit: 9, chats: null });
  expect(page.map(({ id }) => id)).toEqual(kept);
  expect(journal.bounds().head).toBe(1 + kept.length / 2);
  db.exec('PRAGMA max_page_count = 1000000');
  await journal.write(async (tx) => tx.append(entry('x'.repeat(200_000))));
  expect((await journal.read({ from: 1, limit: 9 })).map(({ seq }) => seq)).toEqual(
    Array.from({ length: journal.bounds().head }, (_, i) => i + 1),
  );
});

test('once SQLite has ended a transaction by itself, nothing more of its group is written', async () => {
  const { db, journal } = open(temporaryFolder());
  const outcomes = await Promise.allSettled([
    journal.write(async (tx) => tx.append(entry('a'))),
    journal.write(async (tx) => {
      tx.append(entry('b'));
      // As SQLite does it on some I/O errors: https://www.sqlite.org/lang_transaction.html
      db.exec('ROLLBACK');
      try {
        tx.append(entry('c'));
      } catch {
        tx.saveConversation(conversation('7'));
      }
    }),
    journal.write(async (tx) => tx.append(entry('d'))),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(await journal.read({ from: 1, limit: 9 })).toEqual([]);
  expect(await journal.conversation('7')).toBeNull();
  expect(await journal.write(async (tx) => tx.append(entry('e')))).toBe(1);
});

test('a listener that throws does not turn a durable commit into a failure, nor keep others from hearing of it', async () => {
  const errors: unknown[] = [];
  const { journal } = open(temporaryFolder(), (error) => errors.push(error));
  const heard: Commit[] = [];
  const failure = new Error('the listener');
  journal.onCommit(() => {
    throw failure;
  });
  journal.onCommit((commit) => heard.push(commit));
  expect(await journal.write(async (tx) => tx.append(entry('a')))).toBe(1);
  expect(errors).toEqual([failure]);
  expect(heard.length).toBe(1);
});

test('what a filter leaves out is not even looked at, nor what is beyond the bounds of a read', async () => {
  const { db, journal } = open(temporaryFolder());
  const rare = [3, 5000, 9990];
  for (let unit = 0; unit < 1000; unit += 1) {
    await journal.write(async (tx) => {
      for (let n = 1; n <= 10; n += 1) {
        const isRare = rare.includes(unit * 10 + n);
        tx.append(entry(isRare ? 'rare' : 'spoilt', { chat: isRare ? '9' : '7', owner: isRare ? 'k' : null }));
      }
    });
  }
  // Whoever reads one of these is told so.
  db.exec("UPDATE units SET heads = 'spoilt' WHERE bodies NOT LIKE '%rare%'");
  await expect(journal.read({ from: 1, limit: 1000 })).rejects.toThrow();
  const seqs = async (more: object) => (await journal.read({ from: 1, limit: 1000, ...more })).map(({ seq }) => seq);
  expect(await seqs({ chats: ['9'] })).toEqual(rare);
  expect(await seqs({ chats: ['9'], types: ['event.received'] })).toEqual(rare);
  expect(await seqs({ owner: 'k' })).toEqual(rare);
  expect(await seqs({ owner: 'k', from: 4, to: 6000 })).toEqual([5000]);
  expect(await seqs({ chats: ['9'], to: 6000 })).toEqual([3, 5000]);
  expect(await seqs({ to: 10 })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(await seqs({ lengthMax: 1500 })).toHaveLength(8);
});

test('a write lock of another program: the transaction waits in turns of the event loop, and begins once it is gone', async () => {
  const { clock, folder, journal } = locked();
  const rival = new DatabaseSync(join(folder, 'switchboard.db'));
  onTestFinished(() => rival.close());
  rival.exec('BEGIN IMMEDIATE');
  const write = journal.write(async (tx) => tx.append(entry('patient')));
  await settle();
  await clock.advance((limits.lockTriesMax - 2) * limits.lockRetryMs);
  expect(journal.bounds().head).toBe(0);
  rival.exec('COMMIT');
  await clock.advance(limits.lockRetryMs);
  expect(await write).toBe(1);
});

test('a write lock that stays: those who wait are refused, whoever comes then at once, until it is gone', async () => {
  const { clock, folder, journal } = locked();
  const faults: string[] = [];
  journal.onFault(({ code }) => faults.push(code));
  const rival = new DatabaseSync(join(folder, 'switchboard.db'));
  onTestFinished(() => rival.close());
  rival.exec('BEGIN IMMEDIATE');
  const waiting = [1, 2].map(() => journal.write(async (tx) => tx.append(entry('x'))));
  const refused = Promise.allSettled(waiting);
  await settle();
  await clock.advance(limits.lockTriesMax * limits.lockRetryMs);
  const codes = (await refused).map((one) => (one.status === 'rejected' ? one.reason.code : one.status));
  expect(codes).toEqual(['data_locked', 'data_locked']);
  await expect(journal.write(async (tx) => tx.append(entry('y')))).rejects.toMatchObject({ code: 'data_locked' });
  expect(faults).toEqual(['data_locked', 'data_locked', 'data_locked']);
  rival.exec('COMMIT');
  expect(await journal.write(async (tx) => tx.append(entry('z')))).toBe(1);
});

test('the write-ahead log, grown by a burst while a reader held it open, shrinks again', async () => {
  const folder = temporaryFolder();
  const { reader, journal } = open(folder);
  const size = () => statSync(join(folder, 'switchboard.db-wal')).size;
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM units').get();
  while (size() < 2 * limits.writeAheadLogBytesMax) {
    await journal.write(async (tx) => tx.append(entry('x'.repeat(1_000_000))));
  }
  reader.exec('COMMIT');
  for (let n = 0; n < 3; n += 1) await journal.write(async (tx) => tx.append(entry('after')));
  expect(size()).toBeLessThanOrEqual(limits.writeAheadLogBytesMax);
});

/** A journal whose clock a test moves. */
function locked() {
  const folder = temporaryFolder();
  const clock = manualClock();
  return { folder, clock, journal: openJournal(folder, clock) };
}

test('damage that one reader meets is not told to the next, who reads other entries', async () => {
  const folder = temporaryFolder();
  const journal = openJournal(folder, manualClock());
  const text = (n: number) => `mark-${n}-`.repeat(1500);
  for (let n = 1; n <= 40; n += 1) {
    const body = JSON.stringify({ text: text(n) });
    await journal.write(async (tx) => void tx.append({ type: 'chat.emitted', chat: '7', body }));
  }
  const db = openDatabase(folder);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  const file = join(folder, 'switchboard.db');
  const bytes = readFileSync(file);
  const page = Math.floor(bytes.indexOf('mark-30-') / 4096) * 4096;
  writeFileSync(file, bytes.fill(0xee, page, page + 4096));

  const reader = openReader(folder);
  onTestFinished(() => reader.close());
  const units = prepareUnits(reader, '1', seqRange(0));
  const read = (to: number) => [...units.from(1, to)].length;
  expect(read(9)).toBe(9);
  expect(() => read(40)).toThrow('malformed');
  expect(read(9)).toBe(9);
});
