import type { MessageEntity } from '@grammyjs/types';
import { expect, test } from 'vitest';
import { type Piece, piecesOf, safeAddress } from '../../src/web/sandbox/pieces.ts';

/** As a person would write it: `one <bold>two <italic>three</italic></bold>`. */
const written = (pieces: readonly Piece[]): string =>
  pieces
    .map((piece) => {
      if (typeof piece === 'string') return piece;
      const { type } = piece.entity;
      return `<${type}>${written(piece.within)}</${type}>`;
    })
    .join('');

const entity = (type: 'bold' | 'italic' | 'code', offset: number, length: number): MessageEntity => ({
  type,
  offset,
  length,
});

test('entities nest, stand beside each other, and count as JavaScript does', () => {
  expect(written(piecesOf('one two three', [entity('italic', 8, 5), entity('bold', 4, 9)]))).toBe(
    'one <bold>two <italic>three</italic></bold>',
  );
  expect(written(piecesOf('\u{1f600}ab', [entity('bold', 0, 2), entity('code', 3, 1)]))).toBe(
    '<bold>\u{1f600}</bold>a<code>b</code>',
  );
  expect(written(piecesOf('same', [entity('bold', 0, 4), entity('italic', 0, 4)]))).toBe(
    '<bold><italic>same</italic></bold>',
  );
});

test('an entity that crosses another, or lies outside the text, costs no word', () => {
  expect(written(piecesOf('abcdef', [entity('bold', 0, 4), entity('italic', 2, 4)]))).toBe('<bold>abcd</bold>ef');
  for (const wrong of [entity('bold', 4, 9), entity('bold', -1, 2), entity('bold', 9, 1), entity('bold', 1, 0)])
    expect(written(piecesOf('abcdef', [wrong]))).toBe('abcdef');
});

test('a link leads only to where a page may lead', () => {
  expect(safeAddress('example.com/a')).toBe('https://example.com/a');
  expect(safeAddress('tg://user?id=7')).toBe('tg://user?id=7');
  for (const address of [
    'javascript:alert(1)',
    ' JavaScript:alert(1)',
    'data:text/html,x',
    'blob:x',
    'file:///etc/passwd',
    '',
  ])
    expect(safeAddress(address), address).toBeNull();
});
