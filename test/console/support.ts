import type { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Console, ConsoleAnswers, Viewer } from '../../src/console/console.ts';
import { createIndexing } from '../../src/console/indexing.ts';
import { openConsoleStore } from '../../src/console/sqlite.ts';
import { createAnswers } from '../../src/console/sqlite-answers.ts';
import { createSqliteReadMarks } from '../../src/console/sqlite-marks.ts';
import { openConsoleDb } from '../../src/console/sqlite-open.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openSqliteFollower } from '../../src/journal/sqlite-follower.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { addMessage } from '../../src/outbox/outbox.ts';
import { conversation } from '../journal/records.ts';
import { textUpdate } from '../support/updates.ts';

export const ADMIN: Viewer = { keyId: '1', chats: null, admin: true };

/** The console's index over a data folder, in this thread: it takes a step when it is told to. `own`: where its file is. */
export function openIndex(folder: string, own = folder, bot = '1') {
  const follower = openSqliteFollower(folder, bot);
  const db = openConsoleDb(own);
  const marksDb = openDatabase(folder);
  const indexing = createIndexing(follower, openConsoleStore(db), systemClock);
  const marks = createSqliteReadMarks(marksDb);
  const answers: ConsoleAnswers = createAnswers({ db, follower, marks, progress: indexing.progress });
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    for (const one of [follower, db, marksDb]) one.close();
  };
  onTestFinished(close);
  return {
    ...{ db, indexing, answers, marks, follower, close },
    /** Until there is nothing to do. */
    settle(): void {
      while (indexing.step() !== 'idle');
    },
  };
}

/** All that an index holds, but in what order it came to hold it. */
export function contentOf(db: DatabaseSync): Record<string, unknown> {
  const rows = (sql: string) =>
    db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  return {
    // The time of a chat of which nothing is kept is the conversation's, or that of an entry that is gone.
    chats: rows('SELECT chat, name, text, text_out, heard, moved_to FROM chats ORDER BY chat'),
    conversations: rows('SELECT id, chat, machine, state, quarantined FROM conversations ORDER BY id'),
    lines: rows('SELECT * FROM lines ORDER BY seq'),
    fates: rows('SELECT message, status FROM fates ORDER BY message'),
    words: rows("SELECT rowid FROM words WHERE words MATCH 'word OR payment OR note' ORDER BY rowid"),
  };
}

/** A user writes: one entry. */
export const say = (journal: Journal, chat: string, text: string): Promise<number> =>
  journal.write(async (tx) => {
    const update = textUpdate(Number(chat), text);
    return tx.append({ type: 'update.received', chat, updateId: update.update_id, body: JSON.stringify({ update }) });
  });

/** A conversation moves, as a step of it writes it. */
export const move = (journal: Journal, chat: string, to: string): Promise<void> =>
  journal.write(async (tx) => {
    const seq = tx.nextSeq();
    tx.append({ type: 'chat.moved', chat, body: JSON.stringify({ machine: 'payment', from: null, to }) });
    tx.saveConversation(conversation(chat, { state: JSON.stringify(to), lastSeq: seq }));
  });

/** A message is accepted. Gives its seq. */
export const post = (journal: Journal, chat: string, text: string): Promise<number> =>
  journal.write(async (tx) => {
    const wish = { priority: 1, sendAt: null, expiresAt: null, onUnknown: 'hold' } as const;
    const params = JSON.stringify({ chat_id: Number(chat), text });
    return addMessage(tx, '1', { ...wish, chat, method: 'sendMessage', params, keyId: 'k' }).seq;
  });

/** Telegram answered, or did not. */
export const settleMessage = (journal: Journal, seq: number, status: 'sent' | 'unknown' | 'failed'): Promise<void> =>
  journal.write(async (tx) => {
    const message = await tx.message(seq);
    if (message === null) throw new Error(`There is no message ${seq}`);
    const error = status === 'sent' ? null : '{"code":0,"description":"the answer was lost"}';
    tx.changeMessage(seq, { status, error });
    const body = JSON.stringify({
      message: { id: `1-${seq}`, status, chat_id: Number(message.chat), method: 'sendMessage' },
    });
    tx.append({ type: `message.${status}`, chat: message.chat, owner: 'k', body });
  });

/** The console over a data folder, answered in this thread with all that is committed. */
export function consoleIn(folder: string, bot: string) {
  const index = openIndex(folder, folder, bot);
  const now = (): ConsoleAnswers => {
    index.settle();
    return index.answers;
  };
  const console: Console = {
    chats: async (...asked) => now().chats(...asked),
    states: async (...asked) => now().states(...asked),
    transcript: async (...asked) => now().transcript(...asked),
    search: async (...asked) => now().search(...asked),
    place: async (...asked) => now().place(...asked),
  };
  return { console, marks: index.marks };
}
