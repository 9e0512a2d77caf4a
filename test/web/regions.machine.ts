import { assign, fromPromise, setup } from 'xstate';
import type { ConversationInput, Reply, UserEvent } from '../../machines/events.ts';

/** An order with regions, states within states, a history and ways that lead out and in at every level: to be drawn. */
export const machine = setup({
  types: {
    context: {} as { items: number },
    events: {} as UserEvent | { type: 'order.shipped' } | { type: 'order.reset' },
    input: {} as ConversationInput,
  },
  actions: { reply: (_, _params: Reply) => {}, count: assign({ items: ({ context }) => context.items + 1 }) },
  actors: { book: fromPromise<string, { items: number }>(() => Promise.reject(new Error('asked'))) },
  guards: {
    says: ({ event }, word: string) => event.type === 'message.received' && event.text === word,
    enough: ({ context }) => context.items > 2,
  },
  delays: { patience: 60_000 },
}).createMachine({
  id: 'regions',
  version: '1',
  description: 'An order that is packed and paid at one time.',
  context: { items: 0 },
  initial: 'open',
  on: { 'order.reset': { target: '.open', description: 'Whatever had been done is forgotten.' } },
  states: {
    open: {
      description: 'Nothing is ordered yet.',
      on: { 'message.received': { target: 'ordered', actions: 'count' } },
    },
    ordered: {
      description:
        'Ordered: two things go on at one time, each for itself, and neither waits for the other one to end.',
      type: 'parallel',
      onDone: 'over',
      states: {
        packing: {
          initial: 'waiting',
          states: {
            waiting: {
              description: 'Waits for three items.',
              always: { guard: 'enough', target: 'packed' },
              on: { 'message.received': { guard: { type: 'says', params: 'more' }, actions: 'count' } },
              after: { patience: 'packed' },
            },
            packed: { description: 'It is in its box.', type: 'final' },
          },
        },
        paying: {
          initial: 'asking',
          states: {
            asking: {
              description: 'The bank is asked.',
              initial: 'first',
              entry: { type: 'reply', params: { text: 'One moment, please.' } },
              states: {
                first: {
                  invoke: {
                    src: 'book',
                    input: ({ context }) => ({ items: context.items }),
                    onDone: '#regions.ordered.paying.paid',
                    onError: 'second',
                  },
                },
                second: { after: { 3600000: 'first' }, on: { 'order.shipped': '#regions.ordered.paying.paid' } },
                before: { type: 'history', target: 'first' },
              },
            },
            paid: { description: 'Paid.', type: 'final' },
          },
        },
      },
    },
    over: {
      description: 'Done with. The next word begins anew.',
      type: 'final',
      entry: { type: 'reply', params: { text: 'Thank you.' } },
    },
  },
});
