import { createHash } from 'node:crypto';
import type { User } from '@grammyjs/types';
import { BODY_BOUNDS, CALL_BOUNDS, type JsonBounds, requireModestJson } from '../bounded-input.ts';
import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import { FAULT_KINDS, type Fault } from './faults.ts';
import { type Fields, integerOf, isFields, parsed } from './fields.ts';
import type { FloodLimits } from './flood.ts';
import { NO_FLOOD, TELEGRAM_FLOOD } from './flood.ts';
import type { Upload } from './form.ts';
import { isLonger } from './formatted-text.ts';

/** Reads the control API's bodies. Everything here throws SwitchboardError `request_invalid`, naming the field. */

/** The error for a field (a JSON pointer) that is not as expected. */
export const wrongField = (field: string, expected: string): SwitchboardError =>
  new SwitchboardError('request_invalid', `${field} must be ${expected}`, { field });

/** The JSON of a body; undefined where it is none. Throws request_invalid beyond its bounds. */
export function jsonIn(body: Buffer, bounds: JsonBounds): unknown {
  const text = body.toString();
  requireModestJson(text, bounds);
  return parsed(text);
}

/** A JSON object; an empty body is an empty one. Throws `body_malformed`. */
export function readBody(body: Buffer): Fields {
  if (body.length === 0) return {};
  const value = jsonIn(body, { ...BODY_BOUNDS, depth: CALL_BOUNDS.depth });
  if (!isFields(value)) throw new SwitchboardError('body_malformed', 'The body must be a JSON object');
  return value;
}

/** Undefined where the field is absent or null. The text may be empty. */
export function optionalText(
  body: Fields,
  name: string,
  lengthMax: number = limits.sandboxFieldLengthMax,
): string | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw wrongField(`/${name}`, 'a text');
  if (isLonger(value, lengthMax)) {
    throw wrongField(`/${name}`, `a text of ${lengthMax} characters at most`);
  }
  return value;
}

/** A text that is there and not empty. */
export function requiredText(body: Fields, name: string, lengthMax?: number): string {
  const value = optionalText(body, name, lengthMax);
  if (value === undefined || value === '') throw wrongField(`/${name}`, 'a text that is not empty');
  return value;
}

/** A whole number from `min` to `max`; undefined where the field is absent or null. */
export function optionalInteger(body: Fields, name: string, min: number, max = 2 ** 53): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  const number = integerOf(value);
  if (number === undefined || number < min || number > max) {
    throw wrongField(`/${name}`, `a whole number from ${min} to ${max}`);
  }
  return number;
}

/** As `optionalInteger`, of a field that must be there. */
export function requiredInteger(body: Fields, name: string, min: number, max?: number): number {
  const value = optionalInteger(body, name, min, max);
  if (value === undefined) throw wrongField(`/${name}`, 'a whole number');
  return value;
}

/** Undefined where the field is absent or null. */
export function optionalFlag(body: Fields, name: string): boolean | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw wrongField(`/${name}`, 'true or false');
  return value;
}

/** A list of limits.sandboxListMax items at most. */
export function readList(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongField(field, 'an array');
  if (value.length > limits.sandboxListMax)
    throw wrongField(field, `an array of ${limits.sandboxListMax} items at most`);
  return value;
}

/** Throws if an object that is kept as it is has more than so many characters as JSON. */
export function requireShort(value: Fields, field: string, lengthMax: number): void {
  if (JSON.stringify(value).length > lengthMax) {
    throw wrongField(field, `an object of ${lengthMax} characters at most, as JSON`);
  }
}

/** `from`: the user who acts. */
export function readUser(body: Fields, defaultId: number): User | undefined {
  const { from } = body;
  return from === undefined || from === null ? undefined : userOf(from, '/from', defaultId);
}

/** `members`: users; none where it is left out. */
export function readUsers(body: Fields): readonly User[] {
  return readList(body.members ?? [], '/members').map((member, i) => userOf(member, `/members/${i}`));
}

