import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { ChatsQuery } from '../../src/console/console.ts';
import { createConsole, type IndexThread } from '../../src/console/index-client.ts';
import { runConsoleThread, type ToThread } from '../../src/console/thread.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { limits } from '../../src/limits.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { textUpdate } from '../support/updates.ts';
import { ADMIN, openIndex, say } from './support.ts';

const ALL: ChatsQuery = { status: null, machine: null, state: null, unread: false, ids: null, after: null, limit: 50 };

async function stage() {
  const folder = temporaryFolder();
  const journal = openJournal(folder, systemClock);
  await say(journal, '7', 'a word');
  const started: Worker[] = [];
  const told: ToThread[] = [];
  const start = (anew: boolean): IndexThread => {
    const worker = new Worker(join(import.meta.dirname, '..', '..', 'src', 'console-worker.ts'), {
      workerData: { folder, bot: '1', anew },
    });
    started.push(worker);
    return {
      postMessage(message) {
        told.push(message);
        worker.postMessage(message);
      },
      on: (...listening: [never, never]) => worker.on(...listening),
      terminate: () => worker.terminate(),
    };
  };
  const clock = manualClock();
  const log = { warn: vi.fn() };
  const reportFault = vi.fn();
  const console = createConsole({
    start,
    exists: () => existsSync(join(folder, 'console.db')),
    journal,
    clock,
    log,
    reportFault,
  });
  onTestFinished(async () => {
    await console.close();
    await journal.close();
  });
  return { folder, journal, console, started, told, clock, log, reportFault };
}

test('nobody looks: no thread runs and nothing is told; whoever looks sees all that is committed', async () => {
  const { journal, console, started, told } = await stage();
  await say(journal, '8', 'before anybody looks');
  expect([started.length, told.length]).toEqual([0, 0]);
  expect(await console.chats(ADMIN, ALL)).toMatchObject({ chats: [{ chat: '8' }, { chat: '7' }] });
  await say(journal, '9', 'while somebody looks');
  expect((await console.chats(ADMIN, ALL)).chats[0]).toMatchObject({ chat: '9', text: 'while somebody looks' });
  expect(started.length).toBe(1);
});

test('many commits are one message to the thread until it has followed', async () => {
  const { journal, console, told } = await stage();
  await console.chats(ADMIN, ALL);
  told.length = 0;
  for (let n = 0; n < 200; n += 1) await say(journal, String(100 + n), 'one of many');
  const moved = told.filter(({ kind }) => kind === 'moved').length;
  expect(moved).toBeGreaterThan(0);
  expect(moved).toBeLessThan(200);
  expect(await console.chats(ADMIN, ALL)).toMatchObject({ total: 201 });
});

test('a thread that fails costs the questions under way; the next question starts another', async () => {
  const { console, started, clock, log } = await stage();
  await console.chats(ADMIN, ALL);
  const [worker] = started;
  const ended = worker === undefined ? Promise.resolve([]) : once(worker, 'exit');
  await worker?.terminate();
  await ended;
  await expect(console.chats(ADMIN, ALL)).rejects.toMatchObject({ code: 'overloaded' });
  expect(log.warn).toHaveBeenCalledOnce();
  clock.skip(limits.consoleRestartMs);
  expect(await console.chats(ADMIN, ALL)).toMatchObject({ chats: [{ chat: '7' }] });
  expect(started.length).toBe(2);
});

test('retention: what the index has of entries that are gone goes too, also if nobody looks; without an index nothing starts', async () => {
  const { folder, journal, console, started } = await stage();
  console.forget();
  expect(started.length).toBe(0);
  const index = openIndex(folder);
  index.settle();
  index.close();
  const legible = () =>
    ['console.db', 'console.db-wal'].some((name) => {
      const file = join(folder, name);
      return existsSync(file) && readFileSync(file).includes('aardvark');
    });
  await say(journal, '7', 'aardvark');
  await say(journal, '7', 'a word');
  const again = openIndex(folder);
  again.settle();
  again.close();
  expect(legible()).toBe(true);
  await journal.write(async (tx) => tx.trim(3));
  console.forget();
  await vi.waitFor(() => expect(legible()).toBe(false), 20_000);
  await say(journal, '8', 'nobody looks');
  console.forget();
  expect(started.length).toBe(1);
  expect(await console.chats(ADMIN, ALL)).toMatchObject({ total: 2 });
});

/** A journal of some length, and its index, complete, with nobody who looks. */
async function indexed() {
  const parts = await stage();
  const { folder, journal } = parts;
  await journal.write(async (tx) => {
    for (let n = 0; n < 3000; n += 1)
      tx.append({
        type: 'update.received',
        chat: String(100 + (n % 90)),
        body: JSON.stringify({ update: textUpdate(100 + (n % 90), `word ${n} of many`) }),
      });
  });
  const index = openIndex(folder);
  index.settle();
  index.close();
  const file = join(folder, 'console.db');
  const whole = readFileSync(file);
  const damage = (first: number): void => {
    for (const end of ['-wal', '-shm']) rmSync(file + end, { force: true });
    const bytes = Buffer.from(whole);
    for (let at = first * PAGE_BYTES; at < bytes.length; at += 3 * PAGE_BYTES) bytes.fill(0xa5, at, at + PAGE_BYTES);
    writeFileSync(file, bytes);
  };
  expect(whole.length).toBeGreaterThan(30 * PAGE_BYTES);
  return { ...parts, damage };
}
const PAGE_BYTES = 4096;

