import { expect, test } from 'vitest';
import { textUpdate } from '../support/updates.ts';
import { json, startEdge } from './edge.ts';

const PATHS = [
  '/v1/inspector/machines',
  '/v1/inspector/machines/counter/states',
  '/v1/inspector/machines/counter/chats',
  '/v1/inspector/chats/7',
  '/v1/inspector/chats/7/steps',
];

test('where the inspector is off none of its addresses is there', async () => {
  const edge = await startEdge();
  for (const path of [...PATHS, '/inspector']) expect((await edge.get(path)).status, path).toBe(404);
  expect(await (await edge.get('/openapi.json')).text()).not.toContain('/v1/inspector');
});

test('admins alone may look, and each address is described', async () => {
  const edge = await startEdge({ inspect: true });
  await edge.router.receiveUpdates([textUpdate(7, 'hello')], 2);
  const described = await (await edge.get('/openapi.json')).text();
  for (const path of PATHS) {
    for (const role of ['operator', 'aggregator', 'backend'] as const)
      expect((await edge.get(path, edge.key(role).header)).status, `${role} ${path}`).toBe(403);
    expect((await edge.get(path, {})).status).toBe(401);
    expect((await edge.get(path)).status, path).toBe(200);
    expect(described).toContain(path.replace('counter', '{id}').replace('/7', '/{id}'));
  }
});

test('a machine with its source, its chats by state, and one of them through time', async () => {
  const edge = await startEdge({ inspect: true });
  await edge.router.receiveUpdates([textUpdate(7, 'hello'), textUpdate(8, 'hello')], 3);
  const post = { type: 'order.shipped' };
  await edge.send('POST', '/v1/chats/8/events', post, { 'idempotency-key': 'k' });
  expect(await json(await edge.get('/v1/inspector/machines'))).toMatchObject({
    machines: [{ name: 'counter', version: '1', kind: 'conversation', source: 'the text of its file' }],
    sandbox: true,
  });
  expect(await json(await edge.get('/v1/inspector/machines/counter/states'))).toMatchObject({
    ...{ counted: 2, complete: true, live: null },
    states: expect.arrayContaining([
      { path: '', active: 2, done: 0, quarantined: 0 },
      { path: 'counting', active: 1, done: 0, quarantined: 0 },
      { path: 'shipped', active: 1, done: 0, quarantined: 0 },
    ]),
  });
  expect(await json(await edge.get('/v1/inspector/machines/counter/chats?state=shipped'))).toEqual({
    chats: [{ id: '8', version: '1', status: 'active', state: 'shipped' }],
    next: null,
  });
  expect(await json(await edge.get('/v1/inspector/chats/8'))).toMatchObject({
    ...{ id: '8', machine: 'counter', error: null },
    standing: { state: 'shipped', context: { heard: 1 } },
  });
  const life = '/v1/inspector/chats/8/steps';
  const all = Object(await json(await edge.get(life)));
  expect(all).toMatchObject({
    steps: [
      { cause: 'update.received', event: { text: 'hello' }, transitions: ['counting/0'], departs: false },
      { cause: 'event.received', event: post, transitions: ['counting/1'], after: { state: 'shipped' } },
    ],
    ...{ earlier: false, later: false, complete: true },
  });
  const [first, last] = all.steps;
  expect(await json(await edge.get(`${life}?limit=1`))).toMatchObject({ steps: [last], earlier: true, later: false });
  expect(await json(await edge.get(`${life}?before=${last.seq}`))).toMatchObject({ steps: [first], later: true });
  expect(await json(await edge.get(`${life}?after=${first.seq}`))).toMatchObject({ steps: [last], earlier: true });
});

test('what is not there is not found', async () => {
  const edge = await startEdge({ inspect: true });
  for (const path of ['machines/none/states', 'machines/none/chats', 'chats/9', 'chats/9/steps', 'chats/x/steps'])
    expect((await edge.get(`/v1/inspector/${path}`)).status, path).toBe(404);
});

test('I7: a key for certain chats sees these alone, and no count that would tell of others', async () => {
  const edge = await startEdge({ inspect: true });
  await edge.router.receiveUpdates([textUpdate(7, 'hello'), textUpdate(8, 'hello')], 3);
  const { header } = edge.key('admin', { chats: ['7'] });
  const statuses = await Promise.all(
    [...PATHS, '/v1/inspector/chats/8', '/v1/inspector/chats/8/steps', '/v1/inspector/chats/999'].map(
      async (path) => `${(await edge.get(path, header)).status} ${path.slice('/v1/inspector/'.length)}`,
    ),
  );
  expect(statuses).toEqual([
    ...[
      '200 machines',
      '403 machines/counter/states',
      '403 machines/counter/chats',
      '200 chats/7',
      '200 chats/7/steps',
    ],
    ...['403 chats/8', '403 chats/8/steps', '403 chats/999'],
  ]);
});

test('a chat that stands still says why, is counted as such, and its fault is a step of its life', async () => {
  const edge = await startEdge({ inspect: true });
  await edge.router.receiveUpdates([textUpdate(7, 'hello'), textUpdate(7, 'fault'), textUpdate(7, 'later')], 4);
  expect(await json(await edge.get('/v1/inspector/chats/7'))).toMatchObject({
    error: 'cannot take it',
    standing: { status: 'quarantined', state: 'counting', context: { heard: 1 } },
  });
  const life = '/v1/inspector/chats/7/steps';
  expect(await json(await edge.get(life))).toMatchObject({
    steps: [
      { event: { text: 'hello' }, after: { context: { heard: 1 } } },
      { event: { text: 'fault' }, told: [{ type: 'chat.quarantined', error: 'cannot take it' }], departs: false },
      { event: { text: 'later' }, told: [], transitions: [], after: { status: 'quarantined', context: { heard: 1 } } },
    ],
  });
  const { states } = Object(await json(await edge.get('/v1/inspector/machines/counter/states')));
  expect(states).toContainEqual({ path: 'counting', active: 0, done: 0, quarantined: 1 });

  // Mended and retried: what waited has been taken, in order.
  edge.fault.mended = true;
  await edge.send('POST', '/v1/chats/7/retry', undefined);
  expect(await json(await edge.get('/v1/inspector/chats/7'))).toMatchObject({
    error: null,
    standing: { status: 'active', context: { heard: 3 } },
  });
  const after = Object(await json(await edge.get(life)));
  expect(after.steps.at(-1)).toMatchObject({ cause: 'note', note: 'chat.resumed', after: { context: { heard: 3 } } });
});
