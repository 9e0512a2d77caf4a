import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { EventsRefused, events } from '../../src/client/client.ts';
import { createKey, freeEnv, run, startServer } from '../cli/support.ts';

const ENTRIES = 60;
/** In the middle of the journal, on pages of its own: none that a start reads. */
const DAMAGED = 20;

const markOf = (n: number): string => `mark-${n}-`;

/** A server with events in its journal, all of them in the database file. */
async function served() {
  const { env, url } = await startServer();
  const { key } = await createKey(env, 'backend');
  const headers = { authorization: `Bearer ${key}` };
  for (let n = 1; n <= ENTRIES; n += 1) {
    const event = { type: 'test.event', text: markOf(n).repeat(1500) };
    const response = await fetch(`${url}/v1/chats/777/events`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': `${n}` },
      body: JSON.stringify(event),
    });
    expect(response.status).toBe(202);
  }
  const file = join(env.SWITCHBOARD_DATA ?? '', 'switchboard.db');
  const other = new DatabaseSync(file, { timeout: 20_000 });
  onTestFinished(() => other.close());
  other.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  return { env, url, key, headers, file };
}

/** Writes into the middle of an entry's text, in the file itself: what a disk or a program does that it should not. */
function damage(file: string, n: number, bytes: Buffer): void {
  const at = readFileSync(file).indexOf(markOf(n).repeat(20));
  expect(at).toBeGreaterThan(0);
  const fd = openSync(file, 'r+');
  writeSync(fd, bytes, 0, bytes.length, at + 100);
  closeSync(fd);
}

/** Overwrites the page on which an entry's row begins. */
function damagePage(file: string, n: number): void {
  const at = readFileSync(file).indexOf(markOf(n).repeat(20));
  expect(at).toBeGreaterThan(0);
  const fd = openSync(file, 'r+');
  writeSync(fd, Buffer.alloc(4096, 0xee), 0, 4096, Math.floor(at / 4096) * 4096);
  closeSync(fd);
}

const wounds: Readonly<Record<string, (file: string) => void>> = {
  'a body that is no JSON any more': (file) => damage(file, DAMAGED, Buffer.from('"\n\ndata: {"')),
  'a page that is none any more': (file) => damagePage(file, DAMAGED),
};

test.each(Object.entries(wounds))(
  '%s: it is told, and never passed on',
  async (_, wound) => {
    const { env, url, key, headers, file } = await served();
    wound(file);

    const stream = await fetch(`${url}/v1/events?from=earliest`, { headers });
    const text = await stream.text();
    expect(text.slice(-400)).toMatch(
      /event: stream\.error\ndata: \{"type":"stream\.error","code":"data_damaged",[^\n]*\}\n\n$/,
    );
    expect(text.includes(markOf(DAMAGED + 1))).toBe(false);

    const got: number[] = [];
    const reading = (async () => {
      for await (const event of events({ url, key, after: 'earliest' })) if ('seq' in event) got.push(event.seq);
    })();
    await expect(reading).rejects.toThrow(EventsRefused);
    await expect(reading).rejects.toMatchObject({ code: 'data_damaged' });
    expect(got).toEqual(Array.from(got, (_, i) => i + 1));

    const poll = await fetch(`${url}/v1/events?poll=1&from=earliest&limit=1000`, { headers });
    expect([poll.status, await poll.json()]).toMatchObject([500, { code: 'data_damaged' }]);

    expect((await fetch(`${url}/v1/events?poll=1&from=earliest&limit=5`, { headers })).status).toBe(200);

    const ready = await fetch(`${url}/readyz`, { headers });
    expect([ready.status, await ready.json()]).toMatchObject([
      200,
      { parts: { data: { state: 'degraded', detail: expect.stringContaining('restore a backup') } } },
    ]);
    expect((await run(['doctor'], env).ended).code).toBe(wound === wounds['a page that is none any more'] ? 1 : 0);
  },
  600_000,
);

test('getUpdates answers with an error where an update is damaged', async () => {
  const { env, url, sandboxUrl } = await startServer();
  const { key } = await createKey(env, 'operator');
  const call = () => fetch(`${url}/telegram/bot${key}/getUpdates?timeout=20`).then((response) => response.json());
  const say = (text: string) =>
    fetch(`${sandboxUrl}/sandbox/bots/1:sandbox/chats/777/messages`, {
      method: 'POST',
      body: JSON.stringify({ text, from: { id: 777, first_name: 'Ann' } }),
    });
  const live = await fetch(`${url}/v1/events?type=update.received`, { headers: { authorization: `Bearer ${key}` } });
  await say(markOf(1).repeat(400));
  for await (const chunk of live.body ?? []) if (Buffer.from(chunk).includes(markOf(1))) break;
  const file = join(env.SWITCHBOARD_DATA ?? '', 'switchboard.db');
  const other = new DatabaseSync(file, { timeout: 20_000 });
  onTestFinished(() => other.close());
  other.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  damage(file, 1, Buffer.from('", "'));
  expect(await call()).toMatchObject({ ok: false, error_code: 500, description: expect.stringContaining('damaged') });
}, 600_000);

test('doctor without a database to look at', async () => {
  expect((await run(['doctor'], freeEnv()).ended).stdout).toContain('skip damage   there is no database to look at');
}, 600_000);
