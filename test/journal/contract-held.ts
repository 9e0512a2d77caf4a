import { expect, onTestFinished, test } from 'vitest';
import type { Awaited, HeldEvent, Journal } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import type { OpenEngine } from './engine.ts';
import { conversation, request } from './records.ts';

const timer = (name: string): Awaited => ({ kind: 'timer', name, dueAt: 5 });
const answer = (name: string): Awaited => ({
  kind: 'request',
  name,
  id: `1-${name}`,
  src: 's',
  input: '[]',
  createdAt: 6,
});

const held = (conversation: string, seq: number, awaited: Awaited | null = null): HeldEvent => ({
  conversation,
  seq,
  event: `{"type":"event.${seq}"}`,
  awaited,
});

/** The seqs of all that is held, first to last; takes it out. */
const drain = (journal: Journal, id: string): Promise<number[]> =>
  journal.write(async (tx) => {
    const seqs: number[] = [];
    for (let next = await tx.nextHeld(id); next !== null; next = await tx.nextHeld(id)) {
      seqs.push(next.seq);
      tx.dropHeld(id, next.seq);
    }
    return seqs;
  });

const quarantined = async (journal: Journal, chats: readonly string[] | null = null, limit = 2) => {
  const ids: string[] = [];
  for (let after: string | null = null; ; ) {
    const page = await journal.quarantined({ after, limit, chats });
    ids.push(...page.map(({ id }) => id));
    if (page.length < limit) return ids;
    after = page.at(-1)?.id ?? null;
  }
};

export function heldContract(openEngine: OpenEngine): void {
  test('are listed, page by page and for certain chats, as long as they are', async () => {
    const { open } = await openEngine();
    const journal = await open();
    await journal.write(async (tx) => {
      for (const id of ['1', '2', '-3:u1', '4', '5']) tx.saveConversation(conversation(id, { status: 'quarantined' }));
      tx.saveConversation(conversation('6'));
    });
    await journal.write(async (tx) => {
      tx.saveConversation(conversation('2', { status: 'active' }));
      tx.endQuarantine('4');
      tx.saveConversation(conversation('4'));
    });
    await journal.close();
    const again = await open();
    expect(await quarantined(again)).toEqual(['-3:u1', '1', '5']);
    expect(await quarantined(again, ['-3', '4', '5'], 1)).toEqual(['-3:u1', '5']);
    expect(await quarantined(await open('2'))).toEqual([]);
  });

  test('I9: hold a bounded number; what came beyond is counted, but for what was waited for, which is held', async () => {
    const real = limits.heldEventsMax;
    onTestFinished(() => void Object.assign(limits, { heldEventsMax: real }));
    Object.assign(limits, { heldEventsMax: 3 });
    const { open } = await openEngine();
    const journal = await open();
    await journal.write(async (tx) => {
      tx.saveConversation(conversation('-5', { status: 'quarantined' }));
      for (const seq of [1, 2, 3, 4, 3, 5]) tx.holdEvent(held('-5', seq));
      tx.holdEvent(held('-5', 6, timer('a')));
      tx.moveChat('-5', '-100');
    });
    await journal.write(async (tx) => tx.holdEvent(held('-100', 7)));
    expect(await drain(await open(), '-100')).toEqual([1, 2, 3, 6]);
    await (await open()).write(async (tx) => {
      expect(await tx.endQuarantine('-100')).toBe(3);
      expect(await tx.endQuarantine('-100')).toBe(0);
    });
  });

  test('hold what came for them in the order of seq, each once, also after a restart', async () => {
    const { open } = await openEngine();
    const journal = await open();
    await journal.write(async (tx) => {
      for (const seq of [9, 3, 7]) tx.holdEvent(held('7', seq));
      tx.holdEvent({ ...held('7', 3), event: '{}' });
      tx.holdEvent(held('8', 1));
    });
    await journal.close();
    const again = await open();
    expect(await again.write((tx) => tx.nextHeld('7'))).toEqual(held('7', 3));
    expect(await drain(again, '7')).toEqual([3, 7, 9]);
    expect(await drain(again, '8')).toEqual([1]);
  });

  test('hold no coming of what they wait for no more', async () => {
    const journal = await (await openEngine()).open();
    const fill = () =>
      journal.write(async (tx) => {
        tx.holdEvent(held('7', 1));
        tx.holdEvent(held('7', 2, timer('a')));
        tx.holdEvent(held('7', 3, answer('a')));
        tx.holdEvent(held('8', 4, timer('a')));
      });
    await fill();
    await journal.write(async (tx) => tx.forgetAwaited('7', { kind: 'timer', name: 'a' }));
    expect(await drain(journal, '7')).toEqual([1, 3]);
    await fill();
    await journal.write(async (tx) => tx.forgetAwaited('7', null));
    expect(await drain(journal, '7')).toEqual([1]);
    await fill();
    await journal.write(async (tx) => tx.endQuarantine('7'));
    expect([await drain(journal, '7'), await drain(journal, '8')]).toEqual([[], [4]]);
  });

  test('what they have waited for is told, and goes on under another name', async () => {
    const { open } = await openEngine();
    const journal = await open();
    await journal.write(async (tx) => {
      tx.holdEvent(held('7', 1));
      tx.holdEvent(held('7', 2, timer('a b')));
      tx.holdEvent(held('7', 3, answer('a b')));
      tx.holdEvent(held('8', 4, timer('a b')));
      tx.renameHeld({ ...held('7', 2), event: '{}', awaited: timer('c') });
    });
    await journal.close();
    await (await open()).write(async (tx) => {
      const named = { ...held('7', 2), event: '{}', awaited: timer('c') };
      expect(await tx.heldAwaited('7')).toEqual([named, held('7', 3, answer('a b'))]);
      tx.forgetAwaited('7', { kind: 'timer', name: 'a b' });
      expect(await tx.heldAwaited('7')).toHaveLength(2);
      tx.forgetAwaited('7', { kind: 'timer', name: 'c' });
      expect(await tx.heldAwaited('7')).toHaveLength(1);
    });
  });

  test('move with their group, with what is held', async () => {
    const journal = await (await openEngine()).open();
    await journal.write(async (tx) => {
      tx.saveConversation(conversation('-5', { status: 'quarantined' }));
      tx.holdEvent(held('-5', 1));
      tx.moveChat('-5', '-1005');
    });
    expect(await quarantined(journal)).toEqual(['-1005']);
    expect(await journal.quarantinedCount()).toBe(1);
    expect([await drain(journal, '-5'), await drain(journal, '-1005')]).toEqual([[], [1]]);
  });

  test('what was sent to the backend without waiting is not withdrawn with the rest', async () => {
    const journal = await (await openEngine()).open();
    await journal.write(async (tx) => {
      tx.addRequest(request('1-1-0', '7', ''));
      tx.addRequest(request('1-1-1', '7', 'open'));
      tx.withdrawRequests('7');
    });
    expect((await journal.openRequests(9)).map(({ id }) => id)).toEqual(['1-1-0']);
  });
}
