import { Bot } from 'grammy';

/** The peer: grammY, plain, counting messages a chat in memory. Confirms before it handles, keeps nothing. */
const bot = new Bot('1:load', { client: { apiRoot: process.argv[2] ?? '' } });
const sessions = new Map<number, { count: number }>();
bot.on('message', (ctx) => {
  const session = sessions.get(ctx.chat.id) ?? { count: 0 };
  session.count += 1;
  sessions.set(ctx.chat.id, session);
});
process.on('disconnect', () => process.exit());
void bot.start();
