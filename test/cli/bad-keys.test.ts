import { expect, test } from 'vitest';
import { fromNow, isoFromNow } from '../support/from-now.ts';
import { ask, readEvents, serveBot } from './client.ts';
import { createKey, run } from './support.ts';

/** One address of each family of routes that takes a key. */
const READS = ['/v1/events?poll=1', '/v1/events', '/v1/chats', '/v1/chats/7', '/v1/chats/7/events'];
const FAMILIES: readonly (readonly [method: string, path: string, body?: unknown])[] = [
  ...READS.map((path) => ['GET', path] as const),
  ['POST', '/v1/chats/7/events', { type: 'payment.settled' }],
  ['POST', '/v1/messages', { chat_id: 7, text: 'hi' }],
  ['POST', '/v1/messages/batch', { messages: [{ chat_id: 7, text: 'hi', idempotency_key: 'k' }] }],
  ['GET', '/v1/messages/1-1'],
  ['DELETE', '/v1/messages/1-1'],
  ['POST', '/v1/messages/1-1/resolve', { as: 'sent' }],
  ['GET', '/v1/keys'],
  ['POST', '/v1/keys', { role: 'admin', name: 'x' }],
  ['DELETE', '/v1/keys/1'],
  ['GET', '/metrics'],
];

/** Every family answers this key alike. */
async function expectAll(url: string, key: string, status: number, code: string): Promise<void> {
  for (const [method, path, body] of FAMILIES) {
    const answer = await ask(url, key, method, path, body);
    expect([method, path, answer.status, answer.body.code]).toEqual([method, path, status, code]);
  }
}

test('no key, a wrong one, that of another process, the token of the bot: 401 everywhere, and nothing is done', async () => {
  const { url, key, token } = await serveBot();
  const elsewhere = await createKey({ ...(await serveBot()).env }, 'admin');
  const [id = '', secret = ''] = key.split(':');
  const wrong = [`${id}:${'A'.repeat(secret.length)}`, `1${id}:${secret}`, `${key}A`, key.slice(0, -1), secret, id];
  for (const other of ['', token, elsewhere.key, ...wrong]) await expectAll(url, other, 401, 'key_missing');
  expect((await ask(url, key, 'GET', '/v1/events?poll=1&from=earliest')).body.events).toEqual([]);
  expect((await ask(url, key, 'GET', '/v1/keys')).body.keys).toHaveLength(1);
});

test('a key that expires: its stream ends by itself, and then it is 401 everywhere', async () => {
  const { url, key } = await serveBot();
  const expires_at = isoFromNow(1200);
  const made = await ask(url, key, 'POST', '/v1/keys', { role: 'admin', name: 'short', expires_at });
  const stream = await readEvents(url, made.body.key);
  await stream.ended;
  expect(fromNow(0)).toBeGreaterThanOrEqual(Date.parse(expires_at));
  await expectAll(url, made.body.key, 401, 'key_missing');
});

test('a key that is revoked, over HTTP or by the command line: its streams end, and it is 401 everywhere', async () => {
  const { url, env, key } = await serveBot();
  const [one, two] = [await createKey(env, 'admin'), await createKey(env, 'admin')];
  const streams = [await readEvents(url, one.key), await readEvents(url, two.key)];
  expect((await ask(url, key, 'DELETE', `/v1/keys/${one.id}`)).status).toBe(204);
  await expectAll(url, one.key, 401, 'key_missing');
  expect((await run(['keys', 'revoke', two.id], env).ended).code).toBe(0);
  await Promise.all(streams.map(({ ended }) => ended));
  await expectAll(url, two.key, 401, 'key_missing');
});

