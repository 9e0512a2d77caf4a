import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import type { MessageRecord, Tx } from './journal.ts';
import type { Lanes } from './sqlite-lanes.ts';
import { int, messageOf } from './sqlite-rows.ts';

/** The outbox's statements, prepared once. */
export function prepareOutbox(db: DatabaseSync) {
  const count = (status: 'queued' | 'scheduled', index: string) =>
    db.prepare(`SELECT count(*) AS n FROM messages INDEXED BY ${index} WHERE bot = ? AND status = '${status}'`);
  return {
    add: db.prepare(
      `INSERT INTO messages (bot, seq, chat, method, params, status, priority, due_at, expires_at, on_unknown, key_id,
         attempts, telegram_message_id, error, files, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    one: db.prepare('SELECT * FROM messages WHERE bot = ? AND seq = ?'),
    change: db.prepare(
      `UPDATE messages SET chat = ?, params = ?, status = ?, due_at = ?, attempts = ?, telegram_message_id = ?,
         error = ?, files = ?, updated_at = ? WHERE bot = ? AND seq = ?`,
    ),
    queueDue: db.prepare(
      `UPDATE messages SET status = 'queued', updated_at = ?2 WHERE bot = ?1 AND seq IN (
         SELECT seq FROM messages INDEXED BY messages_scheduled
         WHERE bot = ?1 AND status = 'scheduled' AND due_at <= ?2 ORDER BY due_at LIMIT ?3)
       RETURNING chat, priority`,
    ),
    expired: db.prepare(
      `SELECT * FROM messages INDEXED BY messages_expiring
       WHERE bot = ? AND status IN ('queued', 'scheduled') AND expires_at IS NOT NULL AND expires_at <= ?
       ORDER BY expires_at, seq LIMIT ?`,
    ),
    orphans: db.prepare(
      "SELECT * FROM messages INDEXED BY messages_sending WHERE bot = ? AND status = 'sending' ORDER BY seq",
    ),
    countQueued: count('queued', 'messages_queued'),
    countScheduled: count('scheduled', 'messages_scheduled'),
    move: db.prepare(
      `UPDATE messages INDEXED BY messages_queued SET chat = ?1
       WHERE bot = ?2 AND chat = ?3 AND status = 'queued' AND priority = ?4`,
    ),
    moveScheduled: db.prepare(
      "UPDATE messages INDEXED BY messages_scheduled SET chat = ?1 WHERE bot = ?2 AND status = 'scheduled' AND chat = ?3",
    ),
  };
}
export type OutboxStatements = ReturnType<typeof prepareOutbox>;

/** Counts what waits, once: from then on the transactions carry the number along. */
export function countWaiting(bot: string, { countQueued, countScheduled }: OutboxStatements): number {
  const [queued, scheduled] = [countQueued.get(bot), countScheduled.get(bot)];
  return (queued === undefined ? 0 : int(queued, 'n')) + (scheduled === undefined ? 0 : int(scheduled, 'n'));
}

/** What the outbox keeps of a transaction's state. */
export interface OutboxState {
  /** The outbox has work. */
  outbox: boolean;
  /** Messages queued and scheduled. */
  waiting: number;
}

type OutboxTx = Pick<
  Tx,
  'addMessage' | 'message' | 'changeMessage' | 'dueMessages' | 'claimable' | 'orphanedMessages' | 'outboxDepth'
>;

const waits = ({ status }: Pick<MessageRecord, 'status'>): number =>
  status === 'queued' || status === 'scheduled' ? 1 : 0;

/** The outbox's part of a transaction. */
export function outboxTx(bot: string, now: number, sql: OutboxStatements, lanes: Lanes, state: OutboxState): OutboxTx {
  function message(seq: number): MessageRecord | null {
    const row = sql.one.get(bot, seq);
    return row === undefined ? null : messageOf(row);
  }

  return {
    addMessage(m) {
      const { seq, chat, priority, status } = m;
      const dueAt = Math.ceil(m.dueAt);
      const fate = [m.attempts, m.telegramMessageId, m.error, m.files, m.createdAt, m.updatedAt] as const;
      const when = [dueAt, m.expiresAt === null ? null : Math.ceil(m.expiresAt)] as const;
      sql.add.run(bot, seq, chat, m.method, m.params, status, priority, ...when, m.onUnknown, m.keyId, ...fate);
      if (status === 'queued') lanes.join(chat, priority, seq, dueAt);
      state.waiting += waits(m);
      state.outbox = true;
    },
    async message(seq) {
      return message(seq);
    },
    changeMessage(seq, change) {
      const before = message(seq);
      if (before === null) throw new TypeError(`There is no message ${seq} to change`);
      const m = { ...before, ...change };
      const fate = [m.attempts, m.telegramMessageId, m.error, m.files] as const;
      sql.change.run(m.chat, m.params, m.status, Math.ceil(m.dueAt), ...fate, now, bot, seq);
      state.waiting += waits(m) - waits(before);
      const led = before.status === 'queued' && lanes.settle(before.chat, before.priority);
      if (m.status === 'queued') lanes.settle(m.chat, m.priority);
      // Queued; or taken out of the queue with one behind it, other than to be sent: that one came free.
      if (m.status === 'queued' || m.status === 'scheduled' || (led && m.status !== 'sending')) state.outbox = true;
    },
    async dueMessages() {
      const queued = sql.queueDue.all(bot, now, limits.outboxDuePerUnitMax);
      const expired = sql.expired.all(bot, now, limits.outboxDuePerUnitMax);
      lanes.settleAll(queued);
      // At the bound there may be more: the outbox comes again.
      if (queued.length > 0 || expired.length === limits.outboxDuePerUnitMax) state.outbox = true;
      return { expired: expired.map(messageOf) };
    },
    async claimable(busy, limit) {
      return lanes.claimable(now, busy, Math.max(0, limit));
    },
    async orphanedMessages() {
      return sql.orphans.all(bot).map(messageOf);
    },
    async outboxDepth() {
      return state.waiting;
    },
  };
}

/** Sends what waits for one chat to another instead. */
export function moveMessages(bot: string, from: string, to: string, sql: OutboxStatements, lanes: Lanes): void {
  for (const priority of lanes.prioritiesOf(from)) {
    sql.move.run(to, bot, from, priority);
    lanes.settle(from, priority);
    lanes.settle(to, priority);
  }
  sql.moveScheduled.run(to, bot, from);
}
