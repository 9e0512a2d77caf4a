import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import { type DoctorOptions, examine } from '../../src/doctor.ts';
import { createHttpBotApi } from '../../src/telegram/http.ts';
import { type Started, start } from '../sandbox/start.ts';
import { manualClock } from '../support/clock.ts';
import { temporaryFolder } from '../support/journal.ts';
import { createKey, freeEnv, run, startServer } from './support.ts';

const CHECKS = ['data', 'damage', 'private', 'disk', 'keys', 'http', 'token', 'webhook', 'rival', 'clock'];

/** What the doctor finds of a sandbox's bot, by check. */
async function findings(started: Started, options: Partial<DoctorOptions> = {}): Promise<Record<string, string>> {
  const api = createHttpBotApi({ root: started.sandbox.url, token: started.token, connections: 2, clock: systemClock });
  onTestFinished(() => api.close());
  const clock = options.clock ?? manualClock();
  const found: Record<string, string> = {};
  const healthy: DoctorOptions = {
    ...{ api, clock, folder: temporaryFolder(), deleteWebhook: false },
    openData: () => ({ holder: null, keys: 2 }),
    exposed: () => [],
    plainHttp: null,
    checkData: async () => [],
    telegramTime: async () => clock.now(),
  };
  for await (const { name, state, says } of examine({ ...healthy, ...options })) found[name] = `${state} ${says}`;
  expect(Object.keys(found)).toEqual(CHECKS);
  return found;
}

/** A clock whose waits take no time; `meanwhile` is what others do during each. */
function hastyClock(meanwhile: () => Promise<unknown>): Clock {
  let now = Date.parse('2026-01-01T00:00:00Z');
  return {
    now: () => now,
    steadyNow: () => now,
    setTimeout(fn, delayMs) {
      now += delayMs;
      void meanwhile().then(fn);
      return { timer: null };
    },
    clearTimeout: () => {},
  };
}

/** As a set of updates that somebody takes. */
const takeAll = (started: Started) =>
  started
    .bot('getUpdates', { offset: -1 })
    .then(({ result }) => started.bot('getUpdates', { offset: (result[0]?.update_id ?? 0) + 1 }));

test('all is well: each check says so in one line, and nothing is confirmed', async () => {
  const clock = manualClock();
  const started = await start({ clock });
  const found = findings(started, { clock });
  await started.untilPolling();
  await clock.advance(13_000);
  expect(await found).toEqual({
    data: expect.stringMatching(/^ok .* opens; nobody serves it$/),
    damage: 'ok none in the database',
    private: 'ok other users cannot read the data folder, nor secrets in local.json',
    disk: expect.stringMatching(/^ok \d+ MiB free$/),
    keys: 'ok 2 active',
    http: 'ok on this machine only, or behind a proxy that is named',
    token: expect.stringMatching(/^ok @\w+ answers$/),
    webhook: 'ok none is set',
    rival: 'ok nobody else polls',
    clock: "ok within 0 s of Telegram's",
  });
});

test('a rival long-poller ends our poll: found, with what to do', async () => {
  const started = await start();
  const found = findings(started);
  await started.untilPolling();
  // It ends with the sandbox.
  started.bot('getUpdates', { timeout: 20 }).catch(() => {});
  expect((await found).rival).toMatch(
    /^fail somebody else polls this bot \(Conflict: .*\): stop that process, or both lose updates$/,
  );
});

test('updates that wait and that nobody takes are no rival, and still wait afterwards', async () => {
  const started = await start();
  for (const text of ['hello', 'anybody there?']) await started.write(7, text);
  const found = await findings(started, { clock: hastyClock(async () => {}) });
  expect(found.rival).toBe('ok updates wait, and nobody took them meanwhile');
  expect(await started.control('')).toMatchObject({ pending_update_count: 2 });
});

test('a rival that takes the updates that wait is found while users write on', async () => {
  const started = await start();
  await started.write(7, 'hello');
  const clock = hastyClock(() => takeAll(started).then(() => started.write(7, 'and again')));
  expect((await findings(started, { clock })).rival).toMatch(/^fail somebody else took the updates that waited/);
});

test('a webhook: said so, and nobody is taken for a rival; with telegram.deleteWebhook it is no fault', async () => {
  const started = await start();
  await started.bot('setWebhook', { url: 'http://127.0.0.1:9/hook/secret-path' });
  const found = await findings(started);
  expect(found.webhook).toBe('fail one is set, so nobody can poll: remove it, or set telegram.deleteWebhook to true');
  expect(found.rival).toBe('skip not looked for: nobody can poll while a webhook is set');
  expect(JSON.stringify(found)).not.toContain('secret-path');
  const taken = await findings(started, { deleteWebhook: true });
  expect(taken.webhook).toBe('ok one is set: start takes it away, as telegram.deleteWebhook says');
});

