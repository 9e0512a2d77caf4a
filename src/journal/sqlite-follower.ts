import { damaged } from '../storage-fault.ts';
import { explaining, inOurWords } from './explaining.ts';
import type { JournalFollower } from './journal.ts';
import { openReader } from './sqlite-open.ts';
import { conversationOf, int, messageOf, seqRange, text } from './sqlite-rows.ts';
import { readSaved } from './sqlite-saved.ts';
import { prepareUnits } from './sqlite-units.ts';

/**
 * Opens a bot's journal to be followed, on a connection of its own: in another thread it costs the writer nothing but what
 * the disk gives. Each answer is as committed at that moment. Throws if there is nothing of this bot yet. What the disk or the
 * database is to blame for is thrown as a SwitchboardError: the errors of another database in the thread are not.
 */
export function openSqliteFollower(folder: string, bot: string): JournalFollower {
  try {
    return explaining(openFollower(folder, bot), inOurWords);
  } catch (error) {
    throw inOurWords(error);
  }
}

function openFollower(folder: string, bot: string): JournalFollower {
  const db = openReader(folder);
  const head = db.prepare('SELECT slot, stream, next_seq FROM head WHERE bot = ?');
  const message = db.prepare('SELECT * FROM messages WHERE id = ?');
  const moved = db.prepare('SELECT chat, moved_to FROM moved_chats WHERE bot = ?');
  const conversations = db.prepare('SELECT * FROM conversations WHERE bot = ? AND id > ? ORDER BY id LIMIT +?');
  const row = head.get(bot);
  if (row === undefined) throw new Error(`There is nothing of bot ${bot} in ${folder}`);
  const range = seqRange(int(row, 'slot'));
  const units = prepareUnits(db, bot, range);

  return {
    bounds() {
      const row = head.get(bot);
      if (row === undefined) throw damaged('the head row is gone');
      const last = int(row, 'next_seq') - 1;
      return { stream: text(row, 'stream'), first: units.firstSeq() ?? last + 1, head: last };
    },
    *entries(from, to) {
      units.forget();
      for (const entry of units.from(from)) {
        if (entry.seq > to) return;
        yield entry;
      }
    },
    entriesOf(seqs) {
      units.forget();
      return units.of(seqs);
    },
    message(seq) {
      const row = message.get(range.id(seq));
      return row === undefined ? null : messageOf(range, row);
    },
    movedChats: () => new Map(moved.all(bot).map((row) => [text(row, 'chat'), text(row, 'moved_to')])),
    conversations: (after, limit) => conversations.all(bot, after, limit).map(conversationOf),
    savedConversations: () => [...readSaved(db, range).records.values()],
    close: () => db.close(),
  };
}
