import { expect, test } from 'vitest';
import { waitFor } from 'xstate';
import { limits } from '../../src/limits.ts';
import { AnswerTooLarge, GatewayRefused } from '../../src/telegram/errors.ts';
import type { BotApi } from '../../src/telegram/telegram.ts';
import { newBot, pending, startPoller, until, untilFailed } from './support.ts';

test.each([
  ['Telegram answers 502', { kind: 'error', error_code: 502 }],
  ['the connection is cut', { kind: 'reset' }],
  ['the answer is lost', { kind: 'lost_answer' }],
  ['the answer is no JSON', { kind: 'malformed' }],
  ['the answer is no list', { kind: 'malformed', body: '{"ok":true,"result":{}}' }],
  ['an update has no id', { kind: 'malformed', body: '{"ok":true,"result":[{"message":{}}]}' }],
  ['an id is no number', { kind: 'malformed', body: '{"ok":true,"result":[{"update_id":"7"}]}' }],
  ['an update is no object', { kind: 'malformed', body: '{"ok":true,"result":[7]}' }],
])('%s: each wait is twice as long, nothing is confirmed, and the updates come in the end', async (_, fault) => {
  const world = await newBot();
  await world.bot.write(777, 'hello');
  await world.bot.control('faults', { method: 'getUpdates', times: 5, ...fault });
  const poller = await startPoller({}, world);
  for (let n = 1; n <= 5; n += 1) {
    await untilFailed(poller, n);
    expect(await pending(world.bot)).toBe(1);
    expect(poller.ups.count).toBe(0);
    await poller.clock.advance(poller.waits.at(-1) ?? 0);
  }
  await until(async () => (await pending(world.bot)) === 0);
  expect(poller.waits).toEqual([500, 1000, 2000, 4000, 8000]);
  expect(poller.downs.map(({ failures }) => failures)).toEqual([1, 2, 3, 4, 5]);
  expect(poller.polls().every(({ offset }) => offset === undefined || poller.received.length > 0)).toBe(true);
  await until(() => poller.ups.count > 0);
  expect(poller.actor.getSnapshot().context).toMatchObject({ failures: 0, failure: null });
});

test('waits are spread by jitter: from half to the whole of each', async () => {
  const world = await newBot();
  await world.bot.control('faults', { method: 'getUpdates', times: 2, kind: 'error', error_code: 500 });
  const poller = await startPoller({ random: () => 0 }, world);
  await untilFailed(poller, 1);
  await poller.clock.advance(1000);
  await untilFailed(poller, 2);
  expect(poller.waits).toEqual([250, 500]);
});

test('a disk that goes on failing is tried ever more seldom, although each poll is answered', async () => {
  const poller = await startPoller({ receive: () => Promise.reject(new Error('the disk is full')) });
  await poller.bot.write(777, 'hello');
  for (let n = 1; n <= 3; n += 1) {
    await untilFailed(poller, n);
    await poller.clock.advance(poller.waits.at(-1) ?? 0);
  }
  expect(poller.waits.slice(0, 3)).toEqual([500, 1000, 2000]);
});

test('after a failure a short poll shows at once that polling works again', async () => {
  const poller = await startPoller();
  await until(async () => (await poller.bot.control('')).polling);
  await poller.bot.control('faults', { method: 'getUpdates', kind: 'error', error_code: 502 });
  await poller.bot.write(777, 'hello');
  await untilFailed(poller, 1);
  const upsBefore = poller.ups.count;
  await poller.clock.advance(1000);
  await until(() => poller.ups.count > upsBefore);
  await until(async () => (await poller.bot.control('')).polling);
});

test("Telegram's retry_after is obeyed to the second", async () => {
  const world = await newBot();
  await world.bot.control('faults', { method: 'getUpdates', kind: 'error', error_code: 429, retry_after: 7 });
  const poller = await startPoller({}, world);
  await untilFailed(poller, 1);
  expect(poller.downs[0]?.failure.kind).toBe('wait');
  await poller.clock.advance(6999);
  expect(poller.polls()).toHaveLength(1);
  await poller.clock.advance(1);
  await until(async () => (await world.bot.control('')).polling);
});

