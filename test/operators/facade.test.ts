import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { createUpdateQueues } from '../../src/operators/facade.ts';
import type { PollRequest, UpdateQueues } from '../../src/operators/operators.ts';
import { type ManualClock, manualClock, settle } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';

interface Queues {
  readonly journal: Journal;
  readonly queues: UpdateQueues;
  readonly clock: ManualClock;
  /** Journals updates with these ids, all in one unit of work. */
  arrive(ids: readonly number[], more?: { chat?: string | null; kind?: string; text?: string }): Promise<void>;
  /** The update_ids of an answer. */
  poll(request?: Partial<PollRequest>): Promise<number[]>;
}

function openQueues(folder = temporaryFolder(), clock = manualClock()): Queues {
  const journal = openJournal(folder, clock);
  const queues = createUpdateQueues({ journal, clock });
  return {
    ...{ journal, queues, clock },
    async arrive(ids, { chat = '7', kind = 'message', text = 'hi' } = {}) {
      await journal.write(async (tx) => {
        for (const updateId of ids) {
          const update = { update_id: updateId, [kind]: { chat: { id: Number(chat) }, text } };
          tx.append({ type: 'update.received', chat, updateId, body: JSON.stringify({ update }) });
          tx.append({ type: 'chat.moved', chat, body: '{}' });
        }
      });
    },
    poll: async (request = {}) => (await queues.poll(pollOf(request))).map((text) => JSON.parse(text).update_id),
  };
}

const pollOf = (request: Partial<PollRequest>): PollRequest => ({
  ...{ keyId: 'k', chats: null, offset: 0, limit: 100, timeoutMs: 0, allowed: null },
  signal: new AbortController().signal,
  ...request,
});

const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

describe("a key's own queue", () => {
  test("gives Telegram's objects as they came, until an offset above them confirms them", async () => {
    const { queues, journal, arrive, poll } = openQueues();
    const odd = {
      update_id: 9,
      message: { chat: { id: 7 }, text: '}\u2028 "update":{', nested: { update: { a: [] } } },
    };
    await journal.write(async (tx) =>
      tx.append({ type: 'update.received', chat: '7', body: JSON.stringify({ update: odd }) }),
    );
    expect((await queues.poll(pollOf({}))).map((text) => JSON.parse(text))).toEqual([odd]);
    await arrive([10, 11, 12]);
    expect(await poll()).toEqual([9, 10, 11, 12]);
    expect(await poll({ offset: 9 }), 'nothing is below 9').toEqual([9, 10, 11, 12]);
    expect(await poll({ offset: 11 })).toEqual([11, 12]);
    expect(await poll({ offset: 3 }), 'an older offset takes nothing back').toEqual([11, 12]);
    expect(await poll({ offset: 13 })).toEqual([]);
  });

  test('an entry whose update was too deep to be kept is given by its id', async () => {
    const { journal, queues } = openQueues();
    const body = '{"update":{"update_id":5},"error":"the update is nested too deep to be kept"}';
    await journal.write(async (tx) => tx.append({ type: 'update.received', chat: '7', body }));
    expect(await queues.poll(pollOf({}))).toEqual(['{"update_id":5}']);
  });

  test('what one key confirms, another still gets', async () => {
    const { arrive, poll } = openQueues();
    await arrive([1, 2]);
    expect(await poll({ keyId: 'a', offset: 3 })).toEqual([]);
    expect(await poll({ keyId: 'b' })).toEqual([1, 2]);
  });

  test('what is confirmed survives a restart; what is not comes again', async () => {
    const folder = temporaryFolder();
    const { arrive, poll, journal, clock } = openQueues(folder);
    await arrive([1, 2, 3]);
    expect(await poll({ offset: 2, limit: 1 })).toEqual([2]);
    await journal.close();
    const again = openQueues(folder, clock);
    expect(await again.poll()).toEqual([2, 3]);
    expect(await again.poll({ offset: 3 }), 'an answer from before the restart is confirmed after it').toEqual([3]);
  });

  test('limit bounds an answer, and so do its bytes', async () => {
    const { arrive, poll } = openQueues();
    const text = 'x'.repeat(limits.facadeAnswerBytesMax / 4);
    await arrive(range(1, 6), { text });
    expect(await poll({ limit: 2 })).toEqual([1, 2]);
    const [ids] = [await poll()];
    expect(ids).toEqual([1, 2, 3, 4]);
    expect(await poll({ offset: 5 })).toEqual([5, 6]);
  });

  test('a key that is restricted to chats gets those alone, and nothing that belongs to no chat', async () => {
    const { arrive, poll } = openQueues();
    await arrive([1], { chat: '7' });
    await arrive([2], { chat: '8' });
    await arrive([3], { chat: null, kind: 'poll' });
    await arrive([4], { chat: '7' });
    expect(await poll({ chats: ['7'] })).toEqual([1, 4]);
    expect(await poll({ chats: ['7'], offset: 5 })).toEqual([]);
    expect(await poll({ keyId: 'all' })).toEqual([1, 2, 3, 4]);
  });

  test('the first poll begins with what came within the last 24 hours', async () => {
    const { arrive, poll, clock } = openQueues();
    await arrive([1, 2]);
    await clock.advance(limits.facadeBacklogMs);
    await arrive([3]);
    await clock.advance(1);
    await arrive([4]);
    expect(await poll()).toEqual([3, 4]);
    await clock.advance(10 * limits.facadeBacklogMs);
    expect(await poll(), 'from then on nothing is too old').toEqual([3, 4]);
  });

  test('a bot that comes from Telegram with an offset of its own goes on there, however far', async () => {
    const { arrive, poll } = openQueues();
    await arrive(range(1000, 950));
    expect(await poll({ offset: 1940, limit: 2 })).toEqual([1940, 1941]);
  });
});

