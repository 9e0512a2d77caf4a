import { expect, onTestFinished, test } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import { type LiveOptions, tryFacts } from '../../src/live.ts';
import { FACTS } from '../../src/live-facts.ts';
import { TelegramRefused } from '../../src/telegram/errors.ts';
import { createHttpBotApi } from '../../src/telegram/http.ts';
import type { BotApi } from '../../src/telegram/telegram.ts';
import { type Started, start } from '../sandbox/start.ts';
import { freeEnv, run, startServer } from './support.ts';

const CHAT = 777;
type Call = BotApi['call'];

/** A clock on which pauses last a tenth, of the sandbox and the trials together. Limits of time stay as they are. */
const quickClock: Clock = {
  now: () => Date.parse('2026-01-01T00:00:00Z') + systemClock.steadyNow() * 10,
  steadyNow: () => systemClock.steadyNow() * 10,
  setTimeout: (fn, ms) => systemClock.setTimeout(fn, ms < 50_000 ? ms / 10 : ms),
  clearTimeout: (handle) => systemClock.clearTimeout(handle),
};

/** A sandbox whose owner has written once, and waits for nothing. */
async function owned(flood: Parameters<typeof start>[0] = {}) {
  const started = await start({ clock: quickClock, ...flood });
  await started.write(CHAT, '/start');
  await started.bot('getUpdates', { offset: -1 });
  const { result } = await started.bot('getUpdates', { offset: -1 });
  await started.bot('getUpdates', { offset: result[0].update_id + 1 });
  return started;
}

/** Does what the owner is asked to do. */
const obedient = (started: Started) => async (text: string) => {
  if (text.startsWith('Write the word')) await started.write(CHAT, 'Switchboard!');
  if (!text.startsWith('Press')) return;
  const { messages } = await started.control(`chats/${CHAT}`);
  const { message_id } = messages.at(-1);
  await started.control(`chats/${CHAT}/callbacks`, { message_id, data: 'trial-of-a-button' });
};

function options(started: Started, more: Partial<LiveOptions> = {}): LiveOptions {
  const api = createHttpBotApi({ root: started.sandbox.url, token: started.token, connections: 2, clock: systemClock });
  onTestFinished(() => api.close());
  return {
    ...{ api, chat: String(CHAT), clock: quickClock, say: obedient(started), signal: new AbortController().signal },
    skipped: () => new Promise(() => {}),
    ...more,
  };
}

async function states(given: LiveOptions) {
  const found: Record<string, string> = {};
  for await (const { name, state, seen } of tryFacts(given)) found[name] = `${state}: ${seen}`;
  return found;
}

const texts = async ({ control }: Started) =>
  (await control(`chats/${CHAT}`)).messages.map(({ text }: { text?: string }) => text);

test('the sandbox differs from the docs in nothing, and keeps none of the messages', async () => {
  const started = await owned();
  const found = await states(options(started));
  const unclear = ['many-edits', 'many-messages'];
  expect(found).toEqual(
    Object.fromEntries(
      FACTS.map(({ name }) => [name, expect.stringMatching(unclear.includes(name) ? /^unclear: none of/ : /^ok: /)]),
    ),
  );
  expect(await texts(started)).toEqual(['/start', 'Switchboard!']);
  // What the owner did is confirmed: Switchboard never sees it.
  expect((await started.control('')).pending_update_count).toBe(0);
});

test('with the limits of Telegram the flood ends with a wait that it asks for', async () => {
  const started = await owned({ flood: { chatPerSecond: 0.01 } });
  const facts = FACTS.filter(({ name }) => name === 'many-messages');
  expect(await states(options(started, { facts }))).toEqual({
    'many-messages': expect.stringMatching(/^ok: number 11, after .* s: 429 Too Many Requests: retry after \d+$/),
  });
  expect(await texts(started)).toEqual(['/start']);
});

