import type { UserEvent } from '../../machines/events.ts';
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

/** An update's entry. One that cannot be written as JSON again (nested too deep) must not hold the others up (I8). */
export function updateBody(update: unknown, updateId: number): string {
  try {
    return `{"update":${JSON.stringify(update)}}`;
  } catch {
    return `{"update":{"update_id":${updateId}},"error":"the update is nested too deep to be kept"}`;
  }
}

/** The event of an entry as JSON. Of an update that could not be written, the event itself is all there is. */
export const eventText = (body: string, event: UserEvent): string =>
  JSON.stringify(classifyUpdate(JSON.parse(body).update)?.event ?? event);
