import { expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { until } from '../ingress/support.ts';
import { openJournal } from '../support/journal.ts';
import { newWorld, runOutbox, texts } from './support.ts';

test('I5: a message is `sending` in the database when Telegram gets the call, and `sent` after', async () => {
  const { send, fateOf, calls, seenBy } = runOutbox(await newWorld());
  const message = await fateOf(await send(1, 'hi'));
  expect(calls).toHaveLength(1);
  expect(calls[0]?.rows.map((params) => JSON.parse(params))).toEqual([{ chat_id: 1, text: 'hi' }]);
  expect(message).toMatchObject({ status: 'sent', attempts: 1, error: null, telegramMessageId: expect.any(Number) });
  expect(await seenBy(1)).toEqual(['hi']);
});

test('of a key whose messages are canceled nothing more is sent, also what Telegram had wait; of another all is', async () => {
  const canceled = new Set<string>();
  const world = await newWorld();
  const { send, find, fateOf, advance, outbox, seenBy, told } = runOutbox(world, {
    isCanceled: (key) => canceled.has(key),
  });
  await world.bot.control('faults', { method: 'sendMessage', error_code: 429, retry_after: 1 });
  const held = await send(1, 'held');
  await until(async () => (await find(held)).attempts === 1 && (await find(held)).status === 'queued');
  canceled.add('key');
  await advance(1000);
  expect((await fateOf(held)).status).toBe('canceled');
  expect((await fateOf(await send(2, 'posted since'))).status).toBe('canceled');
  const other = { keyId: 'other', chats: null, idempotencyKey: 'k', body: { chat_id: 1, text: 'of another' } };
  expect((await fateOf((await outbox.accept(other)).id)).status).toBe('sent');
  expect([await seenBy(1), await seenBy(2), await told()]).toEqual([
    ...[['of another'], [], ['message.canceled', 'message.canceled', 'message.sent']],
  ]);
});

test('an @name is one chat in whatever case, and Telegram gets it as it was spelt', async () => {
  const { outbox, fateOf, calls } = runOutbox(await newWorld());
  const posts = ['@Channel', '@channel'].map((chat_id, n) => ({
    ...{ keyId: 'key', chats: null, idempotencyKey: `${n}`, body: { chat_id, text: 'hi' } },
  }));
  const accepted = await outbox.acceptAll(posts);
  for (const one of accepted) await fateOf('id' in one ? one.id : '');
  expect(calls.map(({ params, rows }) => [params.chat_id, rows.length])).toEqual([
    ['@Channel', 1],
    ['@channel', 1],
  ]);
  expect(accepted).toMatchObject([{ chat_id: '@channel' }, { chat_id: '@channel' }]);
});

test('messages of a chat go one after the other, in order; another chat does not wait for them', async () => {
  const world = await newWorld();
  const { send, fateOf, seenBy, calls } = runOutbox(world);
  await world.bot.control('faults', { method: 'sendMessage', chat_id: 1, kind: 'slow', delay_ms: 300 });
  const ids = [await send(1, 'a'), await send(1, 'b'), await send(1, 'c')];
  await fateOf(await send(2, 'other'));
  expect(texts(calls)).toEqual(['a', 'other']);
  for (const id of ids) expect((await fateOf(id)).status).toBe('sent');
  expect(await seenBy(1)).toEqual(['a', 'b', 'c']);
});

test('a chat gets its burst at once and the rest at its rate', async () => {
  const { send, advance, fateOf, calls } = runOutbox(await newWorld(), { rates: { chatPerS: 1, chatBurst: 2 } });
  const ids = [await send(1, 'a'), await send(1, 'b'), await send(1, 'c'), await send(1, 'd')];
  await fateOf(ids[1] ?? '');
  await advance(999);
  expect(texts(calls)).toEqual(['a', 'b']);
  await advance(1);
  await fateOf(ids[2] ?? '');
  expect(texts(calls)).toEqual(['a', 'b', 'c']);
  await advance(1000);
  await fateOf(ids[3] ?? '');
});

test('a group has a rate of its own', async () => {
  const world = await newWorld();
  const { chat_id } = await world.bot.control('chats', { type: 'group', title: 'Friends' });
  const { send, advance, fateOf, calls } = runOutbox(world, { rates: { groupPerMin: 20, groupBurst: 1 } });
  await fateOf(await send(chat_id, 'a'));
  const second = await send(chat_id, 'b');
  await advance(2999);
  expect(texts(calls)).toEqual(['a']);
  await advance(1);
  await fateOf(second);
});

test('all chats together keep to the overall rate', async () => {
  const { send, advance, fateOf, calls } = runOutbox(await newWorld(), { rates: { overallPerS: 2, overallBurst: 2 } });
  const ids = await Promise.all([1, 2, 3, 4].map((chat) => send(chat, 'x')));
  await Promise.all(ids.slice(0, 2).map(fateOf));
  await advance(499);
  expect(calls).toHaveLength(2);
  await advance(1);
  await fateOf(ids[2] ?? '');
  expect(calls).toHaveLength(3);
  await advance(500);
  await fateOf(ids[3] ?? '');
});

test('what is no message to Telegram takes nothing of the rate', async () => {
  const { send, post, fateOf } = runOutbox(await newWorld(), { rates: { chatPerS: 0.01, chatBurst: 2 } });
  const { telegramMessageId } = await fateOf(await send(1, 'a'));
  for (const text of ['b', 'c', 'd']) {
    const edit = { method: 'editMessageText', chat_id: 1, message_id: telegramMessageId, text };
    expect((await fateOf(await post(edit))).status).toBe('sent');
  }
  expect((await fateOf(await send(1, 'last'))).status).toBe('sent');
});

test('however much waits for the pace of the bot: replies go, and so does what Telegram does not count, in its place', async () => {
  const rates = { overallPerS: 0.01, overallBurst: 3 };
  const { post, send, reply, fateOf, find, calls } = runOutbox(await newWorld(), { rates });
  const { telegramMessageId: message_id } = await fateOf(await send(1, 'first'));
  await fateOf(await send(2, 'second'));
  for (const chat of [3, 4, 5]) await send(chat, 'news', { priority: 'high' });
  const edit = (chat_id: number, delivery = {}) =>
    post({ method: 'editMessageText', chat_id, message_id, text: 'edited', delivery });
  expect((await fateOf(await edit(1, { priority: 'low' }))).status).toBe('sent');
  await fateOf(await post({ method: 'answerCallbackQuery', callback_query_id: 'q' }));
  expect((await fateOf(await reply(6, 'a reply'))).status).toBe('sent');
  expect(texts(calls)).toEqual(['first', 'second', 'edited', undefined, 'a reply']);
  // It is behind a message of its own chat.
  const behind = await edit(3);
  await fateOf(await edit(1));
  expect((await find(behind)).status).toBe('queued');
  expect(texts(calls)).not.toContain('news');
});

test("Telegram's retry_after is obeyed, and holds that chat alone", async () => {
  const world = await newWorld();
  const { send, advance, fateOf, find, calls, told } = runOutbox(world);
  await world.bot.control('faults', { method: 'sendMessage', chat_id: 1, error_code: 429, retry_after: 7 });
  const held = await send(1, 'held');
  await until(async () => (await find(held)).attempts === 1 && (await find(held)).status === 'queued');
  const behind = await send(1, 'behind');
  await fateOf(await send(2, 'free'));
  await advance(6999);
  expect(texts(calls)).toEqual(['held', 'free']);
  await advance(1);
  expect(await fateOf(held)).toMatchObject({ status: 'sent', attempts: 2, error: null });
  // The chat's pace is slower now: what is behind does not follow at once.
  expect(texts(calls).slice(2)).toEqual(['held']);
  await advance(2);
  expect((await fateOf(behind)).status).toBe('sent');
  expect(texts(calls).slice(2)).toEqual(['held', 'behind']);
  expect(await told()).not.toContain('message.failed');
});

test('a wait that Telegram asked of the whole bot outlives the process', async () => {
  const world = await newWorld();
  const rates = { overallPerS: 10, overallBurst: 3 };
  const dying = runOutbox(world, { rates });
  // The bot's bucket is empty, and another chat is refused: it is the bot that is meant.
  for (const chat of [3, 4]) await dying.fateOf(await dying.reply(chat, 'x'));
  await world.bot.control('faults', { method: 'sendMessage', error_code: 429, retry_after: 3 });
  const held = await dying.reply(1, 'a');
  await until(async () => (await dying.find(held)).error !== null);
  expect(JSON.parse((await dying.find(held)).error ?? '')).toMatchObject({ code: 429, held: 'bot' });
  dying.actor.stop();

  const next = runOutbox({ ...world, journal: openJournal(world.folder, world.clock) }, { rates });
  await next.sender.recover();
  const other = await next.reply(5, 'b');
  await next.advance(2999);
  expect(texts(next.calls)).toEqual([]);
  await next.advance(200);
  expect((await next.fateOf(other)).status).toBe('sent');
});

test.each(['is taken back', 'is passed by one of its chat'])(
  'a wait of the whole bot outlives the process, also where the message that it was told of %s',
  async (how) => {
    const world = await newWorld();
    const rates = { overallPerS: 10, overallBurst: 6 };
    const dying = runOutbox(world, { rates });
    for (const chat of [3, 4, 5]) await dying.fateOf(await dying.send(chat, 'x', { priority: 'high' }));
    await world.bot.control('faults', { method: 'sendMessage', error_code: 429, retry_after: 300 });
    const held = await dying.send(1, 'a');
    await until(async () => (await dying.find(held)).error !== null);
    if (how === 'is taken back') await dying.outbox.cancel(held);
    else await dying.send(1, 'urgent', { priority: 'high' });
    dying.actor.stop();

    const next = runOutbox({ ...world, journal: openJournal(world.folder, world.clock) }, { rates });
    await next.sender.recover();
    const other = await next.post({ chat_id: 6, text: 'b', delivery: { priority: 'high' } }, 'next');
    await next.advance(299_999);
    expect(texts(next.calls)).toEqual([]);
    await next.advance(1000);
    expect((await next.fateOf(other)).status).toBe('sent');
  },
);

test('a wait that Telegram asked of a chat is not cut short where the message of it may not wait so long', async () => {
  const world = await newWorld();
  const running = runOutbox(world);
  const { send, find, advance, fateOf, calls, clock } = running;
  await world.bot.control('faults', { method: 'sendMessage', error_code: 500 });
  const old = await send(1, 'old');
  await until(async () => (await find(old)).error !== null && (await find(old)).status === 'queued');
  await world.bot.control('faults', { method: 'sendMessage', error_code: 429, retry_after: 3600 });
  // It has failed for nearly a day.
  clock.skip(limits.sendDeadlineMs - 3000);
  const other = await send(2, 'wakes the outbox');
  await until(async () => (await find(old)).attempts === 2 && (await find(old)).status === 'queued');
  const behind = await send(1, 'behind');
  await fateOf(other);
  await advance(3_599_999);
  expect(texts(calls)).toEqual(['old', 'old', 'wakes the outbox']);
  await world.bot.control('faults', { method: 'sendMessage', error_code: 429, retry_after: 60 });
  await advance(1);
  // And where it fails of its age: what is behind waits as Telegram asked.
  expect((await fateOf(old)).status).toBe('failed');
  await advance(59_999);
  expect((await find(behind)).attempts).toBe(0);
  await advance(1);
  expect((await fateOf(behind)).status).toBe('sent');
});

test('a chat that Telegram has wait waits on in the next process, whatever is posted to it meanwhile', async () => {
  const world = await newWorld();
  const dying = runOutbox(world);
  await world.bot.control('faults', { method: 'sendMessage', error_code: 429, retry_after: 3 });
  const held = await dying.send(1, 'a');
  await until(async () => (await dying.find(held)).error !== null);
  dying.actor.stop();

  const next = runOutbox({ ...world, journal: openJournal(world.folder, world.clock) });
  await next.sender.recover();
  const urgent = await next.post({ chat_id: 1, text: 'urgent', delivery: { priority: 'high' } }, 'urgent');
  const free = await next.post({ chat_id: 1, text: 'free', delivery: { order: 'free' } }, 'free');
  const elsewhere = await next.post({ chat_id: 2, text: 'elsewhere' }, 'elsewhere');
  expect((await next.fateOf(elsewhere)).status).toBe('sent');
  await next.advance(2999);
  expect(texts(next.calls)).toEqual(['elsewhere']);
  await next.advance(100);
  for (const id of [urgent, free, held]) expect((await next.fateOf(id)).status).toBe('sent');
});

test('a scheduled message goes out at its time, also while another chat is held for longer', async () => {
  const world = await newWorld();
  const { send, clock, advance, fateOf, find, calls } = runOutbox(world);
  await world.bot.control('faults', { method: 'sendMessage', chat_id: 1, error_code: 429, retry_after: 3600 });
  const held = await send(1, 'held');
  await until(async () => (await find(held)).status === 'queued' && (await find(held)).attempts === 1);
  const send_at = new Date(clock.now() + 60_000).toISOString();
  const scheduled = await send(2, 'later', { send_at });
  expect((await find(scheduled)).status).toBe('scheduled');
  await advance(59_999);
  expect(texts(calls)).toEqual(['held']);
  await advance(1);
  expect((await fateOf(scheduled)).status).toBe('sent');
});

test('a message that is due while its chat still cools does not keep another from its time', async () => {
  const { send, clock, advance, fateOf, calls } = runOutbox(await newWorld(), {
    rates: { chatPerS: 0.01, chatBurst: 1 },
  });
  await fateOf(await send(1, 'first'));
  await send(1, 'cools for 100 s');
  const scheduled = await send(2, 'later', { send_at: new Date(clock.now() + 5000).toISOString() });
  await advance(5000);
  expect((await fateOf(scheduled)).status).toBe('sent');
  expect(texts(calls)).toEqual(['first', 'later']);
});

test('a message that expires before its turn is never sent, and its readers are told', async () => {
  const { send, clock, advance, fateOf, calls, told } = runOutbox(await newWorld(), {
    rates: { chatPerS: 0.01, chatBurst: 1 },
  });
  await fateOf(await send(1, 'first'));
  const late = await send(1, 'too late', { expires_at: new Date(clock.now() + 5000).toISOString() });
  await advance(5000);
  expect((await fateOf(late)).status).toBe('expired');
  await advance(200_000);
  expect(texts(calls)).toEqual(['first']);
  expect(await told()).toEqual(['message.sent', 'message.expired']);
});

test('a message of high priority goes before those that wait already', async () => {
  const { send, advance, fateOf, calls } = runOutbox(await newWorld(), { rates: { chatPerS: 1, chatBurst: 1 } });
  await fateOf(await send(1, 'first'));
  const low = await send(1, 'low', { priority: 'low' });
  const high = await send(1, 'high', { priority: 'high' });
  await advance(1000);
  await fateOf(high);
  await advance(1000);
  await fateOf(low);
  expect(texts(calls)).toEqual(['first', 'high', 'low']);
});

test('an idle outbox waits for somebody to speak, and a wait of years is cut into bearable ones', async () => {
  const world = await newWorld();
  const { send, find, waits, fateOf, actor } = runOutbox(world);
  await fateOf(await send(2, 'x'));
  await until(() => actor.getSnapshot().matches('waiting'));
  expect(actor.getSnapshot().context.waitMs).toBeNull();
  await world.bot.control('faults', { method: 'sendMessage', error_code: 429, retry_after: 100_000 });
  const held = await send(1, 'held');
  await until(async () => (await find(held)).attempts === 1 && (await find(held)).status === 'queued');
  await until(() => actor.getSnapshot().matches('waiting'));
  expect(Math.max(...waits)).toBe(limits.timerArmMaxMs);
});
