import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { createMachineTable } from '../../src/conversations/machines.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { openDatabase, openReader } from '../../src/journal/sqlite-open.ts';
import { limits } from '../../src/limits.ts';
import { createLog } from '../../src/log.ts';
import { createSystem } from '../../src/system.ts';
import { createKey, startServer } from '../cli/support.ts';
import { MemorySink } from '../operators/support.ts';
import { type AtDisk, connectionOf, diskError } from '../sim/disk.ts';
import { manualClock, settle } from '../support/clock.ts';
import { temporaryFolder } from '../support/journal.ts';
import { textUpdate } from '../support/updates.ts';
import { NO_UPLOADS } from '../support/uploads.ts';

/** A system over a database on a disk that may be full. Telegram has one update to give. */
async function systemOnDisk() {
  const clock = manualClock();
  const folder = temporaryFolder();
  const [db, reader] = [openDatabase(folder), openReader(folder)];
  const disk = { isFull: false, isDamaged: false, hasRoomForAPage: false };
  let statements = 0;
  const atDisk: AtDisk = (moment) => {
    statements = moment === 'begin' ? 0 : statements + 1;
    // A commit of nothing reads the head and writes it.
    if (disk.hasRoomForAPage && moment === 'commit' && statements > 3) throw diskError('full');
    if (disk.isFull && moment === 'commit') throw diskError('full');
    if (disk.isDamaged && moment === 'commit') throw diskError('damaged');
  };
  const writer = connectionOf(db, { dead: false }, atDisk, 'write');
  const journal = openSqliteJournal({ db: writer, reader, bot: '1', clock, newStreamId: () => 'stream' });
  const polls: unknown[] = [];
  const lines: Record<string, unknown>[] = [];
  const system = await createSystem({
    ...{ journal, clock, provenNow: clock.now, random: () => 0.5, uploads: NO_UPLOADS },
    log: createLog('info', { write: (line) => void lines.push(JSON.parse(line)) }),
    api: {
      async call(method, params) {
        if (method === 'getMe') return { id: 1, is_bot: true, first_name: 'Bot', username: 'bot' };
        polls.push(params.offset);
        return params.offset === undefined ? [textUpdate(7, 'hello', 5)] : new Promise(() => {});
      },
      close: async () => {},
    },
    backend: { ask: () => Promise.reject(new Error('nobody asks')), close: async () => {} },
    machines: createMachineTable({ private: null, group: null, channel: null }, new Map()),
    ...{
      pollTimeoutS: 1,
      deleteWebhook: false,
      backendTries: { timeoutMs: 1000, attemptsMax: 1, deadlineMs: 60_000, backoffMaxMs: 1000 },
      onRefused: () => {},
    },
    rates: { chatPerS: 1, chatBurst: 1, groupPerMin: 20, groupBurst: 1, overallPerS: 30, overallBurst: 30 },
  });
  onTestFinished(async () => {
    await system.stop();
    await journal.close();
    db.close();
    reader.close();
  });
  let posts = 0;
  return {
    ...{ clock, disk, journal, system, polls },
    post: () =>
      system.outbox.accept({ keyId: 'k', chats: null, idempotencyKey: `${++posts}`, body: { chat_id: 7, text: 'hi' } }),
    linesOf: (event: string) => lines.filter((line) => line.event === event),
    warnings: () => lines.filter(({ level }) => level === 'warn' || level === 'error'),
    data: () => system.status.getSnapshot().context.parts.data,
  };
}

test('a full disk: no update is confirmed, posts are refused, the log says so once a minute; room brings all back', async () => {
  const { clock, disk, journal, system, polls, post, linesOf, warnings, data } = await systemOnDisk();
  disk.isFull = true;
  system.start();
  await settle();
  expect([polls, journal.bounds().head]).toEqual([[undefined], 0]);
  expect(data()).toEqual({ state: 'degraded', detail: expect.stringContaining('is full: make room') });
  for (let n = 0; n < 20; n += 1) {
    await expect(post()).rejects.toMatchObject({ code: 'disk_full', retryAfterMs: limits.storageRetryMs });
  }
  expect(warnings()).toEqual(linesOf('storage_failed'));
  expect(linesOf('storage_failed')).toHaveLength(1);

  await clock.advance(limits.storageLogEveryMs + 1);
  await expect(post()).rejects.toMatchObject({ code: 'disk_full' });
  expect(linesOf('storage_failed')).toHaveLength(2);
  expect(linesOf('storage_failed')[1]?.failures).toBeGreaterThan(20);
  expect([new Set(polls), journal.bounds().head]).toEqual([new Set([undefined]), 0]);

  disk.isFull = false;
  await clock.advance(2 * limits.storageRetryMs);
  await settle();
  expect(polls.at(-1)).toBe(6);
  expect(journal.bounds().head).toBe(1);
  expect(data()).toEqual({ state: 'up', detail: null });
  expect(linesOf('storage_works')).toHaveLength(1);
  await post();
  expect(warnings()).toHaveLength(2);
});

