import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadSettings } from '../../config/load.ts';
import { systemClock } from '../../src/clock.ts';
import { eraseCommand, exportCommand } from '../../src/erase-command.ts';
import { found, plant } from '../erase/stage.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { createKey, freeEnv, run, startServer } from './support.ts';

/** Each command is a process of its own: they take as long as the machine lets them. */
const WAIT = { timeout: 600_000 };
const ANNA = '7001';
const CONFIG = join(import.meta.dirname, '..', '..', 'config');

async function stage() {
  const env = freeEnv(temporaryFolder());
  const folder = String(env.SWITCHBOARD_DATA);
  return { env, folder, ...(await plant(folder)) };
}

const chats = async (env: Record<string, string>, ...args: string[]) => run(['chats', ...args], env).ended;
const jsonOf = async (response: Response | Promise<Response>): Promise<ReturnType<typeof JSON.parse>> =>
  (await response).json();
const linesIn = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

test('chats export and chats erase work while nobody serves the folder', WAIT, async () => {
  const { env, folder, hers, others } = await stage();
  const output = join(temporaryFolder(), 'anna.jsonl');
  expect(await chats(env, 'export', ANNA, '--output', output)).toMatchObject({ code: 0, stdout: '' });
  expect(statSync(output).mode & 0o777).toBe(0o600);
  const exported = linesIn(readFileSync(output, 'utf8'));
  expect(exported.at(-1)).toEqual({ kind: 'end', lines: exported.length });
  const again = exportCommand([ANNA, '--output', output], loadSettings(CONFIG, env), async () => {});
  await expect(again).rejects.toThrow('EEXIST');
  const erased = await chats(env, 'erase', ANNA);
  expect({ ...erased, lines: linesIn(erased.stdout) }).toMatchObject({
    code: 0,
    lines: [{ number: 1, status: 'done', chat: null, entries: 16, mentions: 5 }],
  });
  expect(found(folder, hers)).toEqual([]);
  expect(found(folder, others)).toEqual(others);
});

test('what a killed server was sending to the chat does not hold it up', WAIT, async () => {
  const { env, folder, hers, others } = await stage();
  const journal = openJournal(folder, systemClock);
  const sending = await journal.write(async (tx) => {
    const messages = await tx.claimable(10);
    tx.claim(messages);
    return messages.map(({ chat }) => chat);
  });
  await journal.close();
  expect(sending).toContain(ANNA);
  const lines: string[] = [];
  await eraseCommand(
    [ANNA],
    loadSettings(CONFIG, env),
    (line) => lines.push(line),
    () => {},
  );
  expect(linesIn(lines.join('\n'))).toMatchObject([{ status: 'done', chat: null }]);
  expect(found(folder, hers)).toEqual([]);
  expect(found(folder, others)).toEqual(others);
});

test('a server goes on with what a killed one had begun, and carries out what is asked beside it', WAIT, async () => {
  const { env, folder, hers, others } = await stage();
  const first = await startServer(env);
  const { key } = await createKey(env, 'admin');
  const ask = (url: string, path: string, method = 'GET') =>
    fetch(url + path, { method, headers: { authorization: `Bearer ${key}` } });
  const exported = await chats(env, 'export', ANNA);
  expect(exported.code).toBe(0);
  expect(await (await ask(first.url, `/v1/chats/${ANNA}/export`)).text()).toContain(hers[0]);

  const ordered = await ask(first.url, `/v1/chats/${ANNA}/erase`, 'POST');
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  expect(ordered.status).toBe(202);

  const second = await startServer(env);
  const place = `/v1/erasures/${(await jsonOf(ordered)).number}`;
  for (let isDone = false; !isDone; ) {
    isDone = (await jsonOf(ask(second.url, place))).status === 'done';
    if (!isDone) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  // The server runs.
  expect(found(folder, hers)).toEqual([]);
  expect(found(folder, others)).toEqual(others);
  const page = await jsonOf(ask(second.url, '/v1/events?poll=1&from=earliest&limit=1000&chat=7001'));
  expect(page.events.map(({ erased, type }: { erased?: true; type: string }) => erased ?? type)).toEqual([
    ...Array.from({ length: page.events.length - 1 }, () => true),
    'chat.erased',
  ]);

  const group = await chats(env, 'erase', '-1001');
  expect(linesIn(group.stdout)).toMatchObject([{ number: 2, status: 'done' }]);
  expect(found(folder, others.slice(1, 4))).toEqual([]);
  expect((await ask(second.url, '/v1/chats/nobody/export')).status).toBe(404);
  const reader = await createKey(env, 'backend');
  const headers = { authorization: `Bearer ${reader.key}` };
  for (const [method, path] of [
    ['GET', '/v1/chats/7001/export'],
    ['POST', '/v1/chats/7001/erase'],
    ['GET', '/v1/erasures'],
    ['GET', '/v1/erasures/1'],
  ] as const) {
    expect((await fetch(second.url + path, { method, headers })).status, path).toBe(403);
  }
  second.child.kill('SIGTERM');
  expect((await second.ended).code).toBe(0);
  expect((await second.ended).stdout).not.toMatch(/erase_failed|zzplanted/);
});

test.each([
  [exportCommand, [], 'takes the ID'],
  [eraseCommand, [], 'takes the ID'],
  [eraseCommand, ['7', '8'], 'one chat'],
  [eraseCommand, ['@name'], 'a whole number'],
  [exportCommand, ['7', '--all'], '--all'],
  [exportCommand, ['7', '--output', '/'], 'there is no data'],
] as const)('what is not a command is refused before anything is opened: %o %j', async (command, args, told) => {
  const settings = { ...loadSettings(CONFIG, {}), data: join(temporaryFolder(), 'none') };
  await expect(
    command(
      args,
      settings,
      async () => {},
      () => {},
    ),
  ).rejects.toThrow(told);
});
