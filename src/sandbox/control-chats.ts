import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Bot, World } from './bots.ts';
import { addMember, type ChatRecord, isSupergroupId, newChat, shownChat } from './chats.ts';
import {
  optionalFlag,
  optionalInteger,
  optionalText,
  readBody,
  readFile,
  readList,
  readUser,
  readUsers,
  requiredInteger,
  requiredText,
  requireShort,
  wrongField,
} from './control-body.ts';
import { type Fields, isFields } from './fields.ts';
import { CALLBACK_DATA_BYTES_MAX } from './markup.ts';
import { documentContent, photoContent } from './media-content.ts';
import {
  actingUser,
  changeMembership,
  chatOfUsers,
  createGroup,
  editAsUser,
  knowUser,
  migrateGroup,
  pressButton,
  type Told,
  writeAsUser,
} from './users.ts';

/** The control API below `/chats/{chatId}`. Throws SwitchboardError. */
export function controlChat(
  world: World,
  bot: Bot,
  id: number,
  method: string,
  path: readonly string[],
  raw: Buffer,
): unknown {
  const [what = '', messageId] = path;
  if (method === 'GET' && what === '') return transcript(knownChat(bot, id));
  if (method !== 'POST') throw noSuch('address');
  const body = readBody(raw);
  switch (path.length === 1 ? what : '') {
    case 'messages':
      return write(world, bot, id, body);
    case 'callbacks':
      return press(world, bot, knownChat(bot, id), body);
    case 'block':
      return member(world, bot, knownChat(bot, id), body, false);
    case 'unblock':
      return member(world, bot, knownChat(bot, id), body, true);
    case 'migrate':
      return migrate(world, bot, knownChat(bot, id), body);
    case 'deactivate':
      knownChat(bot, id).closedTo = 'user is deactivated';
      return {};
    default:
      if (what !== 'messages' || path.length !== 2) throw noSuch('address');
      return edit(world, bot, knownChat(bot, id), Number(messageId), body);
  }
}

const noSuch = (what: string): SwitchboardError => new SwitchboardError('not_found', `There is no such ${what}`);

function knownChat(bot: Bot, id: number): ChatRecord {
  const chat = bot.chats.find(id);
  if (chat === undefined) throw noSuch('chat: a user has to write in it first');
  return chat;
}

/** Every chat of the bot, without its messages. */
export function controlChats(bot: Bot): readonly Fields[] {
  return [...bot.chats.all()].map(summary);
}

/** A chat without its messages. */
export function summary(chat: ChatRecord): Fields {
  return {
    ...shownChat(chat),
    closed_to_bot: chat.closedTo ?? null,
    migrated_to: chat.migratedTo ?? null,
    message_count: chat.messages.size,
    ...(chat.members.size === 0 ? {} : { members: [...chat.members.values()] }),
  };
}

function transcript(chat: ChatRecord): Fields {
  return { chat: summary(chat), messages: messagesOf(chat) };
}

/** A chat's messages in order, each with its whole keyboard. */
export function messagesOf(chat: ChatRecord): readonly Fields[] {
  return [...chat.messages.values()].map(({ message, markup }) => ({
    ...message,
    ...(isFields(markup) ? { reply_markup: markup } : {}),
  }));
}

function write(world: World, bot: Bot, id: number, body: Fields): Told {
  const photo = readFile(body, 'photo');
  const document = readFile(body, 'document');
  const text = optionalText(body, 'text', limits.textLengthMax);
  const extra = body.message ?? {};
  if (!isFields(extra)) throw wrongField('/message', 'an object');
  requireShort(extra, '/message', limits.sandboxFieldLengthMax);
  const caption = optionalText(body, 'caption', limits.captionLengthMax);
  const content = {
    ...(photo === undefined ? {} : photoContent(world.files.put(bot.id, 'photo', photo))),
    ...(document === undefined ? {} : documentContent(world.files.put(bot.id, 'document', document))),
    ...(caption === undefined ? {} : { caption }),
    ...extra,
  };
  if (text === undefined && Object.keys(content).length === 0) {
    throw wrongField('/text', 'given, or photo, document or message');
  }
  if (text === '') throw wrongField('/text', 'a text that is not empty');
  const replyTo = optionalInteger(body, 'reply_to_message_id', 1);
  const topic = optionalInteger(body, 'message_thread_id', 1);
  const from = readUser(body, Math.abs(id));
  const chat = chatOfUsers(bot, id);
  return writeAsUser(world, bot, chat, actingUser(bot, chat, from), { text, content, replyTo, topic });
}

