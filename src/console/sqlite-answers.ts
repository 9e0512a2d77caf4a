import type { DatabaseSync } from 'node:sqlite';
import type { Entry, JournalFollower, MessageRecord } from '../journal/journal.ts';
import type {
  ConsoleAnswers,
  Hit,
  Line,
  Progress,
  ReadMarks,
  SentMessage,
  TranscriptQuery,
  Viewer,
} from './console.ts';
import { fieldsOf, textOrNull } from './fields.ts';
import { readEntry } from './lines.ts';
import { prepareChats } from './sqlite-chats.ts';
import { matchOf, snippetOf } from './words.ts';

export interface AnswersOptions {
  readonly db: DatabaseSync;
  readonly follower: JournalFollower;
  readonly marks: Pick<ReadMarks, 'of'>;
  readonly progress: () => Progress;
}

/** Chats found by their name beside the hits of a search. */
const NAMED_MAX = 5;

/** Answers the console's questions from the index, and with the journal's own words. */
export function createAnswers({ db, follower, marks, progress }: AnswersOptions): ConsoleAnswers {
  const chats = prepareChats(db, marks);
  const before = db.prepare('SELECT seq FROM lines WHERE chat = ? AND seq < ? ORDER BY seq DESC LIMIT ?');
  const after = db.prepare('SELECT seq FROM lines WHERE chat = ? AND seq > ? ORDER BY seq LIMIT ?');
  const words = db.prepare(
    'SELECT rowid AS seq FROM words WHERE words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?',
  );
  const today = db.prepare('SELECT moved_to FROM chats WHERE chat = ?');
  const nameOf = db.prepare('SELECT name FROM chats WHERE chat = ?');

  const maySee = ({ chats }: Viewer, chat: string): boolean => chats === null || chats.includes(chat);

  /** I7: how many entries there are tells of others, and so does which of them is damaged: of certain chats there are percents. */
  function progressFor({ chats }: Viewer): Progress {
    const { indexed, entries, complete, fault } = progress();
    if (chats === null) return { indexed, entries, complete, fault };
    const percent = entries === 0 ? 100 : Math.floor((indexed * 100) / entries);
    return { indexed: percent, entries: 100, complete, fault: fault === null ? null : 'The database is damaged' };
  }

  /** A chat, and what it was called before. */
  function idsOf(viewer: Viewer, chat: string): string[] {
    const former = [...follower.movedChats()].flatMap(([from, to]) => (to === chat ? [from] : []));
    return [chat, ...former].filter((id) => maySee(viewer, id));
  }

  /** Where an entry of a chat is shown today. */
  function shownAt(viewer: Viewer, chat: string): string {
    const to = today.get(chat)?.moved_to;
    return typeof to === 'string' && maySee(viewer, to) ? to : chat;
  }

  const merged = (pages: readonly number[][], limit: number, newest: boolean): number[] => {
    const seqs = pages.flat().sort((a, b) => a - b);
    return newest ? seqs.slice(-limit) : seqs.slice(0, limit);
  };
  const seqs = (statement: typeof before, ids: readonly string[], at: number, limit: number, newest: boolean) =>
    merged(
      ids.map((id) => statement.all(id, at, limit).map(({ seq }) => Number(seq))),
      limit,
      newest,
    );

  function linesOf(viewer: Viewer, of: readonly number[]): Line[] {
    return [...follower.entriesOf(of)].flatMap((entry) => {
      const line = readEntry(entry)?.line ?? null;
      return line === null ? [] : [line.message === null ? line : { ...line, ...sentOf(viewer, line, line.message) }];
    });
  }

  function sentOf(viewer: Viewer, { seq }: Line, message: SentMessage): Partial<Line> {
    const record = follower.message(seq);
    if (record === null) return {};
    return { message_id: record.telegramMessageId, message: { ...message, ...fateOf(viewer, record) } };
  }

  function spanOf(ids: readonly string[], { before: to, after: from, around, limit }: TranscriptQuery) {
    if (from !== null) {
      const found = seqs(after, ids, from, limit + 1, false);
      return { found: found.slice(0, limit), earlier: true, later: found.length > limit };
    }
    if (around !== null) {
      const half = Math.ceil(limit / 2);
      const older = seqs(before, ids, around, half + 1, true);
      const newer = seqs(after, ids, around - 1, half + 1, false);
      const found = [...older.slice(-half), ...newer.slice(0, half)];
      return { found, earlier: older.length > half, later: newer.length > half };
    }
    const found = seqs(before, ids, to ?? Number.MAX_SAFE_INTEGER, limit + 1, true);
    return { found: found.slice(-limit), earlier: found.length > limit, later: to !== null };
  }

  return {
    chats(viewer, query) {
      const page = chats.page(viewer, query);
      const total = query.after === null && query.ids === null ? chats.total(viewer) : null;
      return { ...page, total, progress: progressFor(viewer) };
    },
    states: (viewer) => chats.states(viewer),
    transcript(viewer, chat, query) {
      const { found, earlier, later } = spanOf(idsOf(viewer, chat), query);
      const asked = { status: null, machine: null, state: null, unread: false, after: null };
      const [own = null] = chats.page(viewer, { ...asked, ids: [chat], limit: 1 }).chats;
      return { chat: own, lines: linesOf(viewer, found), earlier, later, progress: progressFor(viewer) };
    },
    search(viewer, { text, chat, before: to, limit }) {
      const within = chat === null ? viewer.chats : idsOf(viewer, chat);
      const match = matchOf(text, within);
      const found =
        match === null ? [] : words.all(match, to ?? Number.MAX_SAFE_INTEGER, limit + 1).map(({ seq }) => Number(seq));
      const hits = hitsOf(viewer, [...found.slice(0, limit)].reverse(), text).reverse();
      const next = found.length > limit ? (found[limit - 1] ?? null) : null;
      const named = chat === null && to === null ? chats.named(viewer, text, NAMED_MAX) : [];
      return { chats: named, hits, next, progress: progressFor(viewer) };
    },
    place(viewer, seq) {
      const [entry] = follower.entriesOf([seq]);
      if (entry === undefined || entry.chat === null || !maySee(viewer, entry.chat)) return null;
      const fate = readEntry(entry)?.fate;
      return { chat: shownAt(viewer, entry.chat), seq: fate?.message ?? seq };
    },
  };

  function hitsOf(viewer: Viewer, of: readonly number[], asked: string): Hit[] {
    return [...follower.entriesOf(of)].flatMap((entry: Entry) => {
      const line = readEntry(entry)?.line ?? null;
      // The index's word for a chat is made of its id: what it lets through is looked at again (I7).
      if (line === null || !maySee(viewer, line.chat)) return [];
      const chat = shownAt(viewer, line.chat);
      const name = textOrNull(nameOf.get(chat)?.name);
      const text = [line.text, ...line.media.map(({ name }) => name ?? '')].join(' ').trim();
      return [{ seq: line.seq, chat, name, at: line.at, out: line.side === 'out', snippet: snippetOf(text, asked) }];
    });
  }
}

/** What became of a message, as its row says. */
function fateOf({ admin, keyId }: Viewer, record: MessageRecord): Partial<SentMessage> {
  const error = fieldsOf(record.error === null ? null : JSON.parse(record.error));
  return {
    status: record.status,
    attempts: record.attempts,
    send_at: record.status === 'scheduled' ? new Date(record.dueAt).toISOString() : null,
    error: textOrNull(error.description),
    may_have_arrived: error.may_have_arrived === true,
    own: admin || record.keyId === keyId,
  };
}
