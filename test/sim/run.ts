import { limits } from '../../src/limits.ts';
import { within } from './bounds.ts';
import type { Disk } from './disk.ts';
import { checkEnd, settle } from './end.ts';
import type { Script } from './script.ts';
import { perform } from './steps.ts';
import { type Mutation, type Violation, World } from './world.ts';

/** What came of a run. */
export interface Outcome {
  readonly violation: Violation | null;
  /** One number for all that happened: the same for the same script. */
  readonly hash: number;
  readonly entries: number;
  readonly crashes: number;
  readonly events: number;
  /** Things that happened at a time of their own. */
  readonly steps: number;
  /** All that happened, a line each; empty where nobody asked for it. */
  readonly story: readonly string[];
}

const HOUR_MS = 3_600_000;
const WEEK_MS = 7.5 * 24 * 3_600_000;

/** Runs a script to its end, and until everything has settled; then looks at all that is left. */
export const runScript = (script: Script, disk: Disk, mutation: Mutation = {}, tells = false): Promise<Outcome> =>
  within(script.tight, () => run(script, disk, mutation, tells));

async function run(script: Script, disk: Disk, mutation: Mutation, tells: boolean): Promise<Outcome> {
  disk.clear();
  const world = new World(script, disk, mutation, tells);
  const { time, broken } = world;
  const onRejection = (error: unknown): void => world.violate('crash', `nobody handles ${String(error)}`);
  process.on('unhandledRejection', onRejection);
  try {
    world.start();
    let begun = 0;
    let passed = 0;
    for (const op of script.ops) {
      await time.run(begun + op.at - passed, broken);
      if (broken()) break;
      if (op.do === 'week') {
        await idleWeek(world, op.up, op.ahead);
        begun = time.now;
        passed = op.at;
      } else perform(world, op);
    }
    if (!broken()) await settle(world);
    if (!broken()) await checkEnd(world);
  } finally {
    process.off('unhandledRejection', onRejection);
    // What still waits must not act in the next world.
    if (world.current !== null) world.kill(world.current, 0, false, 'the world ends');
  }
  return {
    violation: world.violations[0] ?? null,
    hash: world.hash,
    entries: world.journalled.length,
    crashes: world.crashes,
    events: world.events,
    steps: time.steps,
    story: world.story ?? [],
  };
}

/** Nobody writes; Telegram numbers anew. */
async function idleWeek(world: World, up: boolean, ahead: number): Promise<void> {
  const { time, broken } = world;
  world.trace(`a week passes, ${up ? 'up' : 'down'}`);
  world.disconnectAll();
  if (!up && world.current !== null) world.kill(world.current, WEEK_MS, true, 'nobody needs it for a week');
  const { clockLookMs, provenLookMs } = limits;
  // A look at the clock each second of a week is simulated for seconds.
  Object.assign(limits, { clockLookMs: HOUR_MS, provenLookMs: HOUR_MS });
  await time.run(time.now + WEEK_MS - 2 * HOUR_MS, broken);
  Object.assign(limits, { clockLookMs, provenLookMs });
  await time.run(time.now + 2 * HOUR_MS, broken);
  world.telegram.restart(ahead);
}
