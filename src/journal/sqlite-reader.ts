import { SwitchboardError } from '../errors.ts';
import { requireData } from './data-folder.ts';
import type { JournalReader } from './journal.ts';
import { openConversations } from './sqlite-conversations.ts';
import { openEntryIndex } from './sqlite-index.ts';
import { openReader, schemaVersions } from './sqlite-open.ts';
import { prepareReads } from './sqlite-reads.ts';
import { int, seqRange } from './sqlite-rows.ts';
import { prepareUnits } from './sqlite-units.ts';

/**
 * Opens a bot's journal to be read alone, whether or not a server has it open: no epoch is taken and nothing is written.
 * It is read as it stood at that moment, in one transaction: what a server commits meanwhile waits in the write-ahead log.
 * Throws where the folder holds no data, none of this bot, or data of another version of the schema.
 */
export function openSqliteReader(folder: string, bot: string): JournalReader {
  requireData(folder);
  const db = openReader(folder);
  try {
    db.exec('BEGIN');
    const { stored, newest } = schemaVersions(db);
    if (stored > newest) {
      throw new SwitchboardError('data_newer', `${folder} is of a newer Switchboard, ${stored} and not ${newest}`);
    }
    if (stored < newest) throw new Error(`${folder} is of an older Switchboard: this one brings it up when it starts`);
    const row = db.prepare('SELECT slot, next_seq FROM head WHERE bot = ?').get(bot);
    if (row === undefined) throw new Error(`there is nothing of bot ${bot} in ${folder}: see TELEGRAM_BOT_TOKEN`);
    const [range, head] = [seqRange(int(row, 'slot')), int(row, 'next_seq') - 1];
    const units = prepareUnits(db, bot, range);
    const index = openEntryIndex(db, db, range, units, head);
    const { journal } = prepareReads(db, bot, range, index, openConversations(db, bot, range), () => ({
      first: 1,
      head,
    }));
    const first = units.firstSeq() ?? head + 1;
    return {
      ...journal,
      bot,
      bounds: () => ({ first, head }),
      close: () => db.close(),
    };
  } catch (error) {
    db.close();
    throw error;
  }
}
