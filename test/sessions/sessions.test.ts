import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import type { Key } from '../../src/keys/keys.ts';
import { limits } from '../../src/limits.ts';
import { createSessions } from '../../src/sessions/open-sessions.ts';
import { createSqliteSessionStore } from '../../src/sessions/sqlite.ts';
import { manualClock } from '../support/clock.ts';
import { temporaryFolder } from '../support/journal.ts';

const PROOF = 'ab'.repeat(32);
const keyWith = (id: string): Key => ({ id, role: 'admin', name: id }) as Key;

/** Sessions over a data folder; `again`: as after a restart. */
function stage() {
  const clock = manualClock();
  const db = openDatabase(temporaryFolder());
  // A month passes here, with a commit for each of its quarters of an hour: none needs the disk.
  db.exec('PRAGMA synchronous = OFF');
  onTestFinished(() => db.close());
  const revoked = new Set<string>();
  const keyring = { keyOf: (id: string, proof: string) => (proof !== PROOF || revoked.has(id) ? null : keyWith(id)) };
  const again = () => {
    const sessions = createSessions({
      ...{ store: createSqliteSessionStore(db), keyring, clock, randomBytes },
      onError(error) {
        throw error;
      },
    });
    onTestFinished(() => sessions.stop());
    return sessions;
  };
  const rows = () => db.prepare('SELECT * FROM sessions').all();
  return { clock, revoked, again, rows, sessions: again() };
}

test('a session survives a restart; what is stored opens none', async () => {
  const { sessions, again, rows } = stage();
  const { cookie, page } = await sessions.open(keyWith('1'), PROOF);
  expect(sessions.find(page, ['other', cookie])).toMatchObject({ key: { id: '1' } });
  expect(again().find(page, [cookie])).toMatchObject({ key: { id: '1' } });
  const [{ id, cookie_hash: hash } = {}] = rows();
  expect(JSON.stringify(rows())).not.toMatch(`${page}|${cookie}`);
  for (const [first, second] of [
    [id, hash],
    [page, hash],
    [id, cookie],
    [cookie, page],
  ])
    expect(sessions.find(String(first), [String(second)])).toBe(null);
});

test('the last use is known after a restart, and what is over is gone from the store', async () => {
  const { sessions, again, rows, clock, revoked } = stage();
  const used = await sessions.open(keyWith('1'), PROOF);
  await sessions.open(keyWith('1'), PROOF);
  await sessions.open(keyWith('2'), PROOF);
  const ended = await sessions.open(keyWith('3'), PROOF);
  await clock.advance(limits.sessionIdleMs / 2);
  sessions.find(used.page, [used.cookie]);
  await sessions.end({ id: sessions.find(ended.page, [ended.cookie])?.id ?? '' });
  expect(rows()).toHaveLength(3);
  revoked.add('2');
  sessions.endOf('2');
  sessions.stop();
  await clock.advance(limits.sessionIdleMs / 2);
  const after = again();
  await clock.advance(0);
  expect(rows()).toHaveLength(1);
  expect(after.find(used.page, [used.cookie])).not.toBe(null);
});

test('with as many log-ins as a key may have, the one that was not used for longest ends', async () => {
  const { sessions, clock, rows } = stage();
  const opened = [];
  for (let n = 0; n < limits.sessionsPerKeyMax; n += 1) {
    opened.push(await sessions.open(keyWith('1'), PROOF));
    await clock.advance(1);
  }
  const other = await sessions.open(keyWith('2'), PROOF);
  const [first, second] = opened;
  if (first === undefined || second === undefined) throw new Error('none');
  sessions.find(first.page, [first.cookie]);
  const last = await sessions.open(keyWith('1'), PROOF);
  await clock.advance(0);
  expect(sessions.find(second.page, [second.cookie])).toBe(null);
  for (const one of [first, last, other]) expect(sessions.find(one.page, [one.cookie])).not.toBe(null);
  expect(rows()).toHaveLength(limits.sessionsPerKeyMax + 1);
});

test('a session that nobody uses ends, unless a stream of it is open; and every one in the end, with its stream', async () => {
  const { sessions, clock, rows } = stage();
  const [idle, used, watching] = [1, 2, 3].map(() => sessions.open(keyWith('1'), PROOF));
  const all = await Promise.all([idle, used, watching].map(async (opening) => Object(await opening)));
  const found = () => all.map(({ page, cookie }) => sessions.find(page, [cookie]) !== null);
  const closed: string[] = [];
  const id = sessions.find(all[2].page, [all[2].cookie])?.id ?? '';
  const release = sessions.hold({ id }, () => closed.push('gone'));
  sessions.hold({ id }, () => closed.push('here'));
  release();
  await clock.advance(limits.sessionIdleMs - 1);
  sessions.find(all[1].page, [all[1].cookie]);
  await clock.advance(1);
  expect(found()).toEqual([false, true, true]);
  expect(rows()).toHaveLength(2);
  for (let at = limits.sessionIdleMs; at < limits.sessionAgeMaxMs; at += limits.sessionIdleMs / 2) {
    expect(found()).toEqual([false, true, true]);
    await clock.advance(limits.sessionIdleMs / 2);
  }
  expect(found()).toEqual([false, false, false]);
  expect([rows(), closed]).toEqual([[], ['here']]);
  sessions.hold({ id }, () => closed.push('late'));
  expect(closed).toEqual(['here', 'late']);
});
