import { systemClock } from '../../src/clock.ts';
import { createStepper } from '../../src/conversations/step.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { createHttpBotApi } from '../../src/telegram/http.ts';
import { machine } from './counting.machine.ts';

/**
 * The floor of what durable ingest can be with these parts: a poll, a step of XState an update, its text and its
 * snapshot as JSON, one row and one commit a batch, and the next poll. It knows no duplicate, journals no chat, finds
 * nothing again and keeps nothing apart. What is slower than this is Switchboard's; this is XState's, SQLite's and the
 * disk's.
 */
const [root = '', folder = ''] = process.argv.slice(2);
const api = createHttpBotApi({ root, token: '1:load', connections: 1, clock: systemClock });
const db = openDatabase(folder);
db.exec('CREATE TABLE bare (id INTEGER PRIMARY KEY, bodies TEXT NOT NULL, snapshots TEXT NOT NULL) STRICT');
const add = db.prepare('INSERT INTO bare (bodies, snapshots) VALUES (?, ?)');
const stepper = createStepper('counting', machine);
const snapshots = new Map<number, ReturnType<typeof stepper.restore>>();

interface Update {
  readonly update_id: number;
  readonly message: { readonly chat: { readonly id: number } };
}

process.on('disconnect', () => process.exit());
for (let offset = 0; ; ) {
  const updates = (await api.call('getUpdates', { offset, limit: 100, timeout: 30 })) as readonly Update[];
  let [bodies, stepped] = ['', ''];
  for (const update of updates) {
    const { id } = update.message.chat;
    const before = snapshots.get(id) ?? stepper.start({}).snapshot;
    const { snapshot } = stepper.apply(before, { type: 'message.received' });
    snapshots.set(id, snapshot);
    bodies += JSON.stringify(update);
    stepped += stepper.persist(snapshot);
    offset = update.update_id + 1;
  }
  if (updates.length === 0) continue;
  db.exec('BEGIN IMMEDIATE');
  add.run(bodies, stepped);
  db.exec('COMMIT');
}
