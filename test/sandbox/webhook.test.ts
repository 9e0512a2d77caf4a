import { createServer, type IncomingHttpHeaders } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { manualClock } from '../support/clock.ts';
import { type Json, start } from './start.ts';

interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly update: Json;
  answer(status: number, body?: object, headers?: Record<string, string>): void;
}

/** A webhook whose every answer the test gives by hand. */
async function receiver() {
  const arrived: Delivery[] = [];
  const waiting: ((delivery: Delivery) => void)[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const delivery: Delivery = {
      headers: request.headers,
      update: JSON.parse(Buffer.concat(chunks).toString()),
      answer: (status, body, headers = {}) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(body === undefined ? '' : JSON.stringify(body));
      },
    };
    const waiter = waiting.shift();
    if (waiter) waiter(delivery);
    else arrived.push(delivery);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    arrivedCount: () => arrived.length,
    next: (): Promise<Delivery> => {
      const delivery = arrived.shift();
      return delivery ? Promise.resolve(delivery) : new Promise((resolve) => waiting.push(resolve));
    },
  };
}

test('updates are posted with the secret token, those that waited already too', async () => {
  const { bot, write } = await start();
  const hook = await receiver();
  const { update_id } = await write(777, 'early');
  expect(await bot('setWebhook', { url: hook.url, secret_token: 's3cret_-' })).toEqual({
    ok: true,
    result: true,
    description: 'Webhook was set',
  });
  const first = await hook.next();
  expect(first.headers['x-telegram-bot-api-secret-token']).toBe('s3cret_-');
  expect(first.update).toMatchObject({ update_id, message: { text: 'early' } });
  first.answer(200);
  await write(777, 'late');
  (await hook.next()).answer(204);
  while ((await bot('getWebhookInfo')).result.pending_update_count > 0);
});

test('order holds within a chat; chats do not wait for each other', async () => {
  const { bot, write } = await start();
  const hook = await receiver();
  await bot('setWebhook', { url: hook.url });
  await write(1, 'a1');
  await write(1, 'a2');
  await write(2, 'b1');
  const a1 = await hook.next();
  const b1 = await hook.next();
  expect([a1.update.message.text, b1.update.message.text]).toEqual(['a1', 'b1']);
  await bot('getMe');
  expect(hook.arrivedCount()).toBe(0);
  a1.answer(200);
  expect((await hook.next()).update.message.text).toBe('a2');
});

test('no more deliveries are under way at once than max_connections', async () => {
  const { bot, write } = await start();
  const hook = await receiver();
  await bot('setWebhook', { url: hook.url, max_connections: 2 });
  for (const chat of [1, 2, 3]) await write(chat, `from ${chat}`);
  const [one] = [await hook.next(), await hook.next()];
  await bot('getMe');
  expect(hook.arrivedCount()).toBe(0);
  one.answer(200);
  expect((await hook.next()).update.message.text).toBe('from 3');
});

test('a failed delivery is repeated at once, then after 2, 4, … s, and getWebhookInfo tells why', async () => {
  const clock = manualClock();
  const { bot, write } = await start({ clock });
  const hook = await receiver();
  await bot('setWebhook', { url: hook.url });
  await write(777, 'hello');
  const fail = async (waitMs: number) => {
    (await hook.next()).answer(500);
    const seen = clock.now();
    while ((await bot('getWebhookInfo')).result.last_error_date !== Math.floor(seen / 1000));
    if (waitMs === 0) return;
    await clock.advance(waitMs - 1);
    await bot('getMe');
    expect(hook.arrivedCount()).toBe(0);
    await clock.advance(1);
  };
  await fail(0);
  await fail(2000);
  await fail(4000);
  await fail(8000);
  const { result } = await bot('getWebhookInfo');
  expect(result).toMatchObject({
    url: hook.url,
    has_custom_certificate: false,
    pending_update_count: 1,
    last_error_message: 'Wrong response from the webhook: 500 Internal Server Error',
    max_connections: 40,
  });
  (await hook.next()).answer(200);
  while ((await bot('getWebhookInfo')).result.pending_update_count > 0);
});

test('Retry-After is honoured', async () => {
  const clock = manualClock();
  const { bot, write } = await start({ clock });
  const hook = await receiver();
  await bot('setWebhook', { url: hook.url });
  await write(777, 'hello');
  (await hook.next()).answer(429, undefined, { 'retry-after': '30' });
  while ((await bot('getWebhookInfo')).result.last_error_date === undefined);
  await clock.advance(29_999);
  await bot('getMe');
  expect(hook.arrivedCount()).toBe(0);
  await clock.advance(1);
  (await hook.next()).answer(200);
});

test('a method in the answer is carried out, but none that gets or sets a webhook', async () => {
  const { bot, control, write } = await start();
  const hook = await receiver();
  await bot('setWebhook', { url: hook.url });
  await write(777, 'hello');
  (await hook.next()).answer(200, { method: 'deleteWebhook' });
  await write(777, 'again');
  (await hook.next()).answer(200, { method: 'sendMessage', chat_id: 777, text: 'by webhook' });
  while ((await control('chats/777')).messages.length < 3);
  expect((await control('chats/777')).messages.at(-1)).toMatchObject({ text: 'by webhook', from: { is_bot: true } });
  expect((await bot('getWebhookInfo')).result.url).toBe(hook.url);
});

test('updates that the queue has dropped are not delivered any more', async () => {
  const clock = manualClock();
  const { bot, control, write } = await start({ clock });
  const hook = await receiver();
  await bot('setWebhook', { url: hook.url });
  await write(777, 'old');
  await write(777, 'old too');
  (await hook.next()).answer(500);
  const again = await hook.next();
  await control('update-ids', { next: 5 });
  again.answer(500);
  await write(777, 'new');
  expect((await hook.next()).update).toMatchObject({ update_id: 5, message: { text: 'new' } });
});

test('with ip_address, the name in the URL is not looked up', async () => {
  const { bot, write } = await start();
  const hook = await receiver();
  const url = hook.url.replace('127.0.0.1', 'nowhere.invalid');
  await bot('setWebhook', { url, ip_address: '127.0.0.1' });
  await write(777, 'hello');
  const { headers } = await hook.next();
  expect(headers.host).toBe(new URL(url).host);
});

test('deleteWebhook keeps what waits; drop_pending_updates forgets it', async () => {
  const { bot, write } = await start();
  await bot('setWebhook', { url: 'http://127.0.0.1:9/none' });
  await write(777, 'hello');
  while ((await bot('getWebhookInfo')).result.last_error_message !== 'Connection refused');
  expect((await bot('deleteWebhook')).description).toBe('Webhook was deleted');
  expect((await bot('getUpdates')).result).toHaveLength(1);
  expect((await bot('deleteWebhook', { drop_pending_updates: true })).description).toBe('Webhook is already deleted');
  expect((await bot('getUpdates')).result).toEqual([]);
});

test.each([
  ['an address that is none', { url: 'http://' }, 'Bad Request: invalid webhook URL specified'],
  [
    'a secret with other characters',
    { url: 'http://a.example', secret_token: 'ü' },
    'Bad Request: secret token contains unallowed characters',
  ],
  [
    'a secret of 257 characters',
    { url: 'http://a.example', secret_token: 'x'.repeat(257) },
    'Bad Request: secret token is too long',
  ],
])('setWebhook refuses %s', async (_, params, description) => {
  const { bot } = await start();
  expect((await bot('setWebhook', params)).description).toBe(description);
});
