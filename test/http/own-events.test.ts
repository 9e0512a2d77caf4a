import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { describe, expect, test } from 'vitest';
import { json, startEdge } from './edge.ts';

const post = (edge: Awaited<ReturnType<typeof startEdge>>, header: Record<string, string>, key: string, chat = 777) =>
  edge.send('POST', '/v1/messages', { chat_id: chat, text: key }, { ...header, 'idempotency-key': key });

/** Reads a stream until it has so many events that are not control events. */
async function read(response: Response, count: number) {
  const events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => event.event?.startsWith('stream.') || events.push(event) });
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (events.length >= count) break;
  }
  return events.map(({ id, event, data }) => ({ id, event, text: JSON.parse(data).message.params?.text }));
}

describe('an aggregator follows its own messages', () => {
  test('from the journal and live, and nothing of others, of conversations or of users', async () => {
    const edge = await startEdge();
    const mine = edge.key('aggregator').header;
    const other = edge.key('aggregator').header;
    await edge.append('777', { text: 'a user writes' });
    await post(edge, mine, 'a');
    await post(edge, other, 'b');
    const stream = await edge.get('/v1/messages/events?from=earliest', mine);
    expect(stream.status).toBe(200);
    const reading = read(stream, 3);
    await post(edge, other, 'c');
    await post(edge, mine, 'd', 8);
    await edge.send('DELETE', '/v1/messages/123-2', undefined, mine);
    expect(await reading).toEqual([
      { id: 'stream.2', event: 'message.accepted', text: 'a' },
      { id: 'stream.5', event: 'message.accepted', text: 'd' },
      { id: 'stream.6', event: 'message.canceled', text: undefined },
    ]);
  });

  test('goes on after the last event that it had, by index', async () => {
    const edge = await startEdge();
    const mine = edge.key('aggregator').header;
    for (const key of ['a', 'b', 'c']) await post(edge, mine, key);
    const resumed = await edge.get('/v1/messages/events', { ...mine, 'last-event-id': 'stream.1' });
    expect((await read(resumed, 2)).map(({ text }) => text)).toEqual(['b', 'c']);
    const page = await edge.get('/v1/messages/events?poll=1&from=earliest&limit=2&type=message.accepted', mine);
    expect(await json(page)).toMatchObject({ events: [{ seq: 1 }, { seq: 2 }], last_event_id: 'stream.2', more: true });
  });

  test('with a key for certain chats, and one chat of them', async () => {
    const edge = await startEdge();
    const mine = edge.key('aggregator', { chats: ['7', '8'] }).header;
    await post(edge, mine, 'a', 7);
    await post(edge, mine, 'b', 8);
    const page = (query: string) => edge.get(`/v1/messages/events?poll=1&from=earliest${query}`, mine);
    expect(await json(await page(''))).toMatchObject({ events: [{ chat: '7' }, { chat: '8' }] });
    expect(await json(await page('&chat=8'))).toMatchObject({ events: [{ chat: '8' }] });
    expect(await json(await page('&chat=9'))).toMatchObject({ events: [] });
  });

  test('of an @name, in whatever case it was posted and is asked for', async () => {
    const edge = await startEdge();
    for (const [n, chat_id] of ['@News', '@NEWS', '@other'].entries()) {
      await edge.send('POST', '/v1/messages', { chat_id, text: 'hi' }, { 'idempotency-key': `${n}` });
    }
    const path = '/v1/messages/events?poll=1&from=earliest&chat=@nEWS';
    const chats = { events: [{ chat: '@news' }, { chat: '@news' }] };
    expect(await json(await edge.get(path))).toMatchObject(chats);
    expect(await json(await edge.get(path.replace('/messages', '')))).toMatchObject(chats);
  });

  test('an operator may not, and the stream ends with its key', async () => {
    const edge = await startEdge();
    expect((await edge.get('/v1/messages/events', edge.key('operator').header)).status).toBe(403);
    const { header, id } = edge.key('aggregator');
    const stream = await edge.get('/v1/messages/events', header);
    edge.keyring.revoke(id);
    await stream.text();
  });
});
