import { once } from 'node:events';
import { connect, type LookupFunction, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { createHttpBackend } from '../../src/backend/http.ts';
import { systemClock } from '../../src/clock.ts';
import { limits } from '../../src/limits.ts';
import { DIRECT, type Network } from '../../src/network.ts';
import { TelegramRefused, TelegramUnreachable } from '../../src/telegram/errors.ts';
import { createHttpBotApi } from '../../src/telegram/http.ts';
import { createHttpBotFiles } from '../../src/telegram/http-files.ts';
import { serveTcp, serveTls, trustTestCa } from './support.ts';

const SIGNAL = new AbortController().signal;
const OK = '{"ok":true,"result":"ä"}';

function api(root: string, network: Network = DIRECT) {
  const made = createHttpBotApi({ root, token: '1:a', connections: 1, clock: systemClock, network });
  onTestFinished(() => made.close());
  return made;
}

async function unreachable(call: Promise<unknown>): Promise<TelegramUnreachable> {
  const error: unknown = await call.catch((thrown: unknown) => thrown);
  if (error instanceof TelegramUnreachable) return error;
  throw error ?? new Error('the call succeeded');
}

/** Answers every request on a connection with these bytes, each part by itself. */
const answering =
  (...parts: (string | Buffer)[]) =>
  (socket: Socket) => {
    socket.setNoDelay(true);
    socket.on('data', async () => {
      for (const part of parts) await new Promise((resolve) => socket.write(part, resolve));
    });
  };

const answer = (body: string | Buffer, headers = '', status = '200 OK') =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 ${status}\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n`),
    Buffer.from(body),
  ]);

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n';

test.each([
  ['100 Continue', [CONTINUE, answer(OK)]],
  ['100 Continue in one piece with the answer', [Buffer.concat([Buffer.from(CONTINUE), answer(OK)])]],
  ['102 Processing, twice', ['HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n', answer(OK)]],
  ['103 Early Hints and 100 Continue', [HINTS, CONTINUE, HINTS, answer(OK)]],
])(
  '%s before an answer, which nobody asked for, is passed over, also on a connection that is used again',
  async (_, parts) => {
    trustTestCa();
    let opened = 0;
    const serve = (socket: Socket) => {
      opened += 1;
      answering(...parts)(socket);
    };
    for (const root of [`http://127.0.0.1:${await serveTcp(serve)}`, `https://localhost:${await serveTls(serve)}`]) {
      opened = 0;
      const { call } = api(root);
      for (const _again of [1, 2, 3]) expect(await call('getMe', {})).toBe('ä');
      expect(opened).toBe(1);
      const backend = createHttpBackend({ url: root, secret: null, clock: systemClock });
      onTestFinished(() => backend.close());
      const request = { id: '1', bot: '1', conversation: '7', src: 'pay', input: {}, attempt: 1 };
      expect(await backend.ask(request, SIGNAL)).toEqual({ ok: true, result: 'ä' });
    }
  },
);

test('a file that holds what looks like such an answer is downloaded whole', async () => {
  const sockets: Socket[] = [];
  const port = await serveTcp((socket) => {
    sockets.push(socket);
    answering(`HTTP/1.1 200 OK\r\ncontent-length: ${4 + CONTINUE.length}\r\n\r\nfile`)(socket);
  });
  const files = createHttpBotFiles({ root: `http://127.0.0.1:${port}`, token: '1:a', connections: 1 });
  onTestFinished(() => files.close());
  const { stream } = await files.open('a.txt', SIGNAL);
  const read: unknown[] = [];
  for await (const chunk of stream) {
    read.push(chunk);
    // Its rest comes by itself, as the first bytes of a piece.
    if (String(chunk) === 'file') sockets[0]?.write(CONTINUE);
  }
  expect(read.join('')).toBe(`file${CONTINUE}`);
});

test.each([
  ['a byte order mark', '\uFEFF', ''],
  ['gzip', gzipSync(OK), 'content-encoding: gzip\r\n'],
  ['gzip in capitals', gzipSync(OK), 'Content-Encoding: GZIP\r\n'],
  ['deflate', deflateSync(OK), 'content-encoding: deflate\r\n'],
  ['brotli', brotliCompressSync(OK), 'content-encoding: br\r\n'],
])('an answer with %s, which nobody asked for, is understood', async (_, packed, headers) => {
  const body = typeof packed === 'string' ? packed + OK : packed;
  const root = `http://127.0.0.1:${await serveTcp(answering(answer(body, headers)))}`;
  const { call } = api(root);
  for (const _again of [1, 2]) expect(await call('getMe', {})).toBe('ä');
  const backend = createHttpBackend({ url: root, secret: null, clock: systemClock });
  onTestFinished(() => backend.close());
  const request = { id: '1', bot: '1', conversation: '7', src: 'pay', input: {}, attempt: 1 };
  expect(await backend.ask(request, SIGNAL)).toEqual({ ok: true, result: 'ä' });
});

