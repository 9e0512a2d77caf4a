import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EventSource } from 'eventsource';
import { expect, onTestFinished, test } from 'vitest';
import type { Json } from '../sandbox/start.ts';
import { temporaryFolder } from '../support/journal.ts';
import { freePort } from '../system/ports.ts';
import { createPulse } from '../system/pulse.ts';
import { createKey, run, startServer } from './support.ts';

test('a key revoked by the command line loses its stream and its poll while the server runs; others keep theirs', async () => {
  const { env, url } = await startServer();
  const [mine, other] = [await createKey(env, 'operator'), await createKey(env, 'operator')];
  const open = (key: string) => fetch(`${url}/v1/events`, { headers: { authorization: `Bearer ${key}` } });
  const [stream, others] = [await open(mine.key), await open(other.key)];
  const ended = (async () => {
    for await (const _ of stream.body ?? []);
  })();
  const polled = fetch(`${url}/telegram/bot${mine.key}/getUpdates?timeout=50`);
  const revoking = run(['keys', 'revoke', mine.id], env);
  await ended;
  // A poll that had waited to its own end would be answered with 200.
  expect((await polled).status).toBe(401);
  expect((await revoking.ended).code).toBe(0);
  expect((await open(mine.key)).status).toBe(401);
  const reader = others.body?.getReader();
  expect((await reader?.read())?.done).toBe(false);
});

test('EventSource and curl -N resume by themselves and by header where a killed server left them', async () => {
  const port = String(await freePort());
  const env = {
    SWITCHBOARD_DATA: join(temporaryFolder(), 'data'),
    SWITCHBOARD_PORT: port,
    SWITCHBOARD_SANDBOX_PORT: '0',
  };
  const { key } = await createKey(env, 'operator');
  const authorization = `Bearer ${key}`;
  const url = `http://127.0.0.1:${port}/v1/events?type=update.received`;
  const pulse = createPulse();
  const seen: string[] = [];
  const curled: string[] = [];
  const say = (sandboxUrl: string, text: string) =>
    fetch(`${sandboxUrl}/sandbox/bots/1:sandbox/chats/777/messages`, {
      method: 'POST',
      body: JSON.stringify({ text }),
    });
  const curl = (...headers: string[]) => {
    const lines = [`Authorization: ${authorization}`, ...headers].flatMap((header) => ['-H', header]);
    const child = spawn('curl', ['-sN', `${url}&from=earliest`, ...lines], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      curled.push(text);
      pulse.beat();
    });
    return child;
  };
  const heard = (texts: readonly string[]) =>
    pulse.until(
      () => seen.length >= texts.length && texts.every((t) => curled.join('').includes(`"text":"${t}"`)),
      `${texts}`,
    );

  const first = await startServer(env);
  const source = new EventSource(`${url}&from=earliest`, {
    fetch: (address, init) => fetch(address, { ...init, headers: { ...init.headers, authorization } }),
  });
  onTestFinished(() => source.close());
  source.addEventListener('update.received', ({ data }) => {
    seen.push(JSON.parse(data).update.message.text);
    pulse.beat();
  });
  const reader = curl();
  await say(first.sandboxUrl, 'one');
  await say(first.sandboxUrl, 'two');
  await heard(['one', 'two']);
  const left = once(reader, 'close');
  first.child.kill('SIGKILL');
  await left;

  const second = await startServer(env);
  const lastId = [...curled.join('').matchAll(/^id: (.*)$/gm)].at(-1)?.[1];
  const before = curled.splice(0).join('');
  curl(`Last-Event-ID: ${lastId}`);
  await say(second.sandboxUrl, 'three');
  await heard(['three']);
  await pulse.until(() => seen.length === 3, 'the EventSource to come back');
  expect(seen).toEqual(['one', 'two', 'three']);
  expect((before + curled.join('')).match(/"text":"\w+"/g)).toEqual(['"text":"one"', '"text":"two"', '"text":"three"']);
});

test('readers of a backup that was restored are told that the journal is another, and miss nothing', async () => {
  const first = await startServer();
  const { key } = await createKey(first.env, 'operator');
  const poll = async (url: string, id: string): Promise<Json> => {
    const headers = { authorization: `Bearer ${key}` };
    const place = id === '' ? 'from=earliest' : `last_event_id=${id}`;
    return (await fetch(`${url}/v1/events?poll=1&type=update.received&${place}`, { headers })).json();
  };
  const say = async (server: typeof first, id: string, ...texts: string[]) => {
    const chat = `${server.sandboxUrl}/sandbox/bots/1:sandbox/chats/777/messages`;
    for (const text of texts) await fetch(chat, { method: 'POST', body: JSON.stringify({ text }) });
    for (let heard: string[] = []; ; ) {
      const page = await poll(server.url, id);
      heard = page.events.map(({ update }: Json) => update.message.text);
      if (heard.at(-1) === texts.at(-1)) return { ...page, heard };
    }
  };
  await say(first, '', 'kept');
  const folder = join(temporaryFolder(), 'data');
  mkdirSync(folder);
  const db = new DatabaseSync(join(String(first.env.SWITCHBOARD_DATA), 'switchboard.db'));
  db.exec(`VACUUM INTO '${join(folder, 'switchboard.db')}'`);
  db.close();
  const lost = await say(first, '', 'lost', 'lost too');
  first.child.kill('SIGTERM');
  await first.ended;

  const second = await startServer({ ...first.env, SWITCHBOARD_DATA: folder });
  const after = await say(second, lost.last_event_id, 'new', 'newer', 'newest');
  expect(after).toMatchObject({ reset: true, heard: ['kept', 'new', 'newer', 'newest'] });
  expect(second.stdout()).toContain('"event":"stream_renamed"');
});