const refuse = (code: number, description: string) => {
  throw new TelegramRefused('a call', { error_code: code, description });
};
const has = (params: object, text: string) => JSON.stringify(params).includes(text);

/** A Telegram that does otherwise, by the fact that shows it. */
const OTHERWISE: Readonly<Record<string, (call: Call, ...args: Parameters<Call>) => ReturnType<Call>>> = {
  'text-length': async (call, method, params) =>
    has(params, 'x'.repeat(4097)) ? { message_id: 1, chat: { id: CHAT } } : call(method, params),
  'parse-mode': (call, method, params) => call(method, { ...params, parse_mode: '' }),
  'empty-parameter': async (call, method, params) =>
    has(params, '"parse_mode":""') ? refuse(400, 'Bad Request: unsupported parse_mode') : call(method, params),
  'same-edit': async (call, method, params) =>
    call(method, method === 'editMessageText' ? { ...params, text: 'changed' } : params),
  'edit-keyboard': async (call, method, params) => {
    const result = await call(method, params);
    return method === 'editMessageText' ? { ...Object(result), reply_markup: {} } : result;
  },
  'button-data': async (call, method, params) =>
    has(params, 'x'.repeat(65)) ? { message_id: 1, chat: { id: CHAT } } : call(method, params),
  'second-delete': async (call, method, params) =>
    call(method, params).catch((error: unknown) => (method === 'deleteMessage' ? true : Promise.reject(error))),
  'unknown-method': async (call, method, params) =>
    method === 'sendSwitchboardTrial' ? refuse(400, 'Bad Request: no such method') : call(method, params),
  'unknown-update': async (call, method, params) =>
    has(params, 'switchboard_trial') ? refuse(400, 'Bad Request: unknown update') : call(method, params),
  'two-polls': async (call, method, params, more) => {
    if (method !== 'getUpdates' || params.timeout === 0) return call(method, params, more);
    return [];
  },
  unconfirmed: async (call, method, params, more) => {
    const result = await call(method, params, more);
    // Confirmed as it is given.
    if (Array.isArray(result) && result.length > 0) await call(method, { offset: result.at(-1).update_id + 1 });
    return result;
  },
  button: async (call, method, params, more) => {
    const text = JSON.stringify(await call(method, params, more));
    return JSON.parse(method === 'getUpdates' ? text.replaceAll('"data":"trial-of-a-button"', '"data":"other"') : text);
  },
  burst: async (call, method, params) =>
    has(params, '5 of 5 at once') ? refuse(429, 'Too Many Requests: retry after 3') : call(method, params),
  'many-edits': async (call, method, params) =>
    has(params, 'Edit 3') ? refuse(400, 'Bad Request: message edited too often') : call(method, params),
  'many-messages': async (call, method, params) =>
    has(params, '3 of 20') ? refuse(429, 'Too Many Requests') : call(method, params),
};

test.each(FACTS)('$name: a Telegram that does otherwise is reported', async (fact) => {
  const started = await owned();
  const given = options(started, { facts: [fact] });
  const otherwise = OTHERWISE[fact.name];
  if (otherwise === undefined) return expect.fail(`write down what else Telegram could do about ${fact.name}`);
  const api: BotApi = { ...given.api, call: (...args) => otherwise(given.api.call, ...args) };
  expect(await states({ ...given, api })).toEqual({ [fact.name]: expect.stringMatching(/^differs: ./) });
});

test('what the owner skips stays unclear; an end in the middle deletes what was sent', async () => {
  const started = await owned();
  const facts = FACTS.filter(({ name }) => name === 'button' || name === 'burst');
  const skipping = { say: () => {}, skipped: async () => {} };
  expect((await states(options(started, { ...skipping, facts }))).button).toBe('unclear: nobody pressed it');
  const stop = new AbortController();
  const found = await states(options(started, { facts, say: () => stop.abort(), signal: stop.signal }));
  expect(Object.keys(found)).toEqual(['button']);
  expect(await texts(started)).toEqual(['/start']);
});

