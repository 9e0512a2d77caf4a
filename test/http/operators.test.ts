import { expect, test } from 'vitest';
import { manualClock } from '../support/clock.ts';
import { json, startEdge, until } from './edge.ts';

/** Ends streams that were held on to: one that nobody holds is given up by the client at any time. */
const letGo = (streams: readonly Response[]) => Promise.all(streams.map(({ body }) => body?.cancel()));

test('admins see who reads, and how far each is', async () => {
  const edge = await startEdge({ clock: manualClock() });
  const ben = edge.key('operator', { name: 'ben', chats: ['7'] });
  await edge.append('7', { text: 'hi' });
  const streams = [
    await edge.get('/v1/events', { ...ben.header, accept: 'application/x-ndjson' }),
    await edge.get('/v1/events?from=earliest&type=chat.moved'),
  ];
  await edge.append('8');
  await until(() => edge.operators.list({ after: 0, limit: 2 }).every(({ lag }) => lag === 0));
  const at = { since: '2026-01-01T00:00:00.000Z', state: 'live', after: 2, lag: 0, pending: 0 };
  expect(await json(await edge.get('/v1/operators'))).toEqual({
    connected: 2,
    operators: [
      {
        ...{ id: 1, key: { id: ben.id, name: 'ben' }, format: 'ndjson', chats: ['7'], types: null, ...at },
        bytes: '{"type":"stream.hello","stream":"stream","first":1,"head":1,"filtered":true}\n'.length,
      },
      {
        ...{
          id: 2,
          key: { id: edge.admin.id, name: 'admin' },
          format: 'sse',
          chats: null,
          types: ['chat.moved'],
          ...at,
        },
        bytes: expect.any(Number),
      },
    ],
    next: null,
    pollers: [],
  });
  await letGo(streams);
});

test('page by page, each stream once', async () => {
  const edge = await startEdge();
  const streams: Response[] = [];
  for (let n = 0; n < 3; n += 1) streams.push(await edge.get('/v1/events'));
  const first = await json(await edge.get('/v1/operators?limit=2'));
  expect(first).toMatchObject({ connected: 3, operators: [{ id: 1 }, { id: 2 }], next: 2 });
  expect(await json(await edge.get('/v1/operators?limit=2&after=2'))).toMatchObject({
    operators: [{ id: 3 }],
    next: null,
  });
  await letGo(streams);
});

test('keys that poll are seen too: how far they have confirmed, and whether they are there', async () => {
  const edge = await startEdge();
  const anna = edge.key('operator', { name: 'anna', chats: ['7'] });
  const poll = (body: object) =>
    edge.get(`/telegram/bot${anna.text}/getUpdates?${new URLSearchParams({ ...body })}`, {});
  const pollers = async () => Object(await json(await edge.get('/v1/operators'))).pollers;
  const update = (id: number) => edge.append('7', { update_id: id, message: { message_id: id, text: 'hi' } });
  await update(1);
  await update(2);
  await poll({});
  const seen = { key: { id: anna.id, name: 'anna' }, chats: ['7'], polling: false, polled_at: expect.any(String) };
  const [first] = await pollers();
  expect(first).toEqual({ ...seen, after: 0, lag: 2, bytes: expect.any(Number) });
  const waiting = poll({ offset: 3, timeout: 20 });
  await until(() => edge.status.getSnapshot().context.operators.polling === 1);
  await until(() => edge.parts.updates.list()[0]?.after === 2);
  expect(await pollers()).toEqual([{ ...seen, polling: true, after: 2, lag: 0, bytes: first.bytes }]);
  expect(await (await edge.get('/metrics')).text()).toContain('switchboard_operators_polling 1\n');
  await update(3);
  await waiting;
  await until(() => edge.status.getSnapshot().context.operators.polling === 0);
  edge.parts.updates.end(anna.id);
  expect(await pollers()).toEqual([]);
});

test('others do not see it', async () => {
  const edge = await startEdge();
  for (const role of ['operator', 'aggregator', 'backend'] as const) {
    expect((await edge.get('/v1/operators', edge.key(role).header)).status).toBe(403);
  }
});
