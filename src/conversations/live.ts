import type { AnyMachineSnapshot } from 'xstate';
import type { ConversationRecord } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { Stepper } from './step.ts';

/** A conversation in memory: its last committed record, and the snapshot that a step starts from. */
export interface LiveConversation {
  readonly record: ConversationRecord;
  readonly stepper: Stepper;
  readonly snapshot: AnyMachineSnapshot;
  /** How long it has gone on by itself; null: somebody wrote to it last. */
  readonly alone: Alone | null;
}

/** Steps that a conversation has taken since a time by its own timers and by what it asked for, nobody else having a word. */
export interface Alone {
  readonly since: number;
  readonly steps: number;
}

/**
 * `dueAt`: when what it waited for was due. Counted anew after limits.aloneMs, so that it is a pace that is bounded; and
 * after a clock that was set back by more, which would stretch that time.
 */
export const aloneAfter = (before: Alone | null, dueAt: number): Alone =>
  before === null || Math.abs(dueAt - before.since) > limits.aloneMs
    ? { since: dueAt, steps: 1 }
    : { since: before.since, steps: before.steps + 1 };

/**
 * The conversations in use. Every chat has one always: this only saves reading it again, so that anything may be
 * forgotten between two steps; what waits for it (timers, requests, messages) is in the database. Bounded (I9): beyond
 * `max` of them, or `lengthMax` characters of snapshots, the least recently used go.
 */
export function createLiveConversations(max: number, lengthMax: number) {
  /** In order of use, the one used longest ago first: what was stepped was used, and its record says when. */
  const live = new Map<string, LiveConversation>();
  let activations = 0;
  let length = 0;

  function drop(id: string): boolean {
    length -= live.get(id)?.record.snapshot.length ?? 0;
    return live.delete(id);
  }

  return {
    has: (id: string): boolean => live.has(id),
    /** Null where it is not in memory. A step follows, whose `put` marks it as used. */
    get: (id: string): LiveConversation | null => live.get(id) ?? null,
    /** Keeps what a step came to. */
    put(id: string, conversation: LiveConversation): void {
      if (!drop(id)) activations += 1;
      live.set(id, conversation);
      length += conversation.record.snapshot.length;
      if (live.size <= max && length <= lengthMax) return;
      for (const oldest of live.keys()) {
        drop(oldest);
        if (live.size <= max && length <= lengthMax) return;
      }
    },
    forget: drop,
    /** Lets go of those not used since. Returns how many. */
    forgetUnusedSince(time: number): number {
      const before = live.size;
      for (const [id, { record }] of live) {
        if (record.updatedAt > time) break;
        drop(id);
      }
      return before - live.size;
    },
    /** A chat has moved: ids are others now. */
    forgetAll(): void {
      live.clear();
      length = 0;
    },
    size: (): number => live.size,
    /** How often one came into memory. */
    activations: (): number => activations,
    /** The ids of all, the one used longest ago first. */
    ids: (): string[] => [...live.keys()],
  };
}
