import { expect, test } from 'vitest';
import type { Json } from '../sandbox/start.ts';
import { ask, type Reader, readEvents, serveBot } from './client.ts';

/** Puts an update in the bot's queue, byte for byte. */
const inject = (sandboxUrl: string, token: string, update: string): Promise<Json> =>
  fetch(`${sandboxUrl}/sandbox/bots/${token}/updates`, { method: 'POST', body: update }).then((r) => r.json());

const idsIn = (reader: Reader): number[] =>
  reader.entries
    .map((data) => JSON.parse(data))
    .filter(({ type }) => type === 'update.received')
    .map(({ update }) => update.update_id);

const MALFORMED = [
  '{"ok":true,"result":[{"update_id":',
  '<html>502</html>',
  '',
  'null',
  '{"result":[]}',
  '{"ok":true,"result":{"update_id":2000000000}}',
  '{"ok":true,"result":[{"update_id":2000000000,"message":{}},{"message":{}}]}',
  '{"ok":true,"result":[{"update_id":"2000000000"}]}',
  '{"ok":true,"result":[null]}',
];

test('a malformed answer of getUpdates: logged, nothing of it confirmed, and then it goes on', async () => {
  const { server, url, key, control, write } = await serveBot();
  const reader = await readEvents(url, key);
  const ids: number[] = [];
  for (const [i, body] of MALFORMED.entries()) {
    await control('faults', { method: 'getUpdates', kind: 'malformed', body });
    // Ends the poll that waits; the next one is spoilt, and what comes meanwhile waits.
    for (const text of [`before ${i}`, `meanwhile ${i}`]) ids.push((await write(i + 1, text)).update_id);
    await reader.first((data) => data.includes(`"text":"meanwhile ${i}"`));
    expect((await control('faults')).faults, body).toEqual([]);
  }
  expect(idsIn(reader)).toEqual(ids);
  expect(server.stdout().match(/"event":"poll_failed","kind":"retry"/g)).toHaveLength(MALFORMED.length);
});

test('answers that stay malformed: tries further and further apart, /readyz says why', async () => {
  const { server, url, key, control, write, untilPolling } = await serveBot();
  const reader = await readEvents(url, key);
  await control('faults', { method: 'getUpdates', kind: 'malformed', times: 3 });
  await write(7, 'hello');
  await server.logged('poll_failed');
  const { status, body } = await ask(url, key, 'GET', '/readyz');
  expect([status, JSON.stringify(body)]).toEqual([
    200,
    expect.stringContaining('"state":"degraded","detail":"No answer from Telegram to getUpdates'),
  ]);
  await untilPolling();
  await reader.first((data) => data.includes('"text":"hello"'));
  const failed = server
    .stdout()
    .split('\n')
    .filter((line) => line.includes('"poll_failed"'))
    .map((line) => JSON.parse(line));
  expect(failed.map(({ failures }) => failures)).toEqual([1, 2, 3]);
  expect((await ask(url, key, 'GET', '/readyz')).body.parts.ingress).toEqual({ state: 'up', detail: null });
});

test('an update of a kind nobody knows is journalled and streamed untouched, in its chat', async () => {
  const { sandbox, token, url, key } = await serveBot();
  const reader = await readEvents(url, key, '&chat=7');
  const kind = {
    chat: { id: 7, type: 'private' },
    ...{ z: [null, true, -1.5, 1e21, {}, []], a: { nested: { deeper: ['é\u{1f600}\u2028\u0000"\\/'] } }, '': '' },
    text: 'data: x\n\nevent: y\r\nid: z',
  };
  for (const id of [41, 42]) {
    const update = JSON.stringify({ update_id: id, brand_new_kind: kind, another_new_field: id });
    await inject(sandbox.url, token, update);
    const data = await reader.first((entry) => entry.includes(`"update_id":${id}`));
    expect(data).toContain(`"update":${update}`);
    expect(JSON.parse(data)).toMatchObject({ type: 'update.received', chat: '7' });
  }
});

test('one that belongs to no chat, and one that is empty: journalled and streamed without a chat', async () => {
  const { sandbox, token, url, key } = await serveBot();
  const reader = await readEvents(url, key);
  for (const update of ['{"update_id":51,"brand_new_kind":"just a text"}', '{"update_id":52}']) {
    await inject(sandbox.url, token, update);
    const data = await reader.first((entry) => entry.includes(update));
    expect(JSON.parse(data)).toMatchObject({ chat: null, update: JSON.parse(update) });
  }
});

test('an update of 300 KB comes whole through to the stream, and the next one after it', async () => {
  const { sandbox, token, write, url, key } = await serveBot();
  const reader = await readEvents(url, key);
  const text = 'x1é\u{1f600}'.repeat(40_000);
  const people = { from: { id: 7, is_bot: false, first_name: 'Ann' }, chat: { id: 7, type: 'private' } };
  // Longer than a user's text may be: the sandbox takes it as an update of any kind.
  await inject(
    sandbox.url,
    token,
    JSON.stringify({ update_id: 61, message: { message_id: 1, date: 0, ...people, text } }),
  );
  const data = await reader.first((entry) => entry.includes('update.received'));
  expect(data.length).toBeGreaterThan(200_000);
  expect(Buffer.byteLength(data)).toBeGreaterThan(300_000);
  expect(JSON.parse(data).update.message.text).toBe(text);
  await write(7, 'small again');
  await reader.first((entry) => entry.includes('small again'));
});
