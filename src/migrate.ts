import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Settings } from '../config/schema.ts';
import { type Clock, systemClock } from './clock.ts';
import { loadMachineTable } from './conversations/files.ts';
import type { MachineTable } from './conversations/machines.ts';
import { createRouter } from './conversations/router.ts';
import { type SweepCounts, sweep } from './conversations/sweep.ts';
import { createTally, judgeAll, outlookOf } from './conversations/tally.ts';
import { requireData } from './journal/data-folder.ts';
import { openSqliteJournal } from './journal/sqlite.ts';
import { holdDataFolder, openDatabase, openReader } from './journal/sqlite-open.ts';
import { openSqliteReader } from './journal/sqlite-reader.ts';
import { botOfToken, SANDBOX_TOKEN } from './telegram/telegram.ts';
import { parse } from './usage.ts';

const MACHINES = join(import.meta.dirname, '..', 'machines');

export interface MigrateOptions {
  /** The data folder. */
  readonly folder: string;
  readonly bot: string;
  readonly machines: MachineTable;
  readonly print: (line: string) => void;
  /** What has been done so far, while it takes long; by default nobody is told. */
  readonly progress?: (done: number) => void;
  readonly clock?: Clock;
}

/** `switchboard migrate [--dry-run]`. Returns the exit code. */
export async function migrateCommand(
  args: readonly string[],
  settings: Settings,
  print: (line: string) => void,
  progress: (done: number) => void,
): Promise<number> {
  const { values } = parse({ args: [...args], options: { 'dry-run': { type: 'boolean', default: false } } });
  const options = {
    folder: settings.data,
    bot: botOfToken(settings.telegram.token ?? SANDBOX_TOKEN) ?? '',
    machines: await loadMachineTable(settings.conversations, MACHINES, settings.machines),
    ...{ print, progress },
  };
  await (values['dry-run'] ? dryRun(options) : migrate(options));
  return 0;
}

/** `switchboard migrate --dry-run`: what would become of the conversations of other versions. Also beside a server. */
export async function dryRun({ folder, bot, machines, print, progress = () => {} }: MigrateOptions): Promise<void> {
  const journal = openSqliteReader(folder, bot);
  try {
    const tally = createTally(machines.versions);
    await judgeAll(journal, machines.versions, (conversation, outlook) => {
      tally.add(conversation, outlook);
      progress(tally.total());
    });
    for (const line of tally.lines()) print(line);
    print(tally.total() === 0 ? NOTHING : 'a dry run: nothing was changed');
  } finally {
    journal.close();
  }
}

/**
 * `switchboard migrate`: brings every conversation to today's versions, as a server does after its start. Interrupted, it
 * goes on where it was when it is run again, or when a server starts. Throws data_held while one serves the folder.
 */
export async function migrate(options: MigrateOptions): Promise<SweepCounts | null> {
  const { folder, bot, machines, print, progress = () => {}, clock = systemClock } = options;
  requireData(folder);
  const open: { close(): unknown }[] = [];
  const opened = <T extends { close(): unknown }>(what: T): T => {
    open.push(what);
    return what;
  };
  try {
    const db = opened(openDatabase(folder));
    // The schema is of today now: whether there is anything of this bot can be read.
    openSqliteReader(folder, bot).close();
    const held = holdDataFolder(folder, db, clock.now());
    opened({ close: held.release });
    const reader = opened(openReader(folder));
    const newStreamId = () => randomBytes(6).toString('hex');
    const journal = opened(openSqliteJournal({ db, reader, bot, clock, newStreamId }));
    const tally = createTally(machines.versions);
    const router = createRouter({ journal, machines, username: () => null });
    // Before it adds to them: who stands still already.
    await judgeAll(journal, machines.versions, tally.add, 'quarantined');
    const counts = await sweep({
      ...{ journal, machines, router, anew: true },
      pause: async () => {},
      onProgress(_, settled) {
        for (const { before, verdict } of settled) tally.add(before, outlookOf(verdict));
        progress(tally.total());
      },
    });
    for (const line of tally.lines()) print(line);
    if (tally.total() === 0) print(NOTHING);
    return counts;
  } finally {
    for (const what of open.reverse()) await what.close();
  }
}

const NOTHING = 'every conversation runs the version of its machine that is there today';
