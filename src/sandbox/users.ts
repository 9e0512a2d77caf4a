import type { Message, User } from '@grammyjs/types';
import { limits } from '../limits.ts';
import { type Bot, deliver, publish, type World } from './bots.ts';
import { addMember, type ChatRecord, isSupergroupId, newChat, shownChat, storeMessage } from './chats.ts';
import { withFound } from './entities.ts';
import type { Fields } from './fields.ts';
import { newMessage, withoutReply } from './methods-send.ts';

/** What a user writes. `content` holds further fields of the message: `photo`, `caption`, `contact`, … */
export interface UserMessage {
  readonly text: string | undefined;
  readonly content: Fields;
  readonly replyTo: number | undefined;
  readonly topic: number | undefined;
}

/** What came of a user's act. `update_id` is null where the bot is not told of it. */
export interface Told {
  readonly update_id: number | null;
  readonly message_id: number;
}

const nowS = (world: World): number => Math.floor(world.clock.now() / 1000);

/** The chat of this id, made where a user writes there for the first time. */
export function chatOfUsers(bot: Bot, chatId: number): ChatRecord {
  const known = bot.chats.find(chatId);
  if (known !== undefined) return known;
  const kind = chatId > 0 ? 'private' : isSupergroupId(chatId) ? 'supergroup' : 'group';
  const chat = newChat(chatId, kind, undefined, chatId > 0 ? bot.chats.users.get(chatId) : undefined);
  bot.chats.add(chat);
  return chat;
}

/** The user who acts: the one named, else whoever wrote here last, else one derived from the chat's id. */
export function actingUser(bot: Bot, chat: ChatRecord, named: User | undefined): User {
  const user = named ??
    chat.lastUser ?? { id: Math.abs(chat.id), is_bot: false, first_name: 'User', language_code: 'en' };
  chat.lastUser = user;
  if (chat.kind === 'private') chat.user = user;
  else {
    knowUser(bot, user);
    if (chat.kind !== 'channel') addMember(chat, user);
  }
  return user;
}

/** Remembers somebody who need not have written to the bot. At limits.sandboxChatsMax nobody new is. */
export function knowUser(bot: Bot, user: User): void {
  const { users } = bot.chats;
  if (users.size < limits.sandboxChatsMax || users.has(user.id)) users.set(user.id, user);
}

/** A user writes. In a channel it is a post. */
export function writeAsUser(world: World, bot: Bot, chat: ChatRecord, from: User, given: UserMessage): Told {
  const entities = given.text === undefined ? [] : withFound({ text: given.text, entities: [] });
  const answered = given.replyTo === undefined ? undefined : chat.messages.get(given.replyTo);
  if (given.topic !== undefined) openTopic(chat, given.topic);
  const message = newMessage(bot, chat, from, nowS(world), {
    ...(given.topic === undefined ? {} : { message_thread_id: given.topic, is_topic_message: true }),
    ...(answered === undefined ? {} : { reply_to_message: withoutReply(answered.message) }),
    ...(given.text === undefined ? {} : { text: given.text }),
    ...(entities.length === 0 ? {} : { entities }),
    ...given.content,
  });
  storeMessage(chat, message, false);
  publish(bot, { type: 'message', direction: 'in', chat_id: chat.id, message });
  const kind = chat.kind === 'channel' ? 'channel_post' : 'message';
  const hidden = isHidden(bot, chat, message, answered?.byBot === true);
  return { update_id: hidden ? null : deliver(bot, kind, message, String(chat.id)), message_id: message.message_id };
}

function openTopic(chat: ChatRecord, topic: number): void {
  if (chat.kind === 'supergroup') chat.isForum = true;
  if (chat.topics.size < limits.sandboxChatMessagesMax) chat.topics.add(topic);
}

/** Privacy mode: in groups the bot sees commands, answers to itself and service messages only. */
function isHidden(bot: Bot, chat: ChatRecord, message: Message, toBot: boolean): boolean {
  if (bot.me.can_read_all_group_messages || chat.kind === 'private' || chat.kind === 'channel' || toBot) return false;
  const text = message.text ?? message.caption;
  if (text === undefined) return message.photo !== undefined || message.document !== undefined;
  const command = /^\/\w+(?:@(\w+))?/.exec(text);
  return command === null || (command[1] ?? bot.me.username).toLowerCase() !== bot.me.username.toLowerCase();
}

