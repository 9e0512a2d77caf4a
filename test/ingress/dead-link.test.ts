import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { createHttpBotApi } from '../../src/telegram/http.ts';
import { manualClock } from '../support/clock.ts';
import { createLink } from '../support/link.ts';
import { newBot, startPoller, until, untilFailed } from './support.ts';

test('a link that goes down under an open poll is noticed after 15 s, and left for a new connection', async () => {
  const world = await newBot();
  const link = await createLink(world.bot.sandbox.url);
  const api = createHttpBotApi({ root: link.url, token: world.bot.token, connections: 2, clock: world.clock });
  onTestFinished(() => api.close());
  const poller = await startPoller({ api, pollTimeoutS: 10 }, world);
  await until(async () => (await world.bot.control('')).polling);

  link.goDown();
  await world.clock.advance(14_999);
  expect(poller.downs).toEqual([]);
  await world.clock.advance(1);
  await untilFailed(poller, 1);
  expect(poller.downs[0]?.failure).toEqual({
    kind: 'retry',
    message: 'No answer from Telegram to getUpdates: nothing came for 15 s',
  });

  // The next try goes nowhere either; the one after it finds the link back.
  await world.clock.advance(limits.pollBackoffMinMs);
  await world.clock.advance(limits.pollSilenceMinMs);
  await untilFailed(poller, 2);
  link.comeBack();
  const ups = poller.ups.count;
  await world.clock.advance(limits.pollBackoffMinMs * 2);
  await until(() => poller.ups.count > ups);
  await world.bot.write(777, 'hello');
  await until(() => poller.received.length === 1);
});

test('an answer that comes slowly is waited for while it keeps coming', async () => {
  const clock = manualClock();
  const armed: number[] = [];
  const watched = {
    ...clock,
    setTimeout(fn: () => void, ms: number) {
      armed.push(ms);
      return clock.setTimeout(fn, ms);
    },
  };
  const answer = '{"ok":true,"result":[]}';
  const sending = Promise.withResolvers<(text: string) => void>();
  const server = createServer((_, response) => {
    response.setHeader('content-length', answer.length);
    sending.resolve((text) => void response.write(text));
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await until(() => server.listening);
  const address = server.address();
  const root = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const api = createHttpBotApi({ root, token: '1:x', connections: 1, clock: watched });
  onTestFinished(() => api.close());
  const call = api.call('getUpdates', {}, { silenceMs: 15_000, timeoutMs: 1_000_000 });
  const send = await sending.promise;
  for (const letter of answer.slice(0, -1)) {
    const before = armed.length;
    send(letter);
    await until(() => armed.length > before);
    await clock.advance(14_000);
  }
  send('}');
  expect(await call).toEqual([]);
});
