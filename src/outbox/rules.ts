/** A call's parameters, by name. */
export type Params = Readonly<Record<string, unknown>>;

/** What Telegram would refuse of a call, and why. */
export interface Broken {
  readonly field: string;
  readonly message: string;
}

/** Buttons under one message, in all its rows. */
const BUTTONS_MAX = 100;

/** Telegram's rules between parameters, which no schema of one of them can tell. Null: none is broken. */
export function ruleBroken(method: string, params: Params): Broken | null {
  return buttons(params) ?? RULES[method]?.(params) ?? null;
}

const RULES: Readonly<Record<string, (params: Params) => Broken | null>> = {
  sendMediaGroup: ({ media }) => album(media),
  sendPoll: poll,
};

function buttons({ reply_markup: markup }: Params): Broken | null {
  if (typeof markup !== 'object' || markup === null || !('inline_keyboard' in markup)) return null;
  const rows = markup.inline_keyboard;
  if (!Array.isArray(rows) || rows.flat().length <= BUTTONS_MAX) return null;
  const message = `A message has ${BUTTONS_MAX} buttons at most`;
  return { field: 'reply_markup/inline_keyboard', message };
}

/** Documents and audio go with their like alone. */
function album(media: unknown): Broken | null {
  const types = Array.isArray(media) ? media.map((item) => Object(item).type) : [];
  for (const alone of ['document', 'audio']) {
    if (!types.includes(alone)) continue;
    const other = types.findIndex((type) => type !== alone);
    if (other >= 0) return { field: `media/${other}/type`, message: `${alone} goes with ${alone} alone in an album` };
  }
  return null;
}

function poll(params: Params): Broken | null {
  const { type, options, correct_option_ids: right, open_period: period, close_date: date } = params;
  if (period !== undefined && date !== undefined) {
    return { field: 'close_date', message: 'A poll has open_period or close_date, not both' };
  }
  if (type === 'quiz' && right === undefined) {
    return { field: 'correct_option_ids', message: 'A quiz has a right answer' };
  }
  const count = Array.isArray(options) ? options.length : 0;
  if (!Array.isArray(right) || right.every((id) => id < count)) return null;
  return { field: 'correct_option_ids', message: `The answers have the numbers 0 to ${count - 1}` };
}
