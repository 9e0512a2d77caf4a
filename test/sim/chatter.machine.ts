import { assign, emit, fromPromise, setup } from 'xstate';
import type { AnswerCallback, ConversationInput, Reply, UserEvent } from '../../machines/events.ts';

/** What an aggregator posts to it. */
interface NotePosted {
  readonly type: 'note.posted';
  readonly note: string;
}

const heard = (event: UserEvent | NotePosted | { readonly type: string }): string | null => {
  if ('text' in event) return event.text;
  if ('data' in event) return event.data;
  return 'note' in event ? event.note : null;
};

/**
 * Does on command everything that a conversation can ask for: messages, timers, requests, an end, a fault. Each text
 * that it sends names how many events it has heard and the last of them, so that any loss, double or wrong order shows.
 * `ledger.ts` says the same in plain code.
 */
export const machine = setup({
  types: {
    context: {} as { readonly heard: number; readonly last: string; readonly delayMs: number },
    events: {} as UserEvent | NotePosted,
    emitted: {} as { readonly type: 'noted'; readonly note: string },
    input: {} as ConversationInput,
  },
  actions: {
    reply: (_, _params: Reply) => {},
    answerCallback: (_, _params: AnswerCallback) => {},
    hear: assign(({ context, event }) => {
      const last = heard(event) ?? context.last;
      return { heard: context.heard + 1, last, delayMs: Number(/^later (\d+)/.exec(last)?.[1] ?? 0) };
    }),
    breakDown: assign(() => {
      throw new Error('It was told to');
    }),
  },
  actors: { lookUp: fromPromise<{ found: string }, { about: string }>(() => Promise.reject(new Error('asked'))) },
  guards: {
    says: ({ event }, word: string) => event.type === 'message.received' && event.text.startsWith(word),
  },
  delays: { delay: ({ context }) => context.delayMs, patience: 30_000 },
}).createMachine({
  id: 'chatter',
  version: '1',
  context: { heard: 0, last: '', delayMs: 0 },
  initial: 'idle',
  states: {
    idle: {
      description: 'Hears commands.',
      on: {
        'message.received': [
          { guard: { type: 'says', params: 'boom' }, actions: ['hear', 'breakDown'] },
          { guard: { type: 'says', params: 'end' }, target: 'over', actions: 'hear' },
          { guard: { type: 'says', params: 'ask' }, target: 'asking', actions: 'hear' },
          { guard: { type: 'says', params: 'later' }, target: 'waiting', actions: 'hear' },
          {
            actions: [
              'hear',
              { type: 'reply', params: ({ context }) => ({ text: `${context.heard} heard ${context.last}` }) },
            ],
          },
        ],
        'callback.received': {
          actions: [
            'hear',
            { type: 'answerCallback', params: ({ event }) => ({ callback_query_id: event.id }) },
            { type: 'reply', params: ({ context }) => ({ text: `${context.heard} pressed ${context.last}` }) },
          ],
        },
        'note.posted': {
          actions: [
            'hear',
            { type: 'reply', params: ({ context }) => ({ text: `${context.heard} noted ${context.last}` }) },
            emit(({ context }) => ({ type: 'noted' as const, note: context.last })),
          ],
        },
      },
    },
    asking: {
      description: 'The backend looks something up.',
      invoke: {
        src: 'lookUp',
        input: ({ context }) => ({ about: context.last }),
        onDone: {
          target: 'idle',
          actions: [
            'hear',
            {
              type: 'reply',
              params: ({ context, event }) => ({
                text: `${context.heard} found ${event.output.found} for ${context.last}`,
              }),
            },
          ],
        },
        onError: {
          target: 'idle',
          actions: [
            'hear',
            {
              type: 'reply',
              params: ({ context }) => ({ text: `${context.heard} found nothing for ${context.last}` }),
            },
          ],
        },
      },
      after: {
        patience: {
          target: 'idle',
          actions: [
            'hear',
            { type: 'reply', params: ({ context }) => ({ text: `${context.heard} gave up on ${context.last}` }) },
          ],
        },
      },
      on: {
        'message.received': {
          guard: { type: 'says', params: 'stop' },
          target: 'idle',
          actions: [
            'hear',
            { type: 'reply', params: ({ context }) => ({ text: `${context.heard} stopped ${context.last}` }) },
          ],
        },
      },
    },
    waiting: {
      description: 'Waits for as long as it was told, or for the next word.',
      after: {
        delay: {
          target: 'idle',
          actions: [
            'hear',
            { type: 'reply', params: ({ context }) => ({ text: `${context.heard} waited ${context.last}` }) },
          ],
        },
      },
      on: {
        'message.received': {
          target: 'idle',
          actions: [
            'hear',
            { type: 'reply', params: ({ context }) => ({ text: `${context.heard} woken by ${context.last}` }) },
          ],
        },
      },
    },
    over: { description: 'The next message starts anew.', type: 'final' },
  },
});
