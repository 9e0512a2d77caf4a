import { assign, enqueueActions, fromPromise, setup } from 'xstate';
import type { Meta } from './events.ts';

/** What a poll brought: the updates as Telegram sent them, and the offset that confirms them. */
export interface Batch {
  readonly updates: readonly unknown[];
  readonly offset: number;
}

/** How a call failed, as the adapter sorts it. */
export interface PollFailure {
  /** `conflict`: another poller or a webhook holds the token. `refused`: Telegram refuses the token. Else another try may do. */
  readonly kind: 'retry' | 'wait' | 'conflict' | 'refused';
  readonly message: string;
  /** For `wait`: Telegram's retry_after. */
  readonly retryAfterMs?: number;
  /** The disk or the database is to blame, and the log says so already. */
  readonly isReported?: boolean;
}

/** What a poll starts from. */
export interface PollInput {
  readonly offset: number | null;
  /** Do not wait for an update: it is to be known soon whether polling works at all. */
  readonly probe: boolean;
}

/** The poller drains when the source is to be stopped first. */
export interface Drain {
  readonly type: 'drain';
}

const never = async () => {
  throw new Error('Provided by src/ingress');
};

/** XState types what an invoke threw as unknown; the adapter throws PollFailure's shape alone. */
const failureOf = (event: unknown): PollFailure => {
  const error = typeof event === 'object' && event !== null && 'error' in event ? event.error : null;
  const known = typeof error === 'object' && error !== null && 'failure' in error;
  return known ? (error.failure as PollFailure) : { kind: 'retry', message: String(error) };
};

/** What may go wrong with each call. */
const failures = (['retry', 'conflict', 'refused'] as const).map((kind) => ({ failure: { kind, message: kind } }));

