import { assign, setup } from 'xstate';
import type { UserEvent } from '../../machines/events.ts';

/** Counts messages without a word: an entry, a step and a snapshot an update, and nothing to send. */
export const machine = setup({
  types: { context: {} as { count: number }, events: {} as UserEvent },
  actions: { count: assign({ count: ({ context }) => context.count + 1 }) },
}).createMachine({
  id: 'counting',
  version: '1',
  context: { count: 0 },
  initial: 'listening',
  states: {
    listening: { description: 'Counts whatever comes.', on: { 'message.received': { actions: 'count' } } },
  },
});