test('a refusal that is packed is a refusal', async () => {
  const refusal = '{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":7}}';
  const packed = answer(gzipSync(refusal), 'content-encoding: gzip\r\n', '429 Too Many Requests');
  const { call } = api(`http://127.0.0.1:${await serveTcp(answering(packed))}`);
  const error: unknown = await call('sendMessage', {}).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TelegramRefused);
  expect(error).toMatchObject({ retryAfterMs: 7000 });
});

test('an answer that unpacks to more than the bound, or is cut short, may have been carried out', async () => {
  const bomb = gzipSync(Buffer.alloc(limits.botApiAnswerBytesMax + 1, ' '));
  const cut = gzipSync(OK).subarray(0, 20);
  for (const [body, words] of [
    [bomb, 'the answer is too large'],
    [cut, 'what came cannot be unpacked (Z_BUF_ERROR)'],
  ] as const) {
    const root = `http://127.0.0.1:${await serveTcp(answering(answer(body, 'content-encoding: gzip\r\n')))}`;
    const error = await unreachable(api(root).call('sendMessage', {}));
    expect([error.left, error.message]).toEqual([true, expect.stringContaining(words)]);
  }
});

test.each([
  ['expired', 'expired', 'localhost', 'the certificate has expired: '],
  ['self-signed', 'self-signed', 'localhost', 'NODE_EXTRA_CA_CERTS (DEPTH_ZERO_SELF_SIGNED_CERT)'],
  ['for another host', 'server', '127.0.0.1', 'the certificate is for another host name: check the address'],
])('a certificate that is %s is told in words, and the call has never left', async (_, certificate, host, words) => {
  trustTestCa();
  const root = `https://${host}:${await serveTls(answering(answer(OK)), certificate)}`;
  const error = await unreachable(api(root).call('sendMessage', {}));
  expect([error.left, error.message]).toEqual([false, expect.stringContaining(words)]);
});

test('a certificate whose signer is not trusted: told what to do', async () => {
  const root = `https://localhost:${await serveTls(answering(answer(OK)))}`;
  const error = await unreachable(api(root).call('sendMessage', {}));
  expect([error.left, error.message]).toEqual([false, expect.stringContaining('name it in NODE_EXTRA_CA_CERTS')]);
});

test('https to a port without TLS, and http to one with TLS, are told in words', async () => {
  const plain = await unreachable(api(`https://127.0.0.1:${await serveTcp(answering(answer(OK)))}`).call('getMe', {}));
  expect([plain.left, plain.message]).toEqual([false, expect.stringContaining('there is no TLS on that port')]);
  const alert = Buffer.from([0x15, 3, 1, 0, 2, 2, 0x46]);
  const secured = await unreachable(api(`http://127.0.0.1:${await serveTcp(answering(alert))}`).call('getMe', {}));
  expect(secured.message).toContain('what came is not HTTP: check whether the address should begin with https://');
});

/** A port of 127.0.0.2 on which connections never come about: nobody accepts them, and the queue is full. */
async function blackHole(port: number): Promise<void> {
  const code = `
    const { workerData: port, parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer().listen({ host: '127.0.0.2', port, backlog: 1 }, () => {
      parentPort.postMessage('listening');
      parentPort.once('message', () => {});
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
    });`;
  const worker = new Worker(code, { eval: true, workerData: port });
  onTestFinished(async () => void (await worker.terminate()));
  await once(worker, 'message');
  for (let queued = 0; queued < 2; queued += 1) {
    const socket = connect(port, '127.0.0.2').on('error', () => {});
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
  }
}

test('a host whose first address is dead is reached by its second, after the time that is set', async () => {
  const port = await serveTcp(answering(answer(OK)));
  await blackHole(port);
  const lookup: LookupFunction = (_, __, callback) =>
    callback(null, [
      { address: '127.0.0.2', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]);
  const root = `http://telegram.test:${port}`;
  let slowEnded = false;
  const slow = api(root, { ...DIRECT, addressTimeoutMs: 600_000, lookup }).call('getMe', {});
  void slow
    .catch(() => {})
    .then(() => {
      slowEnded = true;
    });
  expect(await api(root, { ...DIRECT, lookup }).call('getMe', {})).toBe('ä');
  expect(slowEnded).toBe(false);
});
