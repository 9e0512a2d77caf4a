import { assign, cancel, emit, fromPromise, raise, sendTo, setup, spawnChild } from 'xstate';
import type { AnswerCallback, ConversationInput, Migrate, Reply, UserEvent } from '../../machines/events.ts';
import { buttonUnder, pressText } from './plain-chatter.ts';
import { NAMES, type Release } from './release.ts';

interface Context {
  readonly heard: number;
  readonly last: string;
  readonly delayMs: number;
  /** A spawned request is under way. */
  readonly pricing: boolean;
}

/** What an aggregator posts to it. */
interface NotePosted {
  readonly type: 'note.posted';
  readonly note: string;
}

const heard = (event: object): string | null => {
  if ('text' in event) return String(event.text);
  if ('data' in event && 'id' in event) return pressText(String(event.id), String(event.data));
  return 'note' in event ? String(event.note) : null;
};

const say = (word: string) => ({
  type: 'reply' as const,
  params: ({ context: { heard, last } }: { context: Context }) => ({
    text: `${heard} ${word} ${last}`,
    reply_markup: { inline_keyboard: [[{ text: 'Press', callback_data: buttonUnder(last) }]] },
  }),
});
const sayFound = {
  type: 'reply' as const,
  params: ({ context: { heard, last }, event }: { context: Context; event: { output: { found: string } } }) => ({
    text: `${heard} found ${event.output.found} for ${last}`,
  }),
};
const about = ({ context }: { context: Context }) => ({ about: context.last });
const lookUp = fromPromise<{ found: string }, { about: string }>(() => Promise.reject(new Error('asked')));

const kit = setup({
  types: {
    context: {} as Context,
    events: {} as UserEvent | NotePosted | { readonly type: 'alarm.rang' },
    emitted: {} as { readonly type: 'noted'; readonly note: string },
    input: {} as ConversationInput,
  },
  actions: {
    reply: (_, _params: Reply) => {},
    answerCallback: (_, _params: AnswerCallback) => {},
    hear: assign(({ context, event }) => {
      const last = heard(event) ?? context.last;
      const delayMs = Number(/^(?:later|both|alarm) (\d+)/.exec(last)?.[1] ?? context.delayMs);
      return { heard: context.heard + 1, last, delayMs };
    }),
    breakDown: assign(() => {
      throw new Error('It was told to');
    }),
    beginPricing: assign({ pricing: true }),
    endPricing: assign({ pricing: false }),
  },
  actors: { lookUp, lookBeside: lookUp, price: lookUp },
  guards: {
    says: ({ event }, word: string) => event.type === 'message.received' && event.text.startsWith(word),
    mayPrice: ({ event, context }) =>
      event.type === 'message.received' && event.text.startsWith('spawn') && !context.pricing,
  },
  delays: { delay: ({ context }) => context.delayMs, patience: 30_000 },
});

const says = (word: string) => ({ type: 'says' as const, params: word });

/**
 * Does on command everything that a conversation can ask for: messages, timers one and several at once, requests, regions
 * beside each other and their history, what outlives its state, an end, a fault. Each text that it sends names how many
 * events it has heard and the last of them, so that any loss, double or wrong order shows. `plain-chatter.ts` says
 * the same in plain code.
 */
