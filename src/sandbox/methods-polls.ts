import type { Message } from '@grammyjs/types';
import { badRequest } from './api-error.ts';
import type { Call, Method } from './call.ts';
import { type Fields, integerOf, isFields } from './fields.ts';
import { send } from './methods-send.ts';

/** Polls and quizzes. Nobody votes in the sandbox. */
export const POLL_METHODS = { sendPoll } satisfies Record<string, Method>;

const QUESTION_MAX = 300;
const OPTION_MAX = 100;
const OPTIONS_MAX = 12;

function sendPoll(call: Call): Message {
  const { params, bot, world } = call;
  const question = textOf(params.text('question'), QUESTION_MAX, 'Poll question');
  const given = params.json('options');
  if (given === undefined) throw badRequest("Can't parse options JSON object");
  if (!Array.isArray(given)) throw badRequest('Expected an Array of String as options');
  if (given.length === 0) throw badRequest('poll must have at least 1 option');
  if (given.length > OPTIONS_MAX) throw badRequest(`poll can't have more than ${OPTIONS_MAX} options`);
  const options = given.map((option) => textOf(optionText(option), OPTION_MAX, 'Poll options'));
  const type = params.text('type') || 'regular';
  if (type !== 'regular' && type !== 'quiz') throw badRequest('Unsupported poll type specified');
  return send(call, {
    poll: {
      id: `${bot.id}${world.clock.now()}`,
      question,
      options: options.map((text, i) => ({ persistent_id: String(i), text, voter_count: 0 })),
      total_voter_count: 0,
      is_closed: params.flag('is_closed'),
      is_anonymous: !params.has('is_anonymous') || params.flag('is_anonymous'),
      type,
      allows_multiple_answers: params.flag('allows_multiple_answers'),
      ...(type === 'quiz' ? quizOf(params, options.length) : {}),
    },
  });
}

function quizOf(params: Call['params'], options: number): Fields {
  const given = params.json('correct_option_ids') ?? [params.integer('correct_option_id', -1)];
  const ids = Array.isArray(given) ? given.map(integerOf) : [];
  const wrong = ids.length === 0 || ids.some((id) => id === undefined || id < 0 || id >= options);
  if (wrong) throw badRequest('Wrong correct option ID specified');
  const explanation = params.text('explanation');
  return { correct_option_ids: ids, ...(explanation === '' ? {} : { explanation }) };
}

const optionText = (option: unknown): string => {
  const text = isFields(option) ? option.text : option;
  if (typeof text !== 'string') throw badRequest('Can\'t parse poll option: Field "text" must be of type String');
  return text;
};

function textOf(text: string, max: number, what: string): string {
  const trimmed = text.trim();
  if (trimmed === '') throw badRequest(`${what} must be non-empty`);
  if ([...trimmed].length > max) throw badRequest(`${what} length must not exceed ${max}`);
  return trimmed;
}
