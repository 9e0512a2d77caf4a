import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createKey, freeEnv, run, startServer } from '../cli/support.ts';
import { until } from '../ingress/support.ts';
import { start } from '../sandbox/start.ts';

/** What users and aggregators write here: each word stands nowhere else. */
const PRIVATE = {
  text: 'ann-writes-this',
  phone: '+491701234567',
  recipient: 'Zebulon',
  posted: 'aggregator-writes-this',
  tag: 'tag-of-a-text',
  event: 'event-carries-this',
  query: 'query-holds-this',
  answer: 'telegram-answers-this',
  file: 'name-of-a-file',
  password: 'password-of-a-proxy',
  backend: 'query-of-the-backend',
  callback: 'path-of-a-callback',
  button: 'address-of-a-button',
};
const BACKEND_SECRET = `whsec_${'c2VjcmV0'.repeat(5)}`;
const FORM = '--b\r\ncontent-disposition: form-data; name=';

/** A backend, a proxy and a receiver of callbacks: each refuses, and repeats all that it was sent. */
async function startEcho() {
  let asked = 0;
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join('');
    asked += 1;
    response.writeHead(502, `${request.headers['proxy-authorization'] ?? ''} ${request.url}`);
    response.end(`<html>${JSON.stringify(request.headers)} ${request.url} ${body}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.closeAllConnections());
  onTestFinished(() => void server.close());
  const address = server.address();
  const host = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  return { host, asked: () => asked };
}

/** The command lines of a process and of those that it has started, where the system shows them. */
function commandLines(pid: number): string {
  if (!existsSync('/proc/self/cmdline')) return '';
  const parentOf = (id: string) => {
    try {
      return / \w (\d+) /.exec(readFileSync(`/proc/${id}/stat`, 'utf8'))?.[1];
    } catch {
      return undefined;
    }
  };
  const children = readdirSync('/proc').filter((id) => /^\d+$/.test(id) && parentOf(id) === String(pid));
  return [String(pid), ...children].map((id) => readFileSync(`/proc/${id}/cmdline`, 'latin1')).join('\n');
}

const FAULTS = [
  { error_code: 403, description: 'Forbidden: bot was blocked by the user', fate: 'failed', more: {} },
  { kind: 'reset', fate: 'unknown', more: {} },
  { kind: 'lost_answer', fate: 'unknown', more: {} },
  { kind: 'malformed', body: `{"text":"${PRIVATE.answer}`, fate: 'unknown', more: {} },
  { error_code: 500, fate: 'sent', more: {} },
  {
    error_code: 400,
    description: `Bad Request: button URL 'https://${PRIVATE.button}.example/' is wrong in ${PRIVATE.posted}`,
    fate: 'failed',
    more: {},
  },
  { fate: 'failed', more: { text: `<${PRIVATE.tag}>`, parse_mode: 'HTML' } },
  { fate: 'failed', more: { text: `<a"${PRIVATE.tag}>`, parse_mode: 'HTML' } },
];
/** Where the bot says nothing by itself. */
const channel = (i: number): number => -1_000_000_000_701 - i;
const CHATS = [777, ...FAULTS.map((_, i) => channel(i))].flatMap((chat) => ['--chat', String(chat)]);

test('I7: at log level trace, nothing that a process writes holds a secret or what somebody wrote', async () => {
  const { sandbox, token, control, write, untilPolling } = await start();
  const echo = await startEcho();
  const server = await startServer({
    ...{ ...freeEnv(), TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: sandbox.url },
    SWITCHBOARD_LOG_LEVEL: 'trace',
    SWITCHBOARD_BACKEND_URL: `http://backend.test/ask?key=${PRIVATE.backend}`,
    SWITCHBOARD_BACKEND_SECRET: BACKEND_SECRET,
    HTTP_PROXY: `http://user:${PRIVATE.password}@${echo.host}`,
    SWITCHBOARD_INSPECT: '1',
  });
  const { url, env, child, ended } = server;
  const callback = ['--callback', `http://${echo.host}/${PRIVATE.callback}`];
  const keys = [
    createKey(env, 'operator'),
    createKey(env, 'aggregator', ...CHATS, ...callback),
    createKey(env, 'admin'),
  ] as const;
  const [operator, aggregator, admin] = await Promise.all(keys);
  const secrets = [operator, aggregator, admin].map(({ key }) => key.split(':')[1] ?? key);
  /** Every answer that is an error. */
  const refusals: string[] = [];
  const ask = async (key: string, method: string, path: string, body?: string, headers = {}) => {
    const authorization = `Bearer ${key}`;
    const json = body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } };
    const response = await fetch(url + path, {
      ...json,
      method,
      headers: { ...json.headers, authorization, 'idempotency-key': crypto.randomUUID(), ...headers },
    });
    const text = await response.text();
    if (!response.ok) refusals.push(text);
    return text;
  };
  /** Posts a message and waits for its fate. */
  const send = async (message: object) => {
    const posted = JSON.parse(await ask(aggregator.key, 'POST', '/v1/messages', JSON.stringify(message)));
    return JSON.parse(await ask(aggregator.key, 'GET', `/v1/messages/${posted.id}?wait=50`)).status;
  };

  // What goes well: a chat, a stream, posts, a key made over HTTP.
  const stream = fetch(`${url}/v1/events?from=earliest`, { headers: { authorization: `Bearer ${operator.key}` } });
  await untilPolling();
  for (const text of ['/start', PRIVATE.text, `/pay 12 EUR ${PRIVATE.recipient}`]) await write(777, text);
  const contact = { phone_number: PRIVATE.phone, first_name: PRIVATE.recipient };
  await control('chats/777/messages', { message: { contact } });
  expect(await send({ chat_id: 777, text: PRIVATE.posted })).toBe('sent');
  const event = JSON.stringify({ type: 'payment.failed', reason: PRIVATE.event });
  await ask(aggregator.key, 'POST', '/v1/chats/777/events', event);
  const made = JSON.parse(await ask(admin.key, 'POST', '/v1/keys', '{"role":"backend","name":"b"}'));
  secrets.push(made.key.split(':')[1], aggregator.callback_secret, BACKEND_SECRET);

  // A browser: its log-in, a ticket, and the stream that it opens.
  const session = await fetch(`${url}/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key: admin.key }),
  });
  const cookie = session.headers.get('set-cookie')?.split(';')[0] ?? '';
  secrets.push(cookie.slice(cookie.indexOf('=') + 1));
  const { page } = JSON.parse(await session.text());
  secrets.push(page);
  await ask('', 'GET', '/v1/session', undefined, { cookie, authorization: '', 'x-switchboard-page': page });
  const { ticket } = JSON.parse(await ask(operator.key, 'POST', '/v1/tickets'));
  secrets.push(ticket);
  await ask('', 'GET', `/v1/events?poll=1&ticket=${ticket}`);
  await ask('', 'GET', `/v1/events?poll=1&ticket=${ticket}x`);

  // Files, whose names Telegram repeats.
  await control('chats', { type: 'channel', id: -1_000_000_000_799 });
  const refused = { error_code: 400, description: `Bad Request: file ${PRIVATE.file}.pdf is wrong: ${token}` };
  await control('faults', { method: 'sendDocument', ...refused });
  const file = `${FORM}"document"; filename="${PRIVATE.file}.pdf"\r\n\r\nx\r\n`;
  const form = `${FORM}"chat_id"\r\n\r\n-1000000000799\r\n${file}--b--\r\n`;
  const posted = await ask('', 'POST', `/telegram/bot${made.key}/sendDocument`, form, {
    'content-type': 'multipart/form-data; boundary=b',
    authorization: '',
  });
  // Whoever posted a file may read its name in Telegram's words, but not the token.
  expect(posted).toContain('is wrong: [cut]');
  refusals.splice(refusals.indexOf(posted), 1);

  // Sends that fail in every way, each in its own channel, Telegram quoting the text among them.
  const message = { chat_id: 777, text: PRIVATE.posted };
  const fates = FAULTS.map(async ({ fate, more, ...fault }, i) => {
    const chat = channel(i);
    await control('chats', { type: 'channel', id: chat });
    if ('kind' in fault || 'error_code' in fault) {
      await control('faults', { method: 'sendMessage', chat_id: chat, ...fault });
    }
    expect(await send({ ...message, chat_id: chat, ...more }), JSON.stringify(fault)).toBe(fate);
  });
  await Promise.all(fates);

  // Requests that are wrong.
  await ask(`${admin.key}x`, 'GET', '/v1/chats');
  await ask(token, 'POST', '/v1/messages', JSON.stringify(message));
  await ask(operator.key, 'POST', '/v1/messages', JSON.stringify(message));
  await ask(aggregator.key, 'POST', '/v1/messages', JSON.stringify({ ...message, chat_id: 888 }));
  await ask(aggregator.key, 'POST', '/v1/messages', `{"text":"${PRIVATE.posted}`);
  await ask(aggregator.key, 'POST', '/v1/messages', JSON.stringify({ ...message, chat_id: {}, delivery: 7 }));
  await ask(aggregator.key, 'POST', '/v1/messages', JSON.stringify({ text: PRIVATE.posted.repeat(300), chat_id: 777 }));
  await ask(aggregator.key, 'POST', '/v1/chats/777/events', JSON.stringify({ type: 7, reason: PRIVATE.event }));
  await ask(operator.key, 'GET', `/v1/chats?limit=${PRIVATE.query}`);
  await ask(operator.key, 'GET', `/v1/nothing?key=${operator.key}`);

  // The façade, where the key is in the address: what goes well, and what does not.
  const bot = (key: string) => `/telegram/bot${key}`;
  await ask('', 'POST', `${bot(aggregator.key)}/sendMessage`, JSON.stringify(message));
  expect(await ask('', 'GET', `${bot(operator.key)}/getUpdates?limit=100`)).toContain(PRIVATE.text);
  await ask('', 'POST', `${bot(operator.key)}/sendMessage`, JSON.stringify(message));
  await ask('', 'POST', `${bot(aggregator.key)}/sendMessage`, `{"text":"${PRIVATE.posted}`);
  await ask(
    '',
    'POST',
    `${bot(aggregator.key)}/sendMessage`,
    JSON.stringify({ ...message, parse_mode: 'HTML', text: '<' }),
  );
  await ask('', 'GET', `${bot(`${operator.key}x`)}/getUpdates`);
  await ask('', 'GET', `${bot(operator.key)}/getChat?chat_id=${PRIVATE.query}`);
  await ask('', 'GET', `/telegram/file/bot${operator.key}/${PRIVATE.query}/none`);
  await control('faults', { method: 'getMe', kind: 'malformed', body: `{"text":"${PRIVATE.answer}` });
  await ask('', 'GET', `${bot(operator.key)}/getMe`);
  await ask(operator.key, 'GET', '/v1/events?poll=1', undefined, { 'last-event-id': `${PRIVATE.query}.x` });

  // Polls that fail, then a token that is refused.
  const half = `{"ok":true,"result":[{"text":"${PRIVATE.answer}"`;
  await control('faults', { method: 'getUpdates', kind: 'malformed', body: half });
  await write(777, PRIVATE.text);
  await server.logged('poll_failed');
  await untilPolling();

  // A payment is confirmed, so that the backend is asked.
  const question = async () =>
    (await control('chats/777')).messages.find(({ text }: { text?: string }) => text?.startsWith('Pay 12'));
  while ((await question()) === undefined);
  const { message_id, reply_markup } = await question();
  await control('chats/777/callbacks', { message_id, data: reply_markup.inline_keyboard[0][0].callback_data });

  // The backend and the receiver of callbacks refused, and repeated what they were sent.
  await server.logged('backend.failed');
  await server.logged('callback_not_taken');
  expect(echo.asked()).toBeGreaterThan(1);
  const metrics = await ask(admin.key, 'GET', '/metrics');
  const ready = await ask(admin.key, 'GET', '/readyz');
  const lines = commandLines(child.pid ?? 0);

  await control('revoke', {});
  await until(() => server.stdout().includes('Telegram refuses the bot token'));
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await ended;
  expect(code).toBe(0);
  await stream.then((response) => response.text());

  // It did log what it should: all this was not in vain.
  const written = stdout + stderr;
  for (const told of ['"event":"poll_failed"', '"msg":"not sent"', '"event":"request"', '"status":401', 'stopping']) {
    expect(written).toContain(told);
  }
  expect(refusals.length).toBeGreaterThanOrEqual(12);
  const hidden = [...secrets, token, token.split(':')[1] ?? '', 'Bearer ', 'authorization', ...Object.values(PRIVATE)];
  for (const secret of hidden) {
    expect(written.toLowerCase(), `the log, of ${secret}`).not.toContain(secret.toLowerCase());
  }
  for (const secret of [...secrets, token, ...Object.values(PRIVATE)]) {
    for (const refusal of refusals) expect(refusal, `an answer, of ${secret}`).not.toContain(secret);
  }
  for (const secret of [...secrets, token, BACKEND_SECRET, ...Object.values(PRIVATE)]) {
    expect(metrics, `the metrics, of ${secret}`).not.toContain(secret);
    expect(ready, `the state, of ${secret}`).not.toContain(secret);
    expect(lines, `the command lines, of ${secret}`).not.toContain(secret);
  }
  expect(metrics).toContain('switchboard_');
  expect(child.exitCode).toBe(0);

  // Keys are kept as hashes alone, the token not at all.
  const folder = env.SWITCHBOARD_DATA ?? '';
  const files = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'));
  expect(files.join('')).toContain(PRIVATE.posted);
  const stored = [aggregator.callback_secret];
  for (const secret of [...secrets, token].filter((one) => !stored.includes(one)))
    for (const file of files) expect(file.includes(secret), secret).toBe(false);
});

test('I7: a process that cannot start tells neither its token nor its secrets', async () => {
  const { sandbox, token, control } = await start();
  await control('revoke', {});
  const env = { ...freeEnv(), TELEGRAM_BOT_TOKEN: token, TELEGRAM_API_ROOT: sandbox.url };

  const tries = await Promise.all([
    run(['start'], { ...env, SWITCHBOARD_LOG_LEVEL: 'trace' }).ended,
    run(['start'], { ...env, SWITCHBOARD_PORT: '-1' }).ended,
    run(['start'], { ...env, TELEGRAM_BOT_TOKEN: `${token} and more` }).ended,
    run(['doctor'], env).ended,
    run(['doctor'], { ...env, TELEGRAM_API_ROOT: 'http://127.0.0.1:9' }).ended,
    run(['start'], { ...env, TELEGRAM_API_ROOT: `http://user:${PRIVATE.password}@127.0.0.1` }).ended,
    run(['start'], { ...env, SWITCHBOARD_BACKEND_URL: `http://user:${PRIVATE.password}@127.0.0.1` }).ended,
    run(['start'], { ...env, SWITCHBOARD_BACKEND_SECRET: PRIVATE.password }).ended,
    run(['start'], { ...env, HTTPS_PROXY: `ftp://user:${PRIVATE.password}@127.0.0.1` }).ended,
    run(['start'], { TELEGRAM_BOT_TOKEN_FILE: token, SWITCHBOARD_DATA: join(freeEnv().SWITCHBOARD_DATA ?? '', 'none') })
      .ended,
  ]);
  expect(tries.map(({ code }) => code)).toEqual([3, 2, 2, 1, 1, 2, 2, 2, 2, 2]);
  for (const { stdout, stderr } of tries) {
    expect(stdout + stderr).not.toContain(token.split(':')[1]);
    expect(stdout + stderr).not.toContain(PRIVATE.password);
  }
});
