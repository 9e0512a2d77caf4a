import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import type { Erasing, ErasingTx, Erasure, RowPlace, StoredRow, SubjectTable } from './journal.ts';
import { SUBJECT_TABLES } from './journal.ts';
import type { Conversations, ConversationsState } from './sqlite-conversations.ts';
import { chatCell, int, intOrNull, messageOf, type Row, type SeqRange, text, textOrNull } from './sqlite-rows.ts';
import type { Units } from './sqlite-units.ts';

interface TableFacts {
  /** The column that tells whose bot a row is; `range`: its id lies in the bot's range; null: nothing tells. */
  readonly bot: 'bot' | 'slot' | 'range' | null;
  /** The columns of its key, after the bot's. */
  readonly key: readonly string[];
  /** Columns that may name a chat or a user. */
  readonly texts: readonly string[];
  /** Rows that must be looked at though no id is in them. */
  readonly also?: string;
}

const TABLES: Readonly<Record<SubjectTable, TableFacts>> = {
  conversations: { bot: 'bot', key: ['id'], texts: ['id', 'state', 'snapshot', 'error'] },
  timers: { bot: 'bot', key: ['conversation', 'id'], texts: ['conversation', 'event'] },
  requests: { bot: 'bot', key: ['number'], texts: ['conversation', 'input'] },
  held_events: { bot: 'bot', key: ['conversation', 'seq'], texts: ['conversation', 'event', 'details'] },
  quarantined: { bot: 'bot', key: ['conversation'], texts: ['conversation'] },
  messages: { bot: 'range', key: ['id'], texts: ['chat', 'params', 'error'] },
  // The answer to a posted event is its seq alone: whose it is, its entry tells.
  answers: { bot: null, key: ['owner', 'key'], texts: ['key', 'answer'], also: "answer NOT LIKE '{%'" },
  closed_chats: { bot: 'slot', key: ['chat'], texts: ['chat'] },
  holds: { bot: 'slot', key: ['chat'], texts: ['chat'] },
  read_marks: { bot: null, key: ['key_id', 'chat'], texts: ['chat'] },
};

/** The condition on a row's bot, and its values. */
function ofBot({ bot: column }: TableFacts, bot: string, range: SeqRange): readonly [string[], SQLInputValue[]] {
  if (column === null) return [[], []];
  if (column === 'range')
    return [
      ['id > ?', 'id <= ?'],
      [range.id(0), range.last],
    ];
  return [[`${column} = ?`], [column === 'bot' ? bot : range.slot]];
}

/** Prepares each statement as it is first used: few processes erase anything. */
function statements(db: DatabaseSync): (sql: string) => StatementSync {
  const prepared = new Map<string, StatementSync>();
  return (sql) => {
    const statement = prepared.get(sql) ?? db.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };
}

const erasureOf = (row: Row): Erasure => ({
  number: int(row, 'number'),
  chat: textOrNull(row, 'chat'),
  askedAt: int(row, 'asked_at'),
  doneAt: intOrNull(row, 'done_at'),
  through: intOrNull(row, 'through'),
  position: int(row, 'position'),
  entries: int(row, 'entries'),
  mentions: int(row, 'mentions'),
  told: intOrNull(row, 'told'),
});

function placeOf({ table, key }: RowPlace, bot: string, range: SeqRange) {
  const facts = TABLES[table];
  const [whose, values] = ofBot(facts, bot, range);
  const where = [...whose, ...facts.key.map((column) => `${column} = ?`)].join(' AND ');
  return { where, values: [...values, ...key] };
}

