import type { DatabaseSync } from 'node:sqlite';
import type { MessageRecord } from './journal.ts';
import { chatCell, int, intOrNull, messageOf, type Row, type SeqRange } from './sqlite-rows.ts';

/**
 * Walks over all messages that wait, first the scheduled ones: one that comes due meanwhile is met again among the queued.
 * A place is the JSON of where the page before ended; '' is before all.
 */
export function prepareWaiting(db: DatabaseSync, range: SeqRange) {
  const { slot } = range;
  const ofDate = db.prepare(
    `SELECT * FROM messages INDEXED BY messages_scheduled
     WHERE slot = ? AND status = 'scheduled' AND due_at = ? AND id > ? ORDER BY id LIMIT +?`,
  );
  const nextDate = db.prepare(
    `SELECT min(due_at) AS at FROM messages INDEXED BY messages_scheduled
     WHERE slot = ? AND status = 'scheduled' AND due_at > ?`,
  );
  const queued = db.prepare(
    `SELECT messages.*, lanes.chat AS lane_chat, lanes.lane AS lane_lane, lanes.priority AS lane_priority
     FROM lanes CROSS JOIN messages ON messages.id = lanes.id
     WHERE lanes.slot = ? AND (lanes.chat, lanes.lane, lanes.priority, lanes.id) > (?, ?, ?, ?)
     ORDER BY lanes.chat, lanes.lane, lanes.priority, lanes.id LIMIT +?`,
  );

  /** Many may be for the same date: SQLite does not seek to the middle of them by date and id at once. */
  function scheduledAfter(date: number, id: number, looks: number): Row[] {
    const rows: Row[] = [];
    for (let [at, after]: [number | null, number] = [date, id]; at !== null && rows.length < looks; after = 0) {
      rows.push(...ofDate.all(slot, at, after, looks - rows.length));
      at = rows.length < looks ? intOrNull(nextDate.get(slot, at) ?? { at: null }, 'at') : null;
    }
    return rows;
  }

  return (keyId: string, place: string, looks: number): { messages: MessageRecord[]; next: string | null } => {
    const at: Place = place === '' ? FIRST : JSON.parse(place);
    const rows =
      at.of === 'scheduled'
        ? scheduledAfter(at.dueAt, at.id, looks)
        : queued.all(slot, at.chat, at.lane, at.priority, at.id, looks);
    const last = rows.length < looks ? undefined : rows.at(-1);
    const next = last !== undefined ? placeOf(at.of, last) : at.of === 'scheduled' ? FIRST_QUEUED : null;
    const wanted = rows.filter((row) => row.key_id === keyId && row.status === at.of);
    return { messages: wanted.map((row) => messageOf(range, row)), next: next && JSON.stringify(next) };
  };
}

type Place =
  | { readonly of: 'scheduled'; readonly dueAt: number; readonly id: number }
  | {
      readonly of: 'queued';
      readonly chat: number | string;
      readonly lane: number;
      readonly priority: number;
      readonly id: number;
    };

const FIRST: Place = { of: 'scheduled', dueAt: Number.MIN_SAFE_INTEGER, id: 0 };
/** Chats are integers or, behind all of those, names. */
const FIRST_QUEUED: Place = { of: 'queued', chat: Number.MIN_SAFE_INTEGER, lane: 0, priority: -1000, id: 0 };

const placeOf = (of: Place['of'], row: Row): Place =>
  of === 'scheduled'
    ? { of, dueAt: int(row, 'due_at'), id: int(row, 'id') }
    : {
        of,
        chat: chatCell(String(row.lane_chat)) ?? '',
        lane: int(row, 'lane_lane'),
        priority: int(row, 'lane_priority'),
        id: int(row, 'id'),
      };
