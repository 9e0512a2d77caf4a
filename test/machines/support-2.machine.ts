import { assign, fromPromise, setup } from 'xstate';
import type { ConversationInput, Migrate, Reply, UserEvent } from '../../machines/events.ts';

/** The support conversation's second version: `waiting` is `answering`, and reminders are counted. */
export const machine = setup({
  types: {
    context: {} as { conversation: string; reminders: number },
    events: {} as UserEvent | { type: 'ticket.answered'; text: unknown },
    input: {} as ConversationInput,
  },
  actions: {
    reply: (_, _params: Reply) => {},
    count: assign({ reminders: ({ context }) => context.reminders + 1 }),
  },
  actors: { openTicket: fromPromise<{ ticket: string }, { text: string }>(() => Promise.reject(new Error('asked'))) },
  delays: { patience: 24 * 3_600_000 },
}).createMachine({
  id: 'support',
  version: '2',
  context: ({ input }) => ({ conversation: input.conversation, reminders: 0 }),
  initial: 'idle',
  states: {
    idle: { description: 'Waits for a question.', on: { 'message.received': 'opening' } },
    opening: {
      description: 'The backend opens a ticket.',
      invoke: {
        src: 'openTicket',
        input: ({ event }) => ({ text: event.type === 'message.received' ? event.text : '' }),
        onDone: 'answering',
        onError: 'idle',
      },
    },
    answering: {
      description: 'A person reads the question.',
      after: {
        patience: {
          actions: [
            'count',
            { type: 'reply', params: ({ context }) => ({ text: `Reminder ${context.reminders}: we are on it.` }) },
          ],
        },
      },
      on: { 'ticket.answered': 'idle' },
    },
  },
});

/** Version 2: `waiting` is `answering`, and reminders are counted. */
export const migrate: Migrate = (from, { value, context, timers, requests }) => ({
  value: value === 'waiting' ? 'answering' : value,
  context: from === '1' ? { ...Object(context), reminders: 0 } : context,
  timers: timers.map(({ id, dueAt, event }) => ({
    id: id.replace('.waiting', '.answering'),
    dueAt,
    event: { ...event, type: event.type.replace('.waiting', '.answering') },
  })),
  requests,
});

/** Of every conversation that this version steps. */
export const context = {
  type: 'object',
  required: ['conversation', 'reminders'],
  properties: { conversation: { type: 'string' }, reminders: { type: 'integer' } },
};
