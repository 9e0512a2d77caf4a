import type { DatabaseSync } from 'node:sqlite';
import type { CopyHold, Entry, Tx } from './journal.ts';
import { prepareSaveCallback } from './sqlite-callbacks.ts';
import type { Conversations } from './sqlite-conversations.ts';
import { uncountWaiting } from './sqlite-counts.ts';
import { prepareCursorReads, prepareSaveCursor } from './sqlite-cursors.ts';
import { type EraseState, eraseTx, prepareErase } from './sqlite-erase.ts';
import type { Forget, Reclaim } from './sqlite-forget.ts';
import { heldTx, prepareHeld, prepareHeldAwaited } from './sqlite-held.ts';
import { type OutboxState, type OutboxStatements, outboxTx } from './sqlite-outbox.ts';
import { conversationOf, type Row, requestOf, type SeqRange, text, timerOf } from './sqlite-rows.ts';
import type { Trim } from './sqlite-trim.ts';
import type { Units } from './sqlite-units.ts';
import type { UpdateRuns } from './sqlite-updates.ts';

/** What a transaction has gathered: beside its rows, and until it commits in place of them. */
export interface TxState extends OutboxState, EraseState {
  nextSeq: number;
  /** The first seq that is kept, where that has changed. */
  firstSeq: number | null;
  entries: Entry[];
  updateIds: number[];
  pollOffset: number | null;
  requests: boolean;
  withdrawn: string[];
  openRequests: number;
  timerAt: number | null;
  copyHold: CopyHold | null;
}

/** A transaction that has done nothing yet. */
export const emptyState = (
  nextSeq: number,
  waiting: number,
  openRequests: number,
  copyHold: CopyHold | null,
): TxState => ({
  copyHold,
  waiting,
  openRequests,
  withdrawn: [],
  waitingLog: [],
  waitingBy: new Map(),
  left: [],
  lanesCleared: false,
  nextSeq,
  firstSeq: null,
  entries: [],
  updateIds: [],
  rewritten: false,
  saves: new Map(),
  saveLog: [],
  written: false,
  pollOffset: null,
  outbox: false,
  requests: false,
  timerAt: null,
});

/** Where a transaction stands: calling it takes back all that was gathered since. */
export function markOf(state: TxState): () => void {
  const { entries, updateIds, saves, saveLog, ...plain } = state;
  const [entryCount, updateCount, saveCount] = [entries.length, updateIds.length, saveLog.length];
  const leftCount = plain.left.length;
  const waitingCount = plain.waitingLog.length;
  return () => {
    Object.assign(state, plain);
    state.left.length = leftCount;
    uncountWaiting(state, waitingCount);
    entries.length = entryCount;
    updateIds.length = updateCount;
    for (const { id, before } of saveLog.splice(saveCount).reverse()) {
      if (before === undefined) saves.delete(id);
      else saves.set(id, before);
    }
  };
}

/**
 * More than one entry brings: a step's bounded effects, twice where it begins its machine (limits.effectsPerStepMax), or,
 * with another version, all that a conversation has gathered.
 */
const TIMERS_PER_ENTRY = 65_536;

/**
 * Prepared once: a statement costs more to prepare than to run. It is `LIMIT +?` everywhere, since SQLite prepares a statement
 * anew for each value of a bare parameter there: some 50 µs, where it runs in 10.
 */
