import type { Message, User } from '@grammyjs/types';
import { limits } from '../limits.ts';
import { badRequest } from './api-error.ts';
import { type Bot, publish } from './bots.ts';
import type { Call, Method } from './call.ts';
import { type ChatRecord, chatToRead, chatToWrite, isInlineKeyboard, shownChat, storeMessage } from './chats.ts';
import { readFormattedText } from './entities.ts';
import { type Fields, integerOf, isFields } from './fields.ts';
import { checkFlood } from './flood.ts';
import { type FormattedText, isLonger } from './formatted-text.ts';
import { readMarkup } from './markup.ts';

/** Messages of text that a bot sends. */
export const SEND_METHODS = {
  sendMessage: (call) => send(call, contentOf(readMessageText(call), 'text', 'entities')),
} satisfies Record<string, Method>;

/** The text of a message. Throws where it is empty or too long, after parsing. */
export function readMessageText({ params }: Pick<Call, 'params'>): FormattedText {
  if (params.text('text') === '') throw badRequest('Message text is empty');
  const text = readFormattedText(params, 'text', 'entities');
  if (text.text === '') throw badRequest('Text must be non-empty');
  if (isLonger(text.text, limits.textLengthMax)) throw badRequest('Message is too long');
  return text;
}

/** The caption of a file; it may be empty. */
export function readCaption(params: Call['params']): FormattedText {
  const caption = readFormattedText(params, 'caption', 'caption_entities');
  if (isLonger(caption.text, limits.captionLengthMax)) throw badRequest('Message caption is too long');
  return caption;
}

/** A text as a message's fields. */
export function contentOf({ text, entities }: FormattedText, textName: string, entitiesName: string): Fields {
  if (text === '') return {};
  return { [textName]: text, ...(entities.length === 0 ? {} : { [entitiesName]: entities }) };
}

/** Checks everything about the chat, counts the message against the flood limits, and puts it in the chat. */
export function send(call: Call, content: Fields): Message {
  const [message] = sendAll(call, [content]);
  if (message === undefined) throw new Error('A message was sent and is not there');
  return message;
}

/** As `send`, of several messages that belong together: all of them or none. They count as one. */
export function sendAll({ world, bot, params }: Call, contents: readonly Fields[]): Message[] {
  const markup = readMarkup(params);
  const chat = chatToWrite(bot.chats, params.text('chat_id'));
  const topic = readTopic(chat, params.integer('message_thread_id', 0));
  const reply = readReply(bot, chat, params);
  checkFlood(world.clock, bot.flood, bot.floodTrace, chat.flood, chat.kind !== 'private');
  if (contents.some((content) => JSON.stringify(content).length > limits.sandboxContentLengthMax)) {
    throw badRequest('Message is too long');
  }
  return contents.map((content) => {
    const message = newMessage(bot, chat, botUser(bot), Math.floor(world.clock.now() / 1000), {
      ...topic,
      ...reply,
      ...(isInlineKeyboard(markup) ? { reply_markup: markup } : {}),
      ...(params.flag('protect_content') ? { has_protected_content: true } : {}),
      ...content,
    });
    storeMessage(chat, message, true, markup);
    const shown = { ...message, ...shownMarkup(markup) };
    publish(bot, { type: 'message', direction: 'out', chat_id: chat.id, message: shown });
    return message;
  });
}

const shownMarkup = (markup: unknown) => (markup === undefined ? {} : { reply_markup: markup });

/** A message with the chat's next id. Private chats and basic groups share one count, as on Telegram. */
export function newMessage(bot: Bot, chat: ChatRecord, from: User, date: number, content: Fields): Message {
  const counter = chat.kind === 'private' || chat.kind === 'group' ? bot : chat;
  const message_id = counter.nextMessageId;
  counter.nextMessageId += 1;
  const sender = chat.kind === 'channel' ? { sender_chat: shownChat(chat) } : { from };
  return { message_id, ...sender, chat: shownChat(chat), date, ...content };
}

/** The bot as the sender of its messages. */
export function botUser(bot: Bot): User {
  const { id, first_name, username } = bot.me;
  return { id, is_bot: true, first_name, username };
}

function readTopic(chat: ChatRecord, topic: number): Fields {
  if (topic === 0) return {};
  const mayBeForum = chat.isForum || chat.kind === 'private';
  // In a group without topics Telegram passes the parameter over.
  if (!mayBeForum) return {};
  if (!chat.topics.has(topic)) throw badRequest('message thread not found');
  return { message_thread_id: topic, is_topic_message: true };
}

function readReply(bot: Bot, chat: ChatRecord, params: Call['params']): Fields {
  const given = params.json('reply_parameters');
  if (given === undefined) throw badRequest("Can't parse reply parameters JSON object");
  if (given !== null && !isFields(given)) throw badRequest('Object expected as reply parameters');
  const reply = given ?? {
    message_id: params.integer('reply_to_message_id', 0),
    allow_sending_without_reply: params.flag('allow_sending_without_reply'),
  };
  if (Object.keys(reply).length === 0) return {};
  if (reply.message_id === undefined) throw badRequest('Can\'t find field "message_id"');
  const messageId = integerOf(Number(reply.message_id));
  if (messageId === undefined) throw badRequest('Field "message_id" must be of type Number');
  if (messageId <= 0) return {};
  const target = reply.chat_id === undefined ? chat : chatToRead(bot.chats, String(reply.chat_id));
  const stored = target.messages.get(messageId);
  if (stored === undefined) {
    if (reply.allow_sending_without_reply === true) return {};
    throw badRequest('message to be replied not found');
  }
  return target === chat
    ? { reply_to_message: withoutReply(stored.message) }
    : { external_reply: externalReply(target, messageId) };
}

/** A message as a reply shows it: without the message that it answered itself. */
export function withoutReply({ reply_to_message: _, ...shown }: Message): Omit<Message, 'reply_to_message'> {
  return shown;
}

const externalReply = (chat: ChatRecord, messageId: number) => ({ chat: shownChat(chat), message_id: messageId });
