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

const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** What the outside sees of a key, on the command line and over HTTP. Times are ISO 8601. */
export function keyView({ id, role, name, chats, createdAt, expiresAt, revokedAt }: Key) {
  const times = { expires_at: iso(expiresAt), revoked_at: iso(revokedAt) };
  return { id, role, name, chats: chats && [...chats], created_at: new Date(createdAt).toISOString(), ...times };
}

/** A key as stored: with the SHA-256 of its secret, hex. */
export interface StoredKey extends Key {
  readonly secretHash: string;
}

/**
 * Whether the key's role grants the scope and, where a chat is named, the key may touch that chat (I7). `chat` null:
 * what belongs to no chat, which a key restricted to chats may not see.
 */
export function mayAccess(key: Key, scope: Scope, chat?: string | null): boolean {
  if (!SCOPES_OF[key.role].includes(scope)) return false;
  if (chat === undefined || key.chats === null) return true;
  return chat !== null && key.chats.includes(chat);
}

/** Where the fates of a key's messages are sent, and what signs them (Standard Webhooks): `whsec_` and base64. */
export interface KeyCallback {
  readonly url: string;
  readonly secret: string;
}

/** Whether callbacks may go there: https, or http on this machine; and no password in the address. */
export function isCallbackUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '' || text.length > 2048) return false;
  const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  return url.protocol === 'https:' || (url.protocol === 'http:' && local);
}

/**
 * Where keys are kept. Another process (the CLI) may change them at any time: `version` changes whenever it did.
 */
export interface KeyStore {
  /** Throws where the id is taken. Durable when it returns. */
  add(key: StoredKey, callback: KeyCallback | null): void;
  list(): StoredKey[];
  /** By the key's id. */
  callbacks(): ReadonlyMap<string, KeyCallback>;
  /** False where there is no such key, or it is revoked already. */
  revoke(id: string, at: number): boolean;
  /** Takes a key out of the list. */
  remove(id: string): void;
  /** Cheap: compared with its last value to see whether another process has written. */
  version(): number;
}

/** What a new key is to be. */
export interface NewKey {
  readonly role: Role;
  readonly name: string;
  readonly chats: readonly string[] | null;
  /** ms since 1970. */
  readonly expiresAt: number | null;
  /** Where the fates of its messages are sent: isCallbackUrl. Left out: nowhere. */
  readonly callback?: string | null;
}

/** The keys in use: made, checked and watched for their end. */
export interface Keyring {
  /**
   * Makes and stores a key. `text` is what its holder presents, `<digits>:<43 of A-Za-z0-9_->`: shown once, kept
   * nowhere. Throws SwitchboardError request_invalid where there are limits.keysMax keys.
   */
  create(key: NewKey): { readonly key: Key; readonly text: string; readonly callbackSecret: string | null };
  list(): Key[];
  /** False where there is no such key, or it is revoked already. */
  revoke(id: string): boolean;
  /** Revokes a key that nobody needs to know of any more: it is out of the list too. */
  forget(id: string): void;
  /** The key that this text is; null where it is none, expired or revoked. Takes as long whichever of these. */
  verify(text: string): Key | null;
  /** Where the callbacks of an active key go; null: nowhere. */
  callback(id: string): KeyCallback | null;
  /** The active keys that have callbacks. */
  withCallbacks(): string[];
  /** Whether the key is known, neither expired nor revoked. */
  isActive(id: string): boolean;
  /**
   * Called with a key's id once it is revoked, gone or expired, by whichever process: at most limits.keysRefreshMs
   * after it. Returns what takes the listener back.
   */
  onRevoked(listener: (id: string) => void): () => void;
  /** Ends the watch. */
  close(): void;
}
