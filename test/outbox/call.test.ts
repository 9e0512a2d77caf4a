import type { Opts } from '@grammyjs/types/methods.js';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { SwitchboardError } from '../../src/errors.ts';
import { limits } from '../../src/limits.ts';
import { parseCall } from '../../src/outbox/call.ts';
import { CALLS, WRITE_METHODS } from '../../src/telegram/methods.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const parse = (body: unknown, parts: string[] = []) =>
  parseCall(body, { keyId: 'key', chats: null, mayRead: true, parts }, NOW);

/** The code and the field of the error that this body gets. */
function refusal(body: unknown): [string, string | undefined] {
  try {
    parse(body);
  } catch (error) {
    if (error instanceof SwitchboardError) return [error.code, error.field];
    throw error;
  }
  return expect.fail('the call was taken');
}

const hi = (fields: object) => ({ chat_id: 1, text: 'hi', ...fields });
const delivery = (fields: object) => hi({ delivery: fields });

/** The body of a method's example. */
const exampleOf = (method: string) => ({ method, ...Object(CALLS)[method].examples[0] });

test.each(Object.entries(WRITE_METHODS))('%s is taken, also with parameters that nobody knows', (method, facts) => {
  const params = { ...exampleOf(method), new_in_telegram: { deep: [1] } };
  const call = parse(params);
  expect(call).toMatchObject({ method, chat: facts.addressed ? '777' : '0', priority: 1, onUnknown: 'hold' });
  expect({ method, ...JSON.parse(call.params) }).toEqual(params);
});

test('every parameter of the Bot API has its schema', () => {
  // Calls of inline messages have no chat, and rich messages are a kind of their own.
  type Left = 'inline_message_id' | 'rich_message';
  type Missing = {
    [M in keyof typeof CALLS]: Exclude<keyof Opts<never>[M], keyof (typeof CALLS)[M]['properties'] | Left>;
  };
  type Unknown = { [M in keyof typeof CALLS]: Exclude<keyof (typeof CALLS)[M]['properties'], keyof Opts<never>[M]> };
  expectTypeOf<Missing[keyof Missing]>().toBeNever();
  expectTypeOf<Unknown[keyof Unknown]>().toBeNever();
});

test.each(['getUpdates', 'setWebhook', 'logOut', 'close', 'sendmessage', 'toString', '__proto__', ''])(
  'the method %j is not allowed',
  (method) => expect(refusal(hi({ method }))).toEqual(['method_forbidden', 'method']),
);

test.each([[null], [7], ['text'], [[]]])('%j is no call', (body) => {
  expect(refusal(body)).toEqual(['request_invalid', '']);
});

test.each([undefined, null, 0, 1.5, '', '0', '007', 'ann', '@a', '@1abc', 2 ** 53, '9007199254740993', true, {}])(
  'the chat %j is none',
  (chat_id) => expect(refusal({ chat_id, text: 'hi' })).toEqual(['request_invalid', 'chat_id']),
);

test.each([
  [777, '777', 777],
  ['777', '777', 777],
  [-1_002_000_000_001, '-1002000000001', -1_002_000_000_001],
  [2 ** 52 - 1, '4503599627370495', 2 ** 52 - 1],
  ['@channel', '@channel', '@channel'],
  ['@Channel', '@channel', '@Channel'],
])('the chat %j is one', (chat_id, chat, sent) => {
  const call = parse({ chat_id, text: 'hi' });
  expect([call.chat, JSON.parse(call.params).chat_id]).toEqual([chat, sent]);
});

const photo = { type: 'photo', media: 'AgAC' };
const options = (n: number) => Array.from({ length: n }, (_, i) => ({ text: `${i}` }));
const button = { text: 'b', callback_data: 'x' };

