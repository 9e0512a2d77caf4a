import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { BODY_BOUNDS, readUrlParams, requireModestJson } from '../../src/bounded-input.ts';
import { matchOf, searchable, snippetOf } from '../../src/console/words.ts';
import { checkPost } from '../../src/conversations/posted-event.ts';
import { bearerOf } from '../../src/http/auth.ts';
import { flagOf, integerOf, listOf } from '../../src/http/facade-params.ts';
import { checkedKey } from '../../src/http/idempotency.ts';
import { problemOf } from '../../src/http/problems.ts';
import { validatorCompiler } from '../../src/http/schemas.ts';
import { cookiesIn } from '../../src/http/session.ts';
import { limits } from '../../src/limits.ts';
import { parseEventId } from '../../src/operators/operators.ts';
import { parseCall } from '../../src/outbox/call.ts';
import { excessOf } from '../../src/outbox/nesting.ts';
import { requireOwnPage } from '../../src/own-page.ts';
import { retryAfterMs } from '../../src/retry-after.ts';
import { withFound } from '../../src/sandbox/entities.ts';
import { parseHtml } from '../../src/sandbox/entities-html.ts';
import { parseMarkdown } from '../../src/sandbox/entities-markdown.ts';
import { readMarkup } from '../../src/sandbox/markup.ts';
import { createParams, readParams } from '../../src/sandbox/params.ts';
import { resultOf } from '../../src/telegram/outcome.ts';
import { classifyUpdate } from '../../src/telegram/update.ts';
import { growthOf, type Trial } from './growth.ts';

const KIB = 1024;
const poster = { keyId: 'k', chats: null };
const call = (fields: object) => parseCall({ chat_id: 777, ...fields }, poster, 0);
const form = (text: string) => readParams('', 'multipart/form-data; boundary=x', Readable.from([Buffer.from(text)]));
const json = (read: (value: unknown) => unknown) => (text: string) => {
  requireModestJson(text, BODY_BOUNDS);
  return read(JSON.parse(text));
};
const headers = (name: string, text: string) => ({ headers: { [name]: text } });
const query = validatorCompiler({
  schema: Type.Object(
    { chat: Type.Optional(Type.Array(Type.String({ pattern: '^-?[1-9]\\d{0,15}$' }), { maxItems: 100 })) },
    { additionalProperties: false },
  ),
  httpPart: 'querystring',
});
const part = (header: string) => `--x\r\ncontent-disposition: form-data; ${header}\r\n\r\n\r\n`;

