import { EventSource } from 'eventsource';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { SwitchboardError } from '../../src/errors.ts';
import { limits } from '../../src/limits.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { statusOf } from '../support/ask.ts';
import { bodyOf, start } from './start.ts';

test('a taken address is refused with a code, and names itself', async () => {
  const { sandbox } = await start();
  const second = createSandbox({ port: sandbox.port, clock: systemClock, random: Math.random });
  const error = await second.catch((e: unknown) => e);
  expect(error).toBeInstanceOf(SwitchboardError);
  expect(error).toMatchObject({ code: 'port_taken', message: expect.stringContaining(`127.0.0.1:${sandbox.port}`) });
});

test('closing cuts waiting polls and frees the port', async () => {
  const { sandbox, bot, untilPolling } = await start();
  const poll = bot('getUpdates', { timeout: 50 }).catch((error: unknown) => error);
  await untilPolling();
  await sandbox.close();
  await poll;
  const again = await createSandbox({ port: sandbox.port, clock: systemClock, random: Math.random });
  expect(again.url).toBe(sandbox.url);
  await again.close();
});

test('any token of the right form is a bot of its own; any other is 404', async () => {
  const { sandbox } = await start();
  const me = async (token: string) => bodyOf(await fetch(`${sandbox.url}/bot${token}/getMe`));
  expect((await me('1:sandbox')).result.id).toBe(1);
  expect((await me('123456789012:AAabc-_')).result.id).toBe(123456789012);
  for (const token of ['', 'x', '1', '0:abc', '1:', '1:a b', 'abc:def']) {
    expect(await me(token)).toEqual({ ok: false, error_code: 404, description: 'Not Found' });
  }
  for (const path of ['elsewhere', 'botx/getMe']) expect((await fetch(`${sandbox.url}/${path}`)).status).toBe(404);
});

test('a revoked token is 401, a waiting poll included', async () => {
  const { bot, call, control, untilPolling } = await start();
  const poll = bot('getUpdates', { timeout: 50 });
  await untilPolling();
  await control('revoke', {});
  const refusal = { ok: false, error_code: 401, description: 'Unauthorized' };
  expect(await poll).toEqual(refusal);
  expect(await bot('getMe')).toEqual(refusal);
  expect((await call('getMe')).status).toBe(401);
  await control('revoke', { revoked: false });
  expect((await bot('getMe')).ok).toBe(true);
});

test('the control API’s refusals are problems with a code, and name the field', async () => {
  const { sandbox, token, control, write } = await start();
  await write(777, 'hello');
  const refusals: [string, object | undefined, object][] = [
    ['chats/777/messages', { text: 5 }, { status: 400, code: 'request_invalid', field: '/text' }],
    ['chats/777/messages', {}, { status: 400, field: '/text' }],
    ['chats/777/messages', { text: 'x', from: { id: -1 } }, { status: 400, field: '/from/id' }],
    ['chats/abc', undefined, { status: 400, field: 'chatId' }],
    ['chats/778', undefined, { status: 404, code: 'not_found' }],
    ['chats/777/callbacks', { message_id: 99, data: 'x' }, { status: 404, code: 'not_found' }],
    ['chats/777/callbacks', { message_id: 1 }, { status: 400, field: '/data' }],
    ['chats/777/migrate', {}, { status: 400, field: 'chatId' }],
    ['chats/777/teleport', {}, { status: 404, code: 'not_found' }],
    ['chats', { type: 'party' }, { status: 400, field: '/type' }],
    ['elsewhere', undefined, { status: 404, code: 'not_found' }],
  ];
  for (const [path, body, problem] of refusals) expect(await control(path, body)).toMatchObject(problem);
  const address = `${sandbox.url}/sandbox/bots/${token}/chats/777/messages`;
  const malformed = await fetch(address, { method: 'POST', body: '{"text":' });
  expect([malformed.status, malformed.headers.get('content-type')]).toEqual([400, 'application/problem+json']);
  expect(await malformed.json()).toMatchObject({ code: 'body_malformed' });
  expect((await fetch(`${sandbox.url}/sandbox/bots/nonsense/chats`)).status).toBe(400);
});

