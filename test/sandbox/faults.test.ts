import { expect, test } from 'vitest';
import { manualClock } from '../support/clock.ts';
import { start } from './start.ts';

test('an error fault refuses as many calls as it says, and carries none out', async () => {
  const { bot, call, control, write } = await start();
  await write(777, 'hello');
  await control('faults', { method: 'sendMessage', times: 2, kind: 'error', error_code: 429, retry_after: 7 });
  const refused = await call('sendmessage?chat_id=777&text=x');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '7']);
  expect(await refused.json()).toEqual({
    ok: false,
    error_code: 429,
    description: 'Too Many Requests: retry after 7',
    parameters: { retry_after: 7 },
  });
  expect((await bot('getMe')).ok).toBe(true);
  expect((await bot('sendMessage', { chat_id: 777, text: 'x' })).error_code).toBe(429);
  expect((await bot('sendMessage', { chat_id: 777, text: 'x' })).ok).toBe(true);
  expect((await control('chats/777')).messages).toHaveLength(2);
});

test('a lost answer: the message is sent, the connection is cut', async () => {
  const { bot, control, write } = await start();
  await write(777, 'hello');
  await control('faults', { method: 'sendMessage', kind: 'lost_answer' });
  await expect(bot('sendMessage', { chat_id: 777, text: 'sent' })).rejects.toThrow('fetch failed');
  expect((await control('chats/777')).messages.at(-1).text).toBe('sent');
});

test('a reset: the message is not sent, the connection is cut', async () => {
  const { bot, control, write } = await start();
  await write(777, 'hello');
  await control('faults', { method: 'sendMessage', kind: 'reset' });
  await expect(bot('sendMessage', { chat_id: 777, text: 'sent' })).rejects.toThrow('fetch failed');
  expect((await control('chats/777')).messages).toHaveLength(1);
});

test('a timeout: the message is not sent, and no answer comes', async () => {
  const clock = manualClock();
  const { call, control, write } = await start({ clock });
  await write(777, 'hello');
  await control('faults', { method: 'sendMessage', kind: 'timeout' });
  const impatient = new AbortController();
  const sending = call('sendMessage?chat_id=777&text=x', { signal: impatient.signal });
  while ((await control('faults')).faults.length > 0);
  impatient.abort();
  await expect(sending).rejects.toThrow();
  expect((await control('chats/777')).messages).toHaveLength(1);
});

test('a malformed answer has status 200 and no JSON, or what is given', async () => {
  const { call, control } = await start();
  await control('faults', { method: 'getUpdates', kind: 'malformed' });
  await control('faults', { method: 'getUpdates', kind: 'malformed', body: '{"ok":true}' });
  const broken = await call('getUpdates');
  expect(broken.status).toBe(200);
  await expect(broken.json()).rejects.toThrow(SyntaxError);
  expect(await (await call('getUpdates')).text()).toBe('{"ok":true}');
});

test('a slow answer comes when its time has passed', async () => {
  const clock = manualClock();
  const { bot, control, write } = await start({ clock });
  await write(777, 'hello');
  await control('faults', { method: 'sendMessage', kind: 'slow', delay_ms: 5000 });
  let answered = false;
  const sending = bot('sendMessage', { chat_id: 777, text: 'x' }).then((answer) => {
    answered = true;
    return answer;
  });
  while ((await control('chats/777')).messages.length < 2);
  expect(answered).toBe(false);
  await clock.advance(5000);
  expect((await sending).ok).toBe(true);
});

test('a lost answer of getUpdates does not lose updates', async () => {
  const { bot, control, write } = await start();
  await control('faults', { method: 'getUpdates', kind: 'lost_answer' });
  const { update_id } = await write(777, 'hello');
  await expect(bot('getUpdates')).rejects.toThrow('fetch failed');
  expect((await bot('getUpdates')).result[0].update_id).toBe(update_id);
});

test('a fault for one chat leaves the others alone, and faults can be cleared', async () => {
  const { bot, control, write, sandbox, token } = await start();
  const faults = `${sandbox.url}/sandbox/bots/${token}/faults`;
  const clearFaults = async () => (await fetch(faults, { method: 'DELETE' })).json();
  await write(1, 'hello');
  await write(2, 'hello');
  await control('faults', { method: '*', chat_id: 1, times: 9, error_code: 502 });
  expect((await bot('sendMessage', { chat_id: 2, text: 'x' })).ok).toBe(true);
  expect(await bot('sendMessage', { chat_id: 1, text: 'x' })).toEqual({
    ok: false,
    error_code: 502,
    description: 'Bad Gateway',
  });
  expect(await clearFaults()).toEqual({ cleared: 1 });
  expect((await bot('sendMessage', { chat_id: 1, text: 'x' })).ok).toBe(true);
});

test('a fault of an unknown kind is refused and names its field', async () => {
  const { control } = await start();
  expect(await control('faults', { kind: 'gremlin' })).toMatchObject({ code: 'request_invalid', field: '/kind' });
});
