import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { loadStepper } from '../../src/conversations/files.ts';
import { runFixture } from '../../src/conversations/fixture.ts';

/**
 * Conversations as `switchboard replay --save` wrote them: each event comes to what it came to then, with the clock as it
 * was. Where a machine is meant to answer otherwise from now on, replay the chat and save it anew, or take the file out.
 */
const FIXTURES = join(import.meta.dirname, 'fixtures');
const MACHINES = join(import.meta.dirname, '..', '..', 'machines');

test.each(readdirSync(FIXTURES))('%s', async (file) => {
  const lines = createInterface(createReadStream(join(FIXTURES, file)));
  let steps = 0;
  for await (const { line, says, comes } of runFixture(lines, (machine) =>
    loadStepper(join(MACHINES, `${machine}.machine.ts`)),
  )) {
    expect(comes, `line ${line}`).toEqual(says);
    steps += 1;
  }
  expect(steps).toBeGreaterThan(0);
});
