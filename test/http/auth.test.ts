import { describe, expect, test } from 'vitest';
import { ROLES } from '../../src/keys/keys.ts';
import { manualClock } from '../support/clock.ts';
import { json, startEdge } from './edge.ts';

describe('who may come in', () => {
  test('no key, and a key that is wrong, expired or revoked, get the same 401', async () => {
    const clock = manualClock();
    const edge = await startEdge({ clock });
    const expired = edge.key('admin', { expiresAt: clock.now() + 1000 });
    const revoked = edge.key('admin');
    edge.keyring.revoke(revoked.id);
    await clock.advance(1000);
    const wrong = `${edge.admin.text.slice(0, -4)}AAAA`;
    const headers = [
      {},
      { authorization: edge.admin.text },
      { authorization: 'Basic YTpi' },
      { authorization: 'Bearer' },
      { authorization: `Bearer ${wrong}` },
      { authorization: `Bearer ${edge.admin.text} x` },
      expired.header,
      revoked.header,
    ];
    for (const header of headers) {
      const response = await edge.get('/v1/chats', header);
      expect(response.status, JSON.stringify(header)).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="switchboard"');
      expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
      expect(await json(response)).toMatchObject({ code: 'key_missing', status: 401 });
    }
    expect((await edge.get('/v1/chats')).status).toBe(200);
    expect((await edge.get('/v1/chats', { authorization: `bearer ${edge.admin.text}` })).status).toBe(200);
  });

  test('each address takes the roles of the contract, and no others', async () => {
    const edge = await startEdge();
    const roles = ROLES;
    const headers = roles.map((role) => edge.key(role).header);
    const granted = async (method: string, path: string, body?: unknown): Promise<string> => {
      const allowed: string[] = [];
      for (const [n, header] of headers.entries()) {
        const response = await edge.send(method, path, body, header);
        await response.body?.cancel();
        if (response.status === 403) continue;
        expect(response.status).not.toBe(401);
        allowed.push(roles[n] ?? '');
      }
      return allowed.join(' ');
    };
    expect({
      events: await granted('GET', '/v1/events?poll=1'),
      chats: await granted('GET', '/v1/chats'),
      chat: await granted('GET', '/v1/chats/7'),
      journal: await granted('GET', '/v1/chats/7/events'),
      postEvent: await granted('POST', '/v1/chats/7/events', {}),
      post: await granted('POST', '/v1/messages', {}),
      batch: await granted('POST', '/v1/messages/batch', {}),
      message: await granted('GET', '/v1/messages/123-1'),
      cancel: await granted('DELETE', '/v1/messages/123-1'),
      resolve: await granted('POST', '/v1/messages/123-1/resolve', {}),
      unknown: await granted('GET', '/v1/messages?status=unknown'),
      resolveMany: await granted('POST', '/v1/messages/resolve', {}),
      keys: await granted('GET', '/v1/keys'),
      makeKey: await granted('POST', '/v1/keys', {}),
      revokeKey: await granted('DELETE', '/v1/keys/1'),
      metrics: await granted('GET', '/metrics'),
    }).toEqual({
      events: 'operator backend support admin',
      chats: 'operator backend support admin',
      chat: 'operator backend support admin',
      journal: 'operator backend support admin',
      postEvent: 'aggregator backend admin',
      post: 'aggregator backend support admin',
      batch: 'aggregator backend admin',
      message: 'aggregator backend support admin',
      cancel: 'aggregator backend support admin',
      resolve: 'aggregator backend support admin',
      unknown: 'aggregator backend support admin',
      resolveMany: 'aggregator backend support admin',
      keys: 'admin',
      makeKey: 'admin',
      revokeKey: 'admin',
      metrics: 'metrics admin',
    });
  });

  test('health and the documentation need no key', async () => {
    const edge = await startEdge();
    for (const path of ['/livez', '/readyz', '/openapi.json', '/docs'])
      expect((await edge.get(path, {})).status, path).not.toBe(401);
  });
});

