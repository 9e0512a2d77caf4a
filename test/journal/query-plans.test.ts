import { expect, onTestFinished, test } from 'vitest';

import { openConversations } from '../../src/journal/sqlite-conversations.ts';
import { prepareForget } from '../../src/journal/sqlite-forget.ts';
import { openEntryIndex } from '../../src/journal/sqlite-index.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { prepareOutbox } from '../../src/journal/sqlite-outbox.ts';
import { prepareReads } from '../../src/journal/sqlite-reads.ts';
import { seqRange } from '../../src/journal/sqlite-rows.ts';
import { prepareSeqAt, prepareTrim } from '../../src/journal/sqlite-trim.ts';
import { prepareStatements } from '../../src/journal/sqlite-tx.ts';
import { prepareUnits } from '../../src/journal/sqlite-units.ts';
import { prepareUpdateRuns } from '../../src/journal/sqlite-updates.ts';
import { temporaryFolder } from '../support/journal.ts';

/** How SQLite will run each statement that the engine prepares: the steps that touch a table, by the statement's text. */
function plans(): { readonly sql: string; readonly steps: readonly string[] }[] {
  const db = openDatabase(temporaryFolder());
  onTestFinished(() => db.close());
  const texts: string[] = [];
  const prepare = db.prepare.bind(db);
  db.prepare = (sql) => {
    texts.push(sql);
    return prepare(sql);
  };
  const range = seqRange(0);
  prepareStatements(db, '1', range, 1);
  prepareOutbox(db, range);
  const conversations = openConversations(db, '1', range);
  const index = openEntryIndex(db, db, range, prepareUnits(db, '1', range), 0);
  prepareUpdateRuns(db, '1');
  prepareTrim(db, range);
  prepareForget(db, '1', range);
  prepareSeqAt(db, range);
  prepareReads(db, '1', range, index, conversations, () => ({ first: 1, head: 0 }));
  return [...new Set(texts)].map((sql) => {
    const rows = prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    return { sql, steps: rows.map((row) => String(row.detail)) };
  });
}

const planOf = (part: string): string => {
  const found = plans().filter(({ sql }) => sql.includes(part));
  expect(found.length, part).toBe(1);
  return found[0]?.steps.join('\n') ?? '';
};

test('no statement scans a table, or walks a whole bot through', () => {
  const all = plans();
  expect(all.length).toBeGreaterThan(30);
  for (const { sql, steps } of all) {
    const scans = steps.filter((step) => /^SCAN (?!json_each|VIRTUAL|CONSTANT|\(subquery)/.test(step));
    // The requests are read in the order of their key too, a page at a time.
    const wide = steps.filter((step) => /(?<!(?:head|version_check) USING )PRIMARY KEY \(bot=\?\)$/.test(step));
    const seek = /^SELECT (min|max)\(id\)/.test(sql);
    const paged = /FROM requests WHERE bot = \? ORDER BY number DESC LIMIT/.test(sql);
    const bounded = /FROM quarantined WHERE bot = \? LIMIT \+\?\)$/.test(sql);
    expect({ sql, scans: paged ? [] : scans, wide: seek || bounded ? [] : wide }).toEqual({ sql, scans: [], wide: [] });
  }
});

