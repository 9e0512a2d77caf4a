import type { Backend } from '../../src/backend/backend.ts';
import type { Entry, Journal } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import type { SendMarks } from '../../src/outbox/marks.ts';
import type { ProvenMark } from '../../src/proven-time.ts';
import type { BotApi } from '../../src/telegram/telegram.ts';
import { createRandom, type Random } from '../system/random.ts';
import { ModelAggregator } from './aggregator.ts';
import { ModelBackend } from './backend.ts';
import { VirtualTime } from './clock.ts';
import type { Disk } from './disk.ts';
import { triesOf } from './inquiries.ts';
import { Ledger } from './ledger.ts';
import { ModelMarks } from './marks.ts';
import { ModelOperator } from './operator.ts';
import { Process, type Serving } from './process.ts';
import { FIRST, type Release } from './release.ts';
import { OPERATORS, type Script } from './script.ts';
import { ModelTechnician } from './technician.ts';
import { ModelTelegram } from './telegram.ts';
import { Trouble } from './trouble.ts';

/** A promise that was broken. */
export interface Violation {
  readonly invariant: string;
  readonly what: string;
}

/** A bug put in on purpose: something real, wrapped. */
export interface Mutation {
  readonly journal?: (journal: Journal) => Journal;
  readonly api?: (api: BotApi) => BotApi;
  readonly marks?: (marks: SendMarks) => SendMarks;
  readonly backend?: (backend: Backend) => Backend;
  readonly sql?: (sql: string) => string;
}

/** The world of one script: Switchboard's lives, one after another, and everything around them. */
export class World {
  readonly script: Script;
  readonly disk: Disk;
  readonly mutation: Mutation;
  readonly time = new VirtualTime();
  readonly telegram = new ModelTelegram(this);
  readonly backend = new ModelBackend(this);
  readonly marks = new ModelMarks(this);
  readonly trouble = new Trouble(this);
  readonly aggregator = new ModelAggregator(this);
  readonly operators = Array.from({ length: OPERATORS }, (_, i) => new ModelOperator(this, i));
  readonly technician = new ModelTechnician(this);
  readonly ledger: Ledger;
  /** What the next process runs. */
  release: Release = FIRST;
  /** What is committed, as far as anybody outside the database knows. */
  readonly journalled: Entry[] = [];
  readonly violations: Violation[] = [];
  /** The process that serves, or is about to. */
  current: Process | null = null;
  /** A process has died between a commit and its telling: `journalled` lacks what it brought. */
  unheard = false;
  /** The one that took the bot over last. */
  holder: Process | null = null;
  /** Conversations that were to begin anew, for their version. */
  restarts = 0;
  crashes = 0;
  /** Processes that have ended. */
  deaths = 0;
  events = 0;
  /** The time that processes keep for those after them. */
  readonly mark: ProvenMark = {
    read: () => this.#mark,
    write: (at) => {
      this.#mark = at;
    },
  };
  #mark: number | null = null;
  /** The latest that the wall clock has shown, up to when it was last set. */
  latestShown = 0;
  /** One number for all that has happened, in its order. */
  hash = 0x811c9dc5;
  readonly story: string[] | null;
  /** Who waits for a process that serves. */
  readonly #waiters: (() => void)[] = [];
  readonly #random: Random;
  #processes = 0;

  constructor(script: Script, disk: Disk, mutation: Mutation, tells: boolean) {
    this.script = script;
    this.disk = disk;
    this.mutation = mutation;
    const violate = (invariant: string, what: string) => this.violate(invariant, what);
    this.ledger = new Ledger(violate, script.unfit, () => limits.heldEventsPerUnit, triesOf(script.tight), {
      pressedUnder: (press) => this.telegram.pressedUnder(press),
      keeps: script.keeps,
    });
    this.#random = createRandom(script.seed ^ 0x5eed);
    this.story = tells ? [] : null;
  }

  /** The process that serves now; null while none does. */
  get serving(): (Serving & { readonly dead: boolean }) | null {
    const { current } = this;
    if (current === null || current.dead || current.serving === null) return null;
    return {
      ...current.serving,
      get dead() {
        return current.dead;
      },
    };
  }

  trace(line: string): void {
    this.events += 1;
    for (let i = 0; i < line.length; i += 1) this.hash = Math.imul(this.hash ^ line.charCodeAt(i), 0x01000193);
    this.hash = Math.imul(this.hash ^ this.time.now, 0x01000193) >>> 0;
    this.story?.push(`${(this.time.now / 1000).toFixed(3).padStart(12)}  ${line}`);
  }

