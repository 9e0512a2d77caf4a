import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { MessageStatus, Tx } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { createRetention } from '../../src/operators/retention.ts';
import { openIndex, say } from '../console/support.ts';
import { accept, conversation } from '../journal/records.ts';
import { manualClock, settle } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';

const DAY_MS = 24 * 3_600_000;

/** A journal on which retention keeps a day, and its files as anybody reads them who has the disk. */
function stage() {
  const folder = temporaryFolder();
  const clock = manualClock();
  const journal = openJournal(folder, clock);
  const logged: object[] = [];
  const log = {
    info: (fields: object) => void logged.push(fields),
    warn: (fields: object) => void logged.push(fields),
  };
  const onGone = vi.fn();
  const retention = createRetention({
    ...{ journal, clock, log, onGone, days: 1, entries: null },
    ...{ callbacks: { behind: async () => [] }, proven: { now: clock.now, doubt: () => null } },
    ...{ onDoubt: () => {}, isActive: () => true },
  });
  onTestFinished(() => retention.stop());
  retention.start();
  return {
    ...{ folder, clock, journal, onGone, logged },
    write: <T>(job: (tx: Tx) => Promise<T>) => journal.write(job),
    /** So much time passes, and retention has looked since. */
    async pass(ms: number, takes = true) {
      const { first } = journal.bounds();
      // Two commits of later: a unit is kept whole, and the last one always.
      await clock.advance(ms - limits.retentionEveryMs);
      await say(journal, '9', 'what comes later');
      await clock.advance(limits.retentionEveryMs);
      if (takes) await vi.waitFor(() => expect(journal.bounds().first).toBeGreaterThan(first));
      for (let n = 0; n < 40; n += 1) await settle();
    },
    legible: (words: readonly string[]) =>
      words.filter((word) =>
        ['switchboard.db', 'switchboard.db-wal', 'console.db', 'console.db-wal'].some((name) => {
          const file = join(folder, name);
          return existsSync(file) && readFileSync(file).includes(word);
        }),
      ),
  };
}

/** A message that came to this end. `word` is in its parameters, `why` in its error. */
const message = (status: MessageStatus, word: string, why = '') =>
  async function job(tx: Tx): Promise<number> {
    const before = status === 'scheduled' || status === 'queued' ? status : 'sending';
    const params = JSON.stringify({ chat_id: 7, text: word.repeat(400) });
    const { seq } = accept(tx, { status: before, params, dueAt: before === 'scheduled' ? tx.now + 30 * DAY_MS : 0 });
    if (before !== status)
      tx.changeMessage(seq, { status, error: why && JSON.stringify({ code: 400, description: why }) });
    return seq;
  };

test('with the entries’ age all goes that they told, and no file holds a word of it; what has not ended keeps its own', async () => {
  const { folder, journal, write, pass, legible } = stage();
  const index = openIndex(folder);
  await say(journal, '7', 'aardvark '.repeat(2000));
  await say(journal, '7', 'bandicoot');
  const ended = [];
  for (const [status, word, why] of [
    ['sent', 'capybara', 'dikdik'],
    ['failed', 'echidna', 'Unsupported start tag "fossa"'],
    ['canceled', 'gerenuk', ''],
    ['expired', 'hoatzin', ''],
  ] as const)
    ended.push(await write(message(status, word, why)));
  const waiting = [await write(message('unknown', 'ibex')), await write(message('scheduled', 'jerboa'))];
  waiting.push(await write(message('queued', 'kakapo')));
  await write(async (tx) => {
    const seq = tx.append({ type: 'chat.quarantined', chat: '8', body: '{"error":"lemming","machine":"payment"}' });
    tx.saveConversation(conversation('8', { status: 'quarantined', error: 'why' }));
    const held = { conversation: '8', seq, event: '{"type":"message.received","text":"manatee"}', awaited: null };
    tx.holdEvent(held);
    const timer = { kind: 'timer', name: 'xstate.after.1.payment.idle', dueAt: 5 } as const;
    tx.holdEvent({ ...held, seq: seq + 1, event: JSON.stringify({ type: timer.name }), awaited: timer });
    tx.append({ type: 'timer.fired', chat: '8', body: '{}' });
    tx.remember('key', 'narwhal', { requestHash: 'a', answer: '{"ocelot":1}' });
  });
  index.settle();
  const kept = ['ibex', 'jerboa', 'kakapo', 'xstate.after.1.payment.idle'];
  const gone = [
    'aardvark',
    'bandicoot',
    'capybara',
    'dikdik',
    'echidna',
    'fossa',
    'gerenuk',
    'hoatzin',
    'lemming',
    'manatee',
  ];
  const answers = ['narwhal', 'ocelot'];
  expect(legible([...gone, ...answers, ...kept])).toEqual([...gone, ...answers, ...kept]);

  await pass(2 * DAY_MS);
  index.settle();
  expect(legible(gone)).toEqual([]);
  expect(legible(kept)).toEqual(kept);
  expect(legible(answers), 'an Idempotency-Key holds for 7 days').toEqual(answers);
  expect(statSync(join(folder, 'switchboard.db-wal')).size).toBe(0);
  for (const seq of ended) {
    expect(await journal.message(seq)).toMatchObject({ seq, params: '{}', chat: '7', method: 'sendMessage' });
  }
  expect(JSON.parse((await journal.message(ended[1] ?? 0))?.error ?? '')).toEqual({
    code: 400,
    description: 'no longer kept',
  });
  for (const seq of waiting) expect((await journal.message(seq))?.params).toMatch(/ibex|jerboa|kakapo/);
  await write(async (tx) => {
    expect(await tx.nextHeld('8')).toMatchObject({ awaited: { kind: 'timer' } });
    expect(await tx.endQuarantine('8'), 'it is told how many events it did not take').toBe(1);
  });
  await pass(6 * DAY_MS);
  expect(legible(answers)).toEqual([]);
});