describe('kinds of update', () => {
  const KINDS = [
    'message',
    'chat_member',
    'message_reaction',
    'message_reaction_count',
    'my_chat_member',
    'something_new',
  ];

  test('by default all but the three that Telegram leaves out; a choice is remembered until the next one', async () => {
    const folder = temporaryFolder();
    const { arrive, poll, journal, clock } = openQueues(folder);
    for (const [i, kind] of KINDS.entries()) await arrive([i + 1], { kind });
    expect(await poll()).toEqual([1, 5, 6]);
    expect(await poll({ allowed: ['chat_member', 'message'] })).toEqual([1, 2]);
    expect(await poll()).toEqual([1, 2]);
    await journal.close();
    const again = openQueues(folder, clock);
    expect(await again.poll()).toEqual([1, 2]);
    expect(await again.poll({ allowed: [] })).toEqual([1, 5, 6]);
  });

  test('what a key never asked for is not kept for it', async () => {
    const { journal, arrive, poll } = openQueues();
    await arrive(range(1, limits.facadeSkipMax), { kind: 'chat_member' });
    expect(await poll()).toEqual([]);
    expect((await journal.cursor('k'))?.seq).toBe(0);
    expect(await poll()).toEqual([]);
    expect((await journal.cursor('k'))?.seq).toBe(journal.bounds().head);
    await arrive([5000]);
    expect(await poll({ allowed: ['chat_member', 'message'] })).toEqual([5000]);
  });
});

describe('an offset below 0', () => {
  test('counts from the end and confirms all before', async () => {
    const { arrive, poll, journal } = openQueues();
    await arrive(range(1, 700));
    await arrive([701], { kind: 'chat_member' });
    expect(await poll({ offset: -2 })).toEqual([699, 700]);
    expect(await poll()).toEqual([699, 700]);
    expect(await poll({ offset: -1 })).toEqual([700]);
    expect(await poll({ offset: 701 })).toEqual([]);
    expect((await journal.cursor('k'))?.seq).toBeGreaterThanOrEqual(1399);
  });

  test('with more than there is gives all that is not confirmed', async () => {
    const { arrive, poll } = openQueues();
    await arrive(range(1, 50));
    await poll({ offset: 11 });
    expect(await poll({ offset: -1000, limit: 3 })).toEqual([11, 12, 13]);
  });

  test('pending updates can be dropped', async () => {
    const { arrive, poll, queues } = openQueues();
    await arrive([1, 2]);
    await queues.dropPending('k');
    await arrive([3]);
    expect(await poll()).toEqual([3]);
  });
});

