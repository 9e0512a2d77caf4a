import { expect, test } from 'vitest';
import { plainName } from '../../src/web/ui/file-name.ts';

test("a file's name ends as it is shown, and is otherwise as it was sent", () => {
  expect(plainName('photo\u202Egnp.exe')).toBe('photognp.exe');
  const turning = '\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069';
  expect(plainName(`a${turning}b${turning}.exe`)).toBe('ab.exe');
  for (const name of ['notes.txt', 'שלום.pdf', '👩‍👩‍👧.png', '']) expect(plainName(name)).toBe(name);
});
