import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock, TimerHandle } from '../clock.ts';
import type { Keyring } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import { retryWhileLocked } from '../storage-fault.ts';
import type { Session, SessionStore, Sessions, StoredSession } from './sessions.ts';

export interface SessionsOptions {
  readonly store: SessionStore;
  readonly keyring: Pick<Keyring, 'keyOf'>;
  readonly clock: Clock;
  /** Cryptographically random bytes. */
  readonly randomBytes: (size: number) => Buffer;
  /** The store could not be written. What is in memory goes on. */
  readonly onError: (error: unknown) => void;
}

interface OpenSession extends StoredSession {
  usedAt: number;
  /** `usedAt` as it is stored. */
  notedAt: number;
  readonly connections: Set<() => void>;
}

/** Sessions over a store: all are held in memory, which answers; the store follows. Only this process may write it. */
export function createSessions({ store, keyring, clock, randomBytes, onError }: SessionsOptions): Sessions {
  const open = new Map<string, OpenSession>();
  for (const stored of store.list()) open.set(stored.id, opened(stored));
  let timer: TimerHandle | undefined;
  let stopped = false;

  const write = (change: () => void): Promise<void> => retryWhileLocked(clock, change);
  /** For changes that nobody waits for. */
  const writeLater = (change: () => void): void =>
    void write(change).catch((error: unknown) => {
      if (!stopped) onError(error);
    });

  const isOver = ({ usedAt, createdAt }: OpenSession, now: number): boolean =>
    now - usedAt >= limits.sessionIdleMs || now - createdAt >= limits.sessionAgeMaxMs;

  /** Takes it out of memory, so that it is good for nothing from then on. */
  function drop(session: OpenSession): void {
    open.delete(session.id);
    for (const close of [...session.connections]) close();
  }

  function dropAll(over: (session: OpenSession) => boolean): void {
    for (const session of [...open.values()].filter(over)) {
      drop(session);
      writeLater(() => store.remove(session.id));
    }
  }

  function use(session: OpenSession): void {
    session.usedAt = clock.now();
    if (session.usedAt - session.notedAt < limits.sessionNoteMs) return;
    const { id, usedAt } = session;
    session.notedAt = usedAt;
    writeLater(() => store.setUsedAt(id, usedAt));
  }

  function watch(): void {
    const now = clock.now();
    for (const session of open.values()) if (session.connections.size > 0) use(session);
    dropAll((session) => isOver(session, now) || keyring.keyOf(session.keyId, session.keyProof) === null);
    timer = clock.setTimeout(watch, limits.sessionWatchMs);
  }
  watch();

  return {
    async open({ id: keyId }, keyProof) {
      const own = [...open.values()].filter((session) => session.keyId === keyId);
      const oldest = own
        .sort((a, b) => a.usedAt - b.usedAt)
        .slice(0, Math.max(0, own.length + 1 - limits.sessionsPerKeyMax));
      dropAll((session) => oldest.includes(session));
      const [cookie, page] = [secret(), secret()];
      const now = clock.now();
      const stored = { id: hashOf(page), cookieHash: hashOf(cookie), keyId, keyProof, createdAt: now, usedAt: now };
      await write(() => store.add(stored));
      open.set(stored.id, opened(stored));
      return { cookie, page };
    },

    find(page, cookies) {
      const session = open.get(hashOf(page));
      if (session === undefined || isOver(session, clock.now())) return null;
      const key = keyring.keyOf(session.keyId, session.keyProof);
      if (key === null || !cookies.some((cookie) => isSame(hashOf(cookie), session.cookieHash))) return null;
      use(session);
      return { id: session.id, key };
    },

    async end({ id }) {
      const session = open.get(id);
      if (session === undefined) return;
      await write(() => store.remove(id));
      drop(session);
    },

    endOf: (id) => dropAll(({ keyId, keyProof }) => keyId === id && keyring.keyOf(keyId, keyProof) === null),

    hold({ id }: Pick<Session, 'id'>, close) {
      const session = open.get(id);
      if (session === undefined) {
        close();
        return () => {};
      }
      session.connections.add(close);
      return () => void session.connections.delete(close);
    },

    stop() {
      stopped = true;
      clock.clearTimeout(timer);
    },
  };

  function secret(): string {
    return randomBytes(32).toString('base64url');
  }
}

const opened = (stored: StoredSession): OpenSession => ({ ...stored, notedAt: stored.usedAt, connections: new Set() });

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const isSame = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a), Buffer.from(b));
