import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { limits } from '../../src/limits.ts';
import { TelegramRefused, TelegramUnreachable } from '../../src/telegram/errors.ts';
import { createHttpBotApi } from '../../src/telegram/http.ts';
import { start } from '../sandbox/start.ts';

const TOKEN = '42:a-token-that-no-message-may-repeat';

function api(root: string, token = TOKEN) {
  const made = createHttpBotApi({ root, token, connections: 2, clock: systemClock });
  onTestFinished(() => made.close());
  return made;
}

/** Something that answers as a test likes, on the loopback. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  return listening(server, () => server.closeAllConnections());
}

async function serveTcp(onSocket: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    onSocket(socket);
  });
  return listening(server, () => sockets.forEach((socket) => void socket.destroy()));
}

async function listening(server: Server, cut: () => void) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    cut();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What the call throws; its messages, and its causes' messages, never hold the token. */
async function failure(call: Promise<unknown>): Promise<unknown> {
  const error: unknown = await call.then(
    () => expect.fail('the call succeeded'),
    (thrown: unknown) => thrown,
  );
  for (let at = error; at instanceof Error; at = at.cause) expect(`${at.message} ${at.stack}`).not.toContain(TOKEN);
  return error;
}

async function unreachable(call: Promise<unknown>): Promise<TelegramUnreachable> {
  const error = await failure(call);
  if (error instanceof TelegramUnreachable) return error;
  throw error;
}

async function refused(call: Promise<unknown>): Promise<TelegramRefused> {
  const error = await failure(call);
  if (error instanceof TelegramRefused) return error;
  throw error;
}

test('a result comes as Telegram sent it', async () => {
  const { sandbox, token, write } = await start();
  await write(777, 'hello');
  const sent = await api(sandbox.url, token).call('sendMessage', { chat_id: 777, text: 'ä 🙂' });
  expect(sent).toMatchObject({ text: 'ä 🙂', chat: { id: 777 } });
});

test('a slash at the end of the root does no harm', async () => {
  const { sandbox, token } = await start();
  expect(await api(`${sandbox.url}/`, token).call('getMe', {})).toMatchObject({ is_bot: true });
});

test('the server’s time is told with each answer of its own, and not with a gateway’s', async () => {
  const date = 'Tue, 15 Nov 1994 08:12:31 GMT';
  const root = await serve((request, response) => {
    const isGateway = request.url?.endsWith('getChat') === true;
    response.sendDate = false;
    response.writeHead(isGateway ? 502 : 200, request.url?.endsWith('getFile') === true ? {} : { date });
    response.end('{"ok":true,"result":true}');
  });
  const times: number[] = [];
  const onServerTime = (at: number) => void times.push(at);
  const made = createHttpBotApi({ root, token: TOKEN, connections: 1, clock: systemClock, onServerTime });
  onTestFinished(() => made.close());
  for (const method of ['getMe', 'getChat', 'getFile']) await made.call(method, {}).catch(() => {});
  expect(times).toEqual([Date.parse(date)]);
});

test('calls beyond the connections wait for one, and all are answered', async () => {
  const sockets = new Set<Socket>();
  let open = 0;
  const root = await serve((request, response) => {
    sockets.add(request.socket);
    open += 1;
    expect(open).toBeLessThanOrEqual(2);
    setTimeout(() => {
      open -= 1;
      response.end(`{"ok":true,"result":${JSON.stringify(request.url?.split('/').at(-1))}}`);
    }, 5);
  });
  const { call } = api(root);
  const methods = ['getMe', 'getChat', 'getFile', 'sendMessage', 'sendPhoto', 'sendPoll'];
  expect(await Promise.all(methods.map((method) => call(method, {})))).toEqual(methods);
  expect(await call('getMe', {})).toBe('getMe');
  expect(sockets.size).toBe(2);
});

