import { beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { type Edge, json, startEdge, until } from './edge.ts';

let edge: Edge;
let clock: ManualClock;

/** What was asked of the clock: it tells who waits by now. */
let delays: number[];

beforeEach(async () => {
  const manual = manualClock();
  delays = [];
  clock = {
    ...manual,
    setTimeout(fn, delayMs) {
      delays.push(delayMs);
      return manual.setTimeout(fn, delayMs);
    },
  };
  edge = await startEdge({ clock });
});

type TestKey = ReturnType<Edge['key']>;
let posts = 0;
const post = async (key: TestKey, body: object = {}): Promise<string> => {
  const headers = { ...key.header, 'idempotency-key': `k${++posts}` };
  const answer = await edge.send('POST', '/v1/messages', { chat_id: 777, text: 'hi', ...body }, headers);
  return Object(await json(answer)).id;
};
/** Resolves once requests wait for so long each. */
const waiting = (...ms: number[]) => until(() => ms.every((one) => delays.includes(one)));
const codeOf = async (answer: Response) => `${answer.status} ${Object(await json(answer)).code}`;

describe('a revoked key', () => {
  test('waits no longer for a message, nor for an update, and its call by the Bot API is taken back', async () => {
    const key = edge.key('backend');
    const id = await post(key);
    const wait = edge.get(`/v1/messages/${id}?wait=41`, key.header);
    const poll = edge.get(`/telegram/bot${key.text}/getUpdates?timeout=42`, {});
    const write = edge.get(`/telegram/bot${key.text}/sendMessage?chat_id=777&text=hi`, {});
    await waiting(41_000, 42_000, limits.facadeWriteWaitMs);
    edge.keyring.revoke(key.id);
    expect(await codeOf(await wait)).toBe('401 key_missing');
    for (const answer of [await poll, await write])
      expect(await json(answer)).toEqual({ ok: false, error_code: 401, description: 'Unauthorized' });
    expect((await edge.journal.message(2))?.status).toBe('canceled');
    expect((await edge.journal.message(1))?.status).toBe('queued');
  });

  test('posts nothing with a body that was on its way', async () => {
    const key = edge.key('aggregator');
    const revoked = Promise.withResolvers<void>();
    const slowly = (content: string) =>
      new ReadableStream({
        async start(controller) {
          controller.enqueue(Buffer.from(content.slice(0, 10)));
          await revoked.promise;
          controller.enqueue(Buffer.from(content.slice(10)));
          controller.close();
        },
      });
    const form = (name: string, value: string) =>
      `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const send = (type: string, content: string) =>
      fetch(`${edge.url}/v1/messages`, {
        method: 'POST',
        headers: { ...key.header, 'idempotency-key': `${type.length}`, 'content-type': type },
        body: slowly(content),
        duplex: 'half',
      } as RequestInit);
    const asJson = send('application/json', JSON.stringify({ chat_id: 777, text: 'hi' }));
    const asForm = send('multipart/form-data; boundary=x', `${form('chat_id', '777')}${form('text', 'hi')}--x--\r\n`);
    // Both have been let in by then.
    await until(() => edge.keyring.isActive(key.id));
    await edge.get('/livez');
    edge.keyring.revoke(key.id);
    revoked.resolve();
    expect(await codeOf(await asJson)).toBe('401 key_missing');
    expect(await codeOf(await asForm)).toBe('401 key_missing');
    expect(await edge.journal.outboxDepth()).toBe(0);
  });

  test('has what waits canceled, if that is wanted: also later, and of no other key', async () => {
    const [key, other] = [edge.key('aggregator'), edge.key('aggregator')];
    const sendAt = new Date(clock.now() + 86_400_000).toISOString();
    const queued = [await post(key), await post(key, { chat_id: 8 })];
    const scheduled = await post(key, { delivery: { send_at: sendAt } });
    const kept = [await post(other), await post(other, { delivery: { send_at: sendAt } })];
    expect((await edge.send('DELETE', `/v1/keys/${key.id}`, undefined)).status).toBe(204);
    expect(await edge.journal.outboxDepth()).toBe(5);
    const cancel = () => edge.send('DELETE', `/v1/keys/${key.id}?cancel=1`, undefined);
    expect(await json(await cancel())).toEqual({ id: key.id, canceled: 3 });
    expect(await json(await cancel())).toEqual({ id: key.id, canceled: 0 });
    const status = async (id: string) => Object(await json(await edge.get(`/v1/messages/${id}`))).status;
    expect(await Promise.all([...queued, scheduled].map(status))).toEqual(['canceled', 'canceled', 'canceled']);
    expect(await Promise.all(kept.map(status))).toEqual(['queued', 'scheduled']);
    const none = await edge.send('DELETE', '/v1/keys/1?cancel=1', undefined);
    expect(await codeOf(none)).toBe('404 not_found');
  });
});

test('an admin lists what a key posted, page by page; others list their own alone', async () => {
  const [key, other] = [edge.key('aggregator'), edge.key('backend')];
  const ids = [await post(key), await post(key), await post(key)];
  await post(other);
  const list = async (query: string, headers?: TestKey['header']) =>
    Object(await json(await edge.get(`/v1/messages?${query}`, headers)));
  const first = await list(`key=${key.id}&limit=2`);
  expect(first.messages.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
  const second = await list(`key=${key.id}&limit=2&after=${first.next}`);
  expect([second.messages.map(({ id }: { id: string }) => id), second.next]).toEqual([ids.slice(2), null]);
  expect((await list(`key=${key.id}`, key.header)).messages).toHaveLength(3);
  expect((await list(`key=${key.id}`, other.header)).code).toBe('scope_missing');
  expect((await list('limit=2')).code).toBe('request_invalid');
  await edge.journal.write(async (tx) => tx.changeMessage(2, { status: 'unknown' }));
  const unknown = await list(`key=${key.id}&status=unknown`);
  expect(unknown.messages.map(({ id }: { id: string }) => id)).toEqual([ids[1]]);
  expect((await list(`key=${other.id}&status=unknown`)).messages).toEqual([]);
});

describe('a key that gets a new secret', () => {
  const rotate = async (key: TestKey, body: object) => {
    const made = Object(await json(await edge.send('POST', `/v1/keys/${key.id}/rotate`, body)));
    return { ...key, made, text: String(made.key), header: { authorization: `Bearer ${made.key}` } };
  };

  test('keeps its messages; the old secret works for as long as was said, and then ends what it opened', async () => {
    const old = edge.key('backend');
    const id = await post(old);
    const rotated = await rotate(old, { overlap_s: 30 });
    expect(rotated.made).toMatchObject({ id: old.id, role: 'backend', old_secret_until: '2026-01-01T00:00:30.000Z' });
    expect(rotated.text).not.toBe(old.text);
    for (const { header } of [old, rotated]) expect((await edge.get(`/v1/messages/${id}`, header)).status).toBe(200);
    const stream = await edge.get('/v1/events', old.header);
    const wait = edge.get(`/v1/messages/${id}?wait=41`, old.header);
    const poll = edge.get(`/telegram/bot${rotated.text}/getUpdates?timeout=42`, {});
    await waiting(41_000, 42_000);
    await clock.advance(30_000);
    await stream.text();
    // Nobody who has the new secret is told that the key is none.
    expect(await json(await wait)).toMatchObject({ id, status: 'queued' });
    expect(await json(await poll)).toEqual({ ok: true, result: [] });
    expect((await edge.get(`/v1/messages/${id}`, old.header)).status).toBe(401);
    expect((await edge.get(`/v1/messages/${id}`, rotated.header)).status).toBe(200);
  });

  test('with no overlap the old one ends at once, as does the one before when a third comes; no other key is rotated', async () => {
    const first = edge.key('operator');
    const second = await rotate(first, { overlap_s: 0 });
    expect((await edge.get('/v1/chats', first.header)).status).toBe(401);
    const third = await rotate(second, {});
    const fourth = await rotate(third, { overlap_s: 60 });
    const statuses = [first, second, third, fourth].map(
      async ({ header }) => (await edge.get('/v1/chats', header)).status,
    );
    expect(await Promise.all(statuses)).toEqual([401, 401, 200, 200]);
    edge.keyring.revoke(first.id);
    const gone = await edge.send('POST', `/v1/keys/${first.id}/rotate`, {});
    expect(await codeOf(gone)).toBe('404 not_found');
    expect(await codeOf(await edge.send('POST', '/v1/keys/1/rotate', {}))).toBe('404 not_found');
    const long = await edge.send('POST', `/v1/keys/${first.id}/rotate`, { overlap_s: 30 * 86_400 + 1 });
    expect(await codeOf(long)).toBe('400 request_invalid');
  });
});
