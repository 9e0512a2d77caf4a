import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { conversation } from '../journal/records.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { createRandom } from '../system/random.ts';
import { ADMIN, contentOf, move, openIndex, post, say, settleMessage } from './support.ts';

/** Some life of a bot: what it is depends on the seed alone. */
async function live(journal: Journal, steps: number, random: () => number): Promise<void> {
  const pick = <T>(things: readonly T[]): T => things[Math.floor(random() * things.length)] as T;
  const chats = ['1', '2', '3', '-40', '-41', '5', '6'];
  const posted: number[] = [];
  for (let n = 0; n < steps; n += 1) {
    const chat = pick(chats);
    switch (pick(['say', 'say', 'say', 'move', 'post', 'fate', 'stop', 'many', 'other'])) {
      case 'say':
        await say(journal, chat, pick(['a word', 'payment please', 'שלום note', '付款 word']));
        break;
      case 'move':
        await move(journal, chat, pick(['idle', 'confirming', 'over']));
        break;
      case 'post':
        posted.push(await post(journal, chat, 'a payment for you'));
        break;
      case 'fate': {
        const seq = posted.splice(Math.floor(random() * posted.length), 1)[0];
        if (seq !== undefined) await settleMessage(journal, seq, pick(['sent', 'unknown', 'failed']));
        break;
      }
      case 'stop':
        await journal.write(async (tx) => {
          const seq = tx.append({ type: 'chat.quarantined', chat, body: '{"error":"why","machine":"payment"}' });
          const before = (await tx.conversations([chat])).get(chat);
          tx.saveConversation(conversation(chat, { ...before, status: 'quarantined', error: 'why', lastSeq: seq }));
        });
        break;
      case 'many':
        await Promise.all(chats.map((one) => say(journal, one, 'a word of many')));
        break;
      default:
        await journal.write(async (tx) =>
          tx.append({ type: 'update.received', chat: null, body: '{"update":{"update_id":1,"poll":{}}}' }),
        );
    }
  }
}

test.each([1, 2, 3, 4])(
  'an index that grew with the journal equals one that is made anew, also after retention (seed %i)',
  async (seed) => {
    const folder = temporaryFolder();
    const journal = openJournal(folder, systemClock);
    const random = createRandom(seed).next;
    await say(journal, '1', 'the first word');
    let grown = openIndex(folder);
    for (let round = 0; round < 6; round += 1) {
      await live(journal, 120, random);
      const stop = Math.floor(random() * 6);
      for (let n = 0; n < stop; n += 1) grown.indexing.step();
      if (random() < 0.4) {
        // The process ended there, and another goes on.
        grown.close();
        grown = openIndex(folder);
      }
      if (round === 3) {
        // Retention, and a group that becomes a supergroup.
        const { head } = journal.bounds();
        while ((await journal.write(async (tx) => tx.trim(Math.floor(head / 2)))) < Math.floor(head / 2) - 20);
        await journal.write(async (tx) => {
          const message = { message_id: 9, date: 1, chat: { id: -40, type: 'group' }, migrate_to_chat_id: -100_40 };
          tx.append({
            type: 'update.received',
            chat: '-40',
            body: JSON.stringify({ update: { update_id: 9, message } }),
          });
          tx.moveChat('-40', '-10040');
        });
      }
    }
    grown.settle();
    const anew = openIndex(folder, temporaryFolder());
    anew.settle();
    expect(contentOf(grown.db)).toEqual(contentOf(anew.db));
    const { first, head } = journal.bounds();
    expect(first).toBeGreaterThan(1);
    expect(grown.indexing.progress()).toMatchObject({ indexed: head - first + 1, entries: head - first + 1 });
    expect(grown.db.prepare('SELECT min(seq) AS seq FROM lines').get()?.seq).toBeGreaterThanOrEqual(first);
    expect(grown.db.prepare('SELECT min(rowid) AS seq FROM words').get()?.seq).toBeGreaterThanOrEqual(first);
    await journal.close();
  },
);

test('an index is complete once it knows every conversation too, also those that no entry tells of', async () => {
  const folder = temporaryFolder();
  const journal = openJournal(folder, systemClock);
  await journal.write(async (tx) => tx.saveConversation(conversation('7', { status: 'quarantined' })));
  const { indexing, answers, settle } = openIndex(folder);
  expect(indexing.progress()).toMatchObject({ entries: 0, complete: false });
  settle();
  expect(indexing.progress()).toMatchObject({ entries: 0, complete: true });
  const asked = { machine: null, state: null, unread: false, ids: null, after: null, limit: 2 };
  expect(answers.chats(ADMIN, { ...asked, status: 'quarantined' })).toMatchObject({ chats: [{ chat: '7' }] });
  await journal.close();
});

