import type { User } from '@grammyjs/types';
import { limits } from '../limits.ts';
import type { Bot, World } from './bots.ts';
import { summary } from './control-chats.ts';
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
    .map((chat) => ({ ...summary(chat), last: [...chat.messages.values()].at(-1)?.message ?? null }));
  return {
    ...{ startedAt, me: bot.me, chats: newest, offline, faults: bot.faults.all() },
    users: usersOf(bot).slice(-limits.sandboxUsersShownMax),
  };
}

/** Everybody who has written to the bot or is known from a group, once. */
export function usersOf(bot: Bot): readonly User[] {
  const users = new Map(bot.chats.users);
  for (const { user } of bot.chats.all()) if (user !== undefined) users.set(user.id, user);
  return [...users.values()];
}
