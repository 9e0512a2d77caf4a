import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BackendFailed } from '../../src/backend/backend.ts';
import { createHttpBackend } from '../../src/backend/http.ts';
import { createHttpCallbacks } from '../../src/callbacks/http.ts';
import { systemClock } from '../../src/clock.ts';
import { DIRECT, type Network } from '../../src/network.ts';
import { TelegramUnreachable } from '../../src/telegram/errors.ts';
import { createHttpBotApi } from '../../src/telegram/http.ts';
import { createHttpBotFiles } from '../../src/telegram/http-files.ts';
import { createKey, freeEnv, run, startServer } from '../cli/support.ts';
import { start } from '../sandbox/start.ts';
import { temporaryFolder } from '../support/journal.ts';
import { CA_FILE, listen, loopbackLookup, serveTls, startProxy, trustTestCa } from './support.ts';

const PASSWORD = 'hunter2-that-no-message-may-repeat';
const SIGNAL = new AbortController().signal;

const through = (port: number, user = ''): Network => {
  const address = `http://${user}127.0.0.1:${port}`;
  return { ...DIRECT, httpsProxy: address, httpProxy: address };
};

/** The Bot API at a name that only the proxy knows: a call that is answered has gone through it. */
async function behindTls() {
  const { sandbox, token, ...started } = await start();
  const port = await serveTls(Number(new URL(sandbox.url).port));
  return { ...started, sandbox, token, port, root: `https://telegram.test:${port}` };
}

function api(root: string, token: string, network: Network) {
  const made = createHttpBotApi({ root, token, connections: 4, clock: systemClock, network });
  onTestFinished(() => made.close());
  return made;
}

/** Why a call fails; the password is in no error. */
async function failure(call: Promise<unknown>): Promise<TelegramUnreachable> {
  const error: unknown = await call.then(
    () => expect.fail('the call succeeded'),
    (thrown: unknown) => thrown,
  );
  for (let at = error; at instanceof Error; at = at.cause) {
    expect(`${at.message} ${at.stack} ${JSON.stringify(at)}`).not.toContain(PASSWORD);
  }
  if (error instanceof TelegramUnreachable) return error;
  throw error;
}

/** The team's service, or a receiver of callbacks. */
async function service() {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end('{"answered":true}'));
  });
  return listen(server);
}

test('calls and downloads go through the proxy of https addresses, many at once', async () => {
  trustTestCa();
  const { root, port, token, write } = await behindTls();
  await write(777, 'hello');
  const proxy = await startProxy();
  const network = through(proxy.port);
  const { call } = api(root, token, network);
  const sent = await Promise.all(
    Array.from({ length: 10 }, (_, n) => call('sendMessage', { chat_id: 777, text: `${n}` })),
  );
  expect(sent.map((message) => JSON.stringify(message))).toEqual(
    Array.from({ length: 10 }, (_, n) => expect.stringContaining(`"text":"${n}"`)),
  );
  // No more tunnels than connections.
  expect(proxy.asked).toEqual(Array(4).fill(`CONNECT telegram.test:${port}`));
  const files = createHttpBotFiles({ root, token, connections: 1, network });
  onTestFinished(() => files.close());
  await expect(files.open('photos/none.jpg', SIGNAL)).rejects.toThrow('404');
  expect(proxy.asked).toHaveLength(5);
});

test('an http address goes through the proxy of http addresses, which is asked without a tunnel', async () => {
  const { sandbox, token } = await start();
  const proxy = await startProxy();
  const root = sandbox.url.replace('127.0.0.1', 'telegram.test');
  expect(await api(root, token, through(proxy.port)).call('getMe', {})).toMatchObject({ is_bot: true });
  expect(proxy.asked).toEqual([`POST ${root}`]);
});

test('hosts of NO_PROXY, and this machine, are reached without the proxy', async () => {
  trustTestCa();
  const { root, sandbox, token } = await behindTls();
  const proxy = await startProxy();
  const network = { ...through(proxy.port), noProxy: 'example.org, .test', lookup: loopbackLookup };
  expect(await api(root, token, network).call('getMe', {})).toMatchObject({ is_bot: true });
  expect(await api(sandbox.url, token, through(proxy.port)).call('getMe', {})).toMatchObject({ is_bot: true });
  expect(proxy.asked).toEqual([]);
});

test('a proxy that wants a password gets the one of its address', async () => {
  trustTestCa();
  const { root, token } = await behindTls();
  const { port } = await startProxy({ auth: `eva:${PASSWORD}` });
  const network = through(port, `eva:${PASSWORD}@`);
  expect(await api(root, token, network).call('getMe', {})).toMatchObject({ is_bot: true });
  const { sandbox } = await start();
  const plain = sandbox.url.replace('127.0.0.1', 'telegram.test');
  expect(await api(plain, token, network).call('getMe', {})).toMatchObject({ is_bot: true });
});

