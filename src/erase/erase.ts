import type { Erasure } from '../journal/journal.ts';

/**
 * Export and erasure of all that there is of a chat, by its id. A private chat's id is its user's too: then what the user
 * wrote and did in groups is covered as well, and what others' messages have of it. A group may be named by any id that it had.
 */
export interface Erasing {
  /** Orders the erasure. Durable when it resolves; it is carried out soon after, also by a later process. */
  order(chat: string): Promise<Erasure>;
  /** Those under way, and the latest that are done, by number. */
  orders(): Promise<Erasure[]>;
  /** All there is, a JSON object a line, without line ends: see docs/privacy.md. As it stands while it is read. */
  exported(chat: string): AsyncGenerator<string>;
}

/** Telegram's id of a chat: a whole number, as text. */
export const isChatId = (text: string): boolean => /^-?[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(Number(text));

/** An erasure as the outside sees it. */
export const erasureView = ({
  number,
  chat,
  askedAt,
  doneAt,
  through,
  position,
  entries,
  mentions,
  told,
}: Erasure) => ({
  number,
  chat,
  status: doneAt === null ? ('under_way' as const) : ('done' as const),
  asked_at: new Date(askedAt).toISOString(),
  done_at: doneAt === null ? null : new Date(doneAt).toISOString(),
  through,
  position,
  entries,
  mentions,
  seq: told,
});
