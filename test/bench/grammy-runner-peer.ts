import { run } from '@grammyjs/runner';
import { Bot } from 'grammy';

/** The peer: grammY with its runner, answering every message with a message. Keeps nothing. */
const bot = new Bot('1:load', { client: { apiRoot: process.argv[2] ?? '' } });
bot.on('message', (ctx) => ctx.reply('Your order is on its way and will be with you tomorrow'));
process.on('disconnect', () => process.exit());
await bot.init();
run(bot);
