import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isoFromNow } from '../support/from-now.ts';
import { createKey, freeEnv, run, startServer } from './support.ts';

const list = async (env: Record<string, string>) =>
  (await run(['keys', 'list'], env).ended).stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

test('keys are made, listed and revoked while nobody serves; the key itself is shown once and kept nowhere', async () => {
  const env = freeEnv();
  const made = await createKey(env, 'operator', '--chat', '777', '--chat', '-5', '--expires', '2099-01-01T00:00:00Z');
  expect(made).toEqual({
    id: expect.stringMatching(/^\d+$/),
    role: 'operator',
    name: 'operator',
    key: expect.any(String),
  });
  expect(made.key).toMatch(/^\d+:[A-Za-z0-9_-]{35,}$/);
  const expected = { id: made.id, chats: ['777', '-5'], expires_at: '2099-01-01T00:00:00.000Z' };
  expect(await list(env)).toMatchObject([{ ...expected, revoked_at: null }]);
  const { code } = await run(['keys', 'revoke', made.id], env).ended;
  expect(code).toBe(0);
  expect(await list(env)).toMatchObject([{ ...expected, revoked_at: expect.any(String) }]);
  expect(JSON.stringify(await list(env))).not.toContain(made.key.split(':')[1]);

  const folder = env.SWITCHBOARD_DATA ?? '';
  const secret = made.key.split(':')[1] ?? '';
  for (const file of readdirSync(folder)) expect(readFileSync(join(folder, file), 'latin1')).not.toContain(secret);
});

test('keys list hints at keys that may post every event; one with --event may post those alone', async () => {
  const env = freeEnv();
  const wide = await createKey(env, 'aggregator');
  const narrow = await createKey(env, 'backend', '--event', 'payment.settled', '--event', 'a.b', '--scope', 'moderate');
  await createKey(env, 'support');
  const { stdout, stderr } = await run(['keys', 'list'], env).ended;
  expect(stderr).toBe(
    `hint: these keys may post events of every type, payment.settled too: ${wide.id} (aggregator). ` +
      'A key made with --event TYPE may post that type alone.\n',
  );
  const listed = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(listed.find(({ id }) => id === narrow.id)).toMatchObject({
    ...{ scopes: ['read', 'write', 'moderate'], events: ['payment.settled', 'a.b'] },
  });
  for (const [wrong, says] of [
    [['aggregator', '--event', 'settled'], 'an event type is a dotted name'],
    [['operator', '--event', 'a.b'], 'Event types are for keys of the roles aggregator and backend'],
    [['aggregator', '--scope', 'moderate'], 'cannot be given moderate'],
    [['backend', '--scope', 'everything'], 'there is no such scope'],
  ] as const) {
    const [role, ...more] = wrong;
    const ended = await run(['keys', 'create', '--role', role, '--name', 'x', ...more], env).ended;
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining(says)]);
  }
});

test('a key that is not there, or is revoked already, cannot be revoked: exit 2', async () => {
  const env = freeEnv();
  const { id } = await createKey(env, 'admin');
  await run(['keys', 'revoke', id], env).ended;
  for (const wrong of [id, '404']) {
    const { code, stderr } = await run(['keys', 'revoke', wrong], env).ended;
    expect([code, stderr.split('\n')[0]]).toEqual([
      2,
      `switchboard: there is no active key ${wrong}: see switchboard keys list`,
    ]);
  }
});

test('a new secret, and a revocation that cancels what waits, work while a server runs and while none does', async () => {
  const { url, env, child, ended } = await startServer();
  const old = await createKey(env, 'aggregator');
  const later = isoFromNow(86_400_000);
  const post = (key: string, n: number) =>
    fetch(`${url}/v1/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': `${n}` },
      body: JSON.stringify({ chat_id: 777, text: 'hi', delivery: { send_at: later } }),
    });
  expect((await post(old.key, 1)).status).toBe(202);
  const rotated = await run(['keys', 'rotate', old.id, '--overlap', '0'], env).ended;
  const made = JSON.parse(rotated.stdout);
  expect(made).toEqual({
    ...{ id: old.id, role: 'aggregator', name: 'aggregator' },
    key: made.key,
    old_secret_until: null,
  });
  expect([(await post(made.key, 2)).status, (await post(old.key, 3)).status]).toEqual([202, 401]);
  const revoke = async () => JSON.parse((await run(['keys', 'revoke', old.id, '--cancel'], env).ended).stdout);
  expect(await revoke()).toEqual({ id: old.id, revoked: true, canceled: 2 });
  child.kill('SIGTERM');
  await ended;
  expect(await revoke()).toEqual({ id: old.id, revoked: true, canceled: 0 });
  const wrong = await run(['keys', 'rotate', old.id, '--overlap', '31d'], env).ended;
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('--overlap 31d: give a time up to 30d')]);
});

test('a key made while the server runs works at once; revoked, its open stream ends', async () => {
  const { url, env } = await startServer();
  const { id, key } = await createKey(env, 'operator');
  const headers = { authorization: `Bearer ${key}` };
  const stream = await fetch(`${url}/v1/events`, { headers });
  expect(stream.status).toBe(200);
  await run(['keys', 'revoke', id], env).ended;
  await stream.text();
  expect((await fetch(`${url}/v1/events`, { headers })).status).toBe(401);
});
