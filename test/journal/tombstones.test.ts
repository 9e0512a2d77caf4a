import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import type { Journal, MessageRecord } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { accept } from './records.ts';

/** What is in the lanes, and which of it is under a tombstone: ids of messages, and seqs for the one bot here. */
function lanesOf(folder: string): { readonly all: number[]; readonly buried: number[] } {
  const db = new DatabaseSync(join(folder, 'switchboard.db'), { readOnly: true });
  const seq = (id: unknown): number => Number(id) % 2 ** 40;
  const all = db.prepare('SELECT id FROM lanes').all();
  const stones = db.prepare('SELECT value ->> 3 AS id FROM lane_tombstones, json_each(entries)').all();
  db.close();
  return { all: all.map(({ id }) => seq(id)).sort(byNumber), buried: stones.map(({ id }) => seq(id)).sort(byNumber) };
}
const byNumber = (a: number, b: number): number => a - b;

function setUp(): { readonly folder: string; readonly journal: Journal } {
  const folder = temporaryFolder();
  const journal = openJournal(folder, manualClock());
  onTestFinished(() => journal.close());
  return { folder, journal };
}

const acceptSome = (journal: Journal, count: number, more: (n: number) => Partial<MessageRecord>) =>
  journal.write(async (tx) => Array.from({ length: count }, (_, n) => accept(tx, more(n))));

/** Claims what may go, so many, and has it sent. */
const sendSome = (journal: Journal, count: number): Promise<number[]> =>
  journal.write(async (tx) => {
    const claimed = await tx.claimable(count);
    tx.claim(claimed);
    for (const m of claimed) tx.changeMessage(m.seq, { status: 'sent' }, { ...m, status: 'sending', attempts: 1 });
    return claimed.map(({ seq }) => seq);
  });

test('entries of messages that have ended stay under tombstones up to the bound, and then go together', async () => {
  const { folder, journal } = setUp();
  const max = limits.laneTombstonesMax;
  const messages = await acceptSome(journal, max + 100, (n) => ({ chat: `${n + 1}` }));
  const sent = await sendSome(journal, max - 1);
  expect(sent).toHaveLength(max - 1);
  expect(lanesOf(folder)).toEqual({ all: messages.map(({ seq }) => seq), buried: sent });
  sent.push(...(await sendSome(journal, 3)));
  const rest = messages.map(({ seq }) => seq).filter((seq) => !sent.includes(seq));
  expect(lanesOf(folder)).toEqual({ all: rest, buried: [] });
  expect(await sendSome(journal, 1000)).toEqual(rest);
  // And chats that had one get one again.
  const again = await acceptSome(journal, 2, () => ({ chat: '1' }));
  for (const { seq } of again) expect(await sendSome(journal, 10)).toEqual([seq]);
  expect(lanesOf(folder).buried).toEqual([...rest, again[0]?.seq]);
});

test('of a chat that is written to all the time one tombstone is left', async () => {
  const { folder, journal } = setUp();
  const messages = await acceptSome(journal, 50, () => ({ chat: '7' }));
  for (const { seq } of messages.slice(0, 30)) expect(await sendSome(journal, 10)).toEqual([seq]);
  const first = messages[0]?.seq ?? 0;
  expect(lanesOf(folder)).toEqual({ all: [first, ...messages.slice(30).map(({ seq }) => seq)], buried: [first] });
});

test('a process that takes over counts what waits without what is under tombstones, and takes them out in its turn', async () => {
  const { folder, journal } = setUp();
  await acceptSome(journal, 20, (n) => ({ chat: `${n + 1}` }));
  const sent = await sendSome(journal, 15);
  // As a kill would have it: nothing is closed.
  const next = openJournal(folder, manualClock());
  expect(await next.outboxDepth()).toBe(5);
  expect(lanesOf(folder).buried).toEqual(sent);
  // One of a chat that has a tombstone goes by itself.
  const [urgent] = await acceptSome(next, 1, () => ({ chat: '1', priority: -1 }));
  expect(await sendSome(next, 1)).toEqual([urgent?.seq]);
  expect(lanesOf(folder).buried).toEqual(sent);
  await next.write(async (tx) => tx.moveMessages('-1', '-100'));
  expect(lanesOf(folder)).toEqual({ all: [16, 17, 18, 19, 20], buried: [] });
});

