import { type Entry, ERASED_BODY, isErased, type StoredRow } from '../journal/journal.ts';
import { classifyUpdate } from '../telegram/update.ts';
import { ACTORS, hasId, type Ids, isOwnConversation, type Redacted, redact } from './redact.ts';

/** What an entry has of a chat or a user. */
export interface EntryFound {
  readonly entry: Entry;
  /** All of it is theirs: their chat's, or what they wrote or did. Else `parts` are. */
  readonly isOwn: boolean;
  readonly parts: readonly unknown[];
  /** The entry's body without it. */
  readonly body: string;
}

/** Looks through an entry. Null: there is nothing of theirs in it, or it was erased already. */
export function findInEntry(entry: Entry, ids: Ids): EntryFound | null {
  if (isErased(entry)) return null;
  // It tells readers of the erasure, and has nothing else.
  if (entry.type === 'chat.erased') return null;
  const body: unknown = JSON.parse(entry.body);
  const own = { entry, isOwn: true, parts: [], body: ERASED_BODY };
  if (isOwnEntry(entry, Object(body), ids)) return own;
  const redacted = redactOrNull(body, ids);
  if (redacted === null) return own;
  const { value, parts } = redacted;
  return parts.length === 0 ? null : { entry, isOwn: false, parts, body: JSON.stringify(value) };
}

function isOwnEntry({ chat }: Entry, body: Readonly<Record<string, unknown>>, ids: Ids): boolean {
  if (chat !== null && ids.has(chat)) return true;
  if (isOwnConversation(body.conversation, ids)) return true;
  const kind = classifyUpdate(body.update)?.kind;
  const content = kind === undefined ? null : Object(Object(body.update)[kind]);
  return content !== null && ACTORS.some((name) => hasId(content[name], ids));
}

/** What a row has of theirs: all of it; or what the columns hold without it, and that. Null: nothing. */
export type RowFound =
  | { readonly isOwn: true }
  | { readonly isOwn: false; readonly columns: Readonly<Record<string, string>>; readonly parts: readonly unknown[] };

/** Columns that hold JSON. */
const JSON_COLUMNS = ['snapshot', 'state', 'event', 'details', 'input', 'params', 'error', 'answer'];

/** Looks through a row. `isOwnSeq`: whether the entry with this seq is of their chat. */
export async function findInRow(
  { table, columns }: StoredRow,
  ids: Ids,
  isOwnSeq: (seq: number) => Promise<boolean>,
): Promise<RowFound | null> {
  if (table === 'answers') {
    const answer = parsed(columns.answer);
    const isOwn = typeof answer === 'number' ? await isOwnSeq(answer) : ids.has(String(Object(answer).chat_id));
    return isOwn ? { isOwn } : null;
  }
  const conversation = columns.conversation ?? (table === 'conversations' ? columns.id : null);
  if (isOwnConversation(conversation, ids) || ids.has(String(columns.chat))) return { isOwn: true };
  const changed: Record<string, string> = {};
  const parts: unknown[] = [];
  for (const name of JSON_COLUMNS) {
    const before = parsed(columns[name]);
    if (before === undefined) continue;
    const redacted = redactOrNull(before, ids);
    if (redacted === null) return { isOwn: true };
    if (redacted.parts.length === 0) continue;
    parts.push(...redacted.parts);
    changed[name] = JSON.stringify(redacted.value);
  }
  return parts.length === 0 ? null : { isOwn: false, columns: changed, parts };
}

/**
 * Whether an own row came after the chat was at rest, with the entry `through`: it is no part of what was to be erased. The
 * chat's conversations were deleted then, so what there is of one belongs to the next.
 */
export function isLater({ table, seq, columns }: StoredRow, ids: Ids, through: number): boolean {
  if (seq !== null) return seq > through;
  if (table === 'answers') return seqAnswered(parsed(columns.answer)) > through;
  const conversation = table === 'conversations' ? columns.id : columns.conversation;
  return typeof conversation === 'string' && ids.has(conversation.split(':')[0] ?? '');
}

/** The seq of the message or the event that was posted. */
const seqAnswered = (answer: unknown): number =>
  typeof answer === 'number' ? answer : Number(String(Object(answer).id).split('-')[1] ?? 0);

/** Null: it is nested too deep to be looked through, and names them. */
function redactOrNull(value: unknown, ids: Ids): Redacted | null {
  try {
    return redact(value, ids);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Undefined: it holds no JSON, as the text of a conversation's error. */
function parsed(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
