import type { SQLOutputValue } from 'node:sqlite';
import type { ConversationRecord, Entry, EntryType, MessageRecord, RequestRecord, TimerRecord } from './journal.ts';
import { MESSAGE_STATUSES } from './journal.ts';

/** A row as `node:sqlite` gives it. A column of another type than the schema's is a bug or a damaged file: stop. */
export type Row = Record<string, SQLOutputValue>;

const wrong = (column: string, value: unknown): never => {
  throw new TypeError(`The database column ${column} holds ${typeof value}: the file is damaged`);
};

export function text(row: Row, column: string): string {
  const value = row[column];
  return typeof value === 'string' ? value : wrong(column, value);
}

export function int(row: Row, column: string): number {
  const value = row[column];
  return typeof value === 'number' ? value : wrong(column, value);
}

export const textOrNull = (row: Row, column: string): string | null =>
  row[column] === null ? null : text(row, column);
export const intOrNull = (row: Row, column: string): number | null => (row[column] === null ? null : int(row, column));

function oneOf<const T extends string>(row: Row, column: string, values: readonly T[]): T {
  const value = text(row, column);
  return values.find((v) => v === value) ?? wrong(column, value);
}

export const entryOf = (bot: string, row: Row): Entry => ({
  seq: int(row, 'seq'),
  // Entries outlive the version that wrote them: a type that this version does not know is passed on as it is.
  type: text(row, 'type') as EntryType,
  bot,
  chat: textOrNull(row, 'chat'),
  at: int(row, 'at'),
  body: text(row, 'body'),
});

export const conversationOf = (row: Row): ConversationRecord => ({
  id: text(row, 'id'),
  chat: text(row, 'chat'),
  machine: text(row, 'machine'),
  version: text(row, 'version'),
  status: oneOf(row, 'status', ['active', 'done', 'quarantined']),
  state: text(row, 'state'),
  snapshot: text(row, 'snapshot'),
  error: textOrNull(row, 'error'),
  lastSeq: int(row, 'last_seq'),
  updatedAt: int(row, 'updated_at'),
});

export const timerOf = (row: Row): TimerRecord => ({
  conversation: text(row, 'conversation'),
  id: text(row, 'id'),
  dueAt: int(row, 'due_at'),
  event: text(row, 'event'),
});

export const requestOf = (row: Row): RequestRecord => ({
  id: text(row, 'id'),
  conversation: text(row, 'conversation'),
  invoke: text(row, 'invoke'),
  src: text(row, 'src'),
  input: text(row, 'input'),
  createdAt: int(row, 'created_at'),
});

export const messageOf = (row: Row): MessageRecord => ({
  seq: int(row, 'seq'),
  chat: text(row, 'chat'),
  method: text(row, 'method'),
  params: text(row, 'params'),
  status: oneOf(row, 'status', MESSAGE_STATUSES),
  priority: int(row, 'priority'),
  dueAt: int(row, 'due_at'),
  expiresAt: intOrNull(row, 'expires_at'),
  onUnknown: oneOf(row, 'on_unknown', ['hold', 'resend']),
  keyId: textOrNull(row, 'key_id'),
  attempts: int(row, 'attempts'),
  telegramMessageId: intOrNull(row, 'telegram_message_id'),
  error: textOrNull(row, 'error'),
  createdAt: int(row, 'created_at'),
  updatedAt: int(row, 'updated_at'),
});
