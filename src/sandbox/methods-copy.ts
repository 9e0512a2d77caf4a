import type { Message } from '@grammyjs/types';
import { badRequest } from './api-error.ts';
import { publish } from './bots.ts';
import type { Call, Method } from './call.ts';
import { type ChatRecord, chatToRead, chatToWrite, type StoredMessage, storeMessage } from './chats.ts';
import type { Fields } from './fields.ts';
import { MEDIA_FIELDS } from './media-content.ts';
import { botUser, contentOf, newMessage, readCaption, send } from './methods-send.ts';

/** What is done with messages that are there: copied, forwarded, pinned. */
export const COPY_METHODS = { copyMessage, forwardMessage, pinChatMessage } satisfies Record<string, Method>;

/** The fields that make a message what it is; the others tell where, when and by whom it was sent. */
const CONTENT: readonly string[] = [
  ...['text', 'entities', 'caption', 'caption_entities', 'location', 'contact', 'poll', 'has_media_spoiler'],
  ...['show_caption_above_media', ...MEDIA_FIELDS],
];

function contentFields(message: Message): Fields {
  const fields = Object.entries(message).filter(([name]) => CONTENT.includes(name));
  return Object.fromEntries(fields);
}

function copyMessage(call: Call): { message_id: number } {
  const { message } = sourceOf(call, 'copy');
  const before = contentFields(message);
  const recaptioned = call.params.has('caption') && MEDIA_FIELDS.some((name) => name in before);
  const { caption: _, caption_entities: __, ...bare } = before;
  const content = recaptioned
    ? { ...bare, ...contentOf(readCaption(call.params), 'caption', 'caption_entities') }
    : before;
  return { message_id: send(call, content).message_id };
}

function forwardMessage(call: Call): Message {
  const { message } = sourceOf(call, 'forward');
  return send(call, { forward_origin: originOf(message), ...contentFields(message) });
}

/** Where a forward comes from; a forward of a forward keeps its first origin. */
function originOf(message: Message): Fields {
  if (message.forward_origin !== undefined) return { ...message.forward_origin };
  const { date, sender_chat, from, message_id } = message;
  if (sender_chat !== undefined) return { type: 'channel', chat: sender_chat, message_id, date };
  return { type: 'user', sender_user: from, date };
}

function sourceOf({ bot, params }: Call, what: 'copy' | 'forward'): StoredMessage {
  const from = params.text('from_chat_id');
  if (from === '') throw badRequest('chat_id is empty');
  chatToWrite(bot.chats, params.text('chat_id'));
  const stored = chatToRead(bot.chats, from).messages.get(params.integer('message_id', 0));
  if (stored === undefined) throw badRequest(`message to ${what} not found`);
  const hasContent = Object.keys(contentFields(stored.message)).length > 0;
  if (!hasContent || stored.message.has_protected_content === true) {
    throw badRequest(what === 'copy' ? "message can't be copied" : "message can't be forwarded");
  }
  return stored;
}

/** In groups the bot is no administrator. A pin is told in the chat, by a message of its own. */
function pinChatMessage({ world, bot, params }: Call): true {
  const chat = chatToWrite(bot.chats, params.text('chat_id'));
  if (chat.kind === 'group' || chat.kind === 'supergroup') {
    throw badRequest('not enough rights to manage pinned messages in the chat');
  }
  const stored = chat.messages.get(params.integer('message_id', 0));
  if (stored === undefined) throw badRequest('message to pin not found');
  chat.pinned = stored.message.message_id;
  tellPin(chat, stored);
  return true;

  function tellPin(where: ChatRecord, { message }: StoredMessage): void {
    const { reply_to_message: _, ...pinned } = message;
    const notice = newMessage(bot, where, botUser(bot), Math.floor(world.clock.now() / 1000), {
      pinned_message: pinned,
    });
    storeMessage(where, notice, true);
    publish(bot, { type: 'message', direction: 'out', chat_id: where.id, message: notice });
  }
}