/** A user changes a message of theirs. Null where there is none of this id. */
export function editAsUser(world: World, bot: Bot, chat: ChatRecord, messageId: number, text: string): Told | null {
  const stored = chat.messages.get(messageId);
  if (stored === undefined || stored.byBot) return null;
  const { entities: _, caption_entities: __, ...before } = stored.message;
  const entities = withFound({ text, entities: [] });
  const isText = stored.message.text !== undefined;
  const marked = entities.length === 0 ? {} : { [isText ? 'entities' : 'caption_entities']: entities };
  stored.message = { ...before, edit_date: nowS(world), [isText ? 'text' : 'caption']: text, ...marked };
  publish(bot, { type: 'edited', direction: 'in', chat_id: chat.id, message: stored.message });
  const kind = chat.kind === 'channel' ? 'edited_channel_post' : 'edited_message';
  return { update_id: deliver(bot, kind, stored.message, String(chat.id)), message_id: messageId };
}

/** A user presses an inline button of a message. Null where there is no such message. */
export function pressButton(world: World, bot: Bot, chat: ChatRecord, from: User, messageId: number, data: string) {
  const stored = chat.messages.get(messageId);
  if (stored === undefined) return null;
  bot.buttonsPressed += 1;
  const id = `${bot.id}${String(bot.buttonsPressed).padStart(10, '0')}`;
  const pressed = { chatId: chat.id, atMs: world.clock.steadyNow(), answer: undefined };
  bot.buttons.set(id, pressed);
  const oldest = bot.buttons.size > limits.sandboxCallbacksMax ? bot.buttons.keys().next().value : undefined;
  if (oldest !== undefined) bot.buttons.delete(oldest);
  const query = { id, from, message: stored.message, chat_instance: String(Math.abs(chat.id) * 7919), data };
  publish(bot, { type: 'callback', direction: 'in', chat_id: chat.id, callback_query: query });
  return { update_id: deliver(bot, 'callback_query', query, String(chat.id)), callback_query_id: id };
}

/** The bot's own membership changes: a user blocks it, a group throws it out or takes it back. */
export function changeMembership(world: World, bot: Bot, chat: ChatRecord, from: User, member: boolean): number | null {
  const wasMember = chat.closedTo === undefined;
  const place = chat.kind === 'group' ? 'group chat' : `${chat.kind} chat`;
  const why = chat.kind === 'private' ? 'bot was blocked by the user' : `bot was kicked from the ${place}`;
  chat.closedTo = member ? undefined : why;
  const status = (is: boolean) =>
    is ? { user: botAsUser(bot), status: 'member' } : { user: botAsUser(bot), status: 'kicked', until_date: 0 };
  const change = {
    chat: shownChat(chat),
    from,
    date: nowS(world),
    old_chat_member: status(wasMember),
    new_chat_member: status(member),
  };
  publish(bot, { type: 'update', direction: 'in', chat_id: chat.id, my_chat_member: change });
  return deliver(bot, 'my_chat_member', change, String(chat.id));
}

/** A user makes a group and takes the bot in. */
export function createGroup(world: World, bot: Bot, chat: ChatRecord, from: User): Told {
  chat.closedTo = 'bot is not a member';
  changeMembership(world, bot, chat, from, true);
  const content = { new_chat_members: [botAsUser(bot)] };
  return writeAsUser(world, bot, chat, from, { text: undefined, content, replyTo: undefined, topic: undefined });
}

/**
 * A group becomes a supergroup: a notice in each of the two, and the old id refuses every write from now on.
 * Its messages stay behind, as on Telegram.
 */
export function migrateGroup(world: World, bot: Bot, group: ChatRecord, from: User, newId: number) {
  const supergroup = { ...newChat(newId, 'supergroup', group.title), lastUser: group.lastUser };
  for (const member of group.members.values()) addMember(supergroup, member);
  bot.chats.add(supergroup);
  const notice = (chat: ChatRecord, content: Fields) =>
    writeAsUser(world, bot, chat, from, { text: undefined, content, replyTo: undefined, topic: undefined });
  const left = notice(group, { migrate_to_chat_id: newId });
  group.migratedTo = newId;
  const entered = notice(supergroup, { migrate_from_chat_id: group.id });
  return { chat_id: newId, update_ids: [left.update_id, entered.update_id] };
}

function botAsUser({ me }: Bot): User {
  return { id: me.id, is_bot: true, first_name: me.first_name, username: me.username };
}
