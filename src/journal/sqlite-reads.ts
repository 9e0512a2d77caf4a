import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';

import type { Journal, RequestRecord } from './journal.ts';

import { prepareCursorReads } from './sqlite-cursors.ts';

import {
  chatCell,
  conversationOf,
  entryOf,
  int,
  intOrNull,
  messageOf,
  type Row,
  requestOf,
  type SeqRange,
  text,
  textOrNull,
  timerOf,
  versionOf,
} from './sqlite-rows.ts';

type Reads = Omit<
  Journal,
  'bot' | 'stream' | 'write' | 'onCommit' | 'bounds' | 'outboxDepth' | 'openRequestCount' | 'close'
>;

/** The block of the index by chat that holds an entry's id (0001-journal.sql). */
const blockOf = (id: number): number => Math.floor(id / 4096);

/** The journal's reading side, on a connection that sees committed work alone. */
export function prepareReads(db: DatabaseSync, bot: string, range: SeqRange) {
  const all = db.prepare('SELECT * FROM entries WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?');
  const rowsOf = db.prepare('SELECT * FROM entries WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id');
  // Walks along an index, without the entries' bodies: of one type, and of chats within a block of the index.
  const idsOfType = db.prepare(
    'SELECT id FROM entries INDEXED BY entries_of_type WHERE type = ? AND id BETWEEN ? AND ? ORDER BY id LIMIT ?',
  );
  const idsOfChats = db.prepare(
    `SELECT id FROM entries INDEXED BY entries_of_chat
     WHERE id >> 12 = ?1 AND chat IN (SELECT value FROM json_each(?2)) AND id >= ?3
       AND (?4 IS NULL OR type IN (SELECT value FROM json_each(?4))) ORDER BY id LIMIT ?5`,
  );
  const idsOfOwner = db.prepare(
    `SELECT e.id FROM owned_entries AS o CROSS JOIN entries AS e ON e.id = ?1 + o.seq
     WHERE o.bot = ?2 AND o.owner = ?3 AND o.seq >= ?4
       AND (?5 IS NULL OR e.chat IN (SELECT value FROM json_each(?5)))
       AND (?6 IS NULL OR e.type IN (SELECT value FROM json_each(?6))) ORDER BY o.seq LIMIT ?7`,
  );
  const lastId = db.prepare('SELECT max(id) AS id FROM entries WHERE id BETWEEN ? AND ?');
  const pollOffset = db.prepare('SELECT poll_offset FROM head WHERE bot = ?');
  const conversation = db.prepare('SELECT * FROM conversations WHERE bot = ? AND id = ?');
  const conversations = db.prepare('SELECT * FROM conversations WHERE bot = ? AND id > ? ORDER BY id LIMIT ?');
  const conversationsOfChats = db.prepare(
    `SELECT * FROM conversations INDEXED BY conversations_of_chat
     WHERE bot = ? AND chat IN (SELECT value FROM json_each(?)) AND id > ? ORDER BY id LIMIT ?`,
  );
  const versions = db.prepare(
    'SELECT id, machine, version, status FROM conversations WHERE bot = ? AND id > ? ORDER BY id LIMIT ?',
  );
  const versionCheck = db.prepare('SELECT plan, after FROM version_check WHERE bot = ?');
  const timersOf = db.prepare('SELECT * FROM timers WHERE bot = ? AND conversation = ? ORDER BY id');
  const requestsOf = db.prepare('SELECT * FROM requests WHERE bot = ? AND conversation = ? ORDER BY number');
  const nextTimer = db.prepare('SELECT min(due_at) AS at FROM timers WHERE bot = ?');
  const nextSrc = db.prepare('SELECT min(src) AS src FROM requests WHERE bot = ? AND src > ?');
  const openOfSrc = db.prepare('SELECT * FROM requests WHERE bot = ? AND src = ? ORDER BY number LIMIT ?');
  const newestRequests = db.prepare('SELECT * FROM requests WHERE bot = ? ORDER BY number DESC LIMIT ?');
  const openRequestCount = db.prepare('SELECT count(*) AS count FROM requests WHERE bot = ?');
  const message = db.prepare('SELECT * FROM messages WHERE bot = ? AND seq = ?');
  const withFiles = db.prepare(
    'SELECT * FROM messages INDEXED BY messages_with_files WHERE bot = ? AND files IS NOT NULL ORDER BY seq',
  );
  const nextMessage = db.prepare(
    `SELECT min(at) AS at FROM (
       SELECT min(due_at) AS at FROM lanes INDEXED BY lanes_by_time WHERE bot = ?1 AND due_at > ?2
       UNION ALL SELECT min(due_at) FROM messages INDEXED BY messages_scheduled
         WHERE bot = ?1 AND status = 'scheduled' AND due_at > ?2
       UNION ALL SELECT min(expires_at) FROM messages INDEXED BY messages_expiring
         WHERE bot = ?1 AND status IN ('queued', 'scheduled') AND expires_at IS NOT NULL AND expires_at > ?2)`,
  );
  const cursors = prepareCursorReads(db, bot);
  const firstId = db.prepare('SELECT min(id) AS id FROM entries WHERE id BETWEEN ? AND ?');

  /** The first ids of these types, in order. */
  function walkTypes(types: readonly string[], first: number, limit: number): number[] {
    const rows = [...new Set(types)].flatMap((type) => idsOfType.all(type, first, range.last, limit));
    return rows
      .map((row) => int(row, 'id'))
      .sort((a, b) => a - b)
      .slice(0, limit);
  }

  /** The first ids of these chats, in order, a block of the index at a time. */
  function walkChats(
    chats: readonly string[],
    types: readonly string[] | null,
    first: number,
    limit: number,
  ): number[] {
    const last = intOrNull(lastId.get(range.id(1), range.last) ?? { id: null }, 'id') ?? 0;
    const cells = JSON.stringify(chats.map(chatCell));
    const filter = types === null ? null : JSON.stringify(types);
    const ids: number[] = [];
    for (let block = blockOf(first); block <= blockOf(last) && ids.length < limit; block += 1) {
      const rows = idsOfChats.all(block, cells, first, filter, limit - ids.length);
      for (const row of rows) ids.push(int(row, 'id'));
    }
    return ids;
  }

  const srcAfter = (src: string): string | null => textOrNull(nextSrc.get(bot, src) ?? { src: null }, 'src');

  /** The first ids of a key's own, in order. */
  function walkOwned(
    owner: string,
    chats: readonly string[] | null,
    types: readonly string[] | null,
    from: number,
    limit: number,
  ): number[] {
    const cells = chats === null ? null : JSON.stringify(chats.map(chatCell));
    const filter = types === null ? null : JSON.stringify(types);
    return idsOfOwner.all(range.id(0), bot, owner, from, cells, filter, limit).map((row) => int(row, 'id'));
  }

  const toEntry = (row: Row) => entryOf(bot, range, row);
  const entriesOf = (ids: readonly number[]) => rowsOf.all(JSON.stringify(ids)).map(toEntry);

  const journal: Reads = {
    async read({ from, limit: wanted, chats = null, types = null, owner = null }) {
      const limit = Math.max(0, Math.min(wanted, limits.readEntriesMax));
      const first = range.id(Math.max(1, from));
      if (owner !== null) return entriesOf(walkOwned(owner, chats, types, Math.max(1, from), limit));
      if (chats === null && types === null) return all.all(first, range.last, limit).map(toEntry);
      return entriesOf(chats === null ? walkTypes(types ?? [], first, limit) : walkChats(chats, types, first, limit));
    },
    async pollOffset() {
      const row = pollOffset.get(bot);
      return row === undefined ? null : intOrNull(row, 'poll_offset');
    },
    async conversation(id) {
      const row = conversation.get(bot, id);
      return row === undefined ? null : conversationOf(row);
    },
    async conversations({ after, limit, chats }) {
      const most = Math.max(0, limit);
      const rows =
        chats === null
          ? conversations.all(bot, after ?? '', most)
          : conversationsOfChats.all(bot, JSON.stringify(chats), after ?? '', most);
      return rows.map(conversationOf);
    },
    async conversationVersions(after, limit) {
      return versions.all(bot, after, Math.max(0, limit)).map(versionOf);
    },
    async versionCheck() {
      const row = versionCheck.get(bot);
      return row === undefined ? null : { plan: text(row, 'plan'), after: textOrNull(row, 'after') };
    },
    async timersOf(id) {
      return timersOf.all(bot, id).map(timerOf);
    },
    async requestsOf(id) {
      return requestsOf.all(bot, id).map(requestOf);
    },
    async nextTimerAt() {
      const row = nextTimer.get(bot);
      return row === undefined ? null : intOrNull(row, 'at');
    },
    async openRequests(limit) {
      const requests: RequestRecord[] = [];
      for (let src = srcAfter(''); src !== null; src = srcAfter(src))
        requests.push(...openOfSrc.all(bot, src, Math.max(0, limit)).map(requestOf));
      return requests;
    },
    async newestRequests(limit) {
      return newestRequests.all(bot, Math.max(0, limit)).map(requestOf);
    },
    async message(seq) {
      const row = message.get(bot, seq);
      return row === undefined ? null : messageOf(row);
    },
    async messagesWithFiles() {
      return withFiles.all(bot).map(messageOf);
    },
    async nextMessageAt(after = Number.MIN_SAFE_INTEGER) {
      const row = nextMessage.get(bot, after);
      return row === undefined ? null : intOrNull(row, 'at');
    },
    cursor: async (keyId) => cursors.cursor(keyId),
    cursors: async () => cursors.cursors(),
  };
  return {
    journal,
    openRequestCount: (): number => int(openRequestCount.get(bot) ?? { count: 0 }, 'count'),
    firstSeq(): number | null {
      const id = intOrNull(firstId.get(range.id(1), range.last) ?? { id: null }, 'id');
      return id === null ? null : range.seq(id);
    },
  };
}