/** Each look has a turn of the event loop of its own: a whole journal is looked through, and others are served meanwhile. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The reading side: `db` sees committed work alone. */
export function openErasing(db: DatabaseSync, bot: string, range: SeqRange, units: Units): Erasing {
  const sql = statements(db);

  /** The keys of a part of a table, and which of these rows have one of the ids. */
  function partOf(table: SubjectTable, ids: readonly string[], after: readonly SQLInputValue[] | null): Row[] {
    const facts = TABLES[table];
    const { key, texts, also } = facts;
    const hits = texts.flatMap((column) => ids.map(() => `instr(${column}, ?) > 0`));
    const tests = [...hits, ...(also === undefined ? [] : [also])].join(' OR ');
    const keys = key.join(', ');
    const [whose, values] = ofBot(facts, bot, range);
    const where = [...whose, ...(after === null ? [] : [`(${keys}) > (${key.map(() => '?').join(', ')})`])];
    const from = where.length === 0 ? table : `${table} WHERE ${where.join(' AND ')}`;
    return sql(`SELECT ${keys}, (${tests}) AS hit FROM ${from} ORDER BY ${keys} LIMIT ${limits.eraseRowsPerLook}`).all(
      ...texts.flatMap(() => ids),
      ...values,
      ...(after ?? []),
    );
  }

  function rowAt(table: SubjectTable, key: RowPlace['key']): StoredRow | null {
    const { where, values } = placeOf({ table, key }, bot, range);
    const row = sql(`SELECT * FROM ${table} WHERE ${where}`).get(...values);
    if (row === undefined) return null;
    const seq = table === 'messages' ? range.seq(int(row, 'id')) : null;
    return { table, key, seq, columns: { ...row } as StoredRow['columns'] };
  }

  return {
    async orders() {
      return sql('SELECT * FROM erasures WHERE bot = ? ORDER BY number').all(bot).map(erasureOf);
    },
    async entriesWith(ids, from, to) {
      await turn();
      return units.having(ids, from, to, limits.eraseLookLength);
    },
    async rowsWith(ids, after) {
      await turn();
      const table = after?.table ?? SUBJECT_TABLES[0];
      const part = partOf(table, ids, after === null || after.key.length === 0 ? null : after.key);
      const { key: columns } = TABLES[table];
      const keyOf = (row: Row) => columns.map((column) => row[column] as RowPlace['key'][number]);
      const rows = part.filter(({ hit }) => hit === 1).flatMap((row) => rowAt(table, keyOf(row)) ?? []);
      const last = part.at(-1);
      if (last !== undefined && part.length === limits.eraseRowsPerLook)
        return { rows, next: { table, key: keyOf(last) } };
      const following = SUBJECT_TABLES[SUBJECT_TABLES.indexOf(table) + 1];
      return { rows, next: following === undefined ? null : { table: following, key: [] } };
    },
    async rewritten(erasure, after, limit) {
      return sql('SELECT seq FROM rewritten_entries WHERE erasure = ? AND seq > ? ORDER BY seq LIMIT +?')
        .all(erasure, after, limit)
        .map((row) => int(row, 'seq'));
    },
  };
}

/** What a transaction needs beside its tables. */
export interface EraseState extends ConversationsState {
  /** Entries have other bodies now. */
  rewritten: boolean;
}

/** The statements that erase, for all transactions. */
export const prepareErase = (db: DatabaseSync, bot: string, range: SeqRange) => ({ sql: statements(db), bot, range });
export type EraseStatements = ReturnType<typeof prepareErase>;

