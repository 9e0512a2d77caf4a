import type { DatabaseSync } from 'node:sqlite';
import type { Hold, Tx } from './journal.ts';
import { chatCell, int, type SeqRange } from './sqlite-rows.ts';

/** The statements about what Telegram asked to wait with, prepared once. */
export function prepareHolds(db: DatabaseSync) {
  return {
    over: db.prepare('DELETE FROM holds INDEXED BY holds_over WHERE slot = ? AND until <= ?'),
    add: db.prepare(
      `INSERT INTO holds (slot, chat, until) VALUES (?, ?, ?)
       ON CONFLICT (slot, chat) DO UPDATE SET until = max(until, excluded.until)`,
    ),
    // The bot's own comes first: it has no number.
    all: db.prepare(
      `SELECT chat, until FROM holds INDEXED BY holds_over WHERE slot = ? AND until > ?
       ORDER BY chat = '' DESC, until DESC LIMIT ?`,
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
    hold({ chat, until }) {
      over.run(slot, now);
      add.run(slot, chat === null ? '' : chatCell(chat), Math.ceil(until));
    },
    async holds(limit) {
      return all.all(slot, now, limit).map((row): Hold => {
        return { chat: row.chat === '' ? null : String(row.chat), until: int(row, 'until') };
      });
    },
  };
}
