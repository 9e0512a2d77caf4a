import type { DatabaseSync } from 'node:sqlite';
import type { ConversationRecord, Entry } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { ErasedFromIndex } from './console.ts';
import { stateText } from './fields.ts';

import type { IndexStore, Reached } from './indexing.ts';
import { readEntry } from './lines.ts';
import { chatWord, searchable } from './words.ts';

interface ChatNews {
  seq: number;
  at: number;
  name: string | null;
  nameSeq: number;
  text: string | null;
  textOut: number;
  textSeq: number;
  heard: number;
}

/**
 * The index's tables, on the connection that writes them. Entries may come in any order: each thing that is kept has the
 * seq that told it, and the newest tells. What is taken in commits with how far that is.
 */
export function openConsoleStore(db: DatabaseSync): IndexStore {
  const sql = {
    progress: db.prepare('SELECT stream, ranges, first, seeded FROM progress'),
    reach: db.prepare('INSERT OR REPLACE INTO progress (one, stream, ranges, first, seeded) VALUES (1, ?, ?, ?, ?)'),
    line: db.prepare('INSERT OR REPLACE INTO lines (seq, chat, heard) VALUES (?, ?, ?)'),
    // A crash leaves no half of a batch: a row that is there already is of a batch that is not taken in twice.
    words: db.prepare('INSERT INTO words (rowid, text, chat) VALUES (?, ?, ?)'),
    fate: db.prepare(
      `INSERT INTO fates (message, chat, status, seq) VALUES (?, ?, ?, ?)
       ON CONFLICT (message) DO UPDATE SET chat = excluded.chat, status = excluded.status, seq = excluded.seq
       WHERE excluded.seq > seq`,
    ),
    chat: db.prepare(
      `INSERT INTO chats (chat, seq, at, name, name_seq, text, text_out, text_seq, heard) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (chat) DO UPDATE SET
         seq = max(seq, excluded.seq), at = iif(excluded.seq > seq, excluded.at, at),
         name = iif(excluded.name_seq > name_seq, excluded.name, name), name_seq = max(name_seq, excluded.name_seq),
         text = iif(excluded.text_seq > text_seq, excluded.text, text),
         text_out = iif(excluded.text_seq > text_seq, excluded.text_out, text_out),
         text_seq = max(text_seq, excluded.text_seq), heard = max(heard, excluded.heard)`,
    ),
    conversation: db.prepare(
      `INSERT INTO conversations (id, chat, machine, state, state_seq, quarantined, quarantined_seq) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET
         machine = iif(excluded.state_seq > state_seq, excluded.machine, machine),
         state = iif(excluded.state_seq > state_seq, excluded.state, state), state_seq = max(state_seq, excluded.state_seq),
         quarantined = iif(excluded.quarantined_seq > quarantined_seq, excluded.quarantined, quarantined),
         quarantined_seq = max(quarantined_seq, excluded.quarantined_seq)`,
    ),
    moveChat: db.prepare('UPDATE chats SET moved_to = ? WHERE chat = ? AND moved_to IS NOT ?'),
    moveConversations: db.prepare(
      'UPDATE OR REPLACE conversations SET id = ? || substr(id, length(?) + 1), chat = ? WHERE chat = ?',
    ),
    oldLines: db.prepare('SELECT seq FROM lines WHERE seq < ? ORDER BY seq LIMIT ?'),
    dropWords: db.prepare('DELETE FROM words WHERE rowid BETWEEN ? AND ?'),
    merge: db.prepare("INSERT INTO words (words, rank) VALUES ('merge', ?)"),
    changes: db.prepare('SELECT total_changes() AS changes'),
    dropLines: db.prepare('DELETE FROM lines WHERE seq BETWEEN ? AND ?'),
    dropFates: db.prepare('DELETE FROM fates WHERE message < ?'),
    dropNames: db.prepare('UPDATE chats SET name = NULL, name_seq = 0 WHERE name_seq BETWEEN 1 AND ?'),
    dropTexts: db.prepare('UPDATE chats SET text = NULL, text_out = 0, text_seq = 0 WHERE text_seq BETWEEN 1 AND ?'),
    dropHeard: db.prepare('UPDATE chats SET heard = 0 WHERE heard BETWEEN 1 AND ?'),
    chatOfLine: db.prepare('SELECT chat FROM lines WHERE seq = ?'),
    linesOfChat: db.prepare('SELECT seq FROM lines WHERE chat = ? AND seq <= ?'),
    newestLines: db.prepare('SELECT seq FROM lines WHERE chat = ? ORDER BY seq DESC LIMIT ?'),
    dropFatesOf: db.prepare('DELETE FROM fates WHERE chat = ? AND message <= ?'),
    dropChat: db.prepare('DELETE FROM chats WHERE chat = ?'),
    dropConversationsOf: db.prepare("DELETE FROM conversations WHERE chat = ?1 OR id LIKE '%:u' || ?1"),
    dropTold: db.prepare(
      `UPDATE chats SET name = iif(name_seq = ?1, NULL, name), name_seq = iif(name_seq = ?1, 0, name_seq),
         text = iif(text_seq = ?1, NULL, text), text_out = iif(text_seq = ?1, 0, text_out),
         text_seq = iif(text_seq = ?1, 0, text_seq), heard = iif(heard = ?1, 0, heard)
       WHERE chat = ?2`,
    ),
    dropChats: db.prepare(
      'DELETE FROM chats WHERE seq <= ? AND NOT EXISTS (SELECT 1 FROM conversations AS c WHERE c.chat = chats.chat)',
    ),
  };
  const changes = (): number => Number(sql.changes.get()?.changes);
  let isMerging = false;
  let moved: ReadonlyMap<string, string> = new Map();

  function transaction(reached: Reached, work: () => void): void {
    db.exec('BEGIN IMMEDIATE');
    try {
      work();
      sql.reach.run(reached.stream, JSON.stringify(reached.ranges), reached.first, reached.seeded);
      db.exec('COMMIT');
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK');
      throw error;
    }
  }

  function noteMove(chat: string): void {
    const to = moved.get(chat);
    if (to !== undefined) sql.moveChat.run(to, chat, to);
  }

  /** A conversation's id with the id that its group has today. */
  function idToday(conversation: string, chat: string): readonly [string, string] {
    const today = moved.get(chat) ?? chat;
    return [today + conversation.slice(chat.length), today];
  }

  function dropLine(seq: number): void {
    sql.dropWords.run(seq, seq);
    sql.dropLines.run(seq, seq);
  }

  return {
    erase({ chats, through, seqs }: ErasedFromIndex, reached: Reached): number[] {
      const again = new Set<number>(seqs);
      transaction(reached, () => {
        const touched = new Set<string>(chats);
        for (const seq of seqs) {
          const chat = sql.chatOfLine.get(seq)?.chat;
          dropLine(seq);
          if (typeof chat !== 'string') continue;
          touched.add(chat);
          sql.dropTold.run(seq, chat);
        }
        for (const chat of chats) {
          for (const { seq } of sql.linesOfChat.all(chat, through)) dropLine(Number(seq));
          sql.dropFatesOf.run(chat, through);
          sql.dropChat.run(chat);
          sql.dropConversationsOf.run(chat);
        }
        // What a list shows of a chat, its newest lines tell anew.
        for (const chat of touched) {
          for (const { seq } of sql.newestLines.all(chat, limits.eraseLinesReadAgain)) again.add(Number(seq));
        }
        for (const seq of again) dropLine(seq);
      });
      return [...again].sort((a, b) => a - b);
    },
    empty(): boolean {
      db.exec("INSERT INTO words (words) VALUES ('optimize')");
      return db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0;
    },
    reached(): Reached | null {
      const row = sql.progress.get();
      if (row === undefined) return null;
      const ranges = spansOf(String(row.ranges));
      if (ranges === null) return null;
      const seeded = row.seeded === null ? null : String(row.seeded);
      return { stream: String(row.stream), ranges: ranges, first: Number(row.first), seeded };
    },
    clear(reached: Reached): void {
      transaction(reached, () => {
        db.exec('DELETE FROM chats; DELETE FROM conversations; DELETE FROM lines; DELETE FROM fates');
        db.exec("INSERT INTO words (words) VALUES ('delete-all')");
      });
    },
    take(entries: Iterable<Entry>, reached: Reached): boolean {
      let migrates = false;
      const news = new Map<string, ChatNews>();
      transaction(reached, () => {
        for (const entry of entries) {
          const read = readEntry(entry);
          if (read === null) continue;
          const chat = String(entry.chat);
          const { seq, at } = entry;
          const { line, name, fate, standing } = read;
          migrates ||= read.migrates;
          const of = news.get(chat) ?? {
            seq,
            at,
            name: null,
            nameSeq: 0,
            text: null,
            textOut: 0,
            textSeq: 0,
            heard: 0,
          };
          news.set(chat, of);
          [of.seq, of.at] = [seq, at];
          if (name !== null) [of.name, of.nameSeq] = [name, seq];
          if (fate !== null && fate.message >= reached.first) sql.fate.run(fate.message, chat, fate.status, seq);
          if (standing !== null) {
            const [id, today] = idToday(standing.conversation, chat);
            const { machine, state, quarantined } = standing;
            sql.conversation.run(
              id,
              today,
              machine ?? '',
              state ?? '',
              state === undefined ? 0 : seq,
              Number(quarantined),
              seq,
            );
          }
          if (line === null) continue;
          const heard = line.side === 'in' ? 1 : 0;
          sql.line.run(seq, chat, heard);
          if (heard === 1) of.heard = seq;
          const shown = line.text || line.media.map(({ kind, name }) => name ?? kind).join(', ');
          if (line.side !== 'notice' && (shown !== '' || heard === 1)) {
            [of.text, of.textOut, of.textSeq] = [
              (shown || line.label).slice(0, limits.consolePreviewLengthMax),
              1 - heard,
              seq,
            ];
          }
          const words = [line.text, ...line.media.map(({ name }) => name ?? '')].join(' ').trim();
          if (words !== '') sql.words.run(seq, searchable(words), chatWord(chat));
        }
        for (const [chat, of] of news) {
          sql.chat.run(chat, of.seq, of.at, of.name, of.nameSeq, of.text, of.textOut, of.textSeq, of.heard);
          noteMove(chat);
        }
      });
      return migrates;
    },
    seed(records: readonly ConversationRecord[], reached: Reached): void {
      transaction(reached, () => {
        for (const { id, chat, machine, state, status, lastSeq, updatedAt } of records) {
          const quarantined = status === 'quarantined' ? 1 : 0;
          sql.chat.run(chat, lastSeq, updatedAt, null, 0, null, 0, 0, 0);
          const [today, chatToday] = idToday(id, chat);
          const value = stateText(JSON.parse(state));
          sql.conversation.run(today, chatToday, machine, value, lastSeq, quarantined, lastSeq);
          noteMove(chat);
        }
      });
    },
    move(chats: ReadonlyMap<string, string>, reached: Reached): void {
      moved = chats;
      transaction(reached, () => {
        for (const [from, to] of chats) {
          sql.moveChat.run(to, from, to);
          sql.moveConversations.run(to, from, to, from);
        }
      });
    },
    forget(reached: Reached): boolean {
      const before = reached.first;
      const old = sql.oldLines.all(before, limits.consoleBatchEntries).map(({ seq }) => Number(seq));
      const [first, last] = [old[0], old.at(-1)];
      transaction(reached, () => {
        if (first !== undefined && last !== undefined) {
          sql.dropWords.run(first, last);
          sql.dropLines.run(first, last);
        }
        if (old.length === limits.consoleBatchEntries) return;
        sql.dropFates.run(before);
        for (const drop of [sql.dropNames, sql.dropTexts, sql.dropHeard, sql.dropChats]) drop.run(before - 1);
      });
      return old.length === limits.consoleBatchEntries;
    },
    tidy(): boolean {
      // FTS5 keeps the words of deleted rows until their part of the index is merged. A negative number begins with all of it.
      const before = changes();
      sql.merge.run(isMerging ? limits.consoleTidyPages : -limits.consoleTidyPages);
      // https://sqlite.org/fts5.html#the_merge_command: less than two changes tell that nothing was left to do.
      isMerging = changes() - before >= 2;
      if (isMerging) return true;
      // If somebody writes just now, the next time does it.
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      return false;
    },
  };
}

/** Null where they cannot be read: the file is damaged there. */
function spansOf(text: string): (readonly [number, number])[] | null {
  try {
    return JSON.parse(text).map((span: readonly unknown[]) => [Number(span[0]), Number(span[1])]);
  } catch {
    return null;
  }
}
