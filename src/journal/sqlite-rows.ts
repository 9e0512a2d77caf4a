import type { SQLOutputValue } from 'node:sqlite';
import { damaged } from '../storage-fault.ts';
import type { ConversationRecord, ConversationVersion, MessageRecord, RequestRecord, TimerRecord } from './journal.ts';
import { MESSAGE_STATUSES } from './journal.ts';

/**
 * A row as `node:sqlite` gives it, by name or, where it is asked to, by number. A column of another type than the schema's
 * is a bug or a damaged file: stop.
 */
export type Row = Record<string, SQLOutputValue>;

const wrong = (column: string | number, value: unknown): never => {
  throw damaged(`the column ${column} holds ${typeof value}`);
};

/** A column that is never null; throws where it holds another type. */
export function text(row: Row, column: string | number): string {
  const value = row[column];
  return typeof value === 'string' ? value : wrong(column, value);
}

/** A column that is never null; throws where it holds another type. */
export function int(row: Row, column: string | number): number {
  const value = row[column];
  return typeof value === 'number' ? value : wrong(column, value);
}

/** A column that may be null. */
export const textOrNull = (row: Row, column: string | number): string | null =>
  row[column] === null ? null : text(row, column);
/** A column that may be null. */
export const intOrNull = (row: Row, column: string | number): number | null =>
  row[column] === null ? null : int(row, column);

/** A column that holds JSON; throws if it does not. */
export function json(row: Row, column: string): unknown {
  try {
    return JSON.parse(text(row, column));
  } catch {
    throw damaged(`the column ${column} holds no JSON`);
  }
}

function oneOf<const T extends string>(row: Row, column: string | number, values: readonly T[]): T {
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

/** The columns of `messages` that a message is made of. */
export const MESSAGE_COLUMNS = [
  'id',
  'chat',
  'lane',
  'method',
  'uncounted',
  'params',
  'status',
  'priority',
  'due_at',
  'expires_at',
  'on_unknown',
  'key_id',
  'attempts',
  'telegram_message_id',
  'error',
  'created_at',
  'updated_at',
  'files',
] as const;
type Places = Readonly<Record<(typeof MESSAGE_COLUMNS)[number], string | number>>;
const placesOf = (place: (column: string, n: number) => string | number): Places =>
  Object.fromEntries(MESSAGE_COLUMNS.map((column, n) => [column, place(column, n)])) as Places;
const BY_NAME = placesOf((column) => column);
/** Of rows that are arrays of MESSAGE_COLUMNS. */
export const BY_NUMBER = placesOf((_, n) => n);

/** A message of a row of `messages`. `at`: where its columns are. */
export const messageOf = (range: SeqRange, row: Row, at: Places = BY_NAME): MessageRecord => ({
  seq: range.seq(int(row, at.id)),
  chat: String(row[at.chat]),
  order: row[at.lane] === 0 ? 'chat' : 'free',
  method: text(row, at.method),
  counted: row[at.uncounted] === null,
  params: text(row, at.params),
  status: oneOf(row, at.status, MESSAGE_STATUSES),
  priority: int(row, at.priority),
  dueAt: int(row, at.due_at),
  expiresAt: intOrNull(row, at.expires_at),
  onUnknown: oneOf(row, at.on_unknown, ['hold', 'resend']),
  keyId: textOrNull(row, at.key_id),
  attempts: int(row, at.attempts),
  telegramMessageId: intOrNull(row, at.telegram_message_id),
  error: textOrNull(row, at.error),
  files: textOrNull(row, at.files),
  createdAt: int(row, at.created_at),
  updatedAt: int(row, at.updated_at),
});
