import type { Message } from '@grammyjs/types';
import { badRequest } from './api-error.ts';
import { publish } from './bots.ts';
import type { Call, Method } from './call.ts';
import { type ChatRecord, chatToRead, chatToWrite, isInlineKeyboard, type StoredMessage } from './chats.ts';
import { type Fields, integerOf } from './fields.ts';
import { readMarkup } from './markup.ts';
import { contentOf, readCaption, readMessageText } from './methods-send.ts';

/** Messages that a bot changes or deletes. */
export const EDIT_METHODS = {
  editMessageText: (call) => edit(call, { text: undefined, entities: undefined, ...textOf(call) }),
  editMessageCaption: (call) => edit(call, { caption: undefined, caption_entities: undefined, ...captionOf(call) }),
  editMessageReplyMarkup: (call) => edit(call, {}),
  deleteMessage,
  deleteMessages,
} satisfies Record<string, Method>;

const DELETABLE_MS = 48 * 3_600_000;

const textOf = (call: Call): Fields => contentOf(readMessageText(call), 'text', 'entities');
const captionOf = (call: Call): Fields => contentOf(readCaption(call.params), 'caption', 'caption_entities');

function edit(call: Call, content: Fields): Message {
  const { world, bot, params } = call;
  const given = readMarkup(params);
  const markup = isInlineKeyboard(given) ? given : undefined;
  if (params.text('inline_message_id') !== '') throw badRequest('MESSAGE_ID_INVALID');
  const chat = chatToWrite(bot.chats, params.text('chat_id'));
  const stored = chat.messages.get(params.integer('message_id', 0));
  if (stored === undefined) throw badRequest('message to edit not found');
  if (!stored.byBot) throw badRequest("message can't be edited");
  if ('text' in content && stored.message.text === undefined) {
    throw badRequest('there is no text in the message to edit');
  }
  if ('caption' in content && stored.message.text !== undefined) {
    throw badRequest('there is no caption in the message to edit');
  }
  // Without a keyboard in the call, the message loses its own.
  const { reply_markup: _, edit_date: __, ...before } = stored.message;
  const changed: Message = { ...before, ...content, ...(markup === undefined ? {} : { reply_markup: markup }) };
  if (isUnchanged(changed, stored.message)) {
    throw badRequest(
      'message is not modified: specified new message content and reply markup are exactly the same as a current ' +
        'content and reply markup of the message',
    );
  }
  stored.message = { ...changed, edit_date: Math.floor(world.clock.now() / 1000) };
  stored.markup = markup;
  publish(bot, { type: 'edited', direction: 'out', chat_id: chat.id, message: stored.message });
  return stored.message;
}

/** Nothing that a reader sees has changed. */
function isUnchanged(changed: Message, current: Message): boolean {
  const visible = ({ text, entities, caption, caption_entities, reply_markup }: Message) =>
    JSON.stringify([text, entities ?? [], caption, caption_entities ?? [], reply_markup?.inline_keyboard ?? []]);
  return visible(changed) === visible(current);
}

function deleteMessage({ world, bot, params }: Call): true {
  if (params.text('chat_id') === '') throw badRequest('Chat identifier is not specified');
  const id = params.integer('message_id', 0);
  if (id === 0) throw badRequest('Message identifier is not specified');
  const chat = chatToWrite(bot.chats, params.text('chat_id'));
  const stored = chat.messages.get(id);
  if (stored === undefined) throw badRequest('message to delete not found');
  if (!isDeletable(chat, stored, world.clock.now())) throw badRequest("message can't be deleted");
  chat.messages.delete(id);
  publish(bot, { type: 'deleted', direction: 'out', chat_id: chat.id, message_id: id });
  return true;
}

/** What cannot be found or deleted is passed over, as on Telegram. */
function deleteMessages({ world, bot, params }: Call): true {
  const ids = params.json('message_ids');
  if (!Array.isArray(ids) || ids.length === 0) throw badRequest('Message identifiers are not specified');
  const chat = chatToRead(bot.chats, params.text('chat_id'));
  for (const id of ids.slice(0, 100).map(integerOf)) {
    const stored = id === undefined ? undefined : chat.messages.get(id);
    if (id === undefined || stored === undefined || !isDeletable(chat, stored, world.clock.now())) continue;
    chat.messages.delete(id);
    publish(bot, { type: 'deleted', direction: 'out', chat_id: chat.id, message_id: id });
  }
  return true;
}

/** The bot's own messages and, in a private chat, the user's, for 48 hours. In groups it is no administrator. */
function isDeletable(chat: ChatRecord, stored: StoredMessage, now: number): boolean {
  const young = now - stored.message.date * 1000 < DELETABLE_MS;
  return young && (stored.byBot || chat.kind === 'private');
}
