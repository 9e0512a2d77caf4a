import type { DatabaseSync } from 'node:sqlite';
import type { Tx } from './journal.ts';
import { int, messageOf } from './sqlite-rows.ts';

export function prepareOutbox(db: DatabaseSync) {
  return {
    add: db.prepare(
      `INSERT INTO messages (bot, seq, chat, method, params, status, priority, due_at, expires_at, on_unknown, key_id,
         attempts, telegram_message_id, error, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    one: db.prepare('SELECT * FROM messages WHERE bot = ? AND seq = ?'),
    change: db.prepare(
      `UPDATE messages SET chat = coalesce(?, chat), params = coalesce(?, params), status = coalesce(?, status),
         due_at = coalesce(?, due_at), attempts = coalesce(?, attempts),
         telegram_message_id = coalesce(?, telegram_message_id), error = coalesce(?, error), updated_at = ?
       WHERE bot = ? AND seq = ?`,
    ),
    queueDue: db.prepare(
      `UPDATE messages SET status = 'queued', updated_at = ? WHERE bot = ? AND status = 'scheduled' AND due_at <= ?`,
    ),
    expired: db.prepare(
      `SELECT * FROM messages
       WHERE bot = ? AND status IN ('queued', 'scheduled') AND expires_at IS NOT NULL AND expires_at <= ?`,
    ),
    claimable: db.prepare(
      `SELECT * FROM messages AS m INDEXED BY messages_queued
       WHERE bot = ?1 AND status = 'queued' AND due_at <= ?2 AND chat NOT IN (SELECT value FROM json_each(?3))
         AND NOT EXISTS (SELECT 1 FROM messages AS earlier WHERE earlier.bot = m.bot AND earlier.chat = m.chat
           AND earlier.status = 'queued' AND earlier.seq < m.seq AND earlier.due_at > ?2
           AND earlier.priority <= m.priority)
       ORDER BY priority, seq LIMIT ?4`,
    ),
    orphans: db.prepare("SELECT * FROM messages WHERE bot = ? AND status = 'sending'"),
    depth: db.prepare("SELECT count(*) AS n FROM messages WHERE bot = ? AND status IN ('queued', 'scheduled')"),
    move: db.prepare("UPDATE messages SET chat = ? WHERE bot = ? AND chat = ? AND status IN ('queued', 'scheduled')"),
  };
}
export type OutboxStatements = ReturnType<typeof prepareOutbox>;

type OutboxTx = Pick<
  Tx,
  'addMessage' | 'message' | 'changeMessage' | 'dueMessages' | 'claimable' | 'orphanedMessages' | 'outboxDepth'
>;

/** The outbox's part of a transaction. */
export function outboxTx(bot: string, now: number, sql: OutboxStatements, state: { outbox: boolean }): OutboxTx {
  return {
    addMessage(m) {
      sql.add.run(
        bot,
        m.seq,
        m.chat,
        m.method,
        m.params,
        m.status,
        m.priority,
        m.dueAt,
        m.expiresAt,
        m.onUnknown,
        m.keyId,
        m.attempts,
        m.telegramMessageId,
        m.error,
        m.createdAt,
        m.updatedAt,
      );
      state.outbox = true;
    },
    async message(seq) {
      const row = sql.one.get(bot, seq);
      return row === undefined ? null : messageOf(row);
    },
    changeMessage(seq, c) {
      const { chat = null, params = null, status = null, dueAt = null, attempts = null } = c;
      sql.change.run(
        chat,
        params,
        status,
        dueAt,
        attempts,
        c.telegramMessageId ?? null,
        c.error ?? null,
        now,
        bot,
        seq,
      );
      if (status === 'queued') state.outbox = true;
    },
    async dueMessages() {
      sql.queueDue.run(now, bot, now);
      return { expired: sql.expired.all(bot, now).map(messageOf) };
    },
    async claimable(busy, limit) {
      const chats = new Set<string>();
      return sql.claimable
        .all(bot, now, JSON.stringify(busy), limit)
        .map(messageOf)
        .filter(({ chat }) => !chats.has(chat) && chats.add(chat));
    },
    async orphanedMessages() {
      return sql.orphans.all(bot).map(messageOf);
    },
    async outboxDepth() {
      const row = sql.depth.get(bot);
      return row === undefined ? 0 : int(row, 'n');
    },
  };
}
