import { fromPromise } from 'xstate';
import { machine, type Round } from '../../machines/outbox.machine.ts';
import { backoffMs } from '../backoff.ts';
import { limits } from '../limits.ts';
import type { Sender } from './sender.ts';

export interface OutboxActorOptions {
  readonly sender: Sender;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly onUp: () => void;
  readonly onDown: (error: unknown) => void;
}

/** The outbox machine with its hands: the sender, which outlives a restart of the actor, as its calls do. */
export const outboxLogic = ({ sender, random, onUp, onDown }: OutboxActorOptions) =>
  machine.provide({
    actors: { round: fromPromise<Round, { ending: boolean }>(({ input }) => sender.round(input.ending)) },
    actions: { tellUp: onUp, tellDown: (_, { error }) => onDown(error) },
    delays: {
      collect: limits.fatesCollectMs,
      backoff: ({ context }) => backoffMs(context.failures, limits.restartMinMs, limits.restartMaxMs, random),
    },
  });