test('the newest comes first: a chat of now is there before the past is', async () => {
  const folder = temporaryFolder();
  const journal = openJournal(folder, systemClock);
  await journal.write(async (tx) => {
    for (let n = 1; n <= 30_000; n += 1)
      tx.append({ type: 'event.received', chat: String(n), body: '{"event":{"type":"e"}}' });
  });
  const { indexing, answers, settle } = openIndex(folder);
  expect(indexing.step()).toBe('live');
  const page = () =>
    answers.chats(ADMIN, { status: null, machine: null, state: null, unread: false, ids: null, after: null, limit: 2 });
  expect(page()).toMatchObject({
    chats: [{ chat: '30000' }, { chat: '29999' }],
    progress: { indexed: 1000, entries: 30_000 },
  });
  await say(journal, '8', 'a word');
  expect(indexing.step()).toBe('live');
  expect(page().chats.map(({ chat }) => chat)).toEqual(['8', '30000']);
  settle();
  expect(page()).toMatchObject({ total: 30_000, progress: { indexed: 30_001, entries: 30_001 } });
  await journal.close();
});

test('the index of another journal, a damaged one and one of an older time are made anew', async () => {
  const folder = temporaryFolder();
  const own = temporaryFolder();
  const journal = openJournal(folder, systemClock);
  for (const text of ['one word', 'two words', 'three words']) await say(journal, '7', text);
  const before = openIndex(folder, own);
  before.settle();
  const expected = contentOf(before.db);
  before.close();

  const other = temporaryFolder();
  const others = openJournal(other, systemClock);
  await say(others, '8', 'a word of another');
  await journal.close();
  // A backup that was put back: the same journal, with less in it.
  const db = openDatabase(folder);
  db.exec("DELETE FROM units WHERE id = 3; UPDATE head SET next_seq = 3, stream = 'stream'");
  db.close();
  const older = openIndex(folder, own);
  older.settle();
  expect(older.indexing.progress()).toMatchObject({ indexed: 2, entries: 2 });
  expect(contentOf(older.db)).not.toEqual(expected);
  older.close();

  const db2 = openDatabase(other);
  db2.exec("UPDATE head SET stream = 'another'");
  db2.close();
  const moved = openIndex(other, own);
  moved.settle();
  expect(moved.db.prepare('SELECT chat FROM chats').all()).toMatchObject([{ chat: '8' }]);
  moved.close();

  writeFileSync(join(own, 'console.db'), 'this is no database at all, but it is where one should be');
  const damaged = openIndex(other, own);
  damaged.settle();
  expect(damaged.indexing.progress()).toMatchObject({ indexed: 1, entries: 1 });
  for (const words of ['[[1,', '7', '[null]']) {
    damaged.db.prepare('UPDATE progress SET ranges = ?').run(words);
    const lost = openIndex(other, own);
    lost.settle();
    expect(lost.indexing.progress()).toMatchObject({ indexed: 1, entries: 1 });
    lost.close();
  }
  await others.close();
});

test('an index whose process is killed again and again is whole in the end', async () => {
  const folder = temporaryFolder();
  const own = temporaryFolder();
  const journal = openJournal(folder, systemClock);
  for (let n = 0; n < 12; n += 1)
    await journal.write(async (tx) => {
      for (let m = 0; m < 2000; m += 1)
        tx.append({
          type: 'update.received',
          chat: String(1 + ((n * m) % 97)),
          body: `{"update":{"update_id":${n * 2000 + m},"message":{"message_id":1,"date":1,"text":"word ${m}","chat":{"id":1,"type":"private"},"from":{"id":1,"first_name":"Ann"}}}}`,
        });
    });
  let ended = false;
  for (let kills = 0; !ended; kills += 1) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'index-process.ts'), folder, own], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let steps = 0;
    child.stdout.setEncoding('utf8').on('data', (said: string) => {
      ended ||= said.includes('idle');
      steps += said.split('\n').length;
      if (kills < 5 && steps > 2 + kills) child.kill('SIGKILL');
    });
    await once(child, 'close');
  }
  const survivor = openIndex(folder, own);
  survivor.settle();
  const anew = openIndex(folder, temporaryFolder());
  anew.settle();
  expect(contentOf(survivor.db)).toEqual(contentOf(anew.db));
  expect(survivor.db.prepare('SELECT count(*) AS n FROM lines').get()).toMatchObject({ n: 24_000 });
  await journal.close();
});
