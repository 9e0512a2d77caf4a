import { beforeEach, describe, expect, test } from 'vitest';
import { SwitchboardError } from '../../src/errors.ts';
import { limits } from '../../src/limits.ts';
import { type ManualClock, manualClock, settle } from '../support/clock.ts';
import { type Edge, json, startEdge } from './edge.ts';

let edge: Edge;
let clock: ManualClock;

beforeEach(async () => {
  clock = manualClock();
  edge = await startEdge({ clock });
});

const hello = { chat_id: 777, text: 'hi' };
const post = (body: unknown, key: string, headers = edge.admin.header) =>
  edge.send('POST', '/v1/messages', body, { ...headers, 'idempotency-key': key });
const problem = async (response: Response) => `${response.status} ${Object(await json(response)).code}`;
/** A message that is being sent, as the sender leaves it. */
const change = (status: 'sending' | 'unknown' | 'sent') =>
  edge.journal.write(async (tx) => tx.changeMessage(1, { status }));

describe('a message posted', () => {
  test('is accepted, durable, and found at its Location', async () => {
    const response = await post(hello, 'k');
    expect(response.status).toBe(202);
    expect(await json(response)).toEqual({
      id: '123-1',
      status: 'queued',
      chat_id: 777,
      created_at: '2026-01-01T00:00:00.000Z',
    });
    expect(response.headers.get('location')).toBe('/v1/messages/123-1');
    expect(response.headers.get('idempotent-replayed')).toBeNull();
    const found = await edge.get(response.headers.get('location') ?? '');
    expect(await json(found)).toMatchObject({ id: '123-1', status: 'queued', method: 'sendMessage', attempts: 0 });
  });

  test('again with the same key gets the first answer, with another body 422, of another key its own', async () => {
    const first = await json(await post(hello, 'k'));
    const again = await post(hello, 'k');
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([202, 'true']);
    expect(await json(again)).toEqual(first);
    expect(await problem(await post({ ...hello, text: 'other' }, 'k'))).toBe('422 idempotency_key_reused');
    expect((await post(hello, 'k', edge.key('aggregator').header)).headers.get('idempotent-replayed')).toBeNull();
    expect(await edge.journal.outboxDepth()).toBe(2);
  });

  test('needs an Idempotency-Key of 1 to 255 visible ASCII characters', async () => {
    expect(await problem(await edge.send('POST', '/v1/messages', hello))).toBe('400 idempotency_key_missing');
    for (const key of ['a b', 'é', 'x'.repeat(256)]) {
      const response = await post(hello, key);
      expect(await json(response)).toMatchObject({ code: 'request_invalid', errors: [{ field: 'Idempotency-Key' }] });
    }
    expect((await post(hello, `!${'x'.repeat(253)}~`)).status).toBe(202);
  });

  test('that is nested too deep to be read is refused, whichever way it comes, and hinders no other', async () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const raw = (path: string, body: string) =>
      fetch(edge.url + path, {
        method: 'POST',
        body,
        headers: { ...edge.admin.header, 'content-type': 'application/json', 'idempotency-key': 'k' },
      });
    for (const depth of [101, 5000, 400_000]) {
      const call = `{"chat_id":777,"text":"hi","reply_markup":${nested(depth)}}`;
      expect(await problem(await raw('/v1/messages', call))).toBe('400 request_invalid');
      const as = `{"chat_id":777,"text":"hi","reply_markup":"${nested(depth)}"}`;
      const told = await json(await raw('/v1/messages', as));
      expect(told).toMatchObject({ status: 400, errors: [{ field: 'reply_markup' }] });
      const good = '{"chat_id":777,"text":"hi","idempotency_key":"good"}';
      const batch = `{"messages":[{"idempotency_key":"deep",${call.slice(1)},${good}]}`;
      const answers = await json(await raw('/v1/messages/batch', batch));
      // So many levels are more values than a body may have: nothing of it is read.
      if (depth > limits.jsonValuesMax) expect(answers).toMatchObject({ status: 400, code: 'request_invalid' });
      else expect(answers).toMatchObject({ messages: [{ error: { code: 'request_invalid' } }, { id: '123-1' }] });
    }
    expect((await post({ ...hello, unknown: JSON.parse(nested(98)) }, 'shallow')).status).toBe(202);
  });

  test('can be scheduled', async () => {
    const send_at = '2026-01-02T00:00:00.000Z';
    const body = { ...hello, delivery: { send_at, priority: 'low', on_unknown: 'resend' } };
    expect(await json(await post(body, 'k'))).toMatchObject({ status: 'scheduled' });
    expect(await json(await edge.get('/v1/messages/123-1'))).toMatchObject({ status: 'scheduled', send_at });
  });
});