test('a message that comes back is not taken out of its lane by its own tombstone', async () => {
  const { folder, journal } = setUp();
  const [message] = await acceptSome(journal, 1, () => ({}));
  const seq = message?.seq ?? 0;
  await sendSome(journal, 1);
  await journal.write(async (tx) => tx.changeMessage(seq, { status: 'queued' }));
  expect(lanesOf(folder)).toEqual({ all: [seq], buried: [] });
  await acceptSome(journal, limits.laneTombstonesMax, (n) => ({ chat: `${n + 100}`, priority: 0 }));
  await sendSome(journal, limits.laneTombstonesMax);
  expect(await sendSome(journal, 1)).toEqual([seq]);
});

test('a job that fails takes back what it has ended, and no other job of its commit', async () => {
  const { folder, journal } = setUp();
  const messages = await acceptSome(journal, 3, (n) => ({ chat: `${n + 1}` }));
  const [first = 0, second = 0, third = 0] = messages.map(({ seq }) => seq);
  const cancel = (seq: number) => journal.write(async (tx) => tx.changeMessage(seq, { status: 'canceled' }));
  const jobs = await Promise.allSettled([
    cancel(first),
    journal.write(async (tx) => {
      tx.changeMessage(second, { status: 'canceled' });
      // It goes through all tombstones, those of the job before it too.
      tx.moveMessages('-1', '-100');
      throw new Error('no');
    }),
    cancel(third),
  ]);
  expect(jobs.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(lanesOf(folder)).toEqual({ all: [first, second, third], buried: [first, third] });
  expect(await sendSome(journal, 9)).toEqual([second]);
});

test('jobs that fail do not lift the bound', async () => {
  const { folder, journal } = setUp();
  const max = limits.laneTombstonesMax;
  await acceptSome(journal, 2 * max, (n) => ({ chat: `${n + 1}` }));
  for (let n = 0; n < 5; n += 1) {
    await sendSome(journal, Math.floor(max / 4));
    const failing = journal.write(async (tx) => {
      tx.moveMessages('-1', '-100');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(lanesOf(folder).buried.length).toBeLessThan(max);
  }
  expect(lanesOf(folder).buried).toHaveLength(Math.floor(max / 4));
});

test('a message that goes to another chat waits there behind what is under way, whatever has moved before', async () => {
  const { journal } = setUp();
  await journal.write(async (tx) => tx.moveMessages('-1', '-1001'));
  await acceptSome(journal, 1, () => ({ chat: '-2' }));
  const [refused] = await journal.write(async (tx) => {
    const claimed = await tx.claimable(9);
    tx.claim(claimed);
    return claimed.map((m) => ({ ...m, status: 'sending', attempts: 1 }) as const);
  });
  await acceptSome(journal, 1, () => ({ chat: '-1002', priority: 0 }));
  await journal.write(async (tx) => tx.claim(await tx.claimable(9)));
  await journal.write(async (tx) => {
    tx.changeMessage(refused?.seq ?? 0, { status: 'queued', chat: '-1002' }, refused);
    tx.moveMessages('-2', '-1002');
  });
  expect(await sendSome(journal, 9)).toEqual([]);
});

test('two of a chat that were under way as the process died: neither is claimed again', async () => {
  const { folder, journal } = setUp();
  await acceptSome(journal, 2, (n) => ({ chat: n === 0 ? '-1' : '-1001' }));
  await journal.write(async (tx) => tx.claim(await tx.claimable(9)));
  await journal.write(async (tx) => tx.moveChat('-1', '-1001'));
  const next = openJournal(folder, manualClock());
  await next.write(async (tx) => {
    for (const m of await tx.orphanedMessages()) tx.changeMessage(m.seq, { status: 'unknown' }, m);
  });
  expect(await sendSome(next, 9)).toEqual([]);
});

test('within one unit of work too a message may end, move and come back', async () => {
  const { folder, journal } = setUp();
  const [ended, back] = await acceptSome(journal, 2, (n) => ({ chat: `-${n + 1}` }));
  await journal.write(async (tx) => {
    tx.changeMessage(ended?.seq ?? 0, { status: 'canceled' });
    tx.moveMessages('-1', '-1001');
    tx.changeMessage(back?.seq ?? 0, { status: 'canceled' });
    tx.changeMessage(back?.seq ?? 0, { status: 'queued' });
  });
  expect(lanesOf(folder)).toEqual({ all: [back?.seq], buried: [] });
  expect((await journal.message(ended?.seq ?? 0))?.chat, 'what has ended was for the chat as it was').toBe('-1');
  expect(await sendSome(journal, 9)).toEqual([back?.seq]);
});
