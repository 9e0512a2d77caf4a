import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import { dataFault } from '../../src/journal/data-fault.ts';
import { temporaryFolder } from '../support/journal.ts';
import { asStranger } from '../support/stranger.ts';
import { createKey, follow, freeEnv, run, startServer } from './support.ts';

/** They start processes, a few at once. */
vi.setConfig({ testTimeout: 60_000 });

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
/** The other command that makes a data folder. */
const MAKE_KEY = ['keys', 'create', '--role', 'admin', '--name', 'ada'];
const OTHER = 'name another folder with SWITCHBOARD_DATA';

/** The data folder's path below `folder`, with what is wrong there, and what is told. */
const wrongFolders: Readonly<Record<string, (folder: string) => readonly [path: string, says: string]>> = {
  'a file in place of the folder': (folder) => {
    writeFileSync(join(folder, 'data'), '');
    return ['data', `${join(folder, 'data')} is a file, and must be a folder: ${OTHER}`];
  },
  'a file in the path': (folder) => {
    writeFileSync(join(folder, 'file'), '');
    const path = join(folder, 'file', 'data');
    return ['file/data', `${path} cannot be made, as a part of this path is a file: ${OTHER}`];
  },
  'a link that leads nowhere': (folder) => {
    symlinkSync('nowhere', join(folder, 'data'));
    const path = join(folder, 'data');
    return ['data', `${path} cannot be made there, or is a link that leads nowhere: ${OTHER}`];
  },
  'a folder in place of the database': (folder) => {
    const path = join(folder, 'data', 'switchboard.db');
    mkdirSync(path, { recursive: true });
    return ['data', `${path} is a folder, and must be a file: move it away`];
  },
  'something else in place of the database': (folder) => {
    mkdirSync(join(folder, 'data'));
    const path = join(folder, 'data', 'switchboard.db');
    writeFileSync(path, 'a photo, say. '.repeat(100));
    return ['data', `${path} is not a database of Switchboard: restore a backup of it, or ${OTHER}`];
  },
};

test.each(Object.entries(wrongFolders))('%s: exit 4, one line, with the path and what to do', async (_, prepare) => {
  const folder = temporaryFolder();
  const [data, says] = prepare(folder);
  const env = { ...freeEnv(), SWITCHBOARD_DATA: join(folder, data) };
  const ends = await Promise.all([run(['start'], env).ended, run(MAKE_KEY, env).ended]);
  for (const end of ends) expect(end).toEqual({ code: 4, stdout: '', stderr: `switchboard: ${says}\n` });
});

test.each([
  ['switchboard.lock', 'is not the lock file of Switchboard: delete it'],
  ['uploads', `is in the way: a folder is needed there. Move it away, or ${OTHER}`],
])('something else in place of %s: exit 4, with the path and what to do', async (name, says) => {
  const data = join(temporaryFolder(), 'data');
  mkdirSync(data);
  writeFileSync(join(data, name), 'a photo, say. '.repeat(100));
  const { code, stderr } = await run(['start'], { ...freeEnv(), SWITCHBOARD_DATA: data }).ended;
  expect([code, stderr]).toEqual([4, `switchboard: ${join(data, name)} ${says}\n`]);
});

test.each([
  ['a folder', (path: string) => mkdirSync(path)],
  ['a pipe', (path: string) => execFileSync('mkfifo', [path])],
])('%s in place of switchboard.stream: exit 4, with the path and what to do', async (_, make) => {
  const data = join(temporaryFolder(), 'data');
  mkdirSync(data);
  const path = join(data, 'switchboard.stream');
  make(path);
  const { code, stderr } = await run(['start'], { ...freeEnv(), SWITCHBOARD_DATA: data }).ended;
  expect([code, stderr]).toEqual([4, `switchboard: ${path} must be a file, and is something else: move it away\n`]);
});

test('a place that takes no folders, /proc/x: told, and not tried for ever', async () => {
  const env = { ...freeEnv(), SWITCHBOARD_DATA: '/proc/x', TMPDIR: '/proc/x' };
  const { code, stderr } = await run(['start'], env).ended;
  expect([code, stderr]).toEqual([
    4,
    `switchboard: /proc/x cannot be made there, or is a link that leads nowhere: ${OTHER}\n`,
  ]);
});

/** What is wrong in the newest entries, which a start reads, with what is told of it. */
const damages: Readonly<Record<string, string>> = {
  "UPDATE units SET heads = 'no json'": 'have no heads',
  "UPDATE units SET owners = '[['": 'holds no JSON',
  "UPDATE units SET owners = '[1]'": 'holds no owners',
  'UPDATE head SET poll_offset = 99999999999999999': 'a number is too large',
};

test.each(Object.entries(damages))(
  'a damaged database, %s: exit 4, with the path and what to do',
  async (sql, says) => {
    const { env, url, child, ended } = await startServer();
    const { key } = await createKey(env, 'admin');
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': '1' };
    const post = { method: 'POST', headers, body: JSON.stringify({ chat_id: 7, text: 'hi' }) };
    expect((await fetch(`${url}/v1/messages`, post)).status).toBe(202);
    child.kill('SIGTERM');
    await ended;
    const file = join(env.SWITCHBOARD_DATA ?? '', 'switchboard.db');
    const db = new DatabaseSync(file);
    db.exec(sql);
    db.close();
    const { code, stdout, stderr } = await run(['start'], env).ended;
    expect([code, stdout]).toEqual([4, '']);
    expect(stderr.startsWith(`switchboard: ${file} is damaged (`)).toBe(true);
    expect(stderr).toContain(says);
    expect(stderr.endsWith('): restore a backup of it\n')).toBe(true);
  },
);