test('calls one after another take one connection, and after two that were cut one more each', async () => {
  const sockets = new Set<Socket>();
  const root = await serve((request, response) => {
    sockets.add(request.socket);
    if (sockets.size <= 2) request.socket.resetAndDestroy();
    else response.end('{"ok":true,"result":1}');
  });
  const { call } = api(root);
  for (let n = 1; n <= 6; n += 1) {
    if (n <= 2) expect((await unreachable(call('getMe', {}))).left).toBe(true);
    else expect(await call('getMe', {})).toBe(1);
    await turn();
  }
  expect(sockets.size).toBe(3);
});

test('a server that closes each connection behind its answer loses no call, also none that waits for a connection', async () => {
  const root = await serveTcp((socket) => {
    socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n{"ok":true,"result":1}'));
  });
  const { call } = api(root);
  for (let round = 0; round < 5; round += 1) {
    expect(await Promise.all(Array.from({ length: 10 }, () => call('getMe', {})))).toEqual(Array(10).fill(1));
  }
});

test('where nobody listens, calls that wait for a connection fail as the others do', async () => {
  const { call } = api('http://127.0.0.1:9');
  const errors = await Promise.all(Array.from({ length: 8 }, () => unreachable(call('getMe', {}))));
  expect(errors.map(({ left }) => left)).toEqual(Array(8).fill(false));
});

test('calls that are called off while they wait for a connection never leave, and take none', async () => {
  const sockets = new Set<Socket>();
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const root = await serve((request, response) => {
    sockets.add(request.socket);
    asked.push(request.url?.split('/').at(-1) ?? '');
    answers.push(() => response.end('{"ok":true,"result":1}'));
  });
  const { call } = api(root);
  const under = ['getMe', 'getMe'].map((method) => call(method, {}));
  const off = new AbortController();
  const waiting = Array.from({ length: 5 }, () => unreachable(call('getFile', {}, { signal: off.signal })));
  const last = call('getChat', {});
  await expect.poll(() => answers.length).toBe(2);
  off.abort();
  expect((await Promise.all(waiting)).map(({ left }) => left)).toEqual(Array(5).fill(false));
  for (const answer of answers.splice(0)) answer();
  await Promise.all(under);
  await expect.poll(() => answers.length).toBe(1);
  answers[0]?.();
  await last;
  expect(asked).toEqual(['getMe', 'getMe', 'getChat']);
  expect(sockets.size).toBe(2);
});

test('that a call leaves is told before its first byte does, and not while it waits for a connection', async () => {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const root = await serve((request, response) => {
    asked.push(request.url?.split('/').at(-1) ?? '');
    answers.push(() => response.end('{"ok":true,"result":1}'));
  });
  const { call } = api(root);
  const left: string[] = [];
  const under = ['getMe', 'getChat', 'getFile'].map((method) =>
    call(method, {}, { onLeaving: () => void left.push(asked.includes(method) ? `${method} too late` : method) }),
  );
  await expect.poll(() => answers.length).toBe(2);
  expect(left.toSorted()).toEqual(['getChat', 'getMe']);
  for (const answer of answers.splice(0)) answer();
  await expect.poll(() => answers.length).toBe(1);
  answers[0]?.();
  await Promise.all(under);
  expect(left.at(-1)).toBe('getFile');
});

test('a call that must not leave does not, and another takes its connection', async () => {
  const asked: string[] = [];
  const root = await serve((request, response) => {
    asked.push(request.url?.split('/').at(-1) ?? '');
    response.end('{"ok":true,"result":1}');
  });
  const { call } = api(root);
  const onLeaving = () => {
    throw new Error('no mark');
  };
  for (let n = 0; n < 5; n += 1)
    expect(await unreachable(call('sendMessage', {}, { onLeaving }))).toMatchObject({ left: false });
  expect(await call('getMe', {})).toBe(1);
  expect(asked).toEqual(['getMe']);
});

test('where nobody listens, nothing leaves', async () => {
  const onLeaving = () => expect.fail('it left');
  expect((await unreachable(api('http://127.0.0.1:9').call('getMe', {}, { onLeaving }))).left).toBe(false);
});

