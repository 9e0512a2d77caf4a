import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isErased, type Journal } from '../../src/journal/journal.ts';
import { addMessage } from '../../src/outbox/outbox.ts';
import { ADMIN, say } from '../console/support.ts';
import { conversation, request, timer } from '../journal/records.ts';
import { temporaryFolder } from '../support/journal.ts';
import { ANNA, found, GROUP, openEraser, plant } from './stage.ts';

async function stage() {
  const folder = join(temporaryFolder(), 'data');
  return { folder, ...(await plant(folder)) };
}

const allOf = (journal: Journal) => journal.read({ from: 1, limit: 1000 });

test('an erased user is in no file of the data folder any more, and others are', async () => {
  const { folder, hers, others } = await stage();
  expect(found(folder, hers)).toEqual(hers);
  const indexed = readFileSync(join(folder, 'console.db'), 'latin1');
  expect(hers.filter((word) => indexed.includes(word)).length).toBeGreaterThan(10);
  const { eraser, close } = openEraser(folder);
  await eraser.order(String(ANNA));
  await eraser.finish(() => {});
  // While the files are open, and as they are left behind.
  expect(found(folder, hers)).toEqual([]);
  expect(found(folder, others)).toEqual(others);
  expect(await eraser.orders()).toMatchObject([{ number: 1, chat: null, entries: 16, mentions: 5 }]);
  await close();
  expect(found(folder, hers)).toEqual([]);
});

test('killed after any commit, it is carried out by the next start, and comes to the same', async () => {
  const { folder, hers, others } = await stage();
  const outcomes = new Set<string>();
  let kills = 0;
  for (let writes = 1; ; writes += 1) {
    const copy = join(temporaryFolder(), 'data');
    cpSync(folder, copy, { recursive: true });
    const first = openEraser(copy, writes);
    const isWhole = await first.eraser.order(String(ANNA)).then(
      () =>
        first.eraser
          .finish(() => {})
          .then(
            () => true,
            () => false,
          ),
      () => false,
    );
    await first.close();
    if (!isWhole) kills += 1;
    const next = openEraser(copy);
    if (!isWhole) {
      await next.uploads.sweep();
      await next.eraser.finish(() => {});
    }
    const entries = (await allOf(next.journal)).map(({ type, chat, body }) => ({ type, chat, body }));
    const [order] = await next.eraser.orders();
    outcomes.add(JSON.stringify([entries, order?.entries, order?.mentions]));
    await next.close();
    expect({ writes, hers: found(copy, hers), others: found(copy, others) }).toEqual({ writes, hers: [], others });
    if (isWhole) break;
  }
  expect(outcomes.size).toBe(1);
  expect(kills).toBeGreaterThan(10);
});

test('its entries stay as stubs without a gap, and the last one tells readers', async () => {
  const { folder } = await stage();
  const { journal, eraser, rewritten } = openEraser(folder);
  const before = await allOf(journal);
  const waiting = before.at(-1)?.seq ?? 0;
  await eraser.order(String(ANNA));
  await eraser.finish(() => {});
  const after = await allOf(journal);
  expect(after.map(({ seq }) => seq)).toEqual(after.map((_, n) => n + 1));
  expect(after.slice(0, waiting).map(({ type, chat, at }) => ({ type, chat, at }))).toEqual(
    before.map(({ type, chat, at }) => ({ type, chat, at })),
  );
  const ofAnna = await journal.read({ from: 1, limit: 1000, chats: [String(ANNA)] });
  expect(ofAnna.filter((entry) => !isErased(entry))).toMatchObject([{ type: 'chat.erased', seq: after.at(-1)?.seq }]);
  const told = JSON.parse(after.at(-1)?.body ?? '').erasure;
  expect(told).toEqual({ number: 1, through: waiting + 1, entries: 16, mentions: 5 });
  // Copies of entries in memory were dropped.
  expect(rewritten()).toBeGreaterThan(0);
});

test('nothing of it waits, is remembered, or is shown', async () => {
  const { folder, hers, others } = await stage();
  const { journal, eraser, index } = openEraser(folder);
  const text = others[2] ?? '';
  // The index has read of the same unit of work.
  const [inGroup] = await journal.read({ from: 1, limit: 1, chats: [String(GROUP)] });
  expect([...index.follower.entriesOf([inGroup?.seq ?? 0])]).toEqual([inGroup]);
  await eraser.order(String(ANNA));
  await eraser.finish(() => {});
  expect(await journal.conversation(String(ANNA))).toBeNull();
  expect(await journal.conversation(`${GROUP}:u${ANNA}`)).toBeNull();
  expect(JSON.parse((await journal.conversation(String(GROUP)))?.snapshot ?? '').context).toMatchObject({
    from: { id: 0 },
  });
  expect(await journal.outboxDepth()).toBe(0);
  expect(await journal.openRequestCount()).toBe(0);
  expect(await journal.nextTimerAt()).toBeNull();
  expect(await journal.unknownMessages({}, 10)).toEqual([]);
  index.settle();
  const search = (wanted: string) => index.answers.search(ADMIN, { text: wanted, chat: null, before: null, limit: 10 });
  for (const word of hers) expect(search(word), word).toMatchObject({ hits: [], chats: [] });
  expect(search(text).hits).toHaveLength(1);
  const query = { status: null, machine: null, state: null, unread: false, ids: null, after: null, limit: 10 };
  const { chats } = index.answers.chats(ADMIN, query);
  expect(chats.map(({ chat }) => chat)).not.toContain(String(ANNA));
  expect(chats.find(({ chat }) => chat === String(GROUP))?.text).toBe(others[5]);
});

