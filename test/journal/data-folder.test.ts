import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { watchDataFolder } from '../../src/journal/data-folder.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { copyDatabase } from '../../src/journal/sqlite-backup.ts';
import { holdDataFolder, holderOf, openDatabase, openReader } from '../../src/journal/sqlite-open.ts';
import { limits } from '../../src/limits.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { entry } from './records.ts';

/** Another process that takes the data folder and says how that went. */
async function holder(folder: string) {
  const child = spawn(process.execPath, ['--expose-gc', `${import.meta.dirname}/holder-process.ts`, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const [said]: unknown[] = await once(createInterface({ input: child.stdout }), 'line');
  return {
    pid: child.pid,
    said,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

test('the second process on a data folder is told who holds it; SIGKILL of the holder frees it at once', async () => {
  const folder = temporaryFolder();
  const first = await holder(folder);
  expect(first.said).toBe('held');
  const second = await holder(folder);
  expect(second.said).toMatch(/^data_held: /);
  expect(second.said).toContain(folder);
  expect(second.said).toContain(`process ${first.pid} on ${hostname()}, since 1970-01-01T00:00:00.000Z`);

  const db = openDatabase(folder);
  onTestFinished(() => db.close());
  expect(() => holdDataFolder(folder, db, 0)).toThrow(expect.objectContaining({ code: 'data_held' }));
  expect(holderOf(folder, db)).toContain(`process ${first.pid} `);
  await first.kill();
  expect(holderOf(folder, db)).toBeNull();
  const held = holdDataFolder(folder, db, 1000);
  expect((await holder(folder)).said).toContain(
    `process ${process.pid} on ${hostname()}, since 1970-01-01T00:00:01.000Z`,
  );
  held.release();
  expect((await holder(folder)).said).toBe('held');
});

test('a data folder that many processes open and migrate at once is held by one of them, and no other fails', async () => {
  const folder = temporaryFolder();
  const said = (await Promise.all(Array.from({ length: 4 }, () => holder(folder)))).map((one) => String(one.said));
  expect(said.filter((line) => line === 'held').length).toBe(1);
  expect(said.filter((line) => line.startsWith('data_held: ')).length).toBe(3);
});

test('the changes of the schema are numbered 1, 2, 3, …: of two with one number a data folder would get the first', () => {
  const files = readdirSync(join(import.meta.dirname, '../../src/journal/sql')).sort();
  expect(files.map((file) => Number(file.slice(0, 4)))).toEqual(files.map((_, n) => n + 1));
});

/** One start: the name that the journal has then, and what a life of its own may do with it. */
async function streamAt(
  folder: string,
  { bot = '1', during = () => {} }: { bot?: string; during?: (db: DatabaseSync) => void } = {},
) {
  const [db, reader] = [openDatabase(folder), openReader(folder)];
  let renamed: string | null = null;
  const journal = openSqliteJournal({
    ...{ db, reader, bot, clock: manualClock(), newStreamId: () => `stream-${++streams}` },
    onRenamed(stream) {
      renamed = stream;
    },
  });
  await journal.write(async (tx) => tx.append(entry('one more')));
  during(db);
  await journal.close();
  db.close();
  reader.close();
  expect(renamed).toBe(renamed === null ? null : journal.stream);
  return { stream: journal.stream, head: journal.bounds().head, renamed: renamed !== null };
}
let streams = 0;

describe("a journal's name", () => {
  test('is another once a backup was put into an empty data folder, and stays that from then on', async () => {
    const [folder, restored] = [temporaryFolder(), temporaryFolder()];
    const backUp = (db: DatabaseSync) => db.exec(`VACUUM INTO '${join(restored, 'switchboard.db')}'`);
    const first = await streamAt(folder, { during: backUp });
    expect(first).toMatchObject({ head: 1, renamed: false });
    expect(await streamAt(folder)).toEqual({ ...first, head: 2 });

    const again = await streamAt(restored);
    expect(again).toMatchObject({ head: 2, renamed: true });
    expect(again.stream).not.toBe(first.stream);
    expect(await streamAt(restored)).toEqual({ stream: again.stream, head: 3, renamed: false });
    expect(await streamAt(folder), 'where it came from, nothing has changed').toEqual({ ...first, head: 3 });
  });

  test('is another for a backup of another folder, and for each bot in it', async () => {
    const [folder, other] = [temporaryFolder(), temporaryFolder()];
    const backup = join(temporaryFolder(), 'switchboard.db');
    const during = (db: DatabaseSync) => db.exec(`VACUUM INTO '${backup}'`);
    const [one, two] = [await streamAt(folder), await streamAt(folder, { bot: '2', during })];
    await streamAt(other);
    for (const tail of ['-wal', '-shm']) rmSync(join(other, `switchboard.db${tail}`), { force: true });
    cpSync(backup, join(other, 'switchboard.db'));
    const known = [one.stream, two.stream];
    const restored = [await streamAt(other), await streamAt(other, { bot: '2' })];
    expect(restored.map(({ renamed }) => renamed)).toEqual([true, true]);
    for (const { stream } of restored) expect(known).not.toContain(stream);
  });

  test('stays where the whole folder moves, and is another in a copy of it', async () => {
    const [folder, other] = [temporaryFolder(), temporaryFolder()];
    const { stream } = await streamAt(folder);
    const [moved, copied] = [join(other, 'moved'), join(other, 'copied')];
    renameSync(folder, moved);
    expect(await streamAt(moved)).toEqual({ stream, head: 2, renamed: false });
    cpSync(moved, copied, { recursive: true, preserveTimestamps: true });
    expect(await streamAt(copied)).toMatchObject({ head: 3, renamed: true });
    expect(await streamAt(copied), 'it is noticed once').toMatchObject({ head: 4, renamed: false });
    expect(await streamAt(moved), 'the copied one goes on').toEqual({ stream, head: 3, renamed: false });
  });

  test('is another in a copy that is put back over the folder that it was made of, once switchboard.stream is deleted', async () => {
    const [folder, other] = [temporaryFolder(), temporaryFolder()];
    const copied = join(other, 'copied');
    await streamAt(folder);
    cpSync(folder, copied, { recursive: true, preserveTimestamps: true });
    await streamAt(folder);
    for (const tail of ['-wal', '-shm']) rmSync(join(folder, `switchboard.db${tail}`), { force: true });
    cpSync(copied, folder, { recursive: true, preserveTimestamps: true });
    rmSync(join(folder, 'switchboard.stream'));
    expect(await streamAt(folder)).toMatchObject({ head: 2, renamed: true });
  });

  test('is another for a backup that is put back into the folder that it came from', async () => {
    const folder = temporaryFolder();
    const { stream } = await streamAt(folder);
    const backup = join(temporaryFolder(), 'backup.db');
    await copyDatabase(folder, backup, () => {});
    await streamAt(folder);
    const file = join(folder, 'switchboard.db');
    cpSync(backup, file);
    await expect(streamAt(folder), 'over the log of the other').rejects.toThrow(
      `${file}-wal belongs to another database than ${file}: delete it and ${file}-shm, then start again`,
    );
    for (const tail of ['-wal', '-shm']) rmSync(file + tail);
    const restored = await streamAt(folder);
    expect(restored).toMatchObject({ head: 2, renamed: true });
    expect(restored.stream).not.toContain(stream);
  });

  test('is another, and kept from then on, after a crash before it was noted, or while it was', async () => {
    const folder = temporaryFolder();
    const { stream } = await streamAt(folder);
    const file = join(folder, 'switchboard.stream');
    for (const left of ['', `\n${stream.slice(0, 4)}`]) {
      writeFileSync(file, left);
      const after = await streamAt(folder);
      expect(after.renamed, JSON.stringify(left)).toBe(true);
      expect(await streamAt(folder)).toMatchObject({ stream: after.stream, renamed: false });
    }
    expect(readFileSync(file, 'utf8')).toMatch(/\nstream-\d+\n$/);
  });
});

describe('a watched data folder', () => {
  /** A folder that is watched, whose database holds ten entries more than `backup`. */
  async function watched() {
    const [folder, clock, onGone] = [temporaryFolder(), manualClock(), vi.fn()];
    const file = join(folder, 'switchboard.db');
    const backup = join(folder, 'backup.db');
    const journal = openJournal(folder, clock);
    const db = openDatabase(folder);
    onTestFinished(() => db.close());
    const add = () => journal.write(async (tx) => void tx.append(entry('text')));
    const flush = () => db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    await add();
    flush();
    copyFileSync(file, backup);
    for (let n = 0; n < 10; n += 1) await add();
    flush();
    onTestFinished(watchDataFolder(folder, clock, onGone));
    const isTold = (says: string) =>
      vi.waitFor(async () => {
        await clock.advance(limits.dataFolderLookMs);
        expect(onGone.mock.calls).toEqual([[expect.objectContaining({ code: 'data_gone' })]]);
        expect(onGone.mock.calls[0]?.[0].message).toContain(says);
      }, 180_000);
    return { folder, file, backup, db, clock, onGone, add, flush, isTold };
  }

  test('a backup that is copied over the database is told', async () => {
    const { file, backup, isTold } = await watched();
    copyFileSync(backup, file);
    await isTold('was overwritten');
  });

  test('a database that is made empty, or is cut off, is told', async () => {
    const { file, isTold } = await watched();
    truncateSync(file);
    await isTold('was overwritten');
  });

  test('one that is deleted is told by the system, before the next look', async () => {
    const { file, onGone } = await watched();
    rmSync(file);
    await vi.waitFor(() => expect(onGone).toHaveBeenCalledOnce(), 180_000);
  });

  test('commits, checkpoints and a VACUUM are none of these', async () => {
    const { db, clock, onGone, add, flush } = await watched();
    for (let n = 0; n < 20; n += 1) {
      await add();
      if (n % 3 === 0) flush();
      if (n % 7 === 0) db.exec('VACUUM');
      await clock.advance(limits.dataFolderLookMs);
    }
    expect(onGone).not.toHaveBeenCalled();
  });
});