describe('a message of another key', () => {
  test('is as if it were not there: 404 to read, cancel and resolve; an admin sees it', async () => {
    const owner = edge.key('aggregator').header;
    const other = edge.key('backend').header;
    await post(hello, 'k', owner);
    const answers = new Set<string>();
    for (const id of ['123-1', '123-2', '124-1', 'x', '123-01']) {
      answers.add(await (await edge.get(`/v1/messages/${id}`, other)).text());
      answers.add(await (await edge.send('DELETE', `/v1/messages/${id}`, undefined, other)).text());
      const resolved = await edge.send('POST', `/v1/messages/${id}/resolve`, { as: 'sent' }, other);
      answers.add(await resolved.text());
    }
    expect([...answers].map((answer) => JSON.parse(answer).code)).toEqual(['not_found']);
    expect((await edge.get('/v1/messages/123-1', owner)).status).toBe(200);
    expect((await edge.get('/v1/messages/123-1')).status).toBe(200);
  });
});

describe('waiting for a message', () => {
  test('answers as soon as it is settled', async () => {
    await post(hello, 'k');
    let answered = false;
    const waiting = edge.get('/v1/messages/123-1?wait=50').finally(() => {
      answered = true;
    });
    await settle();
    expect(answered).toBe(false);
    await edge.send('DELETE', '/v1/messages/123-1', undefined);
    expect(await json(await waiting)).toMatchObject({ status: 'canceled' });
  });

  test('answers as it stands after the time', async () => {
    await post(hello, 'k');
    const armed = clock.now();
    const waiting = edge.get('/v1/messages/123-1?wait=2.5');
    let answered = false;
    void waiting.then(() => {
      answered = true;
    });
    while (!answered) await clock.advance(100);
    expect(clock.now() - armed).toBeGreaterThanOrEqual(2500);
    expect(await json(await waiting)).toMatchObject({ status: 'queued' });
  });

  test('is for 50 s at most', async () => {
    await post(hello, 'k');
    expect(await problem(await edge.get('/v1/messages/123-1?wait=51'))).toBe('400 request_invalid');
    expect(await problem(await edge.get('/v1/messages/123-1?wait=-1'))).toBe('400 request_invalid');
  });
});

describe('taking a message back', () => {
  test('works until it is being sent', async () => {
    await post(hello, 'k');
    const canceled = await edge.send('DELETE', '/v1/messages/123-1', undefined);
    expect(canceled.status).toBe(200);
    expect(await json(canceled)).toMatchObject({ id: '123-1', status: 'canceled' });
    expect(await problem(await edge.send('DELETE', '/v1/messages/123-1', undefined))).toBe(
      '409 message_not_cancelable',
    );
  });

  test('is too late once it is', async () => {
    await post(hello, 'k');
    await change('sending');
    expect(await problem(await edge.send('DELETE', '/v1/messages/123-1', undefined))).toBe(
      '409 message_not_cancelable',
    );
  });
});

