import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ApiError } from '../../src/sandbox/api-error.ts';
import { readFormattedText } from '../../src/sandbox/entities.ts';
import { createParams } from '../../src/sandbox/params.ts';

const read = (values: Record<string, unknown>) =>
  readFormattedText(createParams(new Map(Object.entries(values))), 'text', 'entities');
const html = (text: string) => read({ text, parse_mode: 'HTML' });
const markdown = (text: string) => read({ text, parse_mode: 'MarkdownV2' });

describe('HTML', () => {
  test.each([
    ['<b>a</b>', 'a', [{ type: 'bold', offset: 0, length: 1 }]],
    [
      'x <i>a<u>b</u></i>',
      'x ab',
      [
        { type: 'italic', offset: 2, length: 2 },
        { type: 'underline', offset: 3, length: 1 },
      ],
    ],
    ['<del>😀</del>', '😀', [{ type: 'strikethrough', offset: 0, length: 2 }]],
    ['<span class="tg-spoiler">a</span>', 'a', [{ type: 'spoiler', offset: 0, length: 1 }]],
    [
      '<a href="https://a.example/?x=1&amp;y=2">l</a>',
      'l',
      [{ type: 'text_link', offset: 0, length: 1, url: 'https://a.example/?x=1&y=2' }],
    ],
    ['<pre><code class="language-ts">a</code></pre>', 'a', [{ type: 'pre', offset: 0, length: 1, language: 'ts' }]],
    ['<code>a &lt; b</code>', 'a < b', [{ type: 'code', offset: 0, length: 5 }]],
    ['<blockquote expandable>a</blockquote>', 'a', [{ type: 'expandable_blockquote', offset: 0, length: 1 }]],
    ['1 &#60; 2 &unknown; &amp', '1 < 2 &unknown; &', []],
    ['a<b></b>', 'a', []],
  ])('%s', (given, text, entities) => {
    expect(html(given)).toEqual({ text, entities });
  });

  test.each([
    ['<x>a</x>', 'Unsupported start tag "x" at byte offset 0'],
    ['ü<x>a</x>', 'Unsupported start tag "x" at byte offset 2'],
    ['<b>a', 'Can\'t find end tag corresponding to start tag "b"'],
    ['a</b>', 'Unexpected end tag at byte offset 1'],
    ['<b>a</i>', 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'],
    ['a <', 'Unclosed start tag at byte offset 2'],
    ['<span>a</span>', 'Tag "span" must have class "tg-spoiler" at byte offset 0'],
  ])('%s is refused', (given, why) => {
    expect(() => html(given)).toThrow(new ApiError(400, `Bad Request: can't parse entities: ${why}`));
  });
});

describe('MarkdownV2', () => {
  test.each([
    [
      '*a* _b_',
      'a b',
      [
        { type: 'bold', offset: 0, length: 1 },
        { type: 'italic', offset: 2, length: 1 },
      ],
    ],
    [
      '__a__ ~b~ ||c||',
      'a b c',
      [
        { type: 'underline', offset: 0, length: 1 },
        { type: 'strikethrough', offset: 2, length: 1 },
        { type: 'spoiler', offset: 4, length: 1 },
      ],
    ],
    ['`a.b!`', 'a.b!', [{ type: 'code', offset: 0, length: 4 }]],
    ['```ts\na = 1;\n```', 'a = 1;', [{ type: 'pre', offset: 0, length: 6, language: 'ts' }]],
    ['[l](https://a.example/\\))', 'l', [{ type: 'text_link', offset: 0, length: 1, url: 'https://a.example/)' }]],
    [
      '[l](tg://user?id=7)',
      'l',
      [{ type: 'text_mention', offset: 0, length: 1, user: { id: 7, is_bot: false, first_name: 'User' } }],
    ],
    ['1\\.5 \\*', '1.5 *', []],
    ['>a\n>b\nc', 'a\nb\nc', [{ type: 'blockquote', offset: 0, length: 3 }]],
    [
      '*a _b_*',
      'a b',
      [
        { type: 'bold', offset: 0, length: 3 },
        { type: 'italic', offset: 2, length: 1 },
      ],
    ],
  ])('%s', (given, text, entities) => {
    expect(markdown(given)).toEqual({ text, entities });
  });

  test.each([
    ['a.b', "Character '.' is reserved and must be escaped with the preceding '\\'"],
    ['*a', "Can't find end of Bold entity at byte offset 0"],
    ['ü _a', "Can't find end of Italic entity at byte offset 3"],
    ['`a', "Can't find end of Code entity at byte offset 0"],
    ['[a](b', "Can't find end of a URL at byte offset 4"],
  ])('%s is refused', (given, why) => {
    expect(() => markdown(given)).toThrow(new ApiError(400, `Bad Request: can't parse entities: ${why}`));
  });
});

describe('the older Markdown', () => {
  test('*a* [l](https://a.example) a_b is refused, since a mark stays open', () => {
    const given = { text: '*a* [l](https://a.example/)', parse_mode: 'Markdown' };
    expect(read(given).entities).toHaveLength(2);
    expect(() => read({ text: 'a_b', parse_mode: 'Markdown' })).toThrow(
      "Bad Request: can't parse entities: Can't find end of the entity starting at byte offset 1",
    );
  });
});

describe('given entities', () => {
  test('are kept in the text that is left after trimming', () => {
    const given = { text: '  ab cd  ', entities: [{ type: 'bold', offset: 5, length: 4 }] };
    expect(read(given)).toEqual({ text: 'ab cd', entities: [{ type: 'bold', offset: 3, length: 2 }] });
  });

  test.each([
    ['no array member', ['x'], "can't parse MessageEntity: expected an Object"],
    ['no offset', [{ type: 'bold', length: 1 }], 'can\'t parse MessageEntity: Can\'t find field "offset"'],
    [
      'a wrong length',
      [{ type: 'bold', offset: 0, length: {} }],
      'can\'t parse MessageEntity: Field "length" must be of type Number',
    ],
    [
      'an unknown type',
      [{ type: 'loud', offset: 0, length: 1 }],
      "can't parse MessageEntity: Unsupported type specified",
    ],
    [
      'one that ends too late',
      [{ type: 'bold', offset: 0, length: 9 }],
      'entity beginning at UTF-16 offset 0 ends after the end of the text at UTF-16 offset 9',
    ],
    [
      'one that begins too late',
      [{ type: 'bold', offset: 8, length: 1 }],
      'entity begins after the end of the text at UTF-16 offset 8',
    ],
    [
      'half of an emoji',
      [{ type: 'bold', offset: 0, length: 1 }],
      'entity begins in a middle of a UTF-16 symbol at byte offset 0',
    ],
  ])('%s is refused', (_, entities, why) => {
    expect(() => read({ text: '😀ab', entities })).toThrow(new ApiError(400, `Bad Request: ${why}`));
  });
});

test('commands, mentions, hashtags and addresses are marked by themselves, but not inside a mark', () => {
  const { entities } = read({ text: '/pay@my_bot @bob #tag https://a.example/x, me@a.example' });
  expect(entities.map((e) => [e.type, e.offset, e.length])).toEqual([
    ['bot_command', 0, 11],
    ['mention', 12, 4],
    ['hashtag', 17, 4],
    ['url', 22, 19],
    ['email', 43, 12],
  ]);
  expect(html('<code>/pay</code>').entities).toEqual([{ type: 'code', offset: 0, length: 4 }]);
});

test('whatever comes is either refused in Telegram’s form or gives entities within the text', () => {
  const piece = fc.constantFrom(
    '<b>',
    '</b>',
    '<a href="x">',
    '</a>',
    '&lt;',
    '<',
    '>',
    '*',
    '_',
    '__',
    '`',
    '```',
    '[',
    '](u)',
    '\\',
    '||',
    '\n>',
    'é',
    '😀',
    ' ',
    'a',
  );
  const mode = fc.constantFrom('HTML', 'MarkdownV2', 'Markdown');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), mode, (pieces, parse_mode) => {
      let given: ReturnType<typeof read>;
      try {
        given = read({ text: pieces.join(''), parse_mode });
      } catch (error) {
        expect(error).toBeInstanceOf(ApiError);
        return;
      }
      for (const { offset, length } of given.entities) {
        expect(offset).toBeGreaterThanOrEqual(0);
        expect(length).toBeGreaterThan(0);
        expect(offset + length).toBeLessThanOrEqual(given.text.length);
      }
    }),
    { numRuns: 2000 },
  );
});
