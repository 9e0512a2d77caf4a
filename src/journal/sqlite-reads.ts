import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import type { Journal } from './journal.ts';
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
} from './sqlite-rows.ts';

type Reads = Omit<Journal, 'bot' | 'stream' | 'write' | 'onCommit' | 'bounds' | 'outboxDepth' | 'close'>;

/** The journal's reading side, on a connection that sees committed work alone. */
export function prepareReads(db: DatabaseSync, bot: string, range: SeqRange) {
  const all = db.prepare('SELECT * FROM entries WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?');
  const rowsOf = db.prepare('SELECT * FROM entries WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id');
  // The ids of one chat, or of one type: a walk along one index, without the entries' bodies.
  const idsOfChat = db.prepare(
    `SELECT id FROM entries INDEXED BY entries_of_chat WHERE chat = ?1 AND id BETWEEN ?2 AND ?3
       AND (?4 IS NULL OR type IN (SELECT value FROM json_each(?4))) ORDER BY id LIMIT ?5`,
  );
  const idsOfType = db.prepare(
    'SELECT id FROM entries INDEXED BY entries_of_type WHERE type = ? AND id BETWEEN ? AND ? ORDER BY id LIMIT ?',
  );
  const pollOffset = db.prepare('SELECT poll_offset FROM head WHERE bot = ?');
  const conversation = db.prepare('SELECT * FROM conversations WHERE bot = ? AND id = ?');
  const conversations = db.prepare('SELECT * FROM conversations WHERE bot = ? AND id > ? ORDER BY id LIMIT ?');
  const conversationsOfChats = db.prepare(
    `SELECT * FROM conversations INDEXED BY conversations_of_chat
     WHERE bot = ? AND chat IN (SELECT value FROM json_each(?)) AND id > ? ORDER BY id LIMIT ?`,
  );
  const nextTimer = db.prepare('SELECT min(due_at) AS at FROM timers WHERE bot = ?');
  const openRequests = db.prepare('SELECT * FROM requests WHERE bot = ? ORDER BY number LIMIT ?');
  const message = db.prepare('SELECT * FROM messages WHERE bot = ? AND seq = ?');
  const nextMessage = db.prepare(
    `SELECT min(at) AS at FROM (
       SELECT min(due_at) AS at FROM lanes INDEXED BY lanes_by_time WHERE bot = ?1 AND due_at > ?2
       UNION ALL SELECT min(due_at) FROM messages INDEXED BY messages_scheduled
         WHERE bot = ?1 AND status = 'scheduled' AND due_at > ?2
       UNION ALL SELECT min(expires_at) FROM messages INDEXED BY messages_expiring
         WHERE bot = ?1 AND status IN ('queued', 'scheduled') AND expires_at IS NOT NULL AND expires_at > ?2)`,
  );
  const firstId = db.prepare('SELECT min(id) AS id FROM entries WHERE id BETWEEN ? AND ?');

  /** The first `limit` ids of several walks, in order. No two walks have an entry in common. */
  function merged(walks: readonly Row[][], limit: number): number[] {
    const ids = walks.flatMap((rows) => rows.map((row) => int(row, 'id')));
    return ids.sort((a, b) => a - b).slice(0, limit);
  }

  const toEntry = (row: Row) => entryOf(bot, range, row);

  const journal: Reads = {
    async read({ from, limit: wanted, chats = null, types = null }) {
      const limit = Math.max(0, Math.min(wanted, limits.readEntriesMax));
      const first = range.id(Math.max(1, from));
      if (chats === null && types === null) return all.all(first, range.last, limit).map(toEntry);
      const typeFilter = types === null ? null : JSON.stringify(types);
      const walks =
        chats === null
          ? [...new Set(types)].map((type) => idsOfType.all(type, first, range.last, limit))
          : [...new Set(chats)].map((chat) => idsOfChat.all(chatCell(chat), first, range.last, typeFilter, limit));
      return rowsOf.all(JSON.stringify(merged(walks, limit))).map(toEntry);
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
    async nextTimerAt() {
      const row = nextTimer.get(bot);
      return row === undefined ? null : intOrNull(row, 'at');
    },
    async openRequests(limit) {
      return openRequests.all(bot, Math.max(0, limit)).map(requestOf);
    },
    async message(seq) {
      const row = message.get(bot, seq);
      return row === undefined ? null : messageOf(row);
    },
    async nextMessageAt(after = Number.MIN_SAFE_INTEGER) {
      const row = nextMessage.get(bot, after);
      return row === undefined ? null : intOrNull(row, 'at');
    },
  };
  return {
    journal,
    firstSeq(): number | null {
      const id = intOrNull(firstId.get(range.id(1), range.last) ?? { id: null }, 'id');
      return id === null ? null : range.seq(id);
    },
  };
}
