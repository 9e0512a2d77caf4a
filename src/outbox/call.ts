import { SwitchboardError } from '../errors.ts';
import { type MethodFacts, writeMethod } from '../telegram/methods.ts';
import { parseDelivery } from './delivery.ts';
import { knownParams } from './dropped.ts';
import type { NewMessage } from './outbox.ts';
import { checkParams, readParams } from './params.ts';
import { type Poster, requireOwnButtons, requireOwnChats, requireOwnContent } from './scope.ts';

const invalid = (field: string, message: string) => new SwitchboardError('request_invalid', message, { field });

/**
 * Reads the body of a POST: a call in Telegram's webhook-reply form, plus `delivery`.
 * Throws request_invalid (its shape is wrong), method_forbidden, scope_missing (a chat that the key is not for),
 * message_invalid (Telegram would refuse it), each naming the field.
 */
export function parseCall(body: unknown, poster: Poster, now: number): NewMessage {
  const { keyId, chats, parts = [] } = poster;
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalid('', 'The body must be a JSON object');
  const { method = 'sendMessage', delivery = {}, ...given }: Record<string, unknown> = { ...body };
  if (typeof method !== 'string') throw invalid('method', 'method must be the name of a Bot API method');
  const facts = writeMethod(method);
  if (facts === null) {
    throw new SwitchboardError('method_forbidden', `${method} is not a method that messages can use`, {
      field: 'method',
    });
  }
  const params = restricted(poster, facts, readParams(facts, given));
  // A file whose part has a parameter's name is that parameter.
  for (const part of parts) {
    if (Object.hasOwn(facts.schema.properties, part)) params[part] ??= `attach://${part}`;
  }
  const chat = facts.addressed ? chatOf(params.chat_id) : '0';
  if (facts.addressed && !chat.startsWith('@')) params.chat_id = Number(chat);
  requireOwnChats(chats, chat, params);
  requireOwnContent(poster, method, params);
  requireOwnButtons(params);
  checkParams(method, facts, params, parts);
  return { chat, method, params: JSON.stringify(params), keyId, ...parseDelivery(delivery, now) };
}

/** The call's parameters as far as the key may pass them on: one for certain chats only those that are known. */
function restricted({ chats, onDropped }: Poster, { schema }: MethodFacts, params: Record<string, unknown>) {
  if (chats === null) return params;
  const { known, dropped } = knownParams(schema, params);
  for (const name of dropped) onDropped?.(name);
  return known;
}

/** The chat's key: an @name is the same chat in whatever case. */
function chatOf(chatId: unknown): string {
  if (typeof chatId === 'number' && Number.isSafeInteger(chatId) && chatId !== 0) return String(chatId);
  if (typeof chatId === 'string' && /^@[A-Za-z]\w{3,31}$/.test(chatId)) return chatId.toLowerCase();
  const whole = typeof chatId === 'string' && /^-?[1-9]\d{0,15}$/.test(chatId);
  if (whole && Number.isSafeInteger(Number(chatId))) return chatId;
  throw invalid('chat_id', 'chat_id must be a chat id (a whole number) or an @name');
}
