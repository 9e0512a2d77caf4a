import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import { int } from './sqlite-rows.ts';

/** Ids in one run at most, so that a run that holds an id is found among few. */
const RUN_MAX = 1000;
/** Runs added before old ones are forgotten, twice as many at once: the table does not grow for ever. */
const FORGET_EVERY = 64;

/**
 * The update_ids received (I2), as runs of successive ones: Telegram numbers updates one after the other, so that a
 * batch is one row.
 */
export function prepareUpdateRuns(db: DatabaseSync, bot: string) {
  const add = db.prepare('INSERT OR IGNORE INTO update_runs (bot, last, first, at) VALUES (?, ?, ?, ?)');
  const find = db.prepare(
    'SELECT first, last FROM update_runs WHERE bot = ? AND last BETWEEN ? AND ? AND first <= ? AND at >= ?',
  );
  const forget = db.prepare(
    `DELETE FROM update_runs WHERE (bot, last, first, at) IN (
       SELECT bot, last, first, at FROM update_runs INDEXED BY update_runs_by_time WHERE at < ? ORDER BY at LIMIT +?)`,
  );
  let added = 0;
  return {
    /** Within a transaction: notes ids received at this time, and now and then forgets what is too old to be asked for. */
    add(ids: readonly number[], at: number): void {
      for (const [first, last] of runsOf(ids, 1)) {
        add.run(bot, last, first, at);
        added += 1;
        if (added % FORGET_EVERY === 0) forget.run(at - limits.dedupeWindowMs, 2 * FORGET_EVERY);
      }
    },
    /** Those of the ids that were received at or after `since`. */
    seen(ids: readonly number[], since: number): Set<number> {
      const seen = new Set<number>();
      for (const [first, last] of runsOf(ids, RUN_MAX)) {
        for (const row of find.all(bot, first, last + RUN_MAX, last, since)) {
          const [from, to] = [int(row, 'first'), int(row, 'last')];
          for (const id of ids) if (id >= from && id <= to) seen.add(id);
        }
      }
      return seen;
    },
  };
}
export type UpdateRuns = ReturnType<typeof prepareUpdateRuns>;

/** The ids as spans from first to last, in which none is further than `gap` from the next. */
function runsOf(ids: readonly number[], gap: number): [number, number][] {
  const runs: [number, number][] = [];
  for (const id of [...ids].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && id - run[1] <= gap && id - run[0] < RUN_MAX) run[1] = id;
    else runs.push([id, id]);
  }
  return runs;
}
