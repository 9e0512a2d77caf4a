import type { AnyMachineSnapshot } from 'xstate';
import type { ConversationRecord } from '../journal/journal.ts';
import type { Stepper } from './step.ts';

/** A conversation in memory: its last committed record, and the snapshot that a step starts from. */
export interface LiveConversation {
  readonly record: ConversationRecord;
  readonly stepper: Stepper;
  readonly snapshot: AnyMachineSnapshot;
}

/**
 * The conversations in use. Every chat has one always: this only saves reading it again, so that anything may be
 * forgotten at any time. Bounded (I9): the least recently used goes first.
 */
export function createLiveConversations(max: number) {
  const live = new Map<string, LiveConversation>();
  return {
    has: (id: string): boolean => live.has(id),
    /** Marks it as used. */
    take(id: string): LiveConversation | null {
      const conversation = live.get(id);
      if (conversation === undefined) return null;
      live.delete(id);
      live.set(id, conversation);
      return conversation;
    },
    put(id: string, conversation: LiveConversation): void {
      live.delete(id);
      live.set(id, conversation);
      if (live.size <= max) return;
      for (const oldest of live.keys()) {
        live.delete(oldest);
        return;
      }
    },
    forget: (id: string): boolean => live.delete(id),
    /** After a commit that failed: what was stepped is not what is stored. */
    forgetAll: (): void => live.clear(),
    size: (): number => live.size,
  };
}
