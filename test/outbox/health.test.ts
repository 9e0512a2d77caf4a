import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createMachineTable } from '../../src/conversations/machines.ts';
import { limits } from '../../src/limits.ts';
import { createLog } from '../../src/log.ts';
import { createSystem } from '../../src/system.ts';
import { apiOf } from '../ingress/support.ts';
import { start } from '../sandbox/start.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { NO_UPLOADS } from '../support/uploads.ts';
import { newWorld, runOutbox } from './support.ts';

const FAULTS = [
  ['Telegram answers 500', { error_code: 500 }, '500'],
  ['Telegram asks to wait', { error_code: 429, retry_after: 1 }, '429 Too Many Requests'],
  ['the token is refused', { error_code: 401 }, '401 Unauthorized'],
  ['a gateway answers', { kind: 'malformed', body: '<html>502</html>' }, 'are no answer'],
  ['answers are lost', { kind: 'lost_answer' }, 'the connection was closed'],
] as const;

test.each(FAULTS)('%s, to every call: sends are failing, says why, until one succeeds', async (_, fault, why) => {
  const world = await newWorld();
  const running = runOutbox(world);
  /** Posts one message a chat; time goes on until as many calls have failed, and one has succeeded. */
  const failInARow = async (times: number) => {
    const sent = running.sender.sent();
    await world.bot.control('faults', { method: 'sendMessage', times, ...fault });
    for (let chat = 1; chat <= times + 1; chat += 1) await running.send(chat, 'x');
    while (running.sender.sent() === sent) await world.clock.advance(100);
  };
  await failInARow(limits.sendFailuresMax - 1);
  expect(running.sends).toEqual([]);
  await failInARow(limits.sendFailuresMax);
  expect(running.sends).toEqual([
    expect.stringMatching(`^${limits.sendFailuresMax} calls in a row failed.*${why}`),
    null,
  ]);
});

test('what is wrong with single chats and messages is no failure of the sends, and no success', async () => {
  const world = await newWorld();
  const running = runOutbox(world);
  await world.bot.control('chats/1/block', {});
  for (let n = 1; n <= limits.sendFailuresMax; n += 1) {
    await running.fateOf(await running.send(400 + n, 'there is no such chat'));
    await running.fateOf(await running.send(1, 'blocked'));
  }
  expect(running.sends).toEqual([]);
  const fault = { method: 'sendMessage', chat_id: 2, times: limits.sendFailuresMax, kind: 'lost_answer' };
  await world.bot.control('faults', fault);
  for (let n = 1; n <= limits.sendFailuresMax; n += 1) {
    await running.fateOf(await running.send(404, 'between two failures'));
    await running.fateOf(await running.send(2, 'x'));
  }
  expect(running.sends).toHaveLength(1);
});

test('the part outbox is degraded meanwhile, with the reason, and up again; the log says both', async () => {
  const bot = await start();
  await bot.write(7, 'hello');
  const clock = manualClock();
  const lines: { event?: string; part?: string; msg: string }[] = [];
  const system = await createSystem({
    ...{
      journal: openJournal(temporaryFolder(), clock),
      api: apiOf(bot),
      clock,
      provenNow: clock.now,
      random: () => 0.5,
    },
    ...{
      log: createLog(
        'info',
        new PassThrough().on('data', (line) => lines.push(JSON.parse(line))),
      ),
    },
    uploads: NO_UPLOADS,
    backend: { ask: () => Promise.reject(new Error('nobody asks')), close: async () => {} },
    machines: createMachineTable({ private: null, group: null, channel: null }, new Map()),
    ...{
      pollTimeoutS: 50,
      deleteWebhook: false,
      backendTries: { timeoutMs: 1000, attemptsMax: 1, deadlineMs: 60_000, backoffMaxMs: 1000 },
      onRefused: () => {},
    },
    rates: { chatPerS: 9, chatBurst: 9, groupPerMin: 20, groupBurst: 1, overallPerS: 30, overallBurst: 30 },
  });
  system.start();
  const part = () => system.status.getSnapshot().context.parts.outbox;
  await bot.control('faults', { method: 'sendMessage', times: limits.sendFailuresMax, kind: 'lost_answer' });
  const send = (n: number) =>
    system.outbox.accept({ keyId: 'k', chats: null, idempotencyKey: `${n}`, body: { chat_id: 7, text: 'x' } });
  for (let n = 1; n <= limits.sendFailuresMax; n += 1) await send(n);
  const passes = async (holds: () => boolean) => {
    while (!holds()) await clock.advance(10);
  };
  await passes(() => part().state === 'degraded');
  expect(part().detail).toContain('the connection was closed');
  await send(6);
  await passes(() => part().state === 'up');
  await system.stop();
  // Once each, however often a call fails meanwhile.
  const told = lines.filter(({ part: name }) => name === 'outbox').map(({ event, msg }) => [event, msg]);
  expect(told).toEqual([
    ['sends_failing', expect.stringContaining(`${limits.sendFailuresMax} calls in a row failed`)],
    ['part_works', 'outbox works again'],
  ]);
});
