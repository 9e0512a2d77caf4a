import { describe, expect, test } from 'vitest';
import { manualClock } from '../support/clock.ts';
import { bodyOf, start } from './start.ts';

/** Sends to a chat in which a user has written; gives Telegram's description of what is wrong. */
async function refusal(params: object, method = 'sendMessage'): Promise<string> {
  const { bot, write } = await start();
  await write(777, 'hello');
  const answer = await bot(method, { chat_id: 777, ...params });
  expect(answer).toEqual({ ok: false, error_code: 400, description: expect.any(String) });
  return answer.description;
}

describe('sendMessage refuses in Telegram’s words', () => {
  test.each([
    ['no text', {}, 'Bad Request: message text is empty'],
    ['white space only', { text: ' \n ' }, 'Bad Request: text must be non-empty'],
    ['4097 characters', { text: 'x'.repeat(4097) }, 'Bad Request: message is too long'],
    ['no chat', { chat_id: '', text: 'x' }, 'Bad Request: chat_id is empty'],
    ['a chat nobody wrote in', { chat_id: 778, text: 'x' }, 'Bad Request: chat not found'],
    ['a chat id that is none', { chat_id: 'abc', text: 'x' }, 'Bad Request: chat not found'],
    ['an unknown parse_mode', { text: 'x', parse_mode: 'BB' }, 'Bad Request: unsupported parse_mode'],
    [
      'a reply to nothing',
      { text: 'x', reply_parameters: { message_id: 99 } },
      'Bad Request: message to be replied not found',
    ],
    [
      'reply parameters that are no JSON',
      { text: 'x', reply_parameters: '{' },
      "Bad Request: can't parse reply parameters JSON object",
    ],
    [
      'a keyboard that is no JSON',
      { text: 'x', reply_markup: '{' },
      "Bad Request: can't parse reply keyboard markup JSON object",
    ],
    [
      'button data of 65 bytes',
      { text: 'x', reply_markup: { inline_keyboard: [[{ text: 'b', callback_data: 'ü'.repeat(33) }]] } },
      'Bad Request: BUTTON_DATA_INVALID',
    ],
    [
      'a button that does nothing',
      { text: 'x', reply_markup: { inline_keyboard: [[{ text: 'b' }]] } },
      "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    ],
    [
      'a flat keyboard',
      { text: 'x', reply_markup: { inline_keyboard: [{ text: 'b', callback_data: 'x' }] } },
      'Bad Request: field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
    ],
    [
      'an address that is none',
      { text: 'x', reply_markup: { inline_keyboard: [[{ text: 'b', url: 'not a link' }]] } },
      'Bad Request: BUTTON_URL_INVALID',
    ],
  ])('%s', async (_, params, description) => {
    expect(await refusal(params)).toBe(description);
  });
});

describe('the length of a text', () => {
  test('is counted in characters after the marks are parsed', async () => {
    const { bot, write } = await start();
    await write(777, 'hello');
    const long = '😀'.repeat(4096);
    expect((await bot('sendMessage', { chat_id: 777, text: `<b>${long}</b>`, parse_mode: 'HTML' })).ok).toBe(true);
    expect((await bot('sendMessage', { chat_id: 777, text: `${long}x` })).description).toBe(
      'Bad Request: message is too long',
    );
  });
});

test('a message comes back as Telegram shows it, and stands in the transcript with its keyboard', async () => {
  const { bot, control, write } = await start();
  const asked = await write(777, '/start now');
  const keyboard = { keyboard: [[{ text: 'yes' }]] };
  const { result } = await bot('sendMessage', {
    chat_id: 777,
    text: 'Hello',
    reply_markup: keyboard,
    reply_parameters: { message_id: asked.message_id },
  });
  expect(result).toEqual({
    message_id: asked.message_id + 1,
    from: { id: expect.any(Number), is_bot: true, first_name: 'Sandbox Bot', username: expect.any(String) },
    chat: { id: 777, type: 'private', first_name: 'User' },
    date: expect.any(Number),
    text: 'Hello',
    reply_to_message: expect.objectContaining({ message_id: asked.message_id, text: '/start now' }),
  });
  const { messages } = await control('chats/777');
  expect(messages).toEqual([
    expect.objectContaining({ message_id: asked.message_id, from: expect.objectContaining({ id: 777 }) }),
    { ...result, reply_markup: keyboard },
  ]);
});

test('an edit replaces text and keyboard; the same content again is refused', async () => {
  const { bot, control, write } = await start();
  await write(777, 'hello');
  const reply_markup = { inline_keyboard: [[{ text: 'b', callback_data: 'x' }]] };
  const { message_id } = (await bot('sendMessage', { chat_id: 777, text: 'one', reply_markup })).result;
  const target = { chat_id: 777, message_id };
  const edited = await bot('editMessageText', { ...target, text: 'two' });
  expect(edited.result).toMatchObject({ message_id, text: 'two', edit_date: expect.any(Number) });
  expect(edited.result).not.toHaveProperty('reply_markup');
  expect((await control('chats/777')).messages.at(-1).text).toBe('two');
  expect(await bot('editMessageText', { ...target, text: 'two' })).toEqual({
    ok: false,
    error_code: 400,
    description:
      'Bad Request: message is not modified: specified new message content and reply markup are exactly the same ' +
      'as a current content and reply markup of the message',
  });
  expect((await bot('editMessageReplyMarkup', { ...target, reply_markup })).result.reply_markup).toEqual(reply_markup);
});

test('only the bot’s own messages can be edited, and only those that exist', async () => {
  const { bot, write } = await start();
  const { message_id } = await write(777, 'hello');
  const edit = (id: number) => bot('editMessageText', { chat_id: 777, message_id: id, text: 'x' });
  expect((await edit(message_id)).description).toBe("Bad Request: message can't be edited");
  expect((await edit(99)).description).toBe('Bad Request: message to edit not found');
});

test('a deleted message is gone, and cannot be deleted twice or after 48 hours', async () => {
  const clock = manualClock();
  const { bot, control, write } = await start({ clock });
  await write(777, 'hello');
  const sent = (await bot('sendMessage', { chat_id: 777, text: 'x' })).result.message_id;
  const old = (await bot('sendMessage', { chat_id: 777, text: 'y' })).result.message_id;
  const remove = (message_id: number) => bot('deleteMessage', { chat_id: 777, message_id });
  expect(await remove(sent)).toEqual({ ok: true, result: true });
  expect((await control('chats/777')).messages).toHaveLength(2);
  expect((await remove(sent)).description).toBe('Bad Request: message to delete not found');
  expect((await remove(0)).description).toBe('Bad Request: message identifier is not specified');
  await clock.advance(48 * 3_600_000);
  expect((await remove(old)).description).toBe("Bad Request: message can't be deleted");
});

test('a pressed button is answered once or more, for 15 minutes', async () => {
  const clock = manualClock();
  const { bot, control, write } = await start({ clock });
  await write(777, 'hello');
  const reply_markup = { inline_keyboard: [[{ text: 'Yes', callback_data: 'yes' }]] };
  const { result } = await bot('sendMessage', { chat_id: 777, text: 'Sure?', reply_markup });
  const { callback_query_id, update_id } = await control('chats/777/callbacks', {
    message_id: result.message_id,
    data: 'yes',
  });
  expect((await bot('getUpdates', { offset: update_id })).result[0].callback_query).toMatchObject({
    id: callback_query_id,
    from: { id: 777 },
    message: result,
    data: 'yes',
  });
  const answer = (text: string) => bot('answerCallbackQuery', { callback_query_id, text });
  expect(await answer('Done')).toEqual({ ok: true, result: true });
  expect(await control(`callbacks/${callback_query_id}`)).toEqual({
    chat_id: 777,
    answered: true,
    answer: { text: 'Done', show_alert: false },
  });
  expect((await answer('x'.repeat(201))).description).toBe('Bad Request: MESSAGE_TOO_LONG');
  await clock.advance(15 * 60_000 + 1);
  expect((await answer('late')).description).toBe(
    'Bad Request: query is too old and response timeout expired or query ID is invalid',
  );
});

test('sendChatAction takes Telegram’s actions and no others', async () => {
  expect(await refusal({ action: 'juggling' }, 'sendChatAction')).toBe(
    'Bad Request: wrong parameter action in request',
  );
  const { bot, write } = await start();
  await write(777, 'hello');
  expect((await bot('sendChatAction', { chat_id: 777, action: 'typing' })).result).toBe(true);
});

test('commands are kept for each scope and language', async () => {
  const { bot } = await start();
  const commands = [{ command: 'pay', description: 'Pay somebody' }];
  expect((await bot('setMyCommands', { commands })).result).toBe(true);
  expect((await bot('getMyCommands')).result).toEqual(commands);
  expect((await bot('getMyCommands', { language_code: 'de' })).result).toEqual([]);
  const wrong = await bot('setMyCommands', { commands: [{ command: 'PAY', description: 'x' }] });
  expect(wrong.description).toBe('Bad Request: BOT_COMMAND_INVALID');
});

test('parameters may come by address, form and multipart as well, names of methods in any case', async () => {
  const { call, write } = await start();
  await write(777, 'hello');
  const markup = '{"inline_keyboard":[[{"text":"b","callback_data":"x"}]]}';
  const form = { chat_id: '777', text: 'x', reply_markup: markup };
  const multipart = new FormData();
  for (const [name, value] of Object.entries(form)) multipart.set(name, value);
  const answers = [
    await call(`SENDMESSAGE?${new URLSearchParams(form)}`),
    await call('sendmessage', { method: 'POST', body: new URLSearchParams(form) }),
    await call('sendMessage', { method: 'POST', body: multipart }),
  ];
  for (const answer of answers) {
    expect((await bodyOf(answer)).result).toMatchObject({ text: 'x', reply_markup: JSON.parse(markup) });
  }
});

test('a body that is not what its content type says is refused', async () => {
  const { call } = await start();
  const json = await call('getMe', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' });
  expect(json.status).toBe(400);
  const type = 'multipart/form-data; boundary=b';
  const form = await call('getMe', { method: 'POST', headers: { 'content-type': type }, body: 'no parts' });
  expect(form.status).toBe(400);
});

test('a method that nobody knows is 404', async () => {
  const { bot } = await start();
  expect(await bot('sendPigeon')).toEqual({
    ok: false,
    error_code: 404,
    description: 'Not Found: method not found',
  });
});