export const machine = setup({
  types: {
    context: {} as {
      offset: number | null;
      batch: Batch;
      failures: number;
      failure: PollFailure | null;
      /** Telegram has taken the token once, so that it was right then. */
      accepted: boolean;
      /** The last poll was answered and what it brought is stored. */
      proven: boolean;
    },
    events: {} as Drain,
    meta: {} as Meta,
    output: {} as { failure: PollFailure | null },
  },
  actors: {
    connect: fromPromise<{ offset: number | null }>(never),
    poll: fromPromise<Batch, PollInput>(never),
    commit: fromPromise<void, Batch>(never),
  },
  actions: {
    tellUp: () => {},
    tellDown: (_, _params: { failure: PollFailure | null; failures: number }) => {},
    noteFailure: assign({
      failure: ({ event }) => failureOf(event),
      failures: ({ context }) => context.failures + 1,
      proven: false,
    }),
    prove: assign({ failure: null, failures: 0, proven: true }),
  },
  guards: {
    isRefused: ({ event }) => failureOf(event).kind === 'refused',
    wasNeverAccepted: ({ context, event }) => !context.accepted && failureOf(event).kind === 'refused',
    isConflict: ({ event }) => failureOf(event).kind === 'conflict',
    hasUpdates: (_, batch: Batch) => batch.updates.length > 0,
    wasConnected: ({ context }) => context.offset !== null,
  },
  delays: {
    /** Provided by src/ingress: doubled with each failure, with jitter, or what Telegram asks for. */
    backoff: 1000,
    conflict: 10_000,
    /** Provided by src/ingress. */
    giveUp: 900_000,
  },
}).createMachine({
  id: 'poller',
  description: 'Owns getUpdates: asks, hands over to be committed, and only then asks with the higher offset (I1).',
  meta: {
    runs: 'live',
    examples: {
      answers: {
        connect: [{ offset: null }, { offset: 7 }],
        poll: [
          { updates: [], offset: 7 },
          { updates: [{ update_id: 7 }], offset: 8 },
        ],
        commit: [null],
      },
      errors: { connect: failures, poll: failures, commit: failures },
    },
  },
  context: {
    offset: null,
    batch: { updates: [], offset: 0 },
    failures: 0,
    failure: null,
    accepted: false,
    proven: false,
  },
  initial: 'connecting',
  output: ({ context }) => ({ failure: context.failure }),
  on: { drain: '.stopped' },
  states: {
    connecting: {
      description: 'Learns who the bot is, and where polling goes on.',
      invoke: {
        src: 'connect',
        onDone: {
          target: 'polling',
          actions: assign({ offset: ({ event }) => event.output.offset, accepted: true }),
        },
        onError: [
          { guard: 'wasNeverAccepted', target: 'refused', actions: 'noteFailure' },
          { guard: 'isRefused', target: 'doubted', actions: 'noteFailure' },
          { guard: 'isConflict', target: 'conflicted', actions: 'noteFailure' },
          { target: 'backingOff', actions: 'noteFailure' },
        ],
      },
    },
    polling: {
      description: 'A poll is open: a short one until one was answered, then long ones.',
      entry: enqueueActions(({ context, enqueue }) => {
        if (context.proven) enqueue('tellUp');
      }),
      invoke: {
        src: 'poll',
        // After a conflict a short poll would prove nothing: a rival ends only a poll that lasts.
        input: ({ context: { offset, proven, failure } }) => ({
          offset,
          probe: !proven && failure?.kind !== 'conflict',
        }),
        onDone: [
          {
            guard: { type: 'hasUpdates', params: ({ event }) => event.output },
            target: 'committing',
            actions: assign({ batch: ({ event }) => event.output }),
          },
          { target: 'polling', reenter: true, actions: 'prove' },
        ],
        onError: [
          { guard: 'isRefused', target: 'doubted', actions: 'noteFailure' },
          { guard: 'isConflict', target: 'conflicted', actions: 'noteFailure' },
          { target: 'backingOff', actions: 'noteFailure' },
        ],
      },
    },
    committing: {
      description: 'The batch is being committed. The offset moves only when that is done.',
      invoke: {
        src: 'commit',
        input: ({ context }) => context.batch,
        onDone: {
          target: 'polling',
          actions: [
            assign({ offset: ({ context }) => context.batch.offset, batch: { updates: [], offset: 0 } }),
            'prove',
          ],
        },
        onError: { target: 'backingOff', actions: 'noteFailure' },
      },
    },
    backingOff: {
      description: 'Telegram could not be reached, answered nonsense, or asks to wait.',
      entry: {
        type: 'tellDown',
        params: ({ context }) => ({ failure: context.failure, failures: context.failures }),
      },
      after: { backoff: [{ guard: 'wasConnected', target: 'polling' }, { target: 'connecting' }] },
    },
    conflicted: {
      description: 'Another poller or a webhook holds the token. Each try disturbs the other, so tries are few.',
      entry: {
        type: 'tellDown',
        params: ({ context }) => ({ failure: context.failure, failures: context.failures }),
      },
      after: { conflict: 'connecting' },
    },
    doubted: {
      description:
        'Telegram refuses the token that it had taken. It does so to good tokens for a while, so it is asked again until it has said nothing else for long.',
      after: { giveUp: 'refused' },
      initial: 'waiting',
      states: {
        waiting: {
          description: 'Each wait is longer.',
          entry: {
            type: 'tellDown',
            params: ({ context }) => ({ failure: context.failure, failures: context.failures }),
          },
          after: { backoff: 'asking' },
        },
        asking: {
          description: 'A short poll is open.',
          invoke: {
            src: 'poll',
            input: ({ context: { offset } }) => ({ offset, probe: true }),
            onDone: [
              {
                guard: { type: 'hasUpdates', params: ({ event }) => event.output },
                target: '#poller.committing',
                actions: assign({ batch: ({ event }) => event.output }),
              },
              { target: '#poller.polling', actions: 'prove' },
            ],
            onError: [
              { guard: 'isRefused', target: 'waiting', actions: 'noteFailure' },
              { guard: 'isConflict', target: '#poller.conflicted', actions: 'noteFailure' },
              { target: '#poller.backingOff', actions: 'noteFailure' },
            ],
          },
        },
      },
    },
    refused: {
      description: 'Telegram refuses the token, from the start or for long: no try can mend that.',
      entry: {
        type: 'tellDown',
        params: ({ context }) => ({ failure: context.failure, failures: context.failures }),
      },
      type: 'final',
    },
    stopped: {
      description:
        "Nothing more is taken in. A commit under way is the journal's to finish; unconfirmed updates come again.",
      type: 'final',
      entry: assign({ failure: null }),
    },
  },
});
