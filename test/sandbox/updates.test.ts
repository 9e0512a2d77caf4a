import { expect, test } from 'vitest';
import { manualClock } from '../support/clock.ts';
import { idsOf, start } from './start.ts';

test('an update is confirmed only by a higher offset', async () => {
  const { bot, write } = await start();
  const { update_id: first } = await write(777, 'one');
  const { update_id: second } = await write(777, 'two');
  expect(idsOf(await bot('getUpdates'))).toEqual([first, second]);
  expect(idsOf(await bot('getUpdates', { offset: first }))).toEqual([first, second]);
  expect(idsOf(await bot('getUpdates', { offset: second }))).toEqual([second]);
  expect(idsOf(await bot('getUpdates', { offset: first }))).toEqual([second]);
  expect(idsOf(await bot('getUpdates', { offset: second + 1 }))).toEqual([]);
  expect(idsOf(await bot('getUpdates', { offset: 0 }))).toEqual([]);
});

test('a negative offset reads from the end and forgets all before', async () => {
  const { bot, write } = await start();
  for (const text of ['one', 'two', 'three']) await write(777, text);
  const answer = await bot('getUpdates', { offset: -1 });
  expect(answer.result.map((u: { message: { text: string } }) => u.message.text)).toEqual(['three']);
  expect((await bot('getUpdates')).result).toHaveLength(1);
});

test('an answer holds at most `limit` updates, and at most about 4 MiB', async () => {
  const { bot, control } = await start();
  const title = 'x'.repeat(300_000);
  for (let n = 0; n < 20; n += 1) await control('updates', { message: { chat: { id: 777, title } } });
  expect((await bot('getUpdates', { limit: 3 })).result).toHaveLength(3);
  const large = (await bot('getUpdates')).result;
  expect(large.length).toBe(13);
  expect((await bot('getUpdates', { offset: large.at(-1).update_id + 1 })).result).toHaveLength(7);
});

test('a long poll ends as soon as a user writes', async () => {
  const { bot, write, untilPolling } = await start();
  const poll = bot('getUpdates', { timeout: 50 });
  await untilPolling();
  const { update_id } = await write(777, 'hello');
  expect(idsOf(await poll)).toEqual([update_id]);
});

test('a long poll ends empty after its timeout, which is at most 50 s', async () => {
  const clock = manualClock();
  const { bot, untilPolling } = await start({ clock });
  const poll = bot('getUpdates', { timeout: 1000 });
  await untilPolling();
  await clock.advance(49_999);
  await untilPolling();
  await clock.advance(1);
  expect(await poll).toEqual({ ok: true, result: [] });
});

test('of two polls the older gets the 409', async () => {
  const { bot, write, untilPolling } = await start();
  const older = bot('getUpdates', { timeout: 50 });
  await untilPolling();
  const newer = bot('getUpdates', { timeout: 50 });
  expect(await older).toEqual({
    ok: false,
    error_code: 409,
    description: 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
  });
  await untilPolling();
  await write(777, 'hello');
  expect((await newer).result).toHaveLength(1);
});

test('while a webhook is set, getUpdates is refused with 409', async () => {
  const { bot } = await start();
  await bot('setWebhook', { url: 'http://127.0.0.1:9/none' });
  const answer = await bot('getUpdates');
  expect(answer).toEqual({
    ok: false,
    error_code: 409,
    description:
      "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
  });
  await bot('deleteWebhook');
  expect((await bot('getUpdates')).ok).toBe(true);
});

test('setWebhook ends a waiting poll with 409', async () => {
  const { bot, untilPolling } = await start();
  const poll = bot('getUpdates', { timeout: 50 });
  await untilPolling();
  await bot('setWebhook', { url: 'http://127.0.0.1:9/none' });
  expect(await poll).toMatchObject({
    error_code: 409,
    description: 'Conflict: terminated by setWebhook request',
  });
});

test('repeated conflicts are answered 3 s late', async () => {
  const clock = manualClock();
  const { bot, untilPolling, call } = await start({ clock, flood: {} });
  const polls = [bot('getUpdates', { offset: 1, timeout: 50 })];
  await untilPolling();
  polls.push(bot('getUpdates', { offset: 2, timeout: 50 }));
  expect((await polls[0]).error_code).toBe(409);
  await untilPolling();
  let answered = false;
  const second = polls[1]?.then((answer) => {
    answered = true;
    return answer;
  });
  await bot('getUpdates', { offset: 3 });
  await call('getMe');
  expect(answered).toBe(false);
  await clock.advance(3000);
  expect((await second).error_code).toBe(409);
});

