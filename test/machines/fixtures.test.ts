import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MACHINES, PRODUCT_MACHINES } from './product.ts';
import { fixturesOf, replayFixture } from './replay-fixture.ts';

/**
 * Conversations as `switchboard replay --save` wrote them: each event comes to what it came to then, with the clock as it
 * was. If a machine is meant to answer otherwise from now on, replay the chat and save it anew, or take the file out.
 */
const fixtures = PRODUCT_MACHINES.flatMap((file) =>
  fixturesOf(file.replace('.machine.ts', '')).map((fixture) => [fixture, join(MACHINES, file)] as const),
);

test.each(fixtures)('%s', async (fixture, path) => {
  expect(await replayFixture(fixture, path)).toEqual([]);
});

test('there are fixtures to replay', () => {
  expect(fixtures.length).toBeGreaterThan(0);
});
