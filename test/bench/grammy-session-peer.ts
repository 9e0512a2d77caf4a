import { Bot, type Context, type SessionFlavor, session } from 'grammy';

/** The peer: grammY with its own sessions in memory, counting messages a chat. Confirms before it handles, keeps nothing. */
type Ctx = Context & SessionFlavor<{ count: number }>;
const bot = new Bot<Ctx>('1:load', { client: { apiRoot: process.argv[2] ?? '' } });
bot.use(session({ initial: () => ({ count: 0 }) }));
bot.on('message', (ctx) => {
  ctx.session.count += 1;
});
process.on('disconnect', () => process.exit());
void bot.start();
