import { existsSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { openReader } from '../../src/journal/sqlite-open.ts';
import { ROLES } from '../../src/keys/keys.ts';
import { start as startSandbox } from '../sandbox/start.ts';
import { createKey, freeEnv, run, startServer } from './support.ts';

test('a wrong setting: exit 2, one line, nothing started', async () => {
  const env = freeEnv();
  const { code, stdout, stderr } = await run(['start'], { ...env, SWITCHBOARD_PORT: 'http' }).ended;
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toBe(
    'switchboard: SWITCHBOARD_PORT: http.port is "http"; allowed is a whole number from 0 to 65535\n',
  );
  expect(existsSync(env.SWITCHBOARD_DATA ?? '')).toBe(false);
});

test('a token that Telegram has revoked: exit 3, with what to do', async () => {
  const { sandbox, token, control } = await startSandbox();
  await control('revoke', {});
  const env = { ...freeEnv(), TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: sandbox.url };
  const { code, stdout } = await run(['start'], env).ended;
  expect(code).toBe(3);
  expect(stdout).toContain('Telegram refuses the bot token (401 Unauthorized): check TELEGRAM_BOT_TOKEN');
  expect(stdout).not.toContain(token);
});

test('a token that is refused while it serves: it serves on, says so, and polls again once the token is taken', async () => {
  const { sandbox, token, control, untilPolling } = await startSandbox();
  const server = await startServer({ ...freeEnv(), TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: sandbox.url });
  expect(server.ready).not.toHaveProperty('sandboxUrl');
  await untilPolling();
  const untilIngressIs = async (state: string) => {
    for (;;) {
      const ready = await fetch(`${server.url}/readyz`);
      expect(ready.status).toBe(200);
      if ((await ready.text()).includes(`"ingress":{"state":"${state}"`)) return;
    }
  };
  await control('revoke', {});
  await untilIngressIs('degraded');
  await control('revoke', { revoked: false });
  await untilIngressIs('up');
  await untilPolling();
  server.child.kill('SIGTERM');
  expect((await server.ended).code).toBe(0);
});

test('a data folder that another process serves: exit 4, naming it', async () => {
  const { env, child } = await startServer();
  const { code, stderr } = await run(['start'], env).ended;
  expect(code).toBe(4);
  expect(stderr).toContain(`is served by process ${child.pid} on `);
});

test('a port that is taken: exit 5, whichever it is', async () => {
  const first = await startServer();
  const [http, sandbox] = [new URL(first.url).port, new URL(first.sandboxUrl).port];
  const tries = await Promise.all([
    run(['start'], { ...freeEnv(), SWITCHBOARD_PORT: http }).ended,
    run(['start'], { ...freeEnv(), SWITCHBOARD_SANDBOX_PORT: sandbox }).ended,
    run(['sandbox', '--port', sandbox]).ended,
  ]);
  expect(tries.map(({ code }) => code)).toEqual([5, 5, 5]);
  for (const { stderr } of tries) expect(stderr).toMatch(/^switchboard: .*127\.0\.0\.1:\d+.*taken.*\n$/);
});

test.each([
  [[], 'name a command'],
  [['dance'], 'there is no command dance'],
  [['start', 'now'], 'start takes no arguments, not now'],
  [['sandbox', '--port', 'x'], '--port x: a port is 0 to 65535'],
  [['sandbox', '--port', '65536'], '--port 65536: a port is 0 to 65535'],
  [['sandbox', '--port', ''], '--port : a port is 0 to 65535'],
  [['sandbox', '--prot', '1'], "Unknown option '--prot'"],
  [['keys'], 'keys takes create, list, revoke or rotate'],
  [['keys', 'revoke'], 'keys revoke needs the ID of a key'],
  [['keys', 'create', '--name', 'x'], `--role must be one of ${ROLES.join(', ')}`],
  [['keys', 'create', '--role', 'king', '--name', 'x'], `--role must be one of ${ROLES.join(', ')}`],
  [['keys', 'create', '--role', 'admin'], '--name must have 1 to 100 characters'],
  [['keys', 'create', '--role', 'admin', '--name', 'x', '--chat', 'ann'], '--chat ann: a chat id is a whole number'],
  [['keys', 'create', '--role', 'admin', '--name', 'x', '--chat', '7'], 'A key of the role admin acts on all chats'],
  [
    ['keys', 'create', '--role', 'admin', '--name', 'x', '--expires', '2020-01-01T00:00:00Z'],
    '--expires 2020-01-01T00:00:00Z: give a time to come, as 2030-01-01T00:00:00Z',
  ],
])('%j: exit 2, what is wrong, and how it is used; nothing is opened', async (args, message) => {
  const env = freeEnv();
  const { code, stdout, stderr } = await run(args, env).ended;
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(`switchboard: ${message}`);
  expect(stderr).toContain('usage: switchboard <command>');
  expect(existsSync(env.SWITCHBOARD_DATA ?? '')).toBe(false);
});

test.each([[['--help']], [['start', '--help']], [['keys', 'create', '-h']], [['doctor', '--live', '--help']]])(
  '%j: help on stdout, exit 0; nothing is opened',
  async (args) => {
    const env = freeEnv();
    const { code, stdout } = await run(args, env).ended;
    expect([code, stdout.split('\n')[0]]).toEqual([0, 'usage: switchboard <command>']);
    expect(existsSync(env.SWITCHBOARD_DATA ?? '')).toBe(false);
  },
);

test('--version prints the version: exit 0', async () => {
  const { code, stdout } = await run(['--version']).ended;
  expect([code, stdout]).toEqual([0, `${packageJson.version}\n`]);
});

test('the sandbox alone says where it is, and ends on SIGTERM with exit 0', async () => {
  const sandbox = run(['sandbox', '--port', '0']);
  const { sandboxUrl } = await sandbox.logged('ready');
  const me = await fetch(`${sandboxUrl}/bot1:sandbox/getMe`);
  expect(await me.json()).toMatchObject({ ok: true });
  sandbox.child.kill('SIGTERM');
  expect((await sandbox.ended).code).toBe(0);
});

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s: open streams end cleanly, exit 0', async (signal) => {
  const { url, env, child, ended } = await startServer();
  const { key } = await createKey(env, 'operator');
  const stream = await fetch(`${url}/v1/events`, { headers: { authorization: `Bearer ${key}` } });
  const text = stream.text();
  child.kill(signal);
  expect((await ended).code).toBe(0);
  expect(await text).toContain('event: stream.hello');
});

test('SIGTERM during a call: its answer, which takes 4 s, is waited for, and the message is sent', async () => {
  const { sandbox, token, control, write } = await startSandbox();
  await write(777, 'hello');
  const { url, env, child, ended } = await startServer({
    ...{ ...freeEnv(), TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: sandbox.url },
  });
  const { key } = await createKey(env, 'aggregator');
  await control('faults', { method: 'sendLocation', kind: 'slow', delay_ms: 4000 });
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': 'slow' };
  const body = JSON.stringify({ method: 'sendLocation', chat_id: 777, latitude: 1, longitude: 2 });
  expect((await fetch(`${url}/v1/messages`, { method: 'POST', headers, body })).status).toBe(202);
  const db = openReader(env.SWITCHBOARD_DATA ?? '');
  onTestFinished(() => db.close());
  const row = db.prepare("SELECT status FROM messages WHERE method = 'sendLocation'");
  while (row.get()?.status !== 'sending') await new Promise(setImmediate);
  child.kill('SIGTERM');
  expect((await ended).code).toBe(0);
  expect(row.get()?.status).toBe('sent');
});
