import { expect, test } from 'vitest';
import { countCalls } from '../../src/telegram/counted.ts';
import { apiOf } from '../ingress/support.ts';
import { start } from '../sandbox/start.ts';

test('calls are counted by method and by how they ended, and what Telegram asked to wait is summed up', async () => {
  const bot = await start();
  await bot.write(7, 'hello');
  const { api, counts } = countCalls(apiOf(bot));
  const send = (fault: object | null, method = 'sendMessage') =>
    (fault === null ? Promise.resolve() : bot.control('faults', { method, ...fault })).then(() =>
      api.call(method, { chat_id: 7, text: 'x' }).catch(() => {}),
    );
  await send(null);
  await send(null);
  for (const retry_after of [3, 4]) await send({ error_code: 429, retry_after });
  for (const error_code of [403, 500]) await send({ error_code });
  await send({ kind: 'lost_answer' });
  await send(null, 'getMe');
  for (const name of ['unheardOf', 'sendUnheardOf']) await send(null, name);
  expect(counts()).toEqual({
    calls: [
      { method: 'sendMessage', outcome: 'ok', count: 2 },
      { method: 'sendMessage', outcome: 'rate_limited', count: 2 },
      { method: 'sendMessage', outcome: 'refused', count: 1 },
      { method: 'sendMessage', outcome: 'server_error', count: 1 },
      { method: 'sendMessage', outcome: 'no_answer', count: 1 },
      { method: 'getMe', outcome: 'ok', count: 1 },
      { method: 'other', outcome: 'refused', count: 2 },
    ],
    waitAskedS: 7,
  });
});
