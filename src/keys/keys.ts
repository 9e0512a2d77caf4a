/** Keys: who may do what. The secret itself is never stored. */
export const ROLES = ['operator', 'aggregator', 'backend', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** What a request needs; roles grant them. */
export type Scope = 'read' | 'write' | 'admin';

/** The contract's table of roles. */
export const SCOPES_OF: Readonly<Record<Role, readonly Scope[]>> = {
  operator: ['read'],
  aggregator: ['write'],
  backend: ['read', 'write'],
  admin: ['read', 'write', 'admin'],
};

export interface Key {
  /** Digits: the part of the key before the colon. */
  readonly id: string;
  readonly role: Role;
  readonly name: string;
  /** Telegram chat ids that the key is restricted to; null: all. */
  readonly chats: readonly string[] | null;
  /** ms since 1970. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

/** A key as stored: with the SHA-256 of its secret, hex. */
export interface StoredKey extends Key {
  readonly secretHash: string;
}

/**
 * Where keys are kept. Another process (the CLI) may change them at any time: `version` changes whenever it did.
 */
export interface KeyStore {
  /** Throws where the id is taken. Durable when it returns. */
  add(key: StoredKey): void;
  list(): StoredKey[];
  /** False where there is no such key, or it is revoked already. */
  revoke(id: string, at: number): boolean;
  /** Cheap: compared with its last value to see whether another process has written. */
  version(): number;
}
