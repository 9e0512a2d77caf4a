import type { Message, User } from '@grammyjs/types';
import { plainName } from '../ui/file-name.ts';
import { html } from '../ui/html.ts';
import { visibleOr } from '../ui/visible.ts';
import type { ChatItem } from './answers.ts';

type Named = Pick<User, 'id' | 'first_name'> & Partial<Pick<User, 'last_name'>>;

/** A user's whole name; the id where nothing of it is to be seen. */
export const nameOf = ({ id, first_name: first, last_name: last }: Named): string =>
  visibleOr(last === undefined ? first : `${first} ${last}`, `User ${id}`);

/** What a chat is called: a group's title, or the name of its user. */
export const titleOf = (chat: Pick<ChatItem, 'id' | 'title' | 'first_name' | 'last_name'>): string =>
  chat.title === undefined
    ? nameOf({
        ...{ id: chat.id, first_name: chat.first_name ?? '' },
        ...(chat.last_name === undefined ? {} : { last_name: chat.last_name }),
      })
    : visibleOr(chat.title, `Group ${chat.id}`);

/** A message in one line. */
export function lineOf(message: Message): string {
  const text = message.text ?? message.caption ?? serviceLine(message);
  if (text !== null) return text;
  if (message.photo !== undefined) return 'Photo';
  if (message.document !== undefined) return plainName(message.document.file_name ?? 'File');
  return kindOf(message);
}

const KINDS = ['video', 'animation', 'audio', 'voice', 'sticker', 'location', 'contact', 'poll'] as const;

/** What a message without words is. */
export function kindOf(message: Message): string {
  const kind = KINDS.find((name) => message[name] !== undefined);
  return kind === undefined ? 'Message' : `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
}

/** What a service message tells; null: it is none. */
export function serviceLine(message: Message): string | null {
  if (message.new_chat_members !== undefined) return `${message.new_chat_members.map(nameOf).join(', ')} joined`;
  if (message.left_chat_member !== undefined) return `${nameOf(message.left_chat_member)} left`;
  if (message.pinned_message !== undefined) return 'A message was pinned';
  if (message.migrate_to_chat_id !== undefined) return 'This group has become a supergroup';
  if (message.migrate_from_chat_id !== undefined) return 'This was a group';
  return null;
}

/** The time of day of a message (seconds since 1970). */
export const clockOf = (date: number): string =>
  new Date(date * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

/** A face: initials on a colour of one's own. */
export function Avatar({
  id,
  name,
  large = false,
}: {
  readonly id: number;
  readonly name: string;
  readonly large?: boolean;
}) {
  const initials = [...name.matchAll(/(?:^|\s)(\p{L}|\p{N}|\p{Extended_Pictographic})/gu)].map(([, letter]) => letter);
  const hue = (Math.abs(id) * 137) % 360;
  return html`<span class=${large ? 'avatar large' : 'avatar'} style=${{ '--hue': String(hue) }} aria-hidden="true">${initials.slice(0, 2).join('') || '?'}</span>`;
}

/** Small signs as drawings: a font may lack them. */
const SIGNS = {
  back: 'M10 3 5 8l5 5',
  close: 'M4 4l8 8M12 4l-8 8',
  edit: 'M3 13l.7-3L10.500 3.200l2.300 2.300L6 12.300z',
  send: 'M2.500 8h10M8.500 3.800 12.700 8l-4.200 4.200',
  attach: 'M12.500 7.500 8 12a3 3 0 0 1-4.300-4.300l5-5a2 2 0 0 1 2.900 2.900l-5 5a1 1 0 0 1-1.400-1.400l4-4',
  plus: 'M8 3v10M3 8h10',
  file: 'M4 2h5l3 3v9H4zM9 2v3h3',
  trouble: 'M8.500 1.500 3.500 9H7l-.5 5.500L12.500 6.500H8.500z',
  did: 'M3 4h10M3 8h7M3 12h10',
  arrow: 'M3 8h9m-3.5-3.5L12 8l-3.5 3.5',
  leave: 'M6 4H4v8h8v-2M8.500 3H13v4.500M13 3 7.500 8.500',
  down: 'M8 3v9M4 8.500 8 12.500l4-4',
} as const;

/** One of the signs, as large as the letters beside it. */
export function Sign({ name }: { readonly name: keyof typeof SIGNS }) {
  return html`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d=${SIGNS[name]} /></svg>`;
}
