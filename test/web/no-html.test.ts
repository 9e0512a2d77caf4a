import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const WEB = join(import.meta.dirname, '..', '..', 'src', 'web');

test('no page makes HTML of a text, nor a program', () => {
  const files = readdirSync(WEB, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(20);
  // The rule itself names it.
  const wrong = files.filter(
    (file) =>
      file !== join('ui', 'html.ts') &&
      /dangerouslySetInnerHTML|(?:inner|outer)HTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|\beval\(|new Function/.test(
        readFileSync(join(WEB, file), 'utf8'),
      ),
  );
  expect(wrong).toEqual([]);
});
