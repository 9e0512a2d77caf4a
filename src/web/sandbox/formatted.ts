import type { MessageEntity } from '@grammyjs/types';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { html } from '../ui/html.ts';

/** A piece of a text: words, or an entity with what is within. */
export type Piece = string | { readonly entity: MessageEntity; readonly within: readonly Piece[] };

/**
 * A text and its entities as a tree. Offsets are in UTF-16 units, as JavaScript's own. An entity that crosses another,
 * or lies outside the text, is passed over: its words stay.
 */
export function piecesOf(text: string, entities: readonly MessageEntity[], from = 0, to = text.length): Piece[] {
  const pieces: Piece[] = [];
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  let at = from;
  for (let i = 0; i < sorted.length; i += 1) {
    const entity = sorted[i];
    if (entity === undefined) break;
    const end = entity.offset + entity.length;
    if (entity.offset < at || end > to || entity.length <= 0) continue;
    if (entity.offset > at) pieces.push(text.slice(at, entity.offset));
    const within = sorted.slice(i + 1).filter((one) => one.offset < end);
    pieces.push({ entity, within: piecesOf(text, within, entity.offset, end) });
    at = end;
  }
  if (at < to) pieces.push(text.slice(at, to));
  return pieces;
}

/** An address that a link may lead to; null: it stays text. */
export function safeAddress(address: string): string | null {
  const whole = /^[a-z][a-z0-9+.-]*:/i.test(address) ? address : `https://${address}`;
  try {
    const { protocol, href } = new URL(whole);
    return ['http:', 'https:', 'mailto:', 'tel:', 'tg:'].includes(protocol) ? href : null;
  } catch {
    return null;
  }
}

interface FormattedProps {
  readonly text: string;
  readonly entities?: readonly MessageEntity[] | undefined;
  /** Sends a command that is clicked; left out: commands are words. */
  readonly onCommand?: (command: string) => void;
}

/** A message's text, with its formatting drawn from its entities: nothing of it is ever HTML. */
export function Formatted({ text, entities = [], onCommand }: FormattedProps) {
  return html`<span class="text" dir="auto">${piecesOf(text, entities).map((piece) => drawn(piece, onCommand))}</span>`;
}

const wordsOf = (piece: Piece): string => (typeof piece === 'string' ? piece : piece.within.map(wordsOf).join(''));

function drawn(piece: Piece, onCommand: FormattedProps['onCommand']): ComponentChildren {
  if (typeof piece === 'string') return piece;
  const { entity } = piece;
  const words = wordsOf(piece);
  const within = piece.within.map((one) => drawn(one, onCommand));
  switch (entity.type) {
    case 'bold':
      return html`<b>${within}</b>`;
    case 'italic':
      return html`<i>${within}</i>`;
    case 'underline':
      return html`<u>${within}</u>`;
    case 'strikethrough':
      return html`<s>${within}</s>`;
    case 'code':
      return html`<code>${within}</code>`;
    case 'pre':
      return html`<pre tabindex="0" aria-label=${entity.language ?? 'code'}>${within}</pre>`;
    case 'blockquote':
    case 'expandable_blockquote':
      return html`<blockquote>${within}</blockquote>`;
    case 'spoiler':
      return html`<${Spoiler}>${within}<//>`;
    case 'bot_command':
      return onCommand === undefined
        ? words
        : html`<button type="button" class="command" onClick=${() => onCommand(words)}>${words}</button>`;
    case 'text_link':
      return linked(entity.url, within);
    case 'url':
      return linked(words, within);
    case 'email':
      return linked(`mailto:${words}`, within);
    case 'phone_number':
      return linked(`tel:${words}`, within);
    default:
      return html`<span class="named">${within}</span>`;
  }
}

function linked(address: string, within: ComponentChildren) {
  const href = safeAddress(address);
  return href === null
    ? html`<span class="named">${within}</span>`
    : html`<a href=${href} target="_blank" rel="noopener noreferrer" title=${href}>${within}</a>`;
}

function Spoiler({ children }: { readonly children: ComponentChildren }) {
  const [isShown, setShown] = useState(false);
  if (isShown) return html`<span class="spoiler shown">${children}</span>`;
  return html`<button type="button" class="spoiler" aria-label="Show what is hidden" onClick=${() => setShown(true)}><span aria-hidden="true">${children}</span></button>`;
}
