import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chatWord, matchOf, searchable, snippetOf, TOKENIZER } from '../../src/console/words.ts';

/** An index of these texts, each of a chat of its number; what it finds is told as their numbers. */
function indexOf(texts: readonly string[]) {
  const db = new DatabaseSync(':memory:');
  db.exec(
    `CREATE VIRTUAL TABLE words USING fts5(text, chat, content='', contentless_delete=1, tokenize="${TOKENIZER}")`,
  );
  const add = db.prepare('INSERT INTO words (rowid, text, chat) VALUES (?, ?, ?)');
  for (const [n, text] of texts.entries()) add.run(n + 1, searchable(text), chatWord(String(n + 1)));
  const find = db.prepare('SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid');
  return (asked: string, chats: readonly string[] | null = null): number[] => {
    const match = matchOf(asked, chats);
    return match === null ? [] : find.all(match).map(({ rowid }) => Number(rowid));
  };
}

describe('a search', () => {
  const find = indexOf([
    'Crème brûlée for Zoë',
    '我想要付款，谢谢',
    'שלום עולם',
    'paid 😀 👍🏽 today',
    'Где мой платёж?',
    'ขอบคุณมากครับ',
    'pay_51ab NEAR OR AND NOT',
    'お支払いはどこですか',
    'مرحبا بالعالم',
  ]);

  test.each([
    ['without accents', 'creme brulee', [1]],
    ['with accents', 'zoë', [1]],
    ['two Chinese signs', '付款', [2]],
    ['Chinese signs that do not follow each other', '款付', []],
    ['Japanese, in the middle of a sentence', '支払い', [8]],
    ['Thai, which has no spaces', 'คุณ', [6]],
    ['Hebrew, by the beginning of a word', 'של', [3]],
    ['Arabic', 'بالعالم', [9]],
    ['Russian, in another case', 'ПЛАТЁЖ', [5]],
    ['an emoji', '😀', [4]],
    ['an emoji with a colour', '👍🏽', [4]],
    ['the beginning of a word', 'pa', [4, 7]],
    ['all words, in any order', 'today paid', [4]],
    ['a word in quotes, whole', '"pa"', []],
    ['words in quotes, in a row', '"my brûlée"', []],
    ['an operator as a word', 'NEAR', [7]],
    ['an operator that is none', 'paid OR creme', []],
    ['a column that is none', 'chat:1', []],
    ['nothing but signs', '"" * ( ) ^ -', []],
    ['nothing', '', []],
  ] as const)('finds %s', (_, asked, found) => {
    expect(find(asked)).toEqual(found);
  });

  test('is kept to chats', () => {
    expect(find('pa', ['7'])).toEqual([7]);
    expect(find('pa', ['8', '9'])).toEqual([]);
    expect(find('pa', [])).toEqual([]);
  });

  test('is never an error, and never finds the word for a chat, whatever is asked', () => {
    expect(find('chat7')).toEqual([]);
    const asked = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.stringMatching(/^["*()^:+\-{}A-Z ]{0,30}$/));
    fc.assert(
      fc.property(asked, (text) => {
        find(text);
        find(text, ['7']);
      }),
      { numRuns: 500 },
    );
  });

  test('a text is found by itself, in whatever scripts it is', () => {
    const signs = fc.constantFrom(...'aZß9é Ж и ש ל م ب 付 款 い カ ข ม 한 😀 👍🏽 🇩🇪 - . ( " \' _ \n');
    fc.assert(
      fc.property(fc.array(signs, { minLength: 1, maxLength: 40 }), (some) => {
        const text = some.join('').replaceAll('"', ' ');
        fc.pre(matchOf(text, null) !== null);
        expect(indexOf([text])(text)).toEqual([1]);
      }),
      { numRuns: 300 },
    );
  });
});

test('a snippet is the text around the first hit, and the whole of a short one', () => {
  const joined = (text: string, asked: string) =>
    snippetOf(text, asked)
      .map(({ text, hit }) => (hit ? `[${text}]` : text))
      .join('');
  expect(joined('Crème brûlée for Zoë', 'brulee')).toBe('Crème [brûlée] for Zoë');
  expect(joined('我想要付款', '付款')).toBe('我想要[付款]');
  expect(joined('<b>paid</b>', 'paid')).toBe('<b>[paid]</b>');
  const long = `${'word '.repeat(100)}needle${' word'.repeat(100)}`;
  expect(joined(long, 'need')).toMatch(/^….*\[needle\].*…$/);
  expect(joined(long, 'need').length).toBeLessThan(250);
});