/** `{"messages":[{"chat_id","text",…},…]}`: many users write, for load tests. */
export function writeMany(world: World, bot: Bot, body: Fields) {
  const told = readList(body.messages, '/messages').map((message, i) => {
    if (!isFields(message)) throw wrongField(`/messages/${i}`, 'an object');
    const id = requiredInteger(message, 'chat_id', -(2 ** 53));
    if (id === 0) throw wrongField(`/messages/${i}/chat_id`, 'a whole number, not 0');
    return write(world, bot, id, message);
  });
  return { messages: told };
}

function press(world: World, bot: Bot, chat: ChatRecord, body: Fields) {
  const messageId = requiredInteger(body, 'message_id', 1);
  const data = requiredText(body, 'data');
  if (Buffer.byteLength(data) > CALLBACK_DATA_BYTES_MAX) {
    throw wrongField('/data', `a text of ${CALLBACK_DATA_BYTES_MAX} bytes at most`);
  }
  const from = actingUser(bot, chat, readUser(body, Math.abs(chat.id)));
  const told = pressButton(world, bot, chat, from, messageId, data);
  if (told === null) throw noSuch('message in this chat');
  return told;
}

function edit(world: World, bot: Bot, chat: ChatRecord, messageId: number, body: Fields): Told {
  const told = editAsUser(world, bot, chat, messageId, requiredText(body, 'text', limits.textLengthMax));
  if (told === null) throw noSuch("user's message in this chat");
  return told;
}

function member(world: World, bot: Bot, chat: ChatRecord, body: Fields, is: boolean) {
  const from = actingUser(bot, chat, readUser(body, Math.abs(chat.id)));
  return { update_id: changeMembership(world, bot, chat, from, is) };
}

/** `{"type":"group|supergroup|channel","title","id","is_forum","from","members"}`: a group with the bot in it. */
export function createChat(world: World, bot: Bot, body: Fields) {
  const type = optionalText(body, 'type') ?? 'group';
  if (type !== 'group' && type !== 'supergroup' && type !== 'channel') {
    throw wrongField('/type', 'group, supergroup or channel');
  }
  const id = optionalInteger(body, 'id', -(2 ** 53), -1) ?? freeId(world, bot, type !== 'group');
  if (isSupergroupId(id) !== (type !== 'group')) {
    throw wrongField('/id', type === 'group' ? 'negative and above -1000000000000' : '-1000000000000 or below');
  }
  if (bot.chats.find(id) !== undefined) throw wrongField('/id', 'the id of no other chat');
  const chat = newChat(id, type, optionalText(body, 'title'));
  chat.isForum = type === 'supergroup' && optionalFlag(body, 'is_forum') === true;
  const members = readUsers(body);
  const named = readUser(body, Math.abs(id) % limits.sandboxChatsMax);
  bot.chats.add(chat);
  const from = actingUser(bot, chat, named);
  for (const member of members) {
    knowUser(bot, member);
    addMember(chat, member);
  }
  const told = createGroup(world, bot, chat, from);
  return { chat_id: id, ...told };
}

function freeId(world: World, bot: Bot, supergroup: boolean): number {
  for (;;) {
    const random = 1 + Math.floor(world.random() * 900_000_000);
    const id = supergroup ? -1_000_000_000_000 - random : -random;
    if (bot.chats.find(id) === undefined) return id;
  }
}

function migrate(world: World, bot: Bot, chat: ChatRecord, body: Fields) {
  if (chat.kind !== 'group') throw wrongField('chatId', 'a basic group');
  if (chat.migratedTo !== undefined) throw wrongField('chatId', 'a group that has not become a supergroup yet');
  const to = optionalInteger(body, 'to', -(2 ** 53), -1_000_000_000_000) ?? freeId(world, bot, true);
  if (bot.chats.find(to) !== undefined) throw wrongField('/to', 'the id of no other chat');
  return migrateGroup(world, bot, chat, actingUser(bot, chat, readUser(body, Math.abs(chat.id))), to);
}