test('the same offset again at once gets one update, and waits 3 s where there is none', async () => {
  const clock = manualClock();
  const { bot, write, untilPolling } = await start({ clock, flood: {} });
  await write(777, 'one');
  await write(777, 'two');
  expect((await bot('getUpdates', { offset: 0 })).result).toHaveLength(2);
  expect((await bot('getUpdates', { offset: 0 })).result).toHaveLength(1);
  await clock.advance(3000);
  const all = (await bot('getUpdates', { offset: 0 })).result;
  expect(all).toHaveLength(2);
  const end = all[1].update_id + 1;
  expect((await bot('getUpdates', { offset: end })).result).toEqual([]);
  const again = bot('getUpdates', { offset: end });
  await untilPolling();
  await clock.advance(3000);
  expect((await again).result).toEqual([]);
});

test('an unconfirmed update is kept for 24 hours', async () => {
  const clock = manualClock();
  const { bot, write } = await start({ clock });
  await write(777, 'hello');
  await clock.advance(24 * 3_600_000 - 1);
  expect((await bot('getUpdates')).result).toHaveLength(1);
  await clock.advance(1);
  expect((await bot('getUpdates')).result).toEqual([]);
});

test('reactions and member changes come only to a bot that names them, and the list is remembered', async () => {
  const { bot, control } = await start();
  const reaction = { message_reaction: { chat: { id: 777 }, message_id: 1 } };
  expect(await control('updates', reaction)).toEqual({ update_ids: [null] });
  await bot('getUpdates', { allowed_updates: ['message_reaction'] });
  await bot('getUpdates');
  expect((await control('updates', reaction)).update_ids).toEqual([expect.any(Number)]);
  expect(await control('updates', { poll: { id: '1' } })).toEqual({ update_ids: [null] });
  await bot('getUpdates', { allowed_updates: [] });
  expect(await control('updates', reaction)).toEqual({ update_ids: [null] });
  expect((await control('updates', { poll: { id: '1' } })).update_ids).toEqual([expect.any(Number)]);
});

test('after a restart at a lower id the queue is served from its head, whatever the offset', async () => {
  const { bot, control, write } = await start();
  const old = (await write(777, 'before')).update_id;
  expect(await control('update-ids', { next: 42 })).toEqual({ next_update_id: 42, dropped: 1 });
  await write(777, 'after');
  expect(idsOf(await bot('getUpdates', { offset: old + 1 }))).toEqual([42]);
  expect(idsOf(await bot('getUpdates', { offset: old + 1 }))).toEqual([42]);
  expect(idsOf(await bot('getUpdates', { offset: 43 }))).toEqual([]);
});

test('an injected update arrives byte for byte, of whatever kind and size', async () => {
  const { sandbox, token, bot, call } = await start();
  await bot('getUpdates', { allowed_updates: ['message'] });
  const filler = 'y'.repeat(300_000);
  const raw = `{"update_id":9007199254740991, "of_the_future":{"big":9007199254740993,"filler":"${filler}"}}`;
  await fetch(`${sandbox.url}/sandbox/bots/${token}/updates`, { method: 'POST', body: raw });
  expect(await (await call('getUpdates')).text()).toBe(`{"ok":true,"result":[${raw}]}`);
});

test('an injected update without an id gets the next one', async () => {
  const { bot, control, write } = await start();
  const { update_id } = await write(777, 'hello');
  expect(await control('updates', { poll: { id: '5' } })).toEqual({ update_ids: [update_id + 1] });
  expect((await bot('getUpdates')).result[1]).toEqual({ update_id: update_id + 1, poll: { id: '5' } });
});

test('a poller that has gone does not take updates with it', async () => {
  const { bot, call, control, untilPolling, write } = await start();
  const gone = new AbortController();
  const poll = call('getUpdates?timeout=50', { signal: gone.signal });
  await untilPolling();
  gone.abort();
  await expect(poll).rejects.toThrow();
  while ((await control('')).polling);
  await write(777, 'hello');
  expect((await bot('getUpdates')).result).toHaveLength(1);
});
