import type { MessageEntity } from '@grammyjs/types';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { html } from '../ui/html.ts';
import { type Piece, piecesOf, safeAddress } from './pieces.ts';

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
