import { expect, test } from 'vitest';
import { textUpdate } from '../support/updates.ts';
import { json, startEdge } from './edge.ts';

const PATHS = [
  '/v1/console/chats',
  '/v1/console/states',
  '/v1/console/chats/7/transcript',
  '/v1/console/search?q=hello',
  '/v1/console/entries/1',
  '/v1/console/overview',
];

async function stage() {
  const edge = await startEdge({ console: true });
  // Whoever has looked before something happens has it unread.
  await edge.get('/v1/console/chats');
  await edge.router.receiveUpdates([textUpdate(7, 'hello there'), textUpdate(8, 'hello from another')], 2);
  return edge;
}

test('keys that read may look, and no others; each address is described', async () => {
  const edge = await stage();
  const described = await (await edge.get('/openapi.json')).text();
  for (const path of PATHS) {
    expect((await edge.get(path, {})).status, path).toBe(401);
    expect((await edge.get(path, edge.key('aggregator').header)).status, path).toBe(403);
    for (const role of ['operator', 'backend', 'admin'] as const)
      expect((await edge.get(path, edge.key(role).header)).status, `${role} ${path}`).toBe(200);
  }
  for (const path of [
    '/v1/console/chats',
    '/v1/console/chats/{id}/transcript',
    '/v1/console/search',
    '/v1/console/entries/{seq}',
  ])
    expect(described).toContain(`"${path}"`);
});

test('where there is no console none of its addresses is there', async () => {
  const edge = await startEdge();
  for (const path of PATHS) expect((await edge.get(path)).status, path).toBe(404);
});

test('what is asked wrongly is refused by its field', async () => {
  const edge = await stage();
  for (const path of [
    '/v1/console/chats?limit=0',
    '/v1/console/chats?limit=1000',
    '/v1/console/chats?stat=quarantined',
    '/v1/console/chats?status=strange',
    '/v1/console/chats?id=no-chat',
    '/v1/console/chats/7/transcript?before=-1',
    '/v1/console/search',
    `/v1/console/search?q=${'x'.repeat(201)}`,
    '/v1/console/entries/none',
    '/v1/console/file',
  ])
    expect(await json(await edge.get(path)), path).toMatchObject({ status: 400, code: 'request_invalid' });
  expect((await edge.get('/v1/console/chats/nobody/transcript')).status).toBe(404);
  expect((await edge.get('/v1/console/entries/999')).status).toBe(404);
  expect((await edge.send('POST', '/v1/console/chats/7/read', { seq: 0 })).status).toBe(400);
  for (const q of ['"', '(', '*', 'NEAR(a b)', 'a OR', 'text:', '\u0000', "'; DROP TABLE words;--"])
    expect((await edge.get(`/v1/console/search?q=${encodeURIComponent(q)}`)).status, q).toBe(200);
});

test('a key for certain chats sees these alone, and is told of no other', async () => {
  const edge = await stage();
  const { header } = edge.key('operator', { chats: ['7'] });
  expect(await json(await edge.get('/v1/console/chats', header))).toMatchObject({ chats: [{ chat: '7' }], total: 1 });
  expect(await json(await edge.get('/v1/console/search?q=hello', header))).toMatchObject({ hits: [{ chat: '7' }] });
  for (const path of ['chats', 'chats/7/transcript', 'search?q=hello'])
    expect(await json(await edge.get(`/v1/console/${path}`, header)), path).toMatchObject({
      progress: { indexed: 100, entries: 100 },
    });
  expect(await json(await edge.get('/v1/console/overview', header))).toMatchObject({
    ...{ figures: null, readers: null, operators: null },
    parts: expect.not.arrayContaining([expect.objectContaining({ detail: expect.any(String) })]),
  });
  for (const path of ['chats?id=8', 'chats/8/transcript', 'chats/999/transcript', 'search?q=hello&chat=8'])
    expect((await edge.get(`/v1/console/${path}`, header)).status, path).toBe(403);
  const [others] = await edge.journal.read({ from: 1, limit: 1, chats: ['8'] });
  expect((await edge.get(`/v1/console/entries/${others?.seq}`)).status).toBe(200);
  expect((await edge.get(`/v1/console/entries/${others?.seq}`, header)).status).toBe(404);
  expect((await edge.send('POST', '/v1/console/chats/8/read', { seq: 1 }, header)).status).toBe(403);
});

