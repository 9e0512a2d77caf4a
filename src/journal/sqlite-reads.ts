import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import type { Journal } from './journal.ts';
import { conversationOf, entryOf, int, intOrNull, messageOf, requestOf } from './sqlite-rows.ts';

type Reads = Omit<Journal, 'bot' | 'stream' | 'write' | 'onCommit' | 'bounds' | 'close'>;

/** The journal's reading side, on a connection that sees committed work alone. */
export function prepareReads(db: DatabaseSync, bot: string) {
  const all = db.prepare('SELECT * FROM entries WHERE bot = ? AND seq >= ? ORDER BY seq LIMIT ?');
  const ofTypes = db.prepare(
    `SELECT * FROM entries WHERE bot = ? AND seq >= ? AND type IN (SELECT value FROM json_each(?))
     ORDER BY seq LIMIT ?`,
  );
  const ofChat = db.prepare(
    `SELECT * FROM entries INDEXED BY entries_of_chat WHERE bot = ?1 AND chat = ?2 AND seq >= ?3
       AND (?4 IS NULL OR type IN (SELECT value FROM json_each(?4))) ORDER BY seq LIMIT ?5`,
  );
  const pollOffset = db.prepare('SELECT poll_offset FROM head WHERE bot = ?');
  const conversation = db.prepare('SELECT * FROM conversations WHERE bot = ? AND id = ?');
  const conversations = db.prepare(
    `SELECT * FROM conversations WHERE bot = ?1 AND id > ?2
       AND (?3 IS NULL OR chat IN (SELECT value FROM json_each(?3))) ORDER BY id LIMIT ?4`,
  );
  const nextTimer = db.prepare('SELECT min(due_at) AS at FROM timers WHERE bot = ?');
  const openRequests = db.prepare('SELECT * FROM requests WHERE bot = ? ORDER BY number LIMIT ?');
  const message = db.prepare('SELECT * FROM messages WHERE bot = ? AND seq = ?');
  const depth = db.prepare("SELECT count(*) AS n FROM messages WHERE bot = ? AND status IN ('queued', 'scheduled')");
  const nextMessage = db.prepare(
    `SELECT min(at) AS at FROM (
       SELECT min(due_at) AS at FROM messages WHERE bot = ?1 AND status = 'queued'
       UNION ALL SELECT min(due_at) FROM messages WHERE bot = ?1 AND status = 'scheduled'
       UNION ALL SELECT min(expires_at) FROM messages
         WHERE bot = ?1 AND status IN ('queued', 'scheduled') AND expires_at IS NOT NULL)`,
  );
  const first = db.prepare('SELECT min(seq) AS seq FROM entries WHERE bot = ?');

  const journal: Reads = {
    async read({ from, limit, chats = null, types = null }) {
      const most = Math.min(limit, limits.readEntriesMax);
      const typeFilter = types === null ? null : JSON.stringify(types);
      if (chats !== null) {
        // One index walk a chat, merged: what other chats wrote is not read.
        const rows = chats.flatMap((chat) => ofChat.all(bot, chat, from, typeFilter, most));
        const entries = rows.map((row) => entryOf(bot, row));
        return entries.sort((a, b) => a.seq - b.seq).slice(0, most);
      }
      const rows = typeFilter === null ? all.all(bot, from, most) : ofTypes.all(bot, from, typeFilter, most);
      return rows.map((row) => entryOf(bot, row));
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
      const filter = chats === null ? null : JSON.stringify(chats);
      return conversations.all(bot, after ?? '', filter, limit).map(conversationOf);
    },
    async nextTimerAt() {
      const row = nextTimer.get(bot);
      return row === undefined ? null : intOrNull(row, 'at');
    },
    async openRequests(limit) {
      return openRequests.all(bot, limit).map(requestOf);
    },
    async message(seq) {
      const row = message.get(bot, seq);
      return row === undefined ? null : messageOf(row);
    },
    async outboxDepth() {
      const row = depth.get(bot);
      return row === undefined ? 0 : int(row, 'n');
    },
    async nextMessageAt() {
      const row = nextMessage.get(bot);
      return row === undefined ? null : intOrNull(row, 'at');
    },
  };
  return {
    journal,
    firstSeq(): number | null {
      const row = first.get(bot);
      return row === undefined ? null : intOrNull(row, 'seq');
    },
  };
}
