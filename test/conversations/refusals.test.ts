import { describe, expect, test } from 'vitest';
import {
  type AnyStateMachine,
  assign,
  createMachine,
  emit,
  enqueueActions,
  forwardTo,
  fromCallback,
  fromPromise,
  fromTransition,
  not,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
} from 'xstate';
import { createMachineTable } from '../../src/conversations/machines.ts';
import { happen } from './script.ts';

const promise = fromPromise<number>(async () => 1);
/** An author may write anything: what is wrong here is often wrong to the compiler too. */
interface Loose {
  createMachine(config: object): AnyStateMachine;
}

const kit = setup({
  actors: {
    ask: promise,
    ticks: fromCallback(() => {}),
    adder: fromTransition((n: number) => n + 1, 0),
    other: createMachine({}),
  },
  actions: { reply: (_, _params: { text: string }) => {}, charge: () => {} },
  guards: { ready: () => true },
  delays: { soon: 10, never: 1e300 },
}) as unknown as Loose;

interface Spawning {
  spawn(logic: unknown): unknown;
}

/** A machine that has one thing in it, in a state within a state. */
const having = (part: object): AnyStateMachine =>
  kit.createMachine({ id: 'm', initial: 'a', states: { a: { initial: 'b', states: { b: part } } } });
const entry = (action: unknown) => having({ entry: action });

function refusal(machine: AnyStateMachine): string {
  const one = { machine: machine.id, per: 'chat' } as const;
  try {
    createMachineTable({ private: one, group: null, channel: null }, new Map([[machine.id, machine]]));
  } catch (error) {
    expect(error).toMatchObject({ code: 'machine_invalid', entry: { exit: 2 } });
    return error instanceof Error ? error.message : '';
  }
  return 'none';
}

describe('refused when it is loaded, with the state and what to write instead', () => {
  test.each([
    ['a plain function', entry(() => {}), '{ type: "reply", params }'],
    ['a named action that Switchboard cannot do', entry('charge'), 'the action charge is not one'],
    ['a message without its fields', entry('reply'), '{ type: "reply", params: { … } }'],
    ['a message with a Date in it', entry({ type: 'reply', params: { text: new Date(0) } }), 'toISOString()'],
    ['a message to another chat', entry({ type: 'reply', params: { text: 'x', chat_id: 999 } }), 'leave chat_id'],
    ['an actor invoked in place', having({ invoke: { src: promise } }), 'name it in setup({ actors })'],
    ['an actor that nobody named', having({ invoke: { src: 'nobody' } }), 'nobody is not in setup({ actors })'],
    ['a callback actor invoked', having({ invoke: { src: 'ticks' } }), 'ticks: only what answers once'],
    ['a machine as an actor', having({ invoke: { src: 'other' } }), 'other: only what answers once'],
    ['a reducer as an actor', having({ invoke: { src: 'adder' } }), 'adder: only what answers once'],
    ['an actor with a systemId', having({ invoke: { src: 'ask', systemId: 's' } }), 'leave systemId out'],
    ['an actor that is watched', having({ invoke: { src: 'ask', onSnapshot: {} } }), 'leave onSnapshot'],
    ['an actor spawned in place', entry(spawnChild(promise, { id: 'x' })), 'name it in setup({ actors })'],
    ['a callback actor spawned', entry(spawnChild('ticks', { id: 'x' })), 'after, for events from outside'],
    ['a child without an id', entry(spawnChild('ask')), 'spawnChild("name", { id: "…" })'],
    ['sendParent', entry(sendParent({ type: 'x' })), 'has no parent: write emit('],
    ['forwardTo a request', entry(forwardTo('ask')), 'system.get("backend")'],
    ['sendTo by the name of a child', entry(sendTo('ask', { type: 'x' })), 'system.get("backend")'],
    [
      'sendTo with a delay',
      entry(sendTo(({ system }) => system.get('backend'), { type: 'x' }, { delay: 5 })),
      '{ delay, id }',
    ],
    ['a delay that nobody named', having({ after: { later: {} } }), 'later is not in setup({ delays })'],
    ['a delay of ages', having({ after: { never: {} } }), 'cannot be kept'],
    ['a raise with a function in it', entry(raise({ type: 'x', f: () => {} } as never)), 'event.f is a function'],
    ['an emit with a Map in it', entry(emit({ type: 'x', of: new Map() } as never)), 'event.of is a Map'],
    [
      'an assign of an instance',
      entry(assign({ url: new URL('http://x') } as never)),
      'context.url is an instance of URL',
    ],
    ['a guard that nobody named', having({ always: { guard: not('missing'), target: '#m' } }), 'the guard missing'],
    ['an ending that is no word', having({ meta: { whenDone: 'again' } }), 'write "restart" or "stay"'],
    ['an ending that is none', having({ meta: { whenDone: 'stay' } }), 'at a final state of its top level'],
  ])('%s', (_, machine, instead) => {
    const message = refusal(machine);
    expect(message).toContain('machines/m.machine.ts cannot be run:');
    expect(message).toContain('state m.a.b: ');
    expect(message).toContain(instead);
  });

  test('all that is wrong with a machine is told at once', () => {
    const machine = kit.createMachine({
      id: 'm',
      context: { at: new Date(0) },
      initial: 'a',
      states: { a: { entry: () => {}, exit: 'charge' }, b: { invoke: { src: 'ticks' } } },
    });
    const lines = refusal(machine).split('\n');
    expect(lines.slice(1).map((line) => line.trim().split(': ')[0])).toEqual([
      'context.at is a Date',
      'state m.a',
      'state m.a',
      'state m.b',
    ]);
  });

  test.each([
    ['a context that JSON would lose', { context: () => ({ seen: new Set() }) }, 'context.seen is a Set'],
    [
      'an actor spawned in the context',
      { context: ({ spawn }: Spawning) => ({ ref: spawn(promise) }) },
      'write spawnChild',
    ],
    ['an endless loop', { initial: 'a', states: { a: { always: 'b' }, b: { always: 'a' } } }, 'Infinite loop'],
  ])('a start that fails for every chat: %s', (_, config, why) => {
    expect(refusal(createMachine({ id: 'm', ...config } as never))).toContain(why);
  });

  test('what is fine is not refused', () => {
    expect(refusal(having({ invoke: { src: 'ask' }, after: { soon: {} }, always: { guard: 'ready' } }))).toBe('none');
  });
});

