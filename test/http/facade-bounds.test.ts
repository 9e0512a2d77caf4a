import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { manualClock } from '../support/clock.ts';
import { type Edge, json, startEdge, until } from './edge.ts';

/** Files without end, and those of them that Telegram is still asked for. */
function endlessFiles() {
  const open = new Set<Readable>();
  const files = {
    async open(_path: string, signal: AbortSignal) {
      const stream = new Readable({ read: () => void stream.push(Buffer.alloc(64 * 1024)) });
      open.add(stream);
      stream.on('error', () => {});
      stream.on('close', () => open.delete(stream));
      signal.addEventListener('abort', () => stream.destroy());
      return { stream, length: null };
    },
  };
  return { open, files };
}

const BUSY = { ok: false, error_code: 429, parameters: { retry_after: limits.facadeBusyRetryMs / 1000 } };

/** Opens a download, of which nothing more than the beginning is taken. */
const download = (edge: Edge, key: string) => edge.get(`/telegram/file/bot${key}/documents/a`, {});

test('a key that takes none of its downloads holds some of them, is cut off, and leaves room for others all the while', async () => {
  const { open, files } = endlessFiles();
  const edge = await startEdge({ files, stuckMs: 3000 });
  const [greedy, other, third] = [edge.key('operator'), edge.key('operator'), edge.key('operator')];
  const held: Response[] = [];
  const fill = async (key: string) => {
    for (let n = 0; n < limits.facadeDownloadsPerKeyMax; n += 1) held.push(await download(edge, key));
  };
  await fill(greedy.text);
  expect(held.map(({ status }) => status)).toEqual(held.map(() => 200));
  expect(held[0]?.headers.get('x-content-type-options')).toBe('nosniff');
  const refused = await download(edge, greedy.text);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
  expect(await json(refused)).toMatchObject(BUSY);
  await fill(other.text);
  expect(open.size).toBe(limits.facadeDownloadsMax);
  expect(await json(await download(edge, third.text)), 'of all keys').toMatchObject(BUSY);
  await until(() => open.size === 0);
  expect((await download(edge, third.text)).status).toBe(200);
  for (const { body } of held) await expect(body?.pipeTo(new WritableStream())).rejects.toThrow();
});

test('the downloads of a key that ends end with it, those of others go on', async () => {
  const { open, files } = endlessFiles();
  const edge = await startEdge({ files });
  const [mine, other] = [edge.key('operator'), edge.key('operator')];
  const [cut, kept] = [await download(edge, mine.text), await download(edge, other.text)];
  edge.keyring.revoke(mine.id);
  await expect(cut.body?.pipeTo(new WritableStream())).rejects.toThrow();
  await until(() => open.size === 1);
  const reader = kept.body?.getReader();
  for (let n = 0; n < 100; n += 1) expect((await reader?.read())?.done).toBe(false);
  await reader?.cancel();
});

test('calls that Telegram does not answer are so many at most, of a key and of all, and their places are free again', async () => {
  const waiting: ((result: unknown) => void)[] = [];
  const api = { call: () => new Promise<unknown>((resolve) => waiting.push(resolve)) };
  const edge = await startEdge({ api });
  const [greedy, other, third] = [edge.key('operator'), edge.key('operator'), edge.key('operator')];
  const getMe = ({ text } = greedy) => edge.get(`/telegram/bot${text}/getMe`, {});
  const fill = (key: typeof greedy) => Array.from({ length: limits.facadeCallsPerKeyMax }, () => getMe(key));
  const asked = fill(greedy);
  await until(() => waiting.length === limits.facadeCallsPerKeyMax);
  const refused = await getMe();
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await json(refused)).toMatchObject(BUSY);
  asked.push(...fill(other));
  await until(() => waiting.length === limits.facadeCallsMax);
  expect(await json(await getMe(third)), 'of all keys').toMatchObject(BUSY);
  for (const answer of waiting.splice(0)) answer({ id: 1 });
  for (const answer of asked) expect(await json(await answer)).toEqual({ ok: true, result: { id: 1 } });
  const again = getMe();
  await until(() => waiting.length === 1);
  waiting[0]?.({ id: 1 });
  expect((await again).status).toBe(200);
});

test('a poll waits 50 s at most, whatever it asks for', async () => {
  const clock = manualClock();
  const edge = await startEdge({ clock });
  let answered = false;
  const poll = edge.get(`/telegram/bot${edge.admin.text}/getUpdates?timeout=100000`, {}).finally(() => {
    answered = true;
  });
  await until(() => edge.status.getSnapshot().context.operators.polling === 1);
  // Its cursor is stored first, and then it waits.
  while ((await edge.journal.cursor(edge.admin.id)) === null);
  await clock.advance(limits.facadePollTimeoutMaxS * 1000 - 1);
  expect(answered).toBe(false);
  await clock.advance(1);
  expect(await json(await poll)).toEqual({ ok: true, result: [] });
});
