import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type AnyStateMachine, fromPromise, raise, StateMachine, setup, spawnChild, stopChild } from 'xstate';
import type { Meta } from '../../machines/events.ts';
import { createStepper } from '../../src/conversations/step.ts';
import { wordsOf } from '../machines/candidates.ts';
import { explore, type Situation } from '../machines/explore.ts';
import { ANNA } from '../machines/harness.ts';
import { PRODUCT_MACHINES } from '../machines/product.ts';
import { judgeOfBump } from './bump.ts';
import { happen } from './script.ts';

const ROOT = join(import.meta.dirname, '../..');

/** A situation of an exploration, as it would be stored. */
function stored(machine: AnyStateMachine, { snapshot, timers, asked }: Situation) {
  const conversation = { id: '777', chat: '777', machine: machine.id, version: machine.version ?? '0' };
  const facts = { status: 'active', error: null, lastSeq: 1, updatedAt: 1 } as const;
  const persisted = createStepper(machine.id, machine).persist(snapshot);
  return {
    record: { ...conversation, ...facts, state: JSON.stringify(snapshot.value), snapshot: persisted },
    timers: Object.entries(timers).map(([id, event]) => ({
      ...{ conversation: '777', id, dueAt: 5 },
      event: JSON.stringify(event),
    })),
    requests: Object.entries(asked).map(([invoke, src], n) => ({
      ...{ id: `1-1-${n}`, conversation: '777', invoke, src, input: 'null', createdAt: 1 },
    })),
  };
}

async function conversationsIn(folder: string): Promise<(readonly [string, AnyStateMachine])[]> {
  const files = readdirSync(join(ROOT, folder)).filter((file) => file.endsWith('.machine.ts'));
  const machines: (readonly [string, AnyStateMachine])[] = [];
  for (const file of files) {
    if (folder === 'machines' && !PRODUCT_MACHINES.includes(file)) continue;
    const { machine }: { machine?: unknown } = await import(join(ROOT, folder, file));
    if (!(machine instanceof StateMachine)) continue;
    const meta: Meta = machine.config.meta ?? {};
    // What is refused when it is loaded has no conversations.
    if (meta.runs !== 'live' && file !== 'order.machine.ts') machines.push([`${folder}/${file}`, machine]);
  }
  return machines;
}

const folders = ['machines', 'test/machines', 'test/web', 'test/sim', 'test/bench'];
const machines = (await Promise.all(folders.map(conversationsIn))).flat();

