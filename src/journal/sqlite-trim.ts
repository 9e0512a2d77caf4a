import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import { blockOfId } from './sqlite-index.ts';
import { int, type SeqRange } from './sqlite-rows.ts';

/** Takes the oldest units away, with what the indexes say of them. */
export function prepareTrim(db: DatabaseSync, range: SeqRange) {
  const unitOf = db.prepare('SELECT id FROM units WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1');
  const drop = db.prepare(
    'DELETE FROM units WHERE id IN (SELECT id FROM units WHERE id >= ? AND id < ? ORDER BY id LIMIT +?)',
  );
  const firstUnit = db.prepare('SELECT id FROM units WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1');
  const dropBlocks = db.prepare('DELETE FROM entry_index WHERE block >= ? AND block < ?');
  const begin = range.id(1);

  return {
    /** Within a transaction: as the port's `trim`. Null where nothing is there to go. */
    trim(before: number): number | null {
      const kept = unitOf.get(begin, range.id(before));
      if (kept === undefined || drop.run(begin, int(kept, 'id'), limits.trimUnitsMax).changes === 0) return null;
      const first = range.seq(int(firstUnit.get(begin, range.last) ?? kept, 'id'));
      dropBlocks.run(blockOfId(begin), blockOfId(range.id(first)));
      return first;
    },
  };
}
export type Trim = ReturnType<typeof prepareTrim>;

/** Finds when entries were written, as the port's `seqAt`: units lie in the order of time, so that a search halves. */
export function prepareSeqAt(db: DatabaseSync, range: SeqRange) {
  const holding = db.prepare('SELECT id, at FROM units WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1');
  const next = db.prepare('SELECT id, at FROM units WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1');
  return (at: number, first: number, head: number): number => {
    // Units that begin before `low` are too old; one that begins at or after `high` is not.
    let [low, high] = [first, head + 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const unit = holding.get(range.id(low), range.id(middle)) ?? next.get(range.id(middle), range.id(high - 1));
      if (unit === undefined) return high;
      const seq = range.seq(int(unit, 'id'));
      if (int(unit, 'at') < at) low = Math.max(seq, middle) + 1;
      else high = seq;
    }
    return high;
  };
}
