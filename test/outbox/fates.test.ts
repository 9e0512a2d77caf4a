import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { fateOfError } from '../../src/outbox/fate.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { TelegramRefused, TelegramUnreachable } from '../../src/telegram/errors.ts';
import { until } from '../ingress/support.ts';
import { openJournal } from '../support/journal.ts';
import { newWorld, type Running, runOutbox, texts } from './support.ts';

/** Waits until the message is to be tried again after its n-th call. */
const untilTried = ({ find }: Running, id: string, times: number) =>
  until(async () => (await find(id)).attempts === times && (await find(id)).status === 'queued');

test('a user who has blocked the bot: failed, in the words of Telegram', async () => {
  const world = await newWorld();
  const { send, fateOf, told } = runOutbox(world);
  await world.bot.control('chats/1/block', {});
  const message = await fateOf(await send(1, 'x'));
  const error = { code: 403, description: 'Forbidden: bot was blocked by the user' };
  expect([message.status, message.attempts, JSON.parse(message.error ?? '')]).toEqual(['failed', 1, error]);
  expect(await told()).toEqual(['message.failed']);
});

test('a chat that does not exist: failed, and the next chat is not held up', async () => {
  const { send, fateOf } = runOutbox(await newWorld());
  const message = await fateOf(await send(404, 'x'));
  expect(JSON.parse(message.error ?? '')).toEqual({ code: 400, description: 'Bad Request: chat not found' });
  expect((await fateOf(await send(1, 'x'))).status).toBe('sent');
});

test('a 5xx is tried again, each wait twice as long, and leaves no trace once it is sent', async () => {
  const world = await newWorld();
  const running = runOutbox(world);
  await world.bot.control('faults', { method: 'sendMessage', times: 3, error_code: 502 });
  const id = await running.send(1, 'x');
  for (const [n, wait] of [500, 1000, 2000].entries()) {
    await untilTried(running, id, n + 1);
    const { dueAt } = await running.find(id);
    expect(dueAt - world.clock.now()).toBe(wait);
    await running.advance(wait);
  }
  expect(await running.fateOf(id)).toMatchObject({ status: 'sent', attempts: 4, error: null });
  expect(await running.told()).toEqual(['message.sent']);
});

test('a 5xx that does not end: failed after so many tries', async () => {
  const world = await newWorld();
  const running = runOutbox(world);
  await world.bot.control('faults', { method: 'sendMessage', times: 100, error_code: 500 });
  const id = await running.send(1, 'x');
  for (let n = 1; n < limits.sendAttemptsMax; n += 1) {
    await untilTried(running, id, n);
    await running.advance((await running.find(id)).dueAt - world.clock.now());
  }
  expect(await running.fateOf(id)).toMatchObject({ status: 'failed', attempts: limits.sendAttemptsMax });
});

test('a caller who waits for a fate is not answered by a try that must be repeated', async () => {
  const world = await newWorld();
  const running = runOutbox(world);
  await world.bot.control('faults', { method: 'sendMessage', error_code: 502 });
  const id = await running.send(1, 'x');
  const waiting = running.outbox.settled(id, 50_000, new AbortController().signal);
  await untilTried(running, id, 1);
  await running.advance(500);
  expect((await waiting)?.status).toBe('sent');
});

test('a caller who waits is answered when the time is up, or when they leave', async () => {
  const world = await newWorld();
  const running = runOutbox(world);
  const id = await running.send(1, 'x', { send_at: new Date(world.clock.now() + 3_600_000).toISOString() });
  const left = new AbortController();
  const both = [
    running.outbox.settled(id, 1000, new AbortController().signal),
    running.outbox.settled(id, 9e9, left.signal),
  ];
  await running.advance(1000);
  expect((await both[0])?.status).toBe('scheduled');
  left.abort();
  expect((await both[1])?.status).toBe('scheduled');
  expect((await running.outbox.settled(id, 9e9, left.signal))?.status).toBe('scheduled');
});

