import { expect, test } from 'vitest';
import { percentile } from '../bench/bench.ts';
import { createRandom } from './random.ts';
import { setStage } from './stage.ts';

const BATCHES = 100;
const CLIENTS = 8;
const LIVE_CHATS = 200;
const WRITES_EVERY_MS = 50;
/** Replies that a figure is taken of. */
const REPLIES = 40;
/** On a machine that is slow, or busy with other tests, what has been posted by then is broadcast enough. */
const POSTING_MAX_MS = 7000;
/** A reply that went in one line with the posts would wait for all that the clients have under way, once for each of its commits. */
const POSTS_WAITED_FOR_MAX = 3000;
/** Posts that wait may cost a reply so many times what it takes without any; one that waited behind them would cost it hours. */
const SLOWDOWN_MAX = 10;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const told = (ms: readonly number[]) =>
  `${ms.length} replies, p50 ${percentile(ms, 0.5)} ms, p99 ${percentile(ms, 0.99)} ms, max ${Math.max(...ms)} ms`;

/** From a user's writing to the call that answers it: through a poll, two commits on the disk, and the pace that is shipped. */
test('a broadcast that is posted by the thousand, and then waits, holds up neither replies nor what is said to buttons', async () => {
  const asked = new Map<string, number>();
  let waits: number[] = [];
  const stage = await setStage(
    {
      at(moment, body) {
        const text = moment === 'call' ? String(JSON.parse(body ?? '').text).replace(/^\d+ /, '') : '';
        const at = asked.get(text);
        if (at !== undefined) waits.push(performance.now() - at);
        asked.delete(text);
        return true;
      },
      onUpdates: () => {},
    },
    createRandom(1).next,
    'as-shipped',
  );
  await stage.startLife();

  let writing = true;
  const users = (async () => {
    for (let n = 0; writing; n += 1) {
      const text = `question ${n}`;
      asked.set(text, performance.now());
      await stage.control(`chats/${1001 + (n % LIVE_CHATS)}/messages`, { text });
      await sleep(WRITES_EVERY_MS);
    }
  })();
  await expect.poll(() => waits.length).toBeGreaterThanOrEqual(REPLIES);
  const alone = waits;
  waits = [];

  const headers = { authorization: `Bearer ${stage.writerKey}`, 'content-type': 'application/json' };
  const post = (path: string, body: object, more = {}) =>
    fetch(stage.url + path, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(body) });
  const begunAt = performance.now();
  let next = 0;
  const client = async () => {
    while (next < BATCHES && performance.now() - begunAt < POSTING_MAX_MS) {
      const n = next++;
      const messages = Array.from({ length: 1000 }, (_, k) => ({
        ...{
          chat_id: 1_000_000 + n * 1000 + k,
          idempotency_key: `${n}-${k}`,
          text: 'News of the shop, for everybody.',
        },
      }));
      expect((await post('/v1/messages/batch', { messages })).status).toBe(200);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const tookMs = performance.now() - begunAt;
  const posting = waits;
  waits = [];

  const facade = (method: string, params: object) => post(`/telegram/bot${stage.writerKey}/${method}`, params);
  const reply = await facade('sendMessage', { chat_id: 1001, text: 'by the façade' });
  expect(reply.status).toBe(200);
  const { result } = JSON.parse(await reply.text());
  const edit = { method: 'editMessageText', chat_id: 1001, message_id: result.message_id, text: 'edited' };
  const accepted = JSON.parse(await (await post('/v1/messages', edit, { 'idempotency-key': 'edit' })).text());
  const edited = await fetch(`${stage.url}/v1/messages/${accepted.id}?wait=50`, { headers });
  expect(JSON.parse(await edited.text())).toMatchObject({ status: 'sent' });
  // There is no such query: Telegram has said so.
  expect((await facade('answerCallbackQuery', { callback_query_id: 'none' })).status).toBe(400);
  await expect.poll(() => waits.length).toBeGreaterThanOrEqual(REPLIES);
  writing = false;
  await users;

  const boundMs = (POSTS_WAITED_FOR_MAX / (next * 1000)) * tookMs;
  console.log(`alone: ${told(alone)}`);
  console.log(
    `${next * 1000} messages posted in ${tookMs} ms beside ${told(posting)}; p50 may be ${Math.round(boundMs)} ms`,
  );
  console.log(`while they wait: ${told(waits)}`);
  expect(percentile(posting, 0.5)).toBeLessThan(boundMs);
  expect(percentile(waits, 0.5)).toBeLessThan(SLOWDOWN_MAX * Math.max(20, percentile(alone, 0.5)));
});
