import { expect, test } from 'vitest';
import type { OpenEngine } from './engine.ts';
import { accept, entry } from './records.ts';

export function fencingContract(openEngine: OpenEngine): void {
  test('who opens a bot takes it over: the one before can neither commit nor claim (I6)', async () => {
    const { open } = await openEngine();
    const first = await open();
    const { seq } = await first.write(async (tx) => accept(tx));
    const second = await open();
    expect(second.stream).toBe(first.stream);
    await expect(first.write(async (tx) => tx.append(entry('too late')))).rejects.toMatchObject({ code: 'lease_lost' });
    const claim = first.write(async (tx) => {
      tx.claim(await tx.claimable(1));
    });
    await expect(claim).rejects.toMatchObject({ code: 'lease_lost' });
    expect(await second.message(seq)).toMatchObject({ status: 'queued' });
    expect(await second.write(async (tx) => tx.append(entry('in time')))).toBe(2);
    expect((await second.read({ from: 1, limit: 9 })).length).toBe(2);
  });

  test('units of work that waited while the bot was taken over are refused, all of them', async () => {
    const { open } = await openEngine();
    const first = await open();
    const ran: number[] = [];
    const waiting = [1, 2, 3].map((n) => first.write(async (tx) => ran.push(tx.append(entry(`${n}`)))));
    const settled = Promise.allSettled(waiting);
    const second = await open();
    await settled;
    expect(ran).toEqual([]);
    const codes = (await settled).map((outcome) => outcome.status === 'rejected' && outcome.reason.code);
    expect(codes).toEqual(['lease_lost', 'lease_lost', 'lease_lost']);
    expect(second.bounds().head).toBe(0);
    expect(await second.read({ from: 1, limit: 9 })).toEqual([]);
  });

  test('a transaction that somebody kept is of no use after its end', async () => {
    const journal = await (await openEngine()).open();
    const kept = await journal.write(async (tx) => () => tx.append(entry('late')));
    expect(kept).toThrow();
    await journal.write(async () => expect(kept).toThrow());
    expect(journal.bounds().head).toBe(0);
    expect(await journal.read({ from: 1, limit: 9 })).toEqual([]);
  });

  test('bots that share a database have journals of their own', async () => {
    const { open } = await openEngine();
    const [one, two] = [await open('1'), await open('2')];
    expect(one.stream).not.toBe(two.stream);
    await one.write(async (tx) => accept(tx, { chat: '7' }));
    await one.write(async (tx) => tx.setPollOffset(5));
    await two.write(async (tx) => [tx.append(entry('two')), accept(tx, { chat: '8' }), accept(tx, { chat: '8' })]);
    expect([one.bounds().head, two.bounds().head]).toEqual([1, 3]);
    expect([await one.outboxDepth(), await two.outboxDepth()]).toEqual([1, 2]);
    expect([await one.pollOffset(), await two.pollOffset()]).toEqual([5, null]);
    expect((await one.read({ from: 1, limit: 9 })).map(({ bot, seq }) => [bot, seq])).toEqual([['1', 1]]);
    expect((await one.write((tx) => tx.claimable(9))).map(({ chat }) => chat)).toEqual(['7']);
  });

  test('a closed journal finishes what it has accepted and refuses the rest', async () => {
    const journal = await (await openEngine()).open();
    const accepted = [1, 2, 3].map((n) => journal.write(async (tx) => tx.append(entry(`${n}`))));
    const closed = journal.close();
    const late = journal.write(async (tx) => tx.append(entry('late')));
    await expect(late).rejects.toMatchObject({ code: 'shutting_down' });
    await closed;
    expect(journal.bounds().head).toBe(3);
    expect(await Promise.all(accepted)).toEqual([1, 2, 3]);
  });
}