test.each([
  ['no text', { text: undefined }, ['request_invalid', 'text']],
  ['a text that is none', { text: 7 }, ['request_invalid', 'text']],
  ['an empty text', { text: '' }, ['message_invalid', 'text']],
  ['a blank text', { text: ' \n ' }, ['message_invalid', 'text']],
  ['a text too long', { text: 'x'.repeat(limits.textLengthMax + 1) }, ['message_invalid', 'text']],
  ['too many emojis', { text: '🙂'.repeat(limits.textLengthMax + 1) }, ['message_invalid', 'text']],
  ['a mode nobody knows', { parse_mode: 'BB' }, ['message_invalid', 'parse_mode']],
  ['a reply that is none', { reply_parameters: 7 }, ['request_invalid', 'reply_parameters']],
  [
    'a quote too long',
    { reply_parameters: { message_id: 1, quote: 'x'.repeat(1025) } },
    ['message_invalid', 'reply_parameters/quote'],
  ],
  [
    'button data of 65 bytes',
    { reply_markup: { inline_keyboard: [[{ ...button, callback_data: 'ü'.repeat(33) }]] } },
    ['message_invalid', 'reply_markup/inline_keyboard/0/0/callback_data'],
  ],
  [
    'a button that says nothing',
    { reply_markup: { inline_keyboard: [[button, { callback_data: 'x' }]] } },
    ['request_invalid', 'reply_markup/inline_keyboard/0/1/text'],
  ],
  [
    '101 buttons',
    { reply_markup: { inline_keyboard: [Array(50).fill(button), Array(51).fill(button)] } },
    ['message_invalid', 'reply_markup/inline_keyboard'],
  ],
  ['no photo', { method: 'sendPhoto' }, ['request_invalid', 'photo']],
  ['an empty photo', { method: 'sendPhoto', photo: '' }, ['message_invalid', 'photo']],
  ["the server's own files", { method: 'sendPhoto', photo: 'file:///etc/passwd' }, ['message_invalid', 'photo']],
  [
    "the server's own files, where no schema looks",
    { method: 'sendPoll', question: 'x', options: options(2), media: { media: 'file:///etc/passwd' } },
    ['message_invalid', 'media/media'],
  ],
  ['a part that is not there', { method: 'sendPhoto', photo: 'attach://x' }, ['message_invalid', 'x']],
  [
    'a caption too long',
    { method: 'sendPhoto', photo: 'x', caption: 'x'.repeat(1025) },
    ['message_invalid', 'caption'],
  ],
  [
    'an edit too long',
    { method: 'editMessageText', message_id: 1, text: 'x'.repeat(4097) },
    ['message_invalid', 'text'],
  ],
  ['an edit of nothing', { method: 'editMessageText' }, ['request_invalid', 'message_id']],
  ['an album of one', { method: 'sendMediaGroup', media: [photo] }, ['message_invalid', 'media']],
  ['an album of 11', { method: 'sendMediaGroup', media: Array(11).fill(photo) }, ['message_invalid', 'media']],
  ['an album of what', { method: 'sendMediaGroup', media: [photo, {}] }, ['request_invalid', 'media/1/type']],
  [
    'an animation in an album',
    { method: 'sendMediaGroup', media: [photo, { ...photo, type: 'animation' }] },
    ['message_invalid', 'media/1/type'],
  ],
  [
    'a document among photos',
    { method: 'sendMediaGroup', media: [{ ...photo, type: 'document' }, photo] },
    ['message_invalid', 'media/1/type'],
  ],
  [
    'a caption too long in an album',
    { method: 'sendMediaGroup', media: [photo, { ...photo, caption: 'x'.repeat(1025) }] },
    ['message_invalid', 'media/1/caption'],
  ],
  ['a place off the globe', { method: 'sendLocation', latitude: 91, longitude: 0 }, ['message_invalid', 'latitude']],
  ['half a place', { method: 'sendLocation', latitude: 9 }, ['request_invalid', 'longitude']],
  ['a person without a name', { method: 'sendContact', phone_number: '1' }, ['request_invalid', 'first_name']],
  ['a poll of 13', { method: 'sendPoll', question: 'x', options: options(13) }, ['message_invalid', 'options']],
  ['a poll of none', { method: 'sendPoll', question: 'x', options: [] }, ['message_invalid', 'options']],
  [
    'a question too long',
    { method: 'sendPoll', question: 'x'.repeat(301), options: options(2) },
    ['message_invalid', 'question'],
  ],
  [
    'an answer too long',
    { method: 'sendPoll', question: 'x', options: [{ text: 'x' }, { text: 'x'.repeat(101) }] },
    ['message_invalid', 'options/1/text'],
  ],
  [
    'a quiz without an answer',
    { method: 'sendPoll', question: 'x', options: options(2), type: 'quiz' },
    ['message_invalid', 'correct_option_ids'],
  ],
  [
    'an answer that is not there',
    { method: 'sendPoll', question: 'x', options: options(2), type: 'quiz', correct_option_ids: [2] },
    ['message_invalid', 'correct_option_ids'],
  ],
  [
    'two ends',
    { method: 'sendPoll', question: 'x', options: options(2), open_period: 60, close_date: 1 },
    ['message_invalid', 'close_date'],
  ],
  ['a copy of nothing', { method: 'copyMessage', from_chat_id: 1 }, ['request_invalid', 'message_id']],
  ['a forward from nowhere', { method: 'forwardMessage', message_id: 1 }, ['request_invalid', 'from_chat_id']],
  ['an action nobody knows', { method: 'sendChatAction', action: 'sleep' }, ['message_invalid', 'action']],
  ['no query to answer', { method: 'answerCallbackQuery' }, ['request_invalid', 'callback_query_id']],
  [
    'too long an answer',
    { method: 'answerCallbackQuery', callback_query_id: '7', text: 'x'.repeat(201) },
    ['message_invalid', 'text'],
  ],
  ['a method that is no name', { method: 7 }, ['request_invalid', 'method']],
])('%s is refused, and the field named', (_, fields, expected) => {
  expect(refusal(hi(fields))).toEqual(expected);
});

