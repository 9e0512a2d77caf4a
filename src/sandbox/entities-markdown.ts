import type { MessageEntity } from '@grammyjs/types';
import { badRequest } from './api-error.ts';
import { linkEntity, ownLink } from './entities-html.ts';
import type { FormattedText } from './formatted-text.ts';

type Style =
  | 'Bold'
  | 'Italic'
  | 'Underline'
  | 'Strikethrough'
  | 'Spoiler'
  | 'Code'
  | 'Pre'
  | 'PreCode'
  | 'TextUrl'
  | 'CustomEmoji'
  | 'BlockQuote';

/** A mark that was opened and not yet closed. */
interface OpenMark {
  readonly style: Style;
  readonly mark: string;
  /** Where it stands in what was given. */
  readonly at: number;
  /** Where it stands in the text, which has a piece for each character that was taken. */
  readonly offset: number;
  readonly piece: number;
  readonly language: string;
}

const MARKS_V2: readonly (readonly [string, Style])[] = [
  ['```', 'Pre'],
  ['__', 'Underline'],
  ['||', 'Spoiler'],
  ['![', 'CustomEmoji'],
  ['*', 'Bold'],
  ['_', 'Italic'],
  ['~', 'Strikethrough'],
  ['`', 'Code'],
  ['[', 'TextUrl'],
];
const MARKS_V1: readonly (readonly [string, Style])[] = [
  ['```', 'Pre'],
  ['*', 'Bold'],
  ['_', 'Italic'],
  ['`', 'Code'],
  ['[', 'TextUrl'],
];
const RESERVED_V2 = '_*[]()~`>#+-=|{}.!';

/**
 * Telegram's MarkdownV2, and its older Markdown (core.telegram.org/bots/api#markdownv2-style).
 * Throws ApiError 400 in Telegram's words.
 */
export function parseMarkdown(given: string, version: 1 | 2): FormattedText {
  return new MarkdownReader(given, version).read();
}

class MarkdownReader {
  private readonly given: string;
  private readonly version: 1 | 2;
  private readonly open: OpenMark[] = [];
  private readonly entities: MessageEntity[] = [];
  private readonly pieces: string[] = [];
  private length = 0;
  private quotes = 0;
  private at = 0;

  constructor(given: string, version: 1 | 2) {
    this.given = given;
    this.version = version;
  }

  read(): FormattedText {
    while (this.at < this.given.length) this.step();
    this.endQuote();
    const unclosed = this.open.at(-1);
    if (unclosed !== undefined) throw this.unclosed(unclosed);
    return {
      text: this.pieces.join(''),
      entities: this.entities.sort((a, b) => a.offset - b.offset || b.length - a.length),
    };
  }