test('a time that is over before the call has begun ends it all the same', async () => {
  const root = await serve(() => {});
  const clock = { ...systemClock, setTimeout: (fn: () => void) => ({ timer: fn() }) };
  const made = createHttpBotApi({ root, token: TOKEN, connections: 1, clock });
  onTestFinished(() => made.close());
  expect((await unreachable(made.call('getMe', {}))).message).toMatch(/nothing within/);
});

test('an answer that comes in many pieces is read whole', async () => {
  const text = 'ä🙂'.repeat(200_000);
  const root = await serve((_, response) => void response.end(JSON.stringify({ ok: true, result: text })));
  const { call } = api(root);
  const results = await Promise.all([call('getMe', {}), call('getMe', {}), call('getMe', {})]);
  expect(results.every((result) => result === text)).toBe(true);
});

test('where nobody listens the call has never left', async () => {
  const server = createServer();
  const root = await listening(server, () => {});
  server.close();
  await once(server, 'close');
  const error = await unreachable(api(root).call('sendMessage', { chat_id: 1, text: 'x' }));
  expect([error.left, error.message]).toEqual([
    false,
    'No answer from Telegram to sendMessage: the connection was refused (ECONNREFUSED)',
  ]);
});

test('a name that nobody knows: the call has never left', async () => {
  expect((await unreachable(api('http://nobody.invalid').call('getMe', {}))).left).toBe(false);
});

test('TLS that does not come about: the call has never left', async () => {
  const root = await serveTcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const error = await unreachable(api(root.replace('http:', 'https:')).call('getMe', {}));
  expect(error.left).toBe(false);
});

test.each(['reset', 'lost_answer'])('a connection cut by a %s: the call may have been carried out', async (kind) => {
  const { sandbox, token, control, write } = await start();
  await write(777, 'hello');
  await control('faults', { method: 'sendMessage', kind });
  const error = await unreachable(api(sandbox.url, token).call('sendMessage', { chat_id: 777, text: 'x' }));
  expect(error.left).toBe(true);
  expect((await control('chats/777')).messages).toHaveLength(kind === 'reset' ? 1 : 2);
});

test('a connection cut as the request comes in: the call may have left', async () => {
  const root = await serveTcp((socket) => void socket.once('data', () => socket.resetAndDestroy()));
  expect((await unreachable(api(root).call('getMe', {}))).left).toBe(true);
});

test('a connection that is closed in place of an answer is told in words', async () => {
  const root = await serveTcp((socket) => void socket.once('data', () => socket.end()));
  const { left, message } = await unreachable(api(root).call('getMe', {}));
  expect([left, message]).toEqual([true, 'No answer from Telegram to getMe: the connection was closed']);
});

test('no answer in time: the call may have been carried out', async () => {
  const { sandbox, token, control } = await start();
  await control('faults', { method: 'sendMessage', kind: 'timeout' });
  const calling = api(sandbox.url, token).call('sendMessage', { chat_id: 1, text: 'x' }, { timeoutMs: 50 });
  const error = await unreachable(calling);
  expect([error.left, error.message]).toEqual([true, 'No answer from Telegram to sendMessage: nothing within 50 ms']);
});

test('an answer that stops in the middle counts as none', async () => {
  const root = await serve((_, response) => {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('{"ok":true,"result":', () => response.destroy());
  });
  expect((await unreachable(api(root).call('sendMessage', {}))).left).toBe(true);
});

test.each([
  ['an HTML page of a gateway', 502, '<html>502 Bad Gateway</html>'],
  ['nothing', 200, ''],
  ['JSON of another shape', 200, '{"result":true}'],
  ['a refusal without a code', 200, '{"ok":false,"description":"no"}'],
])('%s is no answer: the call may have been carried out', async (_, status, body) => {
  const root = await serve((_request, response) => response.writeHead(status).end(body));
  const error = await unreachable(api(root).call('sendMessage', {}));
  expect(error.left).toBe(true);
  expect(error.message).toBe(
    `No answer from Telegram to sendMessage: HTTP ${status} with ${body.length} characters that are no answer`,
  );
});