/** Every parser of what comes from outside, each with inputs that parsers of its kind have failed on. */
const TRIALS: readonly Trial[] = [
  {
    name: 'urlencoded parameters',
    length: 64 * KIB,
    run: readUrlParams,
    units: ['a&', 'a=&', '%41&', '&', '=', '%41', '%', '+', 'a%', ['a=', '%f', ''], ['a=', '+', '&b=1']],
  },
  {
    name: 'JSON',
    length: 64 * KIB,
    run: json(excessOf),
    units: [
      '[',
      '"',
      '\\"',
      '"\\',
      ' ',
      ['[', '[],', '0]'],
      ['[', '0,', '0]'],
      ['{', '"a":0,', '"b":0}'],
      ['["', '\\u0061', '"]'],
      ['["', '\\\\', '"]'],
      ['[', '{"__proto__":1},', '0]'],
      ['{"a":', '[', ''],
    ],
  },
  {
    name: 'the parameters of a façade’s call',
    length: 64 * KIB,
    run: (text) => [listOf(text), integerOf(text, 0, 0, 1), flagOf(text)],
    units: [' ', '1', '-', 'true', '[', ['["', 'a","', '"]']],
  },
  {
    name: 'a call with a text',
    length: 64 * KIB,
    run: (text) => {
      for (const parse_mode of ['HTML', 'Markdown', 'MarkdownV2']) {
        try {
          call({ text, parse_mode, reply_parameters: text });
        } catch (error) {
          problemOf(error);
        }
      }
    },
    units: ['a', ' ', '<', '<b>', '</', '&', '&amp', '](', '[a](', '\\', '_', '`', '\u{1f600}', '\ud800', '>'],
  },
  {
    name: 'a call with fields of its own',
    length: 64 * KIB,
    run: json((given) => call({ text: 'a', ...Object(given) })),
    units: [
      ['{"entities":[', '{"type":"bold","offset":0,"length":1},', '0]}'],
      ['{"reply_markup":{"inline_keyboard":[', '[{"text":"a","url":"b"}],', '[0]]}}'],
      ['{"reply_markup":{"keyboard":[[', '"a",', '0]]}}'],
      ['{"x":[', '"attach://a",', '0]}'],
      ['{"method":"', 'a', '"}'],
      ['{"chat_id":"', '@', '"}'],
    ],
  },
  {
    name: 'an album',
    length: 64 * KIB,
    run: json((media) => call({ method: 'sendMediaGroup', media })),
    units: [
      ['[', '{"type":"photo","media":"a"},', '0]'],
      ['[', '0,', '0]'],
      ['[', '[],', '0]'],
    ],
  },
  {
    name: 'a query',
    length: 16 * KIB,
    run: (text) => query({ chat: text.split('&'), [text]: text }),
    units: ['1&', '&', 'a'],
  },
  {
    name: 'headers',
    length: 16 * KIB,
    run(text) {
      cookiesIn(headers('cookie', text), 'switchboard');
      bearerOf(headers('authorization', text));
      parseEventId(text);
      retryAfterMs(text, 0, 1);
      for (const check of [() => checkedKey(text, 'f'), () => requireOwnPage({ host: text, origin: text }, '')]) {
        try {
          check();
        } catch {
          // It was refused.
        }
      }
    },
    units: [
      ';',
      '; ',
      'switchboard_key=a',
      ';switchboard_key=a',
      ['switchboard_key=', 'a', '!'],
      ['Bearer ', ' ', 'a b'],
      ['Bearer ', 'a', ' b'],
      ['Bearer ', 'a ', ''],
      ':1',
      '[',
      'a.',
      ['', '1', ' GMT'],
    ],
  },
  {
    name: 'an event that is posted',
    length: 64 * KIB,
    run: (text) =>
      checkPost({ keyId: 'k', idempotencyKey: 'i', conversation: text.slice(0, 64), event: { type: text, text } }),
    units: ['a.', 'a', '.', '-'],
  },
  {
    name: 'an update',
    length: 64 * KIB,
    run: (text) => classifyUpdate({ update_id: 1, [text.slice(0, 1000)]: 1, message: { text, chat: { id: 7 } } }),
    units: ['/', '/a@', ' ', 'a'],
  },
  {
    name: 'an answer of Telegram',
    length: 64 * KIB,
    run: (text) => resultOf('getMe', { status: 302, headers: { location: `/${text}` }, text }, 'secret', 0),
    units: ['/', '/a', 'a', '[', '%', '{"ok":'],
  },
  {
    name: 'the console’s words',
    length: limits.consoleTextLengthMax,
    run: (text) => [searchable(text), matchOf(text, null), snippetOf(text, 'a "b')],
    units: ['a ', '"', '"a', '我', '\u{1f600}', 'a\u0301', ' ', '\u0301'],
  },
  {
    name: 'the sandbox’s HTML',
    length: 8 * KIB,
    run: parseHtml,
    units: [
      '<b>',
      '<b></b>',
      '<b>x</b>',
      '<a>x</a>',
      '<',
      '</',
      '<b ',
      '&',
      '&#',
      '&#1;',
      '&amp',
      '<!',
      ['<a ', 'x ', '>'],
      ['<a ', "x='", '>'],
      ['<a x', ' ', 'y>'],
      ['<a', '/', '>'],
      ['<a x="', 'a', ''],
      ['</', ' ', 'b>'],
      ['<pre>', '<code>', ''],
    ],
  },
  ...([1, 2] as const).map((version) => ({
    name: `the sandbox’s Markdown ${version}`,
    length: 8 * KIB,
    run: (text: string) => parseMarkdown(text, version),
    units: [
      '`',
      '```',
      '```a',
      '_',
      '__',
      '*',
      '*a*',
      '[',
      '[]',
      '[a]',
      '[a](b)',
      '![',
      '||',
      '~',
      '>',
      '>\n',
      '\n',
      '_\n',
      '[\n',
      '\\',
      '\\_',
      ['[a](', '\\a', ''],
      ['[a](', 'b', ''],
      ['*', 'a\n', '*'],
      ['>**||', '\n>a', '||'],
    ] as const,
  })),
  {
    name: 'what the sandbox finds in a text',
    length: 8 * KIB,
    run(text) {
      const count = Math.floor(text.length / 64);
      const entities = Array.from({ length: count }, (_, n) => ({ type: 'bold' as const, offset: n * 64, length: 1 }));
      return withFound({ text, entities });
    },
    units: ['/a ', '@abc ', '#a ', '#', '#1', 'http://', 'http://.', 'a@a', 'a@a.', '@', 'a.', ['a@', 'a', '.']],
  },
  {
    name: 'the sandbox’s keyboards',
    length: 64 * KIB,
    run: (text) => readMarkup(createParams(new Map([['reply_markup', text]]))),
    units: [
      ['{"inline_keyboard":[', '[{"text":"a","url":"b"}],', '[]]}'],
      ['{"keyboard":[[', '"a",', '0]]}'],
      ['{"inline_keyboard":[[{"text":"a","url":"', 'a', '"}]]}'],
    ],
  },
  {
    name: 'forms',
    length: 64 * KIB,
    run: form,
    units: [
      part('name="a"'),
      part('name="a"; filename="b"'),
      '--x',
      '\r\n--',
      '--x\r\n\r\n',
      ['--x\r\n', 'a: b\r\n', '\r\n\r\n--x--'],
      ['--x\r\ncontent-disposition: form-data; name="', '\\"', '"\r\n\r\n\r\n--x--'],
      ['--x\r\ncontent-disposition: form-data', '; a="b"', '\r\n\r\n\r\n--x--'],
      ['--x\r\ncontent-disposition: form-data; name="', '%41', '"\r\n\r\n\r\n--x--'],
      ['--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n', '\r\n-', '\r\n--x--'],
      ['--x\r\ncontent-disposition: form-data; name="a"; filename="b"\r\n\r\n', '\r\n--y', '\r\n--x--'],
    ],
  },
];

