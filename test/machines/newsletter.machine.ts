import { sendTo, setup } from 'xstate';
import type { Meta, Reply, UserEvent } from '../../machines/events.ts';

/** Whoever writes gets the news, until they write STOP: then never again. */
export const machine = setup({
  types: { events: {} as UserEvent | { type: 'news.published'; text: string }, meta: {} as Meta },
  actions: { reply: (_, _params: Reply) => {} },
  guards: { is: ({ event }, word: string) => event.type === 'message.received' && event.text === word },
}).createMachine({
  id: 'newsletter',
  version: '1',
  description: 'Tells the news.',
  meta: { ignores: ['photo', 'edit', 'button'], examples: { events: [{ type: 'news.published', text: 'Rain.' }] } },
  initial: 'reading',
  states: {
    reading: {
      description: 'Gets the news.',
      on: {
        'news.published': { actions: { type: 'reply', params: ({ event }) => ({ text: event.text.slice(0, 4096) }) } },
        'message.received': [
          { guard: { type: 'is', params: 'STOP' }, target: 'gone' },
          { guard: { type: 'is', params: 'BYE' }, target: 'left' },
          { actions: { type: 'reply', params: { text: 'You get the news. Write BYE or STOP to end that.' } } },
        ],
      },
    },
    left: {
      description: 'Over. Whatever comes next begins it anew.',
      entry: { type: 'reply', params: { text: 'Goodbye, until the next news.' } },
      type: 'final',
    },
    gone: {
      description: 'Wants no word from us ever again.',
      entry: sendTo(
        ({ system }) => system.get('backend'),
        ({ event }) => ({ type: 'forgetUser', at: event.type === 'message.received' ? event.at : null }),
      ),
      type: 'final',
      meta: { whenDone: 'stay' },
    },
  },
});
