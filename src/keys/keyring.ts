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
  /** Of its secret, hex. */
  readonly secretHash: string;
  /** Of the one before, while it works. */
  readonly previousHash: string | null;
}

const KEY_FORM = /^(\d{1,20}):([A-Za-z0-9_-]{35,128})$/;
/** Compared with if there is no such key, so that an unknown id takes as long as a wrong secret. */
const DUMMY_HASH = '00'.repeat(32);

/**
 * The keyring over a store. Keys are held in memory and read anew when the store's version changes: looked at every
 * limits.keysRefreshMs, and whenever an unknown key is presented, so that a key just made works at once.
 *
 * I7: secrets are known as SHA-256 alone and compared in constant time. A secret has 256 random bits, so that a
 * plain hash cannot be searched.
 */
export function createKeyring({ store, clock, randomBytes, onError }: KeyringOptions): Keyring {
  const revokedListeners = new Set<(id: string) => void>();
  const secretListeners = new Set<(id: string) => void>();
  let canceled = new Set<string>();
  let held = new Map<string, Held>();
  let version = -1;
  /** When the next key, or secret, expires: until then nothing expires unseen. */
  let expiryAt = Number.POSITIVE_INFINITY;
  let timer: TimerHandle | undefined;
  let closed = false;

  /** Holds the active keys, and tells which keys and which of their secrets have ended. */
  function refresh(): void {
    const now = clock.now();
    const current = store.version();
    if (current === version && now < expiryAt) return;
    const before = held;
    held = new Map();
    canceled = new Set();
    expiryAt = Number.POSITIVE_INFINITY;
    const callbacks = store.callbacks();
    for (const { secretHash, previousHash, messagesCanceled, ...key } of store.list()) {
      if (messagesCanceled) canceled.add(key.id);
      if (!isActiveAt(key, now)) continue;
      const isOver = key.previousUntil === null || key.previousUntil <= now;
      const previous = isOver ? null : previousHash;
      held.set(key.id, { key, secretHash, previousHash: previous, callback: callbacks.get(key.id) ?? null });
      const never = Number.POSITIVE_INFINITY;
      expiryAt = Math.min(expiryAt, key.expiresAt ?? never, isOver ? never : (key.previousUntil ?? never));
    }
    version = current;
    for (const [id, was] of before) {
      const is = held.get(id);
      if (is === undefined) for (const listener of revokedListeners) listener(id);
      else if (hasLostSecret(was, is)) for (const listener of secretListeners) listener(id);
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

  /** The active key that has a secret of this hash, as far as was known at the last look. */
  function known(id: string, presented: Buffer): Key | null {
    const found = active(id);
    const isPreviousOver = (found?.key.previousUntil ?? 0) <= clock.now();
    const isCurrent = isHash(presented, found?.secretHash ?? null);
    const isPrevious = isHash(presented, isPreviousOver ? null : (found?.previousHash ?? null));
    return found !== null && (isCurrent || isPrevious) ? found.key : null;
  }

  const newSecret = () => randomBytes(32).toString('base64url');
  const newCallbackSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

  function newKey({ role, name, chats, expiresAt, givenScopes = [], events = null }: NewKey) {
    // Ten digits without a leading zero: the look of a bot's id, which Bot API clients insist on.
    const id = String(1_000_000_000 + (randomBytes(6).readUIntBE(0, 6) % 9_000_000_000));
    const secret = newSecret();
    const stored: StoredKey = {
      ...{ id, role, name, chats, givenScopes, events, expiresAt },
      createdAt: clock.now(),
      ...{ revokedAt: null, previousUntil: null, previousHash: null, messagesCanceled: false },
      secretHash: hashOf(secret).toString('hex'),
    };
    return { stored, text: `${id}:${secret}` };
  }

  watch();
  return {
    create(wanted, noting) {
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
          : { url: wanted.callback, secret: newCallbackSecret() };
      store.add(made.stored, callback, () => noting?.(shown(made.stored)));
      refresh();
      return { key: shown(made.stored), text: made.text, callbackSecret: callback?.secret ?? null };
    },
    list: () => store.list().map(shown),
    revoke(id, cancel = false, noting = undefined) {
      const revoked = store.revoke(id, clock.now(), cancel, noting);
      refresh();
      return revoked;
    },
    isCanceled: (id) => canceled.has(id),
    rotate(id, wanted, noting) {
      const secret = newSecret();
      const hasCallback = (active(id)?.callback ?? null) !== null;
      const callbackSecret = wanted.newCallbackSecret && hasCallback ? newCallbackSecret() : null;
      const now = clock.now();
      const previousUntil = now + Math.min(wanted.overlapMs, limits.keyOverlapMaxMs);
      const secretHash = hashOf(secret).toString('hex');
      if (!store.rotate(id, { secretHash, previousUntil, callbackSecret }, now, noting)) return null;
      refresh();
      const key = held.get(id)?.key;
      return key === undefined ? null : { key, text: `${id}:${secret}`, callbackSecret };
    },
    forget(id) {
      store.remove(id);
      refresh();
    },
    verify(text) {
      const [, id = '', secret = ''] = KEY_FORM.exec(text) ?? [];
      const presented = hashOf(secret);
      const key = known(id, presented);
      if (key !== null || id === '') return key;
      // Another process may have made it, or its new secret, a moment ago.
      refresh();
      return known(id, presented);
    },
    proofOf: (text) => hashOf(text.slice(text.indexOf(':') + 1)).toString('hex'),
    keyOf: (id, proof) => known(id, Buffer.from(proof, 'hex')),
    callback: (id) => active(id)?.callback ?? null,
    withCallbacks: () => [...held.values()].flatMap(({ key, callback }) => (callback === null ? [] : [key.id])),
    isActive: (id) => active(id) !== null,
    onRevoked(listener) {
      revokedListeners.add(listener);
      return () => void revokedListeners.delete(listener);
    },
    onSecretEnded(listener) {
      secretListeners.add(listener);
      return () => void secretListeners.delete(listener);
    },
    close() {
      closed = true;
      clock.clearTimeout(timer);
    },
  };
}

/** A key without what its secret is known by. */
const shown = ({ secretHash: _, previousHash: __, messagesCanceled: ___, ...key }: StoredKey): Key => key;

const hasLostSecret = (was: Held, is: Held): boolean =>
  [was.secretHash, was.previousHash].some(
    (hash) => hash !== null && hash !== is.secretHash && hash !== is.previousHash,
  );

const isHash = (presented: Buffer, hash: string | null): boolean =>
  timingSafeEqual(presented, Buffer.from(hash ?? DUMMY_HASH, 'hex')) && hash !== null;

const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();
