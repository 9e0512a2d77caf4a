import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { createKeyring } from '../../src/keys/keyring.ts';
import { type Key, type Keyring, mayAccess, mayPostEvent, type NewKey, ROLES, SCOPES } from '../../src/keys/keys.ts';
import { createSqliteKeyStore } from '../../src/keys/sqlite.ts';
import { limits } from '../../src/limits.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { temporaryFolder } from '../support/journal.ts';

const plain: NewKey = { role: 'operator', name: 'desk', chats: null, expiresAt: null };
let clock: ManualClock;
let folder: string;

beforeEach(() => {
  clock = manualClock();
  folder = temporaryFolder();
});

/** A keyring on a connection of its own: each is a process of its own to the others. */
function open(): Keyring {
  const db = openDatabase(folder);
  const keyring = createKeyring({ store: createSqliteKeyStore(db), clock, randomBytes });
  onTestFinished(() => {
    keyring.close();
    db.close();
  });
  return keyring;
}

describe('a key', () => {
  test('has the form of a bot token, and lets in its holder', () => {
    const keyring = open();
    const { key, text } = keyring.create({ ...plain, chats: ['7'] });
    expect(text).toMatch(/^[1-9]\d{9}:[A-Za-z0-9_-]{43}$/);
    expect(text.startsWith(`${key.id}:`)).toBe(true);
    expect(keyring.verify(text)).toEqual(key);
    expect(key).toMatchObject({ role: 'operator', name: 'desk', chats: ['7'], createdAt: clock.now() });
  });

  test('lets nobody in who has another secret, another id, or no key at all', () => {
    const keyring = open();
    const { key, text } = keyring.create(plain);
    const other = keyring.create(plain);
    const secret = text.slice(key.id.length + 1);
    const wrong = [
      `${key.id}:${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`,
      `${other.key.id}:${secret}`,
      `9999999999:${secret}`,
      `${key.id}:`,
      `${text}x`,
      ` ${text}`,
      secret,
      '',
    ];
    for (const presented of wrong) expect(keyring.verify(presented), presented).toBeNull();
  });

  test('I7: its secret is nowhere in the file', () => {
    const { key, text } = open().create(plain);
    const bytes = Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
    expect(bytes.includes(key.id)).toBe(true);
    expect(bytes.includes(text.slice(key.id.length + 1))).toBe(false);
  });

  test('survives a restart, with everything that is known of it', () => {
    const { key, text } = open().create({
      ...plain,
      role: 'backend',
      chats: ['-100', '7'],
      expiresAt: clock.now() + 5,
    });
    expect(open().verify(text)).toEqual(key);
  });
});

describe('the end of a key', () => {
  test('a key made by another process works at once', () => {
    const server = open();
    const { text } = open().create(plain);
    expect(server.verify(text)).not.toBeNull();
  });

  test('a key that another process revokes is noticed within a quarter of a second, once', async () => {
    const server = open();
    const { key, text } = server.create(plain);
    const ended: string[] = [];
    server.onRevoked((id) => ended.push(id));
    expect(open().revoke(key.id)).toBe(true);
    await clock.advance(limits.keysRefreshMs);
    expect(server.verify(text)).toBeNull();
    expect(server.isActive(key.id)).toBe(false);
    await clock.advance(10_000);
    expect(ended).toEqual([key.id]);
  });

  test('a key expires to the millisecond, and its listeners hear of it', async () => {
    const keyring = open();
    const ended: string[] = [];
    keyring.onRevoked((id) => ended.push(id));
    const { key, text } = keyring.create({ ...plain, expiresAt: clock.now() + 1001 });
    await clock.advance(1000);
    expect(keyring.verify(text)).not.toBeNull();
    await clock.advance(1);
    expect(keyring.verify(text)).toBeNull();
    await clock.advance(limits.keysRefreshMs);
    expect(ended).toEqual([key.id]);
  });

  test('a listener taken back hears nothing more', () => {
    const keyring = open();
    const ended: string[] = [];
    keyring.onRevoked((id) => ended.push(id))();
    keyring.revoke(keyring.create(plain).key.id);
    expect(ended).toEqual([]);
  });

  test('what is not there, or revoked already, cannot be revoked', () => {
    const keyring = open();
    const { key } = keyring.create(plain);
    expect(keyring.revoke(key.id)).toBe(true);
    expect(keyring.revoke(key.id)).toBe(false);
    expect(keyring.revoke('1')).toBe(false);
    expect(keyring.list()).toEqual([{ ...key, revokedAt: clock.now() }]);
  });

  test('its messages are canceled with it, or later, in every process; never those of a key that is active', async () => {
    const server = open();
    const { key } = server.create(plain);
    const other = server.create(plain).key;
    server.revoke(key.id);
    expect(server.isCanceled(key.id)).toBe(false);
    expect(open().revoke(key.id, true)).toBe(false);
    await clock.advance(limits.keysRefreshMs);
    expect([server.isCanceled(key.id), server.isCanceled(other.id), open().isCanceled(key.id)]).toEqual([
      ...[true, false, true],
    ]);
  });
});

