import type { MessageEntity } from '@grammyjs/types';

/** A text and what is marked in it; offsets and lengths in UTF-16 units. */
export interface FormattedText {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}
