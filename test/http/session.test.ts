import { expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { manualClock } from '../support/clock.ts';
import { json, startEdge } from './edge.ts';

/** The cookies that an answer sets: name, value, and all that is said of it. */
const cookiesOf = (answer: Response) =>
  answer.headers.getSetCookie().map((text) => {
    const [pair = '', ...attributes] = text.split('; ');
    const [name = '', value = ''] = pair.split('=');
    return { name, value, attributes: attributes.sort() };
  });

const KEPT = ['HttpOnly', `Max-Age=${limits.sessionAgeMaxMs / 1000}`, 'Path=/', 'SameSite=Strict'];

test('a log-in has two secrets, one in a cookie that no script reads, one with the page; neither is the key', async () => {
  const edge = await startEdge();
  const { answer, cookie, headers } = await edge.logIn();
  expect(answer.status).toBe(200);
  const name = `switchboard-${edge.journal.stream}`;
  expect(cookiesOf(answer)).toEqual([{ name, value: expect.stringMatching(/^[\w-]{43}$/), attributes: KEPT }]);
  const secret = edge.admin.text.split(':')[1] ?? '';
  expect(`${await answer.text()} ${answer.headers.getSetCookie()}`).not.toContain(secret);
  expect(await json(await edge.get('/v1/session', headers))).toEqual({
    ...{ id: edge.admin.id, name: 'admin', role: 'admin', scopes: expect.arrayContaining(['admin']), chats: null },
  });
  expect((await edge.get('/v1/chats', headers)).status).toBe(200);

  // What another port of the host sees of it opens nothing, nor does what a page might be made to tell.
  const page = headers['x-switchboard-page'];
  const value = cookie.split('=')[1] ?? '';
  const halves: Record<string, string>[] = [
    { cookie },
    { 'x-switchboard-page': page },
    { cookie: `${name}=${page}`, 'x-switchboard-page': page },
    { cookie, 'x-switchboard-page': value },
    { cookie: cookie.replace(/.$/, '~'), 'x-switchboard-page': page },
    { authorization: `Bearer ${page}` },
    { authorization: `Bearer ${value}` },
    { ...headers, authorization: `Bearer ${value}` },
    { cookie: `switchboard_key=${edge.admin.text}`, 'x-switchboard-page': page },
  ];
  for (const half of halves) {
    for (const path of ['/v1/session', '/v1/chats', '/metrics']) {
      const bearer = path === '/v1/session' && half.authorization !== undefined && half.cookie !== undefined;
      expect((await edge.get(path, half)).status, JSON.stringify([path, half])).toBe(bearer ? 200 : 401);
    }
  }
  for (const text of [page, value])
    expect((await fetch(`${edge.url}/telegram/bot${text}/getMe`)).status, text).toBeGreaterThanOrEqual(400);
});

test('by TLS its cookie is for TLS and the whole host alone; below a path a proxy may narrow it', async () => {
  const edge = await startEdge();
  const name = `switchboard-${edge.journal.stream}`;
  const by = { 'x-forwarded-proto': 'https' };
  const whole = await edge.logIn(edge.admin.text, by);
  expect(cookiesOf(whole.answer)).toMatchObject([{ name: `__Host-${name}`, attributes: [...KEPT, 'Secure'] }]);
  const below = await edge.logIn(edge.admin.text, by, { below_path: true });
  expect(cookiesOf(below.answer)).toMatchObject([{ name: `__Secure-${name}`, attributes: [...KEPT, 'Secure'] }]);
  for (const { headers } of [whole, below]) expect((await edge.get('/v1/session', headers)).status).toBe(200);
});

test('what a proxy says of the browser is believed from trusted proxies alone', async () => {
  for (const trustedProxies of [[], ['10.0.0.0/8']]) {
    const edge = await startEdge({ trustedProxies });
    const { answer } = await edge.logIn(edge.admin.text, { 'x-forwarded-proto': 'https' });
    expect(cookiesOf(answer)).toMatchObject([{ name: `switchboard-${edge.journal.stream}`, attributes: KEPT }]);
  }
});

test('a cookie that another port has planted is never taken for the log-in', async () => {
  const edge = await startEdge();
  const [mine, theirs] = [await edge.logIn(), await edge.logIn(edge.key('operator').text)];
  const name = mine.cookie.split('=')[0] ?? '';
  const who = async (cookie: string) => {
    const answer = await edge.get('/v1/session', { ...mine.headers, cookie });
    return answer.status === 200 ? Object(await json(answer)).role : answer.status;
  };
  // Browsers send the one with the longer path first.
  expect(await who(`${theirs.cookie}; ${mine.cookie}`)).toBe('admin');
  expect(await who(`${mine.cookie}; ${theirs.cookie}`)).toBe('admin');
  expect(await who(`${name}=x; ${name}; ${name}=; other=1; __Host-${theirs.cookie}; ${mine.cookie}`)).toBe('admin');
  // Where it has taken the place of ours, the page is logged out, and not somebody else.
  expect(await who(theirs.cookie)).toBe(401);
  expect(await who(`switchboard_key=${edge.admin.text}`)).toBe(401);
});

test('a key in a cookie of an earlier version is taken away and opens nothing', async () => {
  const edge = await startEdge();
  const cookie = `a=b; switchboard_key=${edge.admin.text}`;
  const who = await edge.get('/v1/session', { cookie });
  expect(who.status).toBe(401);
  const gone = {
    name: 'switchboard_key',
    value: '',
    attributes: ['HttpOnly', 'Max-Age=0', 'Path=/', 'SameSite=Strict'],
  };
  expect(cookiesOf(who)).toEqual([gone]);
  expect(cookiesOf((await edge.logIn(edge.admin.text, { cookie })).answer)).toContainEqual(gone);
});

test('a log-out ends the session and its streams, and takes the cookie away; so does a new log-in of the same page', async () => {
  const edge = await startEdge();
  const [one, two] = [await edge.logIn(), await edge.logIn()];
  const [stream, other] = [await edge.get('/v1/events', one.headers), await edge.get('/v1/events', two.headers)];
  const out = await edge.send('DELETE', '/v1/session', undefined, one.headers);
  expect(out.status).toBe(204);
  const [name] = one.cookie.split('=');
  expect(cookiesOf(out)).toMatchObject([{ name, value: '', attributes: expect.arrayContaining(['Max-Age=0']) }]);
  await stream.text();
  for (const path of ['/v1/session', '/v1/chats']) expect((await edge.get(path, one.headers)).status).toBe(401);
  expect((await edge.get('/v1/session', two.headers)).status).toBe(200);
  const again = await edge.logIn(edge.admin.text, two.headers);
  await other.text();
  expect((await edge.get('/v1/session', two.headers)).status).toBe(401);
  expect((await edge.get('/v1/session', again.headers)).status).toBe(200);
  // Logged out already: that is no error.
  expect((await edge.send('DELETE', '/v1/session', undefined, one.headers)).status).toBe(204);
});

test('a log-in gets no ticket: what that opens would go on after the log-out', async () => {
  const edge = await startEdge();
  const { headers } = await edge.logIn();
  expect((await edge.send('POST', '/v1/tickets', undefined, headers)).status).toBe(403);
});

test('a key logs in so often and no more, whatever it may; another does not notice', async () => {
  const clock = manualClock();
  const edge = await startEdge({ clock });
  const greedy = edge.key('metrics');
  for (let n = 0; n < limits.keyLogInsBurst; n += 1) expect((await edge.logIn(greedy.text)).answer.status).toBe(200);
  const { answer } = await edge.logIn(greedy.text);
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '1']);
  expect((await edge.logIn()).answer.status).toBe(200);
  await clock.advance(1000 / limits.keyLogInsPerS);
  expect((await edge.logIn(greedy.text)).answer.status).toBe(200);
});