/** The transaction's methods. `withdrawn` takes the rows of requests that are gone. */
export function eraseTx(
  now: number,
  { sql, bot, range }: EraseStatements,
  { units, conversations }: { readonly units: Units; readonly conversations: Conversations },
  state: EraseState,
  withdrawn: (rows: readonly Row[]) => void,
): ErasingTx {
  const cellsOf = (chats: readonly string[]): string => JSON.stringify(chats.map(chatCell));
  const AMONG = 'IN (SELECT value FROM json_each(?))';

  return {
    async orderErasure(chat) {
      const open = sql('SELECT * FROM erasures WHERE bot = ? AND chat = ? AND through IS NULL').get(bot, chat);
      const row =
        open ??
        sql(
          `INSERT INTO erasures (bot, chat, asked_at, position, entries, mentions) VALUES (?, ?, ?, 0, 0, 0) RETURNING *`,
        ).get(bot, chat, now);
      if (row === undefined) throw new TypeError('SQLite returned no order');
      return erasureOf(row);
    },
    noteErasure({ number, chat, doneAt, through, position, entries, mentions, told }) {
      sql(
        `UPDATE erasures SET chat = ?, done_at = ?, through = ?, position = ?, entries = ?, mentions = ?, told = ?
         WHERE number = ?`,
      ).run(chat, doneAt, through, position, entries, mentions, told, number);
      if (doneAt === null) return;
      sql(
        `DELETE FROM erasures WHERE number IN (
           SELECT number FROM erasures WHERE done_at IS NOT NULL ORDER BY number DESC LIMIT -1 OFFSET ?)`,
      ).run(limits.erasuresKept);
    },
    rewriteEntries(bodies) {
      units.rewrite(bodies);
      state.rewritten = true;
    },
    noteRewritten(erasure, seqs) {
      for (const seq of seqs)
        sql('INSERT OR IGNORE INTO rewritten_entries (erasure, seq) VALUES (?, ?)').run(erasure, seq);
    },
    forgetRewritten(erasure) {
      sql('DELETE FROM rewritten_entries WHERE erasure = ?').run(erasure);
    },
    async waitingFor(chats, limit) {
      const cells = cellsOf(chats);
      const queued = sql(
        `SELECT messages.* FROM lanes CROSS JOIN messages ON messages.id = lanes.id
         WHERE lanes.slot = ? AND lanes.chat ${AMONG} AND status = 'queued' LIMIT +?`,
      ).all(range.slot, cells, limit);
      const scheduled = sql(
        `SELECT * FROM messages INDEXED BY messages_scheduled
         WHERE slot = ? AND status = 'scheduled' AND chat ${AMONG} LIMIT +?`,
      ).all(range.slot, cells, limit - queued.length);
      return [...queued, ...scheduled].map((row) => messageOf(range, row));
    },
    async isSendingTo(chats) {
      const row = sql(
        `SELECT 1 FROM messages INDEXED BY messages_sending WHERE slot = ? AND status = 'sending' AND chat ${AMONG} LIMIT 1`,
      ).get(range.slot, cellsOf(chats));
      return row !== undefined;
    },
    async conversationsOf(chats) {
      conversations.writeAll(state);
      return sql(`SELECT id FROM conversations INDEXED BY conversations_of_chat WHERE bot = ? AND chat ${AMONG}`)
        .all(bot, JSON.stringify(chats))
        .map((row) => text(row, 'id'));
    },
    eraseConversation(id) {
      conversations.writeAll(state);
      sql('DELETE FROM conversations WHERE bot = ? AND id = ?').run(bot, id);
      sql('DELETE FROM timers WHERE bot = ? AND conversation = ?').run(bot, id);
      sql('DELETE FROM held_events WHERE bot = ? AND conversation = ?').run(bot, id);
      sql('DELETE FROM quarantined WHERE bot = ? AND conversation = ?').run(bot, id);
      withdrawn(sql('DELETE FROM requests WHERE bot = ? AND conversation = ? RETURNING id').all(bot, id));
    },
    eraseMessage(seq) {
      sql("DELETE FROM messages WHERE id = ? AND status NOT IN ('queued', 'scheduled', 'sending')").run(range.id(seq));
    },
    deleteRow(row) {
      const { where, values } = placeOf(row, bot, range);
      if (row.table === 'requests') withdrawn(sql(`DELETE FROM requests WHERE ${where} RETURNING id`).all(...values));
      else sql(`DELETE FROM ${row.table} WHERE ${where}`).run(...values);
    },
    rewriteRow(row, columns) {
      const { where, values } = placeOf(row, bot, range);
      const names = Object.keys(columns);
      const set = names.map((name) => `${name} = ?`).join(', ');
      sql(`UPDATE ${row.table} SET ${set} WHERE ${where}`).run(...Object.values(columns), ...values);
    },
    settleConversations() {
      conversations.writeAll(state);
    },
  };
}
