import type { MessageEntity } from '@grammyjs/types';

/** A text and what is marked in it; offsets and lengths in UTF-16 units. */
export interface FormattedText {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

/** Telegram counts characters, not UTF-16 units. */
const lengthOf = (text: string): number => [...text].length;

/** Whether a text has more characters than `max`. A character has two UTF-16 units at most. */
export const isLonger = (text: string, max: number): boolean =>
  text.length > max && (text.length > 2 * max || lengthOf(text) > max);
