import type { Disk } from './disk.ts';
import { type Outcome, runScript } from './run.ts';
import { printed, type Script, scriptOf } from './script.ts';
import { shrink } from './shrink.ts';
import type { Mutation } from './world.ts';

/** A seed that fails: what is broken, and the shortest script that breaks it. */
export interface Failure {
  readonly seed: number;
  readonly invariant: string;
  readonly what: string;
  readonly shortest: Script;
}

/** Runs one seed. A failure has been shrunk. */
export async function trySeed(
  seed: number,
  disk: Disk,
  mutation: Mutation = {},
): Promise<{ readonly outcome: Outcome; readonly failure: Failure | null }> {
  const script = scriptOf(seed);
  const outcome = await runScript(script, disk, mutation);
  const { violation } = outcome;
  if (violation === null) return { outcome, failure: null };
  let { what } = violation;
  const shortest = await shrink(script, async (shorter) => {
    const again = (await runScript(shorter, disk, mutation)).violation;
    if (again?.invariant !== violation.invariant) return false;
    what = again.what;
    return true;
  });
  return { outcome, failure: { seed, invariant: violation.invariant, what, shortest } };
}

/** For people: what is broken, how to see it again, and the script. */
export const reportOf = ({ seed, invariant, what, shortest }: Failure): string =>
  `Seed ${seed} breaks ${invariant}: ${what}\n` +
  `See all that happens: npm run sim -- --seed ${seed} --story\nThe shortest script that breaks it, ${printed(shortest)}`;