test.each([2, 3, 4])(
  'an index that is damaged beyond its header is made anew, once a while: every third page, from page %i on',
  async (first) => {
    const { console, clock, log, started, damage } = await indexed();
    const look = () => console.search(ADMIN, { text: 'many', chat: null, before: null, limit: 50 });
    const refused = () => expect(look()).rejects.toMatchObject({ code: 'overloaded' });
    const madeAnew = async () => {
      await vi.waitFor(async () => expect((await look()).progress.complete).toBe(true), 10_000);
      expect((await look()).hits).toHaveLength(50);
      expect(await console.chats(ADMIN, ALL)).toMatchObject({ total: 91 });
    };
    damage(first);
    await refused();
    expect(log.warn).toHaveBeenCalledOnce();
    clock.skip(limits.consoleRestartMs);
    await madeAnew();
    expect(log.warn).toHaveBeenCalledOnce();

    // Again, so soon: the disk may do it each time.
    const madeAt = clock.now();
    const worker = started.at(-1);
    const ended = worker === undefined ? Promise.resolve([]) : once(worker, 'exit');
    await worker?.terminate();
    await ended;
    damage(first);
    clock.skip(limits.consoleRestartMs);
    await refused();
    clock.skip(madeAt + limits.consoleAnewMs - 1 - clock.now());
    await refused();
    expect(started).toHaveLength(3);
    clock.skip(1);
    await madeAnew();
  },
);

/** Changes the database behind the journal's back. */
function spoil(folder: string, sql: string): void {
  const db = openDatabase(folder);
  db.exec(sql);
  db.close();
}

/** Overwrites the first page of a table in the file itself. */
function spoilTable(folder: string, table: string): void {
  const db = openDatabase(folder);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const row = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(table);
  db.close();
  const bytes = readFileSync(join(folder, 'switchboard.db'));
  const at = (Number(row?.rootpage) - 1) * PAGE_BYTES;
  writeFileSync(join(folder, 'switchboard.db'), bytes.fill(0xee, at, at + PAGE_BYTES));
}

test('an entry of the past is damaged: the index keeps what it has, is not made anew, and says what to do', async () => {
  const { folder, journal, console, started, log, reportFault } = await stage();
  await journal.write(async (tx) => {
    const body = JSON.stringify({ update: textUpdate(7, 'many words') });
    for (let n = 0; n < 2 * limits.consoleBatchEntries; n += 1) tx.append({ type: 'update.received', chat: '7', body });
  });
  await say(journal, '8', 'the newest');
  spoil(folder, "UPDATE units SET bodies = 'no json' WHERE id = 1");
  const fault = expect.stringContaining('restore a backup');
  const isTold = { chats: [{ chat: '8' }, { chat: '7' }], progress: { fault } };
  await vi.waitFor(async () => expect(await console.chats(ADMIN, ALL)).toMatchObject(isTold), 20_000);
  const reported = expect.objectContaining({ code: 'data_damaged', message: fault });
  expect(reportFault).toHaveBeenCalledExactlyOnceWith(reported);
  expect([started.length, log.warn.mock.calls]).toEqual([1, []]);
});

test.each(['units', 'head'])(
  'what every question reads of the journal is damaged, %s: it is told, and the index is not made anew',
  async (table) => {
    const { folder, console, clock, log, reportFault } = await stage();
    const look = () => console.chats(ADMIN, ALL);
    const isDamaged = { code: 'data_damaged', message: expect.stringContaining('restore a backup') };
    spoilTable(folder, table);
    await expect(look()).rejects.toMatchObject(isDamaged);
    await expect(look()).rejects.toMatchObject(isDamaged);
    clock.skip(limits.consoleRestartMs);
    await expect(look()).rejects.toMatchObject(isDamaged);
    expect(reportFault).toHaveBeenCalledWith(expect.objectContaining(isDamaged));
    expect(log.warn).not.toHaveBeenCalled();
  },
);

test('a folder where the index should be gives way to it', async () => {
  const { folder, console, log } = await stage();
  mkdirSync(join(folder, 'console.db', 'inner'), { recursive: true });
  expect(await console.chats(ADMIN, ALL)).toMatchObject({ chats: [{ chat: '7' }] });
  expect(log.warn).not.toHaveBeenCalled();
});

test('too many questions at once are refused', async () => {
  const { console } = await stage();
  const asked = Array.from({ length: limits.consoleAsksMax + 5 }, () =>
    console.states(ADMIN).catch((error) => error.code),
  );
  expect((await Promise.all(asked)).filter((answer) => answer === 'overloaded')).toHaveLength(5);
});

test('after a while in which nobody looked the index rests, and says so', async () => {
  const folder = temporaryFolder();
  const journal = openJournal(folder, systemClock);
  await say(journal, '7', 'a word');
  const { indexing, answers } = openIndex(folder);
  const clock = manualClock();
  const told: unknown[] = [];
  let hear: (message: ToThread) => void = () => {};
  const port = {
    postMessage: (message: unknown) => void told.push(message),
    on(_: string, listener: (message: ToThread) => void) {
      hear = listener;
      return port;
    },
  };
  runConsoleThread({ port: port as never, indexing, answers, clock });
  hear({ kind: 'ask', id: 1, name: 'chats', asked: [ADMIN, ALL] });
  await clock.advance(100);
  expect(told).toMatchObject([{ kind: 'answer', id: 1 }]);
  hear({ kind: 'moved' });
  await clock.advance(100);
  expect(told.slice(1)).toEqual([{ kind: 'caught-up' }]);
  clock.skip(limits.consoleIdleMs + 1);
  await say(journal, '7', 'more');
  hear({ kind: 'moved' });
  await clock.advance(100);
  expect(told.slice(2)).toEqual([{ kind: 'caught-up' }, { kind: 'resting' }]);
  expect(indexing.progress()).toMatchObject({ indexed: 1, entries: 2 });
  await journal.close();
});
