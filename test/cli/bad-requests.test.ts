import { expect, test } from 'vitest';
import { ask, serveBot } from './client.ts';

/** What is wrong with a body, and the fields that the answer has to name. */
type Case = readonly [body: unknown, status: number, fields: readonly string[]];

const ROUTES: Readonly<Record<string, readonly Case[]>> = {
  '/v1/messages': [
    [{ chat_id: 7, text: 1 }, 400, ['text']],
    [{ chat_id: 7 }, 400, ['text']],
    [{ text: 'hi' }, 400, ['chat_id']],
    [{ chat_id: { id: 7 }, text: 'hi' }, 400, ['chat_id']],
    [{ chat_id: 7, text: ' ' }, 422, ['text']],
    [{ chat_id: 7, text: 'x'.repeat(4097) }, 422, ['text']],
    [{ method: 'setWebhook', url: 'http://x' }, 403, ['method']],
    [
      { chat_id: 7, text: 'hi', delivery: { send_at: 'soon', priority: 1 } },
      400,
      ['delivery/send_at', 'delivery/priority'],
    ],
    [{ chat_id: 7, text: 'hi', delivery: { sendAt: 'soon' } }, 400, ['delivery/sendAt']],
    [{ chat_id: 7, text: 'hi', delivery: { expires_at: '2020-01-01T00:00:00Z' } }, 400, ['delivery/expires_at']],
    [{ chat_id: 7, text: 'hi', delivery: [] }, 400, ['delivery']],
  ],
  '/v1/messages/batch': [
    [{}, 400, ['messages']],
    [{ messages: { 0: {} } }, 400, ['messages']],
    [{ messages: [] }, 400, ['messages']],
    [{ messages: Array(1001).fill({}) }, 400, ['messages']],
  ],
  '/v1/messages/1-1/resolve': [
    [{}, 400, ['as']],
    [{ as: 'lost' }, 400, ['as']],
  ],
  '/v1/chats/7/events': [
    [{}, 400, ['type']],
    [{ type: 5 }, 400, ['type']],
    [{ type: '' }, 400, ['type']],
    [{ type: 'undotted' }, 400, ['type']],
    [{ type: 'message.received' }, 400, ['type']],
    [{ type: 'xstate.stop' }, 400, ['type']],
  ],
  '/v1/keys': [
    [{ name: 'x' }, 400, ['role']],
    [{ role: 'king', name: '' }, 400, ['role', 'name']],
    [{ role: 'admin', name: 'x', chats: ['ann'] }, 400, ['chats/0']],
    [{ role: 'admin', name: 'x', chats: [] }, 400, ['chats']],
    [{ role: 'admin', name: 'x', chats: ['7'] }, 400, ['chats']],
    [{ role: 'admin', name: 'x', expires_at: 'tomorrow' }, 400, ['expires_at']],
    [{ role: 'admin', name: 'x', expires_at: '2020-01-01T00:00:00Z' }, 400, ['expires_at']],
  ],
};

test('wrong JSON to each address that takes some: a problem that names the field; nothing is done', async () => {
  const { url, key } = await serveBot();
  for (const [path, cases] of Object.entries(ROUTES)) {
    for (const [body, status, fields] of cases) {
      const answer = await ask(url, key, 'POST', path, body);
      const named = answer.body.errors?.map(({ field }: { field: string }) => field);
      expect([path, answer.status, named], JSON.stringify(body).slice(0, 200)).toEqual([path, status, fields]);
      for (const { message } of answer.body.errors) expect(message).toMatch(/\w/);
    }
    for (const text of ['{"a":', '', '[1', 'hello', '"\\ud800', '{"a":1}x']) {
      const { status, body } = await ask(url, key, 'POST', path, text);
      expect([path, text, status, body.code]).toEqual([path, text, 400, 'body_malformed']);
    }
    for (const shape of ['[]', '7', 'null', '"text"', 'true']) {
      const { status, body } = await ask(url, key, 'POST', path, shape);
      expect([path, shape, status, body.code]).toEqual([path, shape, 400, 'request_invalid']);
    }
    const large = await ask(url, key, 'POST', path, { text: 'x'.repeat(1024 * 1024) });
    expect([path, large.status, large.body.code]).toEqual([path, 413, 'body_too_large']);
  }
  expect((await ask(url, key, 'GET', '/v1/keys')).body.keys).toHaveLength(1);
  expect((await ask(url, key, 'GET', '/v1/events?poll=1&from=earliest')).body.events).toEqual([]);
});

test('each wrong message of a batch names its own field, and the good ones are taken', async () => {
  const { url, key, write } = await serveBot();
  await write(7, 'hello');
  const good = { chat_id: 7, text: 'hi', idempotency_key: 'a' };
  const messages = [good, { ...good, idempotency_key: undefined }, { ...good, chat_id: 'x', idempotency_key: 'b' }, 5];
  const { status, body } = await ask(url, key, 'POST', '/v1/messages/batch', { messages });
  expect(status).toBe(200);
  expect(body.messages).toMatchObject([
    { status: 'queued', chat_id: 7 },
    { error: { code: 'idempotency_key_missing', errors: [{ field: 'idempotency_key' }] } },
    { error: { code: 'request_invalid', errors: [{ field: 'chat_id' }] } },
    { error: { code: 'request_invalid' } },
  ]);
});
