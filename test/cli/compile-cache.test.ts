import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/journal.ts';
import { freeEnv, startServer } from './support.ts';

test('a process that is killed leaves what it has compiled to the next start', { timeout: 600_000 }, async () => {
  const cache = temporaryFolder();
  const server = await startServer({ ...freeEnv(), NODE_COMPILE_CACHE: cache });
  // It follows the line that says ready: an answer comes after it.
  await fetch(`${server.url}/livez`);
  server.child.kill('SIGKILL');
  await server.ended;
  expect(readdirSync(cache, { recursive: true }).length).toBeGreaterThan(100);
});
