import { expect, test } from 'vitest';
import { SwitchboardError } from '../../src/errors.ts';
import { limits } from '../../src/limits.ts';
import { parseCall } from '../../src/outbox/call.ts';
import { WRITE_METHODS } from '../../src/telegram/methods.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const parse = (body: unknown) => parseCall(body, 'key', NOW);

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

test.each(Object.entries(WRITE_METHODS))('%s is taken, with all its parameters', (method, { addressed }) => {
  const params = { text: 'hi', callback_query_id: '7', extra: { deep: [1] } };
  const call = parse({ method, ...(addressed ? { chat_id: -5 } : {}), ...params });
  expect(call).toMatchObject({ method, chat: addressed ? '-5' : '0', priority: 1, onUnknown: 'hold' });
  expect(JSON.parse(call.params)).toEqual({ ...(addressed ? { chat_id: -5 } : {}), ...params });
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
])('the chat %j is one', (chat_id, chat, sent) => {
  const call = parse({ chat_id, text: 'hi' });
  expect([call.chat, JSON.parse(call.params).chat_id]).toEqual([chat, sent]);
});

test.each([
  ['no text', { text: undefined }, ['request_invalid', 'text']],
  ['a text that is none', { text: 7 }, ['request_invalid', 'text']],
  ['an empty text', { text: '' }, ['message_invalid', 'text']],
  ['a blank text', { text: ' \n ' }, ['message_invalid', 'text']],
  ['a text too long', { text: 'x'.repeat(limits.textLengthMax + 1) }, ['message_invalid', 'text']],
  ['too many emojis', { text: '🙂'.repeat(limits.textLengthMax + 1) }, ['message_invalid', 'text']],
  ['a caption too long', { method: 'sendPhoto', caption: 'x'.repeat(1025) }, ['message_invalid', 'caption']],
  ['an edit too long', { method: 'editMessageText', text: 'x'.repeat(4097) }, ['message_invalid', 'text']],
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

test('a text as long as Telegram takes is taken, also of emojis, and longer with markup that Telegram parses first', () => {
  expect(parse(hi({ text: 'x'.repeat(limits.textLengthMax) })).method).toBe('sendMessage');
  expect(parse(hi({ text: '🙂'.repeat(limits.textLengthMax) })).method).toBe('sendMessage');
  expect(parse(hi({ text: '<b>x</b>'.repeat(1000), parse_mode: 'HTML' })).method).toBe('sendMessage');
  expect(parse(hi({ method: 'sendPhoto', caption: '' })).method).toBe('sendPhoto');
});

test.each([
  ['null', hi({ delivery: null }), 'delivery'],
  ['a list', hi({ delivery: [] }), 'delivery'],
  ['an unknown field', delivery({ sendat: 'x' }), 'delivery/sendat'],
  ['a priority that is none', delivery({ priority: 'urgent' }), 'delivery/priority'],
  ['an on_unknown that is none', delivery({ on_unknown: 'retry' }), 'delivery/on_unknown'],
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
  expect(parse(delivery({ ...times, priority: 'high', on_unknown: 'resend' }))).toMatchObject({
    ...{ priority: 0, onUnknown: 'resend', sendAt: NOW + 3_600_000, expiresAt: NOW + 7_200_000 },
  });
});
