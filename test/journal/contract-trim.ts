import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Entry, Journal } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import type { OpenEngine } from './engine.ts';
import { entry } from './records.ts';

export function trimContract(openEngine: OpenEngine): void {
  const append = (journal: Journal, count: number, chat = '7') =>
    journal.write(async (tx) => {
      for (let n = 0; n < count; n += 1) tx.append(entry('x', { chat, owner: 'k' }));
    });
  const trim = (journal: Journal, before: number) => journal.write(async (tx) => tx.trim(before));
  const seqs = (entries: readonly Entry[]) => entries.map(({ seq }) => seq);

  test('the oldest entries go, however they are asked for, and stay gone after a restart', async () => {
    const { open } = await openEngine();
    const journal = await open();
    for (let n = 0; n < 10; n += 1) await append(journal, 1, n % 2 === 0 ? '7' : '8');
    expect(await trim(journal, 5)).toBe(5);
    for (const kept of [journal, await open()]) {
      expect(kept.bounds()).toEqual({ first: 5, head: 10 });
      expect(seqs(await kept.read({ from: 1, limit: 100 }))).toEqual([5, 6, 7, 8, 9, 10]);
      expect(seqs(await kept.read({ from: 1, limit: 100, chats: ['7'] }))).toEqual([5, 7, 9]);
      expect(seqs(await kept.read({ from: 1, limit: 100, types: ['event.received'] }))).toEqual([5, 6, 7, 8, 9, 10]);
      expect(seqs(await kept.read({ from: 1, limit: 100, owner: 'k' }))).toEqual([5, 6, 7, 8, 9, 10]);
    }
  });

  test('whatever is trimmed and appended, what is kept has no gap and is none of before', async () => {
    const act = fc.record({ append: fc.integer({ min: 1, max: 40 }), trim: fc.nat(150) });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 8 }), async (acts) => {
        const { open } = await openEngine();
        const journal = await open();
        for (const { append: count, trim: before } of acts) {
          await append(journal, count);
          const { first: was, head } = journal.bounds();
          const first = await trim(journal, before);
          expect(journal.bounds()).toEqual({ first, head });
          expect(first).toBeGreaterThanOrEqual(was);
          expect(first).toBeLessThanOrEqual(Math.max(was, before));
          const kept = Array.from({ length: head - first + 1 }, (_, n) => first + n);
          expect(seqs(await journal.read({ from: 1, limit: 1000 }))).toEqual(kept);
        }
      }),
      { numRuns: 15 },
    );
  });

  test('one time takes a bounded number of units, the next goes on', async () => {
    const { open } = await openEngine();
    const journal = await open();
    for (let n = 0; n < limits.trimUnitsMax + 5; n += 1) await append(journal, 2);
    expect(await trim(journal, journal.bounds().head)).toBe(2 * limits.trimUnitsMax + 1);
    expect(await trim(journal, journal.bounds().head)).toBe(journal.bounds().head - 1);
  });

  test('beyond a block of the index, entries of a chat are still found, and only those that are kept', async () => {
    const { open } = await openEngine();
    const journal = await open();
    for (let n = 0; n < 20; n += 1) await append(journal, 500, n % 2 === 0 ? '7' : '8');
    expect(await trim(journal, 6100)).toBe(6001);
    const [found] = await journal.read({ from: 1, limit: 1, chats: ['8'] });
    expect(found?.seq).toBe(6501);
    expect(seqs(await (await open()).read({ from: 1, limit: 1, chats: ['7'] }))).toEqual([6001]);
  });

  test('a unit of work that fails takes nothing away', async () => {
    const { open, breakCommits, mendCommits } = await openEngine();
    const journal = await open();
    for (let n = 0; n < 3; n += 1) await append(journal, 1);
    await expect(
      journal.write(async (tx) => {
        tx.trim(3);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    await breakCommits();
    await expect(trim(journal, 3)).rejects.toThrow();
    await mendCommits();
    await append(journal, 1);
    expect(journal.bounds()).toEqual({ first: 1, head: 4 });
    expect(seqs(await journal.read({ from: 1, limit: 10 }))).toEqual([1, 2, 3, 4]);
  });

  test('another bot keeps its own', async () => {
    const { open } = await openEngine();
    const [one, other] = [await open('1'), await open('2')];
    for (const journal of [one, other]) for (let n = 0; n < 3; n += 1) await append(journal, 1);
    await trim(one, 3);
    await trim(other, 2);
    expect([one.bounds().first, other.bounds().first]).toEqual([3, 2]);
    expect(seqs(await other.read({ from: 1, limit: 10, owner: 'k' }))).toEqual([2, 3]);
  });

  test('the first entry of a time is found, also where units are large and some are gone', async () => {
    const { open, clock } = await openEngine();
    const journal = await open();
    const begun = clock.now();
    expect(await journal.seqAt(begun)).toBe(1);
    for (const size of [1, 30, 2, 1, 500, 1, 1, 7]) {
      await append(journal, size);
      await clock.advance(1000);
    }
    await trim(journal, 32);
    const at = (s: number) => journal.seqAt(begun + s * 1000);
    expect(await Promise.all([at(0), at(1.5), at(2), at(3), at(3.001), at(4), at(7), at(8)])).toEqual([
      32, 32, 32, 34, 35, 35, 537, 544,
    ]);
  });
}
