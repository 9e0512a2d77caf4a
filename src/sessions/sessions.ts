import type { Key } from '../keys/keys.ts';

/** What a browser gets at a log-in. Neither is good for anything without the other. */
export interface SessionSecrets {
  /** For a cookie, which no script reads. A browser sends it to every port of the host. */
  readonly cookie: string;
  /** For the page alone, which sends it as a header. No other port's page can read or send it. */
  readonly page: string;
}

/** A log-in that is good now. */
export interface Session {
  readonly id: string;
  readonly key: Key;
}

/**
 * Log-ins of the pages. A session acts for a key and ends with the secret that it was opened with, by a log-out, after limits.sessionIdleMs without use,
 * and limits.sessionAgeMaxMs after the log-in. It survives a restart.
 *
 * I7: secrets have 256 random bits, are known as SHA-256 alone, and are compared in constant time.
 */
export interface Sessions {
  /**
   * Logs in with a key and Keyring.proofOf its text. With limits.sessionsPerKeyMax of the key, the one that was not used for longest ends. Durable when it
   * resolves. Rejects with what the database throws.
   */
  open(key: Key, proof: string): Promise<SessionSecrets>;
  /** The session of a page's secret and one of the cookies that came with it; null: there is none, or it is over. */
  find(page: string, cookies: readonly string[]): Session | null;
  /** Logs out: gone for good when this resolves, with its connections. If it rejects, the session is as it was. */
  end(session: Pick<Session, 'id'>): Promise<void>;
  /** Ends those sessions of a key whose secret works no more. */
  endOf(keyId: string): void;
  /** Calls `close` when the session ends. Until the connection is released, the session is in use. Returns the release. */
  hold(session: Pick<Session, 'id'>, close: () => void): () => void;
  /** Stops watching for sessions that are over. */
  stop(): void;
}

/** A session as it is stored. Times are ms since 1970. */
export interface StoredSession {
  /** SHA-256 of the page's secret, hex. */
  readonly id: string;
  /** SHA-256 of the cookie's, hex. */
  readonly cookieHash: string;
  readonly keyId: string;
  /** Keyring.proofOf the key that it was opened with. */
  readonly keyProof: string;
  readonly createdAt: number;
  readonly usedAt: number;
}

/** Where sessions are kept. Each call is durable when it returns, and throws what the database throws. */
export interface SessionStore {
  list(): readonly StoredSession[];
  add(session: StoredSession): void;
  setUsedAt(id: string, at: number): void;
  remove(id: string): void;
}
