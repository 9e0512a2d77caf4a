import type { MessageEntity } from '@grammyjs/types';
import { badRequest } from './api-error.ts';
import type { FormattedText } from './formatted-text.ts';

/** A tag that was opened and not yet closed. */
interface OpenTag {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly offset: number;
  /** The piece of the text that its own begins with. */
  readonly piece: number;
}

const STYLES: ReadonlyMap<string, 'bold' | 'italic' | 'underline' | 'strikethrough' | 'spoiler'> = new Map([
  ['b', 'bold'],
  ['strong', 'bold'],
  ['i', 'italic'],
  ['em', 'italic'],
  ['u', 'underline'],
  ['ins', 'underline'],
  ['s', 'strikethrough'],
  ['strike', 'strikethrough'],
  ['del', 'strikethrough'],
  ['tg-spoiler', 'spoiler'],
  ['span', 'spoiler'],
]);
const OTHER_TAGS: ReadonlySet<string> = new Set(['a', 'pre', 'code', 'blockquote', 'tg-emoji', 'tg-time']);
const CHARACTERS: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
]);

/**
 * Telegram's HTML (core.telegram.org/bots/api#html-style). Throws ApiError 400 with the byte offset of what is wrong.
 */
export function parseHtml(given: string): FormattedText {
  const fail = (why: string, at?: number) =>
    badRequest(
      `Can't parse entities: ${why}${at === undefined ? '' : ` at byte offset ${Buffer.byteLength(given.slice(0, at))}`}`,
    );
  const open: OpenTag[] = [];
  const entities: MessageEntity[] = [];
  const pieces: string[] = [];
  let length = 0;
  let at = 0;
  while (at < given.length) {
    const next = given.indexOf('<', at);
    const piece = decode(given.slice(at, next < 0 ? given.length : next));
    pieces.push(piece);
    length += piece.length;
    if (next < 0) break;
    if (given[next + 1] === '/') {
      const end = /^<\/([^\s>]*)\s*>/.exec(given.slice(next));
      const tag = open.at(-1);
      if (tag === undefined) throw fail('Unexpected end tag', next);
      if (end === null) throw fail('Unclosed end tag', next);
      const name = (end[1] ?? '').toLowerCase();
      if (name !== '' && name !== tag.name) {
        const offset = Buffer.byteLength(given.slice(0, next));
        throw fail(`Unmatched end tag at byte offset ${offset}, expected "</${tag.name}>", found "</${name}>"`);
      }
      open.pop();
      close(tag, { offset: tag.offset, length: length - tag.offset }, pieces, entities);
      at = next + end[0].length;
    } else {
      const start = readStartTag(given, next, fail);
      open.push({ name: start.name, attributes: start.attributes, offset: length, piece: pieces.length });
      at = start.end;
    }
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) throw fail(`Can't find end tag corresponding to start tag "${unclosed.name}"`);
  return { text: pieces.join(''), entities: entities.sort((a, b) => a.offset - b.offset || b.length - a.length) };
}

function readStartTag(given: string, at: number, fail: (why: string, at?: number) => Error) {
  const name = (/^<([^\s>]*)/.exec(given.slice(at))?.[1] ?? '').toLowerCase();
  let end = at + 1 + name.length;
  if (end >= given.length) throw fail('Unclosed start tag', at);
  if (!STYLES.has(name) && !OTHER_TAGS.has(name)) throw fail(`Unsupported start tag "${name}"`, at);
  const attributes = new Map<string, string>();
  const attribute = /\s*(?:(>)|([^\s=>/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9.-]+)(?=[\s>])))?)/y;
  for (;;) {
    attribute.lastIndex = end;
    const match = attribute.exec(given);
    if (match === null) {
      const rest = given.slice(end).trimStart();
      if (rest === '') throw fail(`Unclosed start tag "${name}"`, at);
      if (/^[=/"']/.test(rest)) throw fail(`Empty attribute name in the tag "${name}"`, at);
      throw fail('Unclosed start tag', at);
    }
    end = attribute.lastIndex;
    if (match[1] !== undefined) break;
    attributes.set(match[2] ?? '', decode(match[3] ?? match[4] ?? match[5] ?? ''));
  }
  if (name === 'span' && attributes.get('class') !== 'tg-spoiler') {
    throw fail('Tag "span" must have class "tg-spoiler"', at);
  }
  return { name, attributes, end };
}

function close(
  tag: OpenTag,
  place: { readonly offset: number; readonly length: number },
  pieces: readonly string[],
  entities: MessageEntity[],
): void {
  if (place.length === 0) return;
  const style = STYLES.get(tag.name);
  if (style !== undefined) {
    entities.push({ type: style, ...place });
    return;
  }
  const isSame = (e: MessageEntity) => e.offset === place.offset && e.length === place.length;
  const last = entities.at(-1);
  switch (tag.name) {
    case 'a': {
      const link = tag.attributes.get('href') || ownLink(place.length, pieces, tag.piece);
      const entity = linkEntity(link, place);
      if (entity !== null) entities.push(entity);
      return;
    }
    case 'pre':
      // <pre><code class="language-x"> is one entity, with its language.
      if (last?.type === 'pre' && isSame(last)) return;
      if (last?.type === 'code' && isSame(last)) entities.pop();
      entities.push({ type: 'pre', ...place });
      return;
    case 'code': {
      const language = /^language-(.+)$/.exec(tag.attributes.get('class') ?? '')?.[1];
      entities.push(language === undefined ? { type: 'code', ...place } : { type: 'pre', ...place, language });
      return;
    }
    case 'blockquote':
      entities.push({ type: tag.attributes.has('expandable') ? 'expandable_blockquote' : 'blockquote', ...place });
      return;
    case 'tg-emoji': {
      const id = tag.attributes.get('emoji-id') ?? '';
      if (!/^[1-9]\d*$/.test(id)) throw badRequest("Can't parse entities: Invalid custom emoji identifier specified");
      entities.push({ type: 'custom_emoji', ...place, custom_emoji_id: id });
      return;
    }
  }
}

/** A text that is its own address. One that is too long for an address is none: of texts within texts each would be read. */
export const ownLink = (length: number, pieces: readonly string[], from: number): string =>
  length > LINK_LENGTH_MAX ? '' : pieces.slice(from).join('');

const LINK_LENGTH_MAX = 2048;

/** A link as an entity: a user's mention for `tg://user?id=`; null where it is no link. */
export function linkEntity(
  link: string,
  place: { readonly offset: number; readonly length: number },
): MessageEntity | null {
  const user = /^tg:\/\/user\?id=(\d+)$/.exec(link)?.[1];
  if (user !== undefined) {
    return { type: 'text_mention', ...place, user: { id: Number(user), is_bot: false, first_name: 'User' } };
  }
  const url = /^[a-z][a-z0-9+.-]*:/i.test(link) ? link : `http://${link}`;
  if (!URL.canParse(url) || !/^(?:https?|tg|ton|tonsite|mailto|tel):/i.test(url) || /\s/.test(url)) return null;
  return { type: 'text_link', ...place, url: new URL(url).href };
}

function decode(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));?/gi, (whole, decimal, hex, name) => {
    if (typeof name === 'string') return CHARACTERS.get(name) ?? whole;
    const code = typeof decimal === 'string' ? Number(decimal) : Number.parseInt(String(hex), 16);
    return code > 0 && code < 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
