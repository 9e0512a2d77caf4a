import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { copyFault } from '../../src/backup.ts';
import { isoFromNow } from '../support/from-now.ts';
import { temporaryFolder } from '../support/journal.ts';
import { createKey, type Env, freeEnv, run, startServer } from './support.ts';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');

/** Waits of expect.poll: for an event, however slow the machine is. */
const GENEROUS = { timeout: 600_000 };

/** Puts a backup into an empty data folder, as docs/backup.md says. */
function restore(file: string): Env {
  const env = freeEnv();
  const folder = String(env.SWITCHBOARD_DATA);
  mkdirSync(folder);
  cpSync(file, join(folder, 'switchboard.db'));
  if (existsSync(`${file}.uploads`)) cpSync(`${file}.uploads`, join(folder, 'uploads'), { recursive: true });
  return env;
}

/** What a program does at a server, as the key's holder. */
function callerAt(url: string, key: string) {
  const authorization = `Bearer ${key}`;
  const json = { authorization, 'content-type': 'application/json' };
  return {
    async post(text: string, delivery: object = {}): Promise<string> {
      const headers = { ...json, 'idempotency-key': text.replaceAll(' ', '-') };
      const body = JSON.stringify({ chat_id: 777, text, delivery });
      const answer = await fetch(`${url}/v1/messages`, { method: 'POST', headers, body });
      expect(answer.status).toBe(202);
      return Object(await answer.json()).id;
    },
    async postFile(text: string): Promise<string> {
      const body = new FormData();
      for (const [name, value] of Object.entries({ method: 'sendDocument', chat_id: '777', caption: text }))
        body.set(name, value);
      body.set('document', new File(['The receipt.\n'], 'receipt.txt'));
      const headers = { authorization, 'idempotency-key': text.replaceAll(' ', '-') };
      return Object(await (await fetch(`${url}/v1/messages`, { method: 'POST', headers, body })).json()).id;
    },
    call: (method: string, path: string, body?: object) =>
      fetch(url + path, { method, headers: json, ...(body && { body: JSON.stringify(body) }) }),
    async get(path: string) {
      return Object(await (await fetch(url + path, { headers: { authorization } })).json());
    },
  };
}

const textsIn = async (sandboxUrl: string): Promise<string[]> => {
  const chat = await fetch(`${sandboxUrl}/sandbox/bots/1:sandbox/chats/777`);
  const { messages } = Object(await chat.json());
  return messages.map(
    (message: { readonly text?: string; readonly caption?: string }) => message.text ?? message.caption,
  );
};
const hello = (sandboxUrl: string) =>
  fetch(`${sandboxUrl}/sandbox/bots/1:sandbox/chats/777/messages`, { method: 'POST', body: '{"text":"hello"}' });

