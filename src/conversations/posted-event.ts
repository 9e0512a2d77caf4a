import { createHash } from 'node:crypto';
import { SwitchboardError } from '../errors.ts';
import { chatOfConversation, type EventPost, isEventType } from './conversations.ts';

/**
 * What a post is journalled and recognised by: the chat that it names, the event as JSON, and a hash of both, by which
 * a repetition of the same is told from another. Throws request_invalid.
 */
export function checkPost({ conversation, event }: EventPost): {
  readonly chat: string;
  readonly body: string;
  readonly requestHash: string;
} {
  const chat = chatOfConversation(conversation);
  if (chat === null) throw invalid('id', `"${conversation}" is no conversation: give a chat id, as 777 or -100777:u5`);
  checkType(event.type);
  const body = eventText(event);
  const requestHash = createHash('sha256').update(`${conversation}\n${body}`).digest('hex');
  return { chat, body, requestHash };
}

const invalid = (field: string, message: string) => new SwitchboardError('request_invalid', message, { field });

function eventText(event: EventPost['event']): string {
  try {
    return JSON.stringify(event);
  } catch {
    throw invalid('', 'The event is nested too deep');
  }
}

/** Names that only Switchboard itself may send to a machine: an aggregator cannot pretend to be the user or a timer. */
const RESERVED = /^(xstate|message|callback|membership)\./;

function checkType(type: string): void {
  if (!isEventType(type)) {
    throw invalid('type', 'An event type is a dotted name such as payment.settled');
  }
  if (RESERVED.test(type)) throw invalid('type', `${type} is Switchboard's own: choose another name`);
}