const stranger = asStranger();

test.skipIf(stranger === null)('a folder, and a database, that this user may not write: exit 4', async () => {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  const [empty, served] = [join(folder, 'empty'), join(folder, 'served')];
  mkdirSync(empty);
  await run(MAKE_KEY, { ...freeEnv(), SWITCHBOARD_DATA: served }).ended;
  for (const name of ['switchboard.db', 'switchboard.db-wal', 'switchboard.db-shm']) {
    writeFileSync(join(served, name), '', { flag: 'a' });
    chmodSync(join(served, name), 0o444);
  }
  for (const path of [empty, served]) chmodSync(path, 0o555);
  // The folder is removed when the test is over.
  onTestFinished(() => [empty, served].forEach((path) => void chmodSync(path, 0o755)));
  for (const data of [empty, served, join(empty, 'new')]) {
    const env = { ...freeEnv(), SWITCHBOARD_DATA: data };
    const args = ['--disable-warning=ExperimentalWarning', CLI, 'start'];
    const { code, stderr } = await follow(
      spawn(process.execPath, args, { env, ...stranger, stdio: ['ignore', 'pipe', 'pipe'] }),
    ).ended;
    expect([data, code]).toEqual([data, 4]);
    expect(stderr).toContain(`switchboard: ${data}`);
    expect(stderr).toMatch(/ may not be written by this user \(uid \d+\): give the user the data folder .*\n$/);
  }
});

test.each([
  ['a full disk', 'PRAGMA max_page_count = 4', /^the disk of \/data\/switchboard\.db is full: make room there/],
  [
    'a database that may only be read',
    'PRAGMA query_only = 1',
    /^\/data\/switchboard\.db may not be written by this user/,
  ],
])('%s: told with the path and what to do', (_, pragma, says) => {
  const db = new DatabaseSync(join(temporaryFolder(), 'some.db'));
  onTestFinished(() => db.close());
  db.exec(`CREATE TABLE t (x); ${pragma}`);
  const write = () => db.exec(`INSERT INTO t VALUES ('${'x'.repeat(100_000)}')`);
  expect(() => {
    try {
      write();
    } catch (error) {
      throw dataFault(error, '/data');
    }
  }).toThrow(expect.objectContaining({ code: 'data_unusable', message: expect.stringMatching(says) }));
});

test('what is not about the data folder stays as it is', () => {
  const elsewhere = Object.assign(new Error('ENOENT'), { code: 'ENOENT', path: '/machines/x.ts' });
  for (const error of [elsewhere, new Error('x'), Object.assign(new Error(), { code: 'EADDRINUSE' }), null])
    expect(dataFault(error, '/data')).toBe(error);
});

test('a port that is taken: the line names the address, and the settings to change', { timeout: 600_000 }, async () => {
  const server = createServer();
  onTestFinished(() => void server.close());
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    }),
  );
  const taken = `switchboard: 127.0.0.1:${port} is taken by another process: stop that process, or choose another port by`;
  const ends = await Promise.all([
    run(['start'], { ...freeEnv(), SWITCHBOARD_PORT: `${port}` }).ended,
    run(['start'], { ...freeEnv(), SWITCHBOARD_SANDBOX_PORT: `${port}` }).ended,
    run(['sandbox', '--port', `${port}`]).ended,
  ]);
  expect(ends.map(({ code, stderr }) => [code, stderr])).toEqual([
    [5, `${taken} http.port (SWITCHBOARD_PORT)\n`],
    [5, `${taken} sandbox.port (SWITCHBOARD_SANDBOX_PORT)\n`],
    [5, `${taken} --port\n`],
  ]);
});

test('an address that is none of this machine: exit 5, with the settings to change', async () => {
  // RFC 5737: an address of documentation, which no machine has.
  const { code, stderr } = await run(['start'], { ...freeEnv(), SWITCHBOARD_HOST: '192.0.2.1' }).ended;
  const advice = 'choose another by http.host (SWITCHBOARD_HOST) or http.port (SWITCHBOARD_PORT)';
  expect([code, stderr]).toEqual([5, `switchboard: 192.0.2.1 is not an address of this machine: ${advice}\n`]);
});

/** In place of a machine's file: says that it is being loaded, and never ends. */
const ENDLESS = `import { registerHooks } from 'node:module';
const source = "setInterval(() => {}, 1000); console.log(JSON.stringify({ event: 'loading' })); await new Promise(() => {});";
registerHooks({
  load: (url, context, next) =>
    url.endsWith('/payment.machine.ts') ? { format: 'module', source, shortCircuit: true } : next(url, context),
});`;

test('SIGTERM while it starts: exit 0, however long the start takes', async () => {
  const args = ['--import', `data:text/javascript,${encodeURIComponent(ENDLESS)}`, CLI, 'start'];
  const start = follow(spawn(process.execPath, args, { env: freeEnv(), stdio: ['ignore', 'pipe', 'pipe'] }));
  await start.logged('loading');
  start.child.kill('SIGTERM');
  const { code, stdout } = await start.ended;
  expect([code, stdout]).toEqual([0, expect.stringContaining('"event":"stopped"')]);
});
