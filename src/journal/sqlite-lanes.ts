import type { DatabaseSync } from 'node:sqlite';
import type { MessageRecord } from './journal.ts';
import { int, messageOf, text } from './sqlite-rows.ts';

/**
 * A lane: the queued messages of one chat and one priority, in order of acceptance. Its row in `lanes` is the first
 * of them, kept true by whoever queues a message or takes one out of the queue; so a claim costs the same whether
 * one message waits or 100,000 do.
 */
export function prepareLanes(db: DatabaseSync, bot: string) {
  const join = db.prepare(
    `INSERT INTO lanes (bot, chat, priority, seq, due_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (bot, chat, priority) DO UPDATE SET seq = excluded.seq, due_at = excluded.due_at
       WHERE excluded.seq < lanes.seq`,
  );
  const first = db.prepare(
    `SELECT seq, due_at FROM messages INDEXED BY messages_queued
     WHERE bot = ? AND chat = ? AND priority = ? AND status = 'queued' ORDER BY seq LIMIT 1`,
  );
  const lead = db.prepare('INSERT OR REPLACE INTO lanes (bot, chat, priority, seq, due_at) VALUES (?, ?, ?, ?, ?)');
  const drop = db.prepare('DELETE FROM lanes WHERE bot = ? AND chat = ? AND priority = ?');
  const ofChat = db.prepare('SELECT priority FROM lanes WHERE bot = ? AND chat = ?');
  // A lane stands back while an earlier message of its chat, of a higher priority, waits for another try; and behind
  // a lane of its chat with a higher priority that need not stand back itself.
  const held = (lane: string) =>
    `EXISTS (SELECT 1 FROM lanes AS w WHERE w.bot = ${lane}.bot AND w.chat = ${lane}.chat
       AND w.priority < ${lane}.priority AND w.seq < ${lane}.seq AND w.due_at > ?2)`;
  const claimable = db.prepare(
    `SELECT m.* FROM lanes AS l INDEXED BY lanes_by_priority CROSS JOIN messages AS m ON m.bot = l.bot AND m.seq = l.seq
     WHERE l.bot = ?1 AND l.due_at <= ?2 AND l.chat NOT IN (SELECT value FROM json_each(?3))
       AND (m.expires_at IS NULL OR m.expires_at > ?2) AND NOT ${held('l')}
       AND NOT EXISTS (SELECT 1 FROM lanes AS h WHERE h.bot = l.bot AND h.chat = l.chat
         AND h.priority < l.priority AND h.due_at <= ?2 AND NOT ${held('h')})
     ORDER BY l.priority, l.seq LIMIT ?4`,
  );
  return {
    /** A message was queued. */
    join(chat: string, priority: number, seq: number, dueAt: number): void {
      join.run(bot, chat, priority, seq, dueAt);
    },
    /** A message of the lane changed or left. True where one leads it now. */
    settle(chat: string, priority: number): boolean {
      const row = first.get(bot, chat, priority);
      if (row === undefined) drop.run(bot, chat, priority);
      else lead.run(bot, chat, priority, int(row, 'seq'), int(row, 'due_at'));
      return row !== undefined;
    },
    /** The priorities that the chat has messages of. */
    prioritiesOf: (chat: string): number[] => ofChat.all(bot, chat).map((row) => int(row, 'priority')),
    claimable(now: number, busy: readonly string[], limit: number): MessageRecord[] {
      return claimable.all(bot, now, JSON.stringify(busy), limit).map(messageOf);
    },
    /** Settles the lanes of rows with a chat and a priority, each once. */
    settleAll(rows: readonly Parameters<typeof text>[0][]): void {
      const lanes = new Map(rows.map((row) => [`${int(row, 'priority')} ${text(row, 'chat')}`, row]));
      for (const row of lanes.values()) this.settle(text(row, 'chat'), int(row, 'priority'));
    },
  };
}
export type Lanes = ReturnType<typeof prepareLanes>;
