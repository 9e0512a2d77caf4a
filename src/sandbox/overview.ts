import type { User } from '@grammyjs/types';
import { limits } from '../limits.ts';
import type { Bot, World } from './bots.ts';
import type { ChatRecord } from './chats.ts';
import { messagesOf, summary } from './control-chats.ts';
import type { Fault } from './faults.ts';
import type { Fields } from './fields.ts';

/** One bot's chats at a glance. */
export interface Overview {
  readonly startedAt: number;
  readonly me: User;
  /** Those written in last, the newest first: at most limits.sandboxChatsShownMax. Each with `last`, its last message. */
  readonly chats: readonly Fields[];
  /** At most limits.sandboxUsersShownMax. */
  readonly users: readonly User[];
  readonly offline: boolean;
  readonly faults: readonly Fault[];
}

/** As it is now. */
export function overviewOf({ startedAt, offline }: World, bot: Bot): Overview {
  const newest = [...bot.chats.all()]
    .sort((a, b) => b.lastAtS - a.lastAtS)
    .slice(0, limits.sandboxChatsShownMax)
    .map(glance);
  return {
    ...{ startedAt, me: bot.me, chats: newest, offline, faults: bot.faults.all() },
    users: usersOf(bot).slice(-limits.sandboxUsersShownMax),
  };
}

/** A chat, and its messages both ways, in order, each with its whole keyboard. Where nobody has written yet there is none. */
export interface Transcript {
  readonly chat: Fields | null;
  readonly messages: readonly Fields[];
}

/** As it is now. */
export function transcriptOf(bot: Bot, chatId: number): Transcript {
  const chat = bot.chats.find(chatId);
  return chat === undefined ? { chat: null, messages: [] } : { chat: glance(chat), messages: messagesOf(chat) };
}

const glance = (chat: ChatRecord): Fields => ({
  ...summary(chat),
  last: [...chat.messages.values()].at(-1)?.message ?? null,
});

/** Everybody who has written to the bot or is known from a group, once. */
export function usersOf(bot: Bot): readonly User[] {
  const users = new Map(bot.chats.users);
  for (const { user } of bot.chats.all()) if (user !== undefined) users.set(user.id, user);
  return [...users.values()];
}
