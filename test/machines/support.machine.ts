import { fromPromise, setup } from 'xstate';
import type { ConversationInput, Meta, Reply, UserEvent } from '../../machines/events.ts';

/** A user writes, the backend opens a ticket, and whoever answers it posts `ticket.answered`. */
export const machine = setup({
  types: {
    context: {} as { conversation: string },
    events: {} as UserEvent | { type: 'ticket.answered'; text: unknown },
    input: {} as ConversationInput,
    meta: {} as Meta,
  },
  actions: { reply: (_, _params: Reply) => {} },
  actors: { openTicket: fromPromise<{ ticket: string }, { text: string }>(() => Promise.reject(new Error('asked'))) },
  guards: { isText: ({ event }) => event.type === 'message.received' && event.kind === 'text' },
  delays: { patience: 24 * 3_600_000 },
}).createMachine({
  id: 'support',
  version: '1',
  description: 'A question becomes a ticket, and is answered by a person.',
  meta: { ignores: ['button', 'edit'], examples: { answers: { openTicket: [{ ticket: 'T-1' }] } } },
  context: ({ input }) => ({ conversation: input.conversation }),
  initial: 'idle',
  on: { 'message.received': { actions: { type: 'reply', params: { text: 'One question at a time, in words.' } } } },
  states: {
    idle: {
      description: 'Waits for a question.',
      on: { 'message.received': { guard: 'isText', target: 'opening' } },
    },
    opening: {
      description: 'The backend opens a ticket.',
      invoke: {
        src: 'openTicket',
        input: ({ event }) => ({ text: event.type === 'message.received' ? event.text : '' }),
        onDone: {
          target: 'waiting',
          actions: { type: 'reply', params: ({ event }) => ({ text: `Your ticket is ${event.output.ticket}.` }) },
        },
        onError: { target: 'idle', actions: { type: 'reply', params: { text: 'Please write again later.' } } },
      },
    },
    waiting: {
      description: 'A person reads the question. After a day without an answer the user hears that we are on it.',
      after: { patience: { actions: { type: 'reply', params: { text: 'We are still on it.' } } } },
      on: {
        'ticket.answered': {
          target: 'idle',
          actions: { type: 'reply', params: ({ event }) => ({ text: String(event.text).slice(0, 4096) }) },
        },
      },
    },
  },
});