describe('ids that start again after an idle week', () => {
  test('lower ones: no answer holds both, and no offset of the old ones confirms a new one', async () => {
    const { arrive, poll } = openQueues();
    await arrive([1000, 1001]);
    expect(await poll()).toEqual([1000, 1001]);
    await arrive([5, 6]);
    expect(await poll(), 'both times would be one answer').toEqual([1000, 1001]);
    expect(await poll({ offset: 1002 })).toEqual([5, 6]);
    expect(await poll({ offset: 1002 }), 'the answer was lost').toEqual([5, 6]);
    expect(await poll({ offset: 7 })).toEqual([]);
    await arrive([7]);
    expect(await poll({ offset: 7 })).toEqual([7]);
  });

  test('lower ones, while the caller waits with the offset of before', async () => {
    const { arrive, poll } = openQueues();
    await arrive([1000, 1001]);
    expect(await poll({ offset: 1002 })).toEqual([]);
    await arrive([5]);
    expect(await poll({ offset: 1002 })).toEqual([5]);
    expect(await poll({ offset: 6 })).toEqual([]);
  });

  test('lower ones that come up to those of before', async () => {
    const { arrive, poll } = openQueues();
    await arrive([1000, 1001]);
    expect(await poll({ offset: 1002 })).toEqual([]);
    await arrive(range(998, 6));
    expect(await poll({ offset: 1002 })).toEqual([998, 999, 1000, 1001, 1002, 1003]);
  });

  test('higher ones', async () => {
    const { arrive, poll } = openQueues();
    await arrive([1000, 1001]);
    expect(await poll({ offset: 1002 })).toEqual([]);
    await arrive([2_000_000_000]);
    expect(await poll({ offset: 1002 })).toEqual([2_000_000_000]);
    expect(await poll({ offset: 2_000_000_001 })).toEqual([]);
  });

  test('an offset far beyond all ids is served from the head of the queue, as Telegram does', async () => {
    const { arrive, poll } = openQueues();
    await arrive([5, 6]);
    expect(await poll({ offset: 900 })).toEqual([5, 6]);
    expect(await poll({ offset: 16 })).toEqual([]);
  });
});