/** A user of this field. Without a default the id has to be there. */
export function userOf(value: unknown, field: string, defaultId?: number): User {
  if (!isFields(value)) throw wrongField(field, 'an object');
  requireShort(value, field, limits.sandboxUserLengthMax);
  const id = value.id === undefined ? defaultId : integerOf(value.id);
  if (id === undefined || id <= 0) throw wrongField(`${field}/id`, 'a positive whole number');
  const { first_name: firstName = 'User', ...others } = value;
  if (typeof firstName !== 'string') throw wrongField(`${field}/first_name`, 'a text');
  return { is_bot: false, ...others, id, first_name: firstName };
}

/** `photo` or `document`: `{"base64","file_name","mime_type"}`. */
export function readFile(body: Fields, name: string): Upload | undefined {
  const file = body[name];
  if (file === undefined || file === null) return undefined;
  if (!isFields(file)) throw wrongField(`/${name}`, 'an object');
  const bytes = Buffer.from(requiredText(file, 'base64', limits.sandboxFileBodyBytesMax), 'base64');
  if (bytes.length === 0) throw wrongField(`/${name}/base64`, 'base64 of at least one byte');
  return {
    bytes,
    sha256: createHash('sha256').update(bytes).digest('base64url'),
    fileName: optionalText(file, 'file_name') ?? (name === 'photo' ? 'photo.jpg' : 'file.bin'),
    mimeType: optionalText(file, 'mime_type') ?? '',
  };
}

/** A fault of the control API, with its defaults: an error 500 (429 where `retry_after` is given), once, for any method. */
export function readFault(body: Fields): Fault {
  const kind = FAULT_KINDS.find((known) => known === (body.kind ?? 'error'));
  if (kind === undefined) throw wrongField('/kind', `one of ${FAULT_KINDS.join(', ')}`);
  const retryAfterS = optionalInteger(body, 'retry_after', 0, 100_000);
  const chatId = body.chat_id;
  return {
    method: optionalText(body, 'method') ?? '*',
    kind,
    timesLeft: optionalInteger(body, 'times', 1) ?? 1,
    errorCode: optionalInteger(body, 'error_code', 400, 599) ?? (retryAfterS === undefined ? 500 : 429),
    description: optionalText(body, 'description'),
    retryAfterS,
    chatId: chatId === undefined || chatId === null ? undefined : String(chatId),
    delayMs: optionalInteger(body, 'delay_ms', 0, 600_000) ?? 1000,
    body: optionalText(body, 'body') ?? '{"ok":true,"result":[',
  };
}

/** `{"off":true}`, `{}` for Telegram's, or single figures; null lifts one. */
export function readFlood(body: Fields): FloodLimits {
  if (optionalFlag(body, 'off') === true) return NO_FLOOD;
  const figure = (name: string, usual: number | null): number | null =>
    body[name] === null ? null : (optionalInteger(body, name, 1, 1_000_000) ?? usual);
  return {
    chatPerSecond: figure('chat_per_second', TELEGRAM_FLOOD.chatPerSecond),
    chatBurst: optionalInteger(body, 'chat_burst', 1, 1_000_000) ?? TELEGRAM_FLOOD.chatBurst,
    groupPerMinute: figure('group_per_minute', TELEGRAM_FLOOD.groupPerMinute),
    botPerSecond: figure('bot_per_second', TELEGRAM_FLOOD.botPerSecond),
    repeatedPolls: optionalFlag(body, 'repeated_polls') ?? TELEGRAM_FLOOD.repeatedPolls,
  };
}

/** The figures under the names that `readFlood` takes. */
export function shownFlood(flood: FloodLimits): Fields {
  return {
    chat_per_second: flood.chatPerSecond,
    chat_burst: flood.chatBurst,
    group_per_minute: flood.groupPerMinute,
    bot_per_second: flood.botPerSecond,
    repeated_polls: flood.repeatedPolls,
  };
}
