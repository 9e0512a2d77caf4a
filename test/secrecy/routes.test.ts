import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { SwitchboardError } from '../../src/errors.ts';
import { PAGE_HEADER } from '../../src/http/session.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { type Edge, startEdge } from '../http/edge.ts';
import { ROUTES } from './routes.ts';

const SOURCES = join(import.meta.dirname, '..', '..', 'src', 'http');
const HOOKED = 'fastify.initialization';
type Route = readonly [method: string, url: string];

/** The edge with all that it can serve, and every route that it has. */
async function startAll() {
  const routes: Route[] = [];
  const hook = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) routes.push([one, url]);
    });
  };
  subscribe(HOOKED, hook);
  const { sandbox, edge } = await startStage().finally(() => unsubscribe(HOOKED, hook));
  return { edge, sandbox, routes };
}

async function startStage() {
  const sandbox = await createSandbox({ host: '127.0.0.1', port: 0, clock: systemClock, random: Math.random });
  onTestFinished(() => sandbox.close());
  const pages = [
    { name: 'sandbox', title: 'Sandbox' },
    { name: 'console', title: 'Console' },
    { name: 'inspector', title: 'Inspector', styles: ['sequence.css'] },
  ] as const;
  const overloaded = new SwitchboardError('overloaded', 'Nothing is erased here');
  const nothing = async function* () {};
  const erasing = { exported: nothing, orders: async () => [], order: () => Promise.reject(overloaded) };
  const playground = sandbox.playground('1:sandbox');
  if (playground === null) throw new Error('The sandbox takes no such token');
  const api = { call: async () => ({ id: 123 }) };
  const edge = await startEdge({ inspect: true, console: true, playground, erasing, pages, api });
  return { sandbox, edge };
}

interface Identity {
  /** In the path of Bot API calls. */
  readonly text: string;
  headers(url: string): Promise<Record<string, string>> | Record<string, string>;
}

/** Whoever may come, in the order of the columns. */

function identitiesOf(edge: Edge): Identity[] {
  const keyed = (text: string): Identity => ({ text, headers: () => ({ authorization: `Bearer ${text}` }) });
  const revoked = edge.key('admin');
  edge.keyring.revoke(revoked.id);
  async function logIn() {
    const answer = await edge.send('POST', '/v1/session', { key: edge.admin.text }, { authorization: '' });
    const cookie = answer.headers.getSetCookie().map((line) => line.split(';')[0]);
    const said = await answer.json();
    const secret = typeof said === 'object' && said !== null && 'page' in said ? String(said.page) : '';
    return { cookie: cookie.join('; '), [PAGE_HEADER]: secret };
  }
  let logged: ReturnType<typeof logIn> | null = null;
  const page = (site: string): Identity => ({
    text: 'x',
    async headers(url) {
      // These addresses end the log-in that comes with the request.
      if (logged === null || url === '/v1/session') logged = logIn();
      return { ...(await logged), 'sec-fetch-site': site };
    },
  });
  return [
    { text: 'x', headers: () => ({}) },
    keyed(`${edge.admin.text}x`),
    keyed(revoked.text),
    keyed(edge.key('admin', { expiresAt: 1 }).text),
    ...(['operator', 'aggregator', 'backend', 'support', 'metrics'] as const).map((role) => keyed(edge.key(role).text)),
    keyed(edge.admin.text),
    keyed(edge.key('backend', { chats: ['999'] }).text),
    page('same-origin'),
    page('cross-site'),
  ];
}

/** Without one, a body is `{}`. */
const bodiesOf = (edge: Edge): Readonly<Record<string, object>> => ({
  'POST /v1/session': { key: edge.admin.text },
  'POST /v1/messages': { chat_id: 777, text: 'hi' },
  'POST /v1/messages/batch': { messages: [{ chat_id: 777, text: 'hi', idempotency_key: 'a' }] },
  'POST /v1/chats/:id/events': { type: 'order.shipped' },
  'POST /v1/console/chats/:id/read': { seq: 1 },
});

const pathOf = (url: string, key: string): string =>
  url
    .replace(/:(?!key)\w+/, (name) => ({ ':method': 'getMe', ':seq': '1', ':number': '1' })[name] ?? '777')
    .replace('*', 'x')
    .replace('bot:key', `bot${key}`);

