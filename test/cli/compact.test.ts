import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import { compact } from '../../src/compact.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { limits } from '../../src/limits.ts';
import { openIndex } from '../console/support.ts';
import { contentsOf } from '../fixtures/contents.ts';
import { temporaryFolder } from '../support/journal.ts';
import { freeEnv, run, startServer } from './support.ts';

vi.setConfig({ testTimeout: 600_000 });

const FIXTURE = join(import.meta.dirname, '..', 'fixtures', 'data-0.1.0');
const { at, keys, contents } = JSON.parse(readFileSync(join(FIXTURE, 'expected.json'), 'utf8'));
const MIB = 2 ** 20;

/** The data folder of an older version, in which this much was deleted, and can still be read. */
function oldFolder(deletedMib: number, keptMib = 0): string {
  const data = join(temporaryFolder(), 'data');
  cpSync(join(FIXTURE, 'folder'), data, { recursive: true });
  mkdirSync(join(data, 'uploads'), { recursive: true });
  openDatabase(data).close();
  const db = new DatabaseSync(join(data, 'switchboard.db'));
  db.exec('CREATE TABLE bulk (text TEXT); CREATE TABLE kept (text TEXT)');
  const fill = (table: string, word: string, mib: number) => {
    for (let n = 0; n < mib; n += 1) db.prepare(`INSERT INTO ${table} VALUES (?)`).run(word.repeat(MIB / 8));
  };
  fill('bulk', 'aardvark', deletedMib);
  fill('kept', 'bandicoo', keptMib);
  db.exec('DROP TABLE bulk');
  db.close();
  return data;
}

const file = (data: string, name = 'switchboard.db') => join(data, name);
const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
const autoVacuum = (data: string) => {
  const db = new DatabaseSync(file(data), { readOnly: true });
  const mode = db.prepare('PRAGMA auto_vacuum').get()?.auto_vacuum;
  expect(db.prepare('PRAGMA quick_check').get()).toEqual({ quick_check: 'ok' });
  db.close();
  return mode;
};

test('an older data folder becomes smaller, nothing deleted can be read in it, and all else is there', async () => {
  const data = oldFolder(8);
  const index = openIndex(data);
  index.settle();
  index.close();
  expect([autoVacuum(data), sizeOf(file(data)) > 8 * MIB, readFileSync(file(data)).includes('aardvark')]).toEqual([
    0,
    true,
    true,
  ]);
  const before = readdirSync(data).sort();
  const { code, stdout, stderr } = await run(['compact'], { ...freeEnv(), SWITCHBOARD_DATA: data }).ended;
  expect([code, stderr.replaceAll(/\d+ percent so far\n/g, '')]).toEqual([0, '']);
  const { bytes_before, bytes } = JSON.parse(stdout);
  expect(bytes_before).toBeGreaterThan(8 * MIB);
  expect(bytes).toBe(sizeOf(file(data)) + sizeOf(file(data, 'console.db')));
  expect(bytes).toBeLessThan(2 * MIB);
  expect([autoVacuum(data), readFileSync(file(data)).includes('aardvark')]).toEqual([2, false]);
  expect(readdirSync(data).filter((name) => !before.includes(name) && !/^switchboard\.lock/.test(name))).toEqual([]);
  expect(await contentsOf(data, at, keys)).toEqual(contents);
});

/** How far `compact` is: it writes the new pages to the log, then into the file. */
const moments: Readonly<Record<string, (data: string, sizeBefore: number) => boolean>> = {
  'it begins': (data) => existsSync(file(data, 'switchboard.db-wal')),
  'the new pages are on their way to the log': (data) => sizeOf(file(data, 'switchboard.db-wal')) > MIB,
  'nearly all are there': (data) => sizeOf(file(data, 'switchboard.db-wal')) > 3.9 * MIB,
  'the file has become smaller': (data, sizeBefore) => sizeOf(file(data)) < sizeBefore,
};

test.each(Object.entries(moments))('SIGKILL as %s: all is as it was, or as it is to be', async (_, hasCome) => {
  const data = oldFolder(4, 4);
  const sizeBefore = sizeOf(file(data));
  const { child, ended } = run(['compact'], { ...freeEnv(), SWITCHBOARD_DATA: data });
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  while (!isOver && !hasCome(data, sizeBefore)) await new Promise((resolve) => setImmediate(resolve));
  child.kill('SIGKILL');
  await ended;
  expect(readdirSync(data).filter((name) => !/^(switchboard|console)\.|^uploads$/.test(name))).toEqual([]);
  expect(await contentsOf(data, at, keys)).toEqual(contents);
  expect([0, 2]).toContain(autoVacuum(data));
});

test('beside a server it is refused: exit 4, with what to do; without data, and with an argument, nothing is made', async () => {
  const env = freeEnv();
  const none = await run(['compact'], env).ended;
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('there is no data in')]);
  expect((await run(['compact', 'now'], env).ended).code).toBe(2);
  expect(existsSync(String(env.SWITCHBOARD_DATA))).toBe(false);
  await startServer(env);
  const refused = await run(['compact'], env).ended;
  expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('stop that first')]);
});

test('too little room on the disk: told before anything is written', async () => {
  const data = oldFolder(1);
  const calm = { progress: () => {}, freeBytes: async () => 100_000 };
  await expect(compact(data, calm)).rejects.toThrow(
    /needs up to \d+ MiB for a while, and the disk of .* has 1 MiB left: make room there/,
  );
  expect([autoVacuum(data), sizeOf(file(data)) > MIB]).toEqual([0, true]);
});

test('it tells how far it is by what the disk has left', async () => {
  const { commandProgressMs } = limits;
  Object.assign(limits, { commandProgressMs: 2 });
  onTestFinished(() => void Object.assign(limits, { commandProgressMs }));
  let free = 1e9;
  const percents: number[] = [];
  const freeBytes = async () => (free -= MIB);
  await compact(oldFolder(1, 2), { progress: (percent) => void percents.push(percent), freeBytes });
  expect(percents.length).toBeGreaterThan(1);
  expect(percents).toEqual([...percents].sort((a, b) => a - b));
  expect(percents[0]).toBeGreaterThan(0);
  expect(percents.at(-1)).toBeLessThanOrEqual(99);
});
