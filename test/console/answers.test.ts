import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { ChatsQuery, Viewer } from '../../src/console/console.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { groupUpdate } from '../support/updates.ts';
import { ADMIN, move, openIndex, post, say, settleMessage } from './support.ts';

const ALL: ChatsQuery = { status: null, machine: null, state: null, unread: false, ids: null, after: null, limit: 50 };
const NEWEST = { before: null, after: null, around: null, limit: 50 };

async function stage() {
  const folder = temporaryFolder();
  const journal = openJournal(folder, systemClock);
  await say(journal, '7', 'the first word');
  const index = openIndex(folder);
  index.marks.begin(ADMIN.keyId, 0);
  const { answers } = index;
  const chats = (query: Partial<ChatsQuery> = {}, viewer = ADMIN) => {
    index.settle();
    return answers.chats(viewer, { ...ALL, ...query }).chats;
  };
  const ids = (query: Partial<ChatsQuery> = {}, viewer = ADMIN) => chats(query, viewer).map(({ chat }) => chat);
  return { journal, index, answers, chats, ids };
}

test('chats come by what happened last, with their last words, state and what is unread', async () => {
  const { journal, index, chats, ids } = await stage();
  await say(journal, '8', 'hello');
  await move(journal, '8', 'confirming');
  const seq = await post(journal, '7', 'a reply');
  await settleMessage(journal, seq, 'unknown');
  expect(chats()).toMatchObject([
    { chat: '7', name: 'Ann', text: 'a reply', out: true, unread: 1, unknown: 1 },
    {
      chat: '8',
      text: 'hello',
      out: false,
      unread: 1,
      unknown: 0,
      standings: [{ machine: 'payment', state: 'confirming' }],
    },
  ]);
  await say(journal, '8', 'again');
  expect(ids()).toEqual(['8', '7']);
  index.marks.set(ADMIN.keyId, '8', journal.bounds().head);
  expect(chats()).toMatchObject([{ unread: 0 }, { unread: 1 }]);
  expect(ids({ unread: true })).toEqual(['7']);
  expect(ids({ status: 'unknown' })).toEqual(['7']);
  expect(ids({ machine: 'payment', state: 'confirming' })).toEqual(['8']);
  expect(ids({ machine: 'payment', state: 'idle' })).toEqual([]);
  expect(ids({ ids: ['7', '9'] })).toEqual(['7']);
  await journal.close();
});

test('what was there when a key came first counts as read', async () => {
  const { journal, index, chats } = await stage();
  const late: Viewer = { ...ADMIN, keyId: '2' };
  expect(chats({}, late)).toMatchObject([{ unread: 0 }]);
  index.marks.begin(late.keyId, journal.bounds().head);
  await say(journal, '7', 'one more');
  index.marks.begin(late.keyId, journal.bounds().head);
  expect(chats({}, late)).toMatchObject([{ unread: 1 }]);
  await journal.close();
});

test('pages hold every chat once', async () => {
  const { journal, index, answers } = await stage();
  for (let n = 100; n < 150; n += 1) await say(journal, String(n), 'hi');
  index.settle();
  const seen: string[] = [];
  for (let after: string | null = null; ; ) {
    const page: ReturnType<typeof answers.chats> = answers.chats(ADMIN, { ...ALL, after, limit: 7 });
    seen.push(...page.chats.map(({ chat }) => chat));
    if (page.next === null) break;
    after = page.next;
  }
  expect(seen).toEqual([...Array.from({ length: 50 }, (_, n) => String(149 - n)), '7']);
  await journal.close();
});

test('a transcript has both sides in their order, what became of messages, and turns its pages both ways', async () => {
  const { journal, index, answers } = await stage();
  const sent = await post(journal, '7', 'a reply');
  await settleMessage(journal, sent, 'sent');
  const lost = await post(journal, '7', 'did it arrive?');
  await settleMessage(journal, lost, 'unknown');
  await move(journal, '7', 'over');
  index.settle();
  const all = answers.transcript(ADMIN, '7', NEWEST);
  expect(all).toMatchObject({ earlier: false, later: false });
  expect(all.lines.map(({ side, text, label, message }) => [side, text || label, message?.status ?? null])).toEqual([
    ['in', 'the first word', null],
    ['out', 'a reply', 'sent'],
    ['out', 'did it arrive?', 'unknown'],
    ['notice', 'payment begins in over', null],
  ]);
  const texts = (query: object) =>
    answers.transcript(ADMIN, '7', { ...NEWEST, limit: 2, ...query }).lines.map(({ seq }) => seq);
  const seqs = all.lines.map(({ seq }) => seq);
  expect(texts({})).toEqual(seqs.slice(-2));
  expect(texts({ before: seqs[2] })).toEqual(seqs.slice(0, 2));
  expect(texts({ after: seqs[0] })).toEqual(seqs.slice(1, 3));
  expect(texts({ around: seqs[1] })).toEqual(seqs.slice(0, 2));
  // A fate is shown at its message.
  expect(answers.place(ADMIN, lost + 1)).toEqual({ chat: '7', seq: lost });
  expect(answers.place(ADMIN, 999)).toBeNull();
  await journal.close();
});

