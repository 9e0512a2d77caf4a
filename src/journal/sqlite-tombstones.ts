import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import { int, type Row, type SeqRange, text } from './sqlite-rows.ts';

/** Where a message stands among those of its chat: a row of `lanes` (0016-lanes.sql). `id`: of the message's row. */
export type LaneEntry = readonly [chat: number | string, lane: number, priority: number, id: number];

/** What a transaction has done to the lanes. */
export interface LaneState {
  /** What has ended in it, and has no tombstone yet. */
  left: LaneEntry[];
  /** The entries under tombstones have been taken out. */
  lanesCleared: boolean;
}

/**
 * Writes `lanes`. A message is in its lane while it is queued or being sent. One that ends leaves its entry, under a
 * tombstone: whoever looks into the lane passes it over, since its message has ended. So the entries are those of all open
 * messages and those under tombstones, and no others. A message that is open has no tombstone. A lane gets one at most
 * until they are cleared: else a chat that is written to all the time would be full of them.
 */
export function prepareLaneEntries(db: DatabaseSync, { slot }: SeqRange) {
  const add = db.prepare('INSERT INTO lanes (slot, chat, lane, priority, id) VALUES (?, ?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM lanes WHERE slot = ? AND chat = ? AND lane = ? AND priority = ? AND id = ?');
  const moveAll = db.prepare('UPDATE lanes SET chat = ? WHERE slot = ? AND chat = ?');
  const bury = db.prepare('INSERT INTO lane_tombstones (slot, id, entries) VALUES (?, ?, ?)');
  const forget = db.prepare('DELETE FROM lane_tombstones WHERE slot = ?');
  const read = db.prepare(
    `SELECT value ->> 0 AS chat, value ->> 1 AS lane, value ->> 2 AS priority, value ->> 3 AS id
     FROM lane_tombstones, json_each(entries) WHERE slot = ?`,
  );

  /** Under tombstones, as committed: to read them back when they are taken out would cost as much again. */
  let buried: LaneEntry[] = read.all(slot).map(entryOf);
  /** Chats whose lane 0 may have a tombstone. */
  let chats = chatsOf(buried);

  function clear(state: LaneState): void {
    if (!state.lanesCleared) for (const entry of buried) remove.run(slot, ...entry);
    for (const entry of state.left) remove.run(slot, ...entry);
    forget.run(slot);
    state.lanesCleared = true;
    // Another list, not the same one emptied: the transaction may yet go back to before.
    state.left = [];
  }

  return {
    /** Entries whose messages have ended, as committed. */
    buried: (): number => buried.length,
    /** A message that was never in a lane joins one. */
    joinNew: (entry: LaneEntry): void => void add.run(slot, ...entry),
    /** A message that may have been in a lane before joins one: its tombstone would take it out again. */
    join(state: LaneState, entry: LaneEntry): void {
      clear(state);
      add.run(slot, ...entry);
    },
    /** An open message goes to another lane. */
    change(from: LaneEntry, to: LaneEntry): void {
      remove.run(slot, ...from);
      add.run(slot, ...to);
    },
    /** All of a chat's entries become another chat's. */
    move(state: LaneState, from: number | string, to: number | string): void {
      clear(state);
      moveAll.run(to, slot, from);
    },
    /** A message has ended. */
    leave(state: LaneState, entry: LaneEntry): void {
      const [chat, lane] = entry;
      // A lane other than 0 is one message's own: it gets one tombstone.
      if (lane === 0 && chats.has(chat)) remove.run(slot, ...entry);
      else state.left.push(entry);
      if (lane === 0) chats.add(chat);
    },
    /** Before the transaction commits. What it returns is to be called once that has committed. */
    commit(state: LaneState): () => void {
      const total = (state.lanesCleared ? 0 : buried.length) + state.left.length;
      if (total >= limits.laneTombstonesMax) clear(state);
      const { left, lanesCleared } = state;
      const [first] = left;
      if (first !== undefined) bury.run(slot, first[3], JSON.stringify(left));
      return () => {
        if (lanesCleared) {
          buried = left;
          chats = chatsOf(left);
        } else buried.push(...left);
      };
    },
  };
}

const chatsOf = (entries: readonly LaneEntry[]): Set<number | string> =>
  new Set(entries.filter(([, lane]) => lane === 0).map(([chat]) => chat));

const entryOf = (row: Row): LaneEntry => [
  typeof row.chat === 'number' ? row.chat : text(row, 'chat'),
  int(row, 'lane'),
  int(row, 'priority'),
  int(row, 'id'),
];
