import { Bot as GrammyBot, InputFile } from 'grammy';
import { Bot as NtbaBot } from 'node-telegram-bot-api';
import { Telegraf } from 'telegraf';
import { expect, test } from 'vitest';
import { createPulse } from '../system/pulse.ts';
import { startFacade } from './facade-stage.ts';

const COUNT = 100;
/** A PNG's beginning: all that the sandbox looks at. */
const PNG = Buffer.from('89504e470d0a1a0a0000000d494844520000000300000002', 'hex');

/** An operator as its users would write it: it knows nothing of Switchboard but the api-root. `heard` gets each text. */
type Operator = (
  apiRoot: string,
  key: string,
  heard: (text: string) => void,
) => { start(): Promise<unknown>; stop(): unknown };

const grammyOperator: Operator = (apiRoot, key, heard) => {
  const bot = new GrammyBot(key, { client: { apiRoot } });
  bot.on('message:text', (ctx) => heard(ctx.msg.text));
  return { start: () => bot.start(), stop: () => bot.stop() };
};

const telegrafOperator: Operator = (apiRoot, key, heard) => {
  const bot = new Telegraf(key, { telegram: { apiRoot } });
  bot.on('text', (ctx) => heard(ctx.message.text));
  return { start: () => bot.launch(), stop: () => bot.stop() };
};

const ntbaOperator: Operator = (apiRoot, key, heard) => {
  const bot = new NtbaBot(key, { apiRoot });
  bot.on('message', (ctx) => heard(ctx.message?.text ?? ''));
  return { start: () => bot.startPolling(), stop: () => bot.stop() };
};

test('grammY, Telegraf and node-telegram-bot-api, unmodified, read at once and each sees all; a fourth client sends', async () => {
  const stage = await startFacade();
  const { telegram, apiRoot, key } = stage;
  const before = Array.from({ length: COUNT }, (_, i) => `before ${i}`);
  const live = Array.from({ length: COUNT }, (_, i) => `live ${i}`);
  for (const text of before) await telegram.write(777, text);
  const pulse = createPulse();
  const operators = [grammyOperator, telegrafOperator, ntbaOperator].map((make) => {
    const seen: string[] = [];
    const heard = (text: string) => {
      seen.push(text);
      pulse.beat();
    };
    return { seen, ...make(apiRoot, key('operator'), heard) };
  });
  const running = operators.map((operator) => operator.start());
  const failed = Promise.all(running).then(() => Promise.reject(new Error('the operators ended')));
  failed.catch(() => {});
  const all = (count: number) =>
    Promise.race([failed, pulse.until(() => operators.every(({ seen }) => seen.length >= count), `${count}`, 40_000)]);
  await all(COUNT);

  // A bot that does nothing but send.
  const sender = new GrammyBot(key('aggregator'), { client: { apiRoot } });
  for (const [i, text] of live.entries()) {
    await telegram.write(777, text);
    if (i % 40 !== 0) continue;
    const sent = await sender.api.sendMessage(777, `answer ${i}`, { reply_markup: { force_reply: true } });
    expect(sent).toMatchObject({ message_id: expect.any(Number), text: `answer ${i}`, chat: { id: 777 } });
  }
  const photo = await sender.api.sendPhoto(777, new InputFile(PNG, 'a.png'), { caption: 'a photo' });
  expect(photo).toMatchObject({ caption: 'a photo', photo: [{ file_size: PNG.length }] });
  await all(2 * COUNT);
  for (const { seen } of operators) expect(seen).toEqual([...before, ...live]);
  const { messages } = await telegram.control('chats/777');
  const answers = messages.filter((message: { from: { is_bot: boolean } }) => message.from.is_bot);
  expect(answers.map(({ text, caption }: { text?: string; caption?: string }) => text ?? caption)).toEqual([
    ...[0, 40, 80].map((i) => `answer ${i}`),
    'a photo',
  ]);
  await Promise.all(operators.map(({ stop }) => stop()));
  await Promise.all(running);
});
