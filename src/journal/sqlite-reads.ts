import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import {
  type ConversationRecord,
  type ConversationVersion,
  type Entry,
  type Journal,
  lengthOf,
  type ReadQuery,
  type RequestRecord,
} from './journal.ts';
import { prepareCallbackReads } from './sqlite-callbacks.ts';
import type { Conversations } from './sqlite-conversations.ts';
import { prepareCursorReads } from './sqlite-cursors.ts';
import { prepareFigures } from './sqlite-figures.ts';
import { prepareHeldAwaited } from './sqlite-held.ts';
import type { EntryIndex } from './sqlite-index.ts';
import {
  conversationOf,
  int,
  intOrNull,
  messageOf,
  requestOf,
  type SeqRange,
  text,
  textOrNull,
  timerOf,
  versionOf,
} from './sqlite-rows.ts';
import { prepareUnits } from './sqlite-units.ts';
import { prepareUnknown } from './sqlite-unknown.ts';

type Reads = Omit<
  Journal,
  | 'bot'
  | 'stream'
  | 'buttons'
  | 'write'
  | 'onCommit'
  | 'onFault'
  | 'refuseWrites'
  | 'bounds'
  | 'seqAt'
  | 'outboxDepth'
  | 'openRequestCount'
  | 'copyHold'
  | 'emptyLog'
  | 'erasing'
  | 'close'
>;

