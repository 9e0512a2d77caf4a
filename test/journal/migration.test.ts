import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';

const MIGRATIONS = join(import.meta.dirname, '..', '..', 'src', 'journal', 'sql');

/** A data folder as the version that knew so many migrations left it. */
function folderOfVersion(last: number, rows: string): string {
  const folder = temporaryFolder();
  mkdirSync(folder, { recursive: true });
  const db = new DatabaseSync(join(folder, 'switchboard.db'));
  db.exec('PRAGMA journal_mode = WAL');
  for (const name of readdirSync(MIGRATIONS).sort()) {
    if (Number(name.slice(0, 4)) <= last) db.exec(readFileSync(join(MIGRATIONS, name), 'utf8'));
  }
  db.exec(`${rows}; PRAGMA user_version = ${last}`);
  db.close();
  return folder;
}

test('while an older Switchboard serves the data they stay as they are, and whoever comes is told so', () => {
  const folder = folderOfVersion(16, "INSERT INTO holder (one, pid, host, since) VALUES (1, 77, 'there', 0)");
  const lock = new DatabaseSync(join(folder, 'switchboard.lock'));
  lock.exec('BEGIN EXCLUSIVE');
  const newest = readdirSync(MIGRATIONS).length;
  const told = `has version 16, this Switchboard makes it version ${newest}, and it is served by process 77 on there`;
  expect(() => openDatabase(folder)).toThrow(
    expect.objectContaining({ code: 'data_held', message: expect.stringContaining(told) }),
  );
  const version = (): unknown => {
    const db = new DatabaseSync(join(folder, 'switchboard.db'));
    const row = db.prepare('PRAGMA user_version').get();
    db.close();
    return row?.user_version;
  };
  expect(version()).toBe(16);
  lock.close();
  openDatabase(folder).close();
  expect(version()).toBe(newest);
});

test('messages of an earlier version keep their places, their fates and their turn', async () => {
  const message = (seq: number, chat: string, status: string, priority = 1, dueAt = 0) =>
    `INSERT INTO messages VALUES ('1', ${seq}, '${chat}', 'sendMessage', '{"text":"${seq}"}', '${status}', ${priority}, ${dueAt},
       NULL, 'hold', 'key', 0, NULL, NULL, 1, 2, NULL)`;
  const folder = folderOfVersion(
    6,
    [
      "INSERT INTO head (bot, slot, stream, next_seq, epoch) VALUES ('0', 0, 's', 1, 1), ('1', 1, 's', 20, 3)",
      ...[
        message(1, '7', 'queued'),
        message(2, '7', 'queued'),
        message(3, '7', 'queued', 0),
        message(4, '-100', 'queued', 2),
      ],
      ...[message(5, '8', 'sending'), message(6, '8', 'queued'), message(7, '@news', 'queued', 1, 4e12)],
      ...[message(8, '9', 'scheduled', 1, 3e12), message(9, '9', 'sent')],
    ].join(';'),
  );
  const journal = openJournal(folder, manualClock());
  expect(await journal.message(1)).toEqual({
    ...{
      seq: 1,
      chat: '7',
      order: 'chat',
      method: 'sendMessage',
      counted: true,
      params: '{"text":"1"}',
      status: 'queued',
      priority: 1,
    },
    ...{
      dueAt: 0,
      expiresAt: null,
      onUnknown: 'hold',
      keyId: 'key',
      attempts: 0,
      telegramMessageId: null,
      error: null,
    },
    ...{ createdAt: 1, updatedAt: 2, files: null },
  });
  expect((await journal.message(7))?.chat).toBe('@news');
  expect(await journal.outboxDepth()).toBe(7);
  await journal.write(async (tx) => {
    await tx.dueMessages();
    expect((await tx.claimable(9)).map(({ seq }) => seq)).toEqual([3, 4]);
    expect((await tx.orphanedMessages()).map(({ seq }) => seq)).toEqual([5]);
    expect(await tx.nextMessageAt()).toBe(3e12);
    tx.changeMessage(5, { status: 'unknown' });
    expect((await tx.claimable(9)).map(({ seq }) => seq)).toEqual([3, 6, 4]);
  });
});

test('a wait that Telegram asked of an earlier version is waited for still', async () => {
  const message = (seq: number, chat: string, readyAt: string, error: string) =>
    `INSERT INTO messages (id, slot, chat, lane, method, params, status, open, priority, ready_at, due_at, on_unknown,
       attempts, error, created_at, updated_at)
     VALUES (1099511627776 + ${seq}, 1, ${chat}, 0, 'sendMessage', '{}', 'queued', 1, 1, ${readyAt}, 0, 'hold', 1,
       ${error}, 1, 2)`;
  const folder = folderOfVersion(
    10,
    [
      "INSERT INTO head (bot, slot, stream, next_seq, epoch) VALUES ('0', 0, 's', 1, 1), ('1', 1, 's', 20, 3)",
      message(1, '7', '4e12', `'{"code":429,"description":"x","held":"chat"}'`),
      message(2, '8', '5e12', `'{"code":429,"description":"x","held":"bot"}'`),
      message(3, '9', '6e12', `'{"code":500,"description":"x"}'`),
      message(4, "'@news'", 'NULL', 'NULL'),
    ].join(';'),
  );
  const clock = manualClock();
  const journal = openJournal(folder, clock);
  expect(await journal.write((tx) => tx.holds(99))).toEqual([
    { chat: null, waitMs: 5e12 - clock.now() },
    { chat: '7', waitMs: 4e12 - clock.now() },
  ]);
});

