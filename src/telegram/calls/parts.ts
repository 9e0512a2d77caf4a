import { type Static, Type } from 'typebox';
import { limits } from '../../limits.ts';

/**
 * Parts of the calls' schemas. Beside JSON Schema's own keywords, three of Telegram's rules that it has no word for:
 * `x-length` (characters, after entities are parsed where `x-parsed-by` names the parameter that tells how), `x-bytes`,
 * and `x-file` (a file_id, a URL, or `attach://` and the name of an uploaded part). check.ts upholds them.
 */

/** A text of so many characters. With `parsedBy` its marks do not count: it is measured as far as can be known. */
export const text = (min: number, max: number, description: string, parsedBy?: string) =>
  Type.String({
    description: `${description}, ${min} to ${max} characters${parsedBy === undefined ? '' : ' after entities parsing'}`,
    'x-length': { min, max },
    ...(parsedBy === undefined ? {} : { 'x-parsed-by': parsedBy }),
  });

/** A text of so many bytes in UTF-8. */
export const bytes = (min: number, max: number, description: string) =>
  Type.String({ description: `${description}, ${min} to ${max} bytes`, 'x-bytes': { min, max } });

/** A file: by file_id, by a URL that Telegram fetches, or uploaded with the call. */
export const file = (description: string) =>
  Type.String({
    description: `${description}: a file_id, an HTTP(S) URL, or attach:// and the name of a part of the form`,
    'x-file': true,
    'x-length': { min: 1, max: 4096 },
  });

/** An object that is passed on as it is: Telegram looks into it. */
export const object = (description: string) => Type.Object({}, { additionalProperties: true, description });

export const flag = (description: string) => Type.Optional(Type.Boolean({ description }));
export const integer = (min: number, max: number, description: string) =>
  Type.Optional(Type.Integer({ minimum: min, maximum: max, description }));
export const name = (description: string) => Type.Optional(Type.String({ description }));
export const seconds = (description: string) => integer(0, 2 ** 31 - 1, description);

export const MessageId = Type.Integer({ minimum: 1, description: 'A message of that chat' });
export const Chat = Type.Union([Type.Integer(), Type.String()], {
  description: 'A chat id, or the @name of a public group or channel',
});

export const ParseMode = Type.Optional(
  Type.Enum(['HTML', 'Markdown', 'MarkdownV2'], { description: 'How entities are marked in the text' }),
);
export const Entities = Type.Optional(
  Type.Array(
    Type.Object(
      { type: Type.String(), offset: Type.Integer({ minimum: 0 }), length: Type.Integer({ minimum: 1 }) },
      { additionalProperties: true },
    ),
    { maxItems: limits.entitiesMax, description: 'In place of parse_mode; offsets and lengths in UTF-16 units' },
  ),
);

/** The caption of a file and what goes with it. */
export const Captioned = {
  caption: Type.Optional(text(0, limits.captionLengthMax, 'Its caption', 'parse_mode')),
  parse_mode: ParseMode,
  caption_entities: Entities,
};

/** What is said of a video or an animation. */
export const Framed = {
  duration: seconds('Seconds'),
  width: integer(0, 100_000, 'Pixels'),
  height: integer(0, 100_000, 'Pixels'),
};

const InlineButton = Type.Object(
  {
    text: text(1, 4096, 'What it says'),
    callback_data: Type.Optional(bytes(1, 64, 'Comes back in the callback query')),
    url: Type.Optional(Type.String()),
  },
  { additionalProperties: true },
);
const { keyboardRowsMax: maxItems } = limits;
const InlineRows = Type.Array(Type.Array(InlineButton, { maxItems }), {
  maxItems,
  description: 'Rows of buttons, 100 buttons at most',
});

/** A keyboard of the message itself: all that an edit takes. */
export const InlineKeyboard = Type.Optional(
  Type.Object(
    { inline_keyboard: InlineRows },
    { additionalProperties: true, description: 'Buttons under the message' },
  ),
);
const Keyboard = Type.Optional(
  Type.Object(
    {
      inline_keyboard: Type.Optional(InlineRows),
      keyboard: Type.Optional(
        Type.Array(Type.Array(Type.Union([Type.String(), Type.Object({ text: Type.String() })]), { maxItems }), {
          maxItems,
        }),
      ),
      remove_keyboard: Type.Optional(Type.Literal(true)),
      force_reply: Type.Optional(Type.Literal(true)),
    },
    {
      additionalProperties: true,
      description: 'InlineKeyboardMarkup, ReplyKeyboardMarkup, ReplyKeyboardRemove or ForceReply',
    },
  ),
);

const Reply = Type.Object(
  {
    message_id: Type.Optional(Type.Integer({ description: 'The message that is answered' })),
    chat_id: Type.Optional(Chat),
    allow_sending_without_reply: flag('Send it also where that message is gone'),
    quote: Type.Optional(text(0, limits.captionLengthMax, 'The part that is quoted', 'quote_parse_mode')),
    quote_parse_mode: ParseMode,
    quote_entities: Entities,
    quote_position: integer(0, 2 ** 31 - 1, 'Where the quote begins, in UTF-16 units'),
    checklist_task_id: integer(0, 2 ** 31 - 1, 'The task of a checklist that is answered'),
    poll_option_id: name('The option of a poll that is answered'),
  },
  { additionalProperties: true, description: 'ReplyParameters' },
);

/** Where and how any message is sent. */
export const Sending = {
  chat_id: Chat,
  message_thread_id: integer(1, 2 ** 53, 'A topic of the chat'),
  disable_notification: flag('Without a sound'),
  protect_content: flag('Not to be forwarded or saved'),
  allow_paid_broadcast: flag('Up to 1000 messages a second, for Stars'),
  message_effect_id: name('An effect, in private chats'),
  reply_parameters: Type.Optional(Reply),
  reply_to_message_id: integer(0, 2 ** 53, 'Deprecated: reply_parameters'),
};

export const Business = { business_connection_id: name('The business account to send for') };
export const Direct = {
  direct_messages_topic_id: integer(1, 2 ** 53, "A topic of a channel's direct messages"),
  suggested_post_parameters: Type.Optional(object('SuggestedPostParameters')),
};
export const Marked = { reply_markup: Keyboard };

/** What all messages of one piece take. */
export const Single = {
  ...{ ...Business, ...Sending, ...Direct, ...Marked },
  ephemeral_message_parameters: Type.Optional(object('EphemeralMessageParameters')),
};

/** The schema of one method's parameters, with an example that works. Parameters not named here are passed on. */
export const call = <P extends Type.TProperties>(description: string, properties: P, example: Example<P>) =>
  Type.Object(properties, { additionalProperties: true, description, examples: [example] });

type Example<P extends Type.TProperties> = Static<Type.TObject<P>>;
