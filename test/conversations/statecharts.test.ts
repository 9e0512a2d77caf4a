import { describe, expect, test } from 'vitest';
import {
  and,
  assign,
  cancel,
  emit,
  enqueueActions,
  fromPromise,
  log,
  not,
  raise,
  sendTo,
  setup,
  spawnChild,
  stateIn,
  stopChild,
} from 'xstate';
import type { UserEvent } from '../../machines/events.ts';
import { happen } from './script.ts';

type Events =
  | UserEvent
  | { type: 'step' }
  | { type: 'other' }
  | { type: 'order.shipped' }
  | { type: 'xstate.done.actor.q'; output: unknown }
  | { type: 'xstate.error.actor.q' };

/** What every machine below is made of: texts as events by their words, a reply, and a request. */
const kit = setup({
  types: { context: {} as { n: number; notes: string[] }, events: {} as Events },
  actions: {
    reply: (_, _params: { text: string }) => {},
    count: assign({ n: ({ context }) => context.n + 1 }),
  },
  actors: {
    ask: fromPromise<string, unknown>(async () => {
      throw new Error('never run');
    }),
  },
  guards: {
    says: ({ event }, word: string) => event.type === 'message.received' && event.text === word,
    many: ({ context }) => context.n >= 2,
    few: ({ context }) => context.n < 2,
  },
  delays: { patience: 60_000, growing: ({ context }) => 1000 * (context.n + 1) },
});
const context = { n: 0, notes: [] };
/** A transition on a text. */
const on = (word: string, target: string) => ({ guard: { type: 'says' as const, params: word }, target });
const say = (text: string) => ({ type: 'reply' as const, params: { text } });

