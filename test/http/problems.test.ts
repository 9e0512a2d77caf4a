import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ERRORS, SwitchboardError } from '../../src/errors.ts';
import { problemOf } from '../../src/http/problems.ts';
import { type Edge, json, startEdge } from './edge.ts';

test('the codes that callers may rely on: none is ever renamed, nor changes its status', () => {
  const codes = Object.entries(ERRORS).flatMap(([code, entry]) =>
    'status' in entry ? [`${entry.status} ${code}`] : [],
  );
  expect(codes).toEqual([
    '503 data_gone',
    '400 body_malformed',
    '400 request_invalid',
    '400 idempotency_key_missing',
    '400 event_id_malformed',
    '401 key_missing',
    '403 scope_missing',
    '403 method_forbidden',
    '404 not_found',
    '405 method_not_allowed',
    '409 chat_not_retryable',
    '409 poll_superseded',
    '409 message_not_cancelable',
    '409 message_not_unknown',
    '413 body_too_large',
    '415 media_type_unsupported',
    '422 idempotency_key_reused',
    '422 message_invalid',
    '429 too_many_streams',
    '429 quota_exceeded',
    '429 too_many_answers',
    '500 internal',
    '503 overloaded',
    '503 disk_full',
    '503 data_locked',
    '503 disk_failed',
    '500 data_damaged',
    '503 outbox_full',
    '503 shutting_down',
  ]);
});

describe('a problem', () => {
  test('says what, where and when to come back', () => {
    const error = new SwitchboardError('outbox_full', 'Full', { field: 'x', retryAfterMs: 1200 });
    expect(problemOf(error)).toEqual({
      problem: {
        type: 'urn:switchboard:problem:outbox_full',
        title: 'The outbox is full',
        status: 503,
        code: 'outbox_full',
        detail: 'Full',
        errors: [{ field: 'x', message: 'Full' }],
      },
      retryAfterS: 2,
      unexpected: false,
    });
  });

  test('nobody foresaw tells nothing of what is inside', () => {
    for (const error of [new Error('SELECT secret'), new SwitchboardError('lease_lost', 'secret'), 'secret', null]) {
      const { problem, unexpected } = problemOf(error);
      expect(problem).toMatchObject({ status: 500, code: 'internal' });
      expect(JSON.stringify(problem)).not.toContain('secret');
      expect(unexpected).toBe(true);
    }
  });
});

describe('bad input', () => {
  const post = (edge: Edge, body: string, headers: Record<string, string> = {}) =>
    fetch(`${edge.url}/v1/messages`, {
      method: 'POST',
      headers: { ...edge.admin.header, 'idempotency-key': 'k', 'content-type': 'application/json', ...headers },
      body,
    });
  /** Status and code of an answer, which must be a problem. */
  const problem = async (response: Response) => {
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    const { status, code, errors } = Object(await json(response));
    expect(status).toBe(response.status);
    return errors === undefined
      ? `${status} ${code}`
      : `${status} ${code} ${errors.map(({ field }: { field: string }) => field)}`;
  };

  test('JSON that is none is refused, and not repeated in the answer', async () => {
    const edge = await startEdge();
    for (const body of ['{"text":"se', '', 'null,', '{"a":1}}', '\u{1f600}']) {
      expect(await problem(await post(edge, body)), body).toBe('400 body_malformed');
    }
    expect(await (await post(edge, '{"text":"secret')).text()).not.toContain('secret');
    expect(await problem(await post(edge, '{"__proto__":{"a":1}}'))).toBe('400 body_malformed');
  });

  test('JSON of another shape is refused, naming each field', async () => {
    const edge = await startEdge();
    expect(await problem(await post(edge, '[]'))).toBe('400 request_invalid ');
    expect(await problem(await post(edge, '"text"'))).toBe('400 request_invalid ');
    const wrong = { method: 7, chat_id: true, delivery: { priority: 'urgent', on_unknown: 1 } };
    expect(await problem(await post(edge, JSON.stringify(wrong)))).toBe(
      '400 request_invalid method,chat_id,delivery/priority,delivery/on_unknown',
    );
    expect(await problem(await post(edge, '{"chat_id":7}'))).toBe('400 request_invalid text');
    expect(await problem(await post(edge, '{"chat_id":7,"text":""}'))).toBe('422 message_invalid text');
    expect(await problem(await post(edge, '{"method":"logOut","chat_id":7}'))).toBe('403 method_forbidden method');
  });

  test('numbers are not taken for texts in a body, but are read out of a query', async () => {
    const edge = await startEdge();
    expect(await problem(await post(edge, '{"method":12}'))).toContain('method');
    expect((await edge.get('/v1/chats?limit=5')).status).toBe(200);
    expect(await problem(await edge.get('/v1/chats?limit=many'))).toBe('400 request_invalid limit');
    expect(await problem(await edge.get('/v1/chats?limit=0'))).toBe('400 request_invalid limit');
    expect(await problem(await edge.get('/v1/chats?limit=201'))).toBe('400 request_invalid limit');
  });

  test('a body over 1 MiB, of another type, or none', async () => {
    const edge = await startEdge();
    expect(await problem(await post(edge, `{"text":"${'x'.repeat(1024 * 1024)}"}`))).toBe('413 body_too_large');
    expect(await problem(await post(edge, 'text=hi', { 'content-type': 'application/x-www-form-urlencoded' }))).toBe(
      '415 media_type_unsupported',
    );
    expect(await problem(await post(edge, 'hi', { 'content-type': 'text/plain' }))).toBe('415 media_type_unsupported');
    expect(await problem(await edge.send('POST', '/v1/messages', undefined, { 'idempotency-key': 'k' }))).toBe(
      '400 request_invalid ',
    );
  });

  test('addresses and methods that are not there', async () => {
    const edge = await startEdge();
    expect(await problem(await edge.get('/v1/nothing'))).toBe('404 not_found');
    expect(await problem(await edge.get('/nothing'))).toBe('404 not_found');
    expect(await problem(await edge.get('/v1/chats/%zz'))).toBe('400 request_invalid');
    expect(await problem(await edge.get(`/v1/chats/${'9'.repeat(500)}`))).toMatch(/^4\d\d /);
    const patched = await edge.send('PATCH', '/v1/messages/123-1', {});
    expect(patched.headers.get('allow')).toBe('DELETE, GET, HEAD');
    expect(await problem(patched)).toBe('405 method_not_allowed');
    expect(await problem(await edge.send('DELETE', '/v1/events', undefined))).toBe('405 method_not_allowed');
    const head = await fetch(`${edge.url}/v1/events`, { method: 'HEAD', headers: edge.admin.header });
    expect(head.status).toBe(405);
  });

  test('what is not HTTP is answered in the same form', async () => {
    const edge = await startEdge();
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(Number(new URL(edge.url).port), '127.0.0.1', () => socket.write('HELO there\r\n\r\n'));
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\nContent-Type: application\/problem\+json/);
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ code: 'request_invalid' });
  });
});

