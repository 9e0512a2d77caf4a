import { setup } from 'xstate';
import type { Reply, UserEvent } from '../../machines/events.ts';

const minutesOf = (event: UserEvent): number => (event.type === 'message.received' ? Number(event.text) : Number.NaN);

/** A user writes a number: so many minutes later they are reminded. Another number moves it, any other word ends it. */
export const machine = setup({
  types: { events: {} as UserEvent },
  actions: { reply: (_, _params: Reply) => {} },
  guards: { isTime: ({ event }) => minutesOf(event) > 0 && minutesOf(event) <= 525_600 },
  delays: { asked: ({ event }) => minutesOf(event) * 60_000 },
}).createMachine({
  id: 'reminder',
  version: '1',
  initial: 'idle',
  states: {
    idle: { description: 'Waits for a number.', on: { 'message.received': { guard: 'isTime', target: 'waiting' } } },
    waiting: {
      description: 'Waits until it is time.',
      after: { asked: { target: 'idle', actions: { type: 'reply', params: { text: 'It is time.' } } } },
      on: {
        'message.received': [
          { guard: 'isTime', target: 'waiting', reenter: true },
          { target: 'idle', actions: { type: 'reply', params: { text: 'Forgotten.' } } },
        ],
      },
    },
  },
});