export function prepareStatements(db: DatabaseSync, bot: string, range: SeqRange, nextSeq: number) {
  return {
    erase: prepareErase(db, bot, range),
    /**
     * Of the timer that is set next: it grows, so that the order of setting is kept. What an earlier process gave is less,
     * as no entry sets so many.
     */
    timerNumber: nextSeq * TIMERS_PER_ENTRY,
    ofChat: db.prepare('SELECT * FROM conversations INDEXED BY conversations_of_chat WHERE bot = ? AND chat = ?'),
    noteMove: db.prepare('INSERT OR REPLACE INTO moved_chats (bot, chat, moved_to) VALUES (?, ?, ?)'),
    movedTo: db.prepare('SELECT moved_to FROM moved_chats WHERE bot = ? AND chat = ?'),
    /** False: no group has moved, and nobody need look. */
    mayHaveMoved: db.prepare("SELECT 1 FROM moved_chats WHERE bot = ? AND chat > '' LIMIT 1").get(bot) !== undefined,
    dropConversation: db.prepare('DELETE FROM conversations WHERE bot = ? AND id = ?'),
    moveTimers: db.prepare('UPDATE timers SET conversation = ? WHERE bot = ? AND conversation = ?'),
    moveRequests: db.prepare('UPDATE requests SET conversation = ? WHERE bot = ? AND conversation = ?'),
    setTimer: db.prepare(
      `INSERT INTO timers (bot, conversation, id, due_at, event, number) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (bot, conversation, id) DO UPDATE SET due_at = excluded.due_at, event = excluded.event,
         number = excluded.number`,
    ),
    clearTimer: db.prepare('DELETE FROM timers WHERE bot = ? AND conversation = ? AND id = ?'),
    clearTimers: db.prepare('DELETE FROM timers WHERE bot = ? AND conversation = ?'),
    /** Asked with every batch of updates: one look at the index, where the list would fetch rows. */
    anyDue: db.prepare('SELECT 1 FROM timers WHERE bot = ? AND due_at <= ? LIMIT 1'),
    dueTimers: db.prepare(
      'SELECT * FROM timers WHERE bot = ? AND due_at <= ? ORDER BY due_at, number, conversation, id LIMIT +?',
    ),
    // The + keeps SQLite off the index by time: in a storm it would walk what is due of all chats.
    dueTimersOf: db.prepare(
      'SELECT * FROM timers WHERE bot = ? AND conversation = ? AND +due_at <= ? ORDER BY +due_at, number, id',
    ),
    takeTimer: db.prepare('DELETE FROM timers WHERE bot = ? AND conversation = ? AND id = ? AND due_at = ?'),
    timersOf: db.prepare('SELECT * FROM timers WHERE bot = ? AND conversation = ? ORDER BY +due_at, number, id'),
    requestsOf: db.prepare('SELECT * FROM requests WHERE bot = ? AND conversation = ? ORDER BY number'),
    renameRequest: db.prepare('UPDATE requests SET invoke = ? WHERE bot = ? AND id = ?'),
    noteVersionCheck: db.prepare('INSERT OR REPLACE INTO version_check (bot, plan, after) VALUES (?, ?, ?)'),
    addRequest: db.prepare(
      'INSERT INTO requests (bot, id, conversation, invoke, src, input, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    openRequest: db.prepare('SELECT * FROM requests WHERE bot = ? AND id = ?'),
    closeRequest: db.prepare('DELETE FROM requests WHERE bot = ? AND id = ?'),
    withdrawRequest: db.prepare('DELETE FROM requests WHERE bot = ? AND conversation = ? AND invoke = ? RETURNING id'),
    withdraw: db.prepare('DELETE FROM requests WHERE bot = ? AND id = ? RETURNING id'),
    withdrawRequests: db.prepare(
      `DELETE FROM requests WHERE bot = ? AND conversation = ? AND invoke <> '' RETURNING id`,
    ),
    remembered: db.prepare('SELECT request_hash, answer FROM answers WHERE owner = ? AND key = ?'),
    remember: db.prepare('INSERT INTO answers (owner, key, request_hash, answer, at) VALUES (?, ?, ?, ?, ?)'),
    forgetAnswers: db.prepare('DELETE FROM answers WHERE at < ?'),
    saveCallback: prepareSaveCallback(db),
    cursors: prepareCursorReads(db, bot),
    saveCursor: prepareSaveCursor(db),
    releaseCopy: db.prepare('UPDATE head SET held_since = NULL, held_from = NULL WHERE bot = ?'),
    held: prepareHeld(db),
    heldAwaited: prepareHeldAwaited(db, bot),
  };
}
export type Statements = ReturnType<typeof prepareStatements>;

/** A transaction's time, as the port says. */
export type TxTime = Pick<Tx, 'now' | 'steadyNow' | 'provenNow'>;

/** The transaction's methods over SQLite. Everything runs at once; the promises are the port's. */
export function sqliteTx(
  bot: string,
  time: TxTime,
  sql: Statements,
  runs: UpdateRuns,
  units: Units,
  conversations: Conversations,
  outbox: OutboxStatements,
  retention: Trim & Forget & Reclaim,
  firstSeq: number,
  state: TxState,
): Tx {
  const { now } = time;

  /** With all that it waits for; what it holds beside that stays. */
  function dropConversation(id: string): void {
    sql.dropConversation.run(bot, id);
    sql.clearTimers.run(bot, id);
    sql.held.forget.run(bot, id, null);
    withdrawn(sql.withdrawRequests.all(bot, id));
  }

  function withdrawn(rows: readonly Row[]): void {
    if (rows.length === 0) return;
    state.withdrawn = [...state.withdrawn, ...rows.map((row) => text(row, 'id'))];
    state.openRequests -= rows.length;
  }

  function currentChat(chat: string): string {
    if (!sql.mayHaveMoved) return chat;
    // A group moves once; more steps than a few would be a circle.
    let current = chat;
    for (let steps = 0; steps < 4; steps += 1) {
      const row = sql.movedTo.get(bot, current);
      if (row === undefined) break;
      current = text(row, 'moved_to');
    }
    return current;
  }

  const { moveMessages, addMessage, ...messages } = outboxTx(time, outbox, state, (seq) =>
    retention.ended(seq, state.nextSeq),
  );
  const tx: Tx = {
    ...time,
    nextSeq: () => state.nextSeq,
    trim(before) {
      state.firstSeq = retention.trim(Math.min(before, state.nextSeq)) ?? state.firstSeq;
      return state.firstSeq ?? firstSeq;
    },
    forgetMessages: () => retention.forgetMessages(state.firstSeq ?? firstSeq, state.nextSeq),
    forgetHeld: () => retention.forgetHeld(state.firstSeq ?? firstSeq),
    reclaim: () => retention.reclaim(),
    append(entry) {
      const seq = state.nextSeq;
      state.nextSeq = seq + 1;
      const { type, chat, body, updateId, owner = null } = entry;
      if (updateId !== undefined) state.updateIds.push(updateId);
      state.entries.push({ seq, type, bot, chat, at: now, body, ...(owner === null ? {} : { owner }) });
      return seq;
    },

    async seenUpdates(updateIds, since) {
      const seen = runs.seen(updateIds, since);
      // A job before this one, in the same transaction, may have received some.
      const wanted = state.updateIds.length === 0 || time.provenNow < since ? null : new Set(updateIds);
      for (const id of state.updateIds) if (wanted?.has(id)) seen.add(id);
      return seen;
    },
    setPollOffset(offset) {
      state.pollOffset = offset;
    },

    async conversations(ids) {
      return conversations.find(state, ids);
    },
    saveConversation(record) {
      conversations.save(state, record);
      if (record.status === 'quarantined') sql.held.mark.run(bot, record.id);
    },
    moveChat(from, to) {
      if (from === to) return;
      conversations.writeAll(state);
      const there = new Map(sql.ofChat.all(bot, to).map((row) => [text(row, 'id'), conversationOf(row)]));
      for (const record of sql.ofChat.all(bot, from).map(conversationOf)) {
        const id = to + record.id.slice(from.length);
        const other = there.get(id);
        if (record.status === 'done' && other !== undefined && other.status !== 'done') {
          dropConversation(record.id);
          continue;
        }
        dropConversation(id);
        const still = [record, other].find((one) => one?.status === 'quarantined');
        const stands = still === undefined ? {} : { status: still.status, error: still.error };
        tx.saveConversation({ ...record, ...stands, id, chat: to });
        sql.moveTimers.run(id, bot, record.id);
        sql.moveRequests.run(id, bot, record.id);
        sql.held.move.run(id, bot, record.id);
        sql.held.moveDropped.run(id, bot, record.id);
        sql.held.unmark.run(bot, record.id);
        sql.dropConversation.run(bot, record.id);
      }
      tx.moveMessages(from, to);
    },
    moveMessages(from, to) {
      if (from === to) return;
      sql.mayHaveMoved = true;
      sql.noteMove.run(bot, from, to);
      moveMessages(from, to);
    },
    async currentChat(chat) {
      return currentChat(chat);
    },

    setTimer(timer) {
      const dueAt = Math.ceil(timer.dueAt);
      sql.setTimer.run(bot, timer.conversation, timer.id, dueAt, timer.event, sql.timerNumber);
      sql.timerNumber += 1;
      state.timerAt = Math.min(state.timerAt ?? dueAt, dueAt);
    },
    clearTimer(conversation, id) {
      sql.clearTimer.run(bot, conversation, id);
    },
    clearTimers(conversation) {
      sql.clearTimers.run(bot, conversation);
    },
    async dueTimers(at, limit) {
      if (sql.anyDue.get(bot, at) === undefined) return [];
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
    withdraw(id) {
      withdrawn(sql.withdraw.all(bot, id));
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

    copyHold: () => state.copyHold,
    releaseCopy() {
      sql.releaseCopy.run(bot);
      state.copyHold = null;
      state.outbox = true;
    },

    ...heldTx(bot, sql.held),
    ...sql.heldAwaited,
    ...eraseTx(now, sql.erase, { units, conversations }, state, withdrawn),
    ...messages,
    addMessage(message) {
      // Its conversation may not have heard of the move yet.
      addMessage({ ...message, chat: currentChat(message.chat) });
    },

    async remembered(owner, key) {
      const row = sql.remembered.get(owner, key);
      return row === undefined ? null : { requestHash: text(row, 'request_hash'), answer: text(row, 'answer') };
    },
    remember(owner, key, answer) {
      sql.remember.run(owner, key, answer.requestHash, answer.answer, time.provenNow);
    },
    forgetAnswersBefore(at) {
      sql.forgetAnswers.run(at);
    },

    saveCallback({ keyId, seq, failingSince, failures, disabled }) {
      sql.saveCallback.run(bot, keyId, seq, failingSince, failures, disabled);
    },
    cursor: async (keyId) => sql.cursors.cursor(keyId),
    saveCursor({ keyId, seq, confirmedOffset, allowedUpdates }) {
      sql.saveCursor.run(bot, keyId, seq, confirmedOffset, allowedUpdates, now);
    },
  };
  return tx;
}
