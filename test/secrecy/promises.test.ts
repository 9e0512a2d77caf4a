import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

test('docs/security.md names a test for each promise, and the tests are there', () => {
  const [, table = ''] = read('docs/security.md')
    .split(/^## .*$/m)
    .slice(1);
  const promises = table.split('\n').filter((line) => /^\| (?!---|promise)/.test(line));
  expect(promises.length).toBeGreaterThan(20);
  for (const line of promises) {
    const [, path = '', name = ''] = /\| `(test\/[^`]+)`: "(.+)" \|$/.exec(line) ?? [];
    expect(path, line).not.toBe('');
    expect(read(path), line).toContain(name);
  }
});

test('README.md and docs/operations.md lead to docs/security.md', () => {
  expect(read('README.md')).toContain('](docs/security.md)');
  expect(read('docs/operations.md')).toContain('](security.md)');
});
