import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { flatSettings, loadSettings } from '../../config/load.ts';
import type { NewAuditEntry } from '../../src/audit/audit.ts';
import { createAudit } from '../../src/audit/noting.ts';
import { type FlatSetting, noteSettings } from '../../src/audit/settings.ts';
import { createSqliteAuditStore } from '../../src/audit/sqlite.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { createKeyring } from '../../src/keys/keyring.ts';
import { createSqliteKeyStore } from '../../src/keys/sqlite.ts';
import { limits } from '../../src/limits.ts';
import { createKey, freeEnv, run } from '../cli/support.ts';
import { startEdge } from '../http/edge.ts';
import type { Json } from '../sandbox/start.ts';
import { manualClock, settle } from '../support/clock.ts';
import { temporaryFolder } from '../support/journal.ts';

const ALL = { before: null, limit: 1000, act: null, keyId: null };
const REFUSED: NewAuditEntry = {
  ...{ act: 'key.refused', keyId: null, name: null, origin: '192.0.2.1', subject: null, detail: null },
};

function openAudit() {
  const folder = temporaryFolder();
  const db = openDatabase(folder);
  onTestFinished(() => db.close());
  const clock = manualClock();
  const store = createSqliteAuditStore(db);
  const failures: unknown[] = [];
  const audit = createAudit({ store, clock, provenNow: clock.now, onError: (error) => failures.push(error) });
  return { folder, db, clock, store, audit, failures };
}

test('what admins and writers do over HTTP is told: what, to what, by which key, from where', async () => {
  const now = Date.parse('2026-03-01T00:00:00Z');
  const erasure = {
    ...{ number: 7, chat: '777', askedAt: now, doneAt: null, through: null, position: 0 },
    ...{ entries: 0, mentions: 0, told: null },
  };
  const edge = await startEdge({
    erasing: { exported: async function* () {}, orders: async () => [], order: async () => erasure },
  });
  const { send, admin } = edge;
  const read = async (response: Response): Promise<Json> => response.json();
  const made = await read(await send('POST', '/v1/keys', { role: 'aggregator', name: 'shop', chats: ['777'] }));
  const shop = { authorization: `Bearer ${made.key}` };
  const post = { chat_id: 777, text: 'secret-text' };
  const { id } = await read(await send('POST', '/v1/messages', post, { ...shop, 'idempotency-key': 'a' }));
  await edge.get('/v1/chats', { authorization: `Bearer ${made.key}x` });
  await edge.get(`/telegram/bot${made.key}x/getMe`, {});
  await edge.get('/v1/chats', {});
  await send('POST', '/v1/session', { key: 'none' }, { authorization: '' });
  await send('POST', '/v1/session', { key: admin.text }, { authorization: '' });
  await send('DELETE', `/v1/messages/${id}`, undefined, shop);
  await send('POST', '/v1/outbox/release', { cancel: true });
  await edge.get('/v1/chats/777/export');
  await send('POST', '/v1/chats/777/erase', undefined);
  await send('POST', `/v1/keys/${made.id}/rotate`, { overlap_s: 60 });
  await send('DELETE', `/v1/keys/${made.id}?cancel=1`, undefined);
  // What is refused or not there is no act.
  await send('DELETE', `/v1/keys/${made.id}`, undefined);
  await send('POST', '/v1/keys', { role: 'aggregator', name: 'other' }, shop);

  const { entries, next } = await read(await edge.get('/v1/audit'));
  expect(next).toBeNull();
  const told = entries.map(({ act, key, from, subject, detail }: Json) => [act, key, from, subject, detail]).reverse();
  const rights = {
    role: 'aggregator',
    name: 'shop',
    chats: ['777'],
    scopes: ['write'],
    events: null,
    expires_at: null,
  };
  const here = '127.0.0.1';
  expect(told).toEqual([
    ['key.made', admin.id, here, made.id, rights],
    ['key.refused', null, here, null, null],
    ['login.refused', null, here, null, null],
    ['login', admin.id, here, null, null],
    ['message.canceled', made.id, here, id, null],
    ['outbox.released', admin.id, here, null, { cancel: true }],
    ['chat.exported', admin.id, here, '777', null],
    ['chat.erased', admin.id, here, '/v1/erasures/7', null],
    ['key.rotated', admin.id, here, made.id, { overlap_s: 60 }],
    ['key.revoked', admin.id, here, made.id, null],
    ['messages.canceled', admin.id, here, made.id, { canceled: 0 }],
  ]);
  expect(entries[0].name).toBe('admin');
  expect(entries[0].at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);

  // Page by page, and what one key did.
  const first = await read(await edge.get('/v1/audit?limit=6'));
  const second = await read(await edge.get(`/v1/audit?limit=6&after=${first.next}`));
  expect([...first.entries, ...second.entries]).toEqual(entries);
  const own = await read(await edge.get(`/v1/audit?key=${made.id}&act=message.canceled`));
  expect(own.entries.map(({ act }: Json) => act)).toEqual(['message.canceled']);
  const secrets = [made.key, admin.text].map((key) => key.split(':')[1]);
  for (const secret of [...secrets, 'secret-text']) expect(JSON.stringify(entries)).not.toContain(secret);
});

