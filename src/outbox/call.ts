import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import { writeMethod } from '../telegram/methods.ts';
import type { NewMessage } from './outbox.ts';

const PRIORITIES = ['high', 'normal', 'low'] as const;

/** How a message is to be delivered. Times are ISO 8601. */
export const DeliverySchema = Type.Object(
  {
    send_at: Type.Optional(Type.String({ description: 'Not before this time (ISO 8601)' })),
    expires_at: Type.Optional(Type.String({ description: 'Not after this time (ISO 8601)' })),
    priority: Type.Optional(Type.Union(PRIORITIES.map((priority) => Type.Literal(priority)))),
    on_unknown: Type.Optional(Type.Union([Type.Literal('hold'), Type.Literal('resend')])),
  },
  { additionalProperties: false },
);
const Delivery = Compile(DeliverySchema);

const invalid = (field: string, message: string) => new SwitchboardError('request_invalid', message, { field });
const refused = (field: string, message: string) => new SwitchboardError('message_invalid', message, { field });

/**
 * Reads the body of a POST: a call in Telegram's webhook-reply form, plus `delivery`.
 * Throws request_invalid (its shape is wrong), method_forbidden, message_invalid (Telegram would refuse it), each
 * naming the field.
 */
export function parseCall(body: unknown, keyId: string, now: number): NewMessage {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalid('', 'The body must be a JSON object');
  const { method = 'sendMessage', delivery = {}, ...params }: Record<string, unknown> = { ...body };
  if (typeof method !== 'string') throw invalid('method', 'method must be the name of a Bot API method');
  const facts = writeMethod(method);
  if (facts === null) {
    throw new SwitchboardError('method_forbidden', `${method} is not a method that messages can use`, {
      field: 'method',
    });
  }
  if (!facts.addressed) checkText(params, 'callback_query_id', limits.callbackQueryIdLengthMax, false);
  const chat = facts.addressed ? chatOf(params.chat_id) : '0';
  checkContent(method, params);
  const when = deliveryOf(delivery, now);
  const { chat_id: _, ...rest } = params;
  const addressedParams = facts.addressed ? { chat_id: /^-?\d+$/.test(chat) ? Number(chat) : chat, ...rest } : params;
  return { chat, method, params: JSON.stringify(addressedParams), keyId, ...when };
}

function chatOf(chatId: unknown): string {
  if (typeof chatId === 'number' && Number.isSafeInteger(chatId) && chatId !== 0) return String(chatId);
  if (typeof chatId === 'string' && /^@[A-Za-z]\w{3,31}$/.test(chatId)) return chatId;
  const whole = typeof chatId === 'string' && /^-?[1-9]\d{0,15}$/.test(chatId);
  if (whole && Number.isSafeInteger(Number(chatId))) return chatId;
  throw invalid('chat_id', 'chat_id must be a chat id (a whole number) or an @name');
}

/** Telegram's limits on text, so far as they can be told before it parses entities (telegram.md, Sending). */
function checkContent(method: string, params: Readonly<Record<string, unknown>>): void {
  if (method === 'sendMessage' || method === 'editMessageText') {
    checkText(params, 'text', params.parse_mode === undefined ? limits.textLengthMax : Number.POSITIVE_INFINITY, false);
  }
  if (params.caption !== undefined && params.parse_mode === undefined) {
    checkText(params, 'caption', limits.captionLengthMax, true);
  }
  if (method === 'answerCallbackQuery' && params.text !== undefined) {
    checkText(params, 'text', limits.callbackTextLengthMax, true);
  }
}

function checkText(params: Readonly<Record<string, unknown>>, field: string, max: number, mayBeEmpty: boolean): void {
  const value = params[field];
  if (typeof value !== 'string') throw invalid(field, `${field} must be a string`);
  if (!mayBeEmpty && value.trim() === '') throw refused(field, `${field} must not be empty`);
  // Characters, not UTF-16 units: an emoji counts as one.
  const length = value.length > max ? [...value].length : value.length;
  if (length > max) throw refused(field, `${field} has ${length} characters, Telegram takes ${max}`);
}

function deliveryOf(
  delivery: unknown,
  now: number,
): Pick<NewMessage, 'priority' | 'sendAt' | 'expiresAt' | 'onUnknown'> {
  if (!Delivery.Check(delivery)) {
    const field = `delivery${wrongField(delivery)}`;
    throw invalid(
      field,
      `${field}: delivery takes send_at, expires_at, priority (${PRIORITIES.join(', ')}), on_unknown (hold, resend)`,
    );
  }
  const sendAt = timeOf('delivery/send_at', delivery.send_at);
  const expiresAt = timeOf('delivery/expires_at', delivery.expires_at);
  if (sendAt !== null && sendAt - now > limits.scheduleAheadMaxMs) {
    throw invalid('delivery/send_at', 'send_at lies more than a year ahead');
  }
  if (expiresAt !== null && expiresAt <= Math.max(now, sendAt ?? now)) {
    throw invalid('delivery/expires_at', 'expires_at must lie after send_at and after now');
  }
  const priority = PRIORITIES.indexOf(delivery.priority ?? 'normal');
  return { priority, sendAt, expiresAt, onUnknown: delivery.on_unknown ?? 'hold' };
}

/** The path of the first field that is wrong or unknown; empty where `delivery` is no object. */
function wrongField(delivery: unknown): string {
  const [first] = Delivery.Errors(delivery);
  if (typeof delivery !== 'object' || delivery === null || first?.instancePath !== '') return first?.instancePath ?? '';
  const unknown = Object.keys(delivery).find((name) => !Object.hasOwn(DeliverySchema.properties, name));
  return unknown === undefined ? '' : `/${unknown}`;
}

function timeOf(field: string, value: string | undefined): number | null {
  if (value === undefined) return null;
  const at = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:?\d{2})$/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(at)) throw invalid(field, `${field} must be a time such as 2026-01-01T00:00:00Z`);
  return at;
}
