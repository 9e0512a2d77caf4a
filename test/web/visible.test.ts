import { expect, test } from 'vitest';
import { firstVisible, visibleOr } from '../../src/web/ui/visible.ts';

test('a name of which nothing is to be seen is none, and any that shows something stays as it is', () => {
  for (const blank of [
    null,
    undefined,
    '',
    '  \t',
    '\u200b',
    '\u2800\u2800',
    '\u3164',
    '\u202e\u00a0',
    '\ufe0f',
    '\u0000',
  ])
    expect(visibleOr(blank, '777'), JSON.stringify(blank)).toBe('777');
  for (const name of ['Mia', '\u200bMia', '.', '😀', 'דנה', '\u0301', '🇩🇪', '👩‍👩‍👧'])
    expect(visibleOr(name, '777')).toBe(name);
  expect([firstVisible('\u200b\u2800Zoë'), firstVisible('😀 you'), firstVisible('\u200b')]).toEqual(['Z', '😀', '']);
});
