import type { Message, User } from '@grammyjs/types';
import { plainName } from '../ui/file-name.ts';
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