test('a call that never left is tried until Telegram can be reached, and is sent once', async () => {
  const world = await newWorld();
  const { port } = world.bot.sandbox;
  await world.bot.sandbox.close();
  const running = runOutbox(world);
  const id = await running.send(1, 'x');
  await untilTried(running, id, 1);
  const sandbox = await createSandbox({ port, clock: systemClock, random: Math.random, flood: 'off' });
  await world.bot.write(1, 'hello again');
  await running.advance(500);
  expect((await running.fateOf(id)).status).toBe('sent');
  expect(await running.seenBy(1)).toEqual(['x']);
  await sandbox.close();
});

test('I5: a lost answer is unknown, never silently sent again', async () => {
  const world = await newWorld();
  const running = runOutbox(world);
  await world.bot.control('faults', { method: 'sendMessage', kind: 'lost_answer' });
  const id = await running.send(1, 'once');
  expect(await running.fateOf(id)).toMatchObject({
    status: 'unknown',
    attempts: 1,
    error: expect.stringContaining('"code":0'),
  });
  expect((await running.fateOf(await running.send(1, 'next'))).status).toBe('sent');
  await running.advance(3_600_000);
  expect(await running.seenBy(1)).toEqual(['once', 'next']);
  expect(await running.told()).toEqual(['message.unknown', 'message.sent']);
});

test('I5: no answer in time is unknown', async () => {
  const world = await newWorld();
  const running = runOutbox(world, {
    through: (api) => ({ ...api, call: (method, params) => api.call(method, params, { timeoutMs: 50 }) }),
  });
  await world.bot.control('faults', { method: 'sendMessage', kind: 'timeout' });
  const message = await running.fateOf(await running.send(1, 'x'));
  expect([message.status, message.error]).toEqual(['unknown', expect.stringContaining('nothing within 50 ms')]);
});

test('with on_unknown "resend" it is sent again after a while, and readers hear of both', async () => {
  const world = await newWorld();
  const running = runOutbox(world);
  await world.bot.control('faults', { method: 'sendMessage', kind: 'lost_answer' });
  const id = await running.send(1, 'twice', { on_unknown: 'resend' });
  await untilTried(running, id, 1);
  expect(running.calls).toHaveLength(1);
  await running.advance(500);
  expect((await running.fateOf(id)).status).toBe('sent');
  expect(await running.seenBy(1)).toEqual(['twice', 'twice']);
  expect(await running.told()).toEqual(['message.unknown', 'message.sent']);
});

test('resending has an end: then it is unknown', async () => {
  const world = await newWorld();
  const running = runOutbox(world);
  await world.bot.control('faults', { method: 'sendMessage', times: 100, kind: 'reset' });
  const id = await running.send(1, 'x', { on_unknown: 'resend' });
  for (let n = 1; n < limits.sendAttemptsMax; n += 1) {
    await untilTried(running, id, n);
    await running.advance((await running.find(id)).dueAt - world.clock.now());
  }
  expect(await running.fateOf(id)).toMatchObject({ status: 'unknown', attempts: limits.sendAttemptsMax });
});

test('what a process that died had claimed is unknown to the next one, or queued again where a double is welcome', async () => {
  const world = await newWorld();
  const dying = runOutbox(world, { through: (api) => ({ ...api, call: () => new Promise(() => {}) }) });
  const [held, again] = [await dying.send(1, 'a'), await dying.send(2, 'b', { on_unknown: 'resend' })];
  await until(() => dying.calls.length === 2);

  const next = runOutbox({ ...world, journal: openJournal(world.folder, world.clock) });
  expect(await next.sender.recover()).toBe(2);
  expect(await next.find(held)).toMatchObject({ status: 'unknown', error: expect.stringContaining('stopped') });
  expect((await next.fateOf(again)).status).toBe('sent');
  expect(texts(next.calls)).toEqual(['b']);
});