test('a message that ends after its entry is gone keeps its contents as long as the entry of its end', async () => {
  const { journal, write, pass, legible } = stage();
  const late = await write(message('unknown', 'pangolin'));
  await pass(2 * DAY_MS);
  await write(async (tx) => {
    tx.changeMessage(late, { status: 'failed', error: '{"code":400,"description":"quoll"}' });
    tx.append({ type: 'message.failed', chat: '7', body: '{}' });
  });
  await pass(DAY_MS / 2, false);
  expect(await journal.message(late)).toMatchObject({ error: expect.stringContaining('quoll') });
  await pass(2 * DAY_MS);
  expect(legible(['pangolin', 'quoll'])).toEqual([]);
  expect(await journal.message(late)).toMatchObject({ status: 'failed', params: '{}' });
});

test('a message that ended just before its entry went is kept as long as the entry of its end', async () => {
  const { journal, write, pass, clock, legible } = stage();
  const late = await write(message('unknown', 'rhebok'));
  await clock.advance(DAY_MS / 2);
  await write(async (tx) => {
    tx.changeMessage(late, { status: 'sent' });
    tx.append({ type: 'message.sent', chat: '7', body: '{}' });
  });
  await pass(DAY_MS / 2 + 2 * limits.retentionEveryMs);
  expect((await journal.message(late))?.params).toContain('rhebok');
  await pass(2 * DAY_MS);
  expect(legible(['rhebok'])).toEqual([]);
});

test('contents that an earlier version left behind go with the first look, more than one unit of work of them', async () => {
  const folder = temporaryFolder();
  const clock = manualClock();
  const journal = openJournal(folder, clock);
  const count = 3 * limits.forgottenAtOnce + 1;
  await journal.write(async (tx) => {
    for (let n = 0; n < count; n += 1) await message('sent', 'serval')(tx);
  });
  await clock.advance(1000);
  await say(journal, '7', 'later');
  await journal.write(async (tx) => tx.trim(tx.nextSeq()));
  for (let n = 0; await journal.write(async (tx) => tx.forgetMessages()); n += 1) expect(n).toBeLessThan(4);
  expect((await journal.message(count))?.params).toBe('{}');
});

test('a file gives the room of what went back to the disk, a bounded part at a time', async () => {
  const { folder, journal, write, pass } = stage();
  const size = () => statSync(join(folder, 'switchboard.db')).size;
  for (let n = 0; n < 40; n += 1)
    await write(async (tx) =>
      tx.append({ type: 'event.received', chat: '7', body: JSON.stringify('x'.repeat(200_000)) }),
    );
  await journal.emptyLog();
  expect(size()).toBeGreaterThan(7_000_000);
  const db = new DatabaseSync(join(folder, 'switchboard.db'));
  onTestFinished(() => db.close());
  expect(db.prepare('PRAGMA auto_vacuum').get()).toEqual({ auto_vacuum: 2 });
  await pass(2 * DAY_MS);
  await vi.waitFor(() => expect(size()).toBeLessThan(1_000_000));
});
