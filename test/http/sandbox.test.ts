import { expect, test } from 'vitest';
import type { Playground } from '../../src/sandbox/sandbox.ts';
import { start } from '../sandbox/start.ts';
import { statusOf } from '../support/ask.ts';
import { textUpdate } from '../support/updates.ts';
import { json, startEdge, until } from './edge.ts';

const PATHS = ['/v1/sandbox', '/v1/sandbox/feed', '/v1/sandbox/chats/7', '/v1/sandbox/chats/7/entries?since=0'];

/** The edge before a sandbox's bot, and short ways to use it. */
async function startPlayground() {
  const { sandbox, token, ...bot } = await start();
  const playground = sandbox.playground(token) as Playground;
  const edge = await startEdge({ playground });
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    edge.send('POST', `/v1/sandbox/${path}`, body, { authorization: '', ...headers });
  return { ...bot, sandbox, token, playground, edge, post, read: (path: string) => edge.get(path, {}) };
}

test('with a real bot none of its addresses is there', async () => {
  const edge = await startEdge();
  for (const path of [...PATHS, '/sandbox']) expect((await edge.get(path)).status, path).toBe(404);
  expect((await edge.send('POST', '/v1/sandbox/offline', { offline: true })).status).toBe(404);
  expect(await (await edge.get('/openapi.json')).text()).not.toContain('/v1/sandbox');
});

test('a browser may come from this page alone: not from another site, nor by a name that leads here', async () => {
  const { edge } = await startPlayground();
  const { host } = new URL(edge.url);
  const own = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };
  const places = [...PATHS.map((path) => ['GET', path] as const), ['POST', '/v1/sandbox/control/users'] as const];
  for (const [method, path] of places) {
    const asked = (headers: Record<string, string>) =>
      statusOf(edge.url + path, method, { ...own, ...headers }, method === 'POST' ? '{}' : undefined);
    expect(await asked({ 'sec-fetch-site': 'cross-site' }), path).toBe(403);
    expect(await asked({ 'sec-fetch-site': 'same-site' }), path).toBe(403);
    // Rebinding: the browser takes a name of somebody else for our origin.
    expect(await asked({ host: host.replace('127.0.0.1', 'evil.example') }), path).toBe(403);
    expect(await asked({ host: host.replace('127.0.0.1', '127.0.0.1.evil.example') }), path).toBe(403);
    expect(await asked({ host: host.replace('127.0.0.1', 'localhost') }), path).toBe(method === 'GET' ? 200 : 400);
  }
  const old = { origin: 'http://evil.example', 'content-type': 'application/json' };
  expect(await statusOf(`${edge.url}/v1/sandbox/control/faults`, 'POST', old, '{}')).toBe(403);
});

test('one bot alone is reached, and of it only what its users do', async () => {
  const { post, edge, playground } = await startPlayground();
  for (const path of [
    'revoke',
    'limits',
    'settings',
    'updates',
    'update-ids',
    'chats/7/migrate',
    '../bots/2:x/faults',
    '',
  ])
    expect((await post(`control/${path}`, {})).status, path).toBe(404);
  expect((await edge.send('DELETE', '/v1/sandbox/control/faults', undefined)).status).toBe(200);
  expect(playground.overview().chats).toEqual([]);
});

test('a user writes, is listed, and what Switchboard did in the chat is told from that time on', async () => {
  const { edge, post, read } = await startPlayground();
  await edge.append('7');
  await edge.append('8');
  const ada = { id: 7, first_name: 'Ada' };
  expect(await json(await read('/v1/sandbox/chats/7'))).toEqual({ chat: null, messages: [] });
  expect((await post('control/users', ada)).status).toBe(200);
  expect(await json(await read('/v1/sandbox'))).toMatchObject({ users: [ada], chats: [] });
  expect((await post('control/chats/7/messages', { text: 'hello', from: ada })).status).toBe(200);
  expect(await json(await read('/v1/sandbox'))).toMatchObject({
    ...{ users: [ada], offline: false, faults: [] },
    chats: [{ id: 7, type: 'private', closed_to_bot: null, last: { text: 'hello' } }],
  });
  expect(await json(await read('/v1/sandbox/chats/7'))).toMatchObject({
    chat: { id: 7, last: { text: 'hello' } },
    messages: [{ text: 'hello', from: ada }],
  });

  const stream = await read('/v1/sandbox/chats/7/entries?since=0');
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  let told = '';
  const tells = async (words: string): Promise<void> => {
    while (!told.includes(words)) told += (await reader?.read())?.value ?? '';
  };
  await tells('"seq":1');
  await edge.router.receiveUpdates([textUpdate(8, 'not for 7'), textUpdate(7, 'for 7')], 9);
  await tells('for 7');
  expect(told).not.toContain('not for 7');
  expect(told).not.toContain('"chat":"8"');
  await reader?.cancel();

  // Of a time to come there is nothing yet, and one that comes back goes on where it was.
  const later = await read(`/v1/sandbox/chats/7/entries?since=${2 ** 42}`);
  const resumed = await edge.get('/v1/sandbox/chats/7/entries?since=0', {
    'last-event-id': `${edge.journal.stream}.1`,
  });
  const first = await resumed.body?.pipeThrough(new TextDecoderStream()).getReader().read();
  expect(first?.value).toContain('.1\n');
  expect(first?.value).not.toContain('"seq":1,');
  await later.body?.cancel();
});

