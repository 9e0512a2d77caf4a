import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StateMachine } from 'xstate';
import { findingsOf } from './rules.ts';

const MACHINES = join(import.meta.dirname, '../../machines');
const files = readdirSync(MACHINES).filter((file) => file.endsWith('.machine.ts'));

test.each(files)('%s keeps the rules', { timeout: 120_000 }, async (file) => {
  const { machine }: { machine?: unknown } = await import(join(MACHINES, file));
  if (!(machine instanceof StateMachine)) throw new TypeError(`${file} must export its machine as "machine"`);
  expect(findingsOf(file.replace(/(@.*)?\.machine\.ts$/, ''), machine)).toEqual([]);
});

test('there are machines to look at', () => {
  expect(files.length).toBeGreaterThan(2);
});
