import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Entry, type EntryType, lengthOf, type NewEntry, type ReadQuery } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import type { OpenEngine } from './engine.ts';
import { entry } from './records.ts';

const CHATS = ['7', '8', '-100', '@name'];
const TYPES: EntryType[] = ['update.received', 'chat.moved', 'message.sent'];

const anEntry: fc.Arbitrary<NewEntry> = fc.record({
  type: fc.constantFrom(...TYPES),
  chat: fc.option(fc.constantFrom(...CHATS)),
  body: fc.constantFrom('{}', JSON.stringify({ text: 'x'.repeat(300) })),
  owner: fc.constantFrom(null, '11', '12'),
});
const aQuery = fc.record({
  from: fc.integer({ min: -2, max: 60 }),
  to: fc.integer({ min: -2, max: 60 }),
  limit: fc.integer({ min: -1, max: 40 }),
  lengthMax: fc.constantFrom(1, 1000, 5000, 10 ** 9),
  chats: fc.option(fc.array(fc.constantFrom(...CHATS, 'nobody'), { maxLength: 4 })),
  types: fc.option(fc.array(fc.constantFrom<string[]>(...TYPES, 'chat.emitted'), { maxLength: 4 })),
  owner: fc.option(fc.constantFrom('11', '12', '13')),
});

/** The journal as an array. */
function plainRead(
  entries: readonly Entry[],
  { from, to = 0, limit, lengthMax = 0, chats = null, types = null, owner = null }: ReadQuery,
): Entry[] {
  let length = 0;
  return entries
    .filter(({ seq }) => seq >= from && seq <= to)
    .filter(({ chat }) => chats === null || (chat !== null && chats.includes(chat)))
    .filter(({ type }) => types === null || types.includes(type))
    .filter((one) => owner === null || one.owner === owner)
    .slice(0, Math.max(0, limit))
    .filter((one) => {
      const wanted = length < lengthMax;
      length += lengthOf(one);
      return wanted;
    })
    .map(({ owner: _, ...read }) => read);
}

export function readsContract(openEngine: OpenEngine): void {
  test('reading gives what an array of the entries would, whatever is asked', async () => {
    const { open } = await openEngine();
    let bot = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(anEntry, { maxLength: 60 }),
        fc.array(aQuery, { minLength: 20 }),
        async (news, queries) => {
          bot += 1;
          const journal = await open(`${bot}`);
          const committed: Entry[] = [];
          journal.onCommit(({ entries }) => committed.push(...entries));
          await Promise.all(news.map((one) => journal.write(async (tx) => tx.append(one))));
          expect(committed.length).toBe(news.length);
          for (const query of queries) expect(await journal.read(query)).toEqual(plainRead(committed, query));
        },
      ),
      { numRuns: 25, seed: 42 },
    );
  });

  test('a read gives 1000 entries at most, and the next goes on where it ended', async () => {
    const journal = await (await openEngine()).open();
    const many = limits.readEntriesMax + 500;
    await journal.write(async (tx) => {
      for (let n = 0; n < many; n += 1) tx.append(entry(`${n}`, { chat: n % 2 === 0 ? '7' : '8' }));
    });
    for (const chats of [null, ['7', '8']]) {
      const page = await journal.read({ from: 1, limit: 10 ** 9, chats });
      expect(page.length).toBe(limits.readEntriesMax);
      const rest = await journal.read({ from: (page.at(-1)?.seq ?? 0) + 1, limit: 10 ** 9, chats });
      expect([...page, ...rest].map(({ seq }) => seq)).toEqual(Array.from({ length: many }, (_, i) => i + 1));
    }
  });

  test('an empty journal has first 1 and head 0', async () => {
    const journal = await (await openEngine()).open();
    expect(journal.bounds()).toEqual({ first: 1, head: 0 });
    expect(await journal.read({ from: 1, limit: 10 })).toEqual([]);
  });
}
