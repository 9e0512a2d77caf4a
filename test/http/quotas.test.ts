import { expect, test } from 'vitest';
import { manualClock } from '../support/clock.ts';
import { withLimits } from '../support/limits.ts';
import { type Edge, json, startEdge } from './edge.ts';

type TestKey = ReturnType<Edge['key']>;
let posts = 0;
const hello = { chat_id: 777, text: 'hi' };
const idempotent = (key: TestKey) => ({ ...key.header, 'idempotency-key': `${++posts}` });
const post = (edge: Edge, key: TestKey) => edge.send('POST', '/v1/messages', hello, idempotent(key));
const batch = (edge: Edge, key: TestKey, count: number) => {
  const messages = Array.from({ length: count }, () => ({ ...hello, idempotency_key: `${++posts}` }));
  return edge.send('POST', '/v1/messages/batch', { messages }, key.header);
};
const postEvent = (edge: Edge, key: TestKey) =>
  edge.send('POST', '/v1/chats/777/events', { type: 'order.shipped' }, idempotent(key));
/** `429 quota_exceeded`, and when to come again. */
const refusal = async (answer: Response) =>
  `${answer.status} ${Object(await json(answer)).code} ${answer.headers.get('retry-after')}`;

test('a key posts so fast and no faster, by whatever way; another does not notice', async () => {
  withLimits({ keyPostsPerS: 2, keyPostsBurst: 4 });
  const clock = manualClock();
  const edge = await startEdge({ clock });
  const [greedy, other] = [edge.key('backend', { givenScopes: ['moderate'] }), edge.key('aggregator')];
  expect((await batch(edge, greedy, 2)).status).toBe(200);
  expect((await post(edge, greedy)).status).toBe(202);
  expect((await postEvent(edge, greedy)).status).toBe(202);
  const depth = await edge.journal.outboxDepth();
  for (const answer of [await post(edge, greedy), await postEvent(edge, greedy), await batch(edge, greedy, 1)])
    expect(await refusal(answer)).toBe('429 quota_exceeded 1');
  expect(await refusal(await batch(edge, greedy, 4))).toBe('429 quota_exceeded 2');
  for (const method of ['sendMessage', 'banChatMember']) {
    const answer = await edge.get(`/telegram/bot${greedy.text}/${method}?chat_id=777&text=hi&user_id=7`, {});
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await json(answer)).toEqual({
      ...{
        ok: false,
        error_code: 429,
        description: 'Too Many Requests: retry after 1',
        parameters: { retry_after: 1 },
      },
    });
  }
  expect(await edge.journal.outboxDepth()).toBe(depth);
  expect((await post(edge, other)).status).toBe(202);
  // Nobody who sets the clock gives anybody more.
  clock.set(clock.now() + 86_400_000);
  expect((await post(edge, greedy)).status).toBe(429);
  await clock.advance(1000);
  expect((await batch(edge, greedy, 2)).status).toBe(200);
  expect((await post(edge, greedy)).status).toBe(429);
});

test('a key has so many messages waiting and no more: each that ends makes room, and others have theirs', async () => {
  withLimits({ keyMessagesWaitingMax: 2 });
  const edge = await startEdge({ clock: manualClock() });
  const [greedy, other] = [edge.key('aggregator'), edge.key('aggregator')];
  expect((await post(edge, greedy)).status).toBe(202);
  const answers = Object(await json(await batch(edge, greedy, 2))).messages;
  expect(answers).toMatchObject([{ status: 'queued' }, { error: { code: 'quota_exceeded', status: 429 } }]);
  expect(await refusal(await post(edge, greedy))).toBe('429 quota_exceeded 5');
  expect((await post(edge, other)).status).toBe(202);
  expect((await edge.send('DELETE', '/v1/messages/123-1', undefined)).status).toBe(200);
  expect((await post(edge, greedy)).status).toBe(202);
});
