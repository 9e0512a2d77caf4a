import { expect, test } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import type { OpenEngine } from './engine.ts';
import { accept, conversation, request, timer } from './records.ts';

const ids = async (journal: Journal) =>
  (await journal.conversations({ after: null, limit: 99, chats: null })).map(({ id }) => id);

export function conversationsContract(openEngine: OpenEngine): void {
  test('a conversation saved again is replaced, all of it', async () => {
    const journal = await (await openEngine()).open();
    const last = conversation('7', {
      machine: 'support',
      version: '2',
      status: 'quarantined',
      state: '{"a":"b"}',
      snapshot: '{}',
      error: 'why',
      lastSeq: 9,
      updatedAt: 10,
    });
    await journal.write(async (tx) => tx.saveConversation(conversation('7')));
    await journal.write(async (tx) => tx.saveConversation(last));
    expect(await journal.conversation('7')).toEqual(last);
    expect(await journal.conversation('8')).toBeNull();
  });

  test('conversations are paged by id, and restricted to chats', async () => {
    const journal = await (await openEngine()).open();
    const all = ['-100', '-100:t1', '-100:u2', '15', '7', '7:u1'];
    await journal.write(async (tx) => {
      for (const id of all.toReversed()) tx.saveConversation(conversation(id));
    });
    for (const chats of [null, ['-100', '15', 'nobody', '15']]) {
      const wanted = chats === null ? all : all.slice(0, 4);
      const pages: string[][] = [];
      for (let after: string | null = null; ; ) {
        const page = await journal.conversations({ after, limit: 2, chats });
        if (page.length === 0) break;
        pages.push(page.map(({ id }) => id));
        after = page.at(-1)?.id ?? null;
      }
      expect(pages.flat()).toEqual(wanted);
      expect(pages.every((page) => page.length <= 2)).toBe(true);
    }
    expect(await journal.conversations({ after: null, limit: 9, chats: [] })).toEqual([]);
  });

  test('a group that becomes a supergroup keeps its conversations, timers, requests and waiting messages', async () => {
    const { open, clock } = await openEngine();
    const journal = await open();
    await journal.write(async (tx) => {
      for (const id of ['-5', '-5:u7', '-5:t9', '-55', '5']) {
        tx.saveConversation(conversation(id, { snapshot: `"${id}"` }));
        tx.setTimer(timer(id, 'after', 100));
        tx.addRequest(request(`request of ${id}`, id));
      }
      for (const status of ['queued', 'scheduled', 'sending', 'sent'] as const) accept(tx, { chat: '-5', status });
      accept(tx, { chat: '-5', priority: 0, dueAt: clock.now() + 50 });
      accept(tx, { chat: '-55' });
    });
    await journal.write(async (tx) => tx.moveChat('-5', '-1005'));
    expect(await ids(journal)).toEqual(['-1005', '-1005:t9', '-1005:u7', '-55', '5']);
    expect(await journal.conversation('-1005:u7')).toEqual(conversation('-1005:u7', { snapshot: '"-5:u7"' }));
    expect((await journal.openRequests(9)).map(({ conversation: of }) => of)).toEqual([
      '-1005',
      '-1005:u7',
      '-1005:t9',
      '-55',
      '5',
    ]);
    const chats = await Promise.all([1, 2, 3, 4, 5, 6].map(async (seq) => (await journal.message(seq))?.chat));
    // What is under way goes with them: whatever becomes of it, the others wait for it.
    expect(chats).toEqual(['-1005', '-1005', '-1005', '-5', '-1005', '-55']);
    expect(await journal.outboxDepth()).toBe(4);
    await journal.write(async (tx) => {
      const due = await tx.dueTimers(100, 9);
      expect(due.map((t) => t.conversation).sort()).toEqual(['-1005', '-1005:t9', '-1005:u7', '-55', '5']);
      expect((await tx.claimable(9)).map(({ seq }) => seq)).toEqual([6]);
      tx.changeMessage(3, { status: 'sent' });
      await tx.dueMessages();
      expect(await tx.nextMessageAt()).toBe(clock.now() + 50);
    });
  });

  test('a chat that moved is found by its old id; its messages alone may be told to move first', async () => {
    const journal = await (await openEngine()).open();
    await journal.write(async (tx) => {
      tx.saveConversation(conversation('-5'));
      tx.moveMessages('-5', '-1005');
    });
    expect(await journal.conversation('-5')).not.toBeNull();
    expect(await journal.write((tx) => tx.currentChat('-5'))).toBe('-1005');
    expect(await journal.write((tx) => tx.currentChat('7'))).toBe('7');
    // However Telegram's answers contradict one another, the look-up ends.
    await journal.write(async (tx) => tx.moveMessages('-1005', '-5'));
    expect(['-5', '-1005']).toContain(await journal.write((tx) => tx.currentChat('-5')));
  });

  test('where the supergroup has a conversation already, the one that moves takes its place and leaves nothing behind', async () => {
    const journal = await (await openEngine()).open();
    await journal.write(async (tx) => {
      for (const id of ['-5', '-1005']) {
        tx.saveConversation(conversation(id, { snapshot: `"${id}"` }));
        tx.setTimer(timer(id, 'both', id === '-5' ? 100 : 200));
        tx.setTimer(timer(id, `of ${id}`, 300));
        tx.addRequest(request(`request of ${id}`, id));
      }
      tx.moveChat('-5', '-1005');
      tx.moveChat('-5', '-1005');
      tx.moveChat('-1005', '-1005');
    });
    expect(await ids(journal)).toEqual(['-1005']);
    expect(await journal.conversation('-1005')).toEqual(conversation('-1005', { snapshot: '"-5"' }));
    expect((await journal.openRequests(9)).map(({ id }) => id)).toEqual(['request of -5']);
    const due = await journal.write((tx) => tx.dueTimers(999, 9));
    expect(due).toEqual([timer('-1005', 'both', 100), timer('-1005', 'of -5', 300)]);
  });

  test('a conversation that is done gives way to one that is not', async () => {
    const journal = await (await openEngine()).open();
    const running = conversation('-1005', { snapshot: '"runs"' });
    await journal.write(async (tx) => {
      tx.saveConversation(conversation('-5', { status: 'done' }));
      tx.saveConversation(running);
      tx.setTimer(timer('-1005', 'new', 200));
      tx.addRequest(request('new', '-1005'));
      accept(tx, { chat: '-5' });
      accept(tx, { chat: '-1005' });
      tx.moveChat('-5', '-1005');
      expect((await tx.claimable(9)).map(({ seq }) => seq)).toEqual([1]);
    });
    expect(await journal.conversations({ after: null, limit: 9, chats: null })).toEqual([running]);
    expect((await journal.openRequests(9)).map(({ id }) => id)).toEqual(['new']);
    expect(await journal.write((tx) => tx.dueTimers(999, 9))).toEqual([timer('-1005', 'new', 200)]);
  });

  test.each([
    ['-5', { status: 'quarantined', error: 'why' }, {}],
    ['-1005', {}, { status: 'quarantined', error: 'why' }],
    ['-5', { status: 'quarantined', error: 'why' }, { status: 'quarantined', error: 'that too' }],
  ] as const)(
    'where %s stands still the moved one does, with all that either has not taken',
    async (_, moved, there) => {
      const journal = await (await openEngine()).open();
      await journal.write(async (tx) => {
        tx.saveConversation(conversation('-5', { ...moved, snapshot: '"-5"' }));
        tx.saveConversation(conversation('-1005', there));
        tx.setTimer(timer('-5', 'of -5', 100));
        tx.setTimer(timer('-1005', 'of -1005', 200));
        const held = { event: '{}', awaited: null };
        tx.holdEvent({ ...held, conversation: '-5', seq: 5, awaited: { kind: 'timer', name: 'early', dueAt: 5 } });
        tx.holdEvent({ ...held, conversation: '-1005', seq: 3 });
        // What the one that is gone waited for does not come.
        tx.holdEvent({ ...held, conversation: '-1005', seq: 4, awaited: { kind: 'timer', name: 'early', dueAt: 5 } });
        tx.moveChat('-5', '-1005');
      });
      const still = { status: 'quarantined', error: 'why', snapshot: '"-5"' } as const;
      expect(await journal.conversations({ after: null, limit: 9, chats: null })).toEqual([
        conversation('-1005', still),
      ]);
      expect(await journal.write((tx) => tx.dueTimers(999, 9))).toEqual([timer('-1005', 'of -5', 100)]);
      await journal.write(async (tx) => {
        expect((await tx.nextHeld('-1005'))?.seq).toBe(3);
        tx.dropHeld('-1005', 3);
        expect((await tx.nextHeld('-1005'))?.seq).toBe(5);
      });
    },
  );
}
