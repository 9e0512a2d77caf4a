import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { machine } from '../../machines/payment.machine.ts';
import { temporaryFolder } from '../support/journal.ts';
import { makeQuarantined } from '../support/quarantined.ts';
import { freeEnv, run, startServer } from './support.ts';

/** Each command is a process of its own: they take as long as the machine lets them. */
const WAIT = { timeout: 600_000 };

async function withQuarantined(): Promise<Record<string, string>> {
  const folder = temporaryFolder();
  await makeQuarantined(join(folder, 'data'), ['777', '778']);
  return freeEnv(folder);
}

const chats = async (env: Record<string, string>, ...args: string[]) => {
  const { code, stdout, stderr } = await run(['chats', ...args], env).ended;
  return {
    code,
    stderr,
    lines: stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line)),
  };
};
const waiting = {
  id: '777',
  machine: 'payment',
  version: machine.version,
  state: null,
  status: 'quarantined',
  error: 'why',
};

test('chats lists them while nobody serves the folder', WAIT, async () => {
  const env = await withQuarantined();
  const all = await chats(env);
  expect(all).toMatchObject({ code: 0, lines: [{ id: '5', status: 'done', state: 'over' }, waiting, { id: '778' }] });
  expect(await chats(env, '--status', 'quarantined')).toMatchObject({ code: 0, lines: [waiting, { id: '778' }] });
  const first = await chats(env, '--limit', '1', '--after', '-9');
  expect(first).toMatchObject({ lines: [{ id: '5' }], stderr: expect.stringContaining('--after 5') });
});

test('where nobody has served anything, that is said, and nothing is made', WAIT, async () => {
  const folder = temporaryFolder();
  const env = freeEnv(folder);
  for (const args of [[], ['retry', '777']]) {
    expect(await chats(env, ...args)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no data in'),
    });
  }
  expect(readdirSync(folder)).toEqual([]);
  await makeQuarantined(join(folder, 'data'), ['777']);
  const another = { ...env, TELEGRAM_BOT_TOKEN: '99:a-token-of-another-bot-that-is-as-long-as-one' };
  expect(await chats(another)).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing of bot 99') });
});

test('and retries one, once', WAIT, async () => {
  const env = await withQuarantined();
  const retried = await chats(env, 'retry', '777');
  expect(retried).toMatchObject({ code: 0, lines: [{ id: '777', status: 'active', state: 'idle' }] });
  expect(await chats(env, 'retry', '777')).toMatchObject({ code: 2, stderr: expect.stringContaining('is active') });
  expect((await chats(env, '--status', 'quarantined')).lines).toMatchObject([{ id: '778' }]);
});

test('and while it runs, through the process that serves it, and leaves no key behind', WAIT, async () => {
  const env = await withQuarantined();
  const server = await startServer(env);
  expect(await chats(env, '--status', 'quarantined')).toMatchObject({ code: 0, lines: [waiting, { id: '778' }] });
  expect(await chats(env, 'retry', '777')).toMatchObject({ code: 0, lines: [{ id: '777', status: 'active' }] });
  expect(await chats(env, 'retry', '777')).toMatchObject({ code: 2, stderr: expect.stringContaining('is active') });
  expect(await chats(env, 'retry', '9')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no conversation 9'),
  });
  expect((await run(['keys', 'list'], env).ended).stdout).toBe('');
  server.child.kill('SIGTERM');
  expect((await server.ended).code).toBe(0);
  // The epoch was the server's all the time: it has stopped by itself, and nothing had taken the bot over.
  expect((await server.ended).stdout).not.toContain('another process');
});

test.each([
  [['--status', 'done'], '--status done'],
  [['--limit', '0'], '--limit 0'],
  [['retry'], 'takes the ID'],
  [['retry', '1', '2'], 'takes the ID'],
  [['nonsense'], 'nonsense'],
])('what is not a command is refused before anything is opened: chats %j', async (args, told) => {
  const { code, stderr } = await run(['chats', ...args]).ended;
  expect(code).toBe(2);
  expect(stderr).toContain(told);
});
