import { expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { addReply } from '../../src/outbox/outbox.ts';
import { until } from '../ingress/support.ts';
import { newWorld, runOutbox } from './support.ts';

/** One message a second in all: the order of the calls is that of the turns. */
const SLOW = { overallPerS: 1, overallBurst: 3 };

async function slowOutbox() {
  const world = await newWorld();
  const running = runOutbox(world, { rates: SLOW });
  const post = (keyId: string, chat_id: number, text: string, more: object = {}) =>
    running.outbox.accept({ keyId, chats: null, idempotencyKey: `${keyId} ${text}`, body: { chat_id, text }, ...more });
  /** What was sent, in the order of the calls, once there are so many. */
  const sent = async (count: number): Promise<unknown[]> => {
    while (running.calls.length < count) await running.advance(limits.bulkEveryMs);
    return running.calls.map(({ params }) => params.text);
  };
  return { ...running, post, sent };
}

test('500 messages of one key, and a code of another: the code does not wait for them', async () => {
  const { outbox, post, sent, calls } = await slowOutbox();
  const body = (n: number) => ({ chat_id: (n % 8) + 1, text: `bulk ${n}`, delivery: { order: 'free' } });
  await outbox.acceptAll(
    Array.from({ length: 500 }, (_, n) => ({ keyId: 'bulk', chats: null, idempotencyKey: `${n}`, body: body(n) })),
  );
  await until(() => calls.length > 0);
  const before = calls.length;
  await post('codes', 9, 'code');
  expect((await sent(before + 2)).slice(before, before + 2)).toContain('code');
});

test("a chat's messages keep their order, whoever posted them", async () => {
  const { post, sent } = await slowOutbox();
  const texts = [];
  for (const [n, key] of ['a', 'a', 'a', 'b', 'a', 'c', 'b'].entries()) {
    texts.push(`${n}`);
    await post(key, 1, `${n}`);
  }
  expect(await sent(texts.length)).toEqual(texts);
});

test("calls by the Bot API are in their key's share, and what conversations say is a share of its own", async () => {
  const { post, sent, journal, calls } = await slowOutbox();
  for (let n = 1; n <= 8; n += 1) await post('library', n, `call ${n}`, { isReply: true });
  await until(() => calls.length > 0);
  const before = calls.length;
  await post('other', 9, 'call of another', { isReply: true });
  await journal.write(async (tx) =>
    addReply(tx, '1', { chat: '9', method: 'sendMessage', params: '{"chat_id":9,"text":"said"}' }),
  );
  const order = (await sent(before + 4)).slice(before, before + 4);
  expect(order).toContain('call of another');
  expect(order).toContain('said');
});