test('a key for certain chats finds nothing of any other, in no list, count, search or link', async () => {
  const { journal, index, answers, ids } = await stage();
  const secret = await say(journal, '8', 'the secret word');
  await move(journal, '8', 'hidden');
  await settleMessage(journal, await post(journal, '8', 'a secret reply'), 'unknown');
  index.settle();
  const only: Viewer = { keyId: '9', chats: ['7'], admin: false };
  expect(ids({}, only)).toEqual(['7']);
  expect(ids({ ids: ['8'] }, only)).toEqual([]);
  expect(ids({ status: 'unknown' }, only)).toEqual([]);
  expect(answers.chats(only, ALL).total).toBe(1);
  expect(answers.states(only)).toEqual([]);
  const search = { chat: null, before: null, limit: 50 };
  expect(answers.search(only, { text: 'secret', ...search })).toMatchObject({ hits: [], chats: [] });
  expect(answers.search(only, { text: 'word', ...search }).hits.map(({ chat }) => chat)).toEqual(['7']);
  expect(answers.search(only, { text: '8', ...search }).chats).toEqual([]);
  expect(answers.search(only, { text: 'secret', ...search, chat: '8' }).hits).toEqual([]);
  expect(answers.transcript(only, '8', NEWEST)).toMatchObject({ chat: null, lines: [] });
  expect(answers.place(only, secret)).toBeNull();
  expect(answers.states(ADMIN)).toEqual([{ machine: 'payment', state: 'hidden', chats: 1 }]);
  await journal.close();
});

test('chats are found by their name or the beginning of their id, whatever signs are in what is asked', async () => {
  const { journal, index, answers } = await stage();
  await say(journal, '70', 'hello');
  await say(journal, '8', 'hello');
  index.settle();
  const named = (text: string) =>
    answers.search(ADMIN, { text, chat: null, before: null, limit: 50 }).chats.map(({ chat }) => chat);
  expect(named('aNN')).toEqual(['8', '70', '7']);
  expect(named('7')).toEqual(['70', '7']);
  for (const nothing of ['', ' ', '\u0000', ' \u0000\u001b ', '\u0085', '%', '_', '\\', '\u0000%'])
    expect(named(nothing), JSON.stringify(nothing)).toEqual([]);
  expect(named('\u00007\u0000')).toEqual(['70', '7']);
  expect(named('8\u0000%')).toEqual([]);
  await journal.close();
});

test('a group that became a supergroup is one chat, with what was said before', async () => {
  const { journal, index, answers, ids } = await stage();
  const append = (chat: string, update: object) =>
    journal.write(async (tx) => tx.append({ type: 'update.received', chat, body: JSON.stringify({ update }) }));
  await append('-40', groupUpdate(-40, 7, 'before the move'));
  const { message, ...update } = groupUpdate(-40, 7, '');
  const { text: _, ...rest } = message;
  await journal.write(async (tx) => {
    tx.append({
      type: 'update.received',
      chat: '-40',
      body: JSON.stringify({ update: { ...update, message: { ...rest, migrate_to_chat_id: -10040 } } }),
    });
    tx.moveChat('-40', '-10040');
  });
  await append('-10040', groupUpdate(-10040, 7, 'after the move'));
  expect(ids()).toEqual(['-10040', '7']);
  const texts = answers.transcript(ADMIN, '-10040', NEWEST).lines.map(({ text, label }) => text || label);
  expect(texts).toEqual(['before the move', expect.stringContaining('migrate to chat id'), 'after the move']);
  const found = answers.search(ADMIN, { text: 'move', chat: '-10040', before: null, limit: 50 });
  expect(found.hits.map(({ chat }) => chat)).toEqual(['-10040', '-10040']);
  index.close();
  await journal.close();
});
