import type { SQLOutputValue } from 'node:sqlite';
import type { ConversationRecord, ConversationVersion, MessageRecord, RequestRecord, TimerRecord } from './journal.ts';
import { MESSAGE_STATUSES } from './journal.ts';

/** A row as `node:sqlite` gives it. A column of another type than the schema's is a bug or a damaged file: stop. */
export type Row = Record<string, SQLOutputValue>;

const wrong = (column: string, value: unknown): never => {
  throw new TypeError(`The database column ${column} holds ${typeof value}: the file is damaged`);
};

/** A column that is never null; throws where it holds another type. */
export function text(row: Row, column: string): string {
  const value = row[column];
  return typeof value === 'string' ? value : wrong(column, value);
}

/** A column that is never null; throws where it holds another type. */
export function int(row: Row, column: string): number {
  const value = row[column];
  return typeof value === 'number' ? value : wrong(column, value);
}

/** A column that may be null. */
export const textOrNull = (row: Row, column: string): string | null =>
  row[column] === null ? null : text(row, column);
/** A column that may be null. */
export const intOrNull = (row: Row, column: string): number | null => (row[column] === null ? null : int(row, column));

function oneOf<const T extends string>(row: Row, column: string, values: readonly T[]): T {
  const value = text(row, column);
  return values.find((v) => v === value) ?? wrong(column, value);
}

/** Room for a bot's seqs in the ids of entries: a million million. */
const SLOT_SIZE = 2 ** 40;

/** Turns seqs into the ids of rows and back (0006-units.sql). */
export interface SeqRange {
  /** The bot's number in this file. */
  readonly slot: number;
  readonly id: (seq: number) => number;
  readonly seq: (id: number) => number;
  /** The last id of the bot's own. */
  readonly last: number;
}

/** The ids of the bot with this slot. */
export const seqRange = (slot: number): SeqRange => {
  const base = slot * SLOT_SIZE;
  return { slot, id: (seq) => base + seq, seq: (id) => id - base, last: base + SLOT_SIZE - 1 };
};

/** A chat as an index of integers holds it. */
export const chatCell = (chat: string | null): number | string | null =>
  chat === null || !/^-?\d{1,16}$/.test(chat) ? chat : Number(chat);

const CONVERSATION_STATUSES = ['active', 'done', 'quarantined'] as const;

/** A conversation of a row of `conversations`. */
export const conversationOf = (row: Row): ConversationRecord => ({
  id: text(row, 'id'),
  chat: text(row, 'chat'),
  machine: text(row, 'machine'),
  version: text(row, 'version'),
  status: oneOf(row, 'status', CONVERSATION_STATUSES),
  state: text(row, 'state'),
  snapshot: text(row, 'snapshot'),
  error: textOrNull(row, 'error'),
  lastSeq: int(row, 'last_seq'),
  updatedAt: int(row, 'updated_at'),
});

/** What a conversation runs, of some columns of `conversations`. */
export const versionOf = (row: Row): ConversationVersion => ({
  id: text(row, 'id'),
  machine: text(row, 'machine'),
  version: text(row, 'version'),
  status: oneOf(row, 'status', CONVERSATION_STATUSES),
  state: text(row, 'state'),
});

/** A timer of a row of `timers`. */
export const timerOf = (row: Row): TimerRecord => ({
  conversation: text(row, 'conversation'),
  id: text(row, 'id'),
  dueAt: int(row, 'due_at'),
  event: text(row, 'event'),
});

/** A request of a row of `requests`. */
export const requestOf = (row: Row): RequestRecord => ({
  id: text(row, 'id'),
  conversation: text(row, 'conversation'),
  invoke: text(row, 'invoke'),
  src: text(row, 'src'),
  input: text(row, 'input'),
  createdAt: int(row, 'created_at'),
});

/** A message of a row of `messages`. */
export const messageOf = (range: SeqRange, row: Row): MessageRecord => ({
  seq: range.seq(int(row, 'id')),
  chat: String(row.chat),
  order: row.lane === 0 ? 'chat' : 'free',
  method: text(row, 'method'),
  counted: row.uncounted === null,
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
  files: textOrNull(row, 'files'),
  createdAt: int(row, 'created_at'),
  updatedAt: int(row, 'updated_at'),
});
