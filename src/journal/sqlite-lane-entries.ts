import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import { type SeqRange, text } from './sqlite-rows.ts';

/** Where a message stands among those of its chat: a row of `lanes` (0016-lanes.sql). `id`: of the message's row. */
export type LaneEntry = readonly [chat: number | string, lane: number, priority: number, id: number];

/** What has left its lane in this transaction, and is still to be named by a tombstone. */
export interface LaneState {
  left: LaneEntry[];
}

/**
 * Writes `lanes`. The entry of a message that ends stays for a while, under a tombstone: whoever looks into the lane passes
 * it over, since its message has ended. Of a lane one such at most is left by this process: else a chat that is written to
 * all the time would be full of them.
 */
export function prepareLaneEntries(db: DatabaseSync, { slot }: SeqRange) {
  const add = db.prepare('INSERT INTO lanes (slot, chat, lane, priority, id) VALUES (?, ?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM lanes WHERE slot = ? AND chat = ? AND lane = ? AND priority = ? AND id = ?');
  const move = db.prepare('UPDATE lanes SET chat = ? WHERE slot = ? AND chat = ?');
  const bury = db.prepare('INSERT INTO lane_tombstones (slot, entries) VALUES (?, ?)');
  const tombstones = db.prepare('SELECT entries FROM lane_tombstones WHERE slot = ?');
  const forget = db.prepare('DELETE FROM lane_tombstones WHERE slot = ?');

  const buried = (): LaneEntry[] => tombstones.all(slot).flatMap((row) => JSON.parse(text(row, 'entries')));
  /** About how many there are: a transaction that fails leaves it as it was within. */
  let count = buried().length;
  /** Chats whose lane may have one. */
  const chats = new Set<number | string>();

  /** Takes the entries of all that has ended out. Before a message comes back: its tombstone would take it out again. */
  function clear(state: LaneState): void {
    const entries = [...buried(), ...state.left].sort(inOrder);
    for (const [chat, lane, priority, id] of entries) remove.run(slot, chat, lane, priority, id);
    if (entries.length > state.left.length) forget.run(slot);
    // Another list, not the same one emptied: the transaction may yet go back to before.
    state.left = [];
    count = 0;
    chats.clear();
  }

  return {
    /** Entries whose messages have ended. */
    buriedCount: (): number => buried().length,
    /** A message that was never in a lane joins one. */
    joinNew([chat, lane, priority, id]: LaneEntry): void {
      add.run(slot, chat, lane, priority, id);
    },
    /** A message joins a lane, in which it may have been before. */
    join(state: LaneState, [chat, lane, priority, id]: LaneEntry): void {
      clear(state);
      add.run(slot, chat, lane, priority, id);
    },
    /** A message has ended. */
    leave(state: LaneState, entry: LaneEntry): void {
      const [chat, lane, priority, id] = entry;
      // A lane other than 0 has one message, and nobody looks into it again.
      if (lane === 0 && chats.has(chat)) remove.run(slot, chat, lane, priority, id);
      else state.left.push(entry);
      if (lane === 0) chats.add(chat);
    },
    /** All of a chat's entries become another chat's. */
    move(state: LaneState, from: number | string, to: number | string): void {
      clear(state);
      move.run(to, slot, from);
    },
    /** Before the transaction commits. */
    commit(state: LaneState): void {
      if (state.left.length === 0) return;
      count += state.left.length;
      if (count >= limits.laneTombstonesMax) clear(state);
      else bury.run(slot, JSON.stringify(state.left));
    },
  };
}

/** As the rows lie: numbers before text. */
const inOrder = ([a, , , id]: LaneEntry, [b, , , otherId]: LaneEntry): number => {
  if (a === b) return id - otherId;
  if (typeof a === typeof b) return a < b ? -1 : 1;
  return typeof a === 'number' ? -1 : 1;
};
