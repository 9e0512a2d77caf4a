import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { limits } from '../../src/limits.ts';
import { fateOfError, fateOfResult } from '../../src/outbox/fate.ts';
import { GatewayRefused } from '../../src/telegram/errors.ts';
import { createHttpBotApi } from '../../src/telegram/http.ts';
import { resultOf } from '../../src/telegram/outcome.ts';

const SECRET = 'AAsecret-part-that-no-message-may-repeat';
const TOKEN = `42:${SECRET}`;

/** Answers each call as the test says, on the loopback. */
let answer = (_: ServerResponse): void => {};
const server = createServer((request, response) => {
  request.resume().on('end', () => answer(response));
});
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const HISTORY = { attempts: 1, failures: [], now: Date.parse('2026-01-01T00:00:00Z') };

/** What becomes of a message whose call was answered so, and what is said about it. */
async function fateOf(status: number, body: string, headers: Record<string, string> = {}) {
  answer = (response) => response.writeHead(status, headers).end(body);
  const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const api = createHttpBotApi({ root, token: TOKEN, connections: 1, clock: systemClock });
  onTestFinished(() => api.close());
  return api.call('sendMessage', { chat_id: 1, text: 'x' }).then(
    (result) => ({ fate: fateOfResult(result), text: '', error: null }),
    (error: unknown) => {
      const fate = fateOfError(error, HISTORY, () => 1);
      return { fate, text: 'error' in fate ? fate.error.description : '', error };
    },
  );
}

const refusal = (error_code: number, more: object = {}) =>
  JSON.stringify({ ok: false, error_code, description: 'no', ...more });
const HTML = `<html>The requested URL /bot${TOKEN}/sendMessage</html>`;

/** By status: what becomes of a message with the Bot API's own refusal of that code, and with any other answer. */
const TABLE: Readonly<Record<number, readonly [telegrams: string, others: string]>> = {
  200: ['failed', 'unknown'],
  204: ['failed', 'unknown'],
  301: ['failed', 'retry'],
  302: ['failed', 'retry'],
  307: ['failed', 'retry'],
  308: ['failed', 'retry'],
  400: ['failed', 'failed'],
  401: ['retry', 'retry'],
  403: ['failed', 'retry'],
  404: ['failed', 'retry'],
  405: ['failed', 'failed'],
  407: ['failed', 'retry'],
  408: ['failed', 'retry'],
  409: ['failed', 'failed'],
  411: ['failed', 'failed'],
  413: ['failed', 'failed'],
  414: ['failed', 'failed'],
  421: ['failed', 'retry'],
  425: ['failed', 'retry'],
  429: ['retry', 'retry'],
  431: ['failed', 'failed'],
  451: ['failed', 'retry'],
  460: ['failed', 'unknown'],
  499: ['failed', 'unknown'],
  500: ['retry', 'unknown'],
  501: ['retry', 'unknown'],
  502: ['retry', 'unknown'],
  503: ['retry', 'unknown'],
  504: ['unknown', 'unknown'],
  511: ['retry', 'retry'],
  520: ['retry', 'unknown'],
  524: ['retry', 'unknown'],
};

describe.each(Object.entries(TABLE).map(([status, fates]) => ({ status: Number(status), fates })))(
  'HTTP $status',
  ({ status, fates: [telegrams, others] }) => {
    test('with an answer of the Bot API, that answer counts', async () => {
      // An answer of these statuses has no body.
      if (status === 204) return expect((await fateOf(status, refusal(400))).fate.kind).toBe(others);
      const code = status < 400 ? 400 : status;
      expect((await fateOf(status, refusal(code))).fate.kind).toBe(telegrams);
      expect((await fateOf(status, '{"ok":true,"result":{"message_id":7}}')).fate.kind).toBe('sent');
    });

    test.each([
      ['a page', HTML],
      ['no body', ''],
      ['JSON of others', '{"error":"no"}'],
      ['a refusal without a code', '{"ok":false,"description":"no"}'],
    ])('with %s, the status does', async (_, body) => {
      const location = `http://127.0.0.1/bot${TOKEN}/sendMessage`;
      const { fate, text, error } = await fateOf(status, body, status < 400 && status >= 300 ? { location } : {});
      expect(fate.kind).toBe(others);
      expect(text).toContain(`HTTP ${status}`);
      expect(error instanceof GatewayRefused).toBe(others !== 'unknown');
      expect(`${text} ${error instanceof Error ? error.stack : ''}`).not.toContain(SECRET);
    });
  },
);

describe('a redirect names where it leads, and nothing that it repeats of the call', () => {
  test.each([
    ['https://bot-api.example/login', 'https://bot-api.example/login'],
    ['https://portal.example/log-in?back=/bot42:AA/x#y', 'https://portal.example/log-in'],
    [`https://bot-api.example/bot${TOKEN}/sendMessage`, 'https://bot-api.example/…'],
    [`https://user:${SECRET}@bot-api.example/`, 'https://bot-api.example/'],
    [`https://portal.example/${Buffer.from(TOKEN).toString('base64url')}`, 'https://portal.example/…'],
    [`https://${SECRET.toLowerCase()}.example/`, 'somewhere else'],
    [`//bot${TOKEN}/sendMessage`, 'somewhere else'],
    ['/elsewhere', '/elsewhere'],
    [`https://portal.example/${'aaaaaaa/'.repeat(40)}`, 'somewhere else'],
    ['', 'nowhere'],
  ])('%s', async (location, named) => {
    const { fate, text } = await fateOf(302, HTML, location === '' ? {} : { location });
    expect(fate.kind).toBe('retry');
    expect(text).toContain(`HTTP 302 Found to ${named}, from a gateway`);
  });
});

describe("a gateway's Retry-After is obeyed, within its bound", () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const waitOf = (status: number, header: string): number | undefined => {
    try {
      resultOf('sendMessage', { status, headers: { 'retry-after': header }, text: HTML }, TOKEN, now);
    } catch (error) {
      if (error instanceof GatewayRefused) return error.retryAfterMs;
    }
    return undefined;
  };
  test.each([
    ['7', 7000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['86400', limits.gatewayWaitMaxMs],
    ['9'.repeat(400), limits.gatewayWaitMaxMs],
    ['soon', undefined],
    ['-5', undefined],
  ])('%s', (header, ms) => {
    expect(waitOf(429, header)).toBe(ms);
  });

  test('429: tried again after it', async () => {
    expect((await fateOf(429, HTML, { 'retry-after': '7' })).fate).toMatchObject({ kind: 'retry', delayMs: 7000 });
  });

  test('413 with it is for now only: tried again', async () => {
    expect((await fateOf(413, HTML, { 'retry-after': '7' })).fate).toMatchObject({ kind: 'retry', delayMs: 7000 });
  });

  test('503 may come after the call was passed on, with it too: unknown', async () => {
    expect((await fateOf(503, HTML, { 'retry-after': '7' })).fate.kind).toBe('unknown');
  });
});