export function chatter({ version, mended }: Release) {
  const { waiting, beside, asking, both } = NAMES[version];
  const boom = { guard: says('boom'), actions: ['hear' as const, mended ? say('survived') : ('breakDown' as const)] };
  const always = [boom, { guard: says('end'), target: '#chatter.over', actions: 'hear' as const }];
  const stop = { guard: says('stop'), target: '#chatter.idle', actions: ['hear' as const, say('stopped')] };
  return kit.createMachine({
    id: 'chatter',
    version,
    context: { heard: 0, last: '', delayMs: 1, pricing: false },
    initial: 'idle',
    on: {
      'alarm.rang': { actions: ['hear', say('rang')] },
      'xstate.done.actor.price': { actions: ['hear', 'endPricing', sayFound] },
      'xstate.error.actor.price': { actions: ['hear', 'endPricing', say('found nothing for')] },
    },
    states: {
      idle: {
        description: 'Hears commands.',
        on: {
          'message.received': [
            ...always,
            { guard: says('ask'), target: asking, actions: 'hear' },
            { guard: says('later'), target: waiting, actions: 'hear' },
            { guard: says('both'), target: both, actions: 'hear' },
            {
              guard: says('alarm'),
              actions: ['hear', raise({ type: 'alarm.rang' }, { id: 'alarm', delay: 'delay' }), say('set')],
            },
            { guard: says('quiet'), actions: ['hear', cancel('alarm'), say('quieted')] },
            {
              guard: 'mayPrice',
              actions: ['hear', 'beginPricing', spawnChild('price', { id: 'price', input: about }), say('asked')],
            },
            {
              guard: says('tell'),
              actions: [
                'hear',
                sendTo(
                  ({ system }) => system.get('backend'),
                  ({ context }) => ({ type: 'record', about: context.last }),
                ),
                sendTo(
                  ({ system }) => system.get('operators'),
                  ({ context }) => ({ type: 'noted', note: context.last }),
                ),
                say('told'),
              ],
            },
            { actions: ['hear', say('heard')] },
          ],
          'callback.received': {
            actions: [
              'hear',
              { type: 'answerCallback', params: ({ event }) => ({ callback_query_id: event.id }) },
              say('pressed'),
            ],
          },
          'note.posted': {
            actions: ['hear', say('noted'), emit(({ context }) => ({ type: 'noted' as const, note: context.last }))],
          },
        },
      },
      [asking]: {
        description: 'The backend looks something up.',
        invoke: {
          id: 'lookUp',
          src: 'lookUp',
          input: about,
          onDone: { target: 'idle', actions: ['hear', sayFound] },
          onError: { target: 'idle', actions: ['hear', say('found nothing for')] },
        },
        after: { patience: { target: 'idle', actions: ['hear', say('gave up on')] } },
        on: { 'message.received': [...always, stop] },
      },
      [waiting]: {
        description: 'Waits for as long as it was told, or for the next word.',
        after: { delay: { target: 'idle', actions: ['hear', say('waited')] } },
        on: { 'message.received': [...always, { target: 'idle', actions: ['hear', say('woken by')] }] },
      },
      [both]: {
        description: 'Waits, and asks beside that, until both have come to their end.',
        type: 'parallel',
        states: {
          left: {
            initial: 'runs',
            states: {
              runs: { after: { delay: { target: 'rests', actions: ['hear', say('rested')] } } },
              rests: { type: 'final' },
            },
          },
          right: {
            initial: 'asks',
            states: {
              asks: {
                invoke: {
                  id: beside,
                  src: 'lookBeside',
                  input: about,
                  onDone: { target: 'knows', actions: ['hear', sayFound] },
                  onError: { target: 'knows', actions: ['hear', say('found nothing for')] },
                },
                after: { patience: { target: 'knows', actions: ['hear', say('gave up on')] } },
              },
              knows: { type: 'final' },
            },
          },
          before: { type: 'history', history: 'deep' },
        },
        onDone: { target: 'idle', actions: ['hear', say('has both of')] },
        on: {
          'message.received': [
            ...always,
            stop,
            { guard: says('pause'), target: 'paused', actions: ['hear', say('paused')] },
          ],
        },
      },
      paused: {
        description: 'Any other word goes on where it was.',
        on: {
          'message.received': [
            ...always,
            stop,
            { target: `#chatter.${both}.before`, actions: ['hear', say('goes on')] },
          ],
        },
      },
      over: { description: 'The next message starts anew.', type: 'final' },
    },
  });
}

/** From any version to another: as far as its names are known. */
export const migrateTo =
  ({ version }: Release): Migrate =>
  (from, { value, timers, requests, ...rest }) => {
    const before = Object.entries(NAMES).find(([known]) => known === from)?.[1];
    if (before === undefined) return null;
    const { waiting, beside } = NAMES[version];
    const renamed = (name: string): string => name.replace(`.${before.waiting}`, `.${waiting}`);
    return {
      ...rest,
      value: value === before.waiting ? waiting : value,
      requests: requests.map((request) =>
        request.invoke === before.beside ? { ...request, invoke: beside } : request,
      ),
      timers: timers.map(({ id, dueAt, event }) => ({
        id: renamed(id),
        dueAt,
        event: { ...event, type: renamed(event.type) },
      })),
    };
  };
