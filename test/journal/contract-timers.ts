import { expect, test } from 'vitest';
import type { TimerRecord } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import type { OpenEngine } from './engine.ts';
import { entry, request, timer } from './records.ts';

export function timersContract(openEngine: OpenEngine): void {
  test('timers come due in the order of their times, and no more at once than asked for', async () => {
    const journal = await (await openEngine()).open();
    const times = [50, 10, 40, 20, 30];
    await journal.write(async (tx) => {
      for (const at of times) tx.setTimer(timer(`${at}`, 'after', at));
    });
    expect(await journal.nextTimerAt()).toBe(10);
    await journal.write(async (tx) => {
      expect((await tx.dueTimers(9, 9)).length).toBe(0);
      expect((await tx.dueTimers(40, 9)).map(({ dueAt }) => dueAt)).toEqual([10, 20, 30, 40]);
      expect((await tx.dueTimers(40, 2)).map(({ dueAt }) => dueAt)).toEqual([10, 20]);
    });
  });

  test('timers of one time come due in the order in which they were set, also across conversations and after a restart', async () => {
    const { open } = await openEngine();
    const journal = await open();
    await journal.write(async (tx) => {
      for (const [chat, id] of [
        ['9', 't.0'],
        ['7', 't.10'],
        ['7', 't.1'],
        ['8', 'moved'],
        ['7', 't.2'],
      ] as const)
        tx.setTimer(timer(chat, id, 10));
      tx.append(entry('what set them'));
    });
    const again = await open();
    await again.write(async (tx) => {
      tx.setTimer(timer('7', 'a', 10));
      tx.setTimer(timer('8', 'moved', 10));
      const ids = (timers: readonly TimerRecord[]) => timers.map(({ id }) => id);
      expect(ids(await tx.dueTimers(10, 9))).toEqual(['t.0', 't.10', 't.1', 't.2', 'a', 'moved']);
      expect(ids(await tx.dueTimersOf('7', 10))).toEqual(['t.10', 't.1', 't.2', 'a']);
      expect(ids(await tx.timersOf('7'))).toEqual(['t.10', 't.1', 't.2', 'a']);
    });
  });

  test('a timer set again moves, with its event; one that is cleared is gone', async () => {
    const journal = await (await openEngine()).open();
    await journal.write(async (tx) => {
      tx.setTimer(timer('7', 'a', 10));
      tx.setTimer({ ...timer('7', 'a', 90), event: '{"type":"other"}' });
      tx.setTimer(timer('7', 'b', 20));
      tx.setTimer(timer('7:u1', 'a', 30));
      expect((await tx.dueTimers(50, 9)).map(({ id }) => id)).toEqual(['b', 'a']);
      expect((await tx.dueTimers(90, 9)).at(-1)).toEqual({ ...timer('7', 'a', 90), event: '{"type":"other"}' });
      tx.clearTimer('7', 'b');
      tx.clearTimer('7', 'never set');
    });
    expect(await journal.nextTimerAt()).toBe(30);
    await journal.write(async (tx) => tx.clearTimers('7'));
    expect(await journal.write((tx) => tx.dueTimers(999, 9))).toEqual([timer('7:u1', 'a', 30)]);
    await journal.write(async (tx) => tx.clearTimers('7:u1'));
    expect(await journal.nextTimerAt()).toBeNull();
  });

  test('the due timers of one conversation are told apart from all others', async () => {
    const journal = await (await openEngine()).open();
    await journal.write(async (tx) => {
      for (const [id, at] of Object.entries({ c: 30, b: 20, a: 20, late: 41 })) tx.setTimer(timer('7', id, at));
      tx.setTimer(timer('7:u1', 'a', 10));
      expect((await tx.dueTimersOf('7', 40)).map(({ id }) => id)).toEqual(['b', 'a', 'c']);
      expect(await tx.dueTimersOf('7', 19)).toEqual([]);
    });
  });

  test('a timer is taken once, and only while it stands as it was read', async () => {
    const journal = await (await openEngine()).open();
    const [first, second, third] = [timer('7', 'a', 10), timer('7', 'b', 10), timer('7', 'c', 10)];
    await journal.write(async (tx) => {
      for (const set of [first, second, third]) tx.setTimer(set);
      tx.clearTimer('7', 'b');
      tx.setTimer({ ...third, dueAt: 50 });
      expect([await tx.takeTimer(first), await tx.takeTimer(first)]).toEqual([true, false]);
      expect([await tx.takeTimer(second), await tx.takeTimer(third)]).toEqual([false, false]);
    });
    expect(await journal.nextTimerAt()).toBe(50);
  });

  test('what is open is told a src at a time, so that none hides another; the newest are told too', async () => {
    const journal = await (await openEngine()).open();
    await journal.write(async (tx) => {
      for (const n of [1, 2, 3]) tx.addRequest({ ...request(`slow-${n}`, `${n}`), src: 'slow' });
      tx.addRequest({ ...request('quick-1', '9'), src: 'quick' });
    });
    expect((await journal.openRequests(2)).map(({ id }) => id).sort()).toEqual(['quick-1', 'slow-1', 'slow-2']);
    expect((await journal.newestRequests(2)).map(({ id }) => id)).toEqual(['quick-1', 'slow-3']);
  });

  test('what is open of more srcs than are looked at at once is told page by page', async () => {
    const journal = await (await openEngine()).open();
    const names = Array.from({ length: 2 * limits.requestSrcsPerLook + 5 }, (_, n) => `src ${1000 + n}`);
    await journal.write(async (tx) => {
      for (const src of names)
        for (const n of [1, 2]) tx.addRequest({ ...request(`${src}-${n}`, '7', `${src}-${n}`), src });
    });
    const pages: string[][] = [];
    for (let after: string | undefined = ''; after !== undefined; after = pages.at(-1)?.at(-1)) {
      pages.push((await journal.openRequests(2, after)).map(({ src }) => src));
    }
    const { requestSrcsPerLook: most } = limits;
    expect(pages.map(({ length }) => length)).toEqual([2 * most, 2 * most, 10, 0]);
    expect(pages.flat()).toEqual(names.flatMap((name) => [name, name]));
  });

  test('each commit tells which requests were withdrawn, and how many are open after it', async () => {
    const { open } = await openEngine();
    const journal = await open();
    const told: unknown[] = [];
    journal.onCommit(({ withdrawn, openRequests }) => told.push([withdrawn, openRequests]));
    await journal.write(async (tx) => {
      for (const n of [1, 2, 3, 4]) tx.addRequest(request(`r${n}`, n < 3 ? '7' : '8', `invoke ${n}`));
    });
    await journal.write(async (tx) => tx.withdrawRequest('7', 'invoke 2'));
    await Promise.allSettled([
      journal.write(async (tx) => {
        tx.withdrawRequests('8');
        throw new Error('undone');
      }),
      journal.write(async (tx) => tx.withdrawRequest('8', 'invoke 3')),
    ]);
    expect(told).toEqual([
      [[], 4],
      [['r2'], 3],
      [['r3'], 2],
    ]);
    expect(await journal.openRequestCount()).toBe(2);
    expect(await (await open()).openRequestCount()).toBe(2);
  });

  test('of several requests of one name a single one is withdrawn by its id, which is told', async () => {
    const journal = await (await openEngine()).open();
    const told: unknown[] = [];
    journal.onCommit(({ withdrawn, openRequests }) => told.push([withdrawn, openRequests]));
    await journal.write(async (tx) => {
      for (const id of ['r1', 'r2', 'r3']) tx.addRequest(request(id, '7', ''));
      tx.withdraw('r2');
      tx.withdraw('r4');
    });
    expect((await journal.requestsOf('7')).map(({ id }) => id)).toEqual(['r1', 'r3']);
    expect(told).toEqual([[['r2'], 2]]);
  });

  test('a request is open until it is answered or withdrawn, the oldest first', async () => {
    const journal = await (await openEngine()).open();
    await journal.write(async (tx) => {
      tx.addRequest(request('1-9-0', '7', 'open'));
      tx.addRequest(request('1-10-0', '7', 'check'));
      tx.addRequest(request('1-10-1', '8', 'open'));
      tx.addRequest(request('1-11-0', '9', 'open'));
    });
    const open = async () => (await journal.openRequests(99)).map(({ id }) => id);
    expect(await open()).toEqual(['1-9-0', '1-10-0', '1-10-1', '1-11-0']);
    expect((await journal.openRequests(2)).map(({ id }) => id)).toEqual(['1-9-0', '1-10-0']);
    await journal.write(async (tx) => {
      expect(await tx.openRequest('1-9-0')).toEqual(request('1-9-0', '7', 'open'));
      tx.withdrawRequest('7', 'open');
      expect(await tx.openRequest('1-9-0')).toBeNull();
    });
    expect(await open()).toEqual(['1-10-0', '1-10-1', '1-11-0']);
    await journal.write(async (tx) => tx.closeRequest('1-11-0'));
    await journal.write(async (tx) => tx.withdrawRequests('7'));
    expect(await open()).toEqual(['1-10-1']);
  });

  test('what waits for one conversation is found, and an open request goes on under another name', async () => {
    const journal = await (await openEngine()).open();
    await journal.write(async (tx) => {
      for (const id of ['b', 'a']) tx.setTimer(timer('7', id, 10));
      tx.setTimer(timer('7:u1', 'a', 10));
      tx.addRequest(request('1-9-0', '7', 'open'));
      tx.addRequest(request('1-10-0', '8', 'open'));
      tx.addRequest(request('1-11-0', '7', 'check'));
      tx.renameRequest('1-9-0', 'begin');
      expect(await tx.timersOf('7')).toEqual([timer('7', 'b', 10), timer('7', 'a', 10)]);
      expect(await tx.requestsOf('7')).toEqual([request('1-9-0', '7', 'begin'), request('1-11-0', '7', 'check')]);
      tx.withdrawRequest('7', 'begin');
    });
    expect((await journal.timersOf('7')).map(({ id }) => id)).toEqual(['b', 'a']);
    expect(await journal.requestsOf('7')).toEqual([request('1-11-0', '7', 'check')]);
  });

  test('a request with an id that is taken undoes its unit of work: an idempotency key is never used twice', async () => {
    const journal = await (await openEngine()).open();
    await journal.write(async (tx) => tx.addRequest(request('1-9-0', '7')));
    const again = journal.write(async (tx) => {
      tx.setTimer(timer('7', 'a', 10));
      tx.addRequest(request('1-9-0', '8'));
    });
    await expect(again).rejects.toThrow();
    expect(await journal.nextTimerAt()).toBeNull();
    expect(await journal.openRequests(9)).toEqual([request('1-9-0', '7')]);
  });

  test('a first answer is remembered for its owner alone, until it is old', async () => {
    const { open, clock } = await openEngine();
    const journal = await open();
    const answer = { requestHash: 'h', answer: '{"id":"1-1"}' };
    await journal.write(async (tx) => tx.remember('key one', 'order-1', answer));
    await clock.advance(100);
    await journal.write(async (tx) => tx.remember('key two', 'order-2', answer));
    await journal.write(async (tx) => {
      expect(await tx.remembered('key one', 'order-1')).toEqual(answer);
      expect(await tx.remembered('key two', 'order-1')).toBeNull();
      tx.forgetAnswersBefore(clock.now() - 100);
      expect(await tx.remembered('key one', 'order-1')).toEqual(answer);
      tx.forgetAnswersBefore(clock.now() - 99);
      expect(await tx.remembered('key one', 'order-1')).toBeNull();
      expect(await tx.remembered('key two', 'order-2')).toEqual(answer);
    });
  });
}