describe('a long poll', () => {
  test('is answered as soon as there is something for it, and only then', async () => {
    const { arrive, poll, clock } = openQueues();
    let answered: number[] | null = null;
    void poll({ timeoutMs: 30_000, chats: ['7'] }).then((ids) => {
      answered = ids;
    });
    await settle();
    await arrive([1], { chat: '8' });
    await clock.advance(29_999);
    expect(answered).toBeNull();
    await arrive([2], { chat: '7' });
    await settle();
    expect(answered).toEqual([2]);
  });

  test('is answered with nothing when its time is over', async () => {
    const { poll, clock } = openQueues();
    const answer = poll({ timeoutMs: 30_000 });
    await settle();
    await clock.advance(30_000);
    expect(await answer).toEqual([]);
  });

  test('what arrives while it is being set up is not overlooked', async () => {
    const { arrive, poll } = openQueues();
    const answers = range(1, 50).map(async (id) => {
      const answer = poll({ keyId: `k${id}`, timeoutMs: 30_000 });
      for (let turns = id % 7; turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
      await arrive([id]);
      return answer;
    });
    for (const ids of await Promise.all(answers)) expect(ids.length).toBeGreaterThan(0);
  });

  test('a newer poll of the key ends it with 409, one of another key does not', async () => {
    const { arrive, poll } = openQueues();
    const older = poll({ timeoutMs: 30_000 });
    const other = poll({ timeoutMs: 30_000, keyId: 'other' });
    older.catch(() => {});
    await settle();
    const newer = poll({ timeoutMs: 30_000 });
    await expect(older).rejects.toMatchObject({
      code: 'poll_superseded',
      message: 'terminated by other getUpdates request; make sure that only one bot instance is running',
    });
    await settle();
    await arrive([1]);
    expect(await newer).toEqual([1]);
    expect(await other).toEqual([1]);
  });

  test('a poll that was superseded before it had its answer gets none', async () => {
    const { arrive, poll } = openQueues();
    await arrive([1]);
    const older = poll();
    const newer = poll();
    await expect(older).rejects.toMatchObject({ code: 'poll_superseded' });
    expect(await newer).toEqual([1]);
  });

  test('ends when its key ends, and when its caller is gone', async () => {
    const { poll, queues } = openQueues();
    const ended = poll({ timeoutMs: 30_000 });
    const gone = new AbortController();
    const left = poll({ timeoutMs: 30_000, keyId: 'other', signal: gone.signal });
    ended.catch(() => {});
    await settle();
    queues.end('k');
    await expect(ended).rejects.toMatchObject({ code: 'key_missing' });
    gone.abort();
    expect(await left).toEqual([]);
  });
});

describe('what is read for a poll', () => {
  /** Counts what is read, and lets work go on only as the test says. */
  async function countedQueues(updates: number) {
    const { journal, clock, arrive } = openQueues();
    await arrive(range(1, updates));
    const counted = { reads: 0, entries: 0 };
    const read: typeof journal.read = async (query) => {
      const entries = await journal.read(query);
      counted.reads += 1;
      counted.entries += entries.length;
      return entries;
    };
    const turns: (() => void)[] = [];
    const turn = () => new Promise<void>((resolve) => turns.push(resolve));
    const source = { ...journal, read, bounds: journal.bounds, cursor: journal.cursor };
    const queues = createUpdateQueues({ journal: source, clock, turn });
    const stop = new AbortController();
    const poll = (offset: number) => queues.poll(pollOf({ offset, signal: stop.signal }));
    const atTurn = async () => {
      while (turns.length === 0) await settle();
    };
    const goOn = () => {
      for (const resolve of turns.splice(0)) resolve();
    };
    return { counted, queues, stop, poll, atTurn, goOn };
  }

  test('is no more once a newer poll has come, its key has ended, or its caller has gone', async () => {
    const ends: [string, (by: Awaited<ReturnType<typeof countedQueues>>) => void][] = [
      ['poll_superseded', ({ poll }) => void poll(0).catch(() => {})],
      ['key_missing', ({ queues }) => queues.end('k')],
      ['shutting_down', ({ stop }) => stop.abort()],
    ];
    for (const [code, end] of ends) {
      for (const offset of [2 ** 50, -400]) {
        const by = await countedQueues(450);
        const answer = by.poll(offset);
        answer.catch(() => {});
        await by.atTurn();
        const { reads } = by.counted;
        end(by);
        // Of the newer poll itself, up to its own first turn.
        const newer = code === 'poll_superseded' ? 1 : 0;
        by.goOn();
        await expect(answer).rejects.toMatchObject({ code });
        await settle();
        expect(by.counted.reads - reads, `${code} ${offset}`).toBeLessThanOrEqual(newer);
      }
    }
  });

  test('that counts from the end is each entry once, and those of its answer', async () => {
    const { counted, poll, goOn } = await countedQueues(3000);
    let answer: readonly string[] | null = null;
    void poll(-2100).then((texts) => {
      answer = texts;
    });
    while (answer === null) {
      await settle();
      goOn();
    }
    expect(answer).toHaveLength(100);
    // 2100 of them, in windows of 500; the first poll of a key looks for where it begins.
    expect(counted.entries).toBeLessThan(2500 + 100 + 20);
  });
});

/** What can happen to a key's queue, in any order. */
const happening = fc.oneof(
  fc.record({ kind: fc.constant('arrive' as const), ids: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ kind: fc.constant('restartIds' as const), at: fc.integer({ min: 1, max: 4000 }) }),
  fc.record({ kind: fc.constant('poll' as const), limit: fc.integer({ min: 1, max: 9 }), lost: fc.boolean() }),
  fc.record({ kind: fc.constant('restart' as const) }),
);

test('whatever happens, a bot that keeps to the rules gets every update, in order, each once but for lost answers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 40 }), async (happenings) => {
      const folder = temporaryFolder();
      let open = openQueues(folder);
      const { clock } = open;
      const arrived: number[] = [];
      const got: number[] = [];
      let nextId = 3000;
      let offset = 0;
      const take = async (limit: number, lost: boolean): Promise<number> => {
        const ids = await open.poll({ offset, limit });
        if (lost) return 1;
        got.push(...ids);
        if (ids.length > 0) offset = (ids.at(-1) ?? 0) + 1;
        return ids.length;
      };
      for (const what of happenings) {
        if (what.kind === 'arrive') {
          await open.arrive(range(nextId, what.ids));
          arrived.push(...range(nextId, what.ids));
          nextId += what.ids;
        } else if (what.kind === 'restartIds') {
          // Far from all ids that are there: where they overlap, Telegram itself cannot tell them apart.
          nextId = 10_000 * (arrived.length + 1) * (what.at % 2 === 0 ? 1 : 0) + what.at + 5000 * (what.at % 7);
          if (arrived.some((id) => Math.abs(id - nextId) < 1000)) nextId = Math.max(...arrived) + 5000;
        } else if (what.kind === 'poll') await take(what.limit, what.lost);
        else {
          await open.journal.close();
          open = openQueues(folder, clock);
        }
      }
      while ((await take(100, false)) > 0);
      expect(got).toEqual(arrived);
    }),
    { numRuns: 60, seed: 5 },
  );
});