describe('with a crash between any two events, as without', () => {
  test('parallel regions go their own ways, nested states keep their place', async () => {
    const machine = kit.createMachine({
      id: 'shop',
      context,
      type: 'parallel',
      states: {
        order: {
          initial: 'empty',
          states: {
            empty: { on: { 'message.received': on('buy', 'filled') } },
            filled: {
              initial: 'unpaid',
              on: { 'message.received': on('drop', 'empty') },
              states: { unpaid: { on: { 'message.received': on('pay', 'paid') } }, paid: {} },
            },
          },
        },
        help: {
          initial: 'closed',
          states: {
            closed: { on: { 'message.received': on('help', 'open') } },
            open: { entry: say('How can I help?'), on: { 'message.received': on('thanks', 'closed') } },
          },
        },
      },
    });
    const { state, replies } = await happen(machine, ['buy', 'help', 'pay']);
    expect(state).toEqual({ order: { filled: 'paid' }, help: 'open' });
    expect(replies).toEqual(['How can I help?']);
    expect((await happen(machine, ['buy', 'help', 'drop', 'thanks'])).state).toEqual({
      order: 'empty',
      help: 'closed',
    });
  });

  test('history leads back: a shallow one to the state, a deep one to where within it', async () => {
    const machine = kit.createMachine({
      id: 'form',
      context,
      initial: 'filling',
      states: {
        filling: {
          initial: 'name',
          on: { 'message.received': on('pause', 'paused') },
          states: {
            name: { on: { 'message.received': on('next', 'address') } },
            address: {
              initial: 'street',
              states: { street: { on: { 'message.received': on('next', 'city') } }, city: {} },
            },
            recent: { type: 'history' },
            exact: { type: 'history', history: 'deep' },
          },
        },
        paused: { on: { 'message.received': [on('back', 'filling.recent'), on('exactly', 'filling.exact')] } },
      },
    });
    expect((await happen(machine, ['next', 'next', 'pause', 'back'])).state).toEqual({
      filling: { address: 'street' },
    });
    expect((await happen(machine, ['next', 'next', 'pause', 'exactly'])).state).toEqual({
      filling: { address: 'city' },
    });
  });

  test('guards decide, also those built of others; always goes on at once; raise is taken in the same step', async () => {
    const machine = kit.createMachine({
      id: 'gate',
      context,
      initial: 'counting',
      on: { other: { actions: say('raised') } },
      states: {
        counting: {
          always: { guard: 'many', target: 'through' },
          on: {
            'message.received': [
              { guard: and([{ type: 'says', params: 'skip' }, not('many'), stateIn('counting')]), target: 'through' },
              { actions: ['count', raise({ type: 'other' })] },
            ],
          },
        },
        through: { entry: [say('through'), raise({ type: 'step' })], on: { step: 'inside' } },
        inside: {},
      },
    });
    const { state, replies } = await happen(machine, ['one', 'two']);
    expect(state).toBe('inside');
    expect(replies).toEqual(['raised', 'through', 'raised']);
    expect((await happen(machine, ['skip'])).state).toBe('inside');
  });

  test('enqueueActions decides what is done, of all that can be', async () => {
    const machine = kit.createMachine({
      id: 'queue',
      context,
      initial: 'a',
      states: {
        a: {
          on: {
            'message.received': {
              actions: enqueueActions(({ context: { n }, enqueue, check }) => {
                enqueue.assign({ n: n + 1 });
                enqueue('count');
                if (check('few')) enqueue({ type: 'reply', params: ({ context: now }) => ({ text: `n is ${now.n}` }) });
                enqueue.emit(() => ({ type: 'counted', n }));
                enqueue.raise({ type: 'step' }, { delay: 5000, id: 'later' });
                enqueue.spawnChild('ask', { id: 'spawned', input: { n } });
                enqueue.sendTo(
                  ({ system }) => system.get('backend'),
                  () => ({ type: 'note', n }),
                );
              }),
            },
            step: { actions: say('later') },
            other: { actions: enqueueActions(({ enqueue }) => enqueue.stopChild('spawned')) },
          },
        },
      },
    });
    const first = await happen(machine, ['go']);
    expect(first).toMatchObject({ replies: ['n is 2'], emitted: [{ type: 'counted', n: 0 }], timers: true });
    expect(first.asked).toEqual([
      { src: 'ask', input: { n: 0 }, invoke: 'spawned' },
      { src: 'note', input: { n: 0 }, invoke: '' },
    ]);
    expect((await happen(machine, ['go', { afterMs: 5000 }])).replies).toEqual(['n is 2', 'later']);
  });

  test('a spawned request outlives the state that it was made in; its answer comes as its own event', async () => {
    const machine = kit.createMachine({
      id: 'spawner',
      context,
      initial: 'a',
      on: {
        'xstate.done.actor.q': { actions: { type: 'reply', params: ({ event }) => ({ text: String(event.output) }) } },
        'xstate.error.actor.q': { actions: say('nobody knows') },
        'order.shipped': { actions: stopChild('q') },
      },
      states: {
        a: { on: { 'message.received': { target: 'b', actions: spawnChild('ask', { id: 'q', input: 'why' }) } } },
        b: { on: { 'message.received': 'a' } },
      },
    });
    expect((await happen(machine, ['go', 'on', { answer: 'because' }])).replies).toEqual(['because']);
    expect((await happen(machine, ['go', { fail: 'refused' }])).replies).toEqual(['nobody knows']);
    // Answered, it can be made again; stopped, it is withdrawn.
    const again = await happen(machine, ['go', { answer: '1' }, 'on', 'go', { answer: '2' }]);
    expect(again).toMatchObject({ replies: ['1', '2'], asked: [] });
    expect(await happen(machine, ['go', { post: { type: 'order.shipped' } }])).toMatchObject({
      asked: [],
      error: null,
    });
  });

  test('an invoke that was answered leaves nothing to withdraw, in whichever state its answer is heard', async () => {
    const machine = kit.createMachine({
      id: 'asker',
      context,
      initial: 'asking',
      states: {
        asking: {
          invoke: { id: 'q', src: 'ask', onDone: { actions: say('heard') } },
          on: { 'message.received': { ...on('again', 'asking'), reenter: true } },
        },
      },
    });
    const reenter = await happen(machine, ['hello', { answer: 1 }, 'again']);
    expect(reenter).toMatchObject({ replies: ['heard'], status: 'active', children: ['q'] });
    expect((await happen(machine, ['hello', { answer: 1 }])).children).toEqual([]);
  });

  test('sendTo the backend asks without waiting: the answer, also a no, is journalled and disturbs nobody', async () => {
    const machine = kit.createMachine({
      id: 'teller',
      context,
      initial: 'a',
      states: {
        a: {
          on: {
            'message.received': {
              target: 'b',
              actions: sendTo(
                ({ system }) => system.get('backend'),
                () => ({ type: 'note', n: 1 }),
              ),
            },
          },
        },
        b: { on: { 'message.received': 'over' } },
        over: { type: 'final' },
      },
    });
    const refused = await happen(machine, ['go', { fail: 'refused' }]);
    expect(refused).toMatchObject({ state: 'b', status: 'active', asked: [] });
    expect(refused.entries).toEqual(['update.received', 'chat.moved', 'request.answered']);
    // What was sent is sent, although the conversation is over.
    expect((await happen(machine, ['go', 'on'])).asked).toEqual([{ src: 'note', input: { n: 1 }, invoke: '' }]);
  });

  test('sendTo operators, and emit, are entries', async () => {
    const machine = kit.createMachine({
      id: 'crier',
      context,
      initial: 'a',
      states: {
        a: {
          on: {
            'message.received': {
              actions: [
                sendTo(
                  ({ system }) => system.get('operators'),
                  ({ event }) => ({ type: 'heard', text: event.text }),
                ),
                emit({ type: 'heard too' }),
                log('for the desk'),
              ],
            },
          },
        },
      },
    });
    expect((await happen(machine, ['oyez'])).emitted).toEqual([{ type: 'heard', text: 'oyez' }, { type: 'heard too' }]);
  });

  test('delays: static, named, computed, several at once, taken back on exit and by cancel', async () => {
    const machine = kit.createMachine({
      id: 'waiter',
      context,
      initial: 'waiting',
      on: { other: { actions: say('other') } },
      states: {
        waiting: {
          entry: raise({ type: 'other' }, { delay: 'patience', id: 'later' }),
          after: { 500: { actions: say('soon') }, growing: { actions: ['count', say('grown')] }, patience: 'late' },
          on: {
            'message.received': [
              { guard: { type: 'says', params: 'cancel' }, actions: cancel('later') },
              { ...on('again', 'waiting'), reenter: true },
              on('leave', 'left'),
            ],
          },
        },
        late: { entry: say('late') },
        left: {},
      },
    });
    const all = await happen(machine, ['hello', { afterMs: 500 }, { afterMs: 500 }, { afterMs: 59_000 }]);
    expect(all.replies).toEqual(['soon', 'grown', 'other', 'late']);
    expect((await happen(machine, ['hello', 'cancel', { afterMs: 60_000 }])).replies).toEqual([
      'soon',
      'grown',
      'late',
    ]);
    expect(await happen(machine, ['hello', 'leave'])).toMatchObject({ replies: [], timers: true });
    expect((await happen(machine, ['hello', 'leave', { afterMs: 60_000 }])).replies).toEqual(['other']);
  });

  test('done states end their parents, and the regions of a parallel one together', async () => {
    const machine = kit.createMachine({
      id: 'both',
      context,
      initial: 'working',
      states: {
        working: {
          type: 'parallel',
          onDone: { target: 'finished', actions: say('both done') },
          states: {
            left: {
              initial: 'a',
              states: { a: { on: { 'message.received': on('left', 'b') } }, b: { type: 'final' } },
            },
            right: {
              initial: 'a',
              states: { a: { on: { 'message.received': on('right', 'b') } }, b: { type: 'final' } },
            },
          },
        },
        finished: {},
      },
    });
    expect(await happen(machine, ['left', 'right'])).toMatchObject({ state: 'finished', replies: ['both done'] });
  });
});

