import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { loadStepper } from '../../src/conversations/files.ts';
import { runFixture } from '../../src/conversations/fixture.ts';
import { errorText } from '../../src/errors.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');

/** The fixtures of one machine, by the name that their first line says. */
export const fixturesOf = (machine: string): readonly string[] =>
  readdirSync(FIXTURES)
    .filter((file) => file.endsWith('.jsonl'))
    .filter((file) => readFileSync(join(FIXTURES, file), 'utf8').split('\n', 1)[0]?.includes(`"machine":"${machine}"`));

/** Where a machine departs from what happened, a sentence each. */
export async function replayFixture(fixture: string, machinePath: string): Promise<readonly string[]> {
  const findings: string[] = [];
  let steps = 0;
  const lines = createInterface(createReadStream(join(FIXTURES, fixture)));
  try {
    for await (const { line, says, comes } of runFixture(lines, () => loadStepper(machinePath))) {
      steps += 1;
      if (!isDeepStrictEqual(JSON.parse(JSON.stringify(comes)), JSON.parse(JSON.stringify(says))))
        findings.push(`line ${line}: it comes to ${JSON.stringify(comes)}, then it was ${JSON.stringify(says)}`);
    }
  } catch (error) {
    return [errorText(error)];
  }
  return steps === 0 ? ['it holds no event'] : findings;
}
