import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import type { MessageRecord, Tx } from './journal.ts';
import { countWaitingOf, openWaitingCounts, type WaitingState } from './sqlite-counts.ts';
import { holdsTx, prepareHolds } from './sqlite-holds.ts';
import { prepareLanes } from './sqlite-lanes.ts';
import { chatCell, int, messageOf, type SeqRange, text } from './sqlite-rows.ts';
import { type LaneEntry, type LaneState, prepareLaneEntries } from './sqlite-tombstones.ts';
import { prepareUnknown } from './sqlite-unknown.ts';
import { prepareWaiting } from './sqlite-waiting.ts';

/** The outbox's statements, prepared once. */
export function prepareOutbox(db: DatabaseSync, range: SeqRange) {
  const someClosed = db.prepare('SELECT 1 FROM closed_chats WHERE slot = ? LIMIT 1');
  return {
    range,
    lanes: prepareLanes(db, range),
    entries: prepareLaneEntries(db, range),
    holds: prepareHolds(db),
    unknown: prepareUnknown(db, range),
    waitingOf: prepareWaiting(db, range),
    waitingCounts: openWaitingCounts(db, range),
    add: db.prepare(
      `INSERT INTO messages (id, slot, chat, lane, method, uncounted, params, status, priority, ready_at, due_at, expires_at,
         on_unknown, key_id, attempts, telegram_message_id, error, created_at, updated_at, files)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    one: db.prepare('SELECT * FROM messages WHERE id = ?'),
    change: db.prepare(
      `UPDATE messages SET chat = ?, params = ?, status = ?, ready_at = NULL, due_at = ?, attempts = ?,
         telegram_message_id = ?, error = ?, files = ?, updated_at = ? WHERE id = ?`,
    ),
    // As `change`, of what its chat and its call do not change with: their indexes are let alone.
    settle: db.prepare(
      `UPDATE messages SET status = ?, due_at = ?, telegram_message_id = ?, error = ?, updated_at = ?
       WHERE id = ?`,
    ),
    queueDue: db.prepare(
      `SELECT * FROM messages INDEXED BY messages_scheduled
       WHERE slot = ? AND status = 'scheduled' AND due_at <= ? ORDER BY due_at LIMIT +?`,
    ),
    expired: db.prepare(
      `SELECT * FROM messages INDEXED BY messages_expiring
       WHERE slot = ? AND status IN ('queued', 'scheduled') AND expires_at IS NOT NULL AND expires_at <= ?
       ORDER BY expires_at, id LIMIT +?`,
    ),
    someSending: db.prepare(
      "SELECT 1 FROM messages INDEXED BY messages_sending WHERE slot = ? AND status = 'sending' LIMIT 1",
    ),
    orphans: db.prepare(
      "SELECT * FROM messages INDEXED BY messages_sending WHERE slot = ? AND status = 'sending' ORDER BY id",
    ),
    queuedBefore: db.prepare(
      `SELECT messages.* FROM lanes CROSS JOIN messages ON messages.id = lanes.id
       WHERE lanes.slot = ? AND lanes.id < ? AND status = 'queued' LIMIT +?`,
    ),
    scheduledBefore: db.prepare(
      `SELECT * FROM messages INDEXED BY messages_scheduled WHERE slot = ? AND status = 'scheduled' AND id < ? LIMIT +?`,
    ),
    countEntries: db.prepare('SELECT count(*) AS n FROM lanes WHERE slot = ?'),
    countSending: db.prepare(
      "SELECT count(*) AS n FROM messages INDEXED BY messages_sending WHERE slot = ? AND status = 'sending'",
    ),
    countScheduled: db.prepare(
      "SELECT count(*) AS n FROM messages INDEXED BY messages_scheduled WHERE slot = ? AND status = 'scheduled'",
    ),
    // A message that need not keep its order leads its own lane wherever it goes.
    move: db.prepare(
      `UPDATE messages SET chat = ?1, ready_at = CASE lane WHEN 0 THEN NULL ELSE ready_at END
       WHERE id IN (SELECT id FROM lanes WHERE slot = ?2 AND chat = ?3) AND status IN ('queued', 'sending')`,
    ),
    moveScheduled: db.prepare(
      "UPDATE messages INDEXED BY messages_scheduled SET chat = ?1 WHERE slot = ?2 AND status = 'scheduled' AND chat = ?3",
    ),
    close: db.prepare(
      `INSERT OR REPLACE INTO closed_chats (slot, chat, error, at)
       SELECT ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM messages WHERE id = ? AND opened = attempts)`,
    ),
    open: db.prepare(
      `UPDATE messages INDEXED BY messages_sending SET opened = attempts
       WHERE slot = ? AND status = 'sending' AND chat IN (SELECT value FROM json_each(?))`,
    ),
    reopen: db.prepare(
      'DELETE FROM closed_chats WHERE slot = ? AND chat IN (SELECT value FROM json_each(?)) RETURNING chat',
    ),
    addAddress: db.prepare(
      'INSERT OR IGNORE INTO sent_addresses (slot, telegram_message_id, chat, id) VALUES (?, ?, ?, ?)',
    ),
    sentAs: db.prepare(
      `SELECT * FROM messages WHERE id IN (
         SELECT id FROM messages INDEXED BY messages_sent WHERE slot = ?1 AND telegram_message_id = ?2 AND chat = ?3
         UNION ALL SELECT id FROM sent_addresses WHERE slot = ?1 AND telegram_message_id = ?2 AND chat = ?3
       ) ORDER BY id LIMIT +?4`,
    ),
    closedOf: db.prepare(
      'SELECT chat, error FROM closed_chats WHERE slot = ? AND chat IN (SELECT value FROM json_each(?))',
    ),
    /** False: no chat is closed, and nobody need look. */
    mayBeClosed: someClosed.get(range.slot) !== undefined,
    /** True once a message may have another chat than whoever holds it knows. */
    moved: false,
  };
}
export type OutboxStatements = ReturnType<typeof prepareOutbox>;

/** Counts what waits, once: from then on the transactions carry the number along. */
export function countWaiting({ range: { slot }, entries, ...sql }: OutboxStatements): number {
  const [inLanes, sending, scheduled] = [sql.countEntries, sql.countSending, sql.countScheduled].map((count) =>
    int(count.get(slot) ?? { n: 0 }, 'n'),
  );
  return (inLanes ?? 0) - entries.buried() - (sending ?? 0) + (scheduled ?? 0);
}

/** What the outbox keeps of a transaction's state. */
export interface OutboxState extends LaneState, WaitingState {
  /** The outbox has work. */
  outbox: boolean;
  /** Messages queued and scheduled. */
  waiting: number;
}

type OutboxTx = Pick<
  Tx,
  | 'addMessage'
  | 'message'
  | 'changeMessage'
  | 'dueMessages'
  | 'claimable'
  | 'claim'
  | 'rest'
  | 'restAnew'
  | 'nextMessageAt'
  | 'hold'
  | 'holds'
  | 'orphanedMessages'
  | 'unknownMessages'
  | 'unknownCount'
  | 'outboxDepth'
  | 'waitingCount'
  | 'addSentAddress'
  | 'sentMessages'
  | 'waitingBefore'
  | 'waitingOf'
  | 'closeChat'
  | 'reopenChats'
  | 'closedChats'
  | 'moveMessages'
>;

const waits = ({ status }: Pick<MessageRecord, 'status'>): boolean => status === 'queued' || status === 'scheduled';
const isOpen = ({ status }: Pick<MessageRecord, 'status'>): boolean => status === 'queued' || status === 'sending';
const hasEnded = (m: Pick<MessageRecord, 'status'>): boolean => !waits(m) && !isOpen(m) && m.status !== 'unknown';
const laneOf = ({ order, seq }: MessageRecord): number => (order === 'chat' ? 0 : seq);

/** The outbox's part of a transaction. `onEnded`: a message will never be sent again. */
export function outboxTx(
  { now, steadyNow }: Pick<Tx, 'now' | 'steadyNow'>,
  sql: OutboxStatements,
  state: OutboxState,
  onEnded: (seq: number) => void,
): OutboxTx {
  const { range, lanes, entries } = sql;
  const { slot } = range;
  const time = { now, steadyNow };

  function message(seq: number): MessageRecord | null {
    const row = sql.one.get(range.id(seq));
    return row === undefined ? null : messageOf(range, row);
  }

  const entryOf = (m: MessageRecord): LaneEntry => [chatOf(m), laneOf(m), m.priority, range.id(m.seq)];

  /** So many messages of a key wait more, or less. */
  function count(keyId: string | null, by: number): void {
    if (by === 0) return;
    state.waiting += by;
    if (keyId !== null) countWaitingOf(state, keyId, by);
  }

  /** Writes a message that was, and is, of one chat and lane; `m` is how it is now. */
  function change(before: MessageRecord, m: MessageRecord): void {
    const id = range.id(m.seq);
    const dueAt = Math.ceil(m.dueAt);
    if (before.status === 'sending' && m.status !== 'sending' && m.chat === before.chat && m.params === before.params) {
      sql.settle.run(m.status, dueAt, m.telegramMessageId, m.error, now, id);
      if (m.files !== before.files || m.attempts !== before.attempts) rewrite(m, dueAt);
    } else rewrite(m, dueAt);
    count(m.keyId, Number(waits(m)) - Number(waits(before)));
    if (hasEnded(m) && !hasEnded(before)) onEnded(m.seq);
    // Two chats that became one may have a message under way each.
    const ended = before.status === 'sending' && m.status !== 'sending' && !sql.moved;
    const moves = m.chat !== before.chat;
    const entry = entryOf(before);
    const [chat, lane] = entry;
    if (isOpen(before) && !isOpen(m)) entries.leave(state, entry);
    else if (isOpen(m) && !isOpen(before)) entries.join(state, entryOf(m));
    else if (isOpen(m) && moves) entries.change(entry, entryOf(m));
    const led =
      isOpen(before) &&
      (ended ? lanes.leadAfterSent(chat, lane, time, isOpen(m) ? null : id) : lanes.lead(chat, lane, time));
    if (isOpen(m) && (!isOpen(before) || moves)) lanes.lead(chatOf(m), laneOf(m), time);
    // Queued; or taken out of the queue with one behind it, which came free. Who sends knows of its own.
    if (before.status !== 'sending' && (waits(m) || (led && m.status !== 'sending'))) state.outbox = true;
  }

  function rewrite(m: MessageRecord, dueAt: number): void {
    const fate = [m.attempts, m.telegramMessageId, m.error, m.files] as const;
    sql.change.run(chatOf(m), m.params, m.status, dueAt, ...fate, now, range.id(m.seq));
  }

  return {
    ...holdsTx(now, sql.holds, range),
    addMessage(m) {
      const [chat, lane, dueAt] = [chatOf(m), laneOf(m), Math.ceil(m.dueAt)];
      const readyAt = m.status === 'queued' ? lanes.join(chat, lane, m.priority, dueAt, time) : null;
      const what = [range.id(m.seq), slot, chat, lane, m.method, m.counted ? null : 1, m.params] as const;
      const when = [readyAt, dueAt, m.expiresAt === null ? null : Math.ceil(m.expiresAt)] as const;
      const fate = [m.attempts, m.telegramMessageId, m.error, m.createdAt, m.updatedAt, m.files] as const;
      sql.add.run(...what, m.status, m.priority, ...when, m.onUnknown, m.keyId, ...fate);
      if (isOpen(m)) entries.joinNew(entryOf(m));
      count(m.keyId, Number(waits(m)));
      state.outbox = true;
    },
    async message(seq) {
      return message(seq);
    },
    changeMessage(seq, changes, known) {
      const before = known === undefined || sql.moved ? message(seq) : known;
      if (before === null) throw new TypeError(`There is no message ${seq} to change`);
      change(before, { ...before, ...changes });
    },
    async dueMessages() {
      const at = lanes.nextAt(time);
      if (at === null || at > steadyNow) return { expired: [] };
      const due = sql.queueDue.all(slot, now, limits.outboxDuePerUnitMax).map((row) => messageOf(range, row));
      // What has come due stays due, whatever the clock is set to.
      for (const m of due) change(m, { ...m, status: 'queued', dueAt: 0 });
      const expired = sql.expired.all(slot, now, limits.outboxDuePerUnitMax).map((row) => messageOf(range, row));
      lanes.wake(steadyNow);
      // At the bound there may be more: the outbox comes again.
      if (expired.length === limits.outboxDuePerUnitMax) state.outbox = true;
      return { expired };
    },
    async claimable(limit, which = {}) {
      return lanes.claimable(now, Math.max(0, limit), which);
    },
    claim(messages) {
      if (messages.length === 0) return;
      lanes.claim(
        messages.map(({ seq }) => seq),
        now,
      );
      for (const { keyId } of messages) count(keyId, -1);
    },
    rest({ seq }, until) {
      lanes.rest(seq, Math.max(until, steadyNow + 1));
    },
    restAnew() {
      lanes.restAnew(time);
    },
    async nextMessageAt() {
      return lanes.nextAt(time);
    },
    async orphanedMessages() {
      return sql.orphans.all(slot).map((row) => messageOf(range, row));
    },
    async unknownMessages(query, limit) {
      return sql.unknown.page(query, limit);
    },
    async unknownCount(query, max) {
      return sql.unknown.count(query, max);
    },
    async waitingBefore(seq, limit) {
      const queued = sql.queuedBefore.all(slot, range.id(seq), limit);
      const scheduled = sql.scheduledBefore.all(slot, range.id(seq), limit - queued.length);
      return [...queued, ...scheduled].map((row) => messageOf(range, row));
    },
    async waitingOf(keyId, place, looks) {
      return sql.waitingOf(keyId, place, looks);
    },
    async outboxDepth() {
      return state.waiting;
    },
    async waitingCount(keyId) {
      return sql.waitingCounts.of(state, keyId);
    },
    addSentAddress(seq, chat, telegramMessageId) {
      sql.addAddress.run(slot, telegramMessageId, chatCell(chat), range.id(seq));
    },
    async sentMessages(chat, telegramMessageId, limit) {
      return sql.sentAs.all(slot, telegramMessageId, chatCell(chat), limit).map((row) => messageOf(range, row));
    },
    closeChat(chat, error, by) {
      sql.mayBeClosed = true;
      sql.close.run(slot, chatCell(chat), error, now, range.id(by));
    },
    async reopenChats(chats) {
      if (chats.length === 0) return;
      // Asked with every batch of updates: one look at the index where nothing is under way that could be refused.
      const isSending = sql.someSending.get(slot) !== undefined;
      if (!isSending && !sql.mayBeClosed) return;
      const cells = JSON.stringify(chats.map(chatCell));
      if (isSending) sql.open.run(slot, cells);
      if (sql.mayBeClosed) sql.reopen.all(slot, cells);
    },
    async closedChats(chats) {
      if (!sql.mayBeClosed || chats.length === 0) return new Map();
      const rows = sql.closedOf.all(slot, JSON.stringify(chats.map(chatCell)));
      return new Map(rows.map((row) => [String(row.chat), text(row, 'error')]));
    },
    moveMessages(from, to) {
      sql.moved = true;
      const [old, next] = [chatCell(from) ?? from, chatCell(to) ?? to];
      lanes.unlead(next, 0);
      sql.move.run(next, slot, old);
      entries.move(state, old, next);
      lanes.lead(next, 0, time);
      sql.moveScheduled.run(next, slot, old);
      state.outbox = true;
    },
  };
}

const chatOf = ({ chat }: Pick<MessageRecord, 'chat'>): number | string => chatCell(chat) ?? chat;