  private step(): void {
    const char = this.given.charAt(this.at);
    const after = this.given.charAt(this.at + 1);
    if (char === '\\' && (this.version === 2 ? /[ -~]/.test(after) : /[_*`[]/.test(after))) {
      this.take(after, 2);
      return;
    }
    const top = this.open.at(-1);
    if (top !== undefined && this.given.startsWith(closing(top), this.at) && !this.isUnderline(top)) {
      this.end(top);
    } else if (
      top?.style === 'Code' ||
      top?.style === 'Pre' ||
      top?.style === 'PreCode' ||
      (top && this.version === 1)
    ) {
      this.take(char, 1);
    } else if (this.version === 2 && (char === '\n' || char === '>')) {
      this.quoteOrLine(char);
    } else {
      this.begin(char);
    }
  }

  /** In an italic, `__` is an underline's mark, not the italic's end. */
  private isUnderline(top: OpenMark): boolean {
    return this.version === 2 && top.style === 'Italic' && this.given.startsWith('__', this.at);
  }

  private begin(char: string): void {
    const marks = this.version === 2 ? MARKS_V2 : MARKS_V1;
    const found = marks.find(([mark]) => this.given.startsWith(mark, this.at));
    if (found === undefined) {
      if (this.version === 2 && RESERVED_V2.includes(char)) throw this.reserved(char);
      this.take(char, 1);
      return;
    }
    const [mark, style] = found;
    const at = this.at;
    this.at += mark.length;
    const language = style === 'Pre' ? this.takeLanguage() : '';
    this.push({ style: language === '' ? style : 'PreCode', mark, at, language });
  }

  private takeLanguage(): string {
    const match = /^([^\s`]*)(\r?\n|\n\r?)?/.exec(this.given.slice(this.at));
    const language = match?.[1] ?? '';
    // A word directly before the closing mark is the code itself.
    const rest = this.given.charAt(this.at + language.length);
    if (language !== '' && (rest === '' || rest === '`')) return '';
    this.at += match?.[0].length ?? 0;
    return language;
  }

  private end(top: OpenMark): void {
    this.at += closing(top).length;
    this.pop();
    const place = { offset: top.offset, length: this.length - top.offset };
    const target = top.style === 'TextUrl' || top.style === 'CustomEmoji' ? this.takeTarget(top) : '';
    if (place.length === 0) return;
    const entity = entityOf(top, place, target);
    if (entity !== null) this.entities.push(entity);
  }

  /** The address in parentheses after `[text]`; without one the text itself. */
  private takeTarget(top: OpenMark): string {
    if (this.given.charAt(this.at) !== '(') {
      if (top.style === 'CustomEmoji') throw this.fail('The entity must contain a tg://emoji or tg://time URL');
      return ownLink(this.length - top.offset, this.pieces, top.piece);
    }
    const begin = this.at + 1;
    // A backslash is read in one way alone: two ways each would be tried in all combinations.
    const match = /^((?:\\[ -~]|[^)\\]|\\(?![ -~]))*)\)/.exec(this.given.slice(begin));
    if (match === null) throw this.fail(`Can't find end of a URL at byte offset ${this.bytesTo(begin)}`);
    this.at = begin + match[0].length;
    return (match[1] ?? '').replace(/\\([ -~])/g, '$1');
  }

  private quoteOrLine(char: string): void {
    const atLineStart = this.length === 0 || this.pieces.at(-1) === '\n';
    const inQuote = this.quotes > 0;
    if (char === '>') {
      if (!atLineStart) throw this.reserved(char);
      if (!inQuote) this.push({ style: 'BlockQuote', mark: '>', at: this.at, language: '' });
      this.at += 1;
      return;
    }
    if (inQuote && this.given.charAt(this.at + 1) !== '>') this.endQuote();
    this.take(char, 1);
  }

  /** A quotation ends with its last line; a spoiler's mark right there makes it expandable. */
  private endQuote(): void {
    const top = this.open.at(-1);
    if (this.quotes === 0 || top === undefined) return;
    const expandable = top.style === 'Spoiler' && top.offset === this.length;
    if (expandable) this.pop();
    const quote = this.pop();
    if (quote?.style !== 'BlockQuote') throw this.unclosed(quote ?? top);
    const length = this.length - quote.offset;
    if (length === 0) return;
    this.entities.push({ type: expandable ? 'expandable_blockquote' : 'blockquote', offset: quote.offset, length });
  }

  private take(text: string, given: number): void {
    this.pieces.push(text);
    this.length += text.length;
    this.at += given;
  }

  private push(mark: Omit<OpenMark, 'offset' | 'piece'>): void {
    if (mark.style === 'BlockQuote') this.quotes += 1;
    this.open.push({ ...mark, offset: this.length, piece: this.pieces.length });
  }

  private pop(): OpenMark | undefined {
    const mark = this.open.pop();
    if (mark?.style === 'BlockQuote') this.quotes -= 1;
    return mark;
  }

  private bytesTo(at: number): number {
    return Buffer.byteLength(this.given.slice(0, at));
  }

  private fail(why: string): Error {
    return badRequest(`Can't parse entities: ${why}`);
  }

  private reserved(char: string): Error {
    return this.fail(`Character '${char}' is reserved and must be escaped with the preceding '\\'`);
  }

  private unclosed(mark: OpenMark): Error {
    const what = this.version === 2 ? `${mark.style} entity` : 'the entity starting';
    return this.fail(`Can't find end of ${what} at byte offset ${this.bytesTo(mark.at)}`);
  }
}

const closing = (mark: OpenMark): string => {
  if (mark.style === 'BlockQuote') return '\u0000';
  return mark.style === 'TextUrl' || mark.style === 'CustomEmoji' ? ']' : mark.mark;
};

function entityOf(
  top: OpenMark,
  place: { readonly offset: number; readonly length: number },
  target: string,
): MessageEntity | null {
  switch (top.style) {
    case 'Bold':
      return { type: 'bold', ...place };
    case 'Italic':
      return { type: 'italic', ...place };
    case 'Underline':
      return { type: 'underline', ...place };
    case 'Strikethrough':
      return { type: 'strikethrough', ...place };
    case 'Spoiler':
      return { type: 'spoiler', ...place };
    case 'Code':
      return { type: 'code', ...place };
    case 'Pre':
      return { type: 'pre', ...place };
    case 'PreCode':
      return { type: 'pre', ...place, language: top.language };
    case 'TextUrl':
      return linkEntity(target, place);
    case 'CustomEmoji': {
      const id = /^tg:\/\/emoji\?id=([1-9]\d*)$/.exec(target)?.[1];
      if (id === undefined) {
        throw badRequest("Can't parse entities: Invalid tg://emoji or tg://time URL specified");
      }
      return { type: 'custom_emoji', ...place, custom_emoji_id: id };
    }
    case 'BlockQuote':
      return null;
  }
}
