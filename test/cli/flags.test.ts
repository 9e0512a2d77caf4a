import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const flagsIn = (text: string) => text.split(' ').filter((word) => word.startsWith('--'));

test('npm start and npx switchboard run Node with the same flags, which it knows', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const [shebang = ''] = readFileSync(join(ROOT, 'src', 'cli.ts'), 'utf8').split('\n');
  const flags = flagsIn(scripts.start);
  expect(flagsIn(shebang)).toEqual(flags);
  expect(execFileSync(process.execPath, [...flags, '-p', '6 * 7'], { encoding: 'utf8', stdio: 'pipe' })).toBe('42\n');
});