test('a group that became a supergroup: its messages go to the new id, in order', async () => {
  const world = await newWorld();
  const running = runOutbox(world);
  const { chat_id } = await world.bot.control('chats', { type: 'group', title: 'Friends' });
  const to = -1_002_000_000_001;
  await world.bot.control(`chats/${chat_id}/migrate`, { to });
  const ids = [await running.send(chat_id, 'a'), await running.send(chat_id, 'b')];
  for (const id of ids) expect(await running.fateOf(id)).toMatchObject({ status: 'sent', chat: String(to) });
  expect(await running.seenBy(to)).toEqual(['a', 'b']);
});

test('an outage, and waits that Telegram asks for, cost no message however many the tries; errors of its own do', () => {
  const long = { attempts: 1000, ageMs: 3_600_000, error: null };
  expect(fateOfError(new TelegramUnreachable('sendMessage', 'no route', false), long, () => 1)).toMatchObject({
    kind: 'retry',
    delayMs: limits.sendBackoffMaxMs,
  });
  const wait = { error_code: 429, description: 'Too Many Requests', parameters: { retry_after: 3 } };
  expect(fateOfError(new TelegramRefused('sendMessage', wait), long, () => 1)).toMatchObject({
    kind: 'retry',
    delayMs: 3000,
  });
  const broken = new TelegramRefused('sendMessage', { error_code: 500, description: 'Internal Server Error' });
  expect(fateOfError(broken, long, () => 1)).toMatchObject({ kind: 'retry', error: { times: 1 } });
  const times = limits.sendAttemptsMax - 1;
  const last = { ...long, error: { code: 500, description: '', times } };
  expect(fateOfError(broken, last, () => 1)).toMatchObject({ kind: 'failed' });
});

test('a group that is sent on for ever fails in the end', () => {
  const moved = new TelegramRefused('sendMessage', {
    ...{ error_code: 400, description: 'Bad Request: moved' },
    parameters: { migrate_to_chat_id: -100 },
  });
  expect(fateOfError(moved, { attempts: 1, ageMs: 0, error: null }, () => 1).kind).toBe('moved');
  expect(fateOfError(moved, { attempts: limits.sendAttemptsMax, ageMs: 0, error: null }, () => 1).kind).toBe('failed');
});

test('a fate that the disk does not take is written as soon as it does, without a second call', async () => {
  const world = await newWorld();
  let full = false;
  const running = runOutbox(world, {
    disk: (journal): Journal => ({
      ...journal,
      write: (job) => (full ? Promise.reject(new Error('the disk is full')) : journal.write(job)),
    }),
    through: (api) => ({
      ...api,
      call(method, params) {
        full = true;
        return api.call(method, params);
      },
    }),
  });
  const id = await running.send(1, 'x');
  await until(async () => (await running.seenBy(1)).length === 1);
  await until(async () => running.sender.sent() === 1);
  expect((await running.find(id)).status).toBe('sending');
  await world.clock.advance(limits.restartMinMs);
  full = false;
  await world.clock.advance(limits.restartMinMs * 8);
  expect((await running.fateOf(id)).status).toBe('sent');
  expect(running.calls).toHaveLength(1);
});

test('a disk that refuses claims is told, and the outbox tries again', async () => {
  const world = await newWorld();
  let full = true;
  const running = runOutbox(world, {
    disk: (journal): Journal => ({
      ...journal,
      write: (job) => (full ? Promise.reject(new Error('the disk is full')) : journal.write(job)),
    }),
  });
  const id = await running.send(1, 'x');
  await until(() => running.downs.length === 1);
  full = false;
  await world.clock.advance(limits.restartMinMs);
  expect((await running.fateOf(id)).status).toBe('sent');
});

test('drained in the middle, it finishes the calls under way and begins no other', async () => {
  const world = await newWorld();
  const running = runOutbox(world);
  await world.bot.control('faults', { method: 'sendMessage', kind: 'slow', delay_ms: 100 });
  const [under, waits] = [await running.send(1, 'under way'), await running.send(1, 'waits')];
  await until(() => running.calls.length === 1);
  running.actor.send({ type: 'drain' });
  await until(() => running.actor.getSnapshot().status === 'done');
  expect((await running.find(under)).status).toBe('sent');
  expect((await running.find(waits)).status).toBe('queued');
});
