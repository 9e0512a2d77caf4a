import type { MessageEntity } from '@grammyjs/types';
import { limits } from '../limits.ts';
import { badRequest } from './api-error.ts';
import { parseHtml } from './entities-html.ts';
import { parseMarkdown } from './entities-markdown.ts';
import { type Fields, isFields } from './fields.ts';
import type { FormattedText } from './formatted-text.ts';
import type { Params } from './params.ts';

/** Kinds that Telegram finds by itself; named by a caller they are passed over. */
const FOUND_KINDS: ReadonlySet<string> = new Set([
  'mention',
  'hashtag',
  'cashtag',
  'bot_command',
  'url',
  'email',
  'phone_number',
  'bank_card_number',
]);

/**
 * Reads a call's text: `parse_mode` first, else `entities`; then trims it and marks what Telegram marks by itself.
 * Throws ApiError 400 in Telegram's words. The text may come out empty.
 */
export function readFormattedText(params: Params, textName: string, entitiesName: string): FormattedText {
  const given = params.text(textName);
  if (Buffer.byteLength(given) > limits.sandboxTextBytesMax) throw badRequest('Text is too long');
  const marked = given === '' ? { text: '', entities: [] } : markedText(given, params, entitiesName);
  const trimmed = trim(marked);
  return { text: trimmed.text, entities: withFound(trimmed) };
}

/** The text with everything marked that Telegram marks by itself: commands, mentions, hashtags, addresses. */
export function withFound({ text, entities }: FormattedText): MessageEntity[] {
  const found = findEntities(text, coverOf(text, entities));
  const all = [...entities, ...found].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return all.slice(0, ENTITIES_MAX);
}

/** Telegram passes over the others. */
const ENTITIES_MAX = 100;

/** For each place in a text 1 if an entity covers it. */
function coverOf(text: string, entities: readonly MessageEntity[]): Uint8Array {
  const covered = new Uint8Array(text.length);
  if (entities.length === 0) return covered;
  const begun = new Int32Array(text.length + 1);
  for (const { offset, length } of entities) {
    begun[offset] = (begun[offset] ?? 0) + 1;
    begun[offset + length] = (begun[offset + length] ?? 0) - 1;
  }
  let open = 0;
  for (let at = 0; at < text.length; at += 1) {
    open += begun[at] ?? 0;
    covered[at] = open > 0 ? 1 : 0;
  }
  return covered;
}

function markedText(given: string, params: Params, entitiesName: string): FormattedText {
  const mode = params.text('parse_mode').toLowerCase();
  switch (mode) {
    case '':
    case 'none':
      return { text: given, entities: readEntities(params.json(entitiesName), given) };
    case 'html':
      return parseHtml(given);
    case 'markdownv2':
      return parseMarkdown(given, 2);
    case 'markdown':
      return parseMarkdown(given, 1);
    default:
      throw badRequest('Unsupported parse_mode');
  }
}

function readEntities(value: unknown, text: string): MessageEntity[] {
  if (!Array.isArray(value)) return [];
  const entities = value.map(readEntity).filter((entity) => entity !== null);
  for (const entity of entities) checkBounds(entity, text);
  return entities.filter((entity) => entity.length > 0);
}

function readEntity(value: unknown): MessageEntity | null {
  const fail = (why: string) => badRequest(`Can't parse MessageEntity: ${why}`);
  if (!isFields(value)) throw fail('expected an Object');
  const offset = integerField(value, 'offset', fail);
  const length = integerField(value, 'length', fail);
  const type = requiredField(value, 'type', 'String', fail);
  const place = { offset, length };
  switch (type) {
    case 'bold':
    case 'italic':
    case 'underline':
    case 'strikethrough':
    case 'spoiler':
    case 'code':
    case 'blockquote':
    case 'expandable_blockquote':
      return { type, ...place };
    case 'pre':
      return typeof value.language === 'string' && value.language !== ''
        ? { type, ...place, language: value.language }
        : { type, ...place };
    case 'text_link':
      return { type, ...place, url: requiredField(value, 'url', 'String', fail) };
    case 'text_mention': {
      const user = isFields(value.user) ? value.user : {};
      return { type, ...place, user: { id: integerField(user, 'id', fail), is_bot: false, first_name: 'User' } };
    }
    case 'custom_emoji':
      return { type, ...place, custom_emoji_id: requiredField(value, 'custom_emoji_id', 'String', fail) };
    default:
      if (FOUND_KINDS.has(type)) return null;
      throw fail('Unsupported type specified');
  }
}

