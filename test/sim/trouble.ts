import { type AtDisk, Death, diskError } from './disk.ts';
import type { Process } from './process.ts';
import type { DiskFault, Moment, Op } from './script.ts';
import type { World } from './world.ts';

type Crash = Extract<Op, { readonly do: 'crash' }>;

/** Crashes and failures of the disk that wait for their moment. */
export class Trouble {
  readonly #world: World;
  readonly #crashes: (Crash & { left: number })[] = [];
  readonly #diskFaults: { readonly kind: DiskFault; left: number; times: number }[] = [];
  #diskOutageUntil = 0;
  #lockedUntil = 0;

  constructor(world: World) {
    this.#world = world;
  }

  armCrash(crash: Crash): void {
    this.#crashes.push({ ...crash, left: crash.nth });
  }

  /** From the nth such moment on the disk fails so many times. */
  armDisk(kind: DiskFault, nth: number, times: number): void {
    this.#diskFaults.push({ kind, left: nth, times });
  }

  /** Until then nothing can be committed. */
  fillDisk(until: number): void {
    this.#diskOutageUntil = until;
  }

  /** Until then another program has the write lock. */
  lockDatabase(until: number): void {
    this.#lockedUntil = until;
  }

  /** From now on nothing goes wrong. */
  end(): void {
    this.#lockedUntil = 0;
    this.#crashes.length = 0;
    this.#diskFaults.length = 0;
    this.#diskOutageUntil = 0;
  }

  /** A process comes to a moment; true where it is dead, or does not survive it. */
  moment(moment: Moment, process: Process): boolean {
    const crash = this.#crashes.find((armed) => armed.moment === moment);
    if (crash === undefined || process.dead) return process.dead;
    crash.left -= 1;
    if (crash.left > 0) return false;
    this.#crashes.splice(this.#crashes.indexOf(crash), 1);
    this.#world.crashes += 1;
    if (moment === 'committed') this.#world.unheard = true;
    this.#world.kill(process, crash.downMs, crash.arrives, `crash at ${moment}`);
    return true;
  }

  /** A process comes to a moment of a transaction. Throws what the disk throws, or its death. */
  atDisk(moment: Parameters<AtDisk>[0], process: Process): void {
    if (moment !== 'read' && this.moment(moment, process)) throw new Death();
    if (moment === 'committed') return;
    if (moment === 'commit' && this.#world.time.now < this.#diskOutageUntil) throw this.#failed('full');
    if (moment === 'begin' && this.#world.time.now < this.#lockedUntil) throw this.#failed('locked');
    const fault = this.#diskFaults.find(({ kind }) => kind.split(',')[0] === moment);
    if (fault === undefined) return;
    fault.left -= 1;
    if (fault.left > 0) return;
    fault.times -= 1;
    if (fault.times <= 0) this.#diskFaults.splice(this.#diskFaults.indexOf(fault), 1);
    this.#world.trace(`the disk fails: ${fault.kind}`);
    if (fault.kind.endsWith('rolled back')) process.db.exec('ROLLBACK');
    throw this.#failed(fault.kind === 'begin' || fault.kind === 'read' ? 'io' : 'full');
  }

  #failed(what: 'full' | 'io' | 'locked'): Error {
    this.#world.ledger.punctuality.excuse(this.#world.time.wall);
    return diskError(what);
  }
}
