import { afterAll, describe, expect, test } from 'vitest';
import { openDisk } from './disk.ts';
import { MUTATIONS } from './mutations.ts';
import { type Failure, reportOf, trySeed } from './report.ts';
import { runScript } from './run.ts';
import { scriptOf } from './script.ts';

const SEEDS = 300;
/** Each test runs up to SEEDS worlds, and shrinks one. */
const TEST_MS = 600_000;

const disk = openDisk();
afterAll(() => disk.close());

describe('whatever Telegram, the disk, the backend and the operating system do', () => {
  test(`the invariants hold, in ${SEEDS} worlds`, { timeout: TEST_MS }, async () => {
    let crashes = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { outcome, failure } = await trySeed(seed, disk);
      if (failure !== null) expect.fail(reportOf(failure));
      crashes += outcome.crashes;
    }
    expect(crashes).toBeGreaterThan(SEEDS / 3);
  });

  test('the same seed is the same world, to the last event', { timeout: TEST_MS }, async () => {
    const other = openDisk();
    for (let seed = 1; seed <= 20; seed += 1) {
      const [first, again] = [await runScript(scriptOf(seed), disk), await runScript(scriptOf(seed), other)];
      expect({ seed, ...again }).toEqual({ seed, ...first });
    }
    other.close();
  });
});

describe('a bug that is put in on purpose is found, and shrunk', () => {
  test.for(Object.entries(MUTATIONS))('%s', { timeout: TEST_MS }, async ([, { breaks, mutation }]) => {
    let found: Failure | null = null;
    for (let seed = 1; seed <= SEEDS && found === null; seed += 1) {
      found = (await trySeed(seed, disk, mutation)).failure;
    }
    if (found === null) expect.fail(`It is not found within ${SEEDS} seeds`);
    const { seed, invariant, shortest } = found;
    expect({ seed, invariant }).toEqual({ seed, invariant: breaks });
    // Every step that is left is needed; and it is the bug that fails, not the script.
    for (const op of shortest.ops) {
      const without = { ...shortest, ops: shortest.ops.filter((other) => other !== op) };
      expect((await runScript(without, disk, mutation)).violation?.invariant).not.toBe(invariant);
    }
    expect((await runScript(shortest, disk)).violation).toBeNull();
  });
});
