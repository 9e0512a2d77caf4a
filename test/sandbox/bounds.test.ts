import { expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { bodyOf, type Json, start } from './start.ts';

const post = (type: string, body: string): RequestInit => ({ method: 'POST', headers: { 'content-type': type }, body });
const FORM = 'multipart/form-data; boundary=x';
const part = (name: string, value = 'a') => `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

test('what users write is within Telegram’s bounds, as what bots write is', async () => {
  const { bot, control } = await start();
  // A character may have two units.
  const fits = '\u{1f600}'.repeat(limits.textLengthMax);
  const { message_id } = await control('chats/777/messages', { text: fits });
  const problems: Json[] = [
    await control('chats/777/messages', { text: `${fits}a` }),
    await control('messages', { messages: [{ chat_id: 777, text: `${fits}a` }] }),
    await control(`chats/777/messages/${message_id}`, { text: `${fits}a` }),
    await control('chats/777/messages', { caption: 'a'.repeat(limits.captionLengthMax + 1) }),
    await control('chats/777/callbacks', { message_id, data: 'é'.repeat(33) }),
    await control('chats/777/messages', { message: { contact: { vcard: 'a'.repeat(limits.sandboxFieldLengthMax) } } }),
    await control('users', { id: 1, first_name: 'a'.repeat(limits.sandboxUserLengthMax) }),
    await control('messages', { messages: Array(limits.sandboxListMax + 1).fill(0) }),
    await control('updates', Array(limits.sandboxListMax + 1).fill({})),
    await control('chats', { members: Array(limits.sandboxListMax + 1).fill(0) }),
  ];
  for (const problem of problems) expect(problem).toMatchObject({ status: 400, code: 'request_invalid' });
  expect((await control('chats/777/callbacks', { message_id, data: 'é'.repeat(32) })).callback_query_id).toBeTruthy();
  expect((await control('chats/777/messages', { text: fits, message: { entities: [] } })).message_id).toBe(2);
  expect((await bot('getUpdates')).result).toHaveLength(3);
});

test('a body is as large as its address can need at most: beyond it is refused, and nothing else waits for it', async () => {
  const { sandbox, token, call, control, write, bot } = await start();
  const address = `${sandbox.url}/sandbox/bots/${token}`;
  const file = { document: { base64: 'a'.repeat(2 * limits.bodyBytesMax) } };
  expect((await control('chats/777/messages', file)).message_id).toBe(1);
  const text = JSON.stringify({ text: 'a'.repeat(limits.sandboxFileBodyBytesMax) });
  for (const path of ['chats/777/messages', 'users', 'updates']) {
    const refused = await fetch(`${address}/${path}`, post('application/json', text));
    expect([refused.status, (await bodyOf(refused)).code], path).toEqual([413, 'body_too_large']);
  }
  const long = 'a'.repeat(limits.bodyBytesMax + 1);
  for (const [type, body] of [
    ['application/json', `{"text":"${long}"}`],
    ['application/x-www-form-urlencoded', `text=${long}`],
    ['application/x-www-form-urlencoded', 'a&'.repeat(limits.parametersMax + 1)],
    [FORM, `${part('text', long)}--x--`],
    [FORM, `${Array.from({ length: limits.parametersMax + 1 }, (_, n) => part(`p${n}`)).join('')}--x--`],
  ] as const) {
    const refused = await call('sendMessage', post(type, body));
    expect([refused.status, await bodyOf(refused)]).toMatchObject([413, { ok: false, error_code: 413 }]);
  }
  await write(777, 'still here');
  expect((await bot('getUpdates')).result.at(-1).message.text).toBe('still here');
});

test('JSON of too many values, or nested too deep, is refused before it is parsed', async () => {
  const { call, control, sandbox, token } = await start();
  const many = `[${'0,'.repeat(limits.jsonValuesMax)}`;
  const answer = await bodyOf(await call('sendMessage', post('application/json', many)));
  expect(answer).toMatchObject({ error_code: 400 });
  const address = `${sandbox.url}/sandbox/bots/${token}/users`;
  expect(await bodyOf(await fetch(address, post('application/json', many)))).toMatchObject({ detail: /values/ });
  const deep = JSON.parse(`${'['.repeat(101)}${']'.repeat(101)}`);
  expect(await control('users', { id: 1, deep })).toMatchObject({ detail: /nested/ });
});

test('a form that breaks off, or whose parts have no name, is refused or read as far as it goes', async () => {
  const { call, write } = await start();
  await write(777, 'hello');
  const send = async (body: string) => bodyOf(await call('sendMessage', post(FORM, body)));
  const malformed = { error_code: 400, description: "Bad Request: can't parse multipart/form-data" };
  const file = '--x\r\ncontent-disposition: form-data; name="f"; filename="a"\r\n\r\n';
  for (const body of ['a', '--x', part('text'), `${file}a`, '--x\r\n\r\n'])
    expect(await send(body)).toEqual({ ok: false, ...malformed });
  expect(await bodyOf(await call('sendMessage', post('multipart/form-data', part('text'))))).toMatchObject(malformed);
  const nameless =
    '--x\r\ncontent-disposition: form-data\r\n\r\na\r\n--x\r\ncontent-disposition: form-data; filename="b"\r\n\r\na\r\n';
  expect(await send(`${nameless}${part('chat_id', '777')}${part('text')}--x--`)).toMatchObject({ ok: true });
});

test('a Markdown address without an end is refused at once, whatever is in it', async () => {
  const { bot, write } = await start();
  await write(777, 'hello');
  const text = `[x](${'\\a'.repeat(1000)}`;
  const answer = await bot('sendMessage', { chat_id: 777, parse_mode: 'MarkdownV2', text });
  expect(answer.description).toMatch(/Can't find end of a URL/i);
});

test('a reply shows the message that it answers, without what that one answered', async () => {
  const { bot, write, control } = await start();
  await write(777, 'one');
  for (const id of [1, 2]) await control('chats/777/messages', { text: 'answer', reply_to_message_id: id });
  const { message } = (await bot('getUpdates')).result[2];
  expect(message.reply_to_message).toMatchObject({ message_id: 2, text: 'answer' });
  expect(message.reply_to_message).not.toHaveProperty('reply_to_message');
});

test('of a text’s entities the first hundred are kept; a keyboard and a message have bounds', async () => {
  const { bot, write } = await start();
  await write(777, 'hello');
  const bold = (n: number) => Array.from({ length: n }, (_, offset) => ({ type: 'bold', offset, length: 1 }));
  const sent = await bot('sendMessage', { chat_id: 777, text: 'a'.repeat(200), entities: bold(200) });
  expect(sent.result.entities).toEqual(bold(100));
  const reply_markup = {
    inline_keyboard: [[{ text: 'a', url: `http://a/${'a'.repeat(limits.sandboxContentLengthMax)}` }]],
  };
  expect((await bot('sendMessage', { chat_id: 777, text: 'a', reply_markup })).description).toBe(
    'Bad Request: reply markup is too long',
  );
  const contact = { phone_number: '1', first_name: 'a', vcard: 'a'.repeat(limits.sandboxContentLengthMax) };
  expect((await bot('sendContact', { chat_id: 777, ...contact })).description).toBe('Bad Request: message is too long');
});
