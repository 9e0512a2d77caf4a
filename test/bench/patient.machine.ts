import { assign, setup } from 'xstate';
import type { UserEvent } from '../../machines/events.ts';

/** Waits a month from its beginning, counting messages; a timer each, and a state and an entry more when it fires. */
export const machine = setup({
  types: { context: {} as { count: number }, events: {} as UserEvent },
  actions: { count: assign({ count: ({ context }) => context.count + 1 }) },
  delays: { month: 30 * 24 * 3_600_000 },
}).createMachine({
  id: 'patient',
  version: '1',
  context: { count: 0 },
  initial: 'waiting',
  on: { 'message.received': { actions: 'count' } },
  states: {
    waiting: { description: 'Waits.', after: { month: 'over' } },
    over: { description: 'Has waited.' },
  },
});