test('a browser reaches the control API and the Bot API for no other site, nor by a name that leads here', async () => {
  const { sandbox, token, bot, control, write } = await start();
  await write(777, 'hello');
  const { host } = new URL(sandbox.url);
  const own = `${sandbox.url}/sandbox/bots/${token}`;
  const from = JSON.stringify({ text: 'from elsewhere' });
  const write777 = (headers: Record<string, string>) => statusOf(`${own}/chats/777/messages`, 'POST', headers, from);
  const read777 = (headers: Record<string, string>) => statusOf(`${own}/chats/777`, 'GET', headers);
  const foreign: Record<string, string>[] = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'http://evil.example' },
    { origin: 'null' },
    // Rebinding: to the browser its name is of one origin with us, and it need not say more.
    { host: host.replace('127.0.0.1', 'evil.example') },
    { host: host.replace('127.0.0.1', '127.0.0.1.evil.example'), 'sec-fetch-site': 'same-origin' },
  ];
  for (const headers of foreign) {
    const words = JSON.stringify(headers);
    expect(await write777({ ...headers, 'content-type': 'text/plain' }), words).toBe(403);
    expect(await read777(headers), words).toBe(403);
    expect(await statusOf(`${own}/events`, 'GET', headers), words).toBe(403);
    expect(await statusOf(`${sandbox.url}/bot${token}/getMe`, 'GET', headers), words).toBe(403);
    expect(await statusOf(`${sandbox.url}/bot${token}/logOut`, 'POST', headers, '{}'), words).toBe(403);
    expect(await statusOf(`${sandbox.url}/file/bot${token}/any`, 'GET', headers), words).toBe(403);
  }
  const refused = await fetch(`${sandbox.url}/bot${token}/getMe`, { headers: { origin: 'http://evil.example' } });
  const forbidden = { ok: false, error_code: 403, description: 'Forbidden: Another site may not use the sandbox' };
  expect(await bodyOf(refused)).toEqual(forbidden);
  expect((await control('chats/777')).messages).toHaveLength(1);

  const ours: Record<string, string>[] = [
    {},
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'same-origin' },
    { origin: sandbox.url },
    { host: host.replace('127.0.0.1', 'localhost') },
    { host: host.replace('127.0.0.1', '[::1]') },
  ];
  for (const headers of ours) {
    expect(await read777(headers), JSON.stringify(headers)).toBe(200);
    expect(await statusOf(`${sandbox.url}/bot${token}/getMe`, 'GET', headers), JSON.stringify(headers)).toBe(200);
  }
  expect((await bot('getUpdates')).result).toHaveLength(1);
});

test('the event stream tells of both ways, in order, to an ordinary EventSource', async () => {
  const { sandbox, token, bot, control, write } = await start();
  const source = new EventSource(`${sandbox.url}/sandbox/bots/${token}/events`);
  const seen: { type: string; direction: string; text: string | undefined }[] = [];
  const complete = new Promise<void>((resolve) => {
    for (const type of ['message', 'edited', 'callback', 'callback_answer', 'chat_action', 'deleted']) {
      source.addEventListener(type, ({ data }) => {
        const event = JSON.parse(data);
        seen.push({ type: event.type, direction: event.direction, text: event.message?.text });
        if (type === 'deleted') resolve();
      });
    }
  });
  await new Promise((resolve) => source.addEventListener('open', resolve));
  await write(777, 'hello');
  const reply_markup = { inline_keyboard: [[{ text: 'Yes', callback_data: 'yes' }]] };
  const { message_id } = (await bot('sendMessage', { chat_id: 777, text: 'Sure?', reply_markup })).result;
  const { callback_query_id } = await control('chats/777/callbacks', { message_id, data: 'yes' });
  await bot('answerCallbackQuery', { callback_query_id });
  await bot('editMessageText', { chat_id: 777, message_id, text: 'Done' });
  await bot('sendChatAction', { chat_id: 777, action: 'typing' });
  await bot('deleteMessage', { chat_id: 777, message_id });
  await complete;
  source.close();
  expect(seen).toEqual([
    { type: 'message', direction: 'in', text: 'hello' },
    { type: 'message', direction: 'out', text: 'Sure?' },
    { type: 'callback', direction: 'in', text: undefined },
    { type: 'callback_answer', direction: 'out', text: undefined },
    { type: 'edited', direction: 'out', text: 'Done' },
    { type: 'chat_action', direction: 'out', text: undefined },
    { type: 'deleted', direction: 'out', text: undefined },
  ]);
});

test('a bot has no more event readers than its bound', async () => {
  const { sandbox, token } = await start();
  const address = `${sandbox.url}/sandbox/bots/${token}/events`;
  const open = await Promise.all(Array.from({ length: limits.sandboxReadersMax }, () => fetch(address)));
  expect(open.every(({ status }) => status === 200)).toBe(true);
  expect((await fetch(address)).status).toBe(429);
  await Promise.all(open.map((response) => response.body?.cancel()));
});

test('a chat’s transcript holds the latest messages; the oldest is forgotten', async () => {
  const { bot, control } = await start();
  const messages = Array.from({ length: limits.sandboxChatMessagesMax + 1 }, () => ({ chat_id: 777, text: 'x' }));
  await control('messages', { messages });
  const transcript = (await control('chats/777')).messages;
  expect(transcript).toHaveLength(limits.sandboxChatMessagesMax);
  expect(transcript[0].message_id).toBe(2);
  expect((await bot('deleteMessage', { chat_id: 777, message_id: 1 })).description).toBe(
    'Bad Request: message to delete not found',
  );
});
