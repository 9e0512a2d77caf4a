import { expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import type { MessagePost } from '../../src/outbox/outbox.ts';
import { createOutbox } from '../../src/outbox/post.ts';
import { until } from '../ingress/support.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { NO_UPLOADS } from '../support/uploads.ts';
import { newWorld, runOutbox } from './support.ts';

function newOutbox() {
  const clock = manualClock();
  const journal = openJournal(temporaryFolder(), clock);
  const outbox = createOutbox({ journal, clock, uploads: NO_UPLOADS });
  const post = (fields: Partial<MessagePost> = {}): MessagePost => ({
    ...{ keyId: 'key', chats: null, idempotencyKey: 'k', body: { chat_id: 1, text: 'hi' } },
    ...fields,
  });
  return { clock, journal, outbox, post };
}

test('a message accepted is durable, with its entry in the journal', async () => {
  const { journal, outbox, post } = newOutbox();
  const accepted = await outbox.accept(post());
  expect(accepted).toEqual({
    ...{ id: '1-1', status: 'queued', chat_id: 1, created_at: '2026-01-01T00:00:00.000Z', replayed: false },
  });
  const [entry] = await journal.read({ from: 1, limit: 10 });
  expect(entry).toMatchObject({ type: 'message.accepted', chat: '1' });
  expect(JSON.parse(entry?.body ?? '').message).toMatchObject({ id: '1-1', params: { chat_id: 1, text: 'hi' } });
});

test('the same idempotency key and body: the first answer again, and one message', async () => {
  const { journal, outbox, post } = newOutbox();
  const first = await outbox.accept(post());
  expect(await outbox.accept(post())).toEqual({ ...first, replayed: true });
  expect(await journal.outboxDepth()).toBe(1);
});

test('the log tells once of each parameter that is dropped, and of a bounded number of them', async () => {
  const { clock, journal, post } = newOutbox();
  const told: object[] = [];
  const log = { warn: (fields: object) => void told.push(fields) };
  const outbox = createOutbox({ journal, clock, uploads: NO_UPLOADS, log });
  const send = (keyId: string, more: object) =>
    outbox.accept(post({ keyId, chats: ['1'], idempotencyKey: null, body: { chat_id: 1, text: 'hi', ...more } }));
  for (const keyId of ['a', 'a', 'b']) await send(keyId, { new_thing: 1 });
  const event = 'parameter_dropped';
  expect(told).toEqual(['a', 'b'].map((key_id) => ({ event, key_id, parameter: 'new_thing' })));
  await send('a', Object.fromEntries(Array.from({ length: limits.droppedNamesMax }, (_, n) => [`p${n}`, 1])));
  await send('a', { one_more: 1 });
  expect(told.length).toBe(limits.droppedNamesMax);
});

test('the same idempotency key posted many times at once: one message', async () => {
  const { journal, outbox, post } = newOutbox();
  const answers = await Promise.all(Array.from({ length: 20 }, () => outbox.accept(post())));
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(new Set(answers.map(({ id }) => id))).toEqual(new Set(['1-1']));
  expect(await journal.outboxDepth()).toBe(1);
});

test('the same idempotency key with another body is refused', async () => {
  const { outbox, post } = newOutbox();
  await outbox.accept(post());
  const other = outbox.accept(post({ body: { chat_id: 1, text: 'other' } }));
  await expect(other).rejects.toMatchObject({ code: 'idempotency_key_reused' });
});

test("another key's holder may use the same idempotency key", async () => {
  const { outbox, post } = newOutbox();
  await outbox.accept(post());
  expect((await outbox.accept(post({ keyId: 'other' }))).replayed).toBe(false);
});

test('an idempotency key is free again after its time', async () => {
  const { clock, outbox, post } = newOutbox();
  await outbox.accept(post());
  await clock.advance(limits.idempotencyWindowMs);
  expect((await outbox.accept(post())).replayed).toBe(true);
  await clock.advance(1);
  expect((await outbox.accept(post())).replayed).toBe(false);
});

test('a key restricted to chats cannot write to others, whether they exist or not', async () => {
  const { outbox, post } = newOutbox();
  await expect(outbox.accept(post({ chats: ['2'] }))).rejects.toMatchObject({
    code: 'scope_missing',
    field: 'chat_id',
  });
  expect((await outbox.accept(post({ chats: ['1'] }))).status).toBe('queued');
});

test('a full outbox says when to come again; a repeat of what it took is still answered', async () => {
  const { journal, clock, post } = newOutbox();
  const full = createOutbox({
    clock,
    uploads: NO_UPLOADS,
    journal: {
      ...journal,
      write: (job) =>
        journal.write((tx) => {
          const limited = Object.create(tx, { outboxDepth: { value: async () => limits.outboxMessagesMax } });
          return job(first ? tx : limited);
        }),
    },
  });
  let first = true;
  await full.accept(post());
  first = false;
  await expect(full.accept(post({ idempotencyKey: 'other' }))).rejects.toMatchObject({
    ...{ code: 'outbox_full', retryAfterMs: limits.outboxFullRetryMs },
  });
  expect((await full.accept(post())).replayed).toBe(true);
});

test('in a batch each item is answered for itself, in order', async () => {
  const { outbox, post } = newOutbox();
  const bad = post({ idempotencyKey: 'bad', body: { chat_id: 1, text: '' } });
  const answers = await outbox.acceptAll([post(), bad, post({ idempotencyKey: 'c' })]);
  expect(answers).toMatchObject([
    { status: 'queued' },
    { code: 'message_invalid', field: 'text' },
    { status: 'queued' },
  ]);
});

test('what waits can be taken back, once, and is never sent', async () => {
  const running = runOutbox(await newWorld());
  const send_at = new Date(running.clock.now() + 1000).toISOString();
  const id = await running.send(1, 'x', { send_at });
  expect((await running.outbox.cancel(id)).status).toBe('canceled');
  await expect(running.outbox.cancel(id)).rejects.toMatchObject({ code: 'message_not_cancelable' });
  await running.advance(2000);
  expect(running.calls).toEqual([]);
  expect(await running.told()).toEqual(['message.canceled']);
});

test('what is being sent, or was, cannot be taken back', async () => {
  const running = runOutbox(await newWorld(), { through: (api) => ({ ...api, call: () => new Promise(() => {}) }) });
  const id = await running.send(1, 'x');
  await until(() => running.calls.length === 1);
  await expect(running.outbox.cancel(id)).rejects.toMatchObject({ code: 'message_not_cancelable' });
  await expect(running.outbox.resolve(id, 'sent')).rejects.toMatchObject({ code: 'message_not_unknown' });
});

test.each(['nonsense', '2-1', '1-0', '1-99', '1-1e3'])('there is no message %s', async (id) => {
  const { outbox } = newOutbox();
  expect(await outbox.find(id)).toBeNull();
  await expect(outbox.cancel(id)).rejects.toMatchObject({ code: 'not_found' });
  await expect(outbox.resolve(id, 'sent')).rejects.toMatchObject({ code: 'not_found' });
});

test('beyond the bound of those who wait, a message is told at once as it stands; whoever leaves makes room', async () => {
  const { outbox, post } = newOutbox();
  const { id } = await outbox.accept(post());
  const others = await Promise.all(
    ['b', 'c', 'd', 'e'].map(async (keyId) => (await outbox.accept(post({ keyId }))).id),
  );
  const leaving = new AbortController();
  const wait = (signal = leaving.signal, of = id) => outbox.settled(of, 50_000, signal);
  let told = 0;
  const fill = (of: string) =>
    Array.from({ length: limits.messageWaitersPerKeyMax }, () => wait(leaving.signal, of).then(() => (told += 1)));
  // Of one key; then of all.
  const waiting = fill(id);
  expect(await wait()).toMatchObject({ status: 'queued' });
  waiting.push(...others.slice(0, 3).flatMap(fill));
  expect(await wait(leaving.signal, others[3])).toMatchObject({ status: 'queued' });
  expect(told).toBe(0);
  leaving.abort();
  await Promise.all(waiting);
  const late = wait(new AbortController().signal);
  await outbox.cancel(id);
  expect(await late).toMatchObject({ status: 'canceled' });
});

test('an unknown message can be resolved as sent, as failed, or be sent again', async () => {
  const world = await newWorld();
  const running = runOutbox(world);
  await world.bot.control('faults', { method: 'sendMessage', times: 3, kind: 'reset' });
  const ids = [await running.send(1, 'a'), await running.send(2, 'b'), await running.send(3, 'c')];
  for (const id of ids) expect((await running.fateOf(id)).status).toBe('unknown');
  const [a = '', b = '', c = ''] = ids;
  expect(await running.outbox.resolve(a, 'sent')).toMatchObject({ status: 'sent', error: null });
  expect(await running.outbox.resolve(b, 'failed')).toMatchObject({ status: 'failed' });
  await running.outbox.resolve(c, 'resend');
  expect((await running.fateOf(c)).status).toBe('sent');
  expect(await running.seenBy(3)).toEqual(['c']);
  await expect(running.outbox.resolve(a, 'resend')).rejects.toMatchObject({ code: 'message_not_unknown' });
  expect((await running.told()).slice(3)).toEqual(['message.sent', 'message.failed', 'message.sent']);
});
