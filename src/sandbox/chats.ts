import type { Chat, InlineKeyboardMarkup, Message, User } from '@grammyjs/types';
import { limits } from '../limits.ts';
import { badRequest, forbidden } from './api-error.ts';
import { type FloodTrace, newTrace } from './flood.ts';

export type ChatKind = Chat['type'];

/** A message and the whole of its keyboard: Telegram gives bots only inline ones back. */
export interface StoredMessage {
  message: Message;
  markup: unknown;
  readonly byBot: boolean;
}

/** A chat as the sandbox holds it. */
export interface ChatRecord {
  readonly id: number;
  readonly kind: ChatKind;
  title: string;
  isForum: boolean;
  /** The user of a private chat. */
  user: User | undefined;
  /** Who wrote last; writes again where nobody is named. */
  lastUser: User | undefined;
  /** Of a group: who made it, was taken in, or has written. */
  readonly members: Map<number, User>;
  /** When the last message came, seconds since 1970; 0: none has. */
  lastAtS: number;
  /** Why the bot cannot write here, in Telegram's words after "Forbidden: ". */
  closedTo: string | undefined;
  migratedTo: number | undefined;
  /** The message pinned last. */
  pinned: number | undefined;
  /** Oldest first. */
  readonly messages: Map<number, StoredMessage>;
  readonly topics: Set<number>;
  nextMessageId: number;
  readonly flood: FloodTrace;
}

/** The chats of one bot. */
export interface ChatStore {
  readonly size: number;
  find(id: number): ChatRecord | undefined;
  add(chat: ChatRecord): void;
  all(): Iterable<ChatRecord>;
  /** People known from groups: the bot must not write to them first. */
  readonly users: Map<number, User>;
}

/** Ids of supergroups and channels begin with -100, then at least ten digits. */
export const isSupergroupId = (id: number): boolean => id <= -1_000_000_000_000;

/** No chats yet. Beyond limits.sandboxChatsMax the chat added longest ago is forgotten. */
export function createChatStore(): ChatStore {
  const chats = new Map<number, ChatRecord>();
  return {
    users: new Map(),
    get size() {
      return chats.size;
    },
    find: (id) => chats.get(id),
    add(chat) {
      chats.delete(chat.id);
      chats.set(chat.id, chat);
      const oldest = chats.size > limits.sandboxChatsMax ? chats.keys().next().value : undefined;
      if (oldest !== undefined) chats.delete(oldest);
    },
    all: () => chats.values(),
  };
}

/** A chat that nobody has written in yet. */
export function newChat(id: number, kind: ChatKind, title = `Group ${-id}`, user?: User): ChatRecord {
  return {
    id,
    kind,
    title,
    isForum: false,
    user,
    lastUser: user,
    members: new Map(),
    lastAtS: 0,
    closedTo: undefined,
    migratedTo: undefined,
    pinned: undefined,
    messages: new Map(),
    topics: new Set(),
    nextMessageId: 1,
    flood: newTrace(),
  };
}

/** The chat as Telegram shows it in a message. */
export function shownChat(chat: ChatRecord): Chat {
  switch (chat.kind) {
    case 'private': {
      const { first_name = 'User', last_name, username } = chat.user ?? {};
      return {
        id: chat.id,
        type: 'private',
        first_name,
        ...(last_name === undefined ? {} : { last_name }),
        ...(username === undefined ? {} : { username }),
      };
    }
    case 'supergroup':
      return { id: chat.id, type: 'supergroup', title: chat.title, ...(chat.isForum ? { is_forum: true } : {}) };
    case 'group':
      return { id: chat.id, type: 'group', title: chat.title };
    case 'channel':
      return { id: chat.id, type: 'channel', title: chat.title };
  }
}

/** Keeps a message. Beyond the bound the chat's oldest is forgotten. */
export function storeMessage(chat: ChatRecord, message: Message, byBot: boolean, markup?: unknown): StoredMessage {
  const stored = { message, byBot, markup };
  chat.messages.set(message.message_id, stored);
  chat.lastAtS = message.date;
  const oldest = chat.messages.size > limits.sandboxChatMessagesMax ? chat.messages.keys().next().value : undefined;
  if (oldest !== undefined) chat.messages.delete(oldest);
  return stored;
}

/** The chat of a call's `chat_id`, where the bot may write. Throws what Telegram answers otherwise. */
export function chatToWrite(store: ChatStore, chatId: string): ChatRecord {
  const chat = chatToRead(store, chatId);
  if (chat.migratedTo !== undefined) {
    throw badRequest('group chat was upgraded to a supergroup chat', { migrate_to_chat_id: chat.migratedTo });
  }
  if (chat.closedTo !== undefined) throw forbidden(chat.closedTo);
  return chat;
}

/** The chat of a call's `chat_id`. Throws what Telegram answers where there is none. */
export function chatToRead(store: ChatStore, chatId: string): ChatRecord {
  if (chatId === '') throw badRequest('chat_id is empty');
  const id = /^-?\d{1,16}$/.test(chatId) ? Number(chatId) : 0;
  const chat = store.find(id);
  if (chat !== undefined) return chat;
  if (store.users.has(id)) throw forbidden("bot can't initiate conversation with a user");
  throw badRequest('chat not found');
}

/** Beyond limits.sandboxMembersMax whoever comes may write all the same, and is not listed. */
export function addMember(chat: ChatRecord, user: User): void {
  if (chat.members.size < limits.sandboxMembersMax || chat.members.has(user.id)) chat.members.set(user.id, user);
}

/** True for a keyboard that belongs to the message itself. */
export function isInlineKeyboard(markup: unknown): markup is InlineKeyboardMarkup {
  return typeof markup === 'object' && markup !== null && 'inline_keyboard' in markup;
}