describe('what shows only when it runs costs its chat, and is told in the same words', () => {
  const doing = (action: unknown, context: unknown = {}) =>
    kit.createMachine({
      id: 'm',
      context,
      initial: 'a',
      states: { a: { on: { 'message.received': { actions: action } } } },
    });

  test.each([
    ['a Date in the context', doing(assign({ at: () => new Date(0) })), 'm: state a: context.at is a Date'],
    ['a list with nothing in it', doing(assign({ of: () => [undefined] })), 'context.of[0] is undefined'],
    ['a number that JSON has not', doing(assign({ n: () => Number.NaN })), 'context.n is NaN'],
    [
      'a function deep within',
      doing(assign({ of: () => ({ deep: [{ f() {} }] }) })),
      'context.of.deep[0].f is a function',
    ],
    ['an actor kept in the context', doing(assign({ me: ({ self }) => self })), 'context.me is an instance of Actor'],
    ['an actor spawned in assign', doing(assign({ ref: ({ spawn }) => spawn('ask') })), 'write spawnChild'],
    [
      'a function that is enqueued',
      doing(enqueueActions(({ enqueue }) => enqueue(() => {}))),
      '{ type: "reply", params }',
    ],
    [
      'a name that is enqueued',
      doing(enqueueActions(({ enqueue }) => enqueue('charge' as never))),
      'charge is not one',
    ],
    [
      'a message to another chat',
      doing({ type: 'reply', params: () => ({ text: 'a secret of 7', chat_id: 999 }) }),
      'm: in state a: the action reply: a conversation writes to its own chat alone',
    ],
    ['a parent', doing(enqueueActions(({ enqueue }) => enqueue.sendParent({ type: 'x' }))), 'system.get("backend")'],
    ['itself', doing(sendTo(({ self }) => self, { type: 'x' })), 'nobody gets what is sent here'],
    ['an actor that is not there', doing(sendTo(({ system }) => system.get('poller'), { type: 'x' })), '"poller"'],
    [
      'a delay to another',
      doing(
        enqueueActions(({ enqueue }) =>
          enqueue.sendTo(({ system }) => system.get('backend'), { type: 'x' }, { delay: 5 }),
        ),
      ),
      '{ delay, id }',
    ],
    [
      'a child without an id',
      doing(enqueueActions(({ enqueue }) => enqueue.spawnChild('ask' as never))),
      '{ id: "…" }',
    ],
    [
      'an actor that nobody named',
      doing(enqueueActions(({ enqueue }) => enqueue.spawnChild('nobody' as never, { id: 'x' } as never))),
      'nobody is not in setup',
    ],
  ])('%s', async (_, machine, told) => {
    const { status, error, entries } = await happen(machine, ['go']);
    expect({ status, entries }).toEqual({
      status: 'quarantined',
      entries: ['update.received', 'chat.quarantined'],
    });
    expect(error).toContain(told);
  });

  test('a fault may be anything: its text is told, cut, or said to be missing', async () => {
    const throwing = (fault: unknown) =>
      doing(
        assign(() => {
          throw fault;
        }),
      );
    expect((await happen(throwing('a text'), ['go'])).error).toBe('a text');
    expect((await happen(throwing(new Error('x'.repeat(1e6))), ['go'])).error).toHaveLength(2000);
    expect((await happen(throwing(Object.create(null)), ['go'])).error).toBe('a fault without a text');
  });

  test('a context that outgrows its bound, or is nested without an end', async () => {
    const large = await happen(doing(assign({ text: () => 'x'.repeat(300_000) })), ['go']);
    expect(large).toMatchObject({ status: 'quarantined', error: expect.stringContaining('keep less context') });
    const ring: { me?: unknown } = {};
    ring.me = ring;
    const deep = await happen(doing(assign({ ring: () => ring })), ['go']);
    expect(deep).toMatchObject({ status: 'quarantined', error: expect.stringContaining('nested deeper than 100') });
  });
});
