import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import type { Awaited, HeldAwaited, HeldEvent, Tx } from './journal.ts';
import { int, json, type Row, text, textOrNull } from './sqlite-rows.ts';

/** Prepared once, for all transactions. */
export function prepareHeld(db: DatabaseSync) {
  return {
    mark: db.prepare('INSERT OR IGNORE INTO quarantined (bot, conversation) VALUES (?, ?)'),
    unmark: db.prepare('DELETE FROM quarantined WHERE bot = ? AND conversation = ? RETURNING dropped'),
    hold: db.prepare(
      'INSERT OR IGNORE INTO held_events (bot, conversation, seq, event, awaited, details) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    count: db.prepare('SELECT count(*) AS count FROM held_events WHERE bot = ? AND conversation = ?'),
    isHeld: db.prepare('SELECT 1 FROM held_events WHERE bot = ? AND conversation = ? AND seq = ?'),
    noteDropped: db.prepare('UPDATE quarantined SET dropped = dropped + 1 WHERE bot = ? AND conversation = ?'),
    moveDropped: db.prepare(
      `UPDATE quarantined SET dropped = dropped + coalesce(
         (SELECT dropped FROM quarantined AS old WHERE old.bot = ?2 AND old.conversation = ?3), 0)
       WHERE bot = ?2 AND conversation = ?1`,
    ),
    next: db.prepare('SELECT * FROM held_events WHERE bot = ? AND conversation = ? ORDER BY seq LIMIT 1'),
    rename: db.prepare(
      'UPDATE held_events SET event = ?, awaited = ?, details = ? WHERE bot = ? AND conversation = ? AND seq = ?',
    ),
    drop: db.prepare('DELETE FROM held_events WHERE bot = ? AND conversation = ? AND seq = ?'),
    forget: db.prepare(
      'DELETE FROM held_events WHERE bot = ?1 AND conversation = ?2 AND awaited IS NOT NULL AND (?3 IS NULL OR awaited = ?3)',
    ),
    dropAll: db.prepare('DELETE FROM held_events WHERE bot = ? AND conversation = ?'),
    move: db.prepare('UPDATE held_events SET conversation = ? WHERE bot = ? AND conversation = ?'),
  };
}

/** Reads what a conversation has waited for, and is held. */
export function prepareHeldAwaited(db: DatabaseSync, bot: string): Pick<Tx, 'heldAwaited'> {
  const awaited = db.prepare(
    'SELECT * FROM held_events WHERE bot = ? AND conversation = ? AND awaited IS NOT NULL ORDER BY seq',
  );
  return {
    async heldAwaited(conversation) {
      return awaited
        .all(bot, conversation)
        .map(heldOf)
        .filter((held): held is HeldAwaited => held.awaited !== null);
    },
  };
}

export type HeldStatements = ReturnType<typeof prepareHeld>;

/** The transaction's methods for what quarantined conversations have not taken. */
export function heldTx(
  bot: string,
  sql: HeldStatements,
): Pick<Tx, 'holdEvent' | 'nextHeld' | 'renameHeld' | 'dropHeld' | 'forgetAwaited' | 'endQuarantine'> {
  return {
    holdEvent({ conversation, seq, event, awaited }) {
      const isFull = () => int(sql.count.get(bot, conversation) ?? { count: 0 }, 'count') >= limits.heldEventsMax;
      if (awaited === null && isFull() && sql.isHeld.get(bot, conversation, seq) === undefined) {
        sql.noteDropped.run(bot, conversation);
        return;
      }
      sql.hold.run(bot, conversation, seq, event, keyOf(awaited), detailsOf(awaited));
    },
    async nextHeld(conversation) {
      const row = sql.next.get(bot, conversation);
      return row === undefined ? null : heldOf(row);
    },
    renameHeld({ conversation, seq, event, awaited }) {
      sql.rename.run(event, keyOf(awaited), detailsOf(awaited), bot, conversation, seq);
    },
    dropHeld(conversation, seq) {
      sql.drop.run(bot, conversation, seq);
    },
    forgetAwaited(conversation, awaited) {
      sql.forget.run(bot, conversation, keyOf(awaited));
    },
    async endQuarantine(conversation) {
      const mark = sql.unmark.get(bot, conversation);
      sql.dropAll.run(bot, conversation);
      return mark === undefined ? 0 : int(mark, 'dropped');
    },
  };
}

/** How the row names it: `timer <id>`, `request <invoke>`. */
const keyOf = (awaited: Pick<Awaited, 'kind' | 'name'> | null): string | null =>
  awaited === null ? null : `${awaited.kind} ${awaited.name}`;

function detailsOf(awaited: Awaited | null): string | null {
  if (awaited === null) return null;
  const { kind, name, ...details } = awaited;
  return JSON.stringify(details);
}

function heldOf(row: Row): HeldEvent {
  const key = textOrNull(row, 'awaited');
  const held = { conversation: text(row, 'conversation'), seq: int(row, 'seq'), event: text(row, 'event') };
  if (key === null) return { ...held, awaited: null };
  const kind = key.startsWith('timer ') ? 'timer' : 'request';
  return { ...held, awaited: { kind, name: key.slice(`${kind} `.length), ...Object(json(row, 'details')) } };
}