test.each<[string, string]>([
  ['FROM update_runs WHERE bot = ?', 'PRIMARY KEY (bot=? AND last>? AND last<?)'],
  ['DELETE FROM update_runs', 'COVERING INDEX update_runs_by_time (at<?)'],
  ['SELECT block FROM entry_index', 'entry_index_by_owner (key=? AND block>? AND block<?)'],
  ['SELECT places FROM entry_index', 'PRIMARY KEY (block=? AND key=?)'],
  ['SELECT * FROM units WHERE id BETWEEN ? AND ? ORDER BY id DESC', 'INTEGER PRIMARY KEY (rowid>? AND rowid<?)'],
  ['FROM units WHERE id > ?', 'INTEGER PRIMARY KEY (rowid>? AND rowid<?)'],
  ['SELECT * FROM timers WHERE bot = ? AND due_at <=', 'timers_due (bot=? AND due_at<?)'],
  ['SELECT 1 FROM timers WHERE bot = ? AND due_at <=', 'COVERING INDEX timers_due (bot=? AND due_at<?)'],
  ['SELECT min(due_at) AS at FROM timers', 'COVERING INDEX timers_due (bot=?)'],
  ['conversation = ? AND +due_at <= ? ORDER BY', 'PRIMARY KEY (bot=? AND conversation=?)'],
  [
    'DELETE FROM timers WHERE bot = ? AND conversation = ? AND id = ? AND due_at',
    'PRIMARY KEY (bot=? AND conversation=? AND id=?)',
  ],
  ['SELECT min(src)', 'requests_by_src (bot=? AND src>?)'],
  ['src = ? ORDER BY number', 'requests_by_src (bot=? AND src=?)'],
  ['DELETE FROM entry_index', 'PRIMARY KEY (block>? AND block<?)'],
  ['DELETE FROM units', 'INTEGER PRIMARY KEY (rowid>? AND rowid<?)'],
  ['SET opened = attempts', 'messages_sending (slot=? AND chat=?)'],
  ["WHERE slot = ? AND status = 'sending' LIMIT 1", 'messages_sending (slot=?)'],
  ['SELECT 1 FROM messages WHERE id = ? AND opened', 'INTEGER PRIMARY KEY (rowid=?)'],
  ['DELETE FROM holds', 'holds_over (slot=? AND until<?)'],
  ['AS wait_ms FROM holds INDEXED BY holds_over', 'holds_over (slot=? AND until>?)'],
  ...['messages_ready', 'messages_ready_uncounted'].flatMap((index): [string, string][] => {
    const from = `FROM messages INDEXED BY ${index} WHERE slot = ?1 AND ready_at = 0`;
    const ready = index === 'messages_ready' ? from : `${from} AND uncounted = 1`;
    const place = `${index} (slot=? AND priority=? AND key_id`;
    return [
      [`SELECT min(priority) AS priority ${ready}`, `COVERING INDEX ${index} (slot=? AND priority>?)`],
      [`${ready} AND priority = ?2 AND key_id IS ?4 AND id > ?5`, `${place}=? AND rowid>?)`],
      [`${ready} AND priority = ?2 AND key_id > ?4`, `${place}>?)`],
    ];
  }),
  [
    'SELECT min(priority) AS priority FROM messages INDEXED BY messages_ready\n',
    'messages_ready (slot=? AND priority>?)',
  ],
  ['SELECT min(key_id)', 'COVERING INDEX messages_ready (slot=? AND priority=? AND key_id>?)'],
  ['AND key_id IS ? ORDER BY id LIMIT 1', 'messages_ready (slot=? AND priority=? AND key_id=?)'],
  ['ready_at > 0 ORDER BY ready_at LIMIT', 'messages_resting (slot=? AND ready_at>?)'],
  ['SELECT min(at) AS at', 'messages_resting (slot=? AND ready_at>?)'],
  ['SELECT min(at) AS at', 'messages_scheduled (slot=?)'],
  ['SELECT min(at) AS at', 'messages_expiring (slot=? AND expires_at>?)'],
  ['SELECT lanes.id, lanes.priority, ready_at', 'PRIMARY KEY (slot=? AND chat=? AND lane=?)'],
  ['SET ready_at = CASE WHEN due_at <= ?4', 'PRIMARY KEY (slot=? AND chat=? AND lane=?)'],
  ['SET ready_at = CASE WHEN due_at <= ?2', 'messages_resting (slot=? AND ready_at>?)'],
  ['SELECT lanes.id, due_at, updated_at', 'PRIMARY KEY (slot=? AND chat=? AND lane=?)'],
  ['DELETE FROM lanes WHERE slot', 'PRIMARY KEY (slot=? AND chat=? AND lane=? AND priority=? AND id=?)'],
  ['UPDATE lanes SET chat', 'PRIMARY KEY (slot=? AND chat=?)'],
  ['SET chat = ?1, ready_at', 'PRIMARY KEY (slot=? AND chat=?)'],
  ["status = 'sending' ORDER BY id", 'messages_sending (slot=?)'],
  ["status = 'scheduled' AND due_at = ? AND id >", 'messages_scheduled (slot=? AND due_at=? AND rowid>?)'],
  ["status = 'scheduled' AND due_at > ?", 'messages_scheduled (slot=? AND due_at>?)'],
  [
    '(lanes.chat, lanes.lane, lanes.priority, lanes.id) >',
    'PRIMARY KEY (slot=? AND (chat,lane,priority,id)>(?,?,?,?))',
  ],
  ["status = 'scheduled' AND due_at <= ?", 'messages_scheduled (slot=? AND due_at<?)'],
  ['ORDER BY expires_at, id', 'messages_expiring (slot=? AND expires_at>? AND expires_at<?)'],
  ['chat IN (SELECT value FROM json_each(?)) AND id >', 'conversations_of_chat (bot=? AND chat=? AND id>?)'],
])('%s … uses %s', (part, index) => {
  expect(planOf(part)).toContain(index);
});

test('no statement is prepared anew for each value of its LIMIT, as SQLite does with a bare parameter there', () => {
  expect(plans().filter(({ sql }) => /LIMIT \?/.test(sql))).toEqual([]);
});

test('what is in order in its index is not sorted again', () => {
  for (const part of [
    'SELECT * FROM timers WHERE bot = ? AND due_at <=',
    'src = ? ORDER BY number',
    'messages_ready WHERE slot = ?1 AND ready_at = 0 AND priority = ?2 AND key_id IS ?4',
    'messages_ready WHERE slot = ?1 AND ready_at = 0 AND priority = ?2 AND key_id > ?4',
    'AND key_id IS ? ORDER BY id LIMIT 1',
    'ready_at > 0 ORDER BY ready_at LIMIT',
    'messages_ready_uncounted WHERE slot = ?1 AND ready_at = 0 AND uncounted = 1 AND priority = ?2 AND key_id > ?4',
    'SELECT lanes.id, due_at, updated_at',
    'SET ready_at = CASE WHEN due_at <= ?4',
  ])
    expect(planOf(part)).not.toContain('TEMP B-TREE FOR ORDER BY');
});
