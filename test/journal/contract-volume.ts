import { expect, onTestFinished, test } from 'vitest';
import type { ConversationRecord, Entry, EntryType, Journal } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { createRandom } from '../system/random.ts';
import type { OpenEngine } from './engine.ts';
import { conversation, entry } from './records.ts';

const TYPES: EntryType[] = ['update.received', 'chat.moved', 'message.sent'];

/** What a journal does only when there is much of it: indexes by block, rows written late. */
export function volumeContract(openEngine: OpenEngine): void {
  test('10,000 entries are found by chat and type, before and after a crash, in whatever units they came', async () => {
    const { open } = await openEngine();
    const chance = createRandom(1);
    const below = (n: number): number => chance.whole(0, n - 1);
    const all: Entry[] = [];
    let journal = await open();
    const listen = () => journal.onCommit(({ entries }) => all.push(...entries));
    listen();
    // One chat writes seldom, one all the time, many now and then; some entries belong to none.
    const chatOf = (n: number): string | null =>
      n % 2500 === 7 ? '-100' : below(3) === 0 ? '7' : below(9) === 0 ? null : `${1000 + below(900)}`;
    for (const crashAt of [3000, 4096, 8200, 10_000]) {
      while (all.length < crashAt) {
        const length = Math.min(below(10) === 0 ? 900 : 1 + below(120), crashAt - all.length);
        await journal.write(async (tx) => {
          for (let n = 0; n < length; n += 1) {
            const seq = tx.nextSeq();
            tx.append(
              entry(`é${seq}`, {
                chat: chatOf(seq),
                type: seq === 5000 ? 'chat.emitted' : (TYPES[below(3)] ?? 'chat.moved'),
              }),
            );
          }
        });
      }
      for (const check of ['before', 'after']) {
        for (const chats of [null, ['-100'], ['7'], ['1005', '1006', '-100'], ['nobody'], []]) {
          for (const types of [null, ['chat.emitted'], ['chat.moved', 'message.sent'], []]) {
            const from = below(crashAt);
            const wanted = all
              .filter(({ seq }) => seq >= from)
              .filter(({ chat }) => chats === null || (chat !== null && chats.includes(chat)))
              .filter(({ type }) => types === null || types.includes(type))
              .slice(0, 300);
            expect(await journal.read({ from, limit: 300, chats, types }), `${check} ${chats} ${types}`).toEqual(
              wanted,
            );
          }
          const [from, to] = [below(crashAt), crashAt - below(5000)];
          const last = all.findLast(
            ({ seq, chat }) => seq >= from && seq <= to && (chats === null || (chat !== null && chats.includes(chat))),
          );
          expect(await journal.lastSeq({ from, to, chats, owner: null }), `${check} ${chats}`).toBe(last?.seq ?? null);
        }
        if (check === 'after') break;
        journal = await open();
        listen();
      }
    }
  });

  test.each([
    ['many', limits.conversationsOnTheWayLengthMax],
    ['large', 3000],
  ])(
    'conversations that are %s are as last saved, whatever of them was on its way when the process died',
    async (_, most) => {
      const real = limits.conversationsOnTheWayLengthMax;
      onTestFinished(() => void Object.assign(limits, { conversationsOnTheWayLengthMax: real }));
      Object.assign(limits, { conversationsOnTheWayLengthMax: most });
      const { open, clock } = await openEngine();
      const chance = createRandom(2);
      const below = (n: number): number => chance.whole(0, n - 1);
      const model = new Map<string, ConversationRecord>();
      let journal = await open();
      for (let round = 1; round <= 120; round += 1) {
        const length = below(3) === 0 ? 1 + below(5) : 20 + below(300);
        const saved = Array.from({ length }, () => conversation(`${1000 + below(1500)}`, { lastSeq: round }));
        const job = journal.write(async (tx) => {
          for (const record of saved) {
            tx.saveConversation({ ...record, state: '"before"' });
            tx.saveConversation(record);
          }
          const ids = saved.map(({ id }) => id);
          expect([...(await tx.conversations(ids)).values()].every(({ lastSeq }) => lastSeq === round)).toBe(true);
        });
        // Undone alone, in the same transaction.
        const failed = expect(
          journal.write(async (tx) => {
            for (const { id } of saved) tx.saveConversation(conversation(id, { lastSeq: -1 }));
            tx.saveConversation(conversation('nobody'));
            throw new Error('undone');
          }),
        ).rejects.toThrow('undone');
        // What is on its way is written while more is saved.
        if (below(3) === 0) await clock.advance(limits.conversationsWriteBackMs);
        await job;
        await failed;
        for (const record of saved) model.set(record.id, record);
        if (below(8) === 0) await journal.write(async (tx) => tx.moveChat('1000', '1000000'));
        if (below(4) === 0) journal = await open();
        const moved = model.get('1000');
        if (moved !== undefined && (await journal.conversation('1000')) === null) {
          model.delete('1000');
          model.set('1000000', { ...moved, id: '1000000', chat: '1000000' });
        }
        await expectSame(journal, model);
      }
      await journal.close();
      await expectSame(await open(), model);
    },
  );
}

async function expectSame(journal: Journal, model: ReadonlyMap<string, ConversationRecord>): Promise<void> {
  const all = [...model.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const half = all[Math.floor(all.length / 2)]?.id ?? '';
  expect(await journal.conversations({ after: null, limit: 9999, chats: null })).toEqual(all);
  const rest = all.filter(({ id }) => id > half).slice(0, 50);
  expect(await journal.conversations({ after: half, limit: 50, chats: null })).toEqual(rest);
  const [first, last] = [all[0], all.at(-1)];
  if (first === undefined || last === undefined) return;
  expect(await journal.conversations({ after: null, limit: 9, chats: [last.chat, first.chat] })).toEqual(
    first === last ? [first] : [first, last],
  );
  expect(await journal.conversation(last.id)).toEqual(last);
}
