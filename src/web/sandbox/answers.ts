import type { Chat, Message, User } from '@grammyjs/types';
import type { Fault, Overview } from '../../sandbox/sandbox.ts';
import { call } from '../ui/api.ts';

/**
 * The sandbox's addresses. What they answer is what src/sandbox says: the page comes from the very process that it
 * asks.
 */
const control = <T>(path: string, body?: unknown, method: 'POST' | 'DELETE' = 'POST'): Promise<T> =>
  call(`v1/sandbox/control/${path}`, { method, body }) as Promise<T>;

/** A chat of the list. */
export interface ChatItem {
  readonly id: number;
  readonly type: Chat['type'];
  readonly title?: string | undefined;
  readonly first_name?: string | undefined;
  readonly last_name?: string | undefined;
  readonly username?: string | undefined;
  /** Why the bot cannot write here; null: it can. */
  readonly closed_to_bot: string | null;
  readonly migrated_to: number | null;
  readonly members?: readonly User[];
  readonly last: Message | null;
}

/** The bot, its chats and users, and what goes wrong next. */
export type World = Omit<Overview, 'chats'> & {
  readonly chats: readonly ChatItem[];
  /** By kind of chat: what to write to its machine; null: no machine runs it. */
  readonly examples: Readonly<Record<string, readonly string[] | null>>;
};

export const world = () => call('v1/sandbox') as Promise<World>;
export const transcript = (chat: number) =>
  call(`v1/sandbox/chats/${chat}`) as Promise<{
    readonly chat: ChatItem | null;
    readonly messages: readonly Message[];
  }>;

/** The conversations of a chat that are quarantined, and why. */
export const quarantined = async (chat: number) =>
  ((await call(`v1/sandbox/chats/${chat}/quarantined`)) as { readonly quarantined: readonly Quarantined[] })
    .quarantined;
export interface Quarantined {
  readonly id: string;
  readonly error: string;
}

/** Makes somebody who has not written yet, or gives them another name. */
export const addUser = (user: Pick<User, 'id' | 'first_name' | 'username'>) => control('users', user);
/** Makes a group with the bot in it. `from` is who made it. */
export const addGroup = (title: string, from: User, members: readonly User[]) =>
  control<{ readonly chat_id: number }>('chats', { type: 'group', title, from, members });

/** A file as the control API takes it. */
export interface SentFile {
  readonly base64: string;
  readonly file_name: string;
  readonly mime_type: string;
}

/** What a user writes: a text, or a file with a caption, or further fields of Telegram's Message. */
export interface Written {
  readonly text?: string;
  readonly caption?: string;
  readonly photo?: SentFile;
  readonly document?: SentFile;
  readonly message?: object;
  readonly reply_to_message_id?: number;
}

export const write = (chat: number, from: User, message: Written) =>
  control<{ readonly message_id: number }>(`chats/${chat}/messages`, { ...message, from });
export const edit = (chat: number, message: number, text: string) =>
  control(`chats/${chat}/messages/${message}`, { text });
/** Presses an inline button. What the bot answers comes with the feed. */
export const press = (chat: number, from: User, message: number, data: string) =>
  control<{ readonly callback_query_id: string }>(`chats/${chat}/callbacks`, { message_id: message, data, from });
/** Blocks the bot, or puts it out of a group; or takes it back. */
export const setBlocked = (chat: number, from: User, blocked: boolean) =>
  control(`chats/${chat}/${blocked ? 'block' : 'unblock'}`, { from });

/** Spoils the bot's next call: of one chat, or of any. */
export const addFault = (fault: {
  readonly kind: Fault['kind'];
  readonly method: string;
  readonly chat_id?: number;
  readonly error_code?: number;
  readonly retry_after?: number;
}) => control('faults', fault);
export const clearFaults = () => control('faults', undefined, 'DELETE');
/** Takes the Bot API off the network, or brings it back. */
export const setOffline = (offline: boolean) => call('v1/sandbox/offline', { method: 'POST', body: { offline } });

/** Where a file of a chat is shown from. */
export const fileAddress = (fileId: string): string => `v1/sandbox/files/${encodeURIComponent(fileId)}`;
