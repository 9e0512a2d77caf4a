import type { Entry } from '../journal/journal.ts';

/** A journalled update as getUpdates gives it. */
export interface QueuedUpdate {
  /** Its entry's. */
  readonly seq: number;
  /** Telegram's own. */
  readonly updateId: number;
  /** The field that it carries beside `update_id`: `message`, … */
  readonly kind: string;
  /** Telegram's Update object, JSON. */
  readonly text: string;
}

const PREFIX = '{"update":';
/** An entry that carries an update and nothing else, as nearly all do: its update need not be parsed and written again. */
const PLAIN = /^\{"update":\{"update_id":(\d{1,15}),"(\w+)":/;

/** The update of an entry; null where it carries none. */
export function updateOf({ seq, body }: Entry): QueuedUpdate | null {
  const [, id, kind] = PLAIN.exec(body) ?? [];
  if (id !== undefined && kind !== undefined) {
    return { seq, updateId: Number(id), kind, text: body.slice(PREFIX.length, -1) };
  }
  const carried: unknown = JSON.parse(body);
  const update = typeof carried === 'object' && carried !== null && 'update' in carried ? carried.update : null;
  if (typeof update !== 'object' || update === null) return null;
  if (!('update_id' in update) || typeof update.update_id !== 'number') return null;
  const field = Object.keys(update).find((name) => name !== 'update_id') ?? 'empty';
  return { seq, updateId: update.update_id, kind: field, text: JSON.stringify(update) };
}

/** Kinds that come only where they are asked for by name (telegram.md). */
const BY_NAME_ONLY: ReadonlySet<string> = new Set(['chat_member', 'message_reaction', 'message_reaction_count']);

/** Which kinds of update pass; null: Telegram's default. */
export type Allowed = ReadonlySet<string> | null;

/** Whether getUpdates gives updates of this kind. */
export const isAllowed = (allowed: Allowed, kind: string): boolean =>
  allowed === null ? !BY_NAME_ONLY.has(kind) : allowed.has(kind);
