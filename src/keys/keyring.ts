import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock, TimerHandle } from '../clock.ts';
import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import {
  isActiveAt,
  type Key,
  type KeyCallback,
  type Keyring,
  type KeyStore,
  type NewKey,
  refusalOfNew,
  type StoredKey,
} from './keys.ts';

export interface KeyringOptions {
  readonly store: KeyStore;
  readonly clock: Clock;
  /** Cryptographically random bytes. */
  readonly randomBytes: (size: number) => Buffer;
  /** The store could not be read: the keys that are known stay in use until it can. By default the process stops. */
  readonly onError?: (error: unknown) => void;
}

interface Held {
  readonly key: Key;
  readonly callback: KeyCallback | null;
  readonly hash: Buffer;
}

const KEY_FORM = /^(\d{1,20}):([A-Za-z0-9_-]{35,128})$/;
/** Compared with where there is no such key, so that an unknown id takes as long as a wrong secret. */
const DUMMY_HASH = Buffer.alloc(32);

/**
 * The keyring over a store. Keys are held in memory and read anew when the store's version changes: looked at every
 * limits.keysRefreshMs, and whenever an unknown key is presented, so that a key just made works at once.
 *
 * I7: secrets are known as SHA-256 alone and compared in constant time. A secret has 256 random bits, so that a
 * plain hash cannot be searched.
 */
export function createKeyring({ store, clock, randomBytes, onError }: KeyringOptions): Keyring {
  const listeners = new Set<(id: string) => void>();
  let held = new Map<string, Held>();
  let version = -1;
  /** When the next key expires: until then nothing expires unseen. */
  let expiryAt = Number.POSITIVE_INFINITY;
  let timer: TimerHandle | undefined;
  let closed = false;

  /** Holds the active keys and tells of those that were and are no longer. */
  function refresh(): void {
    const now = clock.now();
    const current = store.version();
    if (current === version && now < expiryAt) return;
    const before = held;
    held = new Map();
    expiryAt = Number.POSITIVE_INFINITY;
    const callbacks = store.callbacks();
    for (const { secretHash, ...key } of store.list()) {
      if (!isActiveAt(key, now)) continue;
      held.set(key.id, { key, hash: Buffer.from(secretHash, 'hex'), callback: callbacks.get(key.id) ?? null });
      expiryAt = Math.min(expiryAt, key.expiresAt ?? Number.POSITIVE_INFINITY);
    }
    version = current;
    for (const id of before.keys()) {
      if (!held.has(id)) for (const listener of listeners) listener(id);
    }
  }

  function watch(): void {
    try {
      refresh();
    } catch (error) {
      if (onError === undefined) throw error;
      onError(error);
    }
    if (!closed) timer = clock.setTimeout(watch, limits.keysRefreshMs);
  }

  function active(id: string): Held | null {
    const found = held.get(id);
    return found !== undefined && isActiveAt(found.key, clock.now()) ? found : null;
  }

  function newKey({ role, name, chats, expiresAt, givenScopes = [], events = null }: NewKey) {
    // Ten digits without a leading zero: the look of a bot's id, which Bot API clients insist on.
    const id = String(1_000_000_000 + (randomBytes(6).readUIntBE(0, 6) % 9_000_000_000));
    const secret = randomBytes(32).toString('base64url');
    const stored: StoredKey = {
      ...{ id, role, name, chats, givenScopes, events, expiresAt },
      createdAt: clock.now(),
      revokedAt: null,
      secretHash: hashOf(secret).toString('hex'),
    };
    return { stored, text: `${id}:${secret}` };
  }

  watch();
  return {
    create(wanted) {
      const refusal = refusalOfNew(wanted);
      if (refusal !== null) throw new SwitchboardError('request_invalid', refusal.message, { field: refusal.field });
      const keys = store.list();
      if (keys.length >= limits.keysMax)
        throw new SwitchboardError('request_invalid', `There are ${keys.length} keys already, which is the most`);
      let made = newKey(wanted);
      while (keys.some(({ id }) => id === made.stored.id)) made = newKey(wanted);
      const callback =
        wanted.callback === undefined || wanted.callback === null
          ? null
          : { url: wanted.callback, secret: `whsec_${randomBytes(32).toString('base64')}` };
      store.add(made.stored, callback);
      refresh();
      const { secretHash: _, ...key } = made.stored;
      return { key, text: made.text, callbackSecret: callback?.secret ?? null };
    },
    list: () => store.list().map(({ secretHash: _, ...key }) => key),
    revoke(id) {
      const revoked = store.revoke(id, clock.now());
      refresh();
      return revoked;
    },
    forget(id) {
      store.remove(id);
      refresh();
    },
    verify(presented) {
      const [, id = '', secret = ''] = KEY_FORM.exec(presented) ?? [];
      if (id !== '' && !held.has(id)) refresh();
      const found = active(id);
      const equal = timingSafeEqual(hashOf(secret), found?.hash ?? DUMMY_HASH);
      return equal && found !== null ? found.key : null;
    },
    callback: (id) => active(id)?.callback ?? null,
    withCallbacks: () => [...held.values()].flatMap(({ key, callback }) => (callback === null ? [] : [key.id])),
    isActive: (id) => active(id) !== null,
    onRevoked(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      closed = true;
      clock.clearTimeout(timer);
    },
  };
}

const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();
