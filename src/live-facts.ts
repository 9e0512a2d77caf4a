import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Refusal, Trial } from './live-trial.ts';
import { UPDATE_KINDS } from './telegram/telegram.ts';

/** What a trial showed. `same`: whether it is as the docs say; null: the trial could not tell, or the docs say nothing certain. */
export interface Seen {
  readonly same: boolean | null;
  readonly seen: string;
}

/** One thing that Switchboard or its sandbox takes Telegram to do. */
export interface Fact {
  readonly name: string;
  /** What Switchboard's docs and sandbox say. */
  readonly docs: string;
  try(trial: Trial): Promise<Seen>;
}

/** Edits of one message in a row. Few: Telegram is said to answer many with a wait of hours. */
const EDITS = 10;
/** Messages in a row: more than a private chat is said to take at once. */
const MESSAGES = 20;

const Sent = Type.Object({
  message_id: Type.Integer(),
  text: Type.Optional(Type.String()),
  entities: Type.Optional(Type.Array(Type.Object({ type: Type.String() }))),
  reply_markup: Type.Optional(Type.Unknown()),
});
const SentShape = Compile(Sent);

/** Null: it is no message. */
const messageOf = (result: unknown): Static<typeof Sent> | null => (SentShape.Check(result) ? result : null);
const keyboard = (data: string) => ({ inline_keyboard: [[{ text: 'Press me', callback_data: data }]] });

async function send(trial: Trial, params: Readonly<Record<string, unknown>> = {}): Promise<number> {
  const sent = messageOf(await trial.call('sendMessage', { text: 'A trial of switchboard doctor --live', ...params }));
  if (sent === null) throw new Error('sendMessage gave no message');
  return sent.message_id;
}

/** As the docs say if the call is refused with this code and a text that has these words. */
function refusedWith(refusal: Refusal | null, code: number, words: string): Seen {
  if (refusal === null) return { same: false, seen: 'it is taken' };
  return {
    same: refusal.code === code && refusal.description.toLowerCase().includes(words.toLowerCase()),
    seen: `${refusal.code} ${refusal.description}`,
  };
}

/** Calls one after another without a pause, until one is refused for their number. */
async function flood(trial: Trial, most: number, call: (n: number) => Promise<Refusal | null>): Promise<Seen> {
  const begun = trial.elapsedMs();
  const seconds = () => `${((trial.elapsedMs() - begun) / 1000).toFixed(1)} s`;
  for (let n = 1; n <= most; n += 1) {
    const refusal = await call(n);
    if (refusal === null) continue;
    const seen = `number ${n}, after ${seconds()}: ${refusal.code} ${refusal.description}`;
    return { same: refusal.code === 429 && refusal.retryAfterMs !== undefined, seen };
  }
  return { same: null, seen: `none of ${most} within ${seconds()} was refused` };
}

