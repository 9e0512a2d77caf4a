/**
 * The one registry of error codes. A code is a promise to callers: it never changes its meaning.
 *
 * `status` is the HTTP status at the edge, `exit` the process's exit code, and `kind` what a caller should do:
 * `terminal` (do not repeat it unchanged), `retryable` (repeat it later), `wait` (repeat it after the delay given).
 */
export const ERRORS = {
  settings_invalid: { kind: 'terminal', exit: 2, title: 'A setting is wrong' },
  machine_invalid: { kind: 'terminal', exit: 2, title: 'A machine cannot be run' },
  token_refused: {
    kind: 'terminal',
    exit: 3,
    title: 'Telegram refuses the bot token',
  },
  data_held: {
    kind: 'terminal',
    exit: 4,
    title: 'Another process holds the data folder',
  },
  data_newer: {
    kind: 'terminal',
    exit: 4,
    title: 'The data folder was written by a newer Switchboard',
  },
  data_unusable: { kind: 'terminal', exit: 4, title: 'The data folder cannot be used' },
  port_taken: { kind: 'terminal', exit: 5, title: 'The address is taken' },
  address_refused: { kind: 'terminal', exit: 5, title: 'The address cannot be listened on' },
  lease_lost: {
    kind: 'terminal',
    exit: 6,
    title: 'Another process has taken over the bot',
  },
  data_gone: { kind: 'wait', status: 503, exit: 7, title: 'The database was deleted, moved or replaced' },
  data_missing: { kind: 'terminal', exit: 7, title: 'The database that was in the data folder is missing' },

  body_malformed: {
    kind: 'terminal',
    status: 400,
    title: 'The body is not what this address takes',
  },
  request_invalid: {
    kind: 'terminal',
    status: 400,
    title: 'A field of the request is wrong',
  },
  idempotency_key_missing: {
    kind: 'terminal',
    status: 400,
    title: 'The Idempotency-Key header is required',
  },
  event_id_malformed: {
    kind: 'terminal',
    status: 400,
    title: 'The event id is malformed',
  },
  key_missing: { kind: 'terminal', status: 401, title: 'No valid key' },
  scope_missing: {
    kind: 'terminal',
    status: 403,
    title: 'The key does not allow this',
  },
  method_forbidden: {
    kind: 'terminal',
    status: 403,
    title: 'This Bot API method is not allowed here',
  },
  not_found: { kind: 'terminal', status: 404, title: 'There is nothing here' },
  method_not_allowed: { kind: 'terminal', status: 405, title: 'This address does not take this method' },
  chat_not_retryable: {
    kind: 'terminal',
    status: 409,
    title: 'The chat cannot be retried',
  },
  poll_superseded: { kind: 'terminal', status: 409, title: 'Another poll of this key has taken over' },
  message_not_cancelable: {
    kind: 'terminal',
    status: 409,
    title: 'The message is past the point of cancelling',
  },
  message_not_unknown: {
    kind: 'terminal',
    status: 409,
    title: 'Only a message of unknown fate can be resolved',
  },
  body_too_large: {
    kind: 'terminal',
    status: 413,
    title: 'The body is too large',
  },
  media_type_unsupported: { kind: 'terminal', status: 415, title: 'The body is of a type that is not taken here' },
  idempotency_key_reused: {
    kind: 'terminal',
    status: 422,
    title: 'The Idempotency-Key was used with another body',
  },
  message_invalid: {
    kind: 'terminal',
    status: 422,
    title: 'Telegram would refuse this message',
  },
  too_many_streams: {
    kind: 'wait',
    status: 429,
    title: 'This key has too many open streams',
  },
  quota_exceeded: { kind: 'wait', status: 429, title: 'The key has used up its share' },
  too_many_answers: { kind: 'wait', status: 429, title: 'This key has too many answers under way' },
  internal: { kind: 'retryable', status: 500, title: 'Switchboard failed' },
  overloaded: { kind: 'wait', status: 503, title: 'Switchboard has more to do than it can take in' },
  disk_full: { kind: 'wait', status: 503, title: 'The disk is full' },
  data_locked: { kind: 'wait', status: 503, title: 'Another program has locked the database' },
  disk_failed: { kind: 'wait', status: 503, title: 'The disk fails' },
  data_damaged: { kind: 'terminal', status: 500, title: 'The database is damaged' },
  outbox_full: { kind: 'wait', status: 503, title: 'The outbox is full' },
  shutting_down: {
    kind: 'wait',
    status: 503,
    title: 'Switchboard is shutting down',
  },
} as const satisfies Record<string, ErrorEntry>;

export interface ErrorEntry {
  readonly kind: 'terminal' | 'retryable' | 'wait';
  readonly title: string;
  readonly status?: number;
  readonly exit?: number;
}

export type ErrorCode = keyof typeof ERRORS;

/** What else an error can tell: the field at fault (a JSON pointer or a setting's name), and when to come back. */
export interface ErrorDetails {
  readonly field?: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** An error with a code from the registry. `message` says what happened, where, and what to do; it holds no secret. */
export class SwitchboardError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'SwitchboardError';
    this.code = code;
    this.field = details.field;
    this.retryAfterMs = details.retryAfterMs;
  }

  /** The registry's entry for this code. */
  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }
}

/** The text of anything thrown, for a log line or a stored error. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether a call of node:fs failed because there is no such file. */
export const isFileMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';
