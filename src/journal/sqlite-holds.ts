import type { DatabaseSync } from 'node:sqlite';
import type { Hold, Tx } from './journal.ts';
import { chatCell, int, type SeqRange } from './sqlite-rows.ts';

/** The statements about what Telegram asked to wait with, prepared once. */
export function prepareHolds(db: DatabaseSync) {
  return {
    over: db.prepare('DELETE FROM holds INDEXED BY holds_over WHERE slot = ? AND until <= ?'),
    // One that was noted before the clock was set back gives way: it seems to lie ahead.
    add: db.prepare(
      `INSERT INTO holds (slot, chat, until, asked_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (slot, chat) DO UPDATE SET until = excluded.until, asked_at = excluded.asked_at
       WHERE excluded.until > until OR asked_at > excluded.asked_at`,
    ),
    // The bot's own comes first: it has no number.
    all: db.prepare(
      `SELECT chat, min(until - ?1, until - coalesce(asked_at, ?1)) AS wait_ms FROM holds INDEXED BY holds_over
       WHERE slot = ?2 AND until > ?1 ORDER BY chat = '' DESC, until DESC LIMIT +?3`,
    ),
  };
}

/** That part of a transaction. */
export function holdsTx(
  now: number,
  { over, add, all }: ReturnType<typeof prepareHolds>,
  { slot }: SeqRange,
): Pick<Tx, 'hold' | 'holds'> {
  return {
    hold({ chat, waitMs }) {
      over.run(slot, now);
      add.run(slot, chat === null ? '' : chatCell(chat), Math.ceil(now + waitMs), now);
    },
    async holds(limit) {
      return all.all(now, slot, limit).map((row): Hold => {
        return { chat: row.chat === '' ? null : String(row.chat), waitMs: int(row, 'wait_ms') };
      });
    },
  };
}
