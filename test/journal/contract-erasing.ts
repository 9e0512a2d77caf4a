import { expect, test } from 'vitest';
import { ERASED_BODY, type Journal, type RowPlace } from '../../src/journal/journal.ts';
import type { OpenEngine } from './engine.ts';
import { accept, conversation, entry } from './records.ts';

export function erasingContract(openEngine: OpenEngine): void {
  const all = (journal: Journal) => journal.read({ from: 1, limit: 100 });

  test('entries get other bodies, and keep all else; whoever has just read them reads them anew', async () => {
    const { open } = await openEngine();
    const journal = await open();
    await journal.write(async (tx) => {
      for (const text of ['one', 'two', 'three']) tx.append(entry(text, { owner: 'k' }));
    });
    await journal.write(async (tx) => tx.append(entry('four', { chat: '8' })));
    const before = await all(journal);
    expect(await journal.read({ from: 2, to: 2, limit: 1 })).toEqual([before[1]]);
    await journal.write(async (tx) =>
      tx.rewriteEntries(
        new Map([
          [2, ERASED_BODY],
          [4, '{"text":"a longer one"}'],
          [9, '{}'],
        ]),
      ),
    );
    expect(await journal.read({ from: 2, to: 2, limit: 1 })).toEqual([{ ...before[1], body: ERASED_BODY }]);
    const bodies = before
      .map(({ body }) => body)
      .with(1, ERASED_BODY)
      .with(3, '{"text":"a longer one"}');
    for (const reader of [journal, await open()]) {
      expect(await all(reader)).toEqual(before.map((one, n) => ({ ...one, body: bodies[n] })));
      expect((await reader.read({ from: 1, limit: 100, owner: 'k' })).map(({ seq }) => seq)).toEqual([1, 2, 3]);
      expect((await reader.read({ from: 1, limit: 100, chats: ['8'] })).map(({ seq }) => seq)).toEqual([4]);
    }
  });

  test('a job that fails leaves them as they were', async () => {
    const { open } = await openEngine();
    const journal = await open();
    await journal.write(async (tx) => tx.append(entry('one')));
    const failing = journal.write(async (tx) => {
      tx.rewriteEntries(new Map([[1, ERASED_BODY]]));
      throw new Error('no');
    });
    await Promise.all([expect(failing).rejects.toThrow('no'), journal.write(async (tx) => tx.append(entry('two')))]);
    expect((await all(journal)).map(({ body }) => body)).toEqual(['{"text":"one"}', '{"text":"two"}']);
  });

  test('of another bot nothing is found, and of this one what names the chat, once', async () => {
    const { open } = await openEngine();
    const [journal, other] = [await open('1'), await open('2')];
    for (const one of [journal, other]) {
      await one.write(async (tx) => {
        tx.append(entry('x', { chat: '777' }));
        tx.append(entry('777 is named here', { chat: '8' }));
        tx.append(entry('and not here', { chat: '8' }));
        tx.saveConversation(conversation('777'));
        tx.saveConversation(conversation('8'));
        accept(tx, { chat: '777' });
        accept(tx, { chat: '8' });
      });
    }
    const found = await journal.erasing.entriesWith(['777'], 1, 100);
    expect(found.entries.map(({ seq, bot }) => [seq, bot])).toEqual([
      [1, '1'],
      [2, '1'],
      [4, '1'],
    ]);
    const tables: string[] = [];
    for (let after: RowPlace | null = null; ; ) {
      const { rows, next } = await journal.erasing.rowsWith(['777'], after);
      for (const row of rows) tables.push(`${row.table} ${row.columns.id}`);
      if (next === null) break;
      after = next;
    }
    expect(tables).toEqual(['conversations 777', 'messages 4']);
  });
}
