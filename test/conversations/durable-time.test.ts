import { describe, expect, test } from 'vitest';
import { cancel, raise, setup } from 'xstate';
import { limits } from '../../src/limits.ts';
import { textUpdate } from '../support/updates.ts';
import { running } from './running.ts';
import { happen } from './script.ts';

interface Said {
  readonly type: 'message.received';
  readonly text: string;
}

const says = setup({
  types: { context: {} as { minutes: number }, events: {} as Said | { type: 'rang' } },
  actions: { reply: (_, _params: { text: string }) => {} },
  guards: { says: ({ event }, text: string) => event.type === 'message.received' && event.text === text },
  delays: {
    patience: 3000,
    // `5`: five seconds from the event; without a number, the minutes of the context.
    asked: ({ event, context }) =>
      event.type === 'message.received' && /^\d+$/.test(event.text)
        ? Number(event.text) * 1000
        : context.minutes * 60_000,
  },
});
const reply = (text: string) => ({ type: 'reply' as const, params: { text } });
const on = (text: string) => ({ type: 'says' as const, params: text });

describe('an after', () => {
  const machine = says.createMachine({
    id: 'times',
    context: { minutes: 2 },
    initial: 'idle',
    states: {
      idle: {
        on: {
          'message.received': [
            { guard: on('several'), target: 'several' },
            { guard: on('chain'), target: 'chain' },
            { target: 'dynamic' },
          ],
        },
      },
      several: {
        after: {
          1000: { actions: reply('one') },
          2000: { actions: reply('two') },
          patience: { actions: reply('three') },
        },
        on: {
          'message.received': [
            { guard: on('again'), target: 'several', reenter: true },
            { guard: on('leave'), target: 'idle' },
            { actions: reply('heard') },
          ],
        },
      },
      dynamic: { after: { asked: { target: 'idle', actions: reply('now') } } },
      chain: {
        initial: 'first',
        after: { 10000: { target: 'idle', actions: reply('the whole took too long') } },
        states: {
          first: { after: { 6000: { target: 'second', actions: reply('first') } } },
          second: { after: { 6000: { actions: reply('second') } } },
        },
      },
    },
  });

  test('several of one state fire each at its own time', async () => {
    const outcome = await happen(machine, [
      'several',
      { afterMs: 999 },
      { afterMs: 1 },
      { afterMs: 1000 },
      { afterMs: 1000 },
    ]);
    expect(outcome.replies).toEqual(['one', 'two', 'three']);
    expect(outcome.timers).toBe(false);
  });

  test('starts anew where its state is entered again, and goes on where it is not', async () => {
    const { replies } = await happen(machine, [
      'several',
      { afterMs: 900 },
      'x',
      { afterMs: 100 },
      'again',
      { afterMs: 999 },
      { afterMs: 1 },
    ]);
    expect(replies).toEqual(['heard', 'one', 'one']);
  });

  test('is taken back when its state is left, each of several', async () => {
    const { replies, timers } = await happen(machine, ['several', { afterMs: 1500 }, 'leave', { afterMs: 60_000 }]);
    expect([replies, timers]).toEqual([['one'], false]);
  });

  test('takes its delay from the event, or from the context', async () => {
    const { replies } = await happen(machine, [
      '5',
      { afterMs: 4999 },
      { afterMs: 1 },
      'x',
      { afterMs: 119_999 },
      { afterMs: 1 },
    ]);
    expect(replies).toEqual(['now', 'now']);
    expect((await happen(machine, ['x', { afterMs: 119_999 }])).replies).toEqual([]);
  });

  test('of a parent ends those of its children with it', async () => {
    const { replies, timers, state } = await happen(machine, [
      'chain',
      { afterMs: 6000 },
      { afterMs: 4000 },
      { afterMs: 60_000 },
    ]);
    expect([replies, timers, state]).toEqual([['first', 'the whole took too long'], false, 'idle']);
  });
});

