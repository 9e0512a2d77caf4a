import { expect, test } from 'vitest';
import { manualClock } from '../support/clock.ts';
import { start } from './start.ts';

test('one chat takes a burst, then a message a second; the rest gets 429 with when to come back', async () => {
  const clock = manualClock();
  const { call, bot, write } = await start({ clock, flood: { chatBurst: 3 } });
  await write(777, 'hello');
  const send = () => bot('sendMessage', { chat_id: 777, text: 'x' });
  for (let i = 0; i < 3; i += 1) expect((await send()).ok).toBe(true);
  const refused = await call('sendMessage?chat_id=777&text=x');
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await refused.json()).toEqual({
    ok: false,
    error_code: 429,
    description: 'Too Many Requests: retry after 1',
    parameters: { retry_after: 1 },
  });
  await clock.advance(1000);
  expect((await send()).ok).toBe(true);
  expect((await send()).error_code).toBe(429);
});

test('a group takes 20 messages in any minute', async () => {
  const clock = manualClock();
  const { bot, write } = await start({ clock, flood: {} });
  await write(-5, 'hello');
  const send = () => bot('sendMessage', { chat_id: -5, text: 'x' });
  for (let i = 0; i < 20; i += 1) {
    expect((await send()).ok).toBe(true);
    await clock.advance(1000);
  }
  expect((await send()).parameters).toEqual({ retry_after: 40 });
  await clock.advance(40_000);
  expect((await send()).ok).toBe(true);
  expect((await send()).parameters).toEqual({ retry_after: 1 });
});

test('all chats together take about 30 messages a second', async () => {
  const clock = manualClock();
  const { bot, control } = await start({ clock, flood: {} });
  const chats = Array.from({ length: 31 }, (_, i) => i + 1);
  await control('messages', { messages: chats.map((chat_id) => ({ chat_id, text: 'hello' })) });
  const answers = [];
  for (const chat_id of chats) answers.push(await bot('sendMessage', { chat_id, text: 'x' }));
  expect(answers.filter((answer) => answer.ok)).toHaveLength(30);
  expect(answers.at(-1).parameters).toEqual({ retry_after: 1 });
  await clock.advance(34);
  expect((await bot('sendMessage', { chat_id: 31, text: 'x' })).ok).toBe(true);
});

test('a refused message counts for nothing, and limits can be set and lifted while it runs', async () => {
  const clock = manualClock();
  const { bot, control, write } = await start({ clock, flood: {} });
  await write(777, 'hello');
  expect(await control('limits', { chat_burst: 1, chat_per_second: 1, bot_per_second: null })).toMatchObject({
    chat_burst: 1,
    bot_per_second: null,
    group_per_minute: 20,
  });
  const send = () => bot('sendMessage', { chat_id: 777, text: 'x' });
  expect((await send()).ok).toBe(true);
  for (let i = 0; i < 5; i += 1) expect((await send()).parameters).toEqual({ retry_after: 1 });
  await clock.advance(1000);
  expect((await send()).ok).toBe(true);
  await control('limits', { off: true });
  for (let i = 0; i < 50; i += 1) expect((await send()).ok).toBe(true);
});

test('a wrong limit is refused and names its field', async () => {
  const { control } = await start();
  expect(await control('limits', { chat_burst: 0 })).toMatchObject({ code: 'request_invalid', field: '/chat_burst' });
});
