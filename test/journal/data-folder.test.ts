import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { holdDataFolder, holderOf, openDatabase } from '../../src/journal/sqlite-open.ts';
import { temporaryFolder } from '../support/journal.ts';

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
