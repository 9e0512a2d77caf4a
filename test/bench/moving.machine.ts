import { assign, setup } from 'xstate';
import type { UserEvent } from '../../machines/events.ts';

/** Changes its state with each message: a second entry an update. */
export const machine = setup({
  types: { context: {} as { count: number }, events: {} as UserEvent },
  actions: { count: assign({ count: ({ context }) => context.count + 1 }) },
}).createMachine({
  id: 'moving',
  version: '1',
  context: { count: 0 },
  initial: 'even',
  states: {
    even: {
      description: 'An even number of messages.',
      on: { 'message.received': { target: 'odd', actions: 'count' } },
    },
    odd: {
      description: 'An odd number of messages.',
      on: { 'message.received': { target: 'even', actions: 'count' } },
    },
  },
});