describe('I7: the log', () => {
  test('has method, route, status and time, and nothing of a query, a key, a body or a chat', async () => {
    const edge = await startEdge();
    const body = { chat_id: 5550001, text: 'my phone is +4912345' };
    await edge.send('POST', '/v1/messages', body, { 'idempotency-key': 'secret-key' });
    await edge.get('/v1/chats/5550001?secret=query');
    await edge.get('/v1/events?poll=1&chat=5550001');
    await edge.get('/telegram/bot1:secret/getMe');
    const logged = edge.logged.join('');
    const lines = edge.logged.map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { level: 'debug', event: 'request', method: 'POST', route: '/v1/messages', status: 202, ms: expect.any(Number) },
      { route: '/v1/chats/:id', status: 404 },
      { route: '/v1/events', status: 200 },
      { route: '/telegram/bot:key/:method', status: 401 },
    ]);
    for (const secret of ['secret', '4912345', '5550001', edge.admin.text]) expect(logged).not.toContain(secret);
  });

  test('has what failed and where, but no text that a parser choked on', async () => {
    const edge = await startEdge();
    edge.journal.conversation = async () => JSON.parse('my secret');
    const response = await edge.get('/v1/chats/7');
    expect(response.status).toBe(500);
    expect(await json(response)).toMatchObject({ code: 'internal' });
    const failure = edge.logged.map((line) => JSON.parse(line)).find(({ event }) => event === 'request_failed');
    expect(failure).toMatchObject({ level: 'error', method: 'GET', route: '/v1/chats/:id', error: 'SyntaxError' });
    expect(failure.stack).toContain('    at ');
    expect(edge.logged.join('')).not.toContain('secret');
  });
});

test.each([
  ['disk_full', 503, '5', { errcode: 13 }],
  ['disk_full', 503, '5', { errcode: 4874 }],
  ['disk_full', 503, '5', { code: 'ENOSPC' }],
  ['data_locked', 503, '1', { errcode: 5 }],
  ['data_locked', 503, '1', { errcode: 261 }],
  ['disk_failed', 503, '5', { errcode: 778 }],
  ['data_damaged', 500, null, { errcode: 11 }],
  ['data_damaged', 500, null, { errcode: 267 }],
  ['data_damaged', 500, null, { errcode: 26 }],
])('%s: %d with Retry-After %s for what the disk or the database throws: %j', (code, status, retryAfter, fields) => {
  const { problem, retryAfterS, unexpected } = problemOf(Object.assign(new Error('as SQLite says it'), fields));
  expect([problem.code, problem.status, unexpected]).toEqual([code, status, false]);
  expect(retryAfterS === null ? null : String(retryAfterS)).toBe(retryAfter);
});
