import { beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createInspection } from '../../src/conversations/inspection.ts';
import { checkedStepper } from '../../src/conversations/machines.ts';
import { replay } from '../../src/conversations/replay.ts';
import type { Router } from '../../src/conversations/router.ts';
import { createEraser } from '../../src/erase/eraser.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { createBroadcast } from '../../src/operators/broadcast.ts';
import { updateOf } from '../../src/operators/facade-update.ts';
import { end } from '../../src/outbox/fate.ts';
import { first, routerOf, tableOf } from '../conversations/versions.ts';
import { manualClock } from '../support/clock.ts';
import { oldestRequest, openJournal, temporaryFolder } from '../support/journal.ts';
import { groupUpdate, textUpdate } from '../support/updates.ts';

const clock = manualClock();
let journal: Journal;
let router: Router;
beforeEach(() => {
  journal = openJournal(temporaryFolder(), clock);
  router = routerOf(journal, tableOf(first));
});

/** Erases a chat as a server does, around its router. */
async function erase(chat: string, onRewritten = () => {}): Promise<void> {
  const eraser = createEraser({
    ...{ journal, clock: systemClock, onRewritten, rewrite: router.rewrite },
    log: { info: () => {}, warn: () => {} },
    cancel: (tx, message) => end(tx, '1', message, 'canceled', null),
    elsewhere: { index: async () => {}, emptyIndex: async () => true, files: async () => {}, payments: async () => {} },
    exports: { stream: 's', now: () => 0, fileOf: async function* () {}, payments: async () => [] },
  });
  await eraser.order(chat);
  await eraser.finish(() => {});
}

test('a conversation that was in memory begins anew, and a late answer to it is not kept', async () => {
  await router.receiveUpdates([textUpdate(7, 'hello'), textUpdate(7, 'buy'), textUpdate(7, 'pay')], 1);
  const request = await oldestRequest(journal);
  expect(router.liveIds()).toEqual(['7']);
  await erase('7');
  expect(router.liveIds()).toEqual([]);
  expect(await router.answerRequest(request, { output: 'the secret of 7' })).toBe(false);
  const [late] = await journal.read({ from: journal.bounds().head, limit: 1 });
  expect(JSON.parse(late?.body ?? '')).toEqual({ request: request.id, src: 'charge', late: true });
  await router.receiveUpdates([textUpdate(7, 'hello')], 2);
  const said = (await journal.read({ from: 1, limit: 100, types: ['message.accepted'] })).at(-1);
  expect(JSON.parse(said?.body ?? '').message.params.text).toBe('one 1');
});

test('a conversation of others that is in memory goes on with what is stored', async () => {
  const chat = -5;
  const ofGroup = { ...groupUpdate(chat, 7, 'hello') };
  await router.receiveUpdates([ofGroup], 1);
  const [id = ''] = router.liveIds();
  await router.rewrite(async (tx) => {
    const record = (await tx.conversations([id])).get(id);
    if (record === undefined) throw new Error('There is no conversation');
    tx.saveConversation({
      ...record,
      snapshot: record.snapshot.replace(/"context":\{/, '"context":{"rewritten":true,'),
    });
    return [id];
  });
  await router.receiveUpdates([groupUpdate(chat, 7, 'hello')], 2);
  expect(JSON.parse((await journal.conversation(id))?.snapshot ?? '').context).toMatchObject({ rewritten: true });
});

test('a replay begins anew behind what was erased', async () => {
  await router.receiveUpdates([textUpdate(7, 'hello'), textUpdate(7, 'buy')], 1);
  await erase('7');
  await router.receiveUpdates([textUpdate(7, 'hello')], 2);
  const all = [];
  const stepper = checkedStepper('shop', 'shop.machine.ts', first);
  const options = { journal, conversation: '7', chat: '7', stepper, perOf: () => 'chat' as const };
  for await (const one of replay(options))
    all.push(one.kind === 'note' ? one.text : `${one.from} -> ${one.to} ${one.departs}`);
  expect(all).toEqual(['all that came before was erased', 'null -> "browsing" false']);
});

test('getUpdates has no update of it, and a reader that was behind gets stubs and not what is in memory', async () => {
  await router.receiveUpdates([textUpdate(7, 'the secret of 7'), textUpdate(8, 'of 8')], 1);
  const broadcast = createBroadcast({ journal, clock, random: () => 0, log: { warn: () => {} } });
  const written: string[] = [];
  let isOpen = true;
  const sink = {
    write: (chunk: Uint8Array | string) => written.push(Buffer.from(chunk).toString()) > 0 && isOpen,
    ...{ pending: () => 0, end: () => {}, destroy: () => {}, onClose: () => {} },
    onDrain(listener: () => void) {
      drained = listener;
    },
  };
  let drained = () => {};
  journal.onCommit(({ entries }) => broadcast.publish(entries));
  isOpen = false;
  const { head } = journal.bounds();
  void broadcast.subscribe({ keyId: '1', chats: null, types: null, after: head, format: 'ndjson', reset: false, sink });
  // It takes nothing more: what comes now waits for it in memory.
  await router.receiveUpdates([textUpdate(7, 'another secret of 7')], 2);
  await erase('7', () => broadcast.catchUp());
  isOpen = true;
  drained();
  await expect.poll(() => written.join('')).toContain('chat.erased');
  expect(written.join('')).not.toContain('secret');
  expect(written.join('')).toContain('"erased":true');
  const updates = await journal.read({ from: 1, limit: 100, types: ['update.received'] });
  expect(
    updates.map(updateOf).flatMap((update) => (update === null ? [] : JSON.parse(update.text).message.text)),
  ).toEqual(['of 8']);
  broadcast.close();
});

test('the inspector remembers nothing of a life that was erased', async () => {
  const hello = (count: number) => Array.from({ length: count }, () => textUpdate(7, 'hello'));
  // So many that it goes on from a place on the way that it remembers.
  await router.receiveUpdates(hello(limits.travelPlaceEvery + 20), 1);
  const inspector = createInspection({
    ...{ journal, clock, machines: [{ name: 'shop', machine: first, source: null }], liveState: () => null },
    perOf: () => 'chat',
  });
  const { head } = journal.bounds();
  const page = () => inspector.steps('7', { after: head, before: null, limit: 2 });
  expect((await page())?.before.context).toMatchObject({ heard: expect.any(Number) });
  await erase('7');
  await router.receiveUpdates(hello(2), 2);
  expect(await page()).toMatchObject({ before: { context: null } });
});