test('a gateway that asks to wait is obeyed, and one that asks for no time is not asked in a loop', async () => {
  const world = await newBot();
  let retryAfterMs = 7000;
  const api: BotApi = {
    call: () => Promise.reject(new GatewayRefused('getMe', 'HTTP 429', { terminal: false, retryAfterMs })),
    close: async () => {},
  };
  const poller = await startPoller({ api }, world);
  await untilFailed(poller, 1);
  expect(poller.downs[0]?.failure).toMatchObject({ kind: 'wait', message: expect.stringContaining('HTTP 429') });
  retryAfterMs = 0;
  await until(() => poller.waits.length === 1);
  await poller.clock.advance(7000);
  await until(() => poller.waits.length === 2);
  expect(poller.waits).toEqual([7000, limits.pollBackoffMinMs]);
});

test('another poller is explained as one, and disturbed only at long intervals', async () => {
  const poller = await startPoller();
  await until(async () => (await poller.bot.control('')).polling);
  const rival = poller.bot.bot('getUpdates', { timeout: 50 });
  await untilFailed(poller, 1);
  expect(poller.downs[0]?.failure).toMatchObject({
    kind: 'conflict',
    message: expect.stringMatching(/^Another process polls this bot with the same token .*Stop it/),
  });
  const [ups, asked] = [poller.ups.count, poller.asked.length];
  await poller.clock.advance(limits.pollConflictDelayMs - 1);
  expect(poller.asked).toHaveLength(asked);
  await poller.clock.advance(1);
  // It is the rival's turn to be ended; that polling works shows only when a whole poll was answered.
  expect((await rival).error_code).toBe(409);
  await until(async () => (await poller.bot.control('')).polling);
  expect(poller.ups.count).toBe(ups);
  await poller.bot.write(777, 'hello');
  await until(() => poller.ups.count > ups);
});

test('a webhook is explained as one, and polling begins once it is gone', async () => {
  const world = await newBot();
  await world.bot.bot('setWebhook', { url: 'http://127.0.0.1:9/hook' });
  const poller = await startPoller({}, world);
  await untilFailed(poller, 1);
  expect(poller.downs[0]?.failure).toMatchObject({
    kind: 'conflict',
    message: expect.stringMatching(/^A webhook is set for this bot.*telegram\.deleteWebhook/),
  });
  expect(poller.ups.count).toBe(0);
  expect((await world.bot.control('')).webhook).toBe('http://127.0.0.1:9/hook');
  await world.bot.bot('deleteWebhook');
  await poller.clock.advance(limits.pollConflictDelayMs);
  await until(async () => (await world.bot.control('')).polling);
});

test('a webhook is taken away where the settings say so', async () => {
  const world = await newBot();
  await world.bot.bot('setWebhook', { url: 'http://127.0.0.1:9/hook' });
  const poller = await startPoller({ deleteWebhook: true }, world);
  await until(async () => (await world.bot.control('')).polling);
  expect((await world.bot.control('')).webhook).toBeNull();
  expect(poller.downs).toEqual([]);
});

test.each([401, 404])('a token that Telegram refuses with %d ends the poller with what to do', async (error_code) => {
  const world = await newBot();
  await world.bot.control('faults', { method: 'getMe', kind: 'error', error_code });
  const poller = await startPoller({}, world);
  const { output } = await waitFor(poller.actor, ({ status }) => status === 'done');
  expect(output?.failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('TELEGRAM_BOT_TOKEN') });
  expect(poller.downs).toHaveLength(1);
});

test.each([401, 404])(
  'a good token that is refused with %d for a while: asked again, and polling goes on',
  async (code) => {
    const poller = await startPoller();
    await until(async () => (await poller.bot.control('')).polling);
    await poller.bot.control('faults', { method: 'getUpdates', times: 8, kind: 'error', error_code: code });
    await poller.bot.write(777, 'hello');
    for (let n = 1; n <= 8; n += 1) {
      await untilFailed(poller, n);
      expect(poller.downs.at(-1)).toMatchObject({ failure: { kind: 'refused' }, failures: n });
      await poller.clock.advance(Math.min(500 * 2 ** (n - 1), limits.pollBackoffMaxMs));
    }
    await until(() => poller.received.length === 1);
    // What came before counts for nothing: the next refusal has 15 minutes again.
    await poller.clock.advance(limits.pollRefusedMs);
    await poller.bot.control('faults', { method: 'getUpdates', kind: 'error', error_code: code });
    await poller.bot.write(777, 'again');
    await untilFailed(poller, 9);
    await poller.clock.advance(limits.pollBackoffMinMs);
    await until(() => poller.received.length === 2);
    expect(poller.actor.getSnapshot().status).toBe('active');
  },
);

