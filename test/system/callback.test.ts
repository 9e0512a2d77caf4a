import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { expect, onTestFinished, test } from 'vitest';
import { createKey, freeEnv, run, startServer } from '../cli/support.ts';

test('a key made with --callback hears of its message’s fate, signed with the secret that was shown once', async () => {
  const env = freeEnv();
  const { promise: heard, resolve } = Promise.withResolvers<{ headers: Record<string, string>; body: string }>();
  const receiver = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    response.writeHead(204).end();
    resolve({ headers: Object.fromEntries(Object.entries(request.headers).map(([k, v]) => [k, String(v)])), body });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void receiver.close().closeAllConnections());
  await once(receiver, 'listening');
  const server = await startServer(env);
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const made = Object(await createKey(env, 'aggregator', '--callback', url));
  const chat = `${server.sandboxUrl}/sandbox/bots/1:sandbox/chats/777/messages`;
  await fetch(chat, { method: 'POST', body: JSON.stringify({ text: 'hello' }) });
  const headers = {
    authorization: `Bearer ${made.key}`,
    'content-type': 'application/json',
    'idempotency-key': 'order-1',
  };
  const body = JSON.stringify({ chat_id: 777, text: 'Your order is on its way.' });
  const accepted = await fetch(`${server.url}/v1/messages`, { method: 'POST', headers, body });
  const { id } = JSON.parse(await accepted.text());
  const callback = await heard;
  expect(new Webhook(made.callback_secret).verify(callback.body, callback.headers)).toMatchObject({
    ...{ type: 'message.sent', data: { message: { id, chat_id: 777, status: 'sent' } } },
  });
});

test('an address that callbacks may not go to: exit 2, the option named', async () => {
  const args = ['keys', 'create', '--role', 'aggregator', '--name', 'shop', '--callback', 'http://shop.example/'];
  const { code, stderr } = await run(args).ended;
  expect([code, stderr]).toEqual([2, expect.stringContaining('--callback takes an https address')]);
});