describe('a version that changes nothing fits every conversation of the one before', () => {
  test.each(machines)('%s, wherever it can be', (_, machine) => {
    const judge = judgeOfBump(machine);
    const { situations } = explore(machine, { conversation: '777', chat: '777' }, [ANNA], new Set(wordsOf(machine)));
    const active = situations.filter(({ snapshot }) => snapshot.status === 'active');
    expect(active.length).toBeGreaterThan(0);
    const misfits = active.flatMap((situation) => {
      const { record, timers, requests } = stored(machine, situation);
      // As it was stored before snapshots told what was asked, too.
      const { asked: _, ...earlier } = JSON.parse(record.snapshot);
      return [
        judge(record, timers, requests) ?? [],
        judge({ ...record, snapshot: JSON.stringify(earlier) }, timers, requests) ?? [],
      ].flat();
    });
    expect([...new Set(misfits)]).toEqual([]);
  });

  const kit = setup({
    types: {
      events: {} as
        | { type: 'message.received'; text: string }
        | { type: 'remind' }
        | { type: 'xstate.done.actor.q' }
        | { type: 'xstate.error.actor.q' },
    },
    actions: { reply: (_, _params: { text: string }) => {} },
    actors: { ask: fromPromise<string, unknown>(() => Promise.reject(new Error('asked'))) },
    guards: {
      is: ({ event }, word: string) => event.type === 'message.received' && event.text === word,
      never: () => false,
    },
  });
  const on = (word: string, target: string) => ({ guard: { type: 'is' as const, params: word }, target });

  // Each step of `happen` is checked (script.ts).
  test('one region of a parallel state has come to its end', async () => {
    const region = (word: string) => ({
      initial: 'open',
      states: { open: { on: { 'message.received': on(word, 'over') } }, over: { type: 'final' as const } },
    });
    const machine = kit.createMachine({
      id: 'shop',
      initial: 'buying',
      states: {
        buying: { type: 'parallel', states: { form: region('done'), payment: region('pay') }, onDone: 'bought' },
        bought: {},
      },
    });
    expect((await happen(machine, ['hi', 'done'])).state).toEqual({ buying: { form: 'over', payment: 'open' } });
    expect((await happen(machine, ['done', 'pay', 'hi'])).state).toBe('bought');
  });

  test.each([
    ['without an onDone', {}],
    ['with an onDone that its guard refuses', { onDone: { guard: 'never' as const, target: 'elsewhere' } }],
    ['with an onDone that leads nowhere', { onDone: { actions: { type: 'reply' as const, params: { text: 'x' } } } }],
  ])('a state rests at an inner end, %s', async (_, onDone) => {
    const machine = kit.createMachine({
      id: 'shop',
      initial: 'filling',
      states: {
        filling: {
          initial: 'open',
          ...onDone,
          states: { open: { on: { 'message.received': on('end', 'over') } }, over: { type: 'final' } },
        },
        elsewhere: {},
      },
    });
    expect((await happen(machine, ['end', 'hi'])).state).toEqual({ filling: 'over' });
  });

  test('a delayed raise is taken by another state than it was set in', async () => {
    const machine = kit.createMachine({
      id: 'shop',
      initial: 'a',
      states: {
        a: {
          on: { 'message.received': { target: 'b', actions: raise({ type: 'remind' }, { delay: 1000, id: 'r' }) } },
        },
        b: { on: { 'message.received': 'c' } },
        c: { on: { remind: { actions: { type: 'reply', params: { text: 'now' } } } } },
      },
    });
    expect((await happen(machine, ['hi', 'hi', { afterMs: 1000 }])).replies).toEqual(['now']);
  });

  test('a delayed raise, and the answer to what was spawned, are taken by nobody', async () => {
    const machine = kit.createMachine({
      id: 'shop',
      entry: [raise({ type: 'remind' }, { delay: 1000, id: 'r' }), spawnChild('ask', { id: 'q' })],
      on: { 'message.received': { actions: { type: 'reply', params: { text: 'yes' } } } },
    });
    expect((await happen(machine, ['hi', { afterMs: 1000 }, { answer: 1 }, 'hi'])).replies).toEqual(['yes', 'yes']);
  });

  test('the answer to what was spawned is taken by another state', async () => {
    const machine = kit.createMachine({
      id: 'shop',
      initial: 'a',
      states: {
        a: { on: { 'message.received': { target: 'b', actions: spawnChild('ask', { id: 'q' }) } } },
        b: { on: { 'message.received': 'c' } },
        c: { on: { 'xstate.done.actor.q': { actions: { type: 'reply', params: { text: 'heard' } } } } },
      },
    });
    expect((await happen(machine, ['hi', 'hi', { answer: 1 }])).replies).toEqual(['heard']);
  });

  test.each([
    ['whose onDone is refused by its guard', { onDone: { guard: 'never' as const, target: 'a' }, onError: 'a' }],
    ['that has no onDone', { onError: 'a' }],
  ])('a state goes on after an answer %s', async (_, ends) => {
    const machine = kit.createMachine({
      id: 'shop',
      initial: 'a',
      states: {
        a: { on: { 'message.received': 'b' } },
        b: { invoke: { id: 'q', src: 'ask', ...ends }, on: { 'message.received': on('back', 'a') } },
      },
    });
    expect((await happen(machine, ['hi', { answer: 1 }, 'well?'])).state).toBe('b');
  });

  test('a state goes on after it has stopped what it asks', async () => {
    const machine = kit.createMachine({
      id: 'shop',
      initial: 'a',
      states: {
        a: { on: { 'message.received': 'b' } },
        b: {
          invoke: { id: 'q', src: 'ask', onDone: 'a', onError: 'a' },
          on: { 'message.received': { actions: stopChild('q') } },
        },
      },
    });
    expect(await happen(machine, ['hi', 'stop'])).toMatchObject({ state: 'b', asked: [] });
  });
});
