import { describe, expect, test } from 'vitest';
import { and, assign, fromPromise, not, raise, setup } from 'xstate';
import { chartOf } from '../../src/conversations/chart.ts';

const machine = setup({
  types: { context: {} as { n: number } },
  actors: { fetch: fromPromise(async () => 1) },
  actions: { tell: (_, _params: { text: string }) => {}, count: assign({ n: ({ context }) => context.n + 1 }) },
  guards: { big: ({ context }) => context.n > 1, is: (_, _word: string) => true },
  delays: { soon: 5000, later: ({ context }) => context.n },
}).createMachine({
  id: 'shop',
  version: '3',
  description: 'Sells.',
  context: { n: 0 },
  type: 'parallel',
  states: {
    cart: {
      initial: 'empty',
      onDone: { actions: 'count' },
      states: {
        empty: {
          description: 'Nothing in it.',
          entry: [{ type: 'tell', params: { text: 'welcome' } }, 'count'],
          on: { add: { guard: and([not('big'), { type: 'is', params: 'book' }]), target: 'full' }, '*': {} },
          after: { soon: 'full', later: '#shop.cart.gone', 250: '#shop.till.memory' },
        },
        full: { always: { guard: 'big', target: 'gone' }, exit: [assign({ n: 1 }), raise({ type: 'left' })] },
        gone: { type: 'final' },
      },
    },
    till: {
      initial: 'open',
      states: {
        open: { invoke: { src: 'fetch', onDone: 'shut', onError: { target: 'open', reenter: true } } },
        shut: {},
        memory: { type: 'history', target: 'open' },
      },
    },
  },
});

describe('a machine as data', () => {
  const { chart, idOf } = chartOf(machine);
  const node = (path: string) => chart.nodes.find((one) => one.path === path);
  const ways = (path: string) => node(path)?.transitions.map(({ label, guard, targets }) => [label, guard, ...targets]);

  test('has every state after the one that it lies in, with its kind and what is entered first', () => {
    expect(chart.nodes.map(({ path, parent, type, initial }) => [path, parent, type, initial])).toEqual([
      ['', null, 'parallel', null],
      ['cart', '', 'compound', 'cart.empty'],
      ['cart.empty', 'cart', 'atomic', null],
      ['cart.full', 'cart', 'atomic', null],
      ['cart.gone', 'cart', 'final', null],
      ['till', '', 'compound', 'till.open'],
      ['till.open', 'till', 'atomic', null],
      ['till.shut', 'till', 'atomic', null],
      ['till.memory', 'till', 'history', null],
    ]);
    expect(chart).toMatchObject({ version: '3', description: 'Sells.', kind: 'conversation' });
    expect(node('cart.empty')?.description).toBe('Nothing in it.');
  });

  test('has events, delays, guards, calls and their ends in the words of whoever wrote it', () => {
    expect(ways('cart.empty')).toEqual([
      ['add', 'not big and is book', 'cart.full'],
      ['*', null],
      ['after 250', null, 'till.memory'],
      ['after soon', null, 'cart.full'],
      ['after later', null, 'cart.gone'],
    ]);
    expect(node('cart.empty')?.transitions.map((way) => way.delay_ms)).toEqual([null, null, 250, 5000, null]);
    expect(ways('cart.full')).toEqual([['always', 'big', 'cart.gone']]);
    expect(ways('till.open')).toEqual([
      ['fetch done', null, 'till.shut'],
      ['fetch failed', null, 'till.open'],
    ]);
    expect(ways('cart')).toEqual([['ended', null]]);
    expect(node('cart.empty')?.entry).toEqual(['tell welcome', 'count']);
    expect(node('cart.full')?.exit).toEqual(['assign n', 'raise left']);
  });

  test('knows its transitions by the ones that the machine takes', () => {
    const taken = machine.root.states.cart?.states.empty?.transitions.get('add')?.[0];
    expect(idOf(taken ?? {})).toBe('cart.empty/0');
    expect(idOf({})).toBeNull();
    const ids = chart.nodes.flatMap(({ transitions }) => transitions.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  });
});