/** The status of an answer, of which no more is read. */
function statusOf(agent: Agent, url: string, method: string, headers: Record<string, string>, body?: object) {
  return new Promise<number>((resolve, reject) => {
    const asked = request(url, { method, headers, agent }, (answer) => {
      if (answer.headers['content-length'] === undefined && method !== 'HEAD') answer.destroy();
      else answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('error', reject);
    asked.end(body && JSON.stringify(body));
  });
}

/**
 * `-`: no valid key. `x`: not with this key, or not from this site. `?`: the address does not take the method. `+`: let in,
 * whatever the answer is. To Bot API clients a refusal is a 400.
 */
function markOf(status: number, url: string): string {
  if (/bot:key/.test(url) && status === 400) return 'x';
  return { 401: '-', 403: 'x', 405: '?', 502: '+', 503: '+' }[status] ?? (status < 500 ? '+' : String(status));
}

/** The lines of the table without its head, with one space between two columns. */
const linesOf = (table: string): string[] =>
  table
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replace(/ +/g, ' '))
    .sort();

/** Methods that are tried by everybody. Another, as HEAD, is taken for what the address's last one is if nobody, an admin and another site find it so. */
const ACTING = ['GET', 'POST', 'DELETE'];
const PROBES = [0, 9, 12];

const WITH_BODY = ['POST', 'PUT', 'PATCH', 'QUERY'];

test('I7: every route lets in those that its line says, and there is no route without a line', async () => {
  const { edge, routes } = await startAll();
  const identities = identitiesOf(edge);
  const bodies = bodiesOf(edge);
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const statusFor = async ([method, url]: Route, { text, headers }: Identity) => {
    const hasBody = WITH_BODY.includes(method);
    const json = hasBody ? { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() } : {};
    const body = hasBody ? (bodies[`${method} ${url}`] ?? {}) : undefined;
    return statusOf(agent, edge.url + pathOf(url, text), method, { ...json, ...(await headers(url)) }, body);
  };
  const seen = new Map<string, string[]>();
  const marksOf = new Map<string, readonly string[]>();
  const [nobody] = identities;
  for (const route of routes) {
    // A method that an address does not take is refused before anybody is asked for a key.
    if (nobody === undefined || (await statusFor(route, nobody)) === 405) continue;
    const marksFor = (asked: readonly Identity[]) =>
      Promise.all(asked.map(async (identity) => markOf(await statusFor(route, identity), route[1])));
    const alike = ACTING.includes(route[0]) ? undefined : marksOf.get(route[1]);
    const probe = alike === undefined ? [] : await marksFor(PROBES.flatMap((n) => identities.slice(n, n + 1)));
    const isAlike = alike !== undefined && PROBES.every((n, i) => alike[n] === probe[i]);
    const marks = isAlike ? alike : await marksFor(identities);
    marksOf.set(route[1], marks);
    const line = `${route[1]} ${marks.join(' ')}`;
    seen.set(line, [...(seen.get(line) ?? []), route[0]]);
  }
  const lines = [...seen].map(([line, methods]) => `${line} ${[...new Set(methods)].sort().join(' ')}`);
  expect(lines.sort()).toEqual(linesOf(ROUTES));

  // Each route of the sources was there: none is served only by a setting that this test does not know.
  const written = readdirSync(SOURCES).flatMap((file) =>
    [...readFileSync(join(SOURCES, file), 'utf8').matchAll(/app\.(?:get|post|put|patch|delete)\(\s*'([^']+)'/g)].map(
      ([, url]) => url,
    ),
  );
  expect(written.length).toBeGreaterThan(40);
  expect(written.filter((url) => !routes.some(([, known]) => known === url))).toEqual([]);
});

test("the sandbox's port lets in programs on this machine, and no page of another site", async () => {
  const { sandbox } = await startStage();
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const callers = [
    {},
    { origin: 'https://other.example', 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { host: 'other.example' },
  ];
  const paths = [
    ['GET', '/bot1:sandbox/getMe'],
    ['POST', '/bot1:sandbox/sendMessage'],
    ['GET', '/file/bot1:sandbox/none'],
    ['GET', '/sandbox/bots/1:sandbox/chats/777'],
    ['POST', '/sandbox/bots/1:sandbox/chats/777/messages'],
    ['POST', '/sandbox/bots/1:sandbox/faults'],
    ['GET', '/sandbox/bots/1:sandbox/events'],
  ] as const;
  for (const [method, path] of paths) {
    const statuses: number[] = [];
    for (const headers of callers) statuses.push(await statusOf(agent, sandbox.url + path, method, headers));
    const [program, ...others] = statuses;
    expect(program, path).not.toBe(403);
    expect(others, path).toEqual([403, 403, 403]);
  }
});