test('where nothing is written after a full disk, an empty commit shows that there is room again', async () => {
  const { clock, disk, post, data } = await systemOnDisk();
  disk.isFull = true;
  await expect(post()).rejects.toMatchObject({ code: 'disk_full' });
  expect(data().state).toBe('degraded');
  disk.isFull = false;
  await clock.advance(limits.storageRetryMs);
  await settle();
  expect(data().state).toBe('up');
});

test('a disk with room for an empty commit alone stays degraded while others fail, and the log does not say that it works', async () => {
  const { clock, disk, post, linesOf, data } = await systemOnDisk();
  disk.hasRoomForAPage = true;
  for (let n = 0; n < 20; n += 1) {
    await expect(post()).rejects.toMatchObject({ code: 'disk_full' });
    await clock.advance(limits.storageRetryMs / 2);
    await settle();
    expect(data().state).toBe('degraded');
  }
  expect(linesOf('storage_works')).toEqual([]);
  disk.hasRoomForAPage = false;
  await post();
  await clock.advance(2 * limits.storageRetryMs);
  await settle();
  expect([data().state, linesOf('storage_works').length]).toEqual(['up', 1]);
});

test('a damaged database: open streams end with the error, once; the part stays degraded', async () => {
  const { clock, disk, system, post, linesOf, data } = await systemOnDisk();
  const subscribe = () => {
    const sink = new MemorySink();
    const reader = { keyId: 'k', chats: null, types: null, after: 0, format: 'ndjson' as const, reset: false, sink };
    void system.operators.subscribe(reader);
    return sink;
  };
  const before = subscribe();
  disk.isDamaged = true;
  await expect(post()).rejects.toMatchObject({ code: 'data_damaged' });
  await settle();
  expect(JSON.parse(before.text.trim().split('\n').at(-1) ?? '')).toMatchObject({
    ...{ type: 'stream.error', code: 'data_damaged', detail: expect.stringContaining('restore a backup') },
  });
  expect(before.ended).toBe(true);
  const after = subscribe();
  await expect(post()).rejects.toMatchObject({ code: 'data_damaged' });
  await settle();
  expect(after.ended).toBe(false);
  expect(linesOf('storage_failed')).toHaveLength(1);
  disk.isDamaged = false;
  await post();
  await clock.advance(2 * limits.storageRetryMs);
  expect(data().state).toBe('degraded');
});

test("another program's lock: the server goes on answering, writes wait and are then refused; all by itself goes on", async () => {
  const { env, url } = await startServer();
  const { key } = await createKey(env, 'admin');
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const send = (path: string, body: object, more = {}) =>
    fetch(`${url}${path}`, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(body) });
  const post = (n: number) => send('/v1/messages', { chat_id: 777, text: 'hi' }, { 'idempotency-key': `${n}` });
  const rival = new DatabaseSync(join(env.SWITCHBOARD_DATA ?? '', 'switchboard.db'), { timeout: 20_000 });
  onTestFinished(() => rival.close());

  rival.exec('BEGIN IMMEDIATE');
  let answered = 0;
  const writes = [post(1), post(2), send('/v1/keys', { role: 'operator', name: 'locked out' })];
  for (const write of writes) void write.then(() => (answered += 1));
  for (let n = 0; n < 20; n += 1) expect((await fetch(`${url}/livez`)).status).toBe(200);
  expect(answered).toBe(0);
  for (const response of await Promise.all(writes)) {
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await response.json()).toMatchObject({ code: 'data_locked' });
  }
  rival.exec('COMMIT');
  expect((await post(1)).status).toBe(202);

  rival.exec('BEGIN IMMEDIATE');
  const [message, made] = [post(3), send('/v1/keys', { role: 'operator', name: 'patient' })];
  for (let n = 0; n < 5; n += 1) await fetch(`${url}/livez`);
  rival.exec('COMMIT');
  expect([(await message).status, (await made).status]).toEqual([202, 201]);
}, 600_000);
