import { expect, test } from 'vitest';
import { json, startEdge } from './edge.ts';

test('an admin makes a key with callbacks, sees where they are, and resumes them', async () => {
  const edge = await startEdge();
  const callback = 'https://shop.example/hook';
  const made = await edge.send('POST', '/v1/keys', { role: 'aggregator', name: 'shop', callback });
  const { id, callback_secret } = Object(await json(made));
  expect([made.status, callback_secret]).toEqual([201, expect.stringMatching(/^whsec_.{40,}$/)]);
  const path = `/v1/keys/${id}/callback`;
  const state = { url: callback, last_seq: 0, failures: 0, failing_since: null, disabled: null };
  expect(await json(await edge.get(path))).toEqual(state);
  expect(await json(await edge.send('POST', `${path}/resume`, undefined))).toEqual(state);
  expect((await edge.get(path, edge.key('aggregator').header)).status).toBe(403);
  expect((await edge.get(`/v1/keys/${edge.admin.id}/callback`)).status).toBe(404);
});

test.each([
  'ftp://x.example/',
  'http://shop.example/',
  'http://127.0.0.1.evil.example/',
  'https://a:b@x.example/',
  'x',
])('callbacks do not go to %s', async (callback) => {
  const edge = await startEdge();
  const answer = await edge.send('POST', '/v1/keys', { role: 'aggregator', name: 'shop', callback });
  expect(await json(answer)).toMatchObject({ code: 'request_invalid', errors: [{ field: 'callback' }] });
});
