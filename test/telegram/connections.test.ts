import { setImmediate as turn } from 'node:timers/promises';
import { Client } from 'undici';
import { expect, test } from 'vitest';
import { createConnections } from '../../src/telegram/connections.ts';

/** Clients that never connect: nothing is sent through them. `lent`: those that were lent, in order. */
function of(max: number) {
  const connections = createConnections(() => new Client('http://127.0.0.1:9'), max);
  const lent: Client[] = [];
  return { ...connections, lent, lend: () => connections.lend((client) => lent.push(client)) };
}

test('the connection that was given back last is lent first', async () => {
  const { lend, giveBack, lent } = of(9);
  lend();
  lend();
  const [first, second] = lent;
  if (first === undefined || second === undefined) throw new Error('nothing was lent');
  expect(second).not.toBe(first);
  giveBack(second);
  giveBack(first);
  await turn();
  lend();
  lend();
  expect(lent.slice(2).map((client) => [first, second].indexOf(client))).toEqual([0, 1]);
});

test('at the bound a call waits for a connection, whoever came first gets it first', async () => {
  const connections = createConnections(() => new Client('http://127.0.0.1:9'), 1);
  const lent: number[] = [];
  let last: Client | undefined;
  for (const n of [1, 2, 3]) {
    connections.lend((client) => {
      lent.push(n);
      last = client;
    });
  }
  expect(lent).toEqual([1]);
  for (const [before, after] of [
    [[1], [1, 2]],
    [
      [1, 2],
      [1, 2, 3],
    ],
    [
      [1, 2, 3],
      [1, 2, 3],
    ],
  ]) {
    if (last !== undefined) connections.giveBack(last);
    // Not while undici is still at the call that has ended.
    expect(lent).toEqual(before);
    await turn();
    expect(lent).toEqual(after);
  }
});

test('all of them are destroyed, those that are lent and those that are made later too', async () => {
  const { lend, giveBack, lent, destroy } = of(3);
  lend();
  lend();
  if (lent[1] !== undefined) giveBack(lent[1]);
  await destroy();
  await turn();
  lend();
  lend();
  expect(lent.map(({ destroyed }) => destroyed)).toEqual([true, true, true, true]);
  expect(new Set(lent).size).toBe(3);
});
