import { expect, test } from 'vitest';
import type { ClaimableOf, Journal, MessageChange, MessageRecord } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { outboxModelContract } from './contract-outbox-model.ts';
import type { Engine, OpenEngine } from './engine.ts';
import { accept } from './records.ts';

/** What may be claimed now, once what came due has been let in. */
const claimable = (journal: Journal, limit = 99): Promise<number[]> =>
  journal.write(async (tx) => {
    await tx.dueMessages();
    return (await tx.claimable(limit)).map(({ seq }) => seq);
  });

const claim = (journal: Journal, limit = 99): Promise<MessageRecord[]> =>
  journal.write(async (tx) => {
    const messages = await tx.claimable(limit);
    tx.claim(messages);
    return messages;
  });

const nextAt = (journal: Journal): Promise<number | null> => journal.write((tx) => tx.nextMessageAt());

const change = (journal: Journal, seq: number, to: MessageChange): Promise<void> =>
  journal.write(async (tx) => tx.changeMessage(seq, to));

/** Accepts messages in order; their seqs are 1, 2, 3, … */
async function withMessages(engine: Engine, messages: readonly Partial<MessageRecord>[]): Promise<Journal> {
  const journal = await engine.open();
  await journal.write(async (tx) => {
    for (const message of messages) accept(tx, message);
  });
  return journal;
}

