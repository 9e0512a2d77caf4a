import type { MessageEntity } from '@grammyjs/types';

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
