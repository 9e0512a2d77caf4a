import { expect, test } from 'vitest';
import { COOKIE } from '../../src/http/session.ts';
import { limits } from '../../src/limits.ts';
import { json, startEdge } from './edge.ts';

async function stage() {
  const edge = await startEdge();
  const { text: key } = edge.admin;
  const none = { authorization: '' };
  return {
    ...{ edge, key },
    logIn: (headers: Record<string, string> = {}, body: unknown = { key }) =>
      edge.send('POST', '/v1/session', body, { ...none, ...headers }),
    who: (cookie: string) => edge.get('/v1/session', { cookie }),
    logOut: (headers: Record<string, string> = {}) =>
      edge.send('DELETE', '/v1/session', undefined, { ...none, cookie: `${COOKIE}=${key}`, ...headers }),
  };
}

/** The cookie of an answer: its value, and all that is said of it. */
function cookieIn(answer: Response) {
  const [first = '', ...attributes] = (answer.headers.getSetCookie()[0] ?? '').split('; ');
  return { pair: first, attributes: attributes.sort() };
}

test('a key that is presented once is kept where no script reads it and no other site sends it', async () => {
  const { edge, key, logIn, who, logOut } = await stage();
  const answer = await logIn();
  expect(answer.status).toBe(200);
  expect(answer.headers.getSetCookie()).toHaveLength(1);
  const kept = ['HttpOnly', `Max-Age=${limits.sessionMaxAgeS}`, 'Path=/', 'SameSite=Strict'];
  expect(cookieIn(answer)).toEqual({ pair: `${COOKIE}=${key}`, attributes: kept });
  expect(await answer.text()).not.toContain(key.split(':')[1]);
  const secret = await logIn({ 'x-forwarded-proto': 'https' });
  expect(cookieIn(secret).attributes).toEqual([...kept, 'Secure']);

  const logged = cookieIn(answer).pair;
  expect(await json(await who(logged))).toMatchObject({ id: edge.admin.id, role: 'admin' });
  expect((await edge.get('/v1/chats', { cookie: logged })).status).toBe(200);
  const out = await logOut();
  expect(out.status).toBe(204);
  expect(cookieIn(out)).toEqual({
    pair: `${COOKIE}=`,
    attributes: ['HttpOnly', 'Max-Age=0', 'Path=/', 'SameSite=Strict'],
  });
  expect((await who(cookieIn(out).pair)).status).toBe(401);

  // A browser that kept it is logged out with the key.
  edge.keyring.revoke(edge.admin.id);
  expect((await who(logged)).status).toBe(401);
  expect((await edge.get('/v1/chats', { cookie: logged })).status).toBe(401);
});

test('another site logs no browser in, and none out', async () => {
  const { edge, logIn, logOut } = await stage();
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
  for (const headers of others)
    for (const answer of [await logIn(headers), await logOut(headers)]) {
      expect(answer.status, JSON.stringify(headers)).toBe(403);
      expect(answer.headers.getSetCookie(), JSON.stringify(headers)).toEqual([]);
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
  const { key, logIn } = await stage();
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