test('a session ends with its key', async () => {
  const edge = await startEdge();
  const key = edge.key('operator');
  const { headers } = await edge.logIn(key.text);
  const stream = await edge.get('/v1/events', headers);
  edge.keyring.revoke(key.id);
  await stream.text();
  for (const path of ['/v1/session', '/v1/chats']) expect((await edge.get(path, headers)).status).toBe(401);
});

test('a session ends with the secret that opened it; one of the new secret goes on', async () => {
  const edge = await startEdge();
  const { id, text } = edge.key('operator');
  const old = await edge.logIn(text);
  const rotated = edge.keyring.rotate(id, { overlapMs: 60_000, newCallbackSecret: false });
  const [fresh, stream] = [await edge.logIn(rotated?.text), await edge.get('/v1/events', old.headers)];
  expect((await edge.get('/v1/session', old.headers)).status).toBe(200);
  const again = edge.keyring.rotate(id, { overlapMs: 60_000, newCallbackSecret: false });
  await stream.text();
  expect((await edge.get('/v1/session', old.headers)).status).toBe(401);
  expect((await edge.get('/v1/session', fresh.headers)).status).toBe(200);
  expect(again).not.toBe(null);
});

test('another site logs no browser in, and none out', async () => {
  const edge = await startEdge();
  const { headers: logged } = await edge.logIn();
  const logIn = async (headers: Record<string, string>) => (await edge.logIn(edge.admin.text, headers)).answer;
  const logOut = (headers: Record<string, string>) =>
    edge.send('DELETE', '/v1/session', undefined, { ...logged, ...headers });
  const { host } = new URL(edge.url);
  const others: Record<string, string>[] = [
    { 'sec-fetch-site': 'cross-site' },
    // Another port of this machine.
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: edge.url },
    { origin: 'https://elsewhere.example' },
    { origin: `http://${host}.elsewhere.example` },
    { origin: edge.url.replace(/\d+$/, '1') },
    { origin: 'null' },
  ];
  for (const headers of others) {
    for (const answer of [await logIn(headers), await logOut(headers)]) {
      expect(answer.status, JSON.stringify(headers)).toBe(403);
      expect(answer.headers.getSetCookie(), JSON.stringify(headers)).toEqual([]);
    }
    expect((await edge.get('/v1/chats', { ...logged, ...headers })).status, JSON.stringify(headers)).toBe(403);
  }
  const ours: Record<string, string>[] = [
    {},
    { origin: edge.url },
    { 'sec-fetch-site': 'same-origin', origin: edge.url },
    { 'sec-fetch-site': 'none' },
  ];
  for (const headers of ours)
    expect([(await logIn(headers)).status, (await logOut(headers)).status], JSON.stringify(headers)).toEqual([
      200, 204,
    ]);
});

test('what is no key, or no JSON as a form of any site sends it, logs nobody in', async () => {
  const edge = await startEdge();
  const key = edge.admin.text;
  const logIn = (headers: Record<string, string>, body: object = { key }) =>
    edge.send('POST', '/v1/session', body, { authorization: '', ...headers });
  const attempts = [
    [401, await logIn({}, { key: `${key.slice(0, -4)}AAAA` })],
    [401, await logIn({}, { key: '' })],
    [400, await logIn({}, { key, more: 1 })],
    [415, await logIn({ 'content-type': 'text/plain' })],
    [415, await logIn({ 'content-type': 'application/x-www-form-urlencoded' })],
  ] as const;
  for (const [status, answer] of attempts) {
    expect(answer.status).toBe(status);
    expect(answer.headers.getSetCookie()).toEqual([]);
  }
});