test('each key has its own unread messages, and what it has read stays read', async () => {
  const edge = await stage();
  const unread = async (headers = edge.admin.header) => {
    const { chats } = Object(await json(await edge.get('/v1/console/chats', headers)));
    return Object.fromEntries(chats.map((row: { chat: string; unread: number }) => [row.chat, row.unread]));
  };
  expect(await unread()).toEqual({ 7: 1, 8: 1 });
  const late = edge.key('operator').header;
  expect(await unread(late)).toEqual({ 7: 0, 8: 0 });
  expect((await edge.send('POST', '/v1/console/chats/7/read', { seq: 999 })).status).toBe(204);
  await edge.router.receiveUpdates([textUpdate(8, 'once more')], 3);
  expect(await unread()).toEqual({ 7: 0, 8: 2 });
  expect(await unread(late)).toEqual({ 7: 0, 8: 1 });
  const { chats } = Object(await json(await edge.get('/v1/console/chats?unread=1')));
  expect(chats).toMatchObject([{ chat: '8' }]);
});

test('a page that is logged in writes, cancels and resolves; another site cannot', async () => {
  const edge = await stage();
  const { headers: cookie } = await edge.logIn();
  const from = (site: string, key: string) => ({ ...cookie, 'sec-fetch-site': site, 'idempotency-key': key });
  const post = (site: string, key: string) => {
    const send_at = new Date(edge.clock.now() + 60_000).toISOString();
    return edge.send('POST', '/v1/messages', { chat_id: 7, text: 'later', delivery: { send_at } }, from(site, key));
  };
  for (const site of ['cross-site', 'same-site']) {
    expect((await post(site, 'a')).status, site).toBe(403);
    expect((await edge.send('POST', '/v1/console/chats/7/read', { seq: 1 }, from(site, 'b'))).status).toBe(403);
    expect((await edge.send('POST', '/v1/chats/7/retry', undefined, from(site, 'c'))).status).toBe(403);
  }
  const origin = { ...cookie, origin: 'https://elsewhere.example', 'idempotency-key': 'd' };
  expect((await edge.send('POST', '/v1/messages', { chat_id: 7, text: 'hi' }, origin)).status).toBe(403);
  const accepted = await post('same-origin', 'a');
  expect(accepted.status).toBe(202);
  const { id } = Object(await json(accepted));
  const lines = async () => Object(await json(await edge.get('/v1/console/chats/7/transcript'))).lines.at(-1);
  expect(await lines()).toMatchObject({ side: 'out', text: 'later', message: { id, status: 'scheduled', own: true } });
  expect((await edge.send('DELETE', `/v1/messages/${id}`, undefined, from('cross-site', 'e'))).status).toBe(403);
  expect((await edge.send('DELETE', `/v1/messages/${id}`, undefined, from('same-origin', 'e'))).status).toBe(200);
  expect(await lines()).toMatchObject({ message: { status: 'canceled' } });
});

test("only admins, and the key that posted it, are told that they may decide a message's fate", async () => {
  const edge = await stage();
  const backend = edge.key('backend');
  await edge.send('POST', '/v1/messages', { chat_id: 7, text: 'mine' }, { ...backend.header, 'idempotency-key': 'x' });
  const own = async (header: Record<string, string>) =>
    Object(await json(await edge.get('/v1/console/chats/7/transcript', header))).lines.at(-1).message.own;
  expect(await own(backend.header)).toBe(true);
  expect(await own(edge.admin.header)).toBe(true);
  expect(await own(edge.key('backend').header)).toBe(false);
});

test('a file that cannot be had is a 404, and says nothing of how it was asked for', async () => {
  const edge = await stage();
  const answer = await edge.get('/v1/console/file?file_id=AgACAgQAAx0');
  expect(answer.status).toBe(404);
  expect(await answer.text()).not.toContain('bot');
});