test('the feed tells both ways, and ends with the server at once', async () => {
  const { edge, bot, post, read } = await startPlayground();
  const feed = await read('/v1/sandbox/feed');
  expect(feed.headers.get('content-type')).toContain('text/event-stream');
  let told = '';
  let isOver = false;
  const reading = (async () => {
    for await (const chunk of feed.body?.pipeThrough(new TextDecoderStream()) ?? []) told += chunk;
    isOver = true;
  })();
  await post('control/chats/7/messages', { text: 'hello', from: { id: 7, first_name: 'Ada' } });
  await bot('sendMessage', { chat_id: 7, text: 'good day' });
  await post('control/faults', { method: 'sendMessage', kind: 'error' });
  await bot('sendMessage', { chat_id: 7, text: 'lost' });
  await until(() => (told.match(/^event: trouble$/gm) ?? []).length === 2);
  expect(told).toMatch(
    /event: message\n.*hello[\s\S]*event: message\n.*good day[\s\S]*"kind":"error"[\s\S]*"faults":\[\]/,
  );
  await edge.server.close();
  await reading;
  expect(isOver).toBe(true);
});

test('a picture is shown as what it is; any other file is only kept, and never runs as a page of ours', async () => {
  const { post, read } = await startPlayground();
  const from = { id: 7, first_name: 'Ada' };
  const gif = Buffer.from('R0lGODlhAQABAAAAACwAAAAAAQABAAA=', 'base64');
  const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
  await post('control/chats/7/messages', {
    photo: { base64: base64(gif), file_name: 'x.html', mime_type: 'text/html' },
    from,
  });
  const page = '<script>alert(1)</script>';
  await post('control/chats/7/messages', {
    document: { base64: base64(page), file_name: 'x".html', mime_type: 'text/html' },
    from,
  });
  const { messages } = Object(await json(await read('/v1/sandbox/chats/7')));
  const picture = await read(`/v1/sandbox/files/${messages[0].photo[0].file_id}`);
  expect(picture.headers.get('content-type')).toBe('image/gif');
  expect(Buffer.from(await picture.arrayBuffer())).toEqual(gif);
  const kept = await read(`/v1/sandbox/files/${messages[1].document.file_id}`);
  expect(await kept.text()).toBe(page);
  expect(Object.fromEntries(kept.headers)).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-disposition': "attachment; filename*=UTF-8''x%22.html",
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
  });
  expect((await read('/v1/sandbox/files/none')).status).toBe(404);
});

test('offline nobody reaches the Bot API, while the page goes on; then everybody does again, at the same port', async () => {
  const { post, read, sandbox, token, playground, bot, untilPolling } = await startPlayground();
  const poll = fetch(`${sandbox.url}/bot${token}/getUpdates?timeout=50`);
  const cut = expect(poll).rejects.toThrow();
  await untilPolling();
  expect(await json(await post('offline', { offline: true }))).toEqual({ offline: true });
  await cut;
  await expect(fetch(`${sandbox.url}/bot${token}/getMe`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  await post('control/chats/7/messages', { text: 'is anybody there?', from: { id: 7, first_name: 'Ada' } });
  expect(await json(await read('/v1/sandbox'))).toMatchObject({ offline: true });
  await Promise.all([playground.setOffline(false), playground.setOffline(false)]);
  expect(Object(await bot('getUpdates')).result).toMatchObject([{ message: { text: 'is anybody there?' } }]);
  expect(await json(await read('/v1/sandbox'))).toMatchObject({ offline: false });
  // It also ends while it is offline.
  await post('offline', { offline: true });
  await sandbox.close();
});