describe('a delayed raise', () => {
  const machine = says.createMachine({
    id: 'alarm',
    context: { minutes: 1 },
    initial: 'idle',
    on: { rang: { actions: reply('ring') } },
    states: {
      idle: {
        on: {
          'message.received': [
            { guard: on('named'), actions: raise({ type: 'rang' }, { delay: 1000, id: 'alarm' }) },
            { guard: on('nameless'), actions: raise({ type: 'rang' }, { delay: 'patience' }) },
            { guard: on('off'), actions: cancel('alarm') },
            { guard: on('leave'), target: 'elsewhere' },
          ],
        },
      },
      elsewhere: {},
    },
  });

  test('outlives the state that raised it', async () => {
    const { replies } = await happen(machine, ['named', 'nameless', 'leave', { afterMs: 1000 }, { afterMs: 2000 }]);
    expect(replies).toEqual(['ring', 'ring']);
  });

  test('with an id moves where it is raised again, and can be cancelled', async () => {
    const moved = await happen(machine, ['named', { afterMs: 900 }, 'named', { afterMs: 100 }, { afterMs: 900 }]);
    expect(moved.replies).toEqual(['ring']);
    expect((await happen(machine, ['named', 'off', { afterMs: 5000 }])).replies).toEqual([]);
  });

  test('of one time come in the order in which they were raised', async () => {
    const many = setup({ actions: { reply: (_, _params: { text: string }) => {} } }).createMachine({
      id: 'many',
      on: {
        'message.received': {
          actions: Array.from({ length: 12 }, (_, n) => raise({ type: `t.${n}` } as never, { delay: 1000 })),
        },
        't.*': { actions: { type: 'reply', params: ({ event }) => ({ text: event.type }) } },
      },
    });
    const { replies } = await happen(many, ['go', { afterMs: 1000 }]);
    expect(replies).toEqual(Array.from({ length: 12 }, (_, n) => `t.${n}`));
  });

  test('without an id is one more each time', async () => {
    const { replies } = await happen(machine, ['nameless', 'nameless', { afterMs: 3000 }]);
    expect(replies).toEqual(['ring', 'ring']);
  });
});

/** Waits as many seconds as it is told. */
const waiter = says.createMachine({
  id: 'waiter',
  context: { minutes: 0 },
  initial: 'idle',
  states: {
    idle: { on: { 'message.received': { target: 'waiting' } } },
    waiting: {
      after: { asked: { target: 'idle', actions: reply('time') } },
      on: { 'message.received': { target: 'idle', actions: reply('in time') } },
    },
  },
});
const DAY = 24 * 3_600_000;

describe('a timer fires at its original time', () => {
  test('while its conversation is in memory, and while it is not', async () => {
    const { clock, say, router, replies } = await running(waiter);
    await say(7, '100');
    await say(8, '200');
    await clock.advance(100_000);
    expect(await replies()).toEqual(['7 time']);
    router.passivate(clock.now());
    expect(router.counts().live).toBe(0);
    await clock.advance(100_000);
    expect(await replies()).toEqual(['7 time', '8 time']);
  });

  test('after a crash: what is not yet due waits for its time, what is overdue fires at the start, in due order across chats', async () => {
    const system = await running(waiter);
    for (const [chat, seconds] of [
      [1, 30],
      [2, 10],
      [3, 20],
      [4, 3600],
    ] as const)
      await system.say(chat, String(seconds));
    system.crash();
    await system.clock.advance(60_000);
    await system.start();
    expect(await system.replies()).toEqual(['2 time', '3 time', '1 time']);
    const fired = (await system.entries())
      .filter(({ type }) => type === 'timer.fired')
      .map(({ at, body }) => at - JSON.parse(body).due_at);
    expect(fired).toEqual([50_000, 40_000, 30_000]);
    await system.clock.advance(3_539_999);
    expect(await system.replies()).toHaveLength(3);
    await system.clock.advance(1);
    expect((await system.replies()).at(-1)).toBe('4 time');
  });

  test('25 days ahead, further than setTimeout can wait', async () => {
    const { clock, say, replies } = await running(waiter);
    await say(7, String((25 * DAY) / 1000));
    await clock.advance(25 * DAY - 1);
    expect(await replies()).toEqual([]);
    await clock.advance(1);
    expect(await replies()).toEqual(['7 time']);
    expect(clock.longestDelayMs()).toBeLessThan(2 ** 31);
  });

  test('soon after the wall clock was set forward past it', async () => {
    const { clock, say, replies } = await running(waiter);
    await say(7, '7200');
    clock.set(clock.now() + 3 * 3_600_000);
    await clock.advance(limits.timerArmMaxMs);
    expect(await replies()).toEqual(['7 time']);
  });

  test('not before, where the wall clock was set back', async () => {
    const { clock, say, replies } = await running(waiter);
    await say(7, '30');
    clock.set(clock.now() - 3_600_000);
    await clock.advance(3_600_000 + 29_999);
    expect(await replies()).toEqual([]);
    await clock.advance(1);
    expect(await replies()).toEqual(['7 time']);
  });

  test('although another, due earlier, was set after it', async () => {
    const { clock, say, replies } = await running(waiter);
    await say(1, '50');
    await say(2, '5');
    await clock.advance(5000);
    expect(await replies()).toEqual(['2 time']);
    await clock.advance(45_000);
    expect(await replies()).toEqual(['2 time', '1 time']);
  });
});