describe('resolving', () => {
  const resolve = (as: string) => edge.send('POST', '/v1/messages/123-1/resolve', { as });

  test('decides an unknown fate, once', async () => {
    await post(hello, 'k');
    expect(await problem(await resolve('sent'))).toBe('409 message_not_unknown');
    await change('unknown');
    expect(await json(await resolve('sent'))).toMatchObject({ status: 'sent' });
    expect(await problem(await resolve('failed'))).toBe('409 message_not_unknown');
  });

  test('sends again, or says that it failed; anything else is refused', async () => {
    await post(hello, 'k');
    await change('unknown');
    expect(await problem(await resolve('maybe'))).toBe('400 request_invalid');
    expect(await json(await resolve('resend'))).toMatchObject({ status: 'queued' });
    await change('unknown');
    expect(await json(await resolve('failed'))).toMatchObject({ status: 'failed' });
  });
});

describe('a batch', () => {
  const batch = async (messages: unknown[], headers = edge.admin.header) =>
    json(await edge.send('POST', '/v1/messages/batch', { messages }, headers));

  test('gets an answer an item, in their order; what is wrong with one hinders no other', async () => {
    const item = (key: unknown, fields: object = {}) => ({ ...hello, idempotency_key: key, ...fields });
    const answers = await batch([
      item('a'),
      item('b', { text: '' }),
      { ...hello },
      'text',
      item('c d'),
      item('e', { delivery: { priority: 'urgent' } }),
      item('a'),
      item('a', { text: 'other' }),
      item('z'),
    ]);
    expect(answers).toMatchObject({
      messages: [
        { id: '123-1', status: 'queued', chat_id: 777 },
        { error: { status: 422, code: 'message_invalid', errors: [{ field: 'text' }] } },
        { error: { status: 400, code: 'idempotency_key_missing', errors: [{ field: 'idempotency_key' }] } },
        { error: { status: 400, code: 'request_invalid' } },
        { error: { status: 400, code: 'request_invalid', errors: [{ field: 'idempotency_key' }] } },
        { error: { status: 400, code: 'request_invalid', errors: [{ field: 'delivery/priority' }] } },
        { id: '123-1' },
        { error: { status: 422, code: 'idempotency_key_reused' } },
        { id: '123-2' },
      ],
    });
    expect(await edge.journal.outboxDepth()).toBe(2);
  });

  test('that a full outbox takes a part of, or nothing, says when to come again', async () => {
    const { acceptAll } = edge.outbox;
    let room = 1;
    const full = new SwitchboardError('outbox_full', 'full', { retryAfterMs: 5000 });
    edge.outbox.acceptAll = async (posts) => {
      const taken = await acceptAll(posts.slice(0, room));
      return [...taken, ...posts.slice(room).map(() => full)];
    };
    const items = ['a', 'b'].map((idempotency_key) => ({ ...hello, idempotency_key }));
    const post = (messages: unknown[]) => edge.send('POST', '/v1/messages/batch', { messages });
    const part = await post(items);
    expect([part.status, part.headers.get('retry-after')]).toEqual([200, '5']);
    expect(await json(part)).toMatchObject({ messages: [{ id: '123-1' }, { error: { code: 'outbox_full' } }] });
    room = 0;
    const nothing = await post(items);
    expect([nothing.status, nothing.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await json(nothing)).toMatchObject({ status: 503, code: 'outbox_full' });
    // What is wrong with one is told, also where the others wait.
    const mixed = await post([...items, 'text']);
    expect([mixed.status, mixed.headers.get('retry-after')]).toEqual([200, '5']);
    room = 2;
    expect((await post(items)).headers.get('retry-after')).toBeNull();
  });

  test('keeps to the chats of its key', async () => {
    const { header } = edge.key('aggregator', { chats: ['777'] });
    const other = { chat_id: 8, text: 'hi', idempotency_key: 'b' };
    expect(await batch([{ ...hello, idempotency_key: 'a' }, other], header)).toMatchObject({
      messages: [{ id: '123-1' }, { error: { status: 403, code: 'scope_missing' } }],
    });
  });

  test('has 1 to 1000 messages', async () => {
    expect(await batch([])).toMatchObject({ code: 'request_invalid', errors: [{ field: 'messages' }] });
    expect(await batch(Array(1001).fill({}))).toMatchObject({
      code: 'request_invalid',
      errors: [{ field: 'messages' }],
    });
  });
});