describe('I7: a restricted key', () => {
  test('gets the same 403 for every chat that is not its own, existing or not', async () => {
    const edge = await startEdge();
    await edge.router.receiveUpdates(
      [{ update_id: 1, message: { message_id: 1, chat: { id: 8, type: 'private' } } }],
      2,
    );
    const { header } = edge.key('backend', { chats: ['7'] });
    const answers = new Set<string>();
    for (const chat of ['8', '999', '-100999', 'nonsense', '8:u1']) {
      for (const path of [`/v1/chats/${chat}`, `/v1/chats/${chat}/events`]) {
        const response = await edge.get(path, header);
        answers.add(`${response.status} ${await response.text()}`);
      }
      const headers = { ...header, 'idempotency-key': 'k' };
      const posted = await edge.send('POST', `/v1/chats/${chat}/events`, { type: 'order.shipped' }, headers);
      answers.add(`${posted.status} ${await posted.text()}`);
    }
    expect([...answers]).toHaveLength(1);
    expect([...answers][0]).toContain('403');
    expect((await edge.get('/v1/chats/7/events', header)).status).toBe(200);
  });

  test('sees its own chats in the list, and writes to no other', async () => {
    const edge = await startEdge();
    const update = (id: number) => ({
      update_id: id,
      message: { message_id: 1, text: 'hi', chat: { id, type: 'private' }, from: { id, first_name: 'Ann' } },
    });
    await edge.router.receiveUpdates([update(7), update(8), update(9)], 10);
    const { header } = edge.key('backend', { chats: ['7', '9'] });
    expect(await json(await edge.get('/v1/chats', header))).toMatchObject({ chats: [{ id: '7' }, { id: '9' }] });
    const post = { chat_id: 8, text: 'hi' };
    const refused = await edge.send('POST', '/v1/messages', post, { ...header, 'idempotency-key': 'k' });
    expect(refused.status).toBe(403);
    expect(await json(refused)).toMatchObject({ code: 'scope_missing' });
    expect(await edge.journal.outboxDepth()).toBe(0);
  });
});

describe('keys over HTTP', () => {
  test('a key has the scopes and the event types that it was made with, and says so', async () => {
    const edge = await startEdge();
    const wanted = { role: 'backend', name: 'desk', scopes: ['moderate'], events: ['order.shipped'] };
    const made = Object(await json(await edge.send('POST', '/v1/keys', wanted)));
    const rights = { scopes: ['read', 'write', 'moderate'], events: ['order.shipped'] };
    expect(made).toMatchObject(rights);
    expect(Object(await json(await edge.get('/v1/keys'))).keys).toContainEqual(
      expect.objectContaining({ id: made.id, ...rights }),
    );
    const logIn = await edge.send('POST', '/v1/session', { key: made.key });
    expect(await json(logIn)).toMatchObject({ role: 'backend', scopes: rights.scopes });
    const post = async (type: string) => {
      const headers = { authorization: `Bearer ${made.key}`, 'idempotency-key': type };
      const answer = await edge.send('POST', '/v1/chats/7/events', { type }, headers);
      return [answer.status, Object(await json(answer)).code];
    };
    expect(await post('payment.settled')).toEqual([403, 'scope_missing']);
    expect(edge.journal.bounds().head).toBe(0);
    expect(await post('order.shipped')).toEqual([202, undefined]);
  });

  test('an admin makes, lists and revokes them; the key is shown once', async () => {
    const edge = await startEdge();
    const made = await edge.send('POST', '/v1/keys', { role: 'operator', name: 'desk', chats: ['7'] });
    expect(made.status).toBe(201);
    const body = await json(made);
    expect(body).toMatchObject({ role: 'operator', name: 'desk', chats: ['7'], expires_at: null, revoked_at: null });
    const { id, key } = Object.fromEntries(Object.entries(Object(body)).map(([k, v]) => [k, String(v)]));
    const header = { authorization: `Bearer ${key}` };
    expect((await edge.get('/v1/chats', header)).status).toBe(200);
    const listed = await (await edge.get('/v1/keys')).text();
    expect(listed).toContain(`"id":"${id}"`);
    expect(listed).not.toContain(key?.split(':')[1]);
    expect((await edge.send('DELETE', `/v1/keys/${id}`, undefined)).status).toBe(204);
    expect((await edge.get('/v1/chats', header)).status).toBe(401);
    expect((await edge.send('DELETE', `/v1/keys/${id}`, undefined)).status).toBe(404);
  });

  test('a key that would be wrong is refused, naming the field', async () => {
    const edge = await startEdge();
    const fields = async (body: unknown) => json(await edge.send('POST', '/v1/keys', body));
    expect(await fields({ role: 'king', name: '' })).toMatchObject({
      errors: [{ field: 'role', message: `must be one of ${ROLES.join(', ')}` }, { field: 'name' }],
    });
    const typed = { role: 'aggregator', name: 'x', events: ['payment_settled'] };
    expect(await fields(typed)).toMatchObject({ code: 'request_invalid', errors: [{ field: 'events' }] });
    const moderator = { role: 'operator', name: 'x', scopes: ['moderate'] };
    expect(await fields(moderator)).toMatchObject({ code: 'request_invalid', errors: [{ field: 'scopes' }] });
    const expired = { role: 'operator', name: 'x', expires_at: '2020-01-01T00:00:00Z' };
    expect(await fields(expired)).toMatchObject({ code: 'request_invalid', errors: [{ field: 'expires_at' }] });
  });
});
