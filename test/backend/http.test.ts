import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RequestEnd } from '../../src/backend/asking.ts';
import type { BackendRequest } from '../../src/backend/backend.ts';
import { createHttpBackend } from '../../src/backend/http.ts';
import { createRequestRunner, type RequestRunner, type RequestRunnerOptions } from '../../src/backend/requests.ts';
import { systemClock } from '../../src/clock.ts';
import { limits } from '../../src/limits.ts';
import { manualClock, settle } from '../support/clock.ts';
import { fromNow } from '../support/from-now.ts';

const TRIES = { attemptsMax: 5, deadlineMs: Number.MAX_SAFE_INTEGER / 2, backoffMaxMs: 10_000 };
const SECRET = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;
const request: BackendRequest = {
  id: '1-5-0',
  bot: '1',
  conversation: '777',
  src: 'openPayment',
  input: { amount: '1.00', recipient: 'Zoë “z”' },
  attempt: 2,
};

interface Got {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: Record<string, string>;
  readonly body: string;
}

let server: Server;
let got: Got[];
/** What the service does with a request, whose body has been read. */
let respond: (response: ServerResponse, incoming: IncomingMessage) => void;
let url: string;
let close: (() => Promise<void>)[];

beforeEach(async () => {
  got = [];
  close = [];
  respond = (response) => response.end('{"ok":1}');
  server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
    got.push({ method: incoming.method, url: incoming.url, headers, body: Buffer.concat(chunks).toString() });
    server.emit('got');
    respond(response, incoming);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/bot?team=7`;
});
afterEach(async () => {
  for (const end of close) await end();
  server.closeAllConnections();
  server.close();
});

function connect(more: { url?: string; secret?: string | null } = {}) {
  const backend = createHttpBackend({ url, secret: SECRET, clock: systemClock, ...more });
  close.push(() => backend.close());
  return backend;
}
const ask = (signal = new AbortController().signal) => connect().ask(request, signal);

describe('a request to the service', () => {
  test('is a POST of what is asked, with its id as the idempotency key, and the JSON of a 2xx is the output', async () => {
    respond = (response) => response.writeHead(201).end('{"status":"accepted","paymentId":"p"}');
    expect(await ask()).toEqual({ status: 'accepted', paymentId: 'p' });
    expect(got).toHaveLength(1);
    expect([got[0]?.method, got[0]?.url]).toEqual(['POST', '/hooks/bot?team=7']);
    expect(got[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'idempotency-key': '1-5-0' });
    expect(JSON.parse(got[0]?.body ?? '')).toEqual({
      id: '1-5-0',
      type: 'openPayment',
      bot: '1',
      conversation: '777',
      attempt: 2,
      input: request.input,
    });
  });

  test('is signed as Standard Webhooks says: their own library verifies it, and only with the secret', async () => {
    await ask();
    const { body, headers } = got[0] ?? { body: '', headers: {} };
    expect(headers).toMatchObject({ 'webhook-id': '1-5-0' });
    expect(new Webhook(SECRET).verify(body, headers)).toMatchObject({ id: '1-5-0' });
    const another = `whsec_${Buffer.from('another secret of some length!!').toString('base64')}`;
    expect(() => new Webhook(another).verify(body, headers)).toThrow();
    expect(() => new Webhook(SECRET).verify(body.replace('1.00', '9.00'), headers)).toThrow();
  });

  test('is not signed without a secret', async () => {
    await connect({ secret: null }).ask(request, new AbortController().signal);
    expect(Object.keys(got[0]?.headers ?? {}).filter((name) => name.startsWith('webhook-'))).toEqual([]);
  });

  test('an empty answer is null', async () => {
    respond = (response) => response.writeHead(204).end();
    expect(await ask()).toBeNull();
  });
});

describe('a request fails', () => {
  test.each([400, 401, 404, 409, 422])('for good where the service refuses it: %i', async (status) => {
    respond = (response) => response.writeHead(status).end('{"why":"no"}');
    await expect(ask()).rejects.toMatchObject({
      code: 'refused',
      retryable: false,
      message: expect.stringMatching(/HTTP 4/),
    });
  });

  test.each([302, 408, 425, 429, 500, 502, 503])('for now: %i', async (status) => {
    respond = (response) => response.writeHead(status, { location: '/elsewhere' }).end();
    await expect(ask()).rejects.toMatchObject({ code: 'unreachable', retryable: true });
    expect(got).toHaveLength(1);
  });

  test.each([408, 429, 503])('for now, and says when to come again: %i', async (status) => {
    respond = (response) => response.writeHead(status, { 'retry-after': '120' }).end();
    await expect(ask()).rejects.toMatchObject({ retryable: true, retryAfterMs: 120_000 });
  });

  test('for now where the connection is reset, before an answer or within one', async () => {
    respond = (response) => response.socket?.resetAndDestroy();
    await expect(ask()).rejects.toMatchObject({ code: 'unreachable', retryable: true });
    respond = (response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"status":');
      setImmediate(() => response.destroy());
    };
    await expect(ask()).rejects.toMatchObject({ code: 'unreachable', retryable: true });
  });

  test('for now where nobody listens; the message names the host and none of the path', async () => {
    const asking = connect({ url: 'http://127.0.0.1:1/hooks/s3cret?key=s3cret' }).ask(
      request,
      new AbortController().signal,
    );
    await expect(asking).rejects.toMatchObject({ code: 'unreachable', retryable: true });
    await expect(asking).rejects.toThrow(/127\.0\.0\.1:1 gave no answer: the connection was refused \(ECONNREFUSED\)/);
    await expect(asking).rejects.not.toThrow(/s3cret/);
  });

  test.each(['<html>502</html>', '{"status":', 'nope'])('for now where the answer is no JSON: %s', async (body) => {
    respond = (response) => response.end(body);
    await expect(ask()).rejects.toMatchObject({
      code: 'unreachable',
      retryable: true,
      message: expect.stringMatching(/no JSON/),
    });
  });

  test('where the answer is too large, and the rest of it is not read', async () => {
    const dropped = new Promise<void>((resolve) => {
      respond = (response) => {
        response.on('close', resolve);
        // For ever, were it not cut off.
        const pour = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, ' ')));
        };
        response.on('drain', pour);
        pour();
      };
    });
    await expect(ask()).rejects.toMatchObject({
      code: 'unreachable',
      retryable: false,
      message: expect.stringMatching(/more than/),
    });
    await dropped;
  });

  test('not where the answer is as large as the bound', async () => {
    respond = (response) => response.end(`"${'x'.repeat(limits.backendAnswerBytesMax - 2)}"`);
    expect(await ask()).toHaveLength(limits.backendAnswerBytesMax - 2);
  });

  test('as soon as its signal says so, before the answer and within it', async () => {
    for (const begin of [() => {}, (response: ServerResponse) => void response.writeHead(200).write('{')]) {
      const cut = new AbortController();
      const dropped = new Promise<void>((resolve) => {
        respond = (response) => {
          response.on('close', resolve);
          begin(response);
          cut.abort(new Error('enough'));
        };
      });
      await expect(ask(cut.signal)).rejects.toMatchObject({
        code: 'unreachable',
        retryable: true,
        message: expect.stringMatching(/enough/),
      });
      await dropped;
    }
  });
});

describe('run by the request runner', () => {
  /** Made so late that its deadline lies beyond the test. */
  const NO_DEADLINE = 2 ** 52;

  /** Asks one request of the service; the clock moves on whenever nothing else happens. */
  async function runOne(timeoutMs: number, until: () => boolean): Promise<RequestEnd> {
    const clock = manualClock(fromNow(0));
    const { promise, resolve } = Promise.withResolvers<RequestEnd>();
    const runner = startRunner(clock, {
      tries: { ...TRIES, timeoutMs },
      freed: () => void runner.take([record]),
      answered: async (_, end) => resolve(end),
    });
    const { id, conversation, src } = request;
    const record = { id, conversation, src, invoke: src, input: '{}', createdAt: NO_DEADLINE };
    runner.take([record]);
    let end: RequestEnd | undefined;
    void promise.then((value) => {
      end = value;
    });
    while (end === undefined) {
      if (until()) await clock.advance(500);
      await settle();
    }
    return end;
  }

  /** A runner that asks the service. It is closed after the test. */
  function startRunner(
    clock: ReturnType<typeof manualClock>,
    options: Pick<RequestRunnerOptions, 'tries' | 'answered' | 'freed'>,
  ): RequestRunner {
    const backend = createHttpBackend({ url, secret: SECRET, clock });
    close.push(() => backend.close());
    const parts = { backend, bot: '1', clock, provenNow: clock.now, random: () => 1, log: { warn: () => {} } };
    const runner = createRequestRunner({ ...parts, ...options });
    close.push(() => runner.close());
    return runner;
  }

  test('a 500, a reset and then an answer: three tries with one key and a good signature each, one output', async () => {
    respond = (response) => {
      if (got.length === 1) response.writeHead(500).end();
      else if (got.length === 2) response.socket?.resetAndDestroy();
      else response.end('{"done":true}');
    };
    expect(await runOne(Number.MAX_SAFE_INTEGER, () => true)).toEqual({ output: { done: true } });
    expect(got.map((g) => g.headers['idempotency-key'])).toEqual(['1-5-0', '1-5-0', '1-5-0']);
    expect(got.map((g) => JSON.parse(g.body).attempt)).toEqual([1, 2, 3]);
    for (const { body, headers } of got)
      expect(new Webhook(SECRET).verify(body, headers)).toMatchObject({ id: '1-5-0' });
  });

  test('a service that never answers: every try times out, and the conversation is told', async () => {
    respond = () => {};
    expect(await runOne(1000, () => got.length > 0)).toEqual({
      error: { code: 'timeout', message: expect.stringContaining('1000 ms') },
    });
    expect(got.length).toBeLessThanOrEqual(TRIES.attemptsMax);
  });

  test('a 404 is told at once', async () => {
    respond = (response) => response.writeHead(404).end();
    expect(await runOne(Number.MAX_SAFE_INTEGER, () => false)).toMatchObject({ error: { code: 'refused' } });
    expect(got).toHaveLength(1);
  });

  test('what the service answers although nobody waits any more is told, so that it can be journalled', async () => {
    const asked = Promise.withResolvers<() => void>();
    respond = (response) => asked.resolve(() => response.end('{"done":true}'));
    const told = Promise.withResolvers<unknown>();
    const clock = manualClock(fromNow(0));
    const runner = startRunner(clock, {
      tries: { ...TRIES, timeoutMs: 10_000 },
      answered: async (_, end) => told.resolve(end),
    });
    const { id, conversation, src } = request;
    runner.take([{ id, conversation, src, invoke: src, input: '{}', createdAt: NO_DEADLINE }]);
    const answer = await asked.promise;
    runner.withdraw([id]);
    await settle();
    answer();
    expect(await told.promise).toEqual({ output: { done: true } });
  });

  test('a src whose calls hang leaves the connections to the others; withdrawn, its calls are cut off', async () => {
    const cutOff: Promise<unknown>[] = [];
    respond = (response, incoming) => {
      if (incoming.headers['idempotency-key'] === 'quick') response.end('1');
      else cutOff.push(once(response, 'close'));
    };
    const { promise, resolve } = Promise.withResolvers<string>();
    const clock = manualClock(fromNow(0));
    const runner = startRunner(clock, {
      tries: { ...TRIES, timeoutMs: 10_000 },
      answered: async ({ id }) => resolve(id),
    });
    const ids = Array.from({ length: limits.requestsInFlightMax }, (_, n) => `slow-${n}`);
    const { conversation } = request;
    const record = (id: string, src: string) => ({
      ...{ id, conversation, src, invoke: src, input: '{}', createdAt: NO_DEADLINE },
    });
    runner.take(ids.map((id) => record(id, 'slow')));
    while (cutOff.length < ids.length) await settle();
    runner.take([record('quick', 'quick')]);
    expect(await promise).toBe('quick');
    runner.withdraw(ids);
    await clock.advance(limits.requestLateMs);
    await Promise.all(cutOff);
    while (runner.health().inFlight > 0) await settle();
  });
});
