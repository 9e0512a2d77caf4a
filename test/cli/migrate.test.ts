import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createMachineTable } from '../../src/conversations/machines.ts';
import { openSqliteReader } from '../../src/journal/sqlite-reader.ts';
import { limits } from '../../src/limits.ts';
import { dryRun, migrate } from '../../src/migrate.ts';
import { first, routerOf, second, tableOf } from '../conversations/versions.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { textUpdate } from '../support/updates.ts';
import { freeEnv, run, startServer } from './support.ts';

const CHATS = 600;
const TEXTS = ['hello', 'buy', 'pay', 'break'];

/** A data folder with so many chats in the first version: a quarter each browsing, with a timer, with a request, and to go. */
async function seed(chats = CHATS): Promise<string> {
  const folder = temporaryFolder();
  const journal = openJournal(folder, systemClock);
  const updates = Array.from({ length: chats }, (_, n) => textUpdate(1001 + n, TEXTS[n % 4] ?? ''));
  await routerOf(journal, tableOf(first)).receiveUpdates(updates, 1);
  await journal.close();
  return folder;
}

/** What stands in the folder: conversations by version, status and state, and how many entries of each kind a chat has. */
async function outcome(folder: string) {
  const journal = openSqliteReader(folder, '1');
  onTestFinished(() => journal.close());
  const all = await journal.conversations({ after: null, limit: CHATS + 1, chats: null });
  const standings = Map.groupBy(all, ({ status, version, state }) => `${status} ${version} ${state}`);
  const seqs: number[] = [];
  const migrated = new Map<string | null, number>();
  for (let from = 1; ; ) {
    const page = await journal.read({ from, limit: 1000 });
    for (const { seq, type, chat } of page) {
      seqs.push(seq);
      if (type === 'chat.migrated') migrated.set(chat, (migrated.get(chat) ?? 0) + 1);
    }
    if (page.length === 0) break;
    from = (page.at(-1)?.seq ?? 0) + 1;
  }
  expect(seqs).toEqual(seqs.map((_, n) => n + 1));
  return {
    standings: Object.fromEntries([...standings].map(([standing, those]) => [standing, those.length]).sort()),
    migrated,
  };
}

test('a dry run counts what would become of conversations, with examples, and changes nothing', async () => {
  const folder = await seed(20);
  const before = await outcome(folder);
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  await dryRun({ folder, bot: '1', machines: tableOf(second, { unfit: 'restart' }), print });
  expect(lines).toEqual([
    'shop 1 -> 2',
    '  migrated           15  for example 1001, 1002, 1003',
    '  restarted           5  state_gone: there is no state shop.dusty; for example 1004, 1008, 1012',
    'a dry run: nothing was changed',
  ]);
  expect(await outcome(folder)).toEqual(before);
  lines.length = 0;
  await dryRun({ folder, bot: '1', machines: tableOf(first), print });
  expect(lines).toEqual(['every conversation runs the version of its machine that is there today']);
});

test('what stands still already is counted too: by whether it would fit now, and what goes on as its machine is back', async () => {
  const folder = await seed(20);
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  await migrate({ folder, bot: '1', machines: tableOf(second), print });
  expect(lines.splice(0)).toEqual([
    'shop 1 -> 2',
    '  migrated           15  for example 1001, 1002, 1003',
    '  quarantined         5  state_gone: there is no state shop.dusty; for example 1004, 1008, 1012',
  ]);
  const still = [
    'shop 1 -> 2',
    '  quarantined         5  already: state_gone: there is no state shop.dusty; for example 1004, 1008, 1012',
  ];
  await dryRun({ folder, bot: '1', machines: tableOf(second), print });
  expect(lines.splice(0)).toEqual([...still, 'a dry run: nothing was changed']);
  await migrate({ folder, bot: '1', machines: tableOf(second), print });
  expect(lines.splice(0)).toEqual(still);
  const machines = tableOf(second, { migrate: (_, rest) => ({ ...rest, value: 'browsing' }) });
  await dryRun({ folder, bot: '1', machines, print });
  expect(lines.splice(0)[1]).toBe(
    '  quarantined         5  already, and would fit: switchboard chats retry; for example 1004, 1008, 1012',
  );

  await dryRun({ folder, bot: '1', machines: createMachineTable(NONE, new Map()), print });
  expect(lines.splice(0).slice(0, 2)).toEqual([
    'shop 2 -> not loaded',
    `  quarantined        15  machine_not_loaded: no chat runs shop: choose it for a kind of chat, or "keep" it; for example 1001, 1002, 1003`,
  ]);
  await migrate({ folder, bot: '1', machines: createMachineTable(NONE, new Map()), print });
  lines.length = 0;
  for (const run of [dryRun, migrate]) {
    await run({ folder, bot: '1', machines: tableOf(second), print });
    expect(lines.splice(0).slice(0, 4)).toEqual([
      'shop 2 -> 2',
      '  resumed            15  its machine is loaded again; for example 1001, 1002, 1003',
      ...still,
    ]);
  }
});
const NONE = { private: null, group: null, channel: null };

test('under keep each run counts those that are kept, however often it has been run', async () => {
  const folder = await seed(20);
  const machines = tableOf(second, { unfit: 'keep', older: [first] });
  const kept = '  kept                5  state_gone: there is no state shop.dusty; for example 1004, 1008, 1012';
  for (const more of [['  migrated           15  for example 1001, 1002, 1003'], []]) {
    const lines: string[] = [];
    await migrate({ folder, bot: '1', machines, print: (line) => void lines.push(line) });
    expect(lines).toEqual(['shop 1 -> 2', ...more, kept]);
  }
});

test('killed in the middle, it goes on where it was: each conversation is brought up once', async () => {
  const folder = await seed();
  const child = fork(join(import.meta.dirname, 'migrate-process.ts'), [folder], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  const half = await outcome(folder);
  // Two units of work had been committed; of the third nothing is there.
  expect(half.migrated.size).toBe(2 * limits.sweepUnitMax);

  const lines: string[] = [];
  const machines = tableOf(second, { unfit: 'restart' });
  const rest = await migrate({ folder, bot: '1', machines, print: (line) => void lines.push(line) });
  const { standings, migrated } = await outcome(folder);
  expect(standings).toEqual({
    'active 2 "browsing"': CHATS / 4,
    'active 2 "deciding"': CHATS / 4,
    'active 2 "paying"': CHATS / 4,
    'done 2 null': CHATS / 4,
  });
  expect(migrated.size).toBe(CHATS);
  expect([...migrated.values()].every((times) => times === 1)).toBe(true);
  expect((rest?.migrated ?? 0) + (rest?.restarted ?? 0)).toBe(CHATS - half.migrated.size);
  expect(lines[0]).toBe('shop 1 -> 2');
});

test('the command: beside a server only the dry run; without data it says so, and makes none', async () => {
  const { env } = await startServer();
  const dry = await run(['migrate', '--dry-run'], env).ended;
  expect(dry).toMatchObject({
    code: 0,
    stdout: 'every conversation runs the version of its machine that is there today\n',
  });
  const wet = await run(['migrate'], env).ended;
  expect([wet.code, wet.stderr]).toEqual([4, expect.stringContaining('is served by process')]);
  const empty = freeEnv();
  for (const args of [['migrate'], ['migrate', '--dry-run']]) {
    const { code, stderr } = await run(args, empty).ended;
    expect([code, stderr]).toEqual([
      1,
      `switchboard: there is no data in ${empty.SWITCHBOARD_DATA}: see SWITCHBOARD_DATA\n`,
    ]);
  }
  expect((await run(['migrate', '--all'], env).ended).code).toBe(2);
});