test('what others write is not confirmed; while updates wait, or with a webhook, nothing is tried', async () => {
  const started = await owned();
  const facts = FACTS.filter(({ name }) => name === 'unconfirmed');
  const say = async (text: string) => {
    await started.write(8, 'hello');
    await obedient(started)(text);
  };
  expect((await states(options(started, { facts, say }))).unconfirmed).toMatch(/^unclear: .* others wrote too/);
  expect((await started.control('')).pending_update_count).toBe(2);
  await expect(states(options(started))).rejects.toThrow('2 updates wait: let Switchboard take them');
  await started.bot('setWebhook', { url: 'http://127.0.0.1:9/' });
  await expect(states(options(started))).rejects.toThrow('a webhook is set');
  expect(await texts(started)).toEqual(['/start', 'Switchboard!']);
});

test('a chat that the bot cannot write to is told as that, and nothing is tried', async () => {
  const started = await owned();
  const says = (chat: number, why: string) =>
    `the bot cannot write to chat ${chat} (${why}): check the id, and write to the bot once in that chat`;
  await expect(states(options(started, { chat: '999' }))).rejects.toThrow(says(999, 'Bad Request: chat not found'));
  await started.control(`chats/${CHAT}/block`, {});
  await started.bot('getUpdates', { offset: (await started.bot('getUpdates')).result[0].update_id + 1 });
  await expect(states(options(started))).rejects.toThrow(says(CHAT, 'Forbidden: bot was blocked by the user'));
});

test.each([
  [1, 'ok'],
  [9000, 'unclear'],
])('a 429 in between, with a wait of %i s, is no difference: %s', async (retry_after, state) => {
  const started = await owned();
  const names = ['text-length', 'empty-parameter', 'same-edit', 'button-data', 'second-delete', 'unknown-method'];
  const facts = FACTS.filter(({ name }) => names.includes(name));
  const given = options(started, { facts });
  const waited = new Set<string>();
  const call: Call = async (method, params, more) => {
    const key = JSON.stringify([method, params]);
    if (method === 'deleteMessages' || method.startsWith('get') || method === 'sendChatAction' || waited.has(key))
      return given.api.call(method, params, more);
    waited.add(key);
    const description = `Too Many Requests: retry after ${retry_after}`;
    throw new TelegramRefused(method, { error_code: 429, description, parameters: { retry_after } });
  };
  const found = await states({ ...given, api: { ...given.api, call } });
  expect(found).toEqual(Object.fromEntries(names.map((name) => [name, expect.stringMatching(`^${state}: `)])));
});

test('the command says what it takes, and gives way to a Switchboard that serves the bot', async () => {
  const { sandbox, token, bot } = await start();
  const env = { ...freeEnv(), TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: sandbox.url };
  await startServer(env);
  const [served, none, chat, failing] = await Promise.all([
    run(['doctor', '--live', '--chat', '777'], env).ended,
    run(['doctor', '--live', '--chat', '777'], freeEnv()).ended,
    run(['doctor', '--live'], env).ended,
    run(['doctor', '--live', '--chat', '777'], { ...env, ...freeEnv(), TELEGRAM_API_ROOT: 'http://127.0.0.1:1' }).ended,
  ]);
  expect([served.code, served.stderr]).toEqual([
    1,
    expect.stringMatching(/process \d+ on .* serves this bot.*stop it first/),
  ]);
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('set TELEGRAM_BOT_TOKEN')]);
  expect([chat.code, chat.stderr]).toEqual([2, expect.stringContaining('--live and --chat')]);
  expect([failing.code, failing.stdout]).toEqual([1, expect.stringMatching(/^fail token /m)]);
  expect(failing.stderr).toBe('switchboard: nothing was tried in the chat: mend first what fails above\n');
  expect((await bot('getMe')).ok).toBe(true);
});
