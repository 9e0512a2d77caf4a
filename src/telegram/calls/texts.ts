import { Type } from 'typebox';
import { limits } from '../../limits.ts';
import { call, Entities, object, ParseMode, Single, text } from './parts.ts';

/** Texts. */
export const TEXT_CALLS = {
  sendMessage: call(
    'A text',
    {
      ...Single,
      text: text(1, limits.textLengthMax, 'What it says', 'parse_mode'),
      parse_mode: ParseMode,
      entities: Entities,
      link_preview_options: Type.Optional(object('LinkPreviewOptions')),
    },
    {
      chat_id: 777,
      text: 'Your order is <b>on its way</b>.',
      parse_mode: 'HTML',
      reply_markup: { inline_keyboard: [[{ text: 'Where is it?', callback_data: 'where:1001' }]] },
    },
  ),
};
