import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/journal.ts';
import { freeEnv, startServer } from './support.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const flagsIn = (text: string) => text.split(' ').filter((word) => word.startsWith('--'));

test('npm start and npx switchboard run Node with the same flags, which it knows', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const [shebang = ''] = readFileSync(join(ROOT, 'src', 'cli.ts'), 'utf8').split('\n');
  const flags = flagsIn(scripts.start);
  expect(flagsIn(shebang)).toEqual(flags);
  expect(execFileSync(process.execPath, [...flags, '-p', '6 * 7'], { encoding: 'utf8', stdio: 'pipe' })).toBe('42\n');
});

test('a process that is killed leaves what it has compiled to the next start', async () => {
  const cache = temporaryFolder();
  const server = await startServer({ ...freeEnv(), NODE_COMPILE_CACHE: cache });
  // It follows the line that says ready: an answer comes after it.
  await fetch(`${server.url}/livez`);
  server.child.kill('SIGKILL');
  await server.ended;
  expect(readdirSync(cache, { recursive: true }).length).toBeGreaterThan(100);
});