test.each(TRIALS)('$name: 16 times the input takes 24 times the time at most', async (trial) => {
  for (const unit of trial.units) expect(await growthOf(trial, unit), JSON.stringify(unit)).toBeLessThanOrEqual(24);
});

test('a text of signs that JSON escapes is looked through about as fast as one of letters', () => {
  const length = 1024 * KIB;
  const best = (text: string): number => {
    const tries = Array.from({ length: 5 }, () => {
      const before = process.threadCpuUsage();
      for (let n = 0; n < 20; n += 1) requireModestJson(text, BODY_BOUNDS);
      const { user, system } = process.threadCpuUsage(before);
      return user + system;
    });
    return Math.min(...tries);
  };
  const letters = best(`"${'a'.repeat(length)}"`);
  for (const sign of ['\\"', '\\\\']) expect(best(`"${sign.repeat(length / 2)}"`), sign).toBeLessThan(10 * letters);
});

test('the end of a string in JSON is found behind whatever it escapes', () => {
  const bounds = { values: 3, depth: 1 };
  for (const text of ['\\"', '\\\\', '\\\\\\"', ',:[{\\"']) {
    expect(() => requireModestJson(`["${text}","a"]`, bounds), text).not.toThrow();
    expect(() => requireModestJson(`["${text}","a",0]`, bounds), text).toThrow(/values/);
  }
});