describe('a new secret', () => {
  test('is seen by every process at once; the old one works to the millisecond, and listeners hear of its end once', async () => {
    const server = open();
    const { key, text } = server.create(plain);
    const ended: string[] = [];
    server.onRevoked(() => ended.push('revoked'));
    server.onSecretEnded((id) => ended.push(id));
    const rotated = open().rotate(key.id, { overlapMs: 1000, newCallbackSecret: false });
    expect(server.verify(rotated?.text ?? '')).toEqual({ ...key, previousUntil: clock.now() + 1000 });
    await clock.advance(999);
    expect(server.verify(text)).not.toBeNull();
    expect(ended).toEqual([]);
    await clock.advance(1);
    expect(server.verify(text)).toBeNull();
    await clock.advance(10_000);
    expect([ended, server.verify(rotated?.text ?? '')?.id]).toEqual([[key.id], key.id]);
  });

  test('of a key that was revoked or has expired there is none', async () => {
    const keyring = open();
    const expiring = keyring.create({ ...plain, expiresAt: clock.now() + 10 }).key;
    await clock.advance(10);
    const revoked = keyring.create(plain).key;
    keyring.revoke(revoked.id);
    for (const id of [expiring.id, revoked.id, '1'])
      expect(keyring.rotate(id, { overlapMs: 0, newCallbackSecret: false })).toBeNull();
  });

  test('for callbacks comes only if it is wanted; with the key the old one is gone from the file', () => {
    const keyring = open();
    const callback = 'https://example.com/fates';
    const { key, callbackSecret } = keyring.create({ ...plain, role: 'aggregator', callback });
    expect(keyring.rotate(key.id, { overlapMs: 0, newCallbackSecret: false })?.callbackSecret).toBeNull();
    expect(keyring.callback(key.id)).toEqual({ url: callback, secret: callbackSecret });
    const made = keyring.rotate(key.id, { overlapMs: 0, newCallbackSecret: true });
    expect(made?.callbackSecret).toMatch(/^whsec_/);
    expect(keyring.callback(key.id)).toEqual({ url: callback, secret: made?.callbackSecret });
    keyring.revoke(key.id);
    const db = openDatabase(folder);
    expect(db.prepare('SELECT * FROM key_callbacks').all()).toEqual([]);
    db.close();
  });
});

describe('what a key may do', () => {
  const key = (role: Key['role'], chats: Key['chats'] = null): Key => ({
    ...{ id: '1', role, name: '', chats, givenScopes: [], events: null, previousUntil: null },
    ...{ createdAt: 0, expiresAt: null, revokedAt: null },
  });

  test('the roles grant what the contract says', () => {
    const granted = ROLES.map((role) => [role, ...SCOPES.filter((scope) => mayAccess(key(role), scope))]);
    expect(granted).toEqual([
      ['operator', 'read'],
      ['aggregator', 'write'],
      ['backend', 'read', 'write'],
      ['support', 'read', 'write'],
      ['metrics', 'metrics'],
      ['admin', 'read', 'write', 'moderate', 'metrics', 'admin'],
    ]);
  });

  test('a backend may be given moderate, and nobody is given a scope that is not for the role', () => {
    const keyring = open();
    const { text } = keyring.create({ ...plain, role: 'backend', givenScopes: ['moderate'] });
    const stored = open().verify(text);
    expect(stored && SCOPES.filter((scope) => mayAccess(stored, scope))).toEqual(['read', 'write', 'moderate']);
    for (const role of ROLES) {
      for (const scope of SCOPES.filter((one) => role !== 'backend' || one !== 'moderate')) {
        expect(() => keyring.create({ ...plain, role, givenScopes: [scope] }), `${role} ${scope}`).toThrow(
          'cannot be given',
        );
      }
    }
    expect(() => keyring.create({ ...plain, role: 'metrics', chats: ['7'] })).toThrow('reads no chats');
  });

  test('events: those that the key names; every type if it names none; none for readers, people and metrics', () => {
    const keyring = open();
    const { text } = keyring.create({ ...plain, role: 'aggregator', events: ['payment.settled', 'card.sent'] });
    const stored = open().verify(text);
    const may = (one: Key | null, type: string) => one !== null && mayPostEvent(one, type);
    expect([may(stored, 'payment.settled'), may(stored, 'payment.refunded'), may(stored, 'payment')]).toEqual([
      ...[true, false, false],
    ]);
    expect(ROLES.filter((role) => mayPostEvent(key(role), 'payment.settled'))).toEqual([
      'aggregator',
      'backend',
      'admin',
    ]);
    for (const role of ROLES.filter((one) => one !== 'aggregator' && one !== 'backend')) {
      expect(() => keyring.create({ ...plain, role, events: ['payment.settled'] }), role).toThrow(
        'Event types are for',
      );
    }
  });

  test('a restricted key has its chats, no others, and nothing that belongs to no chat', () => {
    const restricted = key('operator', ['7']);
    expect(mayAccess(restricted, 'read', '7')).toBe(true);
    expect(mayAccess(restricted, 'read', '8')).toBe(false);
    expect(mayAccess(restricted, 'read', null)).toBe(false);
    expect(mayAccess(restricted, 'write', '7')).toBe(false);
    expect(mayAccess(key('operator'), 'read', null)).toBe(true);
  });
});
