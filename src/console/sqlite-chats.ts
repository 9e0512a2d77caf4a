import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { limits } from '../limits.ts';
import type { ChatsQuery, ConsoleChat, ReadMarks, Standing, StateCount, Viewer } from './console.ts';

type Row = Readonly<Record<string, unknown>>;

/** Conversations of a chat that a list shows: a group may have one for each member. */
const STANDINGS_SHOWN = 3;

/** No sign of a name, and LIKE ends a pattern at NUL: what is left of it would find every chat. */
const CONTROL = /\p{Cc}/gu;

/** Chats as the list shows them, of those that the viewer may see. */
export function prepareChats(db: DatabaseSync, marks: Pick<ReadMarks, 'of'>) {
  const unread = db.prepare(
    'SELECT count(*) AS n FROM (SELECT 1 FROM lines WHERE chat = ? AND seq > ? AND heard = 1 LIMIT ?)',
  );
  const open = db.prepare('SELECT count(*) AS n FROM fates WHERE chat = ? AND status = ?');
  const standings = db.prepare(
    `SELECT id, machine, state, quarantined FROM conversations WHERE chat = ? ORDER BY quarantined DESC, id LIMIT ${STANDINGS_SHOWN}`,
  );

  /** Where the viewer has read a chat up to. */
  function reader(viewer: Viewer): (chat: string) => number {
    const { begun, chats } = marks.of(viewer.keyId);
    return (chat) => Math.max(begun ?? Number.MAX_SAFE_INTEGER, chats.get(chat) ?? 0);
  }

  const count = (row: Row | undefined): number => Number(row?.n ?? 0);

  function viewOf(row: Row, readTo: (chat: string) => number): ConsoleChat {
    const chat = String(row.chat);
    const mark = readTo(chat);
    return {
      chat,
      name: row.name === null ? null : String(row.name),
      seq: Number(row.seq),
      at: new Date(Number(row.at)).toISOString(),
      text: row.text === null ? null : String(row.text),
      out: row.text_out === 1,
      unread: Number(row.heard) > mark ? count(unread.get(chat, mark, limits.consoleUnreadMax + 1)) : 0,
      unknown: count(open.get(chat, 'unknown')),
      scheduled: count(open.get(chat, 'scheduled')),
      standings: standings.all(chat).map(standingOf),
    };
  }

  /** What the viewer may see: conditions on `chats`, and their values. A group's former id gives way to its new one. */
  function seen({ chats }: Viewer): readonly [string, SQLInputValue[]] {
    if (chats === null) return ['moved_to IS NULL', []];
    const own = JSON.stringify(chats);
    const among = 'IN (SELECT value FROM json_each(?))';
    return [`chat ${among} AND (moved_to IS NULL OR moved_to NOT ${among})`, [own, own]];
  }

  const readTo = (viewer: Viewer) => reader(viewer);

  return {
    page(viewer: Viewer, query: ChatsQuery): { readonly chats: ConsoleChat[]; readonly next: string | null } {
      const [condition, values] = seen(viewer);
      const where = [condition];
      if (query.ids !== null) {
        where.push('chat IN (SELECT value FROM json_each(?))');
        values.push(JSON.stringify(query.ids));
      }
      if (query.status === 'quarantined') where.push('chat IN (SELECT chat FROM conversations WHERE quarantined = 1)');
      if (query.status === 'unknown' || query.status === 'scheduled')
        where.push(`chat IN (SELECT chat FROM fates WHERE status = '${query.status}')`);
      if (query.machine !== null) {
        where.push(
          `EXISTS (SELECT 1 FROM conversations AS c WHERE c.machine = ? AND c.chat = chats.chat${query.state === null ? '' : ' AND c.state = ?'})`,
        );
        values.push(query.machine, ...(query.state === null ? [] : [query.state]));
      }
      const [, seq, chat] = /^(\d+):(.*)$/.exec(query.after ?? '') ?? [];
      if (seq !== undefined && chat !== undefined) {
        where.push('(seq, chat) < (?, ?)');
        values.push(Number(seq), chat);
      }
      const to = readTo(viewer);
      const begun = query.unread ? to('') : 0;
      const rows = db.prepare(`SELECT * FROM chats WHERE ${where.join(' AND ')} ORDER BY seq DESC, chat DESC`);
      const chats: ConsoleChat[] = [];
      let next: string | null = null;
      for (const row of rows.iterate(...values)) {
        if (query.unread) {
          // Nothing that is older can be unread.
          if (Number(row.seq) <= begun) break;
          if (Number(row.heard) <= to(String(row.chat))) continue;
        }
        if (chats.length === query.limit) {
          const last = chats.at(-1);
          next = last === undefined ? null : `${last.seq}:${last.chat}`;
          break;
        }
        chats.push(viewOf(row, to));
      }
      return { chats, next };
    },
    /** Those whose name holds this, or whose id begins with it. */
    named(viewer: Viewer, text: string, limit: number): ConsoleChat[] {
      const [condition, values] = seen(viewer);
      const like = text
        .replace(CONTROL, '')
        .trim()
        .replace(/[\\%_]/g, '\\$&');
      if (like === '') return [];
      const sql = `SELECT * FROM chats WHERE ${condition} AND (name LIKE ? ESCAPE '\\' OR chat LIKE ? ESCAPE '\\')
        ORDER BY seq DESC, chat DESC LIMIT ?`;
      const to = readTo(viewer);
      return db
        .prepare(sql)
        .all(...values, `%${like}%`, `${like}%`, limit)
        .map((row) => viewOf(row, to));
    },
    total(viewer: Viewer): number {
      const [condition, values] = seen(viewer);
      return count(db.prepare(`SELECT count(*) AS n FROM chats WHERE ${condition}`).get(...values));
    },
    states({ chats }: Viewer): StateCount[] {
      const where = chats === null ? '' : 'WHERE chat IN (SELECT value FROM json_each(?))';
      const sql = `SELECT machine, state, count(DISTINCT chat) AS n FROM conversations ${where} GROUP BY machine, state ORDER BY machine, state LIMIT ?`;
      const values = chats === null ? [] : [JSON.stringify(chats)];
      return db
        .prepare(sql)
        .all(...values, limits.pageSizeMax)
        .map(({ machine, state, n }) => ({ machine: String(machine), state: String(state), chats: Number(n) }));
    },
  };
}

const standingOf = ({ id, machine, state, quarantined }: Row): Standing => ({
  id: String(id),
  machine: String(machine),
  state: String(state),
  quarantined: quarantined === 1,
});
