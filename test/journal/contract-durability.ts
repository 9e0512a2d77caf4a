import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OpenEngine } from './engine.ts';
import { accept, conversation, entry, request, timer, update } from './records.ts';

const ODD = [
  '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}',
  'עברית \u202eoverridden',
  'a\u0000b',
  '\u2028\u2029\ufeff',
  '\ud800 alone',
  "'; DROP TABLE entries; --",
  '\\ "quoted" \\u0041',
  'e\u0301 \ufdfd \u{10ffff}',
];

export function durabilityContract(openEngine: OpenEngine): void {
  test('everything is there after a restart, under the same stream', async () => {
    const { open, clock } = await openEngine();
    const first = await open();
    const before = await first.write(async (tx) => {
      tx.append(update(77));
      tx.setPollOffset(78);
      tx.saveConversation(conversation('7:u5', { status: 'quarantined', error: 'it broke', lastSeq: 1 }));
      tx.setTimer(timer('7:u5', 'after', 500));
      tx.addRequest(request('1-1-0', '7:u5'));
      tx.remember('key', 'idem', { requestHash: 'h', answer: '{"id":1}' });
      const unsent = accept(tx, { chat: '@name', expiresAt: 10 ** 15, keyId: 'k', onUnknown: 'resend' });
      const sent = accept(tx, { telegramMessageId: 4_503_599_627_370_495, status: 'sent', error: '{"code":1}' });
      return { unsent, sent };
    });
    await first.close();
    const again = await open();
    expect(again.stream).toBe(first.stream);
    expect(again.bounds()).toEqual({ first: 1, head: 3 });
    expect(await again.read({ from: 1, limit: 1 })).toEqual([
      { ...update(77), updateId: undefined, seq: 1, bot: '1', at: clock.now() },
    ]);
    expect(await again.pollOffset()).toBe(78);
    expect(await again.conversation('7:u5')).toEqual(
      conversation('7:u5', { status: 'quarantined', error: 'it broke', lastSeq: 1 }),
    );
    expect(await again.nextTimerAt()).toBe(500);
    expect(await again.openRequests(9)).toEqual([request('1-1-0', '7:u5')]);
    expect(await again.message(2)).toEqual(before.unsent);
    expect(await again.message(3)).toEqual(before.sent);
    expect(await again.outboxDepth()).toBe(1);
    await again.write(async (tx) => {
      expect(await tx.remembered('key', 'idem')).toEqual({ requestHash: 'h', answer: '{"id":1}' });
      expect(await tx.seenUpdates([77], 0)).toEqual(new Set([77]));
      expect(await tx.claimable(9)).toEqual([before.unsent]);
      expect(tx.append(entry('next'))).toBe(4);
    });
  });

  test('a journal made anew has another stream', async () => {
    const { open } = await openEngine();
    expect((await open('1')).stream).not.toBe((await open('2')).stream);
  });

  test('a body of 300 KB, of characters of every width, comes back as it went in', async () => {
    const journal = await (await openEngine()).open();
    const body = JSON.stringify({ update: { text: 'aß€\u{1f600}'.repeat(30_000) } });
    expect(Buffer.byteLength(body)).toBeGreaterThan(300_000);
    const commits: string[] = [];
    journal.onCommit(({ entries }) => commits.push(...entries.map((e) => e.body)));
    await journal.write(async (tx) => tx.append(entry('', { body })));
    await journal.write(async (tx) => tx.saveConversation(conversation('7', { snapshot: body })));
    expect((await journal.read({ from: 1, limit: 1 }))[0]?.body).toBe(body);
    expect((await journal.read({ from: 1, limit: 1, chats: ['7'] }))[0]?.body).toBe(body);
    expect((await journal.conversation('7'))?.snapshot).toBe(body);
    expect(commits).toEqual([body]);
  });

  test('any text comes back as it went in', async () => {
    const journal = await (await openEngine()).open();
    const texts = [...ODD, ...fc.sample(fc.string({ unit: 'binary' }), { numRuns: 200, seed: 7 })];
    await journal.write(async (tx) => {
      for (const text of texts) tx.append(entry(text));
    });
    const read = await journal.read({ from: 1, limit: texts.length });
    expect(read.map(({ body }) => JSON.parse(body).text)).toEqual(texts);
  });

  test('ids beyond 32 bits, times that are not whole and keys with signs are kept exactly', async () => {
    const journal = await (await openEngine()).open();
    const chat = '-4503599627370495';
    await journal.write(async (tx) => {
      tx.append(update(2 ** 52));
      tx.setPollOffset(2 ** 52 + 1);
      accept(tx, { chat, dueAt: 100.25, expiresAt: 200.5 });
      tx.setTimer(timer(chat, 'after', 99.5));
      tx.remember('a:b', 'k\'"%_*', { requestHash: 'h', answer: '1' });
      expect(await tx.remembered('a:b', 'k\'"%_*')).not.toBeNull();
      expect(await tx.seenUpdates([2 ** 52], 0)).toEqual(new Set([2 ** 52]));
    });
    expect(await journal.pollOffset()).toBe(2 ** 52 + 1);
    expect(await journal.message(2)).toMatchObject({ chat, dueAt: 101, expiresAt: 201 });
    expect(await journal.nextTimerAt()).toBe(100);
    await journal.write(async (tx) => tx.changeMessage(2, { dueAt: 300.75 }));
    expect(await journal.message(2)).toMatchObject({ dueAt: 301 });
  });
}
