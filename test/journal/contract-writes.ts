import { expect, test } from 'vitest';
import type { Commit, Tx } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import type { OpenEngine } from './engine.ts';
import { accept, conversation, entry, request, timer, update } from './records.ts';

const ALL = { from: 1, limit: limits.readEntriesMax };
const failure = new Error('the job failed');

/** Writes a row of every kind, all named by `n`. */
function writeEverything(tx: Tx, n: number): void {
  tx.append(update(n));
  tx.setPollOffset(n + 1);
  tx.saveConversation(conversation(`${n}`));
  tx.setTimer(timer(`${n}`, 'after', n));
  tx.addRequest(request(`1-${n}-0`, `${n}`));
  accept(tx, { chat: `${n}` });
  tx.remember('key', `${n}`, { requestHash: 'hash', answer: '{}' });
}

export function writesContract(openEngine: OpenEngine): void {
  test('entries of 600 callers of one moment, a third of which fail, have seqs without a gap in the order of calls', async () => {
    const journal = await (await openEngine()).open();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 600 }, (_, n) =>
        journal.write(async (tx) => {
          const seqs = Array.from({ length: n % 4 }, (_, k) => tx.append(entry(`${n}.${k}`)));
          await tx.seenUpdates([n], 0);
          if (n % 3 === 0) throw failure;
          return seqs;
        }),
      ),
    );
    const kept = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : []));
    expect(kept).toEqual(Array.from({ length: 600 }, (_, i) => i + 1));
    const texts = Array.from({ length: 600 }, (_, n) => n)
      .filter((n) => n % 3 !== 0)
      .flatMap((n) => Array.from({ length: n % 4 }, (_, k) => `{"text":"${n}.${k}"}`));
    const entries = await journal.read(ALL);
    expect(entries.map(({ seq, body }) => [seq, body])).toEqual(texts.map((text, i) => [i + 1, text]));
    expect(journal.bounds()).toEqual({ first: 1, head: 600 });
  });

  test('a job that throws is undone alone: its rows, its entries, its offset, and what the commit tells', async () => {
    const journal = await (await openEngine()).open();
    const commits: Commit[] = [];
    journal.onCommit((commit) => commits.push(commit));
    const before = journal.write(async (tx) => tx.append(entry('before')));
    const undone = journal.write(async (tx) => {
      writeEverything(tx, 42);
      throw failure;
    });
    const after = journal.write(async (tx) => tx.append(entry('after')));
    await expect(undone).rejects.toBe(failure);
    expect([await before, await after]).toEqual([1, 2]);
    expect((await journal.read(ALL)).map(({ body }) => body)).toEqual(['{"text":"before"}', '{"text":"after"}']);
    expect(commits).toMatchObject([
      { entries: [{ seq: 1 }, { seq: 2 }], outbox: false, requests: false, timerAt: null },
    ]);
    expect(await journal.pollOffset()).toBeNull();
    expect(await journal.conversation('42')).toBeNull();
    expect(await journal.nextTimerAt()).toBeNull();
    expect(await journal.openRequests(10)).toEqual([]);
    expect(await journal.outboxDepth()).toBe(0);
    expect(await journal.write((tx) => tx.nextMessageAt())).toBeNull();
    expect(await journal.message(3)).toBeNull();
    const answer = await journal.write(async (tx) => [await tx.remembered('key', '42'), await tx.seenUpdates([42], 0)]);
    expect(answer).toEqual([null, new Set()]);
  });

  test('a commit that fails rejects every job of its group, keeps nothing, and the journal goes on', async () => {
    const engine = await openEngine();
    const journal = await engine.open();
    const commits: Commit[] = [];
    journal.onCommit((commit) => commits.push(commit));
    await journal.write(async (tx) => writeEverything(tx, 1));
    await engine.breakCommits();
    const group = await Promise.allSettled([2, 3].map((n) => journal.write(async (tx) => writeEverything(tx, n))));
    expect(group.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(journal.bounds().head).toBe(2);
    expect(await journal.outboxDepth()).toBe(1);
    expect(await journal.pollOffset()).toBe(2);
    expect(await journal.conversation('2')).toBeNull();
    await engine.mendCommits();
    await journal.write(async (tx) => writeEverything(tx, 4));
    expect((await journal.read(ALL)).map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(commits.map(({ entries }) => entries.map(({ seq }) => seq))).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await journal.outboxDepth()).toBe(2);
  });

  test('a job reads what it wrote, and what earlier jobs of its group wrote', async () => {
    const journal = await (await openEngine()).open();
    const read = async (tx: Tx) => ({
      conversations: [...(await tx.conversations(['8', '9'])).keys()],
      timers: (await tx.dueTimers(8, 10)).length,
      request: (await tx.openRequest('1-8-0'))?.conversation,
      message: (await tx.message(2))?.chat,
      claimable: (await tx.claimable(10)).map(({ seq }) => seq),
      depth: await tx.outboxDepth(),
      seen: await tx.seenUpdates([8, 9], 0),
      remembered: (await tx.remembered('key', '8'))?.requestHash,
      nextSeq: tx.nextSeq(),
    });
    const own = journal.write(async (tx) => {
      writeEverything(tx, 8);
      return read(tx);
    });
    const next = journal.write(read);
    const expected = {
      conversations: ['8'],
      timers: 1,
      request: '8',
      message: '8',
      claimable: [2],
      depth: 1,
      seen: new Set([8]),
      remembered: 'hash',
      nextSeq: 3,
    };
    expect([await own, await next]).toEqual([expected, expected]);
  });

  test('readers never see work that has not committed', async () => {
    const journal = await (await openEngine()).open();
    const seen = async () => [
      await journal.read(ALL),
      journal.bounds().head,
      await journal.conversation('8'),
      await journal.conversations({ after: null, limit: 9, chats: null }),
      await journal.nextTimerAt(),
      await journal.openRequests(9),
      await journal.message(2),
      await journal.outboxDepth(),
      await journal.pollOffset(),
    ];
    const inside = await journal.write(async (tx) => {
      writeEverything(tx, 8);
      return seen();
    });
    expect(inside).toEqual([[], 0, null, [], null, [], null, 0, null]);
    expect((await seen())[1]).toBe(2);
  });

  test('the poll offset commits with its updates, and the last one of a group stands (I1)', async () => {
    const journal = await (await openEngine()).open();
    expect(await journal.pollOffset()).toBeNull();
    const poll = (id: number, fails: boolean) =>
      journal.write(async (tx) => {
        tx.append(update(id));
        tx.setPollOffset(id + 1);
        if (fails) throw failure;
      });
    await Promise.allSettled([poll(10, false), poll(11, false), poll(12, true)]);
    expect(await journal.pollOffset()).toBe(12);
    expect((await journal.read(ALL)).length).toBe(2);
    await journal.write(async (tx) => tx.append(entry('no offset in it')));
    expect(await journal.pollOffset()).toBe(12);
  });

  test('an update is known by its id for 48 hours, whether ids rise or start again lower (I2)', async () => {
    const { clock, open } = await openEngine();
    const journal = await open();
    const seen = (ids: readonly number[]) => journal.write((tx) => tx.seenUpdates(ids, tx.now - limits.dedupeWindowMs));
    await journal.write(async (tx) => [900, 901].map((id) => tx.append(update(id))));
    await clock.advance(1000);
    await journal.write(async (tx) => tx.append(update(5)));
    expect(await seen([899, 900, 901, 902, 5, 6])).toEqual(new Set([900, 901, 5]));
    await clock.advance(limits.dedupeWindowMs - 1000);
    expect(await seen([900, 5])).toEqual(new Set([900, 5]));
    await clock.advance(1);
    expect(await seen([900, 5])).toEqual(new Set([5]));
    await journal.write(async (tx) => tx.append(update(900)));
    expect(await seen([900])).toEqual(new Set([900]));
    expect(await seen([])).toEqual(new Set());
  });

  test('a wall clock that jumps ahead of what is proven forgets no update and no answer (I2)', async () => {
    const engine = await openEngine();
    const { clock } = engine;
    const journal = await engine.open('1', { provenNow: clock.steadyNow });
    const both = () =>
      journal.write(async (tx) => {
        tx.forgetAnswersBefore(tx.provenNow - limits.idempotencyWindowMs);
        const seen = await tx.seenUpdates([900], tx.provenNow - limits.dedupeWindowMs);
        return { seen: seen.has(900), answer: (await tx.remembered('key', '42'))?.answer ?? null };
      });
    await journal.write(async (tx) => {
      tx.append(update(900));
      tx.remember('key', '42', { requestHash: 'h', answer: '{}' });
    });
    // More updates, so that what is too old is looked for.
    clock.set(clock.now() + 30 * 24 * 3_600_000);
    for (let id = 1000; id < 1200; id += 2) await journal.write(async (tx) => tx.append(update(id)));
    expect(await both()).toEqual({ seen: true, answer: '{}' });
    await clock.advance(limits.idempotencyWindowMs + 1);
    expect(await both()).toEqual({ seen: false, answer: null });
  });

  test('each commit is told to every listener, in order, before its jobs resolve; one without news is not told', async () => {
    const { clock, open } = await openEngine();
    const journal = await open();
    const told: string[] = [];
    const commits: Commit[] = [];
    journal.onCommit((commit) => commits.push(commit));
    journal.onCommit(({ entries }) => told.push(`commit ${entries.length}`));
    const first = journal.write(async (tx) => {
      tx.append(entry('a', { chat: null }));
      tx.setTimer(timer('7', 'late', 900));
      tx.setTimer(timer('7', 'soon', 300));
      tx.setTimer(timer('7', 'last', 950));
    });
    await first.then(() => told.push('resolved'));
    await journal.write((tx) => tx.claimable(10));
    await journal.write(async (tx) => tx.addRequest(request('1-1-0', '7')));
    await journal.write(async (tx) => accept(tx));
    expect(told).toEqual(['commit 1', 'resolved', 'commit 0', 'commit 1']);
    const nothing = { outbox: false, requests: false, withdrawn: [], openRequests: 0, timerAt: null, messages: 0 };
    const a = { seq: 1, type: 'event.received', bot: '1', chat: null, at: clock.now(), body: '{"text":"a"}' };
    expect(commits).toEqual([
      { ...nothing, entries: [a], timerAt: 300 },
      { ...nothing, entries: [], requests: true, openRequests: 1 },
      {
        ...nothing,
        entries: [expect.objectContaining({ seq: 2, type: 'message.accepted' })],
        outbox: true,
        messages: 1,
        openRequests: 1,
      },
    ]);
  });
}