test('a key for another chat: 403 for this one on every route, the same whether the chat exists; silence on streams', async () => {
  const { url, env, key, write } = await serveBot();
  await write(7, '/start');
  const everything = await readEvents(url, key);
  await everything.first((data) => data.includes('"message.sent"'));
  const { key: other } = await createKey(env, 'backend', '--chat', '8');
  const stream = await readEvents(url, other);
  const asked = (chat: number) =>
    [
      ['GET', `/v1/events?poll=1&chat=${chat}`],
      ['GET', `/v1/events?chat=${chat}`],
      ['GET', `/v1/events?chat=8&chat=${chat}`],
      ['GET', `/v1/chats/${chat}`],
      ['GET', `/v1/chats/${chat}:u7`],
      ['GET', `/v1/chats/${chat}/events`],
      ['POST', `/v1/chats/${chat}/events`, { type: 'payment.settled' }],
      ['POST', '/v1/messages', { chat_id: chat, text: 'hi' }],
      ['POST', '/v1/messages', { chat_id: String(chat), text: 'hi' }],
    ] as const;
  const [known, unknown] = await Promise.all(
    [7, 999].map((chat) => Promise.all(asked(chat).map(([method, path, body]) => ask(url, other, method, path, body)))),
  );
  expect(known?.map(({ status }) => status)).toEqual(Array(asked(7).length).fill(403));
  expect(known).toEqual(unknown);
  // Calls that name no chat may not be used to get round it.
  const answered = await ask(url, other, 'POST', '/v1/messages', {
    method: 'answerCallbackQuery',
    callback_query_id: '1',
  });
  expect(answered.status).toBe(403);
  const call = { chat_id: 8, message_id: 1, text: 'hi' };
  for (const taking of [
    { method: 'forwardMessage', from_chat_id: 7 },
    { method: 'copyMessage', from_chat_id: '7' },
    { method: 'copyMessage', from_chat_id: '@ann_channel' },
    { reply_parameters: { message_id: 1, chat_id: 7 } },
    { reply_parameters: '{"message_id":1,"chat_id":7}' },
  ]) {
    const answer = await ask(url, other, 'POST', '/v1/messages', { ...call, ...taking });
    expect([JSON.stringify(taking), answer.status]).toEqual([JSON.stringify(taking), 403]);
  }
  const within = { ...call, method: 'copyMessage', from_chat_id: 8, reply_parameters: { message_id: 1 } };
  expect((await ask(url, other, 'POST', '/v1/messages', within)).status).toBe(202);
  const batch = { messages: [{ chat_id: 7, text: 'hi', idempotency_key: 'k' }] };
  expect((await ask(url, other, 'POST', '/v1/messages/batch', batch)).body.messages[0].error.code).toBe(
    'scope_missing',
  );
  const posted = await ask(url, key, 'POST', '/v1/messages', { chat_id: 7, text: 'hi' });
  for (const method of ['GET', 'DELETE']) {
    const answer = await ask(url, other, method, `/v1/messages/${posted.body.id}`);
    expect(answer).toEqual(await ask(url, other, method, '/v1/messages/1-999999'));
    expect(answer.status).toBe(404);
  }
  expect((await ask(url, other, 'GET', '/v1/chats')).body.chats).toEqual([]);
  await write(8, 'mine');
  await stream.first((data) => data.includes('"text":"mine"'));
  expect(stream.entries.map((data) => JSON.parse(data).chat)).not.toContain('7');
});

test('a role without the scope: 403 on every family that it lacks', async () => {
  const { url, env } = await serveBot();
  const [operator, aggregator] = await Promise.all([createKey(env, 'operator'), createKey(env, 'aggregator')]);
  for (const [method, path, body] of FAMILIES) {
    const reads = READS.includes(path) && method === 'GET';
    const admins = path.startsWith('/v1/keys') || path === '/metrics';
    for (const { key, role } of [
      { ...operator, role: 'operator' },
      { ...aggregator, role: 'aggregator' },
    ]) {
      if (!admins && (role === 'operator') === reads) continue;
      const answer = await ask(url, key, method, path, body);
      expect([role, method, path, answer.status, answer.body.code]).toEqual([role, method, path, 403, 'scope_missing']);
    }
  }
});