test('it waits while a message to the chat is being sent, and leaves what comes after it', async () => {
  const { folder } = await stage();
  const { journal, eraser } = openEraser(folder);
  const sent = await journal.write(async (tx) => {
    const [message] = await tx.claimable(1);
    if (message === undefined) throw new Error('Nothing can be sent');
    tx.claim([message]);
    return message.seq;
  });
  expect((await journal.message(sent))?.chat).toBe(String(ANNA));
  await eraser.order(String(ANNA));
  eraser.start();
  // Everything else of the chat is gone by now.
  while ((await journal.conversation(String(ANNA))) !== null) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await eraser.orders()).toMatchObject([{ chat: String(ANNA), through: null }]);
  await journal.write(async (tx) => tx.changeMessage(sent, { status: 'sent' }));
  while ((await eraser.orders())[0]?.through === null) await new Promise((resolve) => setTimeout(resolve, 10));
  const later = await say(journal, String(ANNA), 'here again');
  const message = await journal.write(async (tx) => {
    const call = { chat: String(ANNA), method: 'sendMessage', params: '{"text":"welcome"}', keyId: null };
    return addMessage(tx, '1', { ...call, priority: 1, sendAt: null, expiresAt: null, onUnknown: 'hold' }).seq;
  });
  while ((await eraser.orders())[0]?.doneAt === null) await new Promise((resolve) => setTimeout(resolve, 10));
  await eraser.stop();
  expect(await journal.message(sent)).toBeNull();
  expect(await journal.message(message)).not.toBeNull();
  const [entry] = await journal.read({ from: later, limit: 1 });
  expect(entry?.body).toContain('here again');
});

test('a conversation that begins after the chat was at rest goes on, and what is posted then is not sent twice', async () => {
  const { folder } = await stage();
  // It ends once the chat is at rest.
  const first = openEraser(folder, 2);
  await first.eraser.order(String(ANNA));
  await expect(first.eraser.finish(() => {})).rejects.toThrow('killed');
  const id = String(ANNA);
  const { head } = first.journal.bounds();
  await first.journal.write(async (tx) => {
    tx.saveConversation(conversation(id, { snapshot: '{"value":"new"}', lastSeq: head + 1 }));
    tx.setTimer(timer(id, 'soon', 4711));
    tx.addRequest(request('r-new', id));
    tx.remember('key', 'later', { requestHash: 'h', answer: JSON.stringify({ id: `1-${head + 1}`, chat_id: ANNA }) });
  });
  await first.close();
  const { journal, eraser } = openEraser(folder);
  expect(await eraser.orders()).toMatchObject([{ through: head, told: null }]);
  await eraser.finish(() => {});
  expect(await journal.conversation(id)).toMatchObject({ snapshot: '{"value":"new"}' });
  expect(await journal.nextTimerAt()).toBe(4711);
  expect(await journal.openRequestCount()).toBe(1);
  expect(await journal.write((tx) => tx.remembered('key', 'later'))).not.toBeNull();
});

test('an export has all of a user, and nothing of what others wrote', async () => {
  const { folder, hers, others } = await stage();
  const { eraser } = openEraser(folder);
  const lines: ReturnType<typeof JSON.parse>[] = [];
  for await (const line of eraser.exported(String(ANNA))) {
    expect(line).not.toContain('\n');
    lines.push(JSON.parse(line));
  }
  const files = lines
    .filter(({ kind }) => kind === 'file')
    .map(({ content }) => String(Buffer.from(content, 'base64')));
  const all = JSON.stringify(lines) + files.join();
  expect(hers.filter((word) => !all.includes(word))).toEqual([]);
  // The title of the group in which she wrote.
  expect(others.filter((word) => all.includes(word))).toEqual([others[1]]);
  expect(lines[0]).toMatchObject({ kind: 'export', chat: String(ANNA), ids: [String(ANNA)] });
  expect(lines.at(-1)).toEqual({ kind: 'end', lines: lines.length });
  expect(new Set(lines.map(({ kind }) => kind))).toEqual(
    new Set([
      ...['export', 'entry', 'mention', 'conversation', 'timer', 'request', 'held_event', 'quarantine', 'message'],
      ...['file', 'answer', 'closed_chat', 'hold', 'read_mark', 'payment', 'end'],
    ]),
  );
});

test('a group is erased with all that its members said there, and they stay', async () => {
  const { folder, hers, others } = await stage();
  const { journal, eraser } = openEraser(folder);
  await eraser.order(String(GROUP));
  await eraser.finish(() => {});
  const inGroup = await journal.read({ from: 1, limit: 1000, chats: [String(GROUP)] });
  expect(inGroup.filter((entry) => !isErased(entry)).map(({ type }) => type)).toEqual(['chat.erased']);
  expect(await journal.conversation(String(ANNA))).not.toBeNull();
  expect(found(folder, [others[1] ?? '', others[2] ?? ''])).toEqual([]);
  expect(found(folder, [hers[0] ?? ''])).toHaveLength(1);
});

test('a group is found by the id that it had before it became a supergroup', async () => {
  const { folder } = await stage();
  const { journal, eraser } = openEraser(folder);
  await journal.write(async (tx) => {
    tx.append({ type: 'event.received', chat: '-55', body: '{"event":{"type":"x.y","note":"under the old id"}}' });
    tx.moveChat('-55', String(GROUP));
  });
  const [first] = [(await eraser.exported('-55').next()).value];
  expect(JSON.parse(first ?? '')).toMatchObject({ chat: String(GROUP), ids: [String(GROUP), '-55'] });
  await eraser.order('-55');
  await eraser.finish(() => {});
  const of = await journal.read({ from: 1, limit: 1000, chats: [String(GROUP), '-55'] });
  expect(of.filter((entry) => !isErased(entry)).map(({ type, chat }) => [type, chat])).toEqual([
    ['chat.erased', String(GROUP)],
  ]);
});
