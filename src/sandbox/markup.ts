import { limits } from '../limits.ts';
import { badRequest } from './api-error.ts';
import { type Fields, isFields } from './fields.ts';
import type { Params } from './params.ts';

/** Of what a button carries. */
export const CALLBACK_DATA_BYTES_MAX = 64;
const BUTTONS_MAX = 100;

/** What an inline button does: exactly one of these. */
const INLINE_ACTIONS = [
  'url',
  'callback_data',
  'callback_game',
  'pay',
  'switch_inline_query',
  'switch_inline_query_chosen_chat',
  'switch_inline_query_current_chat',
  'login_url',
  'web_app',
  'copy_text',
] as const;

/** Reads `reply_markup`: undefined where there is none. Throws ApiError 400 in Telegram's words. */
export function readMarkup(params: Params): Fields | undefined {
  const markup = params.json('reply_markup');
  if (markup === null) return undefined;
  if (markup === undefined) throw badRequest("Can't parse reply keyboard markup JSON object");
  if (!isFields(markup)) throw badRequest('Object expected as reply markup');
  if (JSON.stringify(markup).length > limits.sandboxContentLengthMax) throw badRequest('reply markup is too long');
  if (Array.isArray(markup.inline_keyboard) && markup.inline_keyboard.length > 0) {
    return { inline_keyboard: inlineRows(markup.inline_keyboard) };
  }
  if (Array.isArray(markup.keyboard) && markup.keyboard.length > 0) {
    for (const row of markup.keyboard) {
      if (!Array.isArray(row)) throw badRequest('Field "keyboard" must be an Array of Arrays');
      for (const button of row) {
        if (typeof button !== 'string' && !(isFields(button) && typeof button.text === 'string')) {
          throw badRequest("Can't parse keyboard button: KeyboardButton must be a String or an Object");
        }
      }
    }
    return markup;
  }
  return markup.remove_keyboard === true || markup.force_reply === true ? markup : undefined;
}

function inlineRows(rows: readonly unknown[]): readonly (readonly Fields[])[] {
  const read = rows.map((row) => {
    if (!Array.isArray(row)) {
      throw badRequest('Field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays');
    }
    return row.map(inlineButton);
  });
  if (read.flat().length > BUTTONS_MAX) throw badRequest('reply markup is too long');
  return read.filter((row) => row.length > 0);
}

function inlineButton(button: unknown): Fields {
  const fail = (why: string) => badRequest(`Can't parse inline keyboard button: ${why}`);
  if (!isFields(button)) throw fail('InlineKeyboardButton must be an Object');
  if (button.text === undefined) throw fail('Can\'t find field "text"');
  if (typeof button.text !== 'string') throw fail('Field "text" must be of type String');
  const action = INLINE_ACTIONS.find(
    (name) => button[name] !== undefined && (button[name] !== '' || name.startsWith('s')),
  );
  if (action === undefined) throw fail('Text buttons are unallowed in the inline keyboard');
  if (action === 'callback_data') {
    if (typeof button.callback_data !== 'string') throw fail('Field "callback_data" must be of type String');
    if (Buffer.byteLength(button.callback_data) > CALLBACK_DATA_BYTES_MAX) throw badRequest('BUTTON_DATA_INVALID');
  }
  if (action === 'url' && !isLink(button.url)) throw badRequest('BUTTON_URL_INVALID');
  if (button.text === '') throw badRequest('BUTTON_TEXT_INVALID');
  return button;
}

function isLink(url: unknown): boolean {
  if (typeof url !== 'string') return false;
  const full = /^[a-z][a-z0-9+.-]*:/i.test(url) ? url : `http://${url}`;
  return URL.canParse(full) && /^(?:https?|tg|ton):/i.test(full) && !/\s/.test(url);
}
