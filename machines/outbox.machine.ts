import { assign, fromPromise, setup } from 'xstate';

/** What a look into the outbox came to. */
export interface Claimed {
  /** Messages claimed in the database; their calls are under way when the machine hears of it. */
  readonly count: number;
  /** Calls under way. */
  readonly inFlight: number;
  /** How long until there may be more to do; null: until somebody says so. */
  readonly waitMs: number | null;
}

export type OutboxEvent =
  /** Messages were accepted, or came free. */
  | { readonly type: 'messages.queued' }
  /** A call ended and its fate is committed. */
  | { readonly type: 'message.settled'; readonly inFlight: number }
  | { readonly type: 'drain' };

/** How many calls are under way, as the event says. */
const settled = {
  type: 'countInFlight',
  params: ({ event }: { event: { readonly inFlight: number } }) => event.inFlight,
} as const;

/** What a look into the outbox says of itself. */
const looked = {
  type: 'noteClaim',
  params: ({ event }: { event: { readonly output: Claimed } }) => event.output,
} as const;

export const machine = setup({
  types: {
    context: {} as { inFlight: number; waitMs: number | null; again: boolean; ending: boolean; failures: number },
    events: {} as OutboxEvent,
  },
  actors: {
    claim: fromPromise<Claimed>(async () => {
      throw new Error('Provided by src/outbox');
    }),
  },
  actions: {
    tellUp: () => {},
    tellDown: (_, _params: { error: unknown }) => {},
    countInFlight: assign({ inFlight: (_, inFlight: number) => inFlight }),
    noteClaim: assign((_, { inFlight, waitMs }: Claimed) => ({ inFlight, waitMs, failures: 0 })),
    lookAgain: assign({ again: true }),
  },
  guards: {
    isEnding: ({ context }) => context.ending,
    lookAgain: ({ context }) => context.again,
    foundSome: (_, claimed: Claimed) => claimed.count > 0,
    nothingInFlight: ({ context }) => context.inFlight === 0,
    knowsWhen: ({ context }) => context.waitMs !== null,
  },
  delays: {
    wait: ({ context }) => context.waitMs ?? 0,
    /** Provided by src/outbox. */
    backoff: 1000,
  },
}).createMachine({
  id: 'outbox',
  description: 'Claims messages in the database, has them sent, and hears of their fates (I5).',
  context: { inFlight: 0, waitMs: null, again: false, ending: false, failures: 0 },
  initial: 'gathering',
  on: { drain: '.draining' },
  states: {
    gathering: {
      description: 'Messages that may go out now are being claimed.',
      entry: assign({ again: false }),
      on: {
        'messages.queued': { actions: 'lookAgain' },
        'message.settled': { actions: [settled, 'lookAgain'] },
        // A claim cannot be called back: what it brings is sent, and waited for.
        drain: { actions: assign({ ending: true }) },
      },
      invoke: {
        src: 'claim',
        onDone: [
          { guard: 'isEnding', target: 'draining', actions: looked },
          {
            guard: { type: 'foundSome', params: ({ event }) => event.output },
            target: 'gathering',
            reenter: true,
            actions: [looked, 'tellUp'],
          },
          { guard: 'lookAgain', target: 'gathering', reenter: true, actions: [looked, 'tellUp'] },
          { target: 'waiting', actions: [looked, 'tellUp'] },
        ],
        onError: [
          { guard: 'isEnding', target: 'draining' },
          {
            target: 'backingOff',
            actions: [
              assign({ failures: ({ context }) => context.failures + 1 }),
              { type: 'tellDown', params: ({ event }) => ({ error: event.error }) },
            ],
          },
        ],
      },
    },
    waiting: {
      description: 'Nothing may go out before the time is up, a call ends, or a message comes.',
      on: {
        'messages.queued': 'gathering',
        'message.settled': { target: 'gathering', actions: settled },
      },
      after: { wait: { guard: 'knowsWhen', target: 'gathering' } },
    },
    backingOff: {
      description: 'The database refused the claim.',
      on: { 'message.settled': { actions: settled } },
      after: { backoff: 'gathering' },
    },
    draining: {
      description: 'Nothing more is claimed; calls under way are waited for.',
      on: { 'message.settled': { actions: settled }, drain: {} },
      always: { guard: 'nothingInFlight', target: 'drained' },
    },
    drained: { description: 'No call is under way.', type: 'final' },
  },
});
