import type { MarkedCall, SendMarks } from '../../src/outbox/marks.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

/** One start in so many is of the machine too: it has lost its power, and nothing that was noted is believed. */
const POWER_LOSS_EVERY = 3;

/** What processes note of their calls: it outlives them, as a file does that the kernel keeps. */
export class ModelMarks {
  readonly #world: World;
  #owner: Process | null = null;
  #waiting = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Of a process that begins. While the one before lives, its notes prove nothing: they may still change. */
  marksFor(process: Process): SendMarks {
    const isPowerLost = (process.number + this.#world.script.seed) % POWER_LOSS_EVERY === 0;
    const isProof = this.#owner?.dead === true && !isPowerLost;
    const before = isProof ? this.#waiting : new Set<string>();
    const own = new Set<string>();
    return {
      waiting(calls) {
        if (!process.dead) for (const call of calls) own.add(keyOf(call));
      },
      leaving(call) {
        if (!process.dead) own.delete(keyOf(call));
      },
      neverLeft: (call) => before.has(keyOf(call)),
      begin: () => {
        this.#owner = process;
        this.#waiting = own;
      },
    };
  }
}

const keyOf = ({ seq, attempts }: MarkedCall): string => `${seq}/${attempts}`;