test('whose entries are is known of those of an earlier version, with more than a block of them and other bots beside', async () => {
  const entries = 10_000;
  const ownerOf = (seq: number): string | null => [null, 'a', null, 'b', null][seq % 5] ?? null;
  // Units of 1 to 7 entries.
  const units = function* () {
    for (let [seq, n] = [1, 1]; seq <= entries; seq += n, n = (n % 7) + 1) {
      const seqs = Array.from({ length: Math.min(n, entries + 1 - seq) }, (_, k) => seq + k);
      const heads = seqs.map((one) => `"message.sent",null,${`{"${one}":1}`.length}`).join();
      yield `(1099511627776 + ${seq}, 1, '[${heads}]', '${seqs.map((one) => `{"${one}":1}`).join('')}')`;
    }
  };
  const seqs = Array.from({ length: entries }, (_, n) => n + 1);
  const owned = seqs.filter((seq) => ownerOf(seq) !== null).map((seq) => `('1', '${ownerOf(seq)}', ${seq})`);
  const folder = folderOfVersion(
    16,
    [
      `INSERT INTO head (bot, slot, stream, next_seq, epoch) VALUES ('0', 0, 's', 3, 1), ('1', 1, 's', ${entries + 1}, 3), ('2', 2, 's', 1, 1)`,
      `INSERT INTO units (id, at, heads, bodies) VALUES (1, 1, '["chat.moved",7,2,"chat.moved",7,2]', '{}{}'), ${[...units()].join()}`,
      `INSERT INTO owned_entries (bot, owner, seq) VALUES ('0', 'a', 2), ${owned.join()}`,
    ].join(';'),
  );
  const journal = openJournal(folder, manualClock());
  const found = async (query: object): Promise<number[]> => {
    const all: number[] = [];
    for (let from = 1; ; from = (all.at(-1) ?? 0) + 1) {
      const page = await journal.read({ from, limit: 1000, ...query });
      all.push(...page.map(({ seq }) => seq));
      if (page.length < 1000) return all;
    }
  };
  for (const owner of ['a', 'b', 'c']) {
    expect(await found({ owner })).toEqual(seqs.filter((seq) => ownerOf(seq) === owner));
  }
  // The block that was being filled is finished by this version.
  await journal.write(async (tx) => {
    for (let n = 0; n < 5000; n += 1)
      tx.append({ type: 'message.sent', chat: null, body: '{}', owner: n < 4999 ? 'a' : 'b' });
  });
  const b = seqs.filter((seq) => ownerOf(seq) === 'b');
  expect(await found({ owner: 'b' })).toEqual([...b, 15_000]);
  expect((await found({ owner: 'a' })).length).toBe(2000 + 4999);
  const other = openJournal(folder, manualClock(), '0');
  expect((await other.read({ from: 1, limit: 9, owner: 'a' })).map(({ seq }) => seq)).toEqual([2]);
});

test('what an earlier version held for a chat that stands still is known by its name, also what the chat failed on', async () => {
  const held = (seq: number, event: object, awaited: string | null) =>
    `INSERT INTO held_events (bot, conversation, seq, event, awaited)
     VALUES ('1', '7', ${seq}, '${JSON.stringify(event)}', ${awaited === null ? 'NULL' : `'${awaited}'`})`;
  const after = 'xstate.after.patience.shop.waiting';
  const done = { type: 'xstate.done.actor.ask', output: 1, actorId: 'ask' };
  const folder = folderOfVersion(
    14,
    [
      "INSERT INTO head (bot, slot, stream, next_seq, epoch) VALUES ('0', 0, 's', 1, 1), ('1', 1, 's', 20, 3)",
      held(1, { type: after }, null),
      held(2, { type: 'message.received', text: 'xstate.after.x' }, null),
      held(3, { type: 'alarm.rang' }, 'timer alarm'),
      held(4, done, 'request ask'),
      held(5, { ...done, type: 'xstate.error.actor.look', actorId: 'look' }, null),
    ].join(';'),
  );
  const journal = openJournal(folder, manualClock());
  const timer = (name: string) => ({ kind: 'timer', name, dueAt: 0 });
  const request = (name: string, id: string) => ({ kind: 'request', name, id, src: '', input: 'null', createdAt: 0 });
  const found = await journal.heldAwaited('7');
  expect(found.map(({ seq, awaited }) => [seq, awaited])).toEqual([
    [1, timer(after)],
    [3, timer('alarm')],
    [4, request('ask', 'held-4')],
    [5, request('look', 'held-5')],
  ]);
});
