import { createServer } from 'node:http';
import { Bot as GrammyBot, InputFile as GrammyFile, InlineKeyboard, webhookCallback } from 'grammy';
import { InlineKeyboardBuilder, Bot as NtbaBot, InputFile as NtbaFile } from 'node-telegram-bot-api';
import { Telegraf } from 'telegraf';
import { expect, onTestFinished, test } from 'vitest';
import { type Started, start } from './start.ts';

/**
 * Each client, unmodified, runs the same small bot: it answers /start with a button, edits the message when the button
 * is pressed, and sends every document back upper-cased.
 */
const REPORT = 'a;b;c';

/** Plays the user against a bot that is running, and checks what a user sees. */
async function playUser(started: Started): Promise<void> {
  const { sandbox, token, bot, control, write } = started;
  const transcript = async (length: number) => {
    for (;;) {
      const chat = await control('chats/777');
      if (chat.messages?.length >= length) return chat.messages;
    }
  };
  await write(777, '/start');
  const question = (await transcript(2))[1];
  expect(question).toMatchObject({
    text: 'Are you sure?',
    from: { is_bot: true },
    reply_markup: { inline_keyboard: [[{ text: 'Yes', callback_data: 'yes' }]] },
  });

  const press = { message_id: question.message_id, data: 'yes' };
  const { callback_query_id } = await control('chats/777/callbacks', press);
  while (!(await control(`callbacks/${callback_query_id}`)).answered);
  while ((await control('chats/777')).messages[1].text !== 'You said yes');

  const document = { base64: Buffer.from(REPORT).toString('base64'), file_name: 'report.csv' };
  await control('chats/777/messages', { document });
  const sent = (await transcript(4))[3];
  expect(sent).toMatchObject({ caption: 'Upper case', document: { file_name: 'upper.csv', file_size: REPORT.length } });
  const { file_path } = (await bot('getFile', { file_id: sent.document.file_id })).result;
  const download = await fetch(`${sandbox.url}/file/bot${token}/${file_path}`);
  expect(await download.text()).toBe(REPORT.toUpperCase());
}

/** Fetches a file as a bot does: by the path that getFile gave. */
async function upperCased({ sandbox, token }: Started, path: string | undefined): Promise<Uint8Array<ArrayBuffer>> {
  const text = await (await fetch(`${sandbox.url}/file/bot${token}/${path}`)).text();
  return new Uint8Array(Buffer.from(text.toUpperCase()));
}

function grammyBot(started: Started): GrammyBot {
  const bot = new GrammyBot(started.token, { client: { apiRoot: started.sandbox.url } });
  bot.command('start', (ctx) => ctx.reply('Are you sure?', { reply_markup: new InlineKeyboard().text('Yes', 'yes') }));
  bot.callbackQuery('yes', async (ctx) => {
    await ctx.answerCallbackQuery('Thanks');
    await ctx.editMessageText('You said *yes*', { parse_mode: 'MarkdownV2' });
  });
  bot.on('message:document', async (ctx) => {
    const { file_path } = await ctx.getFile();
    const file = new GrammyFile(await upperCased(started, file_path), 'upper.csv');
    await ctx.replyWithDocument(file, { caption: 'Upper case' });
  });
  return bot;
}

test('grammY, by long polling', async () => {
  const started = await start();
  const bot = grammyBot(started);
  const running = bot.start();
  await playUser(started);
  await bot.stop();
  await running;
  expect((await started.control('')).pending_update_count).toBe(0);
});

test('grammY, by webhook', async () => {
  const started = await start();
  const bot = grammyBot(started);
  const server = createServer(webhookCallback(bot, 'http', { secretToken: 'hook-secret' }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  await bot.api.setWebhook(`http://127.0.0.1:${address.port}/`, { secret_token: 'hook-secret' });
  await playUser(started);
  await bot.api.deleteWebhook();
});

test('Telegraf, by long polling', async () => {
  const started = await start();
  const bot = new Telegraf(started.token, { telegram: { apiRoot: started.sandbox.url } });
  bot.start((ctx) =>
    ctx.reply('Are you sure?', { reply_markup: { inline_keyboard: [[{ text: 'Yes', callback_data: 'yes' }]] } }),
  );
  bot.action('yes', async (ctx) => {
    await ctx.answerCbQuery('Thanks');
    await ctx.editMessageText('You said <b>yes</b>', { parse_mode: 'HTML' });
  });
  bot.on('document', async (ctx) => {
    const link = await ctx.telegram.getFileLink(ctx.message.document.file_id);
    const text = await (await fetch(link)).text();
    const source = Buffer.from(text.toUpperCase());
    await ctx.replyWithDocument({ source, filename: 'upper.csv' }, { caption: 'Upper case' });
  });
  const running = bot.launch();
  await playUser(started);
  bot.stop();
  await running;
});

test('node-telegram-bot-api, by long polling', async () => {
  const started = await start();
  const bot = new NtbaBot(started.token, { apiRoot: started.sandbox.url });
  bot.command('start', (ctx) =>
    ctx.reply('Are you sure?', { reply_markup: new InlineKeyboardBuilder().text('Yes', 'yes').build() }),
  );
  bot.on('callback_query', async (ctx) => {
    await ctx.answerCallbackQuery({ text: 'Thanks' });
    const message = ctx.callbackQuery?.message;
    if (message === undefined) throw new Error('a button without a message');
    await bot.api.editMessageText({ chat_id: message.chat.id, message_id: message.message_id, text: 'You said yes' });
  });
  bot.on('message', async (ctx) => {
    const document = ctx.message?.document;
    if (document === undefined) return;
    const { file_path } = await bot.api.getFile({ file_id: document.file_id });
    const file = new NtbaFile(await upperCased(started, file_path), { filename: 'upper.csv' });
    await bot.api.sendDocument({ chat_id: 777, document: file, caption: 'Upper case' });
  });
  const running = bot.startPolling();
  await playUser(started);
  bot.stop();
  await running;
});
