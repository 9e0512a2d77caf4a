import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { openDatabase, openReader } from '../../src/journal/sqlite-open.ts';
import { manualClock } from '../support/clock.ts';
import { fromNow } from '../support/from-now.ts';
import { temporaryFolder } from '../support/journal.ts';

/** Lets a process write units of work from `first` on, kills it after so many, and gives the last one acknowledged. */
async function writeUntilKilled(folder: string, first: number, units: number): Promise<number> {
  const child = spawn(process.execPath, [`${import.meta.dirname}/writer-process.ts`, folder, `${first}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let last = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    if (last === first + units - 1) child.kill('SIGKILL');
  }
  const [, signal] = await exited;
  expect(signal).toBe('SIGKILL');
  return last;
}

/** What is stored of unit n: a row of each kind, or of none. Counts those there are. */
async function rowsOf(journal: Journal, n: number): Promise<number> {
  const [first, second] = await journal.read({ from: 2 * n - 1, limit: 2 });
  return journal.write(async (tx) => {
    const timers = await tx.dueTimers(n, 1_000_000);
    const rows = [
      first?.body === `{"update":{"update_id":${n}}}`,
      second?.type === 'message.accepted' && second.chat === `${n}`,
      (await tx.conversations([`${n}`])).get(`${n}`)?.snapshot === JSON.stringify('x'.repeat((n * 997) % 9000)),
      timers.at(-1)?.conversation === `${n}`,
      (await tx.openRequest(`1-${n}-0`)) !== null,
      (await tx.message(2 * n))?.chat === `${n}`,
      (await tx.remembered('key', `${n}`))?.requestHash === `${n}`,
    ];
    return rows.filter((is) => is).length;
  });
}

test('a writer killed again and again: every unit it acknowledged is there entirely, and none is there in part', async () => {
  const folder = temporaryFolder();
  // Later than the writer's own: what it queued is due.
  const clock = manualClock(fromNow(3_600_000));
  let units = 0;
  for (let round = 0; round < 12; round += 1) {
    const acknowledged = await writeUntilKilled(folder, units + 1, 1 + ((round * 7) % 41));
    const [db, reader] = [openDatabase(folder), openReader(folder)];
    const journal = openSqliteJournal({ db, reader, bot: '1', clock, newStreamId: () => 'new' });
    const { head } = journal.bounds();
    expect(head % 2).toBe(0);
    expect(head / 2).toBeGreaterThanOrEqual(acknowledged);
    expect(await journal.pollOffset()).toBe(head / 2 + 1);
    expect(await journal.outboxDepth()).toBe(head / 2);
    for (let n = units + 1; n <= head / 2; n += 1)
      expect({ n, rows: await rowsOf(journal, n) }).toEqual({ n, rows: 7 });
    expect(await rowsOf(journal, head / 2 + 1)).toBe(0);
    expect((await journal.write((tx) => tx.claimable(1_000_000))).length).toBe(head / 2);
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    units = head / 2;
    db.close();
    reader.close();
  }
  expect(units).toBeGreaterThan(100);
});
