import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { expect, onTestFinished, test } from 'vitest';
import type { SendCallback } from '../../src/callbacks/callbacks.ts';
import { createCallbacks } from '../../src/callbacks/deliver.ts';
import { createHttpCallbacks } from '../../src/callbacks/http.ts';
import { systemClock } from '../../src/clock.ts';
import { type EntryType, ERASED_BODY } from '../../src/journal/journal.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { createKeyring } from '../../src/keys/keyring.ts';
import { createSqliteKeyStore } from '../../src/keys/sqlite.ts';
import { limits } from '../../src/limits.ts';
import { createRetention } from '../../src/operators/retention.ts';
import { manualClock, settle } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';

interface Received {
  readonly id: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly path: string;
}

/** An aggregator's receiver: answers with the statuses given, then with 204. */
async function receiver(statuses: number[] = []) {
  const received: Received[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const body = Buffer.concat(chunks).toString();
    received.push({ id: headers['webhook-id'] ?? '', headers, body, path: request.url ?? '' });
    const status = statuses.shift() ?? 204;
    response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return { url, received, types: () => received.map(({ body }) => JSON.parse(body).type) };
}

/** Callbacks over a real journal; the same folder again is a restart. */
function setUp() {
  const clock = manualClock();
  const folder = temporaryFolder();
  const db = openDatabase(temporaryFolder());
  // On a clock of its own: it looks for new keys four times a second, and some tests take days.
  const keyring = createKeyring({ store: createSqliteKeyStore(db), clock: systemClock, randomBytes });
  onTestFinished(() => {
    keyring.close();
    db.close();
  });
  const key = (callback: string) => {
    const made = keyring.create({ role: 'aggregator', name: 'shop', chats: null, expiresAt: null, callback });
    return { id: made.key.id, secret: made.callbackSecret ?? '' };
  };
  const start = (through?: SendCallback) => {
    const journal = openJournal(folder, clock);
    const { send, close } = createHttpCallbacks(systemClock);
    const warnings: object[] = [];
    const log = { warn: (fields: object) => void warnings.push(fields) };
    const callbacks = createCallbacks({
      journal,
      keyring,
      send: through ?? send,
      clock,
      provenNow: clock.now,
      random: () => 1,
      log,
    });
    callbacks.start();
    const stop = async () => {
      await callbacks.stop();
      await close();
      await journal.close();
    };
    onTestFinished(stop);
    let told = 0;
    const tell = (owner: string, type: EntryType = 'message.sent') =>
      journal.write(async (tx) => {
        told += 1;
        return tx.append({ type, chat: '7', owner, body: `{"message":{"id":"1-${told}"}}` });
      });
    return { journal, callbacks, warnings, tell, stop };
  };
  return { clock, keyring, key, start };
}

test('a fate is sent, signed as Standard Webhooks says; acceptances and others’ messages are not', async () => {
  const { key, start, clock } = setUp();
  const { url, received } = await receiver();
  const { id, secret } = key(url);
  const { tell } = start();
  await tell(id, 'message.accepted');
  await tell('99', 'message.sent');
  await tell(id, 'message.failed');
  await expect.poll(() => received.length).toBe(1);
  const [first] = received;
  if (first === undefined) throw new Error('nothing came');
  const { headers, body, path } = first;
  expect([headers['webhook-id'], headers['content-type'], path]).toEqual(['stream.3', 'application/json', '/hook']);
  const at = new Date(clock.now()).toISOString();
  expect(new Webhook(secret).verify(body, headers)).toEqual({
    ...{ type: 'message.failed', timestamp: at, data: { message: { id: '1-3' } } },
  });
  expect(() => new Webhook(`whsec_${randomBytes(32).toString('base64')}`).verify(body, headers)).toThrow();
});

test('a fate of a chat that was erased meanwhile is passed over', async () => {
  const { key, start } = setUp();
  const { url, received } = await receiver();
  const { id } = key(url);
  const { journal, callbacks, tell } = start();
  await journal.write(async (tx) => {
    tx.append({ type: 'message.sent', chat: '8', owner: id, body: ERASED_BODY });
  });
  await tell(id);
  await expect.poll(() => received.map((one) => one.id)).toEqual(['stream.2']);
  await expect.poll(() => callbacks.state(id)).toMatchObject({ seq: 2 });
});

test('what was not taken comes again, the same, before anything else; each later', async () => {
  const { key, start, clock } = setUp();
  const { url, received } = await receiver([500, 302]);
  const { id } = key(url);
  const { tell, callbacks, warnings } = start();
  await tell(id);
  await expect.poll(() => warnings.length).toBe(1);
  await tell(id);
  await clock.advance(limits.callbackBackoffMinMs - 1);
  expect(received).toHaveLength(1);
  expect(await callbacks.state(id)).toMatchObject({ seq: 0, failures: 1, disabled: null });
  await clock.advance(1);
  await expect.poll(() => warnings.length).toBe(2);
  await clock.advance(2 * limits.callbackBackoffMinMs);
  await expect.poll(() => received.map((one) => one.id)).toEqual(['stream.1', 'stream.1', 'stream.1', 'stream.2']);
  expect(new Set(received.map(({ path }) => path))).toEqual(new Set(['/hook']));
  await expect.poll(() => callbacks.state(id)).toMatchObject({ seq: 2, failures: 0, failingSince: null });
});

test('a receiver that is down holds up its own key alone', async () => {
  const { key, start } = setUp();
  const good = await receiver();
  const [down, up] = [key('http://127.0.0.1:9/'), key(good.url)];
  const { tell } = start();
  await tell(down.id);
  await tell(up.id);
  await expect.poll(() => good.received.length).toBe(1);
});

test('410 ends them for good; an admin may resume, and nothing was lost', async () => {
  const { key, start } = setUp();
  const { url, received } = await receiver([410]);
  const { id } = key(url);
  const { tell, callbacks } = start();
  await tell(id);
  await expect.poll(async () => (await callbacks.state(id))?.disabled).toMatch('410');
  await tell(id);
  expect(received).toHaveLength(1);
  expect(await callbacks.resume(id)).toBe(true);
  await expect.poll(() => received.map((one) => one.id)).toEqual(['stream.1', 'stream.1', 'stream.2']);
  expect(await callbacks.resume('99')).toBe(false);
});

test('a receiver that takes nothing for days is given up, after ever longer waits', async () => {
  const { key, start, clock } = setUp();
  const { id } = key('https://shop.example/');
  const begun = clock.now();
  const tries: number[] = [];
  const { tell, callbacks } = start(async () => {
    tries.push(clock.now());
    return 'nobody listens';
  });
  await tell(id);
  while ((await callbacks.state(id))?.disabled === null) await clock.advance(20 * 60_000);
  expect((await callbacks.state(id))?.disabled).toBe('Nothing was taken since 2026-01-01T00:00:00.000Z');
  expect(clock.now() - begun).toBeGreaterThanOrEqual(limits.callbackGiveUpMs);
  const waits = tries.slice(1).map((at, i) => at - (tries[i] ?? 0));
  expect(waits[0]).toBeLessThan(limits.callbackBackoffMaxMs / 2);
  expect(Math.min(...waits.slice(-10))).toBeGreaterThanOrEqual(limits.callbackBackoffMaxMs);
});

test('a restart goes on where it was: what was taken does not come again, what was not does', async () => {
  const { key, start } = setUp();
  const { url, received } = await receiver([204, 500]);
  const { id } = key(url);
  const first = start();
  await first.tell(id);
  await expect.poll(async () => (await first.callbacks.state(id))?.seq).toBe(1);
  await first.tell(id);
  await expect.poll(async () => (await first.callbacks.state(id))?.failures).toBe(1);
  await first.stop();
  const second = start();
  await second.tell(id);
  await expect.poll(() => received.map((one) => one.id)).toEqual(['stream.1', 'stream.2', 'stream.2', 'stream.3']);
});

test('many come in order, page by page; with the key they end', async () => {
  const { key, start, keyring } = setUp();
  const { url, received } = await receiver();
  const { id } = key(url);
  const { tell, callbacks } = start();
  const count = limits.callbackPageEntries * 2 + 1;
  for (let n = 0; n < count; n += 1) await tell(id);
  await expect.poll(() => received.length).toBe(count);
  expect(received.map((one) => one.id)).toEqual(Array.from({ length: count }, (_, i) => `stream.${i + 1}`));
  keyring.revoke(id);
  await tell(id);
  expect(await callbacks.state(id)).toBeNull();
  expect(received).toHaveLength(count);
});

test('retention waits for what a receiver has not taken, as long as it waits for readers, and says what it does', async () => {
  const { key, start, clock, keyring } = setUp();
  const { url, received } = await receiver([204, 410]);
  const [slow, idle] = [key(url), key('https://shop.example/')];
  const { tell, callbacks, journal } = start();
  const logged: object[] = [];
  const log = { info: () => {}, warn: (fields: object) => void logged.push(fields) };
  const { isActive } = keyring;
  const retention = createRetention({
    ...{ journal, callbacks, clock, log, isActive, days: null, entries: 3 },
    proven: { now: clock.now, doubt: () => null },
    onDoubt: () => {},
    onGone: () => {},
  });
  onTestFinished(() => retention.stop());
  const look = async () => {
    await clock.advance(limits.retentionEveryMs);
    for (let n = 0; n < 20; n += 1) await settle();
    return journal.bounds().first;
  };
  await tell(slow.id);
  await expect.poll(() => callbacks.state(slow.id)).toMatchObject({ seq: 1, disabled: null });
  await tell('99');
  await tell(slow.id);
  await expect.poll(async () => (await callbacks.state(slow.id))?.disabled).toMatch('410');
  for (let n = 0; n < 4; n += 1) await tell('99');
  retention.start();
  expect(await look(), 'the oldest that it was not told of').toBe(3);
  expect(logged).toEqual([{ event: 'retention_waits', by: 'callbacks', key: slow.id, seq: 2 }]);
  for (let n = 0; n < 3; n += 1) await tell(slow.id);
  expect(await look(), 'nor twice as many').toBe(5);
  expect(logged).toContainEqual({ event: 'retention_passed', by: 'callbacks', key: slow.id, seq: 2 });
  await callbacks.resume(slow.id);
  const rest = ['stream.8', 'stream.9', 'stream.10'];
  await expect.poll(() => received.map((one) => one.id)).toEqual(['stream.1', 'stream.3', ...rest]);
  await expect.poll(() => callbacks.state(slow.id)).toMatchObject({ seq: 10 });
  expect(await look(), 'and for nobody who has all of it').toBe(8);
  expect(await callbacks.state(idle.id)).toMatchObject({ seq: 0 });
});