test.each([
  ['no password', '', /^the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) wants a user name and a password \(407\): set /],
  ['a wrong password', `eva:${PASSWORD}@`, /\(HTTPS_PROXY\) refuses the user name and the password in HTTPS_PROXY/],
])('%s: told in words, and the call has never left', async (_, user, words) => {
  const { port } = await startProxy({ auth: 'eva:another' });
  const error = await failure(api('https://telegram.test', '1:a', through(port, user)).call('sendMessage', {}));
  expect(error.left).toBe(false);
  expect(error.message.replace('No answer from Telegram to sendMessage: ', '')).toMatch(words);
});

test('no password for an http address: the proxy has passed nothing on', async () => {
  const { port } = await startProxy({ auth: 'eva:another' });
  const error = await failure(api('http://telegram.test', '1:a', through(port)).call('sendMessage', {}));
  expect([error.left, error.message]).toEqual([false, expect.stringMatching(/\(407\).*HTTP_PROXY$/)]);
});

test.each([
  ['HTTP/1.1 403 Forbidden\r\n\r\n', 'answered 403: it does not let Switchboard through'],
  ['HTTP/1.1 502 Bad Gateway\r\n\r\n', 'answered 502: it does not reach the server'],
  ['SSH-2.0-OpenSSH_9.2\r\n', '(HTTPS_PROXY) cannot be reached: what came is not HTTP'],
  [' ', '(HTTPS_PROXY) cannot be reached: what came is not HTTP'],
])('a proxy that opens no tunnel (%j): the calls have never left', async (answer, words) => {
  const proxy = await startProxy({ answer });
  const { call } = api('https://telegram.test', '1:a', through(proxy.port));
  const errors = await Promise.all(Array.from({ length: 6 }, () => failure(call('sendMessage', {}))));
  expect(errors.map(({ left }) => left)).toEqual(Array(6).fill(false));
  for (const { message } of errors) expect(message).toContain(words);
  expect(proxy.asked[0]).toBe('CONNECT telegram.test:443');
});

test.each(['https', 'http'])(
  'a proxy that is not there: told as such, and the call has never left (%s)',
  async (scheme) => {
    const error = await failure(
      api(`${scheme}://telegram.test`, '1:a', through(9, `eva:${PASSWORD}@`)).call('getMe', {}),
    );
    const variable = `${scheme.toUpperCase()}_PROXY`;
    expect([error.left, error.message]).toEqual([
      false,
      `No answer from Telegram to getMe: the proxy 127.0.0.1:9 (${variable}) cannot be reached: the connection was refused (ECONNREFUSED)`,
    ]);
  },
);

test('a certificate that nobody trusts at the end of the tunnel: told as such', async () => {
  const { root } = await behindTls();
  const { port } = await startProxy();
  const error = await failure(api(root, '1:a', through(port)).call('sendMessage', {}));
  expect([error.left, error.message]).toEqual([false, expect.stringContaining('NODE_EXTRA_CA_CERTS')]);
});

test('the backend and callbacks go through it too, and say so where it is not there', async () => {
  trustTestCa();
  const port = await serveTls(await service());
  const url = `https://backend.test:${port}/pay`;
  const proxy = await startProxy();
  const request = { id: '1', bot: '1', conversation: '7', src: 'pay', input: {}, attempt: 1 };
  const callback = { url, secret: `whsec_${'A'.repeat(32)}`, id: 'stream.1', body: '{}' };
  for (const [network, answer, status] of [
    [through(proxy.port), { answered: true }, 200],
    [through(9), expect.any(BackendFailed), expect.stringContaining('127.0.0.1:9 (HTTPS_PROXY) cannot be reached')],
  ] as const) {
    const backend = createHttpBackend({ url, secret: null, clock: systemClock, network });
    onTestFinished(() => backend.close());
    const answered = await backend.ask(request, SIGNAL).catch((error: unknown) => error);
    expect(answered).toEqual(answer);
    if (answered instanceof BackendFailed) expect(answered.message).toContain('(HTTPS_PROXY) cannot be reached');
    const callbacks = createHttpCallbacks(systemClock, network);
    onTestFinished(() => callbacks.close());
    expect(await callbacks.send(callback, SIGNAL)).toEqual(status);
  }
  expect(proxy.asked).toEqual(Array(2).fill(`CONNECT backend.test:${port}`));
});

test('a whole Switchboard and its doctor serve a bot through the proxy that the environment names', async () => {
  const { root, token, write, control } = await behindTls();
  const proxy = await startProxy({ auth: `eva:${PASSWORD}` });
  const env = {
    ...freeEnv(join(temporaryFolder(), 'a b')),
    ...{ TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: root, NODE_EXTRA_CA_CERTS: CA_FILE },
    https_proxy: `eva:${PASSWORD}@127.0.0.1:${proxy.port}`,
    HTTPS_PROXY: 'http://127.0.0.1:9',
  };
  const server = await startServer(env);
  await createKey(env, 'operator');
  await write(777, '/start');
  await expect.poll(async () => (await control('chats/777')).messages.length).toBeGreaterThan(1);
  const { code, stdout } = await run(['doctor'], env).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ok +token .* answers$/m);
  expect(stdout).toMatch(/^ok +clock +within/m);
  expect(stdout + server.stdout()).not.toContain(PASSWORD);
  expect(proxy.asked.every((line) => line.startsWith('CONNECT telegram.test:'))).toBe(true);
});