describe('what came due before an event was received happens before it', () => {
  /** Chat 7's timer is overdue, and behind more of them than one unit takes. */
  async function overdue() {
    const system = await running(waiter);
    await system.say(7, '60');
    system.crash();
    await system.clock.advance(60_000);
    // Overdue still: the timer service of this process does not run.
    return system;
  }

  test('an update that waited at Telegram meanwhile comes too late', async () => {
    const { router, replies, types } = await overdue();
    await router.receiveUpdates([textUpdate(8, '5', 5000), textUpdate(7, 'made it?', 5001)], 5002);
    expect(await replies()).toEqual(['7 time']);
    expect((await types()).slice(-4)).toEqual(['timer.fired', 'chat.moved', 'update.received', 'chat.moved']);
  });

  test("so does an aggregator's event", async () => {
    const { router, types } = await overdue();
    await router.postEvent({ keyId: '1', idempotencyKey: 'k', conversation: '7', event: { type: 'order.shipped' } });
    expect((await types()).slice(-3)).toEqual(['timer.fired', 'chat.moved', 'event.received']);
  });

  test('an event of another chat waits for nobody', async () => {
    const { router, types } = await overdue();
    await router.receiveUpdates([textUpdate(8, '5', 5000)], 5001);
    expect((await types()).slice(-2)).toEqual(['update.received', 'chat.moved']);
  });
});

test('of two that are due at once, the one that the first takes back does not fire', async () => {
  const machine = says.createMachine({
    id: 'pair',
    context: { minutes: 0 },
    initial: 'idle',
    states: {
      idle: {
        on: {
          'message.received': { actions: [raise({ type: 'rang' }, { delay: 2000, id: 'late' })], target: 'waiting' },
          rang: { actions: reply('rang all the same') },
        },
      },
      waiting: { after: { 1000: { target: 'idle', actions: [cancel('late'), reply('first')] } } },
    },
  });
  const system = await running(machine);
  await system.say(7, 'go');
  system.crash();
  await system.clock.advance(5000);
  await system.start();
  expect(await system.replies()).toEqual(['7 first']);
  expect((await system.types()).filter((type) => type === 'timer.fired')).toHaveLength(1);
});

test('I9: many due at once fire in units of a bounded size, and an update gets its turn between two of them', async () => {
  const { router, crash, clock } = await running(waiter);
  const chats = 3 * limits.timersPerUnitMax;
  await router.receiveUpdates(
    Array.from({ length: chats }, (_, n) => textUpdate(n + 1, '60', n + 10_000)),
    1,
  );
  crash();
  await clock.advance(60_000);
  const order: (number | string)[] = [];
  const storm = (async () => {
    for (let fired = -1; fired !== 0; order.push(fired)) fired = await router.fireTimers();
  })();
  await router.receiveUpdates([textUpdate(chats + 1, '5', 5000)], 5001).then(() => order.push('update'));
  await storm;
  const unit = limits.timersPerUnitMax;
  expect(order.filter((what) => what !== 'update')).toEqual([unit, unit, unit, 0]);
  expect(order.indexOf('update')).toBeLessThan(3);
});
