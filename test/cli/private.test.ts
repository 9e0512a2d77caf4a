import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { exposedSecrets } from '../../config/load.ts';
import { closeToOthers, closingCommand, exposedPaths } from '../../src/private-files.ts';
import { isoFromNow } from '../support/from-now.ts';
import { temporaryFolder } from '../support/journal.ts';
import { asStranger } from '../support/stranger.ts';
import { createKey, type Env, follow, freeEnv, run, startServer } from './support.ts';

vi.setConfig({ testTimeout: 600_000 });

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');

/** Runs a command whose files every user could read, if it left that to the umask. */
const openHanded = (args: readonly string[], env: Env) =>
  follow(
    spawn('/bin/sh', ['-c', 'umask 000; exec "$0" "$@"', process.execPath, CLI, ...args], {
      ...{ env, stdio: ['ignore', 'pipe', 'pipe'] },
    }),
  );

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
/** The modes of a folder and of all that is in it, by path below it. */
const modesIn = (folder: string): Record<string, string> =>
  Object.fromEntries(
    ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })].map((name) => [
      name,
      modeOf(join(folder, name)),
    ]),
  );
const privateModes = (folder: string) =>
  Object.fromEntries(
    Object.keys(modesIn(folder)).map((name) => [name, statSync(join(folder, name)).isDirectory() ? '700' : '600']),
  );

test('with umask 000 only its owner may use the data folder, what is in it, and a backup', async () => {
  const env = freeEnv();
  const folder = String(env.SWITCHBOARD_DATA);
  const server = openHanded(['start'], env);
  const { url } = await server.logged('ready');
  const { key } = await createKey(env, 'admin');
  const authorization = `Bearer ${key}`;
  const body = new FormData();
  body.set('method', 'sendDocument');
  body.set('chat_id', '777');
  body.set('delivery', JSON.stringify({ send_at: isoFromNow(3_600_000) }));
  body.set('document', new File(['The receipt.\n'], 'receipt.txt'));
  const posted = await fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { authorization, 'idempotency-key': 'a' },
    body,
  });
  expect(posted.status).toBe(202);
  // The console's index is made with its first question.
  expect((await fetch(`${url}/v1/console/chats`, { headers: { authorization } })).status).toBe(200);
  expect(Object.keys(modesIn(folder))).toEqual(
    expect.arrayContaining([
      ...['switchboard.db', 'switchboard.db-wal', 'switchboard.db-shm', 'switchboard.lock', 'switchboard.stream'],
      ...['switchboard.sending', 'console.db', 'console.db-wal', expect.stringMatching(/^uploads.[0-9a-f]+$/)],
    ]),
  );
  expect(modesIn(folder)).toEqual(privateModes(folder));

  const backups = temporaryFolder();
  expect((await openHanded(['backup', join(backups, 'monday.db')], env).ended).code).toBe(0);
  expect(modesIn(backups)).toEqual(privateModes(backups));
  expect(Object.keys(modesIn(backups))).toHaveLength(4);
});

test('a start closes a data folder that others could use, and says so once; doctor says it before', async () => {
  const env = freeEnv();
  const folder = String(env.SWITCHBOARD_DATA);
  await createKey(env, 'admin');
  mkdirSync(join(folder, 'uploads'));
  for (const [name, mode] of Object.entries(privateModes(folder)))
    chmodSync(join(folder, name), mode === '700' ? 0o755 : 0o644);
  const ill = await run(['doctor'], env).ended;
  expect(ill.code).toBe(1);
  expect(ill.stdout).toMatch(/^fail private {2}.*: chmod go= .*data .*switchboard\.db/m);
  const server = await startServer(env);
  expect(modesIn(folder)).toEqual(privateModes(folder));
  expect(server.stdout().match(/"event":"data_closed"/g)).toHaveLength(1);
  expect(server.stdout()).not.toContain('data_open');
});

test('a folder that holds other things too stays open to those who need them; Switchboard’s own files are closed', () => {
  const folder = temporaryFolder();
  for (const name of ['switchboard.db', 'console.db-wal', 'notes.txt'])
    writeFileSync(join(folder, name), '', { mode: 0o644 });
  chmodSync(folder, 0o755);
  const { closed, open } = closeToOthers(folder);
  expect([closed.length, open]).toEqual([2, [folder]]);
  expect(modesIn(folder)).toEqual({ '': '755', 'switchboard.db': '600', 'console.db-wal': '600', 'notes.txt': '644' });
  expect(exposedPaths(join(folder, 'nothing here'))).toEqual([]);
});

const stranger = asStranger();
test.skipIf(stranger?.uid === undefined)(
  'what belongs to somebody else is told with the command, and the start goes on',
  async () => {
    const env = freeEnv();
    const folder = String(env.SWITCHBOARD_DATA);
    await createKey(env, 'admin');
    // Its parent lets the stranger in; the folder and the database belong to root, and everybody may use them.
    chmodSync(join(folder, '..'), 0o755);
    for (const name of Object.keys(modesIn(folder))) chmodSync(join(folder, name), 0o777);
    const server = follow(
      spawn(process.execPath, [CLI, 'start'], { env, stdio: ['ignore', 'pipe', 'pipe'], ...stranger }),
    );
    await server.logged('ready');
    const { msg } = await server.logged('data_open');
    expect(msg).toContain(closingCommand([folder, join(folder, 'switchboard.db')]));
  },
);

test('local.json is exposed if every user may read it and it holds a secret', () => {
  const config = temporaryFolder();
  const local = join(config, 'local.json');
  const exposed = (settings: object, mode: number) => {
    writeFileSync(local, JSON.stringify(settings));
    chmodSync(local, mode);
    return exposedSecrets(config, {});
  };
  const secret = { backend: { url: 'http://127.0.0.1:9/', secret: 'whsec_c2VjcmV0' } };
  expect(exposed(secret, 0o644)).toEqual([local]);
  expect(exposed({ telegram: { token: '1:a' } }, 0o604)).toEqual([local]);
  expect(exposed(secret, 0o640)).toEqual([]);
  expect(exposed({ retention: { days: 30 }, telegram: { token: null } }, 0o644)).toEqual([]);
  expect(exposedSecrets(join(config, 'nothing here'), {})).toEqual([]);
});
