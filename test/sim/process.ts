import type { DatabaseSync } from 'node:sqlite';
import { createMachineTable, type MachineTable } from '../../src/conversations/machines.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { limits } from '../../src/limits.ts';
import { createLog } from '../../src/log.ts';
import { createRetention, type Retention } from '../../src/operators/retention.ts';
import { createProvenTime, type ProvenTime } from '../../src/proven-time.ts';
import { createSystem, type System } from '../../src/system.ts';
import type { Uploads } from '../../src/uploads/uploads.ts';
import { createRandom } from '../system/random.ts';
import { chatter, migrateTo } from './chatter.machine.ts';
import { type AtDisk, connectionOf } from './disk.ts';
import { triesOf } from './inquiries.ts';
import { withTx } from './mutations.ts';
import { ANEW, type Release, type Unfit, VERSIONS } from './release.ts';
import type { World } from './world.ts';

const TABLES = new Map<string, MachineTable>();

/** The machines of a release; the older files are still there. */
function tableOf(release: Release, unfit: Unfit): MachineTable {
  const key = JSON.stringify([release, unfit]);
  const known = TABLES.get(key);
  if (known !== undefined) return known;
  const others = VERSIONS.filter((version) => version !== release.version);
  const older = others.map((version) => chatter({ ...release, version }));
  const parts = { context: undefined, migrate: migrateTo(release), older, unfit, restartText: '' };
  const table = createMachineTable(
    { private: { machine: 'chatter', per: 'chat' }, group: { machine: 'chatter', per: 'user' }, channel: null },
    new Map([['chatter', chatter(release)]]),
    new Map([['chatter', parts]]),
  );
  TABLES.set(key, table);
  return table;
}

/** Those of a world's process: no two users are told in the same words that they begin anew. */
function machinesOf(world: World): MachineTable {
  const table = tableOf(world.release, world.script.unfit);
  return {
    ...table,
    versions(name) {
      return {
        ...table.versions(name),
        get restartText() {
          world.restarts += 1;
          return `${ANEW} ${world.restarts}`;
        },
      };
    },
  };
}

const SILENT = createLog('silent', { write: () => {} });
const RATES = { chatPerS: 1, chatBurst: 3, groupPerMin: 20, groupBurst: 3, overallPerS: 30, overallBurst: 10 };
/** Nobody sends files in these worlds. */
const NO_UPLOADS: Uploads = {
  receive: () => Promise.reject(new Error('There are no files')),
  keep: () => {},
  discard: async () => {},
  forget: async () => {},
  pathOf: ({ stored }) => stored,
};

/** What serves while a process lives. */
export interface Serving {
  /** The engine itself: what a test looks at. */
  readonly journal: Journal;
  readonly system: System;
  readonly retention: Retention;
}

/** One life of Switchboard: what `main.ts` builds, over the world's ports. */
export class Process {
  readonly number: number;
  readonly db: DatabaseSync;
  /** It acts no more, and nothing that it began reaches anybody. */
  dead = false;
  /** Null until it serves. */
  serving: Serving | null = null;
  /** Requests of its own that travel to Telegram. */
  readonly wire = new Set<{ arrives: boolean }>();
  /** Null until it starts. */
  proven: ProvenTime | null = null;
  /** Chats that a call of its own is under way to. */
  readonly busy = new Set<string>();

  constructor(number: number, db: DatabaseSync) {
    this.number = number;
    this.db = db;
  }

  /** Begins to serve. Rejects where the database does not let it. */
  async start(world: World): Promise<void> {
    const random = createRandom(world.script.seed * 1000 + this.number);
    const clock = world.time.clockOf(this);
    // What Node does after the I/O at hand: soon, and after what else is due now.
    this.proven = createProvenTime(clock, world.mark);
    const schedule = (run: () => void): void => {
      world.time.after(random.next() < 0.7 ? 0 : random.whole(1, 5), () => {
        if (!this.dead) run();
      });
    };
    const atDisk: AtDisk = (moment) => world.trouble.atDisk(moment, this);
    const journal = openSqliteJournal({
      db: connectionOf(this.db, this, atDisk, 'write', world.mutation.sql),
      reader: connectionOf(world.disk.reader, this, atDisk, 'read'),
      bot: '1',
      ...{ newStreamId: () => 'sim', newSecret: () => 'of the simulation' },
      clock,
      provenNow: this.proven.now,
      schedule,
      onLost: () => world.lost(this),
      onListenerError: (error) => world.violate('crash', `a listener of the journal threw: ${String(error)}`),
    });
    world.holder = this;
    for (let read = -1; read !== 0; ) {
      const entries = await journal.read({ from: world.journalled.length + 1, limit: 1000 });
      for (const entry of entries) world.noteEntry(entry);
      read = entries.length;
    }
    world.ledger.settle();
    world.unheard = false;
    world.ledger.serves(world.release, world.time.wall);
    journal.onCommit(({ entries }) => {
      if (world.holder !== this)
        world.violate('I6', `process ${this.number} commits, and does not hold the bot any more`);
      for (const entry of entries) world.noteEntry(entry);
      world.ledger.settle();
      if (entries.length > 0) world.trace(`process ${this.number} committed up to ${entries.at(-1)?.seq}`);
    });
    const backend = world.backend.backendFor(this);
    const marks = world.marks.marksFor(this);
    const system = await createSystem({
      journal: world.mutation.journal?.(journal) ?? journal,
      uploads: NO_UPLOADS,
      api: world.mutation.api?.(world.telegram.apiFor(this)) ?? world.telegram.apiFor(this),
      backend: world.mutation.backend?.(backend) ?? backend,
      machines: machinesOf(world),
      clock,
      provenNow: this.proven.now,
      random: random.next,
      log: SILENT,
      pollTimeoutS: world.script.pollTimeoutS,
      deleteWebhook: false,
      marks: world.mutation.marks?.(marks) ?? marks,
      backendTries: triesOf(world.script.tight),
      rates: RATES,
      onRefused: (error) => world.violate('I1', `the poller gave up: ${error.message}`),
      schedule,
    });
    await system.recover();
    if (this.dead) return;
    const keeps = { days: null, entries: world.script.keeps };
    const callbacks = { behind: async () => [] };
    // The model cannot know what of a quarantined chat went before a retry and what after it: test/operators/forgotten.test.ts.
    const kept = withTx(journal, () => ({ forgetHeld: () => false }));
    const retention = createRetention({
      ...{ journal: kept, callbacks, clock, proven: this.proven, log: SILENT, isActive: () => true, ...keeps },
      onDoubt: () => {},
      onGone: () => {},
    });
    this.serving = { journal, system, retention };
    world.ledger.punctuality.excuse(world.time.wall);
    system.start();
    retention.start();
  }

  /** As on SIGTERM. */
  async stop(): Promise<void> {
    if (this.serving === null) return;
    const { journal, system, retention } = this.serving;
    await system.drain('ingress', limits.drainMs).catch(() => {});
    system.operators.close();
    await system.drain('outbox', limits.shutdownMs - limits.shutdownRestMs - limits.drainMs).catch(() => {});
    await retention.stop();
    await system.stop();
    await journal.close();
  }
}