test('an answer beyond the bound is dropped while it comes', async () => {
  const root = await serve((_, response) => {
    const chunk = Buffer.alloc(1024 * 1024, ' ');
    let left = limits.botApiAnswerBytesMax / chunk.length + 1;
    const more = (): void => {
      if (left-- > 0) response.write(chunk, more);
      else response.end('{"ok":true,"result":[]}');
    };
    more();
  });
  const error = await unreachable(api(root).call('getUpdates', {}));
  expect([error.left, error.message]).toEqual([true, 'No answer from Telegram to getUpdates: the answer is too large']);
  expect(error).toMatchObject({ name: 'AnswerTooLarge', head: ' '.repeat(256) });
});

test('a call that is aborted may have left', async () => {
  const { sandbox, token, untilPolling } = await start();
  const stop = new AbortController();
  const calling = api(sandbox.url, token).call('getUpdates', { timeout: 50 }, { signal: stop.signal });
  await untilPolling();
  stop.abort();
  expect((await unreachable(calling)).left).toBe(true);
});

test('closing in the middle of a call: it may have been carried out', async () => {
  const { sandbox, token, untilPolling } = await start();
  const closing = createHttpBotApi({ root: sandbox.url, token, connections: 1, clock: systemClock });
  const calling = unreachable(closing.call('getUpdates', { timeout: 50 }));
  await untilPolling();
  await closing.close();
  expect((await calling).left).toBe(true);
});

test('calls share connections, which are kept open: 40 calls, four at a time, take two', async () => {
  const connections = new Set<Socket>();
  const root = await serve((request, response) => {
    connections.add(request.socket);
    request.resume().on('end', () => response.end('{"ok":true,"result":true}'));
  });
  const telegram = api(root);
  for (let n = 0; n < 10; n += 1) {
    await Promise.all([1, 2, 3, 4].map(() => telegram.call('sendMessage', { chat_id: 777, text: 'x' })));
  }
  expect(connections.size).toBe(2);
});

test('a call that Telegram refused leaves its connection open, too', async () => {
  const connections = new Set<Socket>();
  const root = await serve((request, response) => {
    connections.add(request.socket);
    const refusal = '{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":1}}';
    request.resume().on('end', () => response.writeHead(429).end(refusal));
  });
  const telegram = api(root);
  for (let n = 0; n < 20; n += 1) await refused(telegram.call('sendMessage', { chat_id: 777, text: 'x' }));
  expect(connections.size).toBeLessThanOrEqual(2);
});

test('a 429 tells how long to wait', async () => {
  const { sandbox, token, control } = await start();
  await control('faults', { method: 'sendMessage', error_code: 429, retry_after: 7 });
  const error = await refused(api(sandbox.url, token).call('sendMessage', { chat_id: 1, text: 'x' }));
  expect(error).toMatchObject({ errorCode: 429, retryAfterMs: 7000, migrateToChat: undefined });
  expect(error.description).toBe('Too Many Requests: retry after 7');
});

test('a group that became a supergroup: the refusal tells its new id', async () => {
  const { sandbox, token, control } = await start();
  const { chat_id } = await control('chats', { type: 'group', title: 'Friends' });
  await control(`chats/${chat_id}/migrate`, { to: -1_002_000_000_001 });
  const error = await refused(api(sandbox.url, token).call('sendMessage', { chat_id, text: 'x' }));
  expect(error).toMatchObject({ errorCode: 400, migrateToChat: '-1002000000001' });
});

test('a refusal is told in the words of Telegram, without the token', async () => {
  const { sandbox } = await start();
  const error = await refused(api(sandbox.url, 'not a token').call('getMe', {}));
  expect(error.message).toBe('Telegram refused getMe: 404 Not Found');
});

test('an address that is none tells nothing of the token', async () => {
  expect((await unreachable(api('http://:0').call('getMe', {}))).message).not.toContain(TOKEN);
});
