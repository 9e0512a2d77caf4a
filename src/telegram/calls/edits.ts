import { Type } from 'typebox';
import { limits } from '../../limits.ts';
import {
  Business,
  Captioned,
  Chat,
  call,
  Entities,
  flag,
  InlineKeyboard,
  MessageId,
  object,
  ParseMode,
  text,
} from './parts.ts';

/** A message that the bot has sent. Inline messages have no chat, and so no place in an order: they are not taken. */
const Target = { ...Business, chat_id: Chat, message_id: MessageId };
const Own = { chat_id: Chat, message_id: MessageId };
const chat_id = 777;
const message_id = 42;

/** What is done to messages that are there already. */
export const EDIT_CALLS = {
  editMessageText: call(
    'Another text in a message',
    {
      ...Target,
      text: text(1, limits.textLengthMax, 'What it says', 'parse_mode'),
      parse_mode: ParseMode,
      entities: Entities,
      link_preview_options: Type.Optional(object('LinkPreviewOptions')),
      reply_markup: InlineKeyboard,
    },
    { chat_id, message_id, text: 'Delivered.' },
  ),
  editMessageCaption: call(
    'Another caption of a file',
    {
      ...{ ...Target, ...Captioned },
      show_caption_above_media: flag('The caption stands above it'),
      reply_markup: InlineKeyboard,
    },
    { chat_id, message_id, caption: 'Your receipt, corrected' },
  ),
  editMessageReplyMarkup: call(
    'Other buttons under a message, or none',
    { ...Target, reply_markup: InlineKeyboard },
    { chat_id, message_id, reply_markup: { inline_keyboard: [[{ text: 'Open', url: 'https://example.com/' }]] } },
  ),
  deleteMessage: call('A message taken away', Own, { chat_id, message_id }),
  pinChatMessage: call(
    'A message pinned in its chat',
    { ...Target, disable_notification: flag('Without a notice to the members') },
    { chat_id, message_id, disable_notification: true },
  ),
};