test('a revoked token: told, never shown, and the checks that need the bot are skipped', async () => {
  const started = await start();
  await started.control('revoke', {});
  const found = await findings(started);
  expect(found).toMatchObject({
    token: 'fail Telegram refused getMe: 401 Unauthorized: check TELEGRAM_BOT_TOKEN and TELEGRAM_API_ROOT',
    ...{ webhook: 'skip the bot does not answer', rival: 'skip the bot does not answer' },
    clock: 'skip the bot does not answer',
  });
  expect(JSON.stringify(found)).not.toContain(started.token);
});

test('whoever holds the data folder is named, and not disturbed by a poll', async () => {
  const started = await start();
  const openData = () => ({ holder: 'process 7 on here', keys: 0 });
  expect(await findings(started, { openData })).toMatchObject({
    data: expect.stringMatching(/^ok .*; served by process 7 on here$/),
    keys: 'ok none yet: make one with switchboard keys create',
    rival: 'skip not looked for: process 7 on here polls',
  });
});

test.each([
  [61_000, 'fail 61 s off'],
  [-3_600_000, 'fail -3600 s off'],
  [60_000, 'ok within 60 s'],
])('a clock that is %d ms ahead: %s', async (aheadMs, says) => {
  const started = await start();
  const clock = manualClock();
  const openData = () => ({ holder: 'another', keys: 1 });
  const telegramTime = async () => clock.now() - aheadMs;
  expect((await findings(started, { clock, openData, telegramTime })).clock).toContain(says);
});

test('an error of several lines stays one line; a time that Telegram does not tell is no fault', async () => {
  const started = await start();
  const openData = () => {
    throw new Error('disk\n  on fire');
  };
  await started.bot('setWebhook', { url: 'http://127.0.0.1:9/' });
  const found = await findings(started, { openData, folder: '.', telegramTime: async () => null });
  expect([found.data, found.keys, found.clock]).toEqual([
    ...['fail disk on fire', 'fail disk on fire'],
    'ok Telegram did not tell its time',
  ]);
});

/** The real command: its exit code, and its lines as state and check. */
async function doctor(env: Record<string, string>) {
  const { code, stdout, stderr } = await run(['doctor'], env).ended;
  const lines = stdout.trimEnd().split('\n');
  // On a loaded machine it says how far it is.
  expect(stderr).toMatch(/^(\d+ seconds of reading the database so far\n)*$/);
  expect(lines.map((line) => line.split(/ +/)[1])).toEqual(CHECKS);
  return { code, stdout, states: lines.map((line) => line.split(' ')[0]).join(' ') };
}

test('the command without a token: exit 0', async () => {
  expect(await doctor(freeEnv())).toMatchObject({ code: 0, states: 'ok skip ok ok ok ok skip skip skip skip' });
  // Reached from elsewhere in plain HTTP: a warning, and no failure.
  const open = await doctor({ ...freeEnv(), SWITCHBOARD_HOST: '0.0.0.0' });
  expect(open).toMatchObject({ code: 0, states: 'ok skip ok ok ok warn skip skip skip skip' });
  expect(open.stdout).toContain('listens on 0.0.0.0 in plain HTTP');
});

test('the command beside a server names its process: exit 0', async () => {
  const { sandbox, token } = await start();
  const env = { ...freeEnv(), TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: sandbox.url };
  const [{ child }] = await Promise.all([startServer(env), createKey(env, 'operator')]);
  const { code, stdout, states } = await doctor(env);
  expect([code, states]).toEqual([0, 'ok ok ok ok ok ok ok ok skip ok']);
  expect(stdout).toContain(`served by process ${child.pid} on `);
  expect(stdout).toContain('1 active');
  expect(stdout).not.toContain(token);
});

test('the command with a webhook, or a wrong token, or a data folder that cannot be made: exit 1', async () => {
  const { sandbox, token, bot } = await start();
  await bot('setWebhook', { url: 'http://127.0.0.1:9/' });
  const env = { ...freeEnv(), TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: sandbox.url };
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  const [webhook, unknown, folder] = await Promise.all([
    doctor(env),
    doctor({ ...env, SWITCHBOARD_DATA: temporaryFolder(), TELEGRAM_API_ROOT: `${sandbox.url}/nowhere` }),
    doctor({ ...freeEnv(), SWITCHBOARD_DATA: join(file, 'data') }),
  ]);
  expect([webhook.code, webhook.states]).toEqual([1, 'ok skip ok ok ok ok ok fail skip ok']);
  expect([unknown.code, unknown.states]).toEqual([1, 'ok skip ok ok ok ok fail skip skip skip']);
  expect(unknown.stdout).toContain('check TELEGRAM_BOT_TOKEN and TELEGRAM_API_ROOT');
  expect([folder.code, folder.states]).toEqual([1, 'fail skip ok fail fail ok skip skip skip skip']);
});

test.skipIf(process.getuid?.() === 0)('a database that may only be read is told (root may write all)', async () => {
  const env = freeEnv();
  await createKey(env, 'operator');
  chmodSync(join(env.SWITCHBOARD_DATA ?? '', 'switchboard.db'), 0o444);
  expect(await doctor(env)).toMatchObject({ code: 1, stdout: expect.stringContaining('may not be written by') });
});