describe('a text', () => {
  const tooLong = 'x'.repeat(limits.textLengthMax + 1);
  test('as long as Telegram takes is taken, also of emojis', () => {
    expect(parse(hi({ text: 'x'.repeat(limits.textLengthMax) })).method).toBe('sendMessage');
    expect(parse(hi({ text: '🙂'.repeat(limits.textLengthMax) })).method).toBe('sendMessage');
    expect(parse(hi({ method: 'sendPhoto', photo: 'x', caption: '' })).method).toBe('sendPhoto');
  });

  test.each([
    ['HTML', '<b>x</b>'.repeat(1000)],
    ['HTML', `${'x'.repeat(4000)}${'&amp;'.repeat(96)}`],
    ['HTML', `<a href="${tooLong}">x</a>`],
    ['MarkdownV2', '*x*'.repeat(4096)],
    ['MarkdownV2', `[x](${tooLong})`],
    ['Markdown', `${'x'.repeat(4096)}${'_'.repeat(100)}`],
  ])('with markup that Telegram takes away may be longer: %s', (parse_mode, text) => {
    expect(parse(hi({ text, parse_mode })).method).toBe('sendMessage');
  });

  test.each([
    ['HTML', `<b>${tooLong}</b>`],
    ['HTML', `${'x'.repeat(4000)}${'&amp;'.repeat(97)}`],
    ['MarkdownV2', `*${tooLong}*`],
    ['Markdown', `[${tooLong}](x)`],
  ])('that is too long whatever its markup takes away is refused: %s', (parse_mode, text) => {
    expect(refusal(hi({ text, parse_mode }))).toEqual(['message_invalid', 'text']);
  });

  test('of a megabyte of marks is measured in time that grows with its length, not with its square', () => {
    const cpuOf = (marks: number): number => {
      const before = process.cpuUsage();
      for (const mark of ['](', '[', '*[']) {
        const text = `x${mark.repeat(marks)}`;
        expect(parse(hi({ text, parse_mode: 'MarkdownV2' })).method).toBe('sendMessage');
      }
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    cpuOf(50_000);
    const tenth = Math.max(cpuOf(50_000), 1000);
    // Ten times as long by the length; a hundred times by its square.
    expect(cpuOf(500_000) / tenth).toBeLessThan(40);
  });
});

test('what a form tells as text is read as what it is', () => {
  const call = parse({
    method: 'sendPoll',
    chat_id: '777',
    question: '7',
    options: '[{"text":"1"},{"text":"2"}]',
    is_anonymous: 'False',
    open_period: '60',
    reply_parameters: '{"message_id":5}',
    explanation: null,
  });
  expect(JSON.parse(call.params)).toEqual({
    chat_id: 777,
    question: '7',
    options: [{ text: '1' }, { text: '2' }],
    is_anonymous: false,
    open_period: 60,
    reply_parameters: { message_id: 5 },
  });
  expect(refusal(hi({ reply_markup: '{' }))).toEqual(['request_invalid', 'reply_markup']);
});

test('uploaded files are referred to, each of them, by attach:// or by the name of a parameter', () => {
  const album = [photo, { ...photo, media: 'attach://b' }];
  expect(JSON.parse(parse({ method: 'sendPhoto', chat_id: 1 }, ['photo']).params).photo).toBe('attach://photo');
  expect(parse({ method: 'sendMediaGroup', chat_id: 1, media: album }, ['b']).method).toBe('sendMediaGroup');
  expect(() => parse({ method: 'sendMediaGroup', chat_id: 1, media: album }, ['b', 'c'])).toThrow('the file c');
  expect(() => parse({ method: 'sendPhoto', chat_id: 1, photo: 'x' }, ['__proto__'])).toThrow('the file __proto__');
});

test('a key for certain chats takes nothing from others, however it is told', () => {
  const own = (body: object) => parseCall({ chat_id: 1, text: 'x', ...body }, { keyId: 'key', chats: ['1'] }, NOW);
  expect(own({ reply_parameters: '{"message_id":5,"chat_id":1}' }).chat).toBe('1');
  for (const body of [
    { chat_id: 2 },
    { reply_parameters: { message_id: 5, chat_id: 2 } },
    { reply_parameters: '{"message_id":5,"chat_id":1,"chat_id":2}' },
    { method: 'copyMessage', from_chat_id: '2', message_id: 1 },
    { business_connection_id: 'b' },
    { link_preview_options: { sender_chat_id: 2 } },
  ]) {
    expect(() => own(body)).toThrow(expect.objectContaining({ code: 'scope_missing' }));
  }
});

test('a key for certain chats passes on only what is known, so that no new parameter names another chat', () => {
  const body = { chat_id: 1, text: 'x', also_to: 2, reply_parameters: { message_id: 5, of_chat: 2 } };
  const paramsOf = (chats: string[] | null, onDropped = (_name: string): void => {}) =>
    JSON.parse(parseCall(body, { keyId: 'key', chats, onDropped }, NOW).params);
  const dropped: string[] = [];
  expect(paramsOf(['1'], (name) => dropped.push(name))).toEqual({
    ...{ chat_id: 1, text: 'x', reply_parameters: { message_id: 5 } },
  });
  expect(dropped).toEqual(['also_to', 'reply_parameters/of_chat']);
  expect(paramsOf(null), 'a key for all chats').toEqual(body);
});

test.each([
  ['null', hi({ delivery: null }), 'delivery'],
  ['a list', hi({ delivery: [] }), 'delivery'],
  ['an unknown field', delivery({ sendat: 'x' }), 'delivery/sendat'],
  ['a priority that is none', delivery({ priority: 'urgent' }), 'delivery/priority'],
  ['an on_unknown that is none', delivery({ on_unknown: 'retry' }), 'delivery/on_unknown'],
  ['an order that is none', delivery({ order: 'any' }), 'delivery/order'],
  ['a number for a time', delivery({ send_at: 7 }), 'delivery/send_at'],
  ['a time that is none', delivery({ send_at: 'tomorrow' }), 'delivery/send_at'],
  ['a month that is none', delivery({ send_at: '2026-13-01T00:00:00Z' }), 'delivery/send_at'],
  ['a time without its zone', delivery({ expires_at: '2026-01-02T00:00:00' }), 'delivery/expires_at'],
  ['a time too far ahead', delivery({ send_at: '2028-01-01T00:00:00Z' }), 'delivery/send_at'],
  ['an end that is past', delivery({ expires_at: '2025-12-31T00:00:00Z' }), 'delivery/expires_at'],
  [
    'an end before the beginning',
    delivery({ send_at: '2026-01-03T00:00:00Z', expires_at: '2026-01-02T00:00:00Z' }),
    'delivery/expires_at',
  ],
])('a delivery with %s names the field', (_, body, field) => {
  expect(refusal(body)).toEqual(['request_invalid', field]);
});

test('a delivery in full is taken', () => {
  const times = { send_at: '2026-01-01T02:00:00+01:00', expires_at: '2026-01-01T02:00:00.000Z' };
  expect(parse(delivery({ ...times, priority: 'high', on_unknown: 'resend', order: 'free' }))).toMatchObject({
    ...{ priority: 0, onUnknown: 'resend', order: 'free', sendAt: NOW + 3_600_000, expiresAt: NOW + 7_200_000 },
  });
});