/** In the order of trying: what may be answered with a long wait comes last. */
export const FACTS: readonly Fact[] = [
  {
    name: 'text-length',
    docs: 'a text of 4096 characters is taken, one of 4097 refused: 400, message is too long',
    async try(trial) {
      await send(trial, { text: 'x'.repeat(4096) });
      return refusedWith(await trial.refusal('sendMessage', { text: 'x'.repeat(4097) }), 400, 'message is too long');
    },
  },
  {
    name: 'parse-mode',
    docs: 'parse_mode is read in capitals and small letters alike',
    async try(trial) {
      const sent = messageOf(await trial.call('sendMessage', { text: '<b>bold</b>', parse_mode: 'hTmL' }));
      const kinds = sent?.entities?.map(({ type }) => type).join() ?? 'none';
      return { same: sent?.text === 'bold' && kinds === 'bold', seen: `the text has these entities: ${kinds}` };
    },
  },
  {
    name: 'empty-parameter',
    docs: 'a parameter that is empty counts as not given',
    async try(trial) {
      const given = { text: 'Empty parameters', parse_mode: '', reply_parameters: '', reply_markup: '' };
      const refusal = await trial.refusal('sendMessage', given);
      return { same: refusal === null, seen: refusal === null ? 'it is taken' : refusal.description };
    },
  },
  {
    name: 'same-edit',
    docs: 'an edit that changes nothing is refused: 400, message is not modified',
    async try(trial) {
      const message_id = await send(trial, { text: 'unchanged' });
      const refusal = await trial.refusal('editMessageText', { message_id, text: 'unchanged' });
      return refusedWith(refusal, 400, 'message is not modified');
    },
  },
  {
    name: 'edit-keyboard',
    docs: 'an edit without a keyboard takes the keyboard away',
    async try(trial) {
      const message_id = await send(trial, { reply_markup: keyboard('gone') });
      const edited = messageOf(await trial.call('editMessageText', { message_id, text: 'Edited, without a keyboard' }));
      const gone = edited !== null && edited.reply_markup === undefined;
      return { same: gone, seen: gone ? 'it is gone' : 'it is still there' };
    },
  },
  {
    name: 'button-data',
    docs: 'a button has at most 64 bytes of data; more are refused: 400, BUTTON_DATA_INVALID',
    async try(trial) {
      await send(trial, { reply_markup: keyboard('x'.repeat(64)) });
      const more = { text: 'Too much data', reply_markup: keyboard('x'.repeat(65)) };
      return refusedWith(await trial.refusal('sendMessage', more), 400, 'BUTTON_DATA_INVALID');
    },
  },
  {
    name: 'second-delete',
    docs: 'a message that is deleted already is refused: 400, message to delete not found',
    async try(trial) {
      const message_id = await send(trial);
      await trial.call('deleteMessage', { message_id });
      return refusedWith(await trial.refusal('deleteMessage', { message_id }), 400, 'message to delete not found');
    },
  },
  {
    name: 'unknown-method',
    docs: 'a method that Telegram does not know is refused: 404, Not Found: method not found',
    async try(trial) {
      return refusedWith(await trial.refusal('sendSwitchboardTrial', {}), 404, 'method not found');
    },
  },
  {
    name: 'unknown-update',
    docs: 'a kind of update that Telegram does not know is passed over in allowed_updates',
    async try(trial) {
      const allowed_updates = [...UPDATE_KINDS, 'switchboard_trial'];
      const refusal = await trial.refusal('getUpdates', { timeout: 0, allowed_updates });
      return { same: refusal === null, seen: refusal === null ? 'it is passed over' : refusal.description };
    },
  },
  {
    name: 'two-polls',
    docs: 'of two polls at a time the older one is ended: 409, terminated by other getUpdates request',
    async try(trial) {
      const older = trial.refusal('getUpdates', { timeout: 50 });
      await trial.pause(2000);
      await trial.refusal('getUpdates', { timeout: 0 });
      return refusedWith(await older, 409, 'terminated by other getUpdates request');
    },
  },
  {
    name: 'unconfirmed',
    docs: 'an update comes again until it is confirmed, and then no more',
    async try(trial) {
      const word = 'switchboard';
      const update = await trial.await(`Write the word ${word} to the bot`, ({ message }) =>
        (message?.text ?? '').toLowerCase().includes(word),
      );
      if (update === null) return { same: null, seen: 'nobody wrote it' };
      const again = (await trial.updates()).some((other) => other.update_id === update.update_id);
      if (!again) return { same: false, seen: 'it did not come again' };
      if (!(await trial.confirm(update))) return { same: null, seen: 'it came again; others wrote too, so it stays' };
      const still = (await trial.updates()).some((other) => other.update_id === update.update_id);
      return { same: !still, seen: still ? 'it came after it was confirmed' : 'it came again, and then no more' };
    },
  },
  {
    name: 'button',
    docs: "a button that is pressed brings its data and its message, and the bot's answer is taken",
    async try(trial) {
      const data = 'trial-of-a-button';
      const message_id = await send(trial, { text: 'Press the button', reply_markup: keyboard(data) });
      const update = await trial.await(
        'Press the button that the bot has sent',
        ({ callback_query: press }) => press?.message?.message_id === message_id,
      );
      const press = update?.callback_query;
      if (update === null || press === undefined) return { same: null, seen: 'nobody pressed it' };
      const refusal = await trial.refusal('answerCallbackQuery', { callback_query_id: press.id, text: 'Thank you' });
      await trial.confirm(update);
      if (press.data !== data) return { same: false, seen: `the data that came is ${JSON.stringify(press.data)}` };
      return { same: refusal === null, seen: refusal === null ? 'so it is' : `its answer: ${refusal.description}` };
    },
  },
  {
    name: 'burst',
    docs: 'five messages at once to one chat are taken',
    async try(trial) {
      await trial.pause(10_000);
      const calls = [1, 2, 3, 4, 5].map((n) => trial.refusalAtOnce('sendMessage', { text: `${n} of 5 at once` }));
      const refused = (await Promise.all(calls)).filter((refusal) => refusal !== null);
      return { same: refused.length === 0, seen: refused[0]?.description ?? 'all are taken' };
    },
  },
  {
    name: 'many-edits',
    docs: 'edits are counted, about one a second to a chat; too many are refused with 429 and the time to wait',
    async try(trial) {
      const message_id = await send(trial);
      return flood(trial, EDITS, (n) => trial.refusalAtOnce('editMessageText', { message_id, text: `Edit ${n}` }));
    },
  },
  {
    name: 'many-messages',
    docs: 'a chat takes a short burst, then about a message a second; more are refused with 429 and the time to wait',
    try: (trial) => flood(trial, MESSAGES, (n) => trial.refusalAtOnce('sendMessage', { text: `${n} of ${MESSAGES}` })),
  },
];
