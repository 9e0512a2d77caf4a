import { Type } from 'typebox';
import { limits } from '../../limits.ts';
import { Business, Chat, call, flag, integer, name, seconds, text } from './parts.ts';

/** What is no message: a sign that the bot is at work, an answer to the press of a button. */
export const SIGN_CALLS = {
  sendChatAction: call(
    'Shown for 5 s at most: the bot is typing, uploading, …',
    {
      ...Business,
      chat_id: Chat,
      message_thread_id: integer(1, 2 ** 53, 'A topic of the chat'),
      action: Type.Enum([
        'typing',
        'upload_photo',
        'record_video',
        'upload_video',
        'record_voice',
        'upload_voice',
        'upload_document',
        'choose_sticker',
        'find_location',
        'record_video_note',
        'upload_video_note',
      ]),
    },
    { chat_id: 777, action: 'typing' },
  ),
  answerCallbackQuery: call(
    'The answer to the press of a button',
    {
      callback_query_id: text(1, limits.callbackQueryIdLengthMax, "The query's id"),
      text: Type.Optional(text(0, limits.callbackTextLengthMax, 'Shown to the user')),
      show_alert: flag('As an alert'),
      url: name('Opened by the client'),
      cache_time: seconds('For which the client may keep the answer'),
    },
    { callback_query_id: '4382bfdwdsb323b2d9', text: 'Thank you' },
  ),
};
