import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { type FateError, fateOfError } from '../../src/outbox/fate.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { GatewayRefused, TelegramRefused, TelegramUnreachable } from '../../src/telegram/errors.ts';
import { until } from '../ingress/support.ts';
import { openJournal } from '../support/journal.ts';
import { newWorld, type OutboxOptions, type Running, runOutbox, texts } from './support.ts';

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

describe('I5: once an answer was lost, what ends the message before it is sent again leaves it unknown', () => {
  const lost = expect.objectContaining({ code: 0, times: 1 });
  const end = {
    'Telegram refuses the next call': async ({ bot, find, advance, clock }: Running, id: string) => {
      await bot.control('faults', { method: 'sendMessage', error_code: 400, description: 'Bad Request: no' });
      await advance((await find(id)).dueAt - clock.now());
      return { code: 400, description: 'Bad Request: no', history: [lost] };
    },
    'it waits for Telegram in between': async ({ bot, find, advance, clock }: Running, id: string) => {
      await bot.control('faults', { method: 'sendMessage', error_code: 429, retry_after: 1 });
      await bot.control('faults', { method: 'sendMessage', error_code: 400, description: 'Bad Request: no' });
      await advance((await find(id)).dueAt - clock.now());
      await until(async () => (await find(id)).attempts === 2 && (await find(id)).status === 'queued');
      await advance((await find(id)).dueAt - clock.now());
      return { code: 400, history: [lost, expect.objectContaining({ code: 429 })] };
    },
    'its time is over': async ({ advance }: Running) => {
      await advance(400);
      return { code: 0, history: [lost] };
    },
    'it is taken back': async ({ outbox }: Running, id: string) => {
      expect((await outbox.cancel(id)).status).toBe('unknown');
      return { code: 0, history: [lost] };
    },
    'its chat is closed meanwhile': async ({ bot, send, fateOf, find, advance, clock }: Running, id: string) => {
      await bot.control('chats/1/block', {});
      await fateOf(await send(1, 'another', { order: 'free' }));
      await advance((await find(id)).dueAt - clock.now());
      return { code: 403, history: [lost] };
    },
  };
  test.each(Object.entries(end))('%s', async (what, then) => {
    const world = await newWorld();
    const running = runOutbox(world);
    await world.bot.control('faults', { method: 'sendMessage', kind: 'lost_answer' });
    const late = new Date(world.clock.now() + 400).toISOString();
    const expiry = what === 'its time is over' ? { expires_at: late } : {};
    const id = await running.send(1, 'once', { on_unknown: 'resend', ...expiry });
    await untilTried(running, id, 1);
    const error = await then(running, id);
    const message = await running.fateOf(id);
    expect([message.status, JSON.parse(message.error ?? '')]).toEqual(['unknown', expect.objectContaining(error)]);
    expect((await running.told()).at(-1)).toBe('message.unknown');
    expect((await running.seenBy(1)).filter((text) => text === 'once')).toHaveLength(1);
    // Somebody who knows better may still say so.
    expect((await running.outbox.resolve(id, 'failed')).status).toBe('failed');
  });
});

test('I5: a message that somebody has sent again may have arrived before', async () => {
  const running = runOutbox(await newWorld());
  await running.bot.control('faults', { method: 'sendMessage', kind: 'lost_answer' });
  const id = await running.send(1, 'once');
  await running.fateOf(id);
  await running.bot.control('faults', { method: 'sendMessage', error_code: 400, description: 'Bad Request: no' });
  await running.outbox.resolve(id, 'resend');
  expect(await running.fateOf(id)).toMatchObject({ status: 'unknown', attempts: 2 });
});

