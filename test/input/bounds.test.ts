import { Type } from 'typebox';
import { beforeEach, describe, expect, test } from 'vitest';
import { validatorCompiler } from '../../src/http/schemas.ts';
import { limits } from '../../src/limits.ts';
import { parseCall } from '../../src/outbox/call.ts';
import { CALLS } from '../../src/telegram/methods.ts';
import { type Edge, json, startEdge } from '../http/edge.ts';

/** A place of a schema, as JSON has it. */
type Node = Readonly<Record<string, unknown>>;

/** The lists of a schema that may have any number of items. */
function endlessLists(schema: unknown, path: string): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const node: Node = { ...schema };
  const own = node.type === 'array' && typeof node.maxItems !== 'number' ? [path] : [];
  return [...own, ...Object.entries(node).flatMap(([name, value]) => endlessLists(value, `${path}/${name}`))];
}

describe('what a request may hold', () => {
  let edge: Edge;
  beforeEach(async () => {
    edge = await startEdge();
  });

  const raw = (path: string, type: string, body: string) =>
    fetch(edge.url + path, {
      method: 'POST',
      body,
      headers: { ...edge.admin.header, 'content-type': type, 'idempotency-key': 'k' },
    });

  test('an address takes what it can need: one byte more is 413', async () => {
    for (const [path, bytesMax] of [
      ['/v1/session', limits.sessionBodyBytesMax],
      ['/v1/keys', limits.smallBodyBytesMax],
      ['/v1/messages/resolve', limits.idsBodyBytesMax],
      ['/v1/messages', limits.bodyBytesMax],
      ['/v1/messages/batch', limits.bodyBytesMax],
      ['/v1/chats/7/events', limits.bodyBytesMax],
    ] as const) {
      const answers = [bytesMax, bytesMax + 1].map((length) => raw(path, 'application/json', ' '.repeat(length)));
      expect(
        (await Promise.all(answers)).map(({ status }) => status),
        path,
      ).toEqual([400, 413]);
    }
  });

  test('a façade’s call has so many parameters at most, whichever way they come', async () => {
    const address = `/telegram/bot${edge.admin.text}/sendMessage`;
    const answer = async (query: string, type: string, body: string) => (await raw(address + query, type, body)).status;
    const [form, object] = ['application/x-www-form-urlencoded', 'application/json'];
    const few = limits.parametersMax;
    const params = (count: number) => Array.from({ length: count }, (_, n) => `p${n}=1`).join('&');
    const fields = (count: number) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, 1])));
    expect(await answer('', form, params(few)), 'chat_id is missing').toBe(400);
    expect(await answer('', form, params(few + 1))).toBe(413);
    expect(await answer('', form, 'a&'.repeat(few + 1))).toBe(413);
    expect(await answer('', object, fields(few))).toBe(400);
    expect(await answer('', object, fields(few + 1))).toBe(413);
    expect(await answer(`?${params(few + 1)}`, object, '')).toBe(413);
    const body = JSON.stringify({ chat_id: 777, text: Array.from({ length: limits.callValuesMax }, () => 0) });
    expect(await json(await raw(address, object, body))).toMatchObject({ error_code: 400, description: /values/ });
  });

  test('a body of too many values is not parsed', async () => {
    const list = '['.repeat(limits.jsonValuesMax + 1);
    const response = await raw('/v1/chats/7/events', 'application/json', list);
    expect(await json(response), 'it is no JSON').toMatchObject({ code: 'request_invalid', detail: /values/ });
  });

  test('an answer names few of the fields that are wrong, and quotes little of what was sent', async () => {
    const fields = Array.from({ length: 500 }, (_, n) => `unknown${n}`);
    const body = JSON.stringify({ as: 'sent', filter: Object.fromEntries(fields.map((name) => [name, 1])) });
    const told = Object(await json(await raw('/v1/messages/resolve', 'application/json', body)));
    expect(told.errors.length).toBeLessThanOrEqual(limits.fieldErrorsMax);
    for (const long of [
      { method: 'a'.repeat(500_000) },
      { chat_id: 7, text: 'hi', delivery: { ['a'.repeat(500_000)]: 1 } },
    ]) {
      const answer = await (await raw('/v1/messages', 'application/json', JSON.stringify(long))).text();
      expect(answer.length).toBeLessThan(4 * limits.errorTextLengthMax);
    }
  });

  test('every list that a request may hold has a bound', async () => {
    const document = Object(await json(await edge.get('/openapi.json', {})));
    const endless = Object.entries<Node>(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, operation]) => {
        const { requestBody, parameters } = Object(operation);
        return endlessLists({ requestBody, parameters }, `${method} ${path}`);
      }),
    );
    expect(endless).toEqual([]);
    expect(endlessLists(CALLS, '')).toEqual([]);
  });
});

test('of a list that is too long no item is looked at', () => {
  let looks = 0;
  const item = {
    get type() {
      looks += 1;
      return 'photo';
    },
    media: 'a',
  };
  const send = (length: number) => () =>
    parseCall(
      { method: 'sendMediaGroup', chat_id: 7, media: Array(length).fill(item) },
      { keyId: 'k', chats: null },
      0,
    );
  expect(send(1000)).toThrow('media must not have more than 10 items');
  expect(looks).toBe(0);
  expect(send(10)).not.toThrow();
  expect(looks).toBeGreaterThan(0);
  const schema = Type.Object({ type: Type.Array(Type.Enum(['a', 'b']), { maxItems: 100 }) });
  const query = validatorCompiler({ schema, httpPart: 'querystring' });
  const values = Object.defineProperty(Array(101).fill('a'), 0, { get: () => expect.fail('It was looked at') });
  expect(query({ type: values })).toMatchObject({ error: [{ keyword: 'maxItems', instancePath: '/type' }] });
});
