import type { DatabaseSync } from 'node:sqlite';
import { damaged } from '../storage-fault.ts';
import type { ConversationRecord } from './journal.ts';
import { conversationOf, int, json, type SeqRange } from './sqlite-rows.ts';

/** A row of `saved_conversations`: a JSON array of records. State and snapshot are JSON already and go in as they are. */
export function savedText(records: Iterable<ConversationRecord>): string {
  let all = '';
  for (const r of records) {
    const plain = JSON.stringify([r.id, r.chat, r.machine, r.version, r.status, r.error, r.lastSeq, r.updatedAt]);
    all += `${all === '' ? '[' : ','}${plain.slice(0, -1)},${r.state},${r.snapshot}]`;
  }
  return `${all}]`;
}

/** What a process before this one saved and did not get into `conversations`: of each conversation the last. */
export function readSaved(db: DatabaseSync, range: SeqRange) {
  const records = new Map<string, ConversationRecord>();
  let lastId = range.id(0);
  const rows = db.prepare('SELECT id, records FROM saved_conversations WHERE id BETWEEN ? AND ? ORDER BY id');
  for (const row of rows.iterate(range.id(0), range.last)) {
    lastId = int(row, 'id');
    const all = json(row, 'records');
    if (!Array.isArray(all) || !all.every(Array.isArray)) throw damaged('saved_conversations holds no records');
    for (const record of all) {
      const [id, chat, machine, version, status, error, last_seq, updated_at, state, snapshot] = record;
      const json = { state: JSON.stringify(state), snapshot: JSON.stringify(snapshot) };
      records.set(id, conversationOf({ id, chat, machine, version, status, error, last_seq, updated_at, ...json }));
    }
  }
  return { records, lastId };
}
