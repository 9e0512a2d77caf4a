/** Keys: who may do what. The secret itself is never stored. */
export const ROLES = ['operator', 'aggregator', 'backend', 'support', 'metrics', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** What a request needs; roles grant them. */
export const SCOPES = ['read', 'write', 'moderate', 'metrics', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** The scopes that every key of a role has. */
export const SCOPES_OF: Readonly<Record<Role, readonly Scope[]>> = {
  operator: ['read'],
  aggregator: ['write'],
  backend: ['read', 'write'],
  support: ['read', 'write'],
  metrics: ['metrics'],
  admin: SCOPES,
};

/** The scopes that a key may be given beside those of its role. */
export const GIVEN_SCOPES_OF: Readonly<Partial<Record<Role, readonly Scope[]>>> = { backend: ['moderate'] };

/** Roles whose keys post events for conversations. */
const EVENT_ROLES: readonly Role[] = ['aggregator', 'backend', 'admin'];
/** Of these, the roles whose keys may be restricted to event types. */
const EVENT_TYPE_ROLES: readonly Role[] = ['aggregator', 'backend'];

export interface Key {
  /** Digits: the part of the key before the colon. */
  readonly id: string;
  readonly role: Role;
  readonly name: string;
  /** Telegram chat ids that the key is restricted to; null: all. */
  readonly chats: readonly string[] | null;
  /** Scopes beside those of the role. */
  readonly givenScopes: readonly Scope[];
  /** Types of the events that the key may post; null: every type that its role may. */
  readonly events: readonly string[] | null;
  /** ms since 1970. */
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** Until when the secret before the present one works too; null: it does not. */
  readonly previousUntil: number | null;
}

const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** What the outside sees of a key, on the command line and over HTTP. Times are ISO 8601. */
export function keyView(key: Key) {
  const { id, role, name, chats, events, createdAt, expiresAt, revokedAt, previousUntil } = key;
  const rights = { chats: chats && [...chats], scopes: scopesOf(key), events: events && [...events] };
  const times = { expires_at: iso(expiresAt), revoked_at: iso(revokedAt), old_secret_until: iso(previousUntil) };
  return { id, role, name, ...rights, created_at: new Date(createdAt).toISOString(), ...times };
}

/** What a key may, for the audit log. */
export const rightsOf = (key: Key) => {
  const { role, name, chats, scopes, events, expires_at } = keyView(key);
  return { role, name, chats, scopes, events, expires_at };
};

/** Whether a key is neither revoked nor expired at this time, ms since 1970. */
export const isActiveAt = ({ revokedAt, expiresAt }: Pick<Key, 'revokedAt' | 'expiresAt'>, now: number): boolean =>
  revokedAt === null && (expiresAt === null || expiresAt > now);

/** A key as stored: with the SHA-256 of its secret, hex. */
export interface StoredKey extends Key {
  readonly secretHash: string;
  /** The same of the secret before; null: it works no more. */
  readonly previousHash: string | null;
  /** Nothing that the key has waiting is sent. */
  readonly messagesCanceled: boolean;
}

/** A new secret for a key. */
export interface NewSecret {
  readonly secretHash: string;
  /** Until when the present one works beside it, ms since 1970. */
  readonly previousUntil: number;
  /** Signs the key's callbacks from now on; null: what signed them until now. */
  readonly callbackSecret: string | null;
}

/** All scopes of a key. */
export const scopesOf = ({ role, givenScopes }: Pick<Key, 'role' | 'givenScopes'>): Scope[] =>
  SCOPES.filter((scope) => SCOPES_OF[role].includes(scope) || givenScopes.includes(scope));

/**
 * Whether the key has the scope and, where a chat is named, the key may touch that chat (I7). `chat` null:
 * what belongs to no chat, which a key restricted to chats may not see.
 */
export function mayAccess(key: Key, scope: Scope, chat?: string | null): boolean {
  if (!scopesOf(key).includes(scope)) return false;
  if (chat === undefined || key.chats === null) return true;
  return chat !== null && key.chats.includes(chat);
}

/** Whether the key may post events of this type for conversations (I7). */
export const mayPostEvent = ({ role, events }: Key, type: string): boolean =>
  EVENT_ROLES.includes(role) && (events === null || events.includes(type));

/** True if a key may post events of every type although its role can be restricted: keys made before `--event` are so. */
export const postsEveryEvent = ({ role, events }: Key): boolean => EVENT_TYPE_ROLES.includes(role) && events === null;

/** A key for a person, who reads and replies in the console. Programs have keys of other roles. */
export const isPerson = ({ role }: Pick<Key, 'role'>): boolean => role === 'support';

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
 * `noting` is called within the transaction of a change, on its connection.
 */
export interface KeyStore {
  /** Throws where the id is taken. Durable when it returns. */
  add(key: StoredKey, callback: KeyCallback | null, noting?: () => void): void;
  list(): StoredKey[];
  /** By the key's id. */
  callbacks(): ReadonlyMap<string, KeyCallback>;
  /**
   * False if there is no such key, or it is revoked already. Its callback goes with it. `cancel`: nothing that it has
   * waiting is sent, also if it was revoked before.
   */
  revoke(id: string, at: number, cancel: boolean, noting?: () => void): boolean;
  /** False if the key is not active at this time. */
  rotate(id: string, secret: NewSecret, at: number, noting?: () => void): boolean;
  /** Takes a key out of the list, and its callback. */
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
  /** Scopes beside those of the role. Left out: none. */
  readonly givenScopes?: readonly Scope[];
  /** Types of the events that it may post. Left out, or null: every type that its role may. */
  readonly events?: readonly string[] | null;
}

/** A key as it is shown once. */
export interface MadeKey {
  readonly key: Key;
  /** What its holder presents. */
  readonly text: string;
  /** Signs its callbacks; null: it has none, or the same as before. */
  readonly callbackSecret: string | null;
}

export interface Rotation {
  /** How long the old secret works, ms; 0: it ends at once. */
  readonly overlapMs: number;
  /** Another secret signs the key's callbacks too, if it has any. */
  readonly newCallbackSecret: boolean;
}

/** Why there can be no such key; null: there can. `field` as HTTP names it. */
export function refusalOfNew({ role, chats, givenScopes = [], events = null }: NewKey): KeyRefusal | null {
  const given = givenScopes.find((scope) => GIVEN_SCOPES_OF[role]?.includes(scope) !== true);
  if (given !== undefined) return { field: 'scopes', message: `A key of the role ${role} cannot be given ${given}` };
  if (events !== null && !EVENT_TYPE_ROLES.includes(role)) {
    const message = `Event types are for keys of the roles ${EVENT_TYPE_ROLES.join(' and ')}, not ${role}`;
    return { field: 'events', message };
  }
  if (role === 'admin' && chats !== null)
    return { field: 'chats', message: 'A key of the role admin acts on all chats: leave the chats out' };
  if (role === 'metrics' && chats !== null)
    return { field: 'chats', message: 'A key of the role metrics reads no chats: leave them out' };
  return null;
}

export interface KeyRefusal {
  readonly field: 'scopes' | 'events' | 'chats';
  readonly message: string;
}

/** The keys in use: made, checked and watched for their end. `noting`: see KeyStore. */
export interface Keyring {
  /**
   * Makes and stores a key. `text` is what its holder presents, `<digits>:<43 of A-Za-z0-9_->`: shown once, kept
   * nowhere. Throws SwitchboardError request_invalid where there are limits.keysMax keys, or for refusalOfNew.
   */
  create(key: NewKey, noting?: (key: Key) => void): MadeKey;
  list(): Key[];
  /** False if there is no such key, or it is revoked already. `cancel`: see `isCanceled`; also of a key revoked before. */
  revoke(id: string, cancel?: boolean, noting?: () => void): boolean;
  /** Whether the key is revoked and nothing of what it has waiting is to be sent. */
  isCanceled(id: string): boolean;
  /**
   * Gives a key a new secret: all else of it stays. The one before works for so long, at most limits.keyOverlapMaxMs; one
   * that was before that ends now. Null if the key is not active.
   */
  rotate(id: string, wanted: Rotation, noting?: () => void): MadeKey | null;
  /** Revokes a key that nobody needs to know of any more: it is out of the list too. */
  forget(id: string): void;
  /** The key that this text is; null where it is none, expired or revoked. Takes as long whichever of these. */
  verify(text: string): Key | null;
  /** What a log-in stores of the text that was verified: the SHA-256 of the secret in it, hex. */
  proofOf(text: string): string;
  /** The active key whose secret with this proof still works; null: it does not. */
  keyOf(id: string, proof: string): Key | null;
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
  /** As `onRevoked`, of an active key one of whose secrets works no more: whoever came in by that has to come in again. */
  onSecretEnded(listener: (id: string) => void): () => void;
  /** Ends the watch. */
  close(): void;
}