test('a token that is revoked while it serves: given up after 15 minutes of refusals, not before', async () => {
  const poller = await startPoller();
  await until(async () => (await poller.bot.control('')).polling);
  await poller.bot.control('revoke', {});
  await untilFailed(poller, 1);
  const refusedAt = poller.clock.now();
  while (poller.clock.now() < refusedAt + limits.pollRefusedMs - 1000) {
    const failed = poller.downs.length;
    await poller.clock.advance(1000);
    // The answer to a try that time has brought on.
    if (poller.actor.getSnapshot().matches({ doubted: 'asking' })) await untilFailed(poller, failed + 1);
  }
  expect(poller.actor.getSnapshot().status).toBe('active');
  await poller.clock.advance(1000);
  const { output } = await waitFor(poller.actor, ({ status }) => status === 'done');
  expect(output?.failure).toMatchObject({ kind: 'refused', message: expect.stringContaining('TELEGRAM_BOT_TOKEN') });
});

test('another answer between the refusals begins the 15 minutes anew', async () => {
  const poller = await startPoller();
  await until(async () => (await poller.bot.control('')).polling);
  await poller.bot.control('faults', { method: 'getUpdates', kind: 'error', error_code: 401 });
  await poller.bot.control('faults', { method: 'getUpdates', kind: 'error', error_code: 502 });
  await poller.bot.control('faults', { method: 'getUpdates', times: 1000, kind: 'error', error_code: 401 });
  await poller.bot.write(777, 'hello');
  await untilFailed(poller, 1);
  await poller.clock.advance(limits.pollBackoffMinMs);
  await untilFailed(poller, 2);
  expect(poller.downs.map(({ failure }) => failure.kind)).toEqual(['refused', 'retry']);
  await poller.clock.advance(1000);
  await untilFailed(poller, 3);
  await poller.clock.advance(limits.pollRefusedMs - 1);
  expect(poller.actor.getSnapshot().status).toBe('active');
});

test('Telegram that cannot be reached at start is tried until it can', async () => {
  const world = await newBot();
  await world.bot.control('faults', { method: 'getMe', times: 2, kind: 'reset' });
  const poller = await startPoller({}, world);
  await untilFailed(poller, 1);
  await poller.clock.advance(1000);
  await untilFailed(poller, 2);
  await poller.clock.advance(1000);
  await until(async () => (await world.bot.control('')).polling);
  expect(poller.waits.slice(0, 2)).toEqual([500, 1000]);
});

test('an update that is too large to be read has an entry in its place, and those behind it come', async () => {
  const ok = (updates: readonly object[]) => JSON.stringify({ ok: true, result: updates });
  const waiting = [5, 6, 7].map((update_id) => ({ update_id, poll: { id: String(update_id) } }));
  const polls: Readonly<Record<string, unknown>>[] = [];
  const api: Pick<BotApi, 'call'> = {
    async call(method, params, { signal } = {}) {
      if (method !== 'getUpdates') return { id: 123 };
      polls.push(params);
      const left = waiting
        .filter(({ update_id }) => update_id >= Number(params.offset ?? 0))
        .slice(0, Number(params.limit));
      if (left.some(({ update_id }) => update_id === 6)) {
        throw new AnswerTooLarge(method, 'the answer is too large', ok(left), null);
      }
      if (left.length === 0) await new Promise((_, reject) => signal?.addEventListener('abort', reject));
      return left;
    },
  };
  const poller = await startPoller({ api: { close: async () => {}, ...api } });
  await until(() => poller.received.length === 3);
  const six = { update_id: 6, too_large: { bytes_max: limits.botApiAnswerBytesMax } };
  expect(poller.received.flatMap(({ updates }) => updates)).toEqual([waiting[0], six, waiting[2]]);
  expect([poller.tooLarge, poller.downs]).toEqual([[6], []]);
  const asked = polls.map(({ offset, limit }) => [offset, limit]);
  expect(asked.slice(0, 5)).toEqual([
    [undefined, 100],
    [undefined, 1],
    [6, 100],
    [6, 1],
    [7, 100],
  ]);
});

test('too large an answer that tells no id is asked for again', async () => {
  const head = '{"ok":true,"result":[{"message":';
  const call: BotApi['call'] = async (method) => {
    if (method === 'getUpdates') throw new AnswerTooLarge(method, 'the answer is too large', head, null);
    return { id: 123 };
  };
  const poller = await startPoller({ api: { call, close: async () => {} } });
  await untilFailed(poller, 1);
  expect(poller.downs[0]?.failure).toMatchObject({ kind: 'retry', message: expect.stringMatching(/too large/) });
  expect([poller.received, poller.tooLarge]).toEqual([[], []]);
});