  violate(invariant: string, what: string): void {
    this.trace(`VIOLATION ${invariant} ${what}`);
    this.violations.push({ invariant, what });
  }

  readonly broken = (): boolean => this.violations.length > 0;

  /** A random delay of the world's, ms. */
  delay(min: number, max: number): number {
    return this.#random.whole(min, max);
  }

  /** Starts a process on what the database holds. */
  start(): void {
    const used = this.current?.dead === false ? this.current.db : null;
    const [first, second] = this.disk.writers;
    const process = new Process(++this.#processes, used === first ? second : first);
    this.current = process;
    this.trace(`process ${process.number} starts`);
    process.start(this).then(
      () => {
        if (this.serving === null) return;
        for (const operator of this.operators) this.#reconnect(operator);
        for (const run of this.#waiters.splice(0)) this.time.after(this.delay(0, 1000), run);
      },
      (error) => {
        // As main.ts does: it ends, and whoever watches over it starts it again.
        if (!process.dead) this.kill(process, 500, true, `it could not start: ${String(error)}`);
      },
    );
  }

  kill(process: Process, downMs: number, arrives: boolean, why: string): void {
    if (process.dead) return;
    process.dead = true;
    this.deaths += 1;
    this.trace(`process ${process.number} dies: ${why}`);
    if (process.db.isTransaction) process.db.exec('ROLLBACK');
    for (const request of process.wire) request.arrives = arrives;
    if (process !== this.current) return;
    for (const operator of this.operators) operator.leave();
    this.time.after(downMs, () => {
      if (this.current === process) this.start();
    });
  }

  /** The bot has been taken over: the process ends. */
  lost(process: Process): void {
    if (process === this.current) this.violate('I6', `process ${process.number} lost the bot to nobody`);
    this.time.after(this.delay(0, 300), () => this.kill(process, 0, true, 'it lost the bot'));
  }

  noteEntry(entry: Entry): void {
    this.journalled.push(entry);
    this.ledger.take(entry);
  }

  #reconnect(operator: ModelOperator): void {
    this.time.after(this.delay(0, 3000), () => {
      const { serving } = this;
      if (serving !== null && operator.wants && !operator.connected) operator.connect(serving.system.operators);
    });
  }

  /** Runs it soon after a process has begun to serve. */
  whenServing(run: () => void): void {
    this.#waiters.push(run);
  }

  /** Stops the process as SIGTERM does. */
  stop(downMs: number): void {
    const process = this.current;
    if (process === null || process.dead || process.serving === null) return;
    void process.stop().then(() => this.kill(process, downMs, true, 'it stopped'));
    this.time.after(limits.shutdownMs, () => this.kill(process, downMs, true, 'it did not stop in time'));
  }

  /** The process is stopped; the next one runs another release. */
  deploy(release: Release, downMs: number): void {
    this.release = release;
    this.stop(downMs);
  }

  /** A rival starts while the one before still serves; that one ends when it notices, or is ended. */
  takeOver(lingersMs: number): void {
    const { current } = this;
    if (current === null || current.dead) return;
    this.crashes += 1;
    for (const operator of this.operators) operator.leave();
    this.start();
    this.time.after(lingersMs, () => this.kill(current, 0, true, 'its rival has it ended'));
  }

  /** Somebody sets the wall clock. */
  setClock(byMs: number): void {
    this.aggregator.noteTime();
    this.latestShown = Math.max(this.latestShown, this.time.wall);
    this.time.wallOffsetMs += byMs;
    this.ledger.clockSet(byMs, this.time.wall);
  }

  /** No reader is there, and none comes by itself. */
  disconnectAll(): void {
    for (const operator of this.operators) operator.goAway();
  }

  /** From now on nothing goes wrong. */
  becomeCalm(): void {
    this.trouble.end();
    this.telegram.callFaults.length = 0;
    this.telegram.pollFaults.length = 0;
    this.telegram.outageUntil = 0;
    this.backend.faults.length = 0;
    this.backend.outageUntil = 0;
  }

  connectAll(): void {
    const { serving } = this;
    if (serving === null) return;
    for (const operator of this.operators) operator.connect(serving.system.operators);
  }
}