test('refusals of one source are one entry a minute with a count, and many sources are few entries', async () => {
  const { audit, clock, store } = openAudit();
  for (let i = 0; i < 500; i += 1) audit.count(REFUSED);
  await settle();
  expect(store.page(ALL).map(({ count }) => count)).toEqual([1]);
  await clock.advance(limits.auditCountMs);
  await settle();
  expect(store.page(ALL).map(({ count }) => count)).toEqual([499, 1]);

  for (let i = 0; i < 5000; i += 1) audit.count({ ...REFUSED, origin: `2001:db8::${i.toString(16)}` });
  audit.stop();
  const entries = store.page(ALL).slice(0, -2);
  expect(entries.length).toBeLessThanOrEqual(limits.auditSourcesMax + 2);
  expect(entries.reduce((sum, { count }) => sum + count, 0)).toBe(5000);
});

test('entries go for their age and number alone: refusals crowd out no admin, and nobody changes one', () => {
  const { db, store } = openAudit();
  const made: NewAuditEntry = { ...REFUSED, act: 'key.made', keyId: '1' };
  for (let at = 1; at <= 10; at += 1) store.add(made, at, 1);
  for (let at = 11; at <= 50; at += 1) store.add(REFUSED, at, 1);
  store.trim(0, 8, 5);
  expect(store.page({ ...ALL, act: 'key.made' }).map(({ at }) => at)).toEqual([10, 9, 8, 7, 6, 5, 4, 3]);
  expect(store.page({ ...ALL, act: 'key.refused' }).map(({ at }) => at)).toEqual([50, 49, 48, 47, 46]);
  store.trim(48, 8, 5);
  expect(store.page(ALL).map(({ at }) => at)).toEqual([50, 49, 48]);
  expect(() => db.exec("UPDATE audit SET name = 'nobody'")).toThrow('not changed');
});

test('a key and its entry commit together: without the one there is not the other', () => {
  const { db, clock } = openAudit();
  const keyring = createKeyring({ store: createSqliteKeyStore(db), clock, randomBytes });
  onTestFinished(() => keyring.close());
  const wanted = { role: 'admin', name: 'a', chats: null, expiresAt: null } as const;
  const fail = () => {
    throw new Error('the disk is full');
  };
  expect(() => keyring.create(wanted, fail)).toThrow('the disk is full');
  expect(keyring.list()).toEqual([]);
  const { key } = keyring.create(wanted);
  expect(() => keyring.revoke(key.id, false, fail)).toThrow('the disk is full');
  expect(() => keyring.rotate(key.id, { overlapMs: 0, newCallbackSecret: false }, fail)).toThrow('the disk is full');
  expect(keyring.list()).toEqual([key]);
});

test('a start notes which settings differ from those of the last: of secrets the names alone', () => {
  const { folder, db, store, audit } = openAudit();
  const start = (port: number, token: string, more: FlatSetting[] = []) =>
    noteSettings(
      store,
      [
        { name: 'http.port', value: String(port), isSecret: false },
        { name: 'telegram.token', value: JSON.stringify(token), isSecret: true },
        ...more,
      ],
      randomBytes,
      audit.noteNow,
    );
  start(1, 'first-token');
  start(1, 'first-token');
  expect(store.page(ALL)).toEqual([]);
  start(2, 'second-token', [{ name: 'new', value: '"x"', isSecret: false }]);
  start(2, 'second-token');
  expect(store.page(ALL)).toHaveLength(2);
  const [gone, changed] = store.page(ALL);
  expect(changed).toMatchObject({ act: 'settings.changed', keyId: null, origin: 'start' });
  expect(changed?.detail).toEqual({
    changed: [{ name: 'http.port', from: 1, to: 2 }, { name: 'telegram.token' }, { name: 'new', from: null, to: 'x' }],
  });
  expect(gone?.detail).toEqual({ changed: [{ name: 'new' }] });
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  expect(readFileSync(join(folder, 'switchboard.db'), 'latin1')).not.toContain('second-token');
});

test('what a setting says of itself decides: a token, a proxy, an address with a query are secrets, a port is none', () => {
  const env = {
    TELEGRAM_BOT_TOKEN: '1:token',
    HTTPS_PROXY: 'http://user:password@proxy.example',
    SWITCHBOARD_BACKEND_URL: 'https://backend.example/?key=secret',
    SWITCHBOARD_PORT: '81',
  };
  const flat = flatSettings(loadSettings(join(import.meta.dirname, '..', '..', 'config'), env));
  const secrets = flat.filter(({ isSecret }) => isSecret).map(({ name }) => name);
  expect(secrets).toEqual([
    'telegram.token',
    'network.httpsProxy',
    'network.httpProxy',
    'backend.url',
    'backend.secret',
  ]);
  expect(flat).toContainEqual({ name: 'http.port', value: '81', isSecret: false });
});

test('what is done on the command line is told with the user of the machine', async () => {
  const env = freeEnv();
  const { id } = await createKey(env, 'operator');
  expect((await run(['keys', 'revoke', id], env).ended).code).toBe(0);
  const db = openDatabase(env.SWITCHBOARD_DATA ?? '');
  onTestFinished(() => db.close());
  const { username: name } = userInfo();
  const who = { keyId: null, name, origin: 'command line', subject: id };
  expect(createSqliteAuditStore(db).page(ALL)).toEqual([
    expect.objectContaining({ act: 'key.revoked', ...who }),
    expect.objectContaining({ act: 'key.made', ...who }),
  ]);
});
