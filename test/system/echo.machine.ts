import { assign, setup } from 'xstate';
import type { Reply, UserEvent } from '../../machines/events.ts';

/** Answers each message once: how many it has heard before, and this one's text. */
export const machine = setup({
  types: { context: {} as { heard: number }, events: {} as UserEvent },
  actions: {
    reply: (_, _params: Reply) => {},
    count: assign({ heard: ({ context }) => context.heard + 1 }),
  },
}).createMachine({
  id: 'echo',
  version: '1',
  context: { heard: 0 },
  initial: 'listening',
  states: {
    listening: {
      description: 'Hears and answers.',
      on: {
        'message.received': {
          actions: [
            {
              type: 'reply',
              params: ({ context, event }) => ({ text: `${context.heard} ${event.text}` }),
            },
            'count',
          ],
        },
      },
    },
  },
});
