import type { DatabaseSync } from 'node:sqlite';
import type { Entry, Tx } from './journal.ts';
import { prepareCursorReads, prepareSaveCursor } from './sqlite-cursors.ts';
import type { Lanes } from './sqlite-lanes.ts';
import { moveMessages, type OutboxState, type OutboxStatements, outboxTx } from './sqlite-outbox.ts';
import { chatCell, conversationOf, int, type Row, requestOf, type SeqRange, text, timerOf } from './sqlite-rows.ts';

/** What a transaction has gathered beside its rows; put back where a job is undone. */
export interface TxState extends OutboxState {
  nextSeq: number;
  entries: Entry[];
  pollOffset: number | null;
  requests: boolean;
  withdrawn: string[];
  openRequests: number;
  timerAt: number | null;
}

/** Prepared once: a statement costs more to prepare than to run. */
export function prepareStatements(db: DatabaseSync, bot: string) {
  return {
    append: db.prepare('INSERT INTO entries (id, type, chat, at, update_id, body) VALUES (?, ?, ?, ?, ?, ?)'),
    own: db.prepare('INSERT INTO owned_entries (bot, owner, seq) VALUES (?, ?, ?)'),
    seen: db.prepare(
      `SELECT update_id FROM entries INDEXED BY entries_of_update
       WHERE update_id IS NOT NULL AND update_id IN (SELECT value FROM json_each(?)) AND id BETWEEN ? AND ? AND at >= ?`,
    ),
    conversations: db.prepare('SELECT * FROM conversations WHERE bot = ? AND id IN (SELECT value FROM json_each(?))'),
    saveConversation: db.prepare(
      `INSERT INTO conversations (bot, id, chat, machine, version, status, state, snapshot, error, last_seq, updated_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (bot, id) DO UPDATE SET machine = excluded.machine, version = excluded.version,
         status = excluded.status, state = excluded.state, snapshot = excluded.snapshot, error = excluded.error,
         last_seq = excluded.last_seq, updated_at = excluded.updated_at`,
    ),
    ofChat: db.prepare('SELECT * FROM conversations INDEXED BY conversations_of_chat WHERE bot = ? AND chat = ?'),
    noteMove: db.prepare('INSERT OR REPLACE INTO moved_chats (bot, chat, moved_to) VALUES (?, ?, ?)'),
    movedTo: db.prepare('SELECT moved_to FROM moved_chats WHERE bot = ? AND chat = ?'),
    dropConversation: db.prepare('DELETE FROM conversations WHERE bot = ? AND id = ?'),
    moveTimers: db.prepare('UPDATE timers SET conversation = ? WHERE bot = ? AND conversation = ?'),
    moveRequests: db.prepare('UPDATE requests SET conversation = ? WHERE bot = ? AND conversation = ?'),
    setTimer: db.prepare(
      `INSERT INTO timers (bot, conversation, id, due_at, event) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (bot, conversation, id) DO UPDATE SET due_at = excluded.due_at, event = excluded.event`,
    ),
    clearTimer: db.prepare('DELETE FROM timers WHERE bot = ? AND conversation = ? AND id = ?'),
    clearTimers: db.prepare('DELETE FROM timers WHERE bot = ? AND conversation = ?'),
    dueTimers: db.prepare(
      'SELECT * FROM timers WHERE bot = ? AND due_at <= ? ORDER BY due_at, conversation, id LIMIT ?',
    ),
    // The + keeps SQLite off the index by time: in a storm it would walk what is due of all chats.
    dueTimersOf: db.prepare(
      'SELECT * FROM timers WHERE bot = ? AND conversation = ? AND +due_at <= ? ORDER BY +due_at, id',
    ),
    takeTimer: db.prepare('DELETE FROM timers WHERE bot = ? AND conversation = ? AND id = ? AND due_at = ?'),
    timersOf: db.prepare('SELECT * FROM timers WHERE bot = ? AND conversation = ? ORDER BY id'),
    requestsOf: db.prepare('SELECT * FROM requests WHERE bot = ? AND conversation = ? ORDER BY number'),
    renameRequest: db.prepare('UPDATE requests SET invoke = ? WHERE bot = ? AND id = ?'),
    noteVersionCheck: db.prepare('INSERT OR REPLACE INTO version_check (bot, plan, after) VALUES (?, ?, ?)'),
    addRequest: db.prepare(
      'INSERT INTO requests (bot, id, conversation, invoke, src, input, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    openRequest: db.prepare('SELECT * FROM requests WHERE bot = ? AND id = ?'),
    closeRequest: db.prepare('DELETE FROM requests WHERE bot = ? AND id = ?'),
    withdrawRequest: db.prepare('DELETE FROM requests WHERE bot = ? AND conversation = ? AND invoke = ? RETURNING id'),
    withdrawRequests: db.prepare(
      `DELETE FROM requests WHERE bot = ? AND conversation = ? AND invoke <> '' RETURNING id`,
    ),
    remembered: db.prepare('SELECT request_hash, answer FROM answers WHERE owner = ? AND key = ?'),
    remember: db.prepare('INSERT INTO answers (owner, key, request_hash, answer, at) VALUES (?, ?, ?, ?, ?)'),
    forgetAnswers: db.prepare('DELETE FROM answers WHERE at < ?'),
    cursors: prepareCursorReads(db, bot),
    saveCursor: prepareSaveCursor(db),
  };
}
export type Statements = ReturnType<typeof prepareStatements>;

/** The transaction's methods over SQLite. Everything runs at once; the promises are the port's. */
export function sqliteTx(
  bot: string,
  range: SeqRange,
  now: number,
  sql: Statements,
  outbox: OutboxStatements,
  lanes: Lanes,
  state: TxState,
): Tx {
  function dropConversation(id: string): void {
    sql.dropConversation.run(bot, id);
    sql.clearTimers.run(bot, id);
    withdrawn(sql.withdrawRequests.all(bot, id));
  }

  function withdrawn(rows: readonly Row[]): void {
    if (rows.length === 0) return;
    state.withdrawn = [...state.withdrawn, ...rows.map((row) => text(row, 'id'))];
    state.openRequests -= rows.length;
  }

  const tx: Tx = {
    now,
    nextSeq: () => state.nextSeq,
    append(entry) {
      const seq = state.nextSeq;
      sql.append.run(range.id(seq), entry.type, chatCell(entry.chat), now, entry.updateId ?? null, entry.body);
      state.nextSeq = seq + 1;
      const { type, chat, body, owner = null } = entry;
      if (owner !== null) sql.own.run(bot, owner, seq);
      state.entries.push({ seq, type, bot, chat, at: now, body, ...(owner === null ? {} : { owner }) });
      return seq;
    },

    async seenUpdates(updateIds, since) {
      const rows = sql.seen.all(JSON.stringify(updateIds), range.id(1), range.last, since);
      return new Set(rows.map((row) => int(row, 'update_id')));
    },
    setPollOffset(offset) {
      state.pollOffset = offset;
    },

    async conversations(ids) {
      if (ids.length === 0) return new Map();
      return new Map(
        sql.conversations.all(bot, JSON.stringify(ids)).map((row) => [text(row, 'id'), conversationOf(row)]),
      );
    },
    saveConversation(r) {
      sql.saveConversation.run(
        bot,
        r.id,
        r.chat,
        r.machine,
        r.version,
        r.status,
        r.state,
        r.snapshot,
        r.error,
        r.lastSeq,
        r.updatedAt,
      );
    },
    moveChat(from, to) {
      if (from === to) return;
      const there = new Map(sql.ofChat.all(bot, to).map((row) => [text(row, 'id'), text(row, 'status')]));
      for (const record of sql.ofChat.all(bot, from).map(conversationOf)) {
        const id = to + record.id.slice(from.length);
        if (record.status !== 'active' && there.get(id) === 'active') {
          dropConversation(record.id);
          continue;
        }
        dropConversation(id);
        tx.saveConversation({ ...record, id, chat: to });
        sql.moveTimers.run(id, bot, record.id);
        sql.moveRequests.run(id, bot, record.id);
        sql.dropConversation.run(bot, record.id);
      }
      tx.moveMessages(from, to);
    },
    moveMessages(from, to) {
      if (from === to) return;
      sql.noteMove.run(bot, from, to);
      moveMessages(bot, from, to, outbox, lanes);
      state.outbox = true;
    },
    async currentChat(chat) {
      // A group moves once; more steps than a few would be a circle.
      let current = chat;
      for (let steps = 0; steps < 4; steps += 1) {
        const row = sql.movedTo.get(bot, current);
        if (row === undefined) break;
        current = text(row, 'moved_to');
      }
      return current;
    },

    setTimer(timer) {
      const dueAt = Math.ceil(timer.dueAt);
      sql.setTimer.run(bot, timer.conversation, timer.id, dueAt, timer.event);
      state.timerAt = Math.min(state.timerAt ?? dueAt, dueAt);
    },
    clearTimer(conversation, id) {
      sql.clearTimer.run(bot, conversation, id);
    },
    clearTimers(conversation) {
      sql.clearTimers.run(bot, conversation);
    },
    async dueTimers(at, limit) {
      return sql.dueTimers.all(bot, at, limit).map(timerOf);
    },
    async dueTimersOf(conversation, at) {
      return sql.dueTimersOf.all(bot, conversation, at).map(timerOf);
    },
    async takeTimer({ conversation, id, dueAt }) {
      return sql.takeTimer.run(bot, conversation, id, dueAt).changes === 1;
    },

    async timersOf(conversation) {
      return sql.timersOf.all(bot, conversation).map(timerOf);
    },

    addRequest(r) {
      sql.addRequest.run(bot, r.id, r.conversation, r.invoke, r.src, r.input, r.createdAt);
      state.requests = true;
      state.openRequests += 1;
    },
    async openRequest(id) {
      const row = sql.openRequest.get(bot, id);
      return row === undefined ? null : requestOf(row);
    },
    closeRequest(id) {
      state.openRequests -= Number(sql.closeRequest.run(bot, id).changes);
    },
    withdrawRequest(conversation, invoke) {
      withdrawn(sql.withdrawRequest.all(bot, conversation, invoke));
    },
    withdrawRequests(conversation) {
      withdrawn(sql.withdrawRequests.all(bot, conversation));
    },

    async requestsOf(conversation) {
      return sql.requestsOf.all(bot, conversation).map(requestOf);
    },
    renameRequest(id, invoke) {
      sql.renameRequest.run(invoke, bot, id);
    },

    noteVersionCheck({ plan, after }) {
      sql.noteVersionCheck.run(bot, plan, after);
    },

    ...outboxTx(bot, now, outbox, lanes, state),

    async remembered(owner, key) {
      const row = sql.remembered.get(owner, key);
      return row === undefined ? null : { requestHash: text(row, 'request_hash'), answer: text(row, 'answer') };
    },
    remember(owner, key, answer) {
      sql.remember.run(owner, key, answer.requestHash, answer.answer, now);
    },
    forgetAnswersBefore(at) {
      sql.forgetAnswers.run(at);
    },

    cursor: async (keyId) => sql.cursors.cursor(keyId),
    saveCursor({ keyId, seq, confirmedOffset, allowedUpdates }) {
      sql.saveCursor.run(bot, keyId, seq, confirmedOffset, allowedUpdates, now);
    },
  };
  return tx;
}