describe('the end of a conversation', () => {
  const ending = (meta: object, machineMeta: object = {}) =>
    kit.createMachine({
      id: 'ending',
      context,
      meta: machineMeta,
      initial: 'open',
      states: {
        open: { on: { 'message.received': [on('bye', 'over'), { actions: ['count', say('hello')] }] } },
        over: { type: 'final', meta, entry: [say('goodbye'), raise({ type: 'other' }, { delay: 1000 })] },
      },
    });

  test('the next message starts anew, with nothing of the old; its timers are gone', async () => {
    const ended = await happen(ending({}), ['hi', 'bye']);
    expect(ended).toMatchObject({ status: 'done', state: 'over', timers: false });
    const anew = await happen(ending({}), ['hi', 'bye', 'hi']);
    expect(anew).toMatchObject({ status: 'active', replies: ['hello', 'goodbye', 'hello'], context: { n: 1 } });
  });

  test('or stays, where meta.whenDone says so: at the final state, or for the whole machine', async () => {
    for (const machine of [ending({ whenDone: 'stay' }), ending({}, { whenDone: 'stay' })]) {
      const stayed = await happen(machine, ['bye', 'hi', { post: { type: 'order.shipped' } }]);
      expect(stayed).toMatchObject({ status: 'done', replies: ['goodbye'] });
      expect(stayed.entries).toEqual(['update.received', 'chat.moved', 'update.received', 'event.received']);
    }
    const own = await happen(ending({ whenDone: 'restart' }, { whenDone: 'stay' }), ['bye', 'hi']);
    expect(own.replies).toEqual(['goodbye', 'hello']);
  });
});
