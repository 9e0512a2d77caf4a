import { systemClock } from '../../src/clock.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { openDatabase, openReader } from '../../src/journal/sqlite-open.ts';
import { accept, conversation, request, timer, update } from './records.ts';

/**
 * Run by crash.test.ts in a process of its own, to be killed: writes units of work without end, each with a row of
 * every kind named by its number, and says each number once it is acknowledged.
 */
const folder = process.argv[2] ?? '';
const journal = openSqliteJournal({
  db: openDatabase(folder),
  reader: openReader(folder),
  bot: '1',
  clock: systemClock,
  newStreamId: () => 'stream',
});

async function writeUnit(n: number): Promise<void> {
  await journal.write(async (tx) => {
    tx.append(update(n));
    tx.saveConversation(conversation(`${n}`, { snapshot: JSON.stringify('x'.repeat((n * 997) % 9000)) }));
    tx.setTimer(timer(`${n}`, 'after', n));
    tx.addRequest(request(`1-${n}-0`, `${n}`));
    accept(tx, { chat: `${n}` });
    tx.remember('key', `${n}`, { requestHash: `${n}`, answer: '{}' });
    tx.setPollOffset(n + 1);
  });
  process.stdout.write(`${n}\n`);
}

/** Three callers at a time, so that groups hold several units. */
for (let n = Number(process.argv[3]); ; n += 3) await Promise.all([n, n + 1, n + 2].map(writeUnit));