test('a backup of a server at work is one whole moment of it; restored, it sends nothing until the command line says so', async () => {
  const first = await startServer();
  const { key } = await createKey(first.env, 'admin');
  const caller = callerAt(first.url, key);
  await hello(first.sandboxUrl);
  await expect.poll(() => textsIn(first.sandboxUrl), GENEROUS).toHaveLength(2);
  // Its call has no answer, and the others wait behind it.
  const faults = `${first.sandboxUrl}/sandbox/bots/1:sandbox/faults`;
  await fetch(faults, { method: 'POST', body: JSON.stringify({ method: 'sendMessage', kind: 'timeout' }) });
  const sending = await caller.post('sending');
  await expect.poll(async () => (await caller.get(`/v1/messages/${sending}`)).status, GENEROUS).toBe('sending');
  const queued = await caller.post('queued');
  await caller.postFile('with a file');
  const posting = new AbortController();
  const posts = (async () => {
    for (let n = 0; !posting.signal.aborted; n += 1)
      await caller.post(`beside it ${n}`, { send_at: isoFromNow(3_600_000) });
  })();
  const file = join(temporaryFolder(), 'monday.db');
  const made = await run(['backup', file], first.env).ended;
  posting.abort();
  await posts;
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(made.stdout)).toEqual({ file, bytes: statSync(file).size, uploads: 1 });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(`${file}.uploads`).mode & 0o777).toBe(0o700);
  expect(readdirSync(join(file, '..')).sort()).toEqual(['monday.db', 'monday.db.uploads']);
  first.child.kill('SIGKILL');
  await first.ended;

  const second = await startServer(restore(file));
  expect(await second.logged('outbox_held')).toMatchObject({ level: 'warn' });
  expect(await second.logged('stream_renamed')).toMatchObject({ level: 'warn' });
  const restored = callerAt(second.url, key);
  await hello(second.sandboxUrl);
  const posted = await restored.post('posted while it is held');
  const readyz = await restored.call('GET', '/readyz');
  expect(readyz.status).toBe(200);
  const { outbox } = Object(await readyz.json()).parts;
  expect(outbox).toMatchObject({ state: 'degraded', detail: expect.stringContaining('switchboard outbox release') });
  const shown = await run(['outbox'], second.env).ended;
  const { held_since, waiting } = JSON.parse(shown.stdout);
  expect(Date.parse(held_since)).toBeGreaterThan(0);
  expect(waiting).toBeGreaterThanOrEqual(3);
  expect((await restored.get(`/v1/messages/${sending}`)).status).toBe('unknown');
  expect((await restored.get(`/v1/messages/${queued}`)).status).toBe('queued');
  expect(await textsIn(second.sandboxUrl)).toEqual(['hello']);

  expect(JSON.parse((await run(['outbox', 'release'], second.env).ended).stdout)).toEqual({ canceled: 0 });
  expect((await restored.get(`/v1/messages/${posted}?wait=20`)).status).toBe('sent');
  expect(await textsIn(second.sandboxUrl)).toEqual([
    'hello',
    expect.any(String),
    'queued',
    'with a file',
    'posted while it is held',
  ]);
  expect(await restored.get('/readyz')).toMatchObject({ parts: { outbox: { state: 'up' } } });
  expect(await second.logged('outbox_released')).toMatchObject({ canceled: 0 });
}, 600_000);

test('while no server runs: a backup is made, and what waits in it is canceled before it is served', async () => {
  const first = await startServer();
  const { key } = await createKey(first.env, 'admin');
  await hello(first.sandboxUrl);
  const id = await callerAt(first.url, key).post('waits', { send_at: isoFromNow(3_600_000) });
  first.child.kill('SIGTERM');
  await first.ended;
  const file = join(temporaryFolder(), 'backup.db');
  expect((await run(['backup', file], first.env).ended).code).toBe(0);

  const env = restore(file);
  expect(JSON.parse((await run(['outbox', 'release', '--cancel'], env).ended).stdout)).toEqual({ canceled: 1 });
  const second = await startServer(env);
  const caller = callerAt(second.url, key);
  expect(await caller.get(`/v1/messages/${id}`)).toMatchObject({ status: 'canceled' });
  await hello(second.sandboxUrl);
  expect((await caller.get(`/v1/messages/${await caller.post('new')}?wait=20`)).status).toBe('sent');
  expect(second.stdout()).not.toContain('outbox_held');
}, 600_000);

test('admins alone see and end the hold', async () => {
  const { env, url } = await startServer();
  for (const role of ['operator', 'aggregator', 'backend']) {
    const caller = callerAt(url, (await createKey(env, role)).key);
    expect((await caller.call('GET', '/v1/outbox')).status).toBe(403);
    expect((await caller.call('POST', '/v1/outbox/release', {})).status).toBe(403);
  }
  const caller = callerAt(url, (await createKey(env, 'admin')).key);
  expect(await caller.get('/v1/outbox')).toEqual({ held_since: null, waiting: 0 });
  expect((await caller.call('POST', '/v1/outbox/release', { cancel: 'yes' })).status).toBe(400);
  expect(await (await caller.call('POST', '/v1/outbox/release', {})).json()).toEqual({ canceled: 0 });
}, 600_000);

