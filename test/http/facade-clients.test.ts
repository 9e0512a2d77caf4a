import { Bot as GrammyBot, InputFile } from 'grammy';
import { Bot as NtbaBot } from 'node-telegram-bot-api';
import { Telegraf } from 'telegraf';
import { expect, test } from 'vitest';
import { type FacadeStage, startFacade } from './facade-stage.ts';

const COUNT = 150;
/** A PNG's beginning: all that the sandbox looks at. */
const PNG = Buffer.from('89504e470d0a1a0a0000000d494844520000000300000002', 'hex');

/** An operator as its users would write it: it takes note of what users write, and knows nothing of Switchboard but the api-root. */
interface Operator {
  readonly seen: string[];
  start(): Promise<unknown>;
  stop(): unknown;
}

function grammyOperator({ apiRoot, key }: FacadeStage): Operator {
  const seen: string[] = [];
  const bot = new GrammyBot(key('operator'), { client: { apiRoot } });
  bot.on('message:text', (ctx) => void seen.push(ctx.msg.text));
  return { seen, start: () => bot.start(), stop: () => bot.stop() };
}

function telegrafOperator({ apiRoot, key }: FacadeStage): Operator {
  const seen: string[] = [];
  const bot = new Telegraf(key('operator'), { telegram: { apiRoot } });
  bot.on('text', (ctx) => void seen.push(ctx.message.text));
  return { seen, start: () => bot.launch(), stop: () => bot.stop() };
}

function ntbaOperator({ apiRoot, key }: FacadeStage): Operator {
  const seen: string[] = [];
  const bot = new NtbaBot(key('operator'), { apiRoot });
  bot.on('message', (ctx) => void seen.push(ctx.message?.text ?? ''));
  return { seen, start: () => bot.startPolling(), stop: () => bot.stop() };
}

test('grammY, Telegraf and node-telegram-bot-api, unmodified, read at once and each sees all; a fourth client sends', {
  timeout: 60_000,
}, async () => {
  const stage = await startFacade();
  const { telegram, apiRoot, key } = stage;
  const makers = [grammyOperator, telegrafOperator, ntbaOperator];
  const before = Array.from({ length: COUNT }, (_, i) => `before ${i}`);
  const live = Array.from({ length: COUNT }, (_, i) => `live ${i}`);
  for (const text of before) await telegram.write(777, text);
  const operators = makers.map((make) => make(stage));
  const running = operators.map((operator) => operator.start());
  const failed = Promise.race(running.map((run) => run.then(() => Promise.reject(new Error('an operator ended')))));
  failed.catch(() => {});
  const all = async (count: number) => {
    while (operators.some(({ seen }) => seen.length < count)) {
      await Promise.race([failed, new Promise((resolve) => setImmediate(resolve))]);
    }
  };
  await all(COUNT);

  // A bot that does nothing but send.
  const sender = new GrammyBot(key('aggregator'), { client: { apiRoot } });
  for (const [i, text] of live.entries()) {
    await telegram.write(777, text);
    if (i % 50 !== 0) continue;
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
    ...[0, 50, 100].map((i) => `answer ${i}`),
    'a photo',
  ]);
  await Promise.all(operators.map(({ stop }) => stop()));
  await Promise.all(running);
});