test('a closed chat tells why, and nothing of the message that found it closed', async () => {
  const running = runOutbox(await newWorld());
  await running.bot.control('faults', { method: 'sendMessage', error_code: 500 });
  await running.bot.control('chats/1/block', {});
  const first = await running.send(1, 'a');
  await untilTried(running, first, 1);
  await running.advance(500);
  expect(JSON.parse((await running.fateOf(first)).error ?? '')).toHaveProperty('history');
  const second = await running.fateOf(await running.send(1, 'b'));
  expect(JSON.parse(second.error ?? '')).toEqual({ code: 403, description: 'Forbidden: bot was blocked by the user' });
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

const START = Date.parse('2026-01-01T00:00:00Z');
const at = (ms: number) => new Date(START + ms).toISOString();
const refused = (error_code: number, parameters?: object) =>
  new TelegramRefused('sendMessage', {
    error_code,
    description: 'no',
    ...(parameters === undefined ? {} : { parameters }),
  });

/** A message that failed so for `ms`, and fails once more. */
const after = (ms: number, error: Error, failures: { code: number; times: number }) => {
  const earlier = { ...failures, description: 'no', from: at(0), to: at(ms) };
  return fateOfError(error, { attempts: failures.times + 1, failures: [earlier], now: START + ms }, () => 1);
};

test('an outage of hours, and waits that Telegram asks for, cost no message; errors of its own do', () => {
  const gone = new TelegramUnreachable('sendMessage', 'no route', false);
  const [hour, often] = [3_600_000, { code: 0, times: 1000 }];
  expect(after(hour, gone, often)).toMatchObject({ kind: 'retry', delayMs: limits.sendBackoffMaxMs });
  expect(after(hour, refused(429, { retry_after: 3 }), often)).toMatchObject({ kind: 'retry', delayMs: 3000 });
  expect(after(hour, refused(500), often).kind).toBe('retry');
  const last = { code: 500, times: limits.sendAttemptsMax - 1 };
  expect(after(hour, refused(502), last)).toMatchObject({ kind: 'failed', error: { code: 502, history: [last] } });
});

test('a token that is refused costs no message', () => {
  const often = { code: 401, times: 1000 };
  for (const [code, description] of [
    [401, 'Unauthorized'],
    [404, 'Not Found'],
  ] as const) {
    const refusal = new TelegramRefused('sendMessage', { error_code: code, description });
    expect(after(3_600_000, refusal, often)).toMatchObject({ kind: 'retry', delayMs: limits.sendBackoffMaxMs });
  }
  const unknownMethod = { error_code: 404, description: 'Not Found: method not found' };
  expect(after(1, new TelegramRefused('sendMessage', unknownMethod), often).kind).toBe('failed');
});

test('a gateway that asks to wait means all that the bot sends, also for the next process', async () => {
  const world = await newWorld();
  let isBusy = true;
  const busy = new GatewayRefused('sendMessage', 'HTTP 429', { terminal: false, retryAfterMs: 60_000 });
  const through: OutboxOptions['through'] = (api) => ({
    ...api,
    call: (method, params) => (isBusy ? Promise.reject(busy) : api.call(method, params)),
  });
  const running = runOutbox(world, { through });
  const first = await running.send(1, 'a');
  await untilTried(running, first, 1);
  const second = await running.send(2, 'b');
  await running.advance(59_999);
  expect(running.calls).toHaveLength(1);
  expect(JSON.parse((await running.find(first)).error ?? '')).toMatchObject({ code: 0, held: 'bot' });
  expect(await world.journal.write((tx) => tx.holds(10))).toMatchObject([{ chat: null }]);
  isBusy = false;
  await running.advance(1);
  await running.advance(60_000);
  expect([(await running.fateOf(first)).status, (await running.fateOf(second)).status]).toEqual(['sent', 'sent']);
});

test('what a gateway refuses for good has failed, and says what the gateway said', async () => {
  const tooLarge = new GatewayRefused('sendMessage', 'HTTP 413', { terminal: true, retryAfterMs: undefined });
  const through: OutboxOptions['through'] = (api) => ({ ...api, call: () => Promise.reject(tooLarge) });
  const running = runOutbox(await newWorld(), { through });
  const { status, attempts, error } = await running.fateOf(await running.send(1, 'a'));
  expect([status, attempts, error]).toEqual(['failed', 1, expect.stringContaining('HTTP 413')]);
});

test('a wait of no time is a short one', () => {
  const often = { code: 429, times: 1000 };
  expect(after(1, refused(429, { retry_after: 0 }), often)).toMatchObject({ delayMs: limits.sendBackoffMinMs });
});

test('a channel that put the bot out is tried again by its @name: nobody would tell of its coming back', async () => {
  const running = runOutbox(await newWorld());
  const description = 'Forbidden: bot was kicked from the channel chat';
  await running.bot.control('faults', { method: 'sendMessage', times: 2, error_code: 403, description });
  for (const text of ['a', 'b']) {
    expect(await running.fateOf(await running.send('@channel', text))).toMatchObject({ status: 'failed', attempts: 1 });
  }
});

test('what is tried again has a deadline: then it has failed, with its history', () => {
  const day = limits.sendDeadlineMs;
  const [gone, often] = [new TelegramUnreachable('sendMessage', 'no route', false), { code: 0, times: 9 }];
  expect(after(day - 1, gone, often)).toMatchObject({ kind: 'retry', delayMs: 1 });
  expect(after(day - 10_000, refused(429, { retry_after: 86_400 }), often)).toMatchObject({ delayMs: 10_000 });
  expect(after(day, gone, often)).toMatchObject({
    kind: 'failed',
    error: { code: 0, history: [{ times: 9, from: at(0) }] },
  });
});

test('a history keeps the first failure and the last ones, alike in a row as one', () => {
  let error: FateError = { code: 0, description: '' };
  for (let n = 0; n < 40; n += 1) {
    const history = { attempts: n + 1, failures: error.history ?? [], now: START + n };
    const fate = fateOfError(refused(429 + 71 * (Math.floor(n / 2) % 2), { retry_after: 1 }), history, () => 1);
    if (fate.kind === 'retry') error = fate.error;
  }
  expect(error.history).toHaveLength(limits.fateHistoryMax);
  expect(error.history?.[0]).toEqual({ code: 429, description: 'no', times: 2, from: at(0), to: at(1) });
  expect(error.history?.at(-1)).toEqual({ code: 500, description: 'no', times: 2, from: at(38), to: at(39) });
});

test('a gateway that gave up waiting (504) may have passed the call on: unknown', () => {
  expect(fateOfError(refused(504), { attempts: 1, failures: [], now: START }, () => 1)).toMatchObject({
    kind: 'unknown',
    error: { code: 504 },
  });
});

test('a group that is sent on for ever fails in the end', () => {
  const moved = refused(400, { migrate_to_chat_id: -100 });
  const tried = (attempts: number) => fateOfError(moved, { attempts, failures: [], now: START }, () => 1).kind;
  expect([tried(1), tried(limits.sendAttemptsMax)]).toEqual(['moved', 'failed']);
});

test('a chat that blocked the bot: nothing more is tried there until the user writes again', async () => {
  const world = await newWorld();
  const { send, fateOf, calls, told } = runOutbox(world);
  await world.bot.control('chats/1/block', {});
  expect((await fateOf(await send(1, 'a'))).attempts).toBe(1);
  const [second, third] = await Promise.all([send(1, 'b'), send(1, 'c')]);
  const error = { code: 403, description: 'Forbidden: bot was blocked by the user' };
  for (const id of [second, third]) {
    const message = await fateOf(id);
    expect([message.status, message.attempts, JSON.parse(message.error ?? '')]).toEqual(['failed', 0, error]);
  }
  expect((await fateOf(await send(2, 'd'))).status).toBe('sent');
  await world.bot.control('chats/1/unblock', {});
  await world.journal.write((tx) => tx.reopenChats(['1']));
  expect((await fateOf(await send(1, 'e'))).status).toBe('sent');
  expect(texts(calls)).toEqual(['a', 'd', 'e']);
  expect(await told()).toEqual(['message.failed', 'message.failed', 'message.failed', 'message.sent', 'message.sent']);
});

test('a message to a chat that blocked the bot fails as it is accepted, whatever waits before it and whoever asks', async () => {
  const world = await newWorld();
  const { send, find, fateOf, calls, outbox, told } = runOutbox(world, {
    rates: { overallPerS: 0.01, overallBurst: 3 },
  });
  await world.bot.control('chats/1/block', {});
  await fateOf(await send(1, 'a'));
  const waiting = await Promise.all([2, 3, 4, 5].map((chat) => send(chat, 'bulk')));
  const asked = { keyId: 'key', chats: null, idempotencyKey: 'k', body: { chat_id: 1, text: 'b' } };
  const accepted = await outbox.accept(asked);
  const error = { code: 403, description: 'Forbidden: bot was blocked by the user' };
  const { status, attempts, error: why } = await find(accepted.id);
  expect([accepted.status, status, attempts, JSON.parse(why ?? '')]).toEqual(['failed', 'failed', 0, error]);
  expect(await outbox.accept(asked)).toEqual({ ...accepted, replayed: true });
  const later = { chat_id: 1, text: 'c', delivery: { send_at: new Date(world.clock.now() + 60_000).toISOString() } };
  expect(await outbox.accept({ ...asked, idempotencyKey: 'l', body: later })).toMatchObject({ status: 'scheduled' });
  expect((await find(waiting.at(-1) ?? '')).status).toBe('queued');
  expect(texts(calls).filter((text) => text !== 'bulk')).toEqual(['a']);
  expect((await told()).filter((type) => type === 'message.failed')).toHaveLength(2);
  expect(await world.journal.outboxDepth()).toBe(
    1 + (await Promise.all(waiting.map(find))).filter((m) => m.status === 'queued').length,
  );
});

test('a user who wrote while a message to them was being refused gets the next one', async () => {
  const world = await newWorld();
  const { promise: written, resolve: write } = Promise.withResolvers<void>();
  const { send, find, fateOf } = runOutbox(world, {
    through: (api) => ({
      ...api,
      async call(method, params) {
        if (params.text !== 'refused') return api.call(method, params);
        const answer = api.call(method, params).catch((error) => error);
        await Promise.all([answer, written]);
        throw await answer;
      },
    }),
  });
  await world.bot.control('chats/1/block', {});
  const refused = await send(1, 'refused');
  await until(async () => (await find(refused)).status === 'sending');
  await world.bot.control('chats/1/unblock', {});
  await world.journal.write((tx) => tx.reopenChats(['1']));
  write();
  expect((await fateOf(refused)).status).toBe('failed');
  expect((await fateOf(await send(1, 'the next one'))).status).toBe('sent');
});

test('what refuses the answer to one button (403) says nothing of the next user', async () => {
  const world = await newWorld();
  const { post, fateOf, calls } = runOutbox(world);
  const description = 'Forbidden: bot was blocked by the user';
  await world.bot.control('faults', { method: 'answerCallbackQuery', error_code: 403, description });
  const first = await post({ method: 'answerCallbackQuery', callback_query_id: 'a' });
  expect(JSON.parse((await fateOf(first)).error ?? '')).toEqual({ code: 403, description });
  // Telegram is asked of the next one, too. (Here it knows of no such button.)
  const next = await post({ method: 'answerCallbackQuery', callback_query_id: 'b' });
  expect(await fateOf(next)).toMatchObject({ status: 'failed', attempts: 1 });
  expect(calls).toHaveLength(2);
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