test("what fails at the backup's own disk names that, and not the data folder", () => {
  const db = new DatabaseSync(join(temporaryFolder(), 'copy.db'));
  db.exec('CREATE TABLE t (x); PRAGMA max_page_count = 4');
  const says = 'the disk of /backups/x.db is full: make room there, or name another FILE';
  expect(() => {
    try {
      db.exec(`INSERT INTO t VALUES ('${'x'.repeat(100_000)}')`);
    } catch (error) {
      throw copyFault(error, '/data', '/backups/x.db');
    }
  }).toThrow(says);
  db.close();
  const noRoom = Object.assign(new Error('ENOSPC'), {
    code: 'ENOSPC',
    path: '/data/uploads/1',
    dest: '/backups/x.db.uploads/1',
  });
  expect(copyFault(noRoom, '/data', '/backups/x.db')).toMatchObject({ message: says });
  const other = new Error('another');
  expect(copyFault(other, '/data', '/backups/x.db')).toBe(other);
});

test('a backup overwrites nothing, names what is wrong, and leaves nothing behind where it fails', async () => {
  const env = freeEnv();
  await createKey(env, 'admin');
  const folder = temporaryFolder();
  const file = join(folder, 'mine.db');
  const backup = async (path: string, more: Env = env) => {
    const { code, stderr } = await run(['backup', path], more).ended;
    return `${code} ${stderr.split('\n')[0]}`;
  };
  writeFileSync(file, 'mine');
  expect(await backup(file)).toBe(`1 switchboard: ${file} exists already: name another file`);
  writeFileSync(join(folder, 'other.db.partial'), '');
  expect(await backup(join(folder, 'other.db'))).toMatch(/^1 .*other\.db\.partial exists: another backup is running/);
  expect(await backup(join(folder, 'none', 'x.db'))).toBe(
    `1 switchboard: there is no folder ${join(folder, 'none')}: make it first`,
  );
  expect(await backup(join(folder, 'x.db'), freeEnv())).toMatch(/^1 switchboard: there is no data in /);
  expect(await backup('')).toBe('2 switchboard: backup takes one FILE to write to');
  const [inProc, broken] = ['/proc/self/x.db', freeEnv()];
  expect(await backup(inProc)).toMatch(
    /^1 switchboard: (\/proc\/self\/x\.db\.partial cannot be made|there is no folder)/,
  );
  const data = String(broken.SWITCHBOARD_DATA);
  mkdirSync(data);
  writeFileSync(join(data, 'switchboard.db'), 'a photo, say. '.repeat(100));
  const notOurs = `4 switchboard: ${join(data, 'switchboard.db')} is not a database of Switchboard: restore a backup of it`;
  expect(await backup(join(folder, 'x.db'), broken)).toContain(notOurs);

  // The disk takes no more: a file may have 50 KiB.
  const args = ['-c', 'ulimit -f 100; exec "$@"', 'sh', process.execPath, CLI, 'backup', join(folder, 'z.db')];
  const limited = spawnSync('sh', args, { env: { ...env }, encoding: 'utf8' });
  expect([limited.status, limited.stderr]).toEqual([
    1,
    expect.stringContaining(`${join(folder, 'z.db')} cannot be written, or`),
  ]);

  // A page in the middle of the database is overwritten.
  const database = join(String(env.SWITCHBOARD_DATA), 'switchboard.db');
  const db = new DatabaseSync(database);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  const pages = statSync(database).size / 4096;
  spawnSync('dd', [
    'if=/dev/urandom',
    `of=${database}`,
    'bs=4096',
    `seek=${Math.floor(pages / 2)}`,
    'count=4',
    'conv=notrunc',
  ]);
  expect(await backup(join(folder, 'y.db'))).toMatch(/^4 switchboard: .* is damaged.*restore/);
  expect(readdirSync(folder).sort()).toEqual(['mine.db', 'other.db.partial']);
}, 600_000);
