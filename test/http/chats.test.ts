import { beforeEach, describe, expect, test } from 'vitest';
import { manualClock } from '../support/clock.ts';
import { textUpdate } from '../support/updates.ts';
import { type Edge, json, startEdge } from './edge.ts';

let edge: Edge;

beforeEach(async () => {
  edge = await startEdge({ clock: manualClock() });
});

const write = (...chats: number[]) =>
  edge.router.receiveUpdates(
    chats.map((chat) => textUpdate(chat, 'hi')),
    1,
  );
const postEvent = (chat: string, event: unknown, key = 'k') =>
  edge.send('POST', `/v1/chats/${chat}/events`, event, { 'idempotency-key': key });
const problem = async (response: Response) => `${response.status} ${Object(await json(response)).code}`;

describe('a conversation', () => {
  test('shows where it stands', async () => {
    await write(7);
    expect(await json(await edge.get('/v1/chats/7'))).toEqual({
      id: '7',
      chat: '7',
      machine: 'counter',
      version: expect.any(String),
      status: 'active',
      state: 'counting',
      error: null,
      last_seq: 1,
      updated_at: '2026-01-01T00:00:00.000Z',
    });
  });

  test('that does not exist is 404, as is what cannot be an id', async () => {
    for (const id of ['8', '0', 'x', '7:u', '7 ', '99999999999999999999'])
      expect(await problem(await edge.get(`/v1/chats/${id}`)), id).toBe('404 not_found');
  });

  test('is in the list, page by page', async () => {
    await write(1, 2, 3, -4, 5);
    const ids: string[] = [];
    let after = '';
    for (let pages = 0; pages < 5; pages += 1) {
      const page = Object(await json(await edge.get(`/v1/chats?limit=2${after}`)));
      ids.push(...page.chats.map(({ id }: { id: string }) => id));
      if (page.next === null) break;
      after = `&after=${page.next}`;
    }
    expect(ids).toEqual(['-4', '1', '2', '3', '5']);
  });
});

describe('the journal of a chat', () => {
  test('has its entries alone, as the stream gives them, page by page', async () => {
    for (const chat of ['7', '8', '7', null, '7']) await edge.append(chat, { of: chat });
    const first = await json(await edge.get('/v1/chats/7/events?limit=2'));
    expect(first).toMatchObject({ events: [{ seq: 1, chat: '7', update: { of: '7' } }, { seq: 3 }], next: 3 });
    expect(await json(await edge.get('/v1/chats/7/events?limit=2&after=3'))).toMatchObject({
      events: [{ seq: 5 }],
      next: null,
    });
    expect(await json(await edge.get('/v1/chats/9/events'))).toEqual({ events: [], next: null });
  });
});

describe('a quarantined conversation', () => {
  const retry = (id: string, headers = {}) => edge.send('POST', `/v1/chats/${id}/retry`, undefined, headers);
  const listed = async () => Object(await json(await edge.get('/v1/chats?status=quarantined&limit=2')));

  test('is listed with its error, and goes on after a retry, with what it missed', async () => {
    await write(1, 2);
    await edge.router.receiveUpdates([textUpdate(7, 'fault'), textUpdate(7, 'more'), textUpdate(8, 'fault')], 2);
    expect(await listed()).toMatchObject({
      chats: [{ id: '7', status: 'quarantined', error: 'cannot take it' }, { id: '8' }],
    });
    expect(await json(await retry('7'))).toMatchObject({ id: '7', status: 'quarantined' });
    edge.fault.mended = true;
    expect(await json(await retry('7'))).toMatchObject({ id: '7', status: 'active', error: null });
    expect(await edge.journal.conversation('7')).toMatchObject({ snapshot: expect.stringContaining('"heard":2') });
    expect(await listed()).toMatchObject({ chats: [{ id: '8' }], next: null });
  });

  test('is retried by admins alone; one that goes on, or is not there, is not', async () => {
    await write(7);
    expect(await problem(await retry('7', edge.key('backend').header))).toBe('403 scope_missing');
    expect(await problem(await retry('7'))).toBe('409 chat_not_retryable');
    expect(await problem(await retry('9'))).toBe('404 not_found');
    expect(await problem(await edge.get('/v1/chats?status=active'))).toBe('400 request_invalid');
  });
});

describe('an event posted to a conversation', () => {
  test('is journalled and steps it', async () => {
    await write(7);
    const response = await postEvent('7', { type: 'order.shipped', parcel: 'p1' });
    expect(response.status).toBe(202);
    expect(await json(response)).toEqual({ seq: 3 });
    const events = await json(await edge.get('/v1/chats/7/events?after=2'));
    expect(events).toMatchObject({
      events: [
        { seq: 3, type: 'event.received', event: { type: 'order.shipped', parcel: 'p1' }, key: edge.admin.id },
        { seq: 4, type: 'chat.moved' },
      ],
    });
    expect(await json(await edge.get('/v1/chats/7'))).toMatchObject({ state: 'shipped' });
  });

  test('again with the same key is done once; with another event 422', async () => {
    await write(7);
    const first = await json(await postEvent('7', { type: 'order.shipped' }));
    const again = await postEvent('7', { type: 'order.shipped' });
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([202, 'true']);
    expect(await json(again)).toEqual(first);
    expect(await problem(await postEvent('7', { type: 'order.lost' }))).toBe('422 idempotency_key_reused');
  });

  test('needs a type, a key and a chat', async () => {
    const untyped = await postEvent('7', { parcel: 'p1' });
    expect(await json(untyped)).toMatchObject({ errors: [{ field: 'type', message: 'is required' }] });
    expect(await problem(await postEvent('7', { type: 'xstate.init' }))).toBe('400 request_invalid');
    expect(await problem(await edge.send('POST', '/v1/chats/7/events', { type: 'a.b' }))).toBe(
      '400 idempotency_key_missing',
    );
    expect(await problem(await postEvent('x', { type: 'a.b' }))).toBe('404 not_found');
    expect(edge.journal.bounds().head).toBe(0);
  });
});
