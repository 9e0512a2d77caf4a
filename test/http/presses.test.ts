import { expect, test } from 'vitest';
import type { Json } from '../sandbox/start.ts';
import { type FacadeStage, startFacade } from './facade-stage.ts';

const CHAT = 'chats/777';

/** A user who is asked to confirm a payment, with the message that asks and its first button. */
async function startPayment() {
  const stage = await startFacade({ talks: true });
  const reader = stage.key('operator');
  /** The journal's entries, in order. */
  const entries = async (type: string): Promise<Json[]> => {
    const query = `poll=1&from=earliest&limit=1000&type=${type}`;
    const headers = { authorization: `Bearer ${reader}` };
    return ((await (await fetch(`${stage.url}/v1/events?${query}`, { headers })).json()) as Json).events;
  };
  const press = async (message_id: number, data: string): Promise<Json> => {
    const { update_id } = await stage.telegram.control(`${CHAT}/callbacks`, { message_id, data });
    const taken = async () => (await entries('update.received')).find(({ update }) => update.update_id === update_id);
    await expect.poll(taken).toBeDefined();
    return taken();
  };
  const question = async (): Promise<Json> => {
    const asks = async () => (await shown(stage)).findLast((message) => message.reply_markup !== undefined);
    await expect.poll(asks).toBeDefined();
    return asks();
  };
  return { ...stage, entries, press, question };
}

const shown = async ({ telegram }: FacadeStage): Promise<Json[]> => (await telegram.control(CHAT)).messages;
const buttonOf = (message: Json): string => message.reply_markup.inline_keyboard[0][0].callback_data;

test("a conversation's button carries a token, and the machine gets what it gave the button", async () => {
  const { telegram, question, press, entries } = await startPayment();
  await telegram.write(777, '/pay 12.50 EUR @anna');
  const asked = await question();
  expect(buttonOf(asked)).toMatch(/^sb~[\w.-]{25,61}$/);
  const entry = await press(asked.message_id, buttonOf(asked));
  expect(entry.button).toMatch(/^confirm:/);
  expect(entry.update.callback_query.data, 'the update is untouched').toBe(buttonOf(asked));
  await expect.poll(() => entries('request.answered')).toHaveLength(1);
});

test('no key has a user confirm what a conversation asks', async () => {
  const stage = await startPayment();
  const { telegram, question, press, entries, key, call } = stage;
  await telegram.write(777, '/pay 99 EUR @mallory');
  const asked = await question();
  const [accepted] = (await entries('message.accepted')).filter(({ message }) => message.params.reply_markup);
  const own = buttonOf(accepted.message.params);
  expect(own, 'what a reader learns').toMatch(/^confirm:/);

  const [aggregator, backend] = [key('aggregator'), key('backend')];
  const keyboard = (callback_data: string) => ({ inline_keyboard: [[{ text: 'Win a prize', callback_data }]] });
  const reserved = {
    ok: false,
    error_code: 400,
    description: expect.stringContaining('for the buttons of conversations'),
  };
  for (const data of [buttonOf(asked), ' sb~x', 'sb~', '\u200bsb~x']) {
    const text = { chat_id: 777, text: 'Press', reply_markup: keyboard(data) };
    expect(await call(aggregator, 'sendMessage', text)).toEqual(reserved);
    expect(await call(backend, 'editMessageText', { ...text, message_id: asked.message_id })).toEqual(reserved);
    expect(await call(aggregator, 'sendMessage', { ...text, reply_markup: JSON.stringify(keyboard(data)) })).toEqual(
      reserved,
    );
  }
  const bait = await call(aggregator, 'sendMessage', { chat_id: 777, text: 'Press', reply_markup: keyboard(own) });
  const over = { chat_id: 777, message_id: asked.message_id, reply_markup: keyboard(own) };
  expect(await call(backend, 'editMessageReplyMarkup', over)).toMatchObject({ ok: false, error_code: 400 });

  const { message_id } = asked;
  for (const [method, more] of [['editMessageText', { text: 'Win' }], ['deleteMessage']] as const)
    expect(await call(aggregator, method, { chat_id: 777, message_id, ...more })).toMatchObject({ ok: false });

  expect((await press(bait.result.message_id, own)).button, "a key's button").toBeNull();
  expect((await press(asked.message_id, own)).button, 'no token').toBeNull();
  expect((await press(bait.result.message_id, buttonOf(asked))).button, 'another message').toBeNull();
  const last = buttonOf(asked).at(-2) === 'A' ? 'B' : 'A';
  expect((await press(asked.message_id, buttonOf(asked).replace(/.(?=.$)/, last))).button, 'a guess').toBeNull();
  expect((await entries('chat.moved')).map(({ to }) => to)).toEqual(['idle', 'confirming'].slice(-1));
  expect((await press(asked.message_id, buttonOf(asked))).button).toBe(own);
});

test('a press proves that a message of unknown fate has arrived', async () => {
  const { telegram, question, press, entries } = await startPayment();
  await telegram.control('faults', { method: 'sendMessage', times: 1, kind: 'lost_answer' });
  await telegram.write(777, '/pay 12.50 EUR @anna');
  await expect.poll(() => entries('message.unknown')).toHaveLength(1);
  const asked = await question();
  expect((await press(asked.message_id, buttonOf(asked))).button).toMatch(/^confirm:/);
  const [unknown] = await entries('message.unknown');
  const fates = (await entries('message.sent')).filter(({ message }) => message.id === unknown.message.id);
  expect(fates).toMatchObject([{ message: { status: 'sent', telegram_message_id: asked.message_id } }]);
});
