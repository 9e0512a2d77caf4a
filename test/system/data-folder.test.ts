import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { createKey, type Env, freeEnv, run, startServer } from '../cli/support.ts';
import { temporaryFolder } from '../support/journal.ts';

const folderOf = (env: Env): string => env.SWITCHBOARD_DATA ?? '';

/** A data folder that was served once. */
async function servedOnce(): Promise<Env> {
  const { env, child, ended } = await startServer();
  child.kill('SIGTERM');
  await ended;
  return env;
}

test.each([
  ['deleted', (folder: string) => rmSync(folder, { recursive: true })],
  ['moved', (folder: string) => renameSync(folder, `${folder}-elsewhere`)],
  [
    'replaced',
    (folder: string) => {
      cpSync(folder, `${folder}-copy`, { recursive: true });
      rmSync(folder, { recursive: true });
      renameSync(`${folder}-copy`, folder);
    },
  ],
])(
  'a data folder that is %s while it is served: nothing more is taken, one line says so, exit 7',
  async (_, lose) => {
    const { env, url, ended } = await startServer();
    const { key } = await createKey(env, 'aggregator');
    lose(folderOf(env));
    let posts = 0;
    const post = () =>
      fetch(`${url}/v1/messages`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'idempotency-key': `${++posts}`,
        },
        body: JSON.stringify({ chat_id: 777, text: 'hi' }),
      }).then(
        ({ status }) => status,
        () => 0,
      );
    const statuses: number[] = [];
    let running = true;
    void ended.then(() => {
      running = false;
    });
    while (running) statuses.push(await post());
    const { code, stdout } = await ended;
    expect(code).toBe(7);
    const lines = stdout.split('\n').filter((line) => line.includes('was deleted, moved or replaced'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('put the data folder or a backup there');
    // Messages that wait cannot be sent any more: the end does not wait for them.
    expect(stdout).not.toContain('did not drain');
    // Once one is refused, none is taken any more.
    const refusedFrom = statuses.findIndex((status) => status !== 202);
    expect(statuses.slice(refusedFrom)).not.toContain(202);
  },
  600_000,
);

test.each([
  ['is missing', (folder: string) => rmSync(join(folder, 'switchboard.db'))],
  ['is empty', (folder: string) => truncateSync(join(folder, 'switchboard.db'))],
])(
  'a start whose database %s, though there was a journal: refused, untouched, exit 7',
  async (_, lose) => {
    const env = await servedOnce();
    lose(folderOf(env));
    const before = readdirSync(folderOf(env));
    for (const command of [['start'], ['keys', 'create', '--role', 'admin', '--name', 'a'], ['keys', 'list']]) {
      const { code, stderr } = await run(command, env).ended;
      expect([command[0], code]).toEqual([command[0], 7]);
      expect(stderr).toContain('put a backup there, or remove switchboard.stream to begin anew');
    }
    expect(readdirSync(folderOf(env))).toEqual(before);
    rmSync(join(folderOf(env), 'switchboard.stream'));
    await startServer(env);
  },
  600_000,
);

test('a start whose database has no tables, though there was a journal: refused', async () => {
  const env = await servedOnce();
  const other = freeEnv();
  mkdirSync(folderOf(other));
  const empty = new DatabaseSync(join(folderOf(other), 'switchboard.db'));
  empty.exec('CREATE TABLE t (x); DROP TABLE t');
  empty.close();
  cpSync(join(folderOf(env), 'switchboard.stream'), join(folderOf(other), 'switchboard.stream'));
  expect(await run(['start'], other).ended).toMatchObject({ code: 7 });
});

test.each([
  [['doctor'], 0],
  [['keys', 'list'], 1],
  [['keys', 'revoke', '1'], 1],
  [['chats'], 1],
  [['chats', 'retry', '7'], 1],
  [['replay', '--chat', '7'], 1],
  [['migrate', '--dry-run'], 1],
  [['migrate'], 1],
])('%j makes neither a folder nor a database', async (args, code) => {
  const env = freeEnv();
  expect(await run(args, env).ended).toMatchObject({ code });
  expect(existsSync(folderOf(env))).toBe(false);
  const empty = { ...env, SWITCHBOARD_DATA: temporaryFolder() };
  writeFileSync(join(folderOf(empty), 'switchboard.db'), '', { mode: 0o600 });
  expect(await run(args, empty).ended).toMatchObject({ code });
  expect(readdirSync(folderOf(empty))).toEqual(['switchboard.db']);
});

test('while a server has the database open no other program can take its log away', async () => {
  const { env } = await startServer();
  const other = new DatabaseSync(join(folderOf(env), 'switchboard.db'), { timeout: 0 });
  onTestFinished(() => other.close());
  // A program that gets this lock, as it closes the database, finds nobody beside itself and deletes the log.
  expect(() => other.exec('PRAGMA locking_mode = EXCLUSIVE; SELECT 1 FROM head')).toThrow('database is locked');
}, 600_000);
