import type { ConversationRecord, Tx } from '../journal/journal.ts';
import { limits } from '../limits.ts';

/** What others may ask of the conversations. */
export interface Conversations {
  /**
   * Journals an event from outside for one conversation and steps it. Durable when it resolves.
   * The same `idempotencyKey` and event of the same key give the first answer again.
   * Throws SwitchboardError: idempotency_key_reused, request_invalid.
   */
  postEvent(post: EventPost): Promise<EventAccepted>;
  /**
   * Steps a quarantined conversation again: with the event that it failed on, then with all that came since, in their
   * order. Durable when it resolves, with where the conversation stands then: quarantined again where a step failed.
   * Throws SwitchboardError: not_found, chat_not_retryable.
   */
  retry(conversation: string): Promise<ConversationRecord>;
  /**
   * Runs a unit of work that deletes or rewrites conversations by itself, and gives their ids: none of them is gone on with as
   * it was in memory.
   */
  rewrite(job: (tx: Tx) => Promise<readonly string[]>): Promise<void>;
}

/** A step that is durable by now. */
export interface Stepped {
  readonly conversation: string;
  /** Of the event's entry. */
  readonly seq: number;
  readonly event: { readonly type: string };
  /** The state before, JSON; null: it began. */
  readonly from: string | null;
  /** How it stands then. */
  readonly record: ConversationRecord;
}

/** Who looks at conversations as they are stepped. */
export interface StepWatch {
  /** Whether this one's next step is to be told. Asked of every step: it must be quick. */
  wants(conversation: string): boolean;
  /** Told in the order of the commits. A step that was wanted and did not commit, or came to nothing, is not told. */
  stepped(step: Stepped): void;
}

export interface EventPost {
  /** Who posts: the id of its key. */
  readonly keyId: string;
  readonly idempotencyKey: string;
  /** A conversation's id: a chat's, or one with `:u<user>` or `:t<topic>` behind it. */
  readonly conversation: string;
  /** JSON; its `type` is a dotted name outside `xstate.` and Telegram's own events. */
  readonly event: Readonly<Record<string, unknown>> & { readonly type: string };
}

export interface EventAccepted {
  /** The seq of its event.received entry. */
  readonly seq: number;
  /** True where this is the answer of an earlier post with the same key. */
  readonly replayed: boolean;
}

/** The Telegram chat of a conversation's id; null where the id is not of the form. */
export function chatOfConversation(id: string): string | null {
  const chat = /^(-?[1-9]\d{0,15})(?::[ut]\d{1,16})?$/.exec(id)?.[1] ?? null;
  return chat !== null && Number.isSafeInteger(Number(chat)) ? chat : null;
}

/** Whether a text has the form of an event's type: a dotted name such as payment.settled. */
export const isEventType = (type: string): boolean =>
  type.length <= limits.eventTypeLengthMax && /^[a-z][\w-]*(\.[\w-]+)+$/i.test(type);
