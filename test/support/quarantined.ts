import { machine } from '../../machines/payment.machine.ts';
import { systemClock } from '../../src/clock.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { openDatabase, openReader } from '../../src/journal/sqlite-open.ts';
import { conversation } from '../journal/records.ts';

/** A data folder of the sandbox's bot, in which these chats failed at their first message: their machine can take it today. */
export async function makeQuarantined(data: string, ids: readonly string[]): Promise<void> {
  const [db, reader] = [openDatabase(data), openReader(data)];
  const journal = openSqliteJournal({ db, reader, bot: '1', clock: systemClock, newStreamId: () => 'stream' });
  const stands = { machine: machine.id, version: machine.version ?? '0', state: 'null', snapshot: 'null' };
  const said = { text: '/help', kind: 'text', messageId: 1, from: null, at: '2026-01-01T00:00:00.000Z' };
  await journal.write(async (tx) => {
    for (const id of ids) {
      const seq = tx.append({ type: 'update.received', chat: id, body: '{"update":{}}' });
      tx.saveConversation(conversation(id, { ...stands, status: 'quarantined', error: 'why', lastSeq: seq }));
      const event = JSON.stringify({ type: 'message.received', ...said });
      tx.holdEvent({ conversation: id, seq, event, awaited: null });
    }
    tx.saveConversation(conversation('5', { ...stands, status: 'done', state: '"over"' }));
  });
  await journal.close();
  reader.close();
  db.close();
}