/** The journal's reading side, on a connection that sees committed work alone. */
export function prepareReads(
  db: DatabaseSync,
  bot: string,
  range: SeqRange,
  index: EntryIndex,
  onTheWay: Conversations,
  bounds: () => { readonly first: number; readonly head: number },
) {
  const units = prepareUnits(db, bot, range);
  const pollOffset = db.prepare('SELECT poll_offset FROM head WHERE bot = ?');
  const conversation = db.prepare('SELECT * FROM conversations WHERE bot = ? AND id = ?');
  const conversations = db.prepare('SELECT * FROM conversations WHERE bot = ? AND id > ? ORDER BY id LIMIT +?');
  const conversationsOfChats = db.prepare(
    `SELECT * FROM conversations INDEXED BY conversations_of_chat
     WHERE bot = ? AND chat IN (SELECT value FROM json_each(?)) AND id > ? ORDER BY id LIMIT +?`,
  );
  const versions = db.prepare(
    'SELECT id, machine, version, status, state FROM conversations WHERE bot = ? AND id > ? ORDER BY id LIMIT +?',
  );
  const versionCheck = db.prepare('SELECT plan, after FROM version_check WHERE bot = ?');
  const timersOf = db.prepare('SELECT * FROM timers WHERE bot = ? AND conversation = ? ORDER BY +due_at, number, id');
  const heldAwaited = prepareHeldAwaited(db, bot);
  const requestsOf = db.prepare('SELECT * FROM requests WHERE bot = ? AND conversation = ? ORDER BY number');
  const quarantined = db.prepare(
    'SELECT conversation FROM quarantined WHERE bot = ? AND conversation > ? ORDER BY conversation LIMIT +?',
  );
  const nextTimer = db.prepare('SELECT min(due_at) AS at FROM timers WHERE bot = ?');
  const nextSrc = db.prepare('SELECT min(src) AS src FROM requests WHERE bot = ? AND src > ?');
  const openOfSrc = db.prepare('SELECT * FROM requests WHERE bot = ? AND src = ? ORDER BY number LIMIT +?');
  const newestRequests = db.prepare('SELECT * FROM requests WHERE bot = ? ORDER BY number DESC LIMIT +?');
  const openRequestCount = db.prepare('SELECT count(*) AS count FROM requests WHERE bot = ?');
  const message = db.prepare('SELECT * FROM messages WHERE id = ?');
  const former = db.prepare('SELECT chat FROM moved_chats WHERE bot = ? AND moved_to = ? ORDER BY chat');
  const withFiles = db.prepare(
    'SELECT * FROM messages INDEXED BY messages_with_files WHERE id BETWEEN ? AND ? AND files IS NOT NULL ORDER BY id',
  );
  const unknown = prepareUnknown(db, range);
  const callbacks = prepareCallbackReads(db, bot);
  const cursors = prepareCursorReads(db, bot);
  const srcAfter = (src: string): string | null => textOrNull(nextSrc.get(bot, src) ?? { src: null }, 'src');

  /** A key's own entries, of these chats and types. */
  function* ownedEntries(
    owner: string,
    from: number,
    to: number,
    chats: readonly string[] | null,
    types: readonly string[] | null,
  ): Generator<Entry> {
    for (const entry of units.of(index.seqsOfOwner(owner, from, to))) {
      const ofChat = chats === null || (entry.chat !== null && chats.includes(entry.chat));
      if (ofChat && (types === null || types.includes(entry.type))) yield entry;
    }
  }

  function find({ from, to, chats = null, types = null, owner = null }: ReadQuery): Iterable<Entry> {
    const { first: kept, head } = bounds();
    const [first, last] = [Math.max(kept, from), Math.min(head, to ?? head)];
    if (owner !== null) return ownedEntries(owner, first, last, chats, types);
    if (chats === null && types === null) return units.from(first, to);
    return units.of(index.seqs(first, last, chats, types));
  }

  const journal: Reads = {
    async read(query) {
      const { limit, lengthMax = Number.POSITIVE_INFINITY } = query;
      return firstOf(find(query), Math.max(0, Math.min(limit, limits.readEntriesMax)), lengthMax);
    },
    async lastSeq({ from, to, chats, owner }) {
      const { first, head } = bounds();
      return index.last(Math.max(first, from), Math.min(head, to), chats, owner);
    },
    async pollOffset() {
      const row = pollOffset.get(bot);
      return row === undefined ? null : intOrNull(row, 'poll_offset');
    },
    async conversation(id) {
      const record = onTheWay.onTheWay(id);
      if (record !== undefined) return record;
      const row = conversation.get(bot, id);
      return row === undefined ? null : conversationOf(row);
    },
    async conversations({ after, limit, chats }) {
      const [begin, most] = [after ?? '', Math.max(0, limit)];
      const rows =
        chats === null
          ? conversations.all(bot, begin, most)
          : conversationsOfChats.all(bot, JSON.stringify(chats), begin, most);
      const newer = onTheWay.onTheWayAfter(begin).filter(({ chat }) => chats === null || chats.includes(chat));
      return pageOf(rows.map(conversationOf), newer, most);
    },
    async conversationVersions(after, limit) {
      const most = Math.max(0, limit);
      return pageOf(
        versions.all(bot, after, most).map(versionOf),
        onTheWay.onTheWayAfter(after).map(onlyVersion),
        most,
      );
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
    ...heldAwaited,
    ...prepareFigures(db, bot, range),
    async quarantined({ after, limit, chats }) {
      const found: ConversationRecord[] = [];
      for (let from = after ?? ''; found.length < limit; ) {
        const ids = quarantined.all(bot, from, limit).map((row) => text(row, 'conversation'));
        for (const id of ids) {
          const record = await journal.conversation(id);
          const visible = chats === null || chats.includes(record?.chat ?? '');
          if (record?.status === 'quarantined' && visible && found.length < limit) found.push(record);
        }
        if (ids.length < limit) break;
        from = ids.at(-1) ?? from;
      }
      return found;
    },
    async nextTimerAt() {
      const row = nextTimer.get(bot);
      return row === undefined ? null : intOrNull(row, 'at');
    },
    async openRequests(limit, after = '') {
      const requests: RequestRecord[] = [];
      let src = srcAfter(after);
      for (let n = 0; src !== null && n < limits.requestSrcsPerLook; n += 1) {
        requests.push(...openOfSrc.all(bot, src, Math.max(0, limit)).map(requestOf));
        src = srcAfter(src);
      }
      return requests;
    },
    async newestRequests(limit) {
      return newestRequests.all(bot, Math.max(0, limit)).map(requestOf);
    },
    async message(seq) {
      const row = message.get(range.id(seq));
      return row === undefined ? null : messageOf(range, row);
    },
    async unknownMessages(query, limit) {
      return unknown.page(query, limit);
    },
    formerChats(chat) {
      return former.all(bot, chat).map((row) => text(row, 'chat'));
    },
    async messagesWithFiles() {
      return withFiles.all(range.id(1), range.last).map((row) => messageOf(range, row));
    },
    callback: async (keyId) => callbacks.callback(keyId),
    cursor: async (keyId) => cursors.cursor(keyId),
    cursors: async () => cursors.cursors(),
  };
  return {
    journal,
    units,
    openRequestCount: (): number => int(openRequestCount.get(bot) ?? { count: 0 }, 'count'),
  };
}

const onlyVersion = ({ id, machine, version, status, state }: ConversationRecord): ConversationVersion => ({
  id,
  machine,
  version,
  status,
  state,
});

/** A page of the table, ordered by id, with what is on its way there in place of what is older. */
function pageOf<T extends { readonly id: string }>(rows: readonly T[], newer: readonly T[], limit: number): T[] {
  if (newer.length === 0) return [...rows];
  const records = new Map([...rows, ...newer].map((record) => [record.id, record]));
  return [...records.values()].sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit);
}

/** No more of the entries is read than is given. */
function firstOf(entries: Iterable<Entry>, limit: number, lengthMax: number): Entry[] {
  const first: Entry[] = [];
  if (limit === 0) return first;
  let length = 0;
  for (const entry of entries) {
    length += lengthOf(entry);
    if (first.push(entry) === limit || length >= lengthMax) break;
  }
  return first;
}
