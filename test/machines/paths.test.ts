import { getShortestPaths } from '@xstate/graph';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import type { SnapshotFrom } from 'xstate';
import { context, machine } from '../../machines/payment.machine.ts';
import { ANNA } from './harness.ts';

const at = '2026-01-01T00:00:00.000Z';
const write = (text: string) =>
  ({ type: 'message.received', text, kind: 'text', messageId: 5, from: ANNA, at }) as const;
const draft = `5-${Date.parse(at).toString(36)}`;
const press = (button: string) =>
  ({ type: 'callback.received', id: 'c', data: `${button}:${draft}`, messageId: 9, from: ANNA }) as const;

/** What users, the clock and the aggregator can do, as events. */
const EVENTS = [
  write('/pay 1 EUR @x'),
  write('/cancel'),
  press('confirm'),
  press('cancel'),
  press('retry'),
  { type: 'xstate.after.confirmationWait.payment.confirming' },
  { type: 'payment.settled', paymentId: 'p' },
  { type: 'payment.failed', paymentId: 'p', reason: 'no' },
];
/** What the backend answers. Only where it is asked: XState stops a machine that gets an answer it did not wait for. */
const ANSWERS = [
  { type: 'xstate.done.actor.openPayment', output: { status: 'accepted', paymentId: 'p' }, actorId: 'openPayment' },
  { type: 'xstate.done.actor.openPayment', output: { status: 'declined', reason: 'no' }, actorId: 'openPayment' },
  { type: 'xstate.error.actor.openPayment', error: { code: 'unreachable', message: '' }, actorId: 'openPayment' },
];

type State = SnapshotFrom<typeof machine>;
const options = {
  // The machine's type names its own events; timers and answers are XState's.
  events: (state: State) => [...EVENTS, ...(state.matches({ underWay: 'asking' }) ? ANSWERS : [])] as never[],
  input: { conversation: '777', chat: '777' },
  serializeState: (state: State) => JSON.stringify(state.value),
};

const paths = getShortestPaths(machine, options);

describe('the paths through the payment conversation', () => {
  test('they are as short as a user would think', () => {
    const lengths = Object.fromEntries(paths.map((path) => [path.state._nodes.at(-1)?.id, path.weight]));
    expect(lengths).toEqual({
      'payment.idle': 0,
      'payment.confirming': 1,
      'payment.underWay.asking': 2,
      'payment.underWay.unreachable': 3,
      'payment.underWay.open': 3,
    });
  });

  test('from every state some way leads back to idle: nobody is stuck', () => {
    for (const { state } of paths) {
      const back = getShortestPaths(machine, { ...options, fromState: state, toState: (s) => s.matches('idle') });
      expect(back.length, JSON.stringify(state.value)).toBeGreaterThan(0);
    }
  });

  test('the context fits the schema that the file gives, wherever a path leads', () => {
    const schema = Compile(context);
    for (const { state } of paths) expect(schema.Errors(state.context), JSON.stringify(state.context)).toEqual([]);
  });
});
