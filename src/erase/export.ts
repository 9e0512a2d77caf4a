import type { RowPlace, StoredRow, SubjectTable } from '../journal/journal.ts';
import type { Upload } from '../uploads/uploads.ts';
import { uploadsOf } from '../uploads/uploads.ts';
import { type EntryFound, findInRow } from './found.ts';
import { findInEntries, idsOf, type SubjectJournal } from './subject.ts';

/** What lies outside the journal. */
export interface ExportParts {
  readonly stream: string;
  readonly now: () => number;
  /** A file's bytes, in pieces of at most limits.exportFileChunkBytes; none if it is gone. */
  readonly fileOf: (upload: Upload) => AsyncIterable<Uint8Array>;
  /** What the backend in this process keeps of these chats, a record each. */
  readonly payments: (ids: readonly string[]) => Promise<readonly object[]>;
}

/** What a row is called in an export. */
const KINDS: Readonly<Record<SubjectTable, string>> = {
  conversations: 'conversation',
  timers: 'timer',
  requests: 'request',
  held_events: 'held_event',
  quarantined: 'quarantine',
  messages: 'message',
  answers: 'answer',
  closed_chats: 'closed_chat',
  holds: 'hold',
  read_marks: 'read_mark',
};

/** Columns that say how a row is stored, and nothing of the chat. */
const INNER = ['bot', 'slot', 'lane', 'ready_at', 'open', 'opened', 'uncounted', 'number', 'request_hash'];

/**
 * All there is of a chat, a JSON object a line: `export` first, then entries, rows and files, and `end` last, without which it
 * is not whole. Of what others wrote, and of their rows, only the parts that are of this chat or user.
 */
export async function* exportOf(
  journal: SubjectJournal & { readonly bot: string },
  parts: ExportParts,
  chat: string,
): AsyncGenerator<string> {
  const ids = idsOf(journal, chat);
  const set = new Set(ids);
  const { first, head } = journal.bounds();
  let lines = 0;
  const line = (kind: string, fields: object): string => {
    lines += 1;
    return JSON.stringify({ kind, ...fields });
  };
  const at = new Date(parts.now()).toISOString();
  yield line('export', { chat, ids, bot: journal.bot, stream: parts.stream, first, head, at });
  const seqs = new Set<number>();
  for await (const { found } of findInEntries(journal, ids, first, head)) {
    for (const one of found) {
      if (one.isOwn) seqs.add(one.entry.seq);
      yield line(one.isOwn ? 'entry' : 'mention', entryFields(one));
    }
  }
  const isOwnSeq = async (seq: number) => seqs.has(seq);
  for (let after: RowPlace | null = null; ; ) {
    const { rows, next } = await journal.erasing.rowsWith(ids, after);
    for (const row of rows) {
      const found = await findInRow(row, set, isOwnSeq);
      if (found?.isOwn === true) {
        yield line(KINDS[row.table], fieldsOf(row));
        for (const upload of uploadsOfRow(row)) yield* filesOf(row, upload);
      } else if (found !== null) yield line('mention', { in: KINDS[row.table], parts: found.parts });
    }
    if (next === null) break;
    after = next;
  }
  for (const payment of await parts.payments(ids)) yield line('payment', payment);
  yield line('end', { lines: lines + 1 });

  async function* filesOf(row: StoredRow, upload: Upload): AsyncGenerator<string> {
    const { part, name, type, size, sha256 } = upload;
    let offset = 0;
    for await (const bytes of parts.fileOf(upload)) {
      const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
      yield line('file', { message: row.seq, part, name, type, size, sha256, offset, content });
      offset += bytes.length;
    }
  }
}

function entryFields({ entry, isOwn, parts }: EntryFound): object {
  const { seq, type, bot, chat, at, body } = entry;
  const envelope = { seq, type, bot, chat, at: new Date(at).toISOString() };
  return isOwn ? { ...envelope, ...JSON.parse(body) } : { ...envelope, parts };
}

const uploadsOfRow = ({ table, columns }: StoredRow): readonly Upload[] =>
  table === 'messages' && typeof columns.files === 'string' ? uploadsOf(columns.files) : [];

const JSON_COLUMNS = ['state', 'snapshot', 'event', 'details', 'input', 'params', 'error', 'answer', 'files'];

function fieldsOf({ seq, columns }: StoredRow): object {
  const fields = Object.entries(columns).filter(([name, value]) => !INNER.includes(name) && value !== null);
  const named = fields.map(([name, value]) => [name, JSON_COLUMNS.includes(name) ? asJson(value) : value] as const);
  return { ...Object.fromEntries(named), ...(seq === null ? {} : { id: seq, seq }) };
}

/** A conversation's error is text, a message's is JSON. */
function asJson(value: string | number | null): unknown {
  try {
    return JSON.parse(String(value));
  } catch {
    return value;
  }
}