function requiredField(fields: Fields, name: string, kind: 'String', fail: (why: string) => Error): string {
  const value = fields[name];
  if (value === undefined) throw fail(`Can't find field "${name}"`);
  if (typeof value !== 'string') throw fail(`Field "${name}" must be of type ${kind}`);
  return value;
}

function integerField(fields: Fields, name: string, fail: (why: string) => Error): number {
  const value = fields[name];
  if (value === undefined) throw fail(`Can't find field "${name}"`);
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
    throw fail(`Field "${name}" must be of type Number`);
  }
  return number;
}

function checkBounds(entity: MessageEntity, text: string): void {
  const end = entity.offset + entity.length;
  if (entity.offset < 0) throw badRequest(`Receive an entity with incorrect offset ${entity.offset}`);
  if (entity.offset > text.length) {
    throw badRequest(`Entity begins after the end of the text at UTF-16 offset ${entity.offset}`);
  }
  if (end > text.length) {
    throw badRequest(
      `Entity beginning at UTF-16 offset ${entity.offset} ends after the end of the text at UTF-16 offset ${end}`,
    );
  }
  if (isInsidePair(text, entity.offset) || isInsidePair(text, end)) {
    const bytes = Buffer.byteLength(text.slice(0, entity.offset));
    throw badRequest(`Entity begins in a middle of a UTF-16 symbol at byte offset ${bytes}`);
  }
}

const isInsidePair = (text: string, at: number): boolean =>
  at > 0 && /[\uD800-\uDBFF]/.test(text.charAt(at - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(at));

/** Cuts white space at both ends, but at the beginning none that is marked. */
function trim({ text, entities }: FormattedText): FormattedText {
  if (text.trim() === '') return { text: '', entities: [] };
  const firstMarked = Math.min(text.length, ...entities.map((e) => e.offset));
  const cut = Math.min(text.length - text.trimStart().length, firstMarked);
  const kept = text.slice(cut).trimEnd();
  const moved = entities.map((e) => {
    const offset = e.offset - cut;
    return { ...e, offset, length: Math.min(e.length, kept.length - offset) };
  });
  return { text: kept, entities: moved.filter((e) => e.length > 0) };
}

const FOUND: readonly {
  readonly type: 'bot_command' | 'mention' | 'hashtag' | 'url' | 'email';
  readonly at: RegExp;
}[] = [
  { type: 'url', at: /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]]/g },
  { type: 'email', at: /(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g },
  { type: 'bot_command', at: /(?<![\w/<>])\/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])/g },
  { type: 'mention', at: /(?<![\w@/])@[A-Za-z]\w{2,31}/g },
  { type: 'hashtag', at: /(?<![\w#/])#(?=[^\s#]*\p{L})[\p{L}\p{N}_]+/gu },
];

/** What is found lies in no place that is covered; those that it lies in are covered then. */
function findEntities(text: string, covered: Uint8Array): MessageEntity[] {
  if (!/[/@#]/.test(text)) return [];
  const found: MessageEntity[] = [];
  for (const { type, at } of FOUND) {
    for (const match of text.matchAll(at)) {
      const entity = { type, offset: match.index, length: match[0].length };
      const end = entity.offset + entity.length;
      if (covered.subarray(entity.offset, end).includes(1)) continue;
      covered.fill(1, entity.offset, end);
      found.push(entity);
    }
  }
  return found;
}
