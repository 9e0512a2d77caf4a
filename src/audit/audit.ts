/** What the audit log tells of. */
export const ACTS = [
  'key.made',
  'key.revoked',
  'key.rotated',
  'login',
  'login.refused',
  'key.refused',
  'message.canceled',
  'message.resolved',
  'messages.canceled',
  'outbox.released',
  'callback.resumed',
  'chat.retried',
  'chat.exported',
  'chat.erased',
  'settings.changed',
] as const;
export type Act = (typeof ACTS)[number];

/** Acts that need no admin's key. They have room of their own, so that nobody can crowd out the others. */
const FREQUENT: readonly Act[] = ['login', 'login.refused', 'key.refused', 'message.canceled', 'message.resolved'];
export const isFrequent = (act: Act): boolean => FREQUENT.includes(act);

/** The key or user that acted, and its address. */
export interface Actor {
  /** Null: no key, as on the command line. */
  readonly keyId: string | null;
  /** The key's name, or that of the machine's user. */
  readonly name: string | null;
  /** The caller's address, or "command line". */
  readonly origin: string;
}

export interface NewAuditEntry extends Actor {
  readonly act: Act;
  /** The id of what it was done to. */
  readonly subject: string | null;
  readonly detail: Readonly<Record<string, unknown>> | null;
}

export interface AuditEntry extends NewAuditEntry {
  readonly seq: number;
  /** ms since 1970. */
  readonly at: number;
  readonly count: number;
}

export interface AuditPage {
  /** Entries before this seq; null: the newest. */
  readonly before: number | null;
  readonly limit: number;
  readonly act: Act | null;
  readonly keyId: string | null;
}

/** A setting as a start found it. Of a secret a salted hash is kept. */
export interface StartedWith {
  readonly name: string;
  /** JSON; null: a secret. */
  readonly value: string | null;
  readonly hash: string | null;
}

/** Where the audit log is kept: on the connection of the keys, so that a key and its entry commit together. */
export interface AuditStore {
  /** Durable when it returns, or with the transaction that it is called in. */
  add(entry: NewAuditEntry, at: number, count: number): void;
  /** The newest first. */
  page(page: AuditPage): AuditEntry[];
  /** Takes away what is older than `before`, and the oldest beyond so many of each kind. */
  trim(before: number, max: number, frequentMax: number): void;
  settings(): ReadonlyMap<string, StartedWith>;
  /** In one transaction with the entry that tells of them, if there is one. */
  keepSettings(settings: readonly StartedWith[], note: (() => void) | null): void;
}

/** The audit log: append-only, and bounded by age and number (limits.auditAgeMs, auditMax). */
export interface Audit {
  /** Durable when it resolves. A failure is reported and does not reject: the act is done. */
  note(entry: NewAuditEntry): Promise<void>;
  /** Writes at once, within the keys' transaction. */
  noteNow(entry: NewAuditEntry): void;
  /** For what may come often: one entry at once, then one a minute and source with a count. */
  count(entry: NewAuditEntry): void;
  page(page: AuditPage): AuditEntry[];
  /** Writes what is counted so far. */
  stop(): void;
}
