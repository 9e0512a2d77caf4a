import { Type } from 'typebox';
import { Business, call, Entities, flag, integer, Marked, object, ParseMode, Sending, text } from './parts.ts';

const Option = Type.Object(
  {
    text: text(1, 100, 'What it says', 'text_parse_mode'),
    text_parse_mode: ParseMode,
    text_entities: Entities,
  },
  { additionalProperties: true },
);

/** Polls and quizzes. */
export const POLL_CALLS = {
  sendPoll: call(
    'A poll, or a quiz',
    {
      ...{ ...Business, ...Sending, ...Marked },
      question: text(1, 300, 'The question', 'question_parse_mode'),
      question_parse_mode: ParseMode,
      question_entities: Entities,
      options: Type.Array(Type.Union([Option, text(1, 100, 'What it says')]), {
        minItems: 1,
        maxItems: 12,
        description: '1 to 12 answers',
      }),
      is_anonymous: flag('Nobody sees who voted; true by default'),
      type: Type.Optional(Type.Enum(['regular', 'quiz'])),
      allows_multiple_answers: flag('More than one answer'),
      allows_revoting: flag('An answer can be changed'),
      shuffle_options: flag('The answers in random order'),
      allow_adding_options: flag('Answers can be added'),
      hide_results_until_closes: flag('Results once it is closed'),
      members_only: flag('For members of the channel of a day or more'),
      country_codes: Type.Optional(
        Type.Array(Type.String(), { maxItems: 12, description: 'Who may vote, in channels' }),
      ),
      correct_option_ids: Type.Optional(
        Type.Array(Type.Integer({ minimum: 0, maximum: 11 }), {
          minItems: 1,
          maxItems: 12,
          description: 'The right answers of a quiz',
        }),
      ),
      explanation: Type.Optional(text(0, 200, 'Told after a wrong answer', 'explanation_parse_mode')),
      explanation_parse_mode: ParseMode,
      explanation_entities: Entities,
      explanation_media: Type.Optional(object('InputPollMedia')),
      description: Type.Optional(text(0, 1024, 'What it is about', 'description_parse_mode')),
      description_parse_mode: ParseMode,
      description_entities: Entities,
      media: Type.Optional(object('InputPollMedia')),
      open_period: integer(5, 2_628_000, 'Seconds until it closes; not with close_date'),
      close_date: integer(0, 2 ** 53, 'When it closes, Unix time; not with open_period'),
      is_closed: flag('Closed at once'),
    },
    { chat_id: 777, question: 'When shall we deliver?', options: [{ text: 'Morning' }, { text: 'Evening' }] },
  ),
};
