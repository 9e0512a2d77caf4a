import { fromPromise, setup } from 'xstate';
import type { Reply, UserEvent } from '../../machines/events.ts';

/** A user names a thing, the backend its price. Whoever writes again meanwhile asks anew. */
export const machine = setup({
  types: { events: {} as UserEvent },
  actions: { reply: (_, _params: Reply) => {} },
  actors: { findPrice: fromPromise<{ price: string }, { thing: string }>(() => Promise.reject(new Error('asked'))) },
  guards: { mayBeLater: (_, failed: { error: unknown }) => Object(failed.error).code !== 'refused' },
  delays: { patience: 20_000 },
}).createMachine({
  id: 'quote',
  version: '1',
  initial: 'idle',
  on: { 'message.received': { target: '.asking', reenter: true } },
  states: {
    idle: { description: 'Waits for the name of a thing.' },
    asking: {
      description: 'The backend looks for the price.',
      invoke: {
        src: 'findPrice',
        input: ({ event }) => ({ thing: event.type === 'message.received' ? event.text : '' }),
        onDone: {
          target: 'idle',
          actions: { type: 'reply', params: ({ event }) => ({ text: `It costs ${event.output.price}.` }) },
        },
        onError: [
          {
            guard: { type: 'mayBeLater', params: ({ event }) => ({ error: event.error }) },
            target: 'idle',
            actions: { type: 'reply', params: { text: 'Nobody can tell just now. Please ask again later.' } },
          },
          { target: 'idle', actions: { type: 'reply', params: { text: 'We do not sell that.' } } },
        ],
      },
      after: { patience: { target: 'idle', actions: { type: 'reply', params: { text: 'That takes too long.' } } } },
    },
  },
});