export function outboxContract(openEngine: OpenEngine): void {
  test('high priority goes first, then who came first; one message a chat, none of a chat that has one under way', async () => {
    const journal = await withMessages(await openEngine(), [
      { chat: 'a', priority: 2 },
      { chat: 'b' },
      { chat: 'b' },
      { chat: 'c' },
      { chat: 'd', priority: 0 },
      { chat: 'a', priority: 2 },
    ]);
    expect(await claimable(journal)).toEqual([5, 2, 4, 1]);
    expect(await claimable(journal, 0)).toEqual([]);
    expect((await claim(journal, 2)).map(({ seq }) => seq)).toEqual([5, 2]);
    expect(await journal.message(5)).toMatchObject({ status: 'sending', attempts: 1 });
    expect(await journal.outboxDepth()).toBe(4);
    expect(await claimable(journal)).toEqual([4, 1]);
    await change(journal, 2, { status: 'sent' });
    expect(await claimable(journal)).toEqual([3, 4, 1]);
  });

  test('within a priority keys have turns, conversations as one of them; who has more goes on where others have none left', async () => {
    const many = (count: number, keyId: string | null, priority = 1) =>
      Array.from({ length: count }, (_, n) => ({ chat: `${keyId} ${priority} ${n}`, keyId, priority }));
    const journal = await withMessages(await openEngine(), [
      ...many(5, 'b'),
      ...many(1, 'c'),
      ...many(3, null),
      ...many(2, 'a'),
      ...many(1, 'b', 0),
    ]);
    const inTurns = (limit: number, last?: string) =>
      journal.write(async (tx) => {
        const turns = new Map(last === undefined ? [] : [[1, last]]);
        return (await tx.claimable(limit, { turns })).map(({ seq }) => seq);
      });
    const [all, behindA] = [
      [12, 7, 10, 1, 6, 8, 11, 2, 9, 3, 4, 5],
      [12, 1, 6, 7, 10, 2, 8, 11, 3, 9, 4, 5],
    ];
    for (let limit = 0; limit <= 12; limit += 1) {
      expect(await inTurns(limit)).toEqual(all.slice(0, limit));
      expect(await inTurns(limit, 'a')).toEqual(behindA.slice(0, limit));
    }
    expect(await inTurns(4, '')).toEqual([12, 10, 1, 6]);
    // A key that has nothing now.
    expect(await inTurns(4, 'aa')).toEqual([12, 1, 6, 7]);
    expect(await inTurns(4, 'zz')).toEqual([12, 7, 10, 1]);
  });

  test("a key's waiting messages are found page by page, whatever lies between them, and no others", async () => {
    const engine = await openEngine();
    const later = engine.clock.now() + 60_000;
    const own = { keyId: 'own' };
    const journal = await withMessages(engine, [
      ...[own, { keyId: 'other' }, own, {}, { ...own, priority: 2 }].map((fields) => ({ chat: '-5', ...fields })),
      { ...own, chat: '@name' },
      { ...own, chat: '7', order: 'free' },
      { ...own, chat: '7', status: 'scheduled', dueAt: later },
      { chat: '7', status: 'scheduled', dueAt: later },
      { ...own, chat: '9' },
      { ...own, chat: '8', status: 'scheduled', dueAt: later },
    ]);
    await change(journal, 10, { status: 'canceled' });
    const [first] = await claim(journal, 1);
    expect(first?.seq).toBe(1);
    for (const looks of [1, 3, 99]) {
      const found: number[] = [];
      for (let place: string | null = ''; place !== null; ) {
        const after: string = place;
        const page = await journal.write((tx) => tx.waitingOf('own', after, looks));
        found.push(...page.messages.map(({ seq }) => seq));
        place = page.next;
      }
      expect(found.sort((a, b) => a - b)).toEqual([3, 5, 6, 7, 8, 11]);
    }
  });

  test('the message that waits longest is found: by its acceptance, its send_at, or its first failure', async () => {
    const engine = await openEngine();
    const at = engine.clock.now();
    const journal = await withMessages(engine, [
      { chat: 'a', createdAt: at - 900, dueAt: 0 },
      { chat: 'b', createdAt: at - 9000, dueAt: at - 500, priority: 3 },
      { chat: 'c', createdAt: at - 9000, status: 'scheduled', dueAt: at + 60_000 },
      { chat: 'd', createdAt: at - 9000, status: 'canceled' },
    ]);
    expect(await journal.oldestWaitingAt()).toBe(at - 900);
    await claim(journal, 1);
    expect(await journal.oldestWaitingAt()).toBe(at - 500);
    const error = JSON.stringify({ history: [{ from: new Date(at - 700).toISOString() }, { from: 'later' }] });
    await change(journal, 1, { status: 'queued', dueAt: at + 5000, error });
    expect(await journal.oldestWaitingAt()).toBe(at - 700);
    for (const seq of [1, 2]) await change(journal, seq, { status: 'failed' });
    expect(await journal.oldestWaitingAt()).toBeNull();
  });

  test('what Telegram does not count as a message is found by itself too, in the same order', async () => {
    const edit = { method: 'editMessageText', counted: false };
    const journal = await withMessages(await openEngine(), [
      { chat: 'a' },
      { chat: 'a', ...edit },
      { chat: 'b', ...edit, priority: 2 },
      { chat: 'c', ...edit },
      { chat: 'd', ...edit, order: 'free', expiresAt: 0 },
    ]);
    const uncounted = () =>
      journal.write(async (tx) => (await tx.claimable(9, { uncounted: true })).map(({ seq }) => seq));
    expect(await claimable(journal)).toEqual([1, 4, 3]);
    expect(await uncounted()).toEqual([4, 3]);
    expect(await journal.message(2)).toMatchObject({ counted: false });
    const [, claimed] = await claim(journal, 2);
    expect(claimed).toMatchObject({ seq: 4, counted: false });
    await change(journal, 1, { status: 'sent' });
    expect(await uncounted()).toEqual([2, 3]);
  });

  test('those of some urgency are found by themselves, counted or not', async () => {
    const reply = { priority: -1 };
    const journal = await withMessages(await openEngine(), [
      { chat: 'a' },
      { chat: 'b', ...reply },
      { chat: 'c', ...reply, method: 'editMessageText', counted: false },
      { chat: 'd', priority: 0, counted: false },
    ]);
    const found = (which: ClaimableOf) =>
      journal.write(async (tx) => (await tx.claimable(9, which)).map(({ seq }) => seq));
    expect(await found({})).toEqual([2, 3, 4, 1]);
    expect(await found({ priorityMax: 0 })).toEqual([2, 3, 4]);
    expect(await found({ priorityMax: -1 })).toEqual([2, 3]);
    expect(await found({ priorityMax: -1, uncounted: true })).toEqual([3]);
  });

  test('a message that comes while one of its chat is under way waits for it, whatever its priority', async () => {
    const journal = await withMessages(await openEngine(), [{ chat: 'a' }]);
    const [claimed] = await claim(journal);
    await journal.write(async (tx) => [accept(tx, { chat: 'a' }), accept(tx, { chat: 'a', priority: 0 })]);
    expect(await claimable(journal)).toEqual([]);
    await journal.write(async (tx) =>
      tx.changeMessage(1, { status: 'sent' }, claimed && { ...claimed, status: 'sending' }),
    );
    expect(await claimable(journal)).toEqual([3]);
  });

  test('messages that need no order wait for none of their chat, and none waits for them', async () => {
    const engine = await openEngine();
    const later = engine.clock.now() + 500;
    const journal = await withMessages(engine, [
      { chat: 'a', order: 'free', dueAt: later },
      { chat: 'a' },
      { chat: 'a', order: 'free' },
      { chat: 'a' },
      { chat: 'a', order: 'free', priority: 0 },
    ]);
    expect(await journal.message(3)).toMatchObject({ order: 'free' });
    expect(await claimable(journal)).toEqual([5, 2, 3]);
    await claim(journal);
    await change(journal, 2, { status: 'queued', dueAt: later + 1 });
    expect(await claimable(journal)).toEqual([]);
    await journal.write(async (tx) => tx.moveChat('a', 'b'));
    await change(journal, 3, { status: 'queued', dueAt: 0 });
    expect(await claimable(journal)).toEqual([3]);
    await engine.clock.advance(500);
    expect(await claimable(journal)).toEqual([1, 3]);
  });

  test('a message for a group that is known to have moved waits in one line with those of the supergroup', async () => {
    const engine = await openEngine();
    const journal = await withMessages(engine, [{ chat: '-5' }, { chat: '-5' }]);
    await journal.write(async (tx) => tx.moveMessages('-5', '-1005'));
    // By whoever has not heard of it.
    await journal.write(async (tx) => accept(tx, { chat: '-5' }));
    await journal.write(async (tx) => accept(tx, { chat: '-1005' }));
    expect(await claimable(journal)).toEqual([1]);
    for (const seq of [1, 2]) {
      await claim(journal);
      await change(journal, seq, { status: 'sent' });
    }
    expect(await claimable(journal)).toEqual([3]);
    expect(await journal.message(3)).toMatchObject({ chat: '-1005' });
    const later = await engine.open();
    await later.write(async (tx) => accept(tx, { chat: '-5' }));
    expect(await later.message(5)).toMatchObject({ chat: '-1005' });
  });

  test('a chat that rests is not looked at before its time, a new message of high priority asks again', async () => {
    const engine = await openEngine();
    const journal = await withMessages(engine, [{ chat: 'a' }, { chat: 'a' }, { chat: 'b' }]);
    const until = engine.clock.now() + 100;
    await journal.write(async (tx) => {
      for (const message of await tx.claimable(1)) tx.rest(message, until);
    });
    expect(await claimable(journal)).toEqual([3]);
    expect(await nextAt(journal)).toBe(until);
    await journal.write(async (tx) => accept(tx, { chat: 'a', priority: 0 }));
    expect(await claimable(journal)).toEqual([4, 3]);
    await change(journal, 4, { status: 'canceled' });
    expect(await claimable(journal)).toEqual([1, 3]);
  });

  test('a chat with many messages does not keep others out of a claim', async () => {
    const journal = await withMessages(await openEngine(), [
      ...Array.from({ length: 100 }, () => ({ chat: 'loud' })),
      { chat: 'quiet' },
    ]);
    expect(await claimable(journal, 2)).toEqual([1, 101]);
  });

  test('a message waits behind an earlier one of its chat that waits for another try', async () => {
    const engine = await openEngine();
    const journal = await withMessages(engine, [
      { chat: 'a' },
      { chat: 'a' },
      { chat: 'a', priority: 2 },
      { chat: 'b' },
    ]);
    await claim(journal, 1);
    await change(journal, 1, { status: 'queued', dueAt: engine.clock.now() + 500 });
    expect(await claimable(journal)).toEqual([4]);
    expect(await nextAt(journal)).toBe(engine.clock.now() + 500);
    await engine.clock.advance(500);
    expect(await claimable(journal)).toEqual([1, 4]);
    await change(journal, 1, { status: 'sent' });
    expect(await claimable(journal)).toEqual([2, 4]);
  });

  test('a message of high priority passes those of lower priority in its chat, also while one waits for another try', async () => {
    const engine = await openEngine();
    const journal = await withMessages(engine, [{ priority: 1, dueAt: engine.clock.now() + 500 }, { priority: 2 }]);
    expect(await claimable(journal)).toEqual([]);
    await journal.write(async (tx) => accept(tx, { priority: 0 }));
    expect(await claimable(journal)).toEqual([3]);
    await change(journal, 3, { status: 'sent' });
    expect(await claimable(journal)).toEqual([]);
    await engine.clock.advance(500);
    expect(await claimable(journal)).toEqual([1]);
  });

  test('a chat goes on once the message at its head is taken back, and the outbox hears of it', async () => {
    const engine = await openEngine();
    const journal = await withMessages(engine, [{ chat: 'a', dueAt: engine.clock.now() + 500 }, { chat: 'a' }]);
    const told: boolean[] = [];
    journal.onCommit(({ outbox }) => told.push(outbox));
    expect(await claimable(journal)).toEqual([]);
    await change(journal, 1, { status: 'canceled' });
    expect(await claimable(journal)).toEqual([2]);
    expect(told).toEqual([true]);
  });

  test('a change says only what it changes, and can take back an error', async () => {
    const engine = await openEngine();
    const journal = await withMessages(engine, [{ telegramMessageId: 5 }]);
    await engine.clock.advance(10);
    await change(journal, 1, { status: 'failed', error: '{"code":400}', attempts: 3 });
    const failed = {
      status: 'failed',
      error: '{"code":400}',
      attempts: 3,
      telegramMessageId: 5,
      method: 'sendMessage',
    };
    expect(await journal.message(1)).toMatchObject({ ...failed, updatedAt: engine.clock.now() });
    await change(journal, 1, { error: null, telegramMessageId: null, params: '{}', chat: '9' });
    expect(await journal.message(1)).toMatchObject({
      ...{ status: 'failed', attempts: 3 },
      ...{ error: null, telegramMessageId: null, params: '{}', chat: '9' },
    });
    await expect(change(journal, 99, { status: 'sent' })).rejects.toThrow('no message 99');
  });

  test('a scheduled message is queued when it is due, in its place by acceptance', async () => {
    const engine = await openEngine();
    const at = engine.clock.now() + 1000;
    const journal = await withMessages(engine, [{ chat: 'a', status: 'scheduled', dueAt: at }, { chat: 'a' }]);
    expect(await nextAt(journal)).toBe(at);
    await journal.write((tx) => tx.dueMessages());
    expect(await claimable(journal)).toEqual([2]);
    await engine.clock.advance(1000);
    const queued = await journal.write(async (tx) => {
      await tx.dueMessages();
      return tx.message(1);
    });
    expect(queued).toMatchObject({ status: 'queued' });
    expect(await claimable(journal)).toEqual([1]);
    expect(await journal.outboxDepth()).toBe(2);
  });

  test('messages that expired are given, the earliest first, and are not claimed meanwhile', async () => {
    const engine = await openEngine();
    const [now, later] = [engine.clock.now(), engine.clock.now() + 10_000];
    const journal = await withMessages(engine, [
      { chat: 'a', expiresAt: now + 200 },
      { chat: 'b', expiresAt: now + 100, status: 'scheduled', dueAt: later },
      { chat: 'c', expiresAt: now + 201 },
      { chat: 'd', expiresAt: now + 50, status: 'sent' },
      { chat: 'a' },
    ]);
    expect(await nextAt(journal)).toBe(now + 100);
    await engine.clock.advance(200);
    const expired = await journal.write(async (tx) => (await tx.dueMessages()).expired.map(({ seq }) => seq));
    expect(expired).toEqual([2, 1]);
    expect(await claimable(journal)).toEqual([3]);
    for (const seq of expired) await change(journal, seq, { status: 'expired' });
    expect(await claimable(journal)).toEqual([3, 5]);
    expect(await journal.outboxDepth()).toBe(2);
    expect(await nextAt(journal)).toBe(now + 201);
  });

  test('many messages that come due or expire at once are taken a part at a time, and the outbox is told to go on', async () => {
    const engine = await openEngine();
    const part = limits.outboxDuePerUnitMax;
    const due = { status: 'scheduled', dueAt: engine.clock.now() + 1 } as const;
    const old = { expiresAt: engine.clock.now() + 1 };
    const journal = await withMessages(engine, [
      ...Array.from({ length: part + 1 }, (_, n) => ({ ...due, chat: `due ${n}` })),
      ...Array.from({ length: part + 1 }, (_, n) => ({ ...old, chat: `old ${n}` })),
    ]);
    await engine.clock.advance(1);
    const told: boolean[] = [];
    journal.onCommit(({ outbox }) => told.push(outbox));
    const round = () =>
      journal.write(async (tx) => {
        const { expired } = await tx.dueMessages();
        for (const { seq } of expired) tx.changeMessage(seq, { status: 'expired' });
        return [(await tx.claimable(10_000)).length, expired.length];
      });
    expect([await round(), await round(), await round()]).toEqual([
      [part, part],
      [part + 1, 1],
      [part + 1, 0],
    ]);
    expect(told).toEqual([true, true]);
    expect(await journal.outboxDepth()).toBe(part + 1);
  });

  test('after a crash the messages that were being sent are found, and no others', async () => {
    const engine = await openEngine();
    const statuses = ['queued', 'sending', 'sent', 'unknown', 'sending'] as const;
    await withMessages(
      engine,
      statuses.map((status) => ({ status })),
    );
    const again = await engine.open();
    const orphans = await again.write((tx) => tx.orphanedMessages());
    expect(orphans.map(({ seq }) => seq)).toEqual([2, 5]);
  });

  test('waits that Telegram asked for are remembered until they are over, the longer of two for the same', async () => {
    const engine = await openEngine();
    const first = await engine.open();
    const hold = (journal: Journal, chat: string | null, ms: number) =>
      journal.write(async (tx) => tx.hold({ chat, waitMs: ms }));
    for (const [chat, ms] of [
      ['7', 10],
      [null, 20],
      ['-8', 30],
      ['7', 25],
      ['7', 5],
      ['@news', 40],
    ] as const) {
      await hold(first, chat, ms);
    }
    const again = await engine.open();
    const held = (limit = 99) =>
      again.write(async (tx) => (await tx.holds(limit)).map(({ chat, waitMs }) => [chat, waitMs]));
    expect(await held()).toEqual([
      [null, 20],
      ['@news', 40],
      ['-8', 30],
      ['7', 25],
    ]);
    expect(await held(2)).toEqual([
      [null, 20],
      ['@news', 40],
    ]);
    await engine.clock.advance(25);
    expect(await held()).toEqual([
      ['@news', 15],
      ['-8', 5],
    ]);
    await hold(again, '-8', 6);
    expect(await held()).toEqual([
      ['@news', 15],
      ['-8', 6],
    ]);
    // A clock that is set back makes no wait longer than what was asked for.
    engine.clock.set(engine.clock.now() - 3_600_000);
    expect(await held()).toEqual([
      ['@news', 40],
      ['-8', 6],
    ]);
    await hold(again, '@news', 7);
    expect((await held()).sort()).toEqual([
      ['-8', 6],
      ['@news', 7],
    ]);
    expect(await (await engine.open('2')).write((tx) => tx.holds(99))).toEqual([]);
  });

  test('a chat that takes no messages is remembered with the reason, until something comes from it', async () => {
    const engine = await openEngine();
    const first = await engine.open();
    const closed = (journal: Journal) => journal.write((tx) => tx.closedChats(['7', '-8', '9']));
    expect(await closed(first)).toEqual(new Map());
    await first.write(async (tx) => {
      tx.closeChat('7', '{"code":403}', 1);
      tx.closeChat('-8', '{"code":400}', 2);
      tx.closeChat('-8', '{"code":403}', 3);
    });
    const again = await engine.open();
    expect(await closed(again)).toEqual(
      new Map([
        ['7', '{"code":403}'],
        ['-8', '{"code":403}'],
      ]),
    );
    await again.write((tx) => tx.reopenChats(['-8', '10']));
    expect(await closed(again)).toEqual(new Map([['7', '{"code":403}']]));
    expect(await (await engine.open('2')).write((tx) => tx.closedChats(['7']))).toEqual(new Map());
  });

  test('a chat that was heard from while a call was under way is not closed by how that call ends, but by the next', async () => {
    const journal = await withMessages(await openEngine(), [{ chat: '7' }, { chat: '8' }]);
    const end = (seq: number, chat: string, as: 'queued' | 'failed') =>
      journal.write(async (tx) => {
        tx.changeMessage(seq, { status: as });
        tx.closeChat(chat, '{"code":403}', seq);
        return [...(await tx.closedChats(['7', '8'])).keys()];
      });
    // Before the claim it says nothing of the call.
    await journal.write((tx) => tx.reopenChats(['8']));
    await claim(journal);
    await journal.write((tx) => tx.reopenChats(['7', '9']));
    expect(await end(1, '7', 'queued')).toEqual([]);
    expect(await end(2, '8', 'failed')).toEqual(['8']);
    await claim(journal);
    expect(await end(1, '7', 'failed')).toEqual(['7', '8']);
  });

  outboxModelContract(openEngine);
}
