import { beforeEach, expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { manualClock } from '../support/clock.ts';
import { type Edge, json, startEdge } from './edge.ts';

let edge: Edge;

beforeEach(async () => {
  edge = await startEdge({ clock: manualClock() });
});

const hello = { chat_id: 777, text: 'hi' };
const post = (body: unknown, key: string, headers = edge.admin.header) =>
  edge.send('POST', '/v1/messages', body, { ...headers, 'idempotency-key': key });
const problem = async (response: Response) => `${response.status} ${Object(await json(response)).code}`;
const resolveAll = (body: object, headers = edge.admin.header) =>
  edge.send('POST', '/v1/messages/resolve', body, headers);
const list = async (query = '', headers = edge.admin.header) => {
  const answer = Object(await json(await edge.get(`/v1/messages?status=unknown${query}`, headers)));
  return { ids: answer.messages.map(({ id }: { id: string }) => id), next: answer.next };
};
/** Posts to these chats, whose answers are then lost. */
async function unknownOnes(chats: readonly number[], headers = edge.admin.header): Promise<string[]> {
  const ids: string[] = [];
  for (const chat_id of chats)
    ids.push(Object(await json(await post({ ...hello, chat_id }, `n${posts++}`, headers))).id);
  const seqs = ids.map((id) => Number(id.split('-')[1]));
  await edge.journal.write(async (tx) => {
    for (const seq of seqs) tx.changeMessage(seq, { status: 'unknown' });
  });
  return ids;
}
let posts = 0;

test('lists those of unknown fate by pages, and a key sees its own alone', async () => {
  const owner = edge.key('aggregator').header;
  const own = await unknownOnes([1, 2, 3], owner);
  const others = await unknownOnes([4]);
  await post(hello, 'queued', owner);
  expect(await list('', owner)).toEqual({ ids: own, next: null });
  expect(await list('&limit=2', owner)).toEqual({ ids: own.slice(0, 2), next: own[1] });
  expect(await list(`&limit=2&after=${own[1]}`, owner)).toEqual({ ids: own.slice(2), next: null });
  expect((await list()).ids).toEqual([...own, ...others]);
  expect(await problem(await edge.get('/v1/messages'))).toBe('400 request_invalid');
  expect(await problem(await edge.get('/v1/messages?status=sent'))).toBe('400 request_invalid');
  expect(await problem(await edge.get('/v1/messages?status=unknown&after=x'))).toBe('400 request_invalid');
});

test('settles those that the filter chooses and no others, each with its entry', async () => {
  const [a, b, c] = await unknownOnes([1, 2, 1]);
  const done = { resolved: 2, remaining: 0 };
  expect(await json(await resolveAll({ as: 'failed', filter: { status: 'unknown', chat_id: 1 } }))).toEqual(done);
  expect((await list()).ids).toEqual([b]);
  const told = await edge.journal.read({ from: 1, limit: 100, types: ['message.failed'] });
  expect(told.map(({ body }) => JSON.parse(body).message.id)).toEqual([a, c]);
  expect(await json(await resolveAll({ as: 'sent', filter: {} }))).toEqual({ resolved: 1, remaining: 0 });
  expect(await json(await resolveAll({ as: 'sent', filter: {} }))).toEqual({ resolved: 0, remaining: 0 });
});

test('chooses by method, by ids and by time, all of which must hold', async () => {
  const [a, b] = await unknownOnes([1, 2]);
  const since = Object(await json(await edge.get(`/v1/messages/${a}`))).updated_at;
  const ms = Date.parse(since);
  const at = (by: number) => new Date(ms + by).toISOString();
  for (const filter of [
    { method: 'sendPhoto' },
    { after: since },
    { before: since },
    { ids: [a], chat_id: 2 },
    { ids: ['9-1', 'x'] },
  ]) {
    expect(await json(await resolveAll({ as: 'resend', filter }))).toEqual({ resolved: 0, remaining: 0 });
  }
  const filter = { method: 'sendMessage', ids: [b], after: at(-1), before: at(1) };
  expect(await json(await resolveAll({ as: 'resend', filter }))).toEqual({ resolved: 1, remaining: 0 });
  expect(await json(await edge.get(`/v1/messages/${b}`))).toMatchObject({ status: 'queued' });
  expect((await list()).ids).toEqual([a]);
});

test("never another key's", async () => {
  const ids = await unknownOnes([1], edge.key('aggregator').header);
  const other = edge.key('backend').header;
  for (const filter of [{}, { ids }, { chat_id: 1 }]) {
    expect(await json(await resolveAll({ as: 'failed', filter }, other))).toEqual({ resolved: 0, remaining: 0 });
  }
  expect(await list('', other)).toEqual({ ids: [], next: null });
  expect((await list()).ids).toEqual(ids);
});

test('I9: so many a call, and tells how many are left', async () => {
  const count = limits.resolvedPerCallMax + 3;
  await unknownOnes([1]);
  await edge.journal.write(async (tx) => {
    const like = await tx.message(1);
    if (like === null) throw new Error('There is no message');
    for (let n = 2; n <= count; n += 1) tx.addMessage({ ...like, seq: 1000 + n, order: 'free' });
  });
  const first = { resolved: limits.resolvedPerCallMax, remaining: 3 };
  expect(await json(await resolveAll({ as: 'sent', filter: {} }))).toEqual(first);
  expect(await json(await resolveAll({ as: 'sent', filter: {} }))).toEqual({ resolved: 3, remaining: 0 });
});

test('a filter that is misspelt, or no filter, chooses nothing: it is refused', async () => {
  await unknownOnes([1]);
  for (const body of [
    { as: 'sent' },
    { as: 'sent', filter: { chat: 1 } },
    { as: 'sent', filter: { status: 'failed' } },
    { as: 'sent', filter: { before: 'yesterday' } },
    { as: 'sent', filter: {}, chat_id: 1 },
    { as: 'maybe', filter: {} },
  ]) {
    expect(await problem(await resolveAll(body))).toBe('400 request_invalid');
  }
  expect((await list()).ids).toHaveLength(1);
});
