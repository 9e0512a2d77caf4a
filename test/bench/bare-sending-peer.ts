import { systemClock } from '../../src/clock.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { limits } from '../../src/limits.ts';
import { createHttpBotApi } from '../../src/telegram/http.ts';
import { batchOf } from './posts.ts';

/**
 * The floor of what durable sends can be with these parts: messages claimed in their order, sent, and their fates stored
 * with an entry each, one commit a round. It knows no chat's order, no pace, no priority, and finds nothing again. What is
 * slower than this is Switchboard's; this is the HTTP client's, SQLite's and the disk's.
 */
const [root = '', folder = '', sends = '0', chats = '1'] = process.argv.slice(2);
const inFlightMax = limits.sendsInFlightMax - limits.sendsForRepliesMin;
const api = createHttpBotApi({ root, token: '1:load', connections: inFlightMax, clock: systemClock });
const db = openDatabase(folder);
db.exec('CREATE TABLE bare (id INTEGER PRIMARY KEY, params TEXT NOT NULL, status TEXT NOT NULL, sent INTEGER) STRICT');
db.exec('CREATE TABLE bare_entries (id INTEGER PRIMARY KEY, bodies TEXT NOT NULL) STRICT');
const add = db.prepare("INSERT INTO bare (params, status) VALUES (?, 'queued')");
const next = db.prepare('SELECT id, params FROM bare WHERE id > ? ORDER BY id LIMIT ?');
const claim = db.prepare("UPDATE bare SET status = 'sending' WHERE id = ?");
const settle = db.prepare("UPDATE bare SET status = 'sent', sent = ? WHERE id = ?");
const tell = db.prepare('INSERT INTO bare_entries (bodies) VALUES (?)');

db.exec('BEGIN');
for (const { body } of batchOf(Number(sends), Number(chats))) {
  for (const { chat_id, text } of JSON.parse(body).messages) add.run(JSON.stringify({ chat_id, text }));
}
db.exec('COMMIT');

let last = 0;
let inFlight = 0;
let ended: { readonly id: number; readonly sent: number }[] = [];

async function send(id: number, params: string): Promise<void> {
  const result = (await api.call('sendMessage', JSON.parse(params))) as { readonly message_id: number };
  ended.push({ id, sent: result.message_id });
  if (ended.length * 4 >= inFlight * 3) setImmediate(round);
}

function round(): void {
  // Another call of the same moment has had it begun.
  if (ended.length === 0 && inFlight > 0) return;
  const stored = ended;
  ended = [];
  db.exec('BEGIN IMMEDIATE');
  for (const { id, sent } of stored) settle.run(sent, id);
  if (stored.length > 0) tell.run(stored.map((fate) => JSON.stringify({ message: fate })).join());
  inFlight -= stored.length;
  const claimed = next.all(last, inFlightMax - inFlight);
  for (const { id } of claimed) claim.run(Number(id));
  db.exec('COMMIT');
  inFlight += claimed.length;
  last = Number(claimed.at(-1)?.id ?? last);
  for (const { id, params } of claimed) void send(Number(id), String(params));
}

process.on('disconnect', () => process.exit());
round();
