import { assign, fromPromise, setup } from 'xstate';
import type { Meta } from './events.ts';

/** What a round came to: fates stored, and messages claimed, in one unit of work. */
export interface Round {
  /** Calls whose fate is not stored; those just begun are among them. */
  readonly inFlight: number;
  /** There is more to claim at once. */
  readonly more: boolean;
  /** Calls that have ended meanwhile: their fates are to be stored. `enough`: they are worth a round of their own. */
  readonly ended: 'none' | 'some' | 'enough';
  /** How long until there may be more to do; null: until somebody says so. */
  readonly waitMs: number | null;
}

export type OutboxEvent =
  /** Messages were accepted, or came free. */
  | { readonly type: 'messages.queued' }
  /** Calls have ended: their fates are to be stored. `enough`: to wait for others would share little more. */
  | { readonly type: 'calls.ended'; readonly enough: boolean }
  | { readonly type: 'drain' };

/** What a round says of itself. */
const looked = {
  type: 'noteRound',
  params: ({ event }: { event: { readonly output: Round } }) => event.output,
} as const;

/** Of calls that have ended. */
const callsEnough = {
  type: 'enoughEnded',
  params: ({ event }: { event: { readonly enough: boolean } }) => (event.enough ? 'enough' : 'some'),
} as const;

const down = {
  type: 'tellDown',
  params: ({ event }: { event: { readonly error: unknown } }) => ({ error: event.error }),
} as const;

export const machine = setup({
  types: {
    context: {} as {
      inFlight: number;
      waitMs: number | null;
      again: boolean;
      ended: boolean;
      ending: boolean;
      failures: number;
    },
    events: {} as OutboxEvent,
    meta: {} as Meta,
  },
  actors: {
    /** Provided by src/outbox. `ending`: fates are stored, nothing is claimed. */
    round: fromPromise<Round, { ending: boolean }>(async () => {
      throw new Error('Provided by src/outbox');
    }),
  },
  actions: {
    tellUp: () => {},
    tellDown: (_, _params: { error: unknown }) => {},
    noteRound: assign((_, { inFlight, waitMs }: Round) => ({ inFlight, waitMs, failures: 0 })),
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    lookAgain: assign({ again: true }),
    noteEnded: assign({ ended: true }),
    begin: assign({ again: false, ended: false }),
    end: assign({ ending: true }),
  },
  guards: {
    isEnding: ({ context }) => context.ending,
    hasMore: ({ context }, { more }: Round) => more || context.again,
    someEnded: ({ context }, { ended }: Round) => ended !== 'none' || context.ended,
    enoughEnded: (_, ended: 'none' | 'some' | 'enough') => ended === 'enough',
    someInFlight: (_, { inFlight }: Round) => inFlight > 0,
    noneInFlight: ({ context }) => context.inFlight === 0,
    knowsWhen: ({ context }) => context.waitMs !== null,
  },
  delays: {
    wait: ({ context }) => context.waitMs ?? 0,
    /** Provided by src/outbox. */
    collect: 10,
    /** Provided by src/outbox. */
    backoff: 1000,
  },
}).createMachine({
  id: 'outbox',
  description: 'Claims messages in the database, has them sent, and stores their fates (I5).',
  meta: {
    runs: 'live',
    examples: {
      events: [
        { type: 'calls.ended', enough: false },
        { type: 'calls.ended', enough: true },
      ],
      answers: {
        round: [
          { inFlight: 0, more: false, ended: 'none', waitMs: null },
          { inFlight: 1, more: false, ended: 'none', waitMs: 5 },
          { inFlight: 0, more: false, ended: 'none', waitMs: 5 },
          { inFlight: 1, more: true, ended: 'none', waitMs: null },
          { inFlight: 3, more: false, ended: 'some', waitMs: null },
          { inFlight: 1, more: false, ended: 'enough', waitMs: null },
        ] satisfies Round[],
      },
      errors: { round: [{ message: 'The disk is full' }] },
    },
  },
  context: { inFlight: 0, waitMs: null, again: false, ended: false, ending: false, failures: 0 },
  initial: 'gathering',
  states: {
    gathering: {
      description: 'A round: fates that have come in are being stored, messages that may go out are being claimed.',
      entry: 'begin',
      on: {
        'messages.queued': { actions: 'lookAgain' },
        'calls.ended': { actions: 'noteEnded' },
        // A claim cannot be called back: what it brings is sent, and waited for.
        drain: { actions: 'end' },
      },
      invoke: {
        src: 'round',
        input: { ending: false },
        onDone: [
          { guard: 'isEnding', target: 'draining', actions: looked },
          {
            guard: { type: 'hasMore', params: ({ event }) => event.output },
            target: 'gathering',
            reenter: true,
            actions: [looked, 'tellUp'],
          },
          {
            guard: { type: 'enoughEnded', params: ({ event }) => event.output.ended },
            target: 'gathering',
            reenter: true,
            actions: [looked, 'tellUp'],
          },
          {
            guard: { type: 'someEnded', params: ({ event }) => event.output },
            target: 'collecting',
            actions: [looked, 'tellUp'],
          },
          {
            guard: { type: 'someInFlight', params: ({ event }) => event.output },
            target: 'sending',
            actions: [looked, 'tellUp'],
          },
          { target: 'waiting', actions: [looked, 'tellUp'] },
        ],
        onError: [
          { guard: 'isEnding', target: 'draining', actions: ['countFailure', down] },
          { target: 'backingOff', actions: ['countFailure', down] },
        ],
      },
    },
    sending: {
      description:
        'Calls are under way; none has ended, and nothing may join them before the time is up or a message comes.',
      on: {
        'messages.queued': 'gathering',
        'calls.ended': [{ guard: callsEnough, target: 'gathering' }, { target: 'collecting' }],
        drain: 'draining',
      },
      after: { wait: { guard: 'knowsWhen', target: 'gathering' } },
    },
    collecting: {
      description: 'A call has ended: others that end within a moment share its round.',
      on: {
        'messages.queued': 'gathering',
        'calls.ended': { guard: callsEnough, target: 'gathering' },
        drain: 'draining',
      },
      after: { collect: 'gathering' },
    },
    waiting: {
      description: 'No call is under way, and nothing may go out before the time is up or a message comes.',
      on: { 'messages.queued': 'gathering', drain: 'draining' },
      after: { wait: { guard: 'knowsWhen', target: 'gathering' } },
    },
    backingOff: {
      description: 'The database refused a round. Fates that have come in are kept for the next.',
      on: { drain: 'draining' },
      after: { backoff: 'gathering' },
    },
    draining: {
      description: 'Nothing more is claimed; calls under way are waited for, and their fates stored.',
      entry: 'end',
      initial: 'storing',
      states: {
        storing: {
          description: 'A round that stores fates alone.',
          entry: 'begin',
          on: { 'calls.ended': { actions: 'noteEnded' } },
          invoke: {
            src: 'round',
            input: { ending: true },
            onDone: [
              {
                guard: { type: 'someEnded', params: ({ event }) => event.output },
                target: 'storing',
                reenter: true,
                actions: looked,
              },
              { target: 'listening', actions: looked },
            ],
            onError: { target: 'refused', actions: ['countFailure', down] },
          },
        },
        listening: {
          description: 'Calls are under way.',
          always: { guard: 'noneInFlight', target: '#outbox.drained' },
          on: { 'calls.ended': 'storing' },
        },
        refused: { description: 'The database refused the fates.', after: { backoff: 'storing' } },
      },
    },
    drained: { description: 'No call is under way.', type: 'final' },
  },
});
