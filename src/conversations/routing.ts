import type { RequestRecord } from '../journal/journal.ts';
import type { ChatKind, ClassifiedUpdate } from '../telegram/update.ts';
import type { Selection } from './machines.ts';

/** What makes a conversation in chats of a kind; null: they have none. */
export type PerOf = (kind: ChatKind) => Selection['per'] | null;

/** The conversation that an update belongs to; null where it belongs to none. */
export function conversationOf(update: ClassifiedUpdate, perOf: PerOf): string | null {
  const per = update.chatKind === null ? null : perOf(update.chatKind);
  if (update.chat === null || per === null) return null;
  if (update.chatKind === 'private' || per === 'chat') return update.chat;
  if (per === 'user') return update.user === null ? null : `${update.chat}:u${update.user}`;
  return update.topic === null ? update.chat : `${update.chat}:t${update.topic}`;
}

/** How a backend request ended. */
export type RequestOutcome =
  | { readonly output: unknown }
  | { readonly error: { readonly code: string; readonly message: string } };

/** The event by which XState tells a machine how an invoke ended. */
export function answerEvent({ invoke }: Pick<RequestRecord, 'invoke'>, outcome: RequestOutcome) {
  return 'output' in outcome
    ? { type: `xstate.done.actor.${invoke}`, output: outcome.output, actorId: invoke }
    : { type: `xstate.error.actor.${invoke}`, error: outcome.error, actorId: invoke };
}
