import { expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { textUpdate } from '../support/updates.ts';
import { startEdge, until } from './edge.ts';

type Item = Readonly<Record<string, unknown>>;

/** Reads a feed's moments until one has what is looked for; then it leaves. Gives all items by then. */
async function read(response: Response, so: (item: Item) => boolean): Promise<Item[]> {
  const items: Item[] = [];
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const whole = text.split('\n\n');
    text = whole.pop() ?? '';
    for (const block of whole) if (block.startsWith('data: ')) items.push(...JSON.parse(block.slice(6)));
    if (items.some(so)) return items;
  }
  throw new Error(`the feed ended with ${JSON.stringify(items)}`);
}

test("a followed chat's steps come as they are durable, with how it stood first; others' do not", async () => {
  const edge = await startEdge({ inspect: true });
  await edge.router.receiveUpdates([textUpdate(7, 'hello')], 2);
  const response = await edge.get('/v1/inspector/feed?actor=chat:7');
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const seen = read(response, ({ state }) => state === 'shipped');
  await edge.router.receiveUpdates([textUpdate(8, 'hello'), textUpdate(7, 'and on', 3)], 4);
  await edge.send('POST', '/v1/chats/7/events', { type: 'order.shipped' }, { 'idempotency-key': 'k' });
  const items = await seen;
  expect(items).toMatchObject([
    {
      kind: 'actor',
      actor: 'chat:7',
      parent: 'conversations',
      machine: 'counter',
      state: 'counting',
      context: { heard: 1 },
    },
    {
      kind: 'step',
      actor: 'chat:7',
      from: 'counting',
      state: 'counting',
      event: { text: 'and on' },
      context: { heard: 2 },
    },
    {
      kind: 'step',
      actor: 'chat:7',
      from: 'counting',
      state: 'shipped',
      event: { type: 'order.shipped' },
      status: 'active',
    },
  ]);
});

test('nothing is attached while nobody looks: it is as the first comes, and no more as the last has gone', async () => {
  const edge = await startEdge({ inspect: true });
  expect(edge.isWatched()).toBe(false);
  const [one, other] = [
    await edge.get('/v1/inspector/feed?actor=chats'),
    await edge.get('/v1/inspector/feed?actor=chat:7'),
  ];
  expect(edge.isWatched()).toBe(true);
  await one.body?.cancel();
  await edge.router.receiveUpdates([textUpdate(7, 'hello')], 2);
  await read(other, ({ kind }) => kind === 'step');
  await until(() => !edge.isWatched());
});

test('what sampling leaves out is told as a count, and a chat that fails tells its error', async () => {
  const edge = await startEdge({ inspect: true });
  const items = read(await edge.get('/v1/inspector/feed?actor=chat:7'), ({ kind }) => kind === 'skipped');
  const many = limits.feedChatStepsMax + 30;
  const words = Array.from({ length: many }, (_, n) => textUpdate(7, `word ${n}`, n + 1));
  await edge.router.receiveUpdates([...words, textUpdate(7, 'fault', many + 1)], many + 2);
  const told = await items;
  const steps = told.filter(({ kind }) => kind === 'step').length;
  const left = told.filter(({ kind }) => kind === 'skipped').reduce((sum, { count }) => sum + Number(count), 0);
  expect(steps + left).toBe(many + 1);
  expect(told.find(({ kind }) => kind === 'skipped')).toMatchObject({ actor: 'chat:7' });
  // Where it stands now is told in any case.
  expect(told.findLast(({ kind }) => kind === 'step')).toMatchObject({ error: 'cannot take it', state: 'counting' });
});

test('I7: admins alone hear it, a key for certain chats of these alone, and it ends with its key', async () => {
  const edge = await startEdge({ inspect: true });
  const feed = '/v1/inspector/feed';
  expect((await edge.get(feed, {})).status).toBe(401);
  for (const role of ['operator', 'aggregator', 'backend'] as const)
    expect((await edge.get(feed, edge.key(role).header)).status, role).toBe(403);
  const some = edge.key('admin', { chats: ['7'] });
  for (const query of ['', '?actor=ingress', '?actor=chats', '?actor=chat:8'])
    expect((await edge.get(feed + query, some.header)).status, query).toBe(403);
  const own = await edge.get(`${feed}?actor=chat:7`, some.header);
  expect(own.status).toBe(200);
  edge.keyring.revoke(some.id);
  await own.text();
  expect((await edge.get(`${feed}?actor=nobody`)).status).toBe(400);
  expect(edge.isWatched()).toBe(false);
});

test('readers have a bound: the next one is told to come later', async () => {
  const edge = await startEdge({ inspect: true });
  const feeds = [];
  for (let n = 0; n < limits.feedReadersMax; n += 1) feeds.push(await edge.get('/v1/inspector/feed?actor=chat:7'));
  const refused = await edge.get('/v1/inspector/feed?actor=chat:7');
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).not.toBeNull();
  await Promise.all(feeds.map((feed) => feed.body?.cancel()));
});
