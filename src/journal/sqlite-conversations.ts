import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import type { ConversationRecord } from './journal.ts';
import { conversationOf, type SeqRange, text } from './sqlite-rows.ts';
import { readSaved, savedText } from './sqlite-saved.ts';

type Records = Map<string, ConversationRecord>;

/** What a transaction has done to conversations. */
export interface ConversationsState {
  saves: Records;
  /** What `saves` held before each save, to be put back where a job is undone. */
  saveLog: { readonly id: string; readonly before: ConversationRecord | undefined }[];
  /** All that was on its way has been written to the table: from here on so is every save. */
  written: boolean;
}

/**
 * The conversations' rows, written back late. A unit of work that saves many writes them one behind the other into
 * `saved_conversations`; they go on into `conversations`, each once, in the order of its key and a slice with each
 * commit. So a chat that steps a hundred times a second costs one row of the table, and what a commit writes does not
 * depend on how many chats there are.
 *
 * Nothing is lost by a crash: what had not reached the table is read from `saved_conversations` when the journal is
 * opened. Memory holds what is on its way, at most twice limits.conversationsOnTheWayMax, and of its snapshots at most
 * twice limits.conversationsOnTheWayLengthMax characters and what one commit brings.
 */
export function openConversations(db: DatabaseSync, bot: string, range: SeqRange) {
  const find = db.prepare('SELECT * FROM conversations WHERE bot = ? AND id IN (SELECT value FROM json_each(?))');
  const put = db.prepare(
    `INSERT INTO conversations (bot, id, chat, machine, version, status, state, snapshot, error, last_seq, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (bot, id) DO UPDATE SET machine = excluded.machine, version = excluded.version,
       status = excluded.status, state = excluded.state, snapshot = excluded.snapshot, error = excluded.error,
       last_seq = excluded.last_seq, updated_at = excluded.updated_at`,
  );
  const save = db.prepare('INSERT INTO saved_conversations (id, records) VALUES (?, ?)');
  const forget = db.prepare('DELETE FROM saved_conversations WHERE id BETWEEN ? AND ?');

  const saved = readSaved(db, range);
  let nextId = saved.lastId + 1;
  /** On the way, the newest; those that are being written; the last row of `saved_conversations` that holds of these. */
  let newest: Records = saved.records;
  let newestLength = 0;
  for (const { snapshot } of newest.values()) newestLength += snapshot.length;
  let leaving: Records = new Map();
  let leavingIds: readonly string[] = [];
  let leavingThrough = 0;
  let position = 0;

  const onTheWay = (id: string): ConversationRecord | undefined => newest.get(id) ?? leaving.get(id);
  const isIdle = (): boolean => newest.size === 0 && leaving.size === 0;

  function write(r: ConversationRecord): void {
    const { id, chat, machine, version, status, state, snapshot, error, lastSeq, updatedAt } = r;
    put.run(bot, id, chat, machine, version, status, state, snapshot, error, lastSeq, updatedAt);
  }

  /** Begins to write what is newest. */
  function turn(): void {
    if (leaving.size > 0 || newest.size === 0) return;
    leaving = newest;
    leavingIds = [...leaving.keys()].sort();
    leavingThrough = nextId - 1;
    position = 0;
    clearNewest();
  }

  function clearNewest(): void {
    newest = new Map();
    newestLength = 0;
  }

  function clear(): void {
    clearNewest();
    leaving = new Map();
    leavingIds = [];
  }

  /** Writes the next of those that are leaving; what is newer is left to its own turn. */
  function writeSlice(length: number): () => void {
    if (leaving.size === 0) return () => {};
    const end = position + length;
    for (const id of leavingIds.slice(position, end)) {
      const record = newest.has(id) ? undefined : leaving.get(id);
      if (record !== undefined) write(record);
    }
    const done = end >= leavingIds.length;
    if (done) forget.run(range.id(0), leavingThrough);
    return () => {
      position = end;
      if (!done) return;
      leaving = new Map();
      leavingIds = [];
    };
  }

  return {
    /** As committed, where it has not reached the table. */
    onTheWay,
    isIdle,
    /** Some are being written to the table. */
    isLeaving: (): boolean => leaving.size > 0,
    /** Those on the way that come after an id, in no order. */
    onTheWayAfter(after: string): ConversationRecord[] {
      return [...new Map([...leaving, ...newest]).values()].filter(({ id }) => id > after);
    },
    /** From the next commit on, what is on the way is written to the table. */
    turn,

    find(state: ConversationsState, ids: readonly string[]): Records {
      const found: Records = new Map();
      const missing: string[] = [];
      for (const id of ids) {
        const record = state.written ? undefined : (state.saves.get(id) ?? onTheWay(id));
        if (record === undefined) missing.push(id);
        else found.set(id, record);
      }
      if (missing.length > 0) {
        for (const row of find.all(bot, JSON.stringify(missing))) found.set(text(row, 'id'), conversationOf(row));
      }
      return found;
    },
    save(state: ConversationsState, record: ConversationRecord): void {
      if (state.written) {
        write(record);
        return;
      }
      state.saveLog.push({ id: record.id, before: state.saves.get(record.id) });
      state.saves.set(record.id, record);
    },
    /** Writes all that is on the way, so that the table can be worked on. */
    writeAll(state: ConversationsState): void {
      if (state.written) return;
      for (const record of new Map([...leaving, ...newest, ...state.saves]).values()) write(record);
      forget.run(range.id(0), range.last);
      state.written = true;
    },
    /** The transaction's last part. What it returns is to be called once that has committed. */
    commit(state: ConversationsState): () => void {
      const { saves, written } = state;
      if (written) return clear;
      // Few, and none on the way before them: straight to the table.
      if (isIdle() && saves.size <= limits.conversationsSavedAtOnceMax) {
        for (const record of saves.values()) write(record);
        return () => {};
      }
      if (saves.size > 0) save.run(nextId, savedText(saves.values()));
      const hurry = newestLength >= limits.conversationsOnTheWayLengthMax;
      const wrote = writeSlice(hurry ? leaving.size : Math.max(limits.conversationsSliceMin, 2 * saves.size));
      return () => {
        wrote();
        if (saves.size > 0) nextId += 1;
        for (const [id, record] of saves) {
          newestLength += record.snapshot.length - (newest.get(id)?.snapshot.length ?? 0);
          newest.set(id, record);
        }
        const isFull = newestLength >= limits.conversationsOnTheWayLengthMax;
        if (isFull || newest.size >= limits.conversationsOnTheWayMax) turn();
      };
    },
  };
}
export type Conversations = ReturnType<typeof openConversations>;
