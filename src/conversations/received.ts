import type { UserEvent } from '../../machines/events.ts';
import type { Press } from '../outbox/outbox.ts';
import { type ClassifiedUpdate, classifyUpdate, commandTarget } from '../telegram/update.ts';
import { conversationOf, type PerOf } from './routing.ts';

/** An update, what is known of it, and the conversation that it belongs to; null: none. */
export interface Received {
  readonly update: unknown;
  readonly facts: ClassifiedUpdate;
  readonly conversation: string | null;
}

/** Reads an update that the poller has let through. */
export function receivedOf(update: unknown, perOf: PerOf): Received {
  const facts = classifyUpdate(update);
  if (facts === null) throw new TypeError('An update without an update_id got past the poller');
  return { update, facts, conversation: conversationOf(facts, perOf) };
}

/** Whether it is a command for another bot of the chat. `own`: this bot's name, null while it is not known. */
export function isForAnother(event: UserEvent, own: string | null): boolean {
  const target = own === null || event.type !== 'message.received' ? null : commandTarget(event.text);
  return own !== null && target !== null && target.toLowerCase() !== own.toLowerCase();
}

/** Somebody does something there, or has let the bot in: a chat that took no messages of the bot takes them again. */
export const opensChat = ({ event }: ClassifiedUpdate): boolean =>
  event?.type !== 'membership.changed' || !/^(kicked|left)$/.test(event.status);

/** What the press of a button tells the outbox; null: the update is none, or belongs to no chat. */
export function pressIn(update: unknown, { chat, event }: ClassifiedUpdate): Press | null {
  if (event?.type !== 'callback.received' || chat === null) return null;
  const message = fieldsOf(fieldsOf(fieldsOf(update).callback_query).message);
  return {
    chat,
    messageId: event.messageId,
    data: event.data,
    isBusiness: message.business_connection_id !== undefined,
  };
}

/**
 * What a conversation is told by an entry `update.received`; null: nothing. `button` is what the machine gave the button that
 * was pressed, null: it was not one of a conversation's own. Entries from before there were tokens have no such field.
 */
export function eventIn({
  update,
  button,
}: {
  readonly update?: unknown;
  readonly button?: unknown;
}): UserEvent | null {
  const event = classifyUpdate(update)?.event ?? null;
  if (event?.type !== 'callback.received' || button === undefined) return event;
  return typeof button === 'string' ? { ...event, data: button } : null;
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

/** An update's entry. One that cannot be written as JSON again (nested too deep) must not hold the others up (I8). */
export function updateBody(update: unknown, updateId: number, button?: string | null): string {
  // First: what begins with the update carries nothing else (operators/facade-update.ts).
  const first = button === undefined ? '' : `"button":${JSON.stringify(button)},`;
  try {
    return `{${first}"update":${JSON.stringify(update)}}`;
  } catch {
    return `{${first}"update":{"update_id":${updateId}},"error":"the update is nested too deep to be kept"}`;
  }
}

/** The event of an entry as JSON. Of an update that could not be written, the event itself is all there is. */
export const eventText = (body: string, event: UserEvent): string => JSON.stringify(eventIn(JSON.parse(body)) ?? event);
