import { expect, test } from 'vitest';
import type { Json } from '../sandbox/start.ts';
import { startFacade } from './facade-stage.ts';

let posts = 0;
/** Posts to /v1/messages; gives the status and the body. */
async function post(url: string, key: string, body: object): Promise<[number, Json]> {
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    'idempotency-key': `k${++posts}`,
  };
  const response = await fetch(`${url}/v1/messages`, { method: 'POST', headers, body: JSON.stringify(body) });
  return [response.status, await response.json()];
}

test('a key that may not read gets nothing of what others wrote out of its answers', async () => {
  const { telegram, key, call, url } = await startFacade();
  const { message_id } = await telegram.write(777, 'my number is +49 30 123456');
  const [aggregator, backend] = [key('aggregator'), key('backend')];
  const reply = { chat_id: 777, text: 'thank you', reply_parameters: { message_id } };
  const seen = await call(backend, 'sendMessage', reply);
  expect(seen.result.reply_to_message.text, 'who may read sees it').toContain('+49');
  const answer = await call(aggregator, 'sendMessage', reply);
  expect(answer.result).toEqual({
    message_id: expect.any(Number),
    date: expect.any(Number),
    from: expect.objectContaining({ is_bot: true }),
    chat: { id: 777, type: 'private' },
    text: 'thank you',
  });
  expect(
    (await call(aggregator, 'sendMessage', { ...reply, reply_parameters: undefined, reply_to_message_id: message_id }))
      .result,
  ).toEqual(expect.not.objectContaining({ reply_to_message: expect.anything() }));

  const from = { chat_id: 777, from_chat_id: 777, message_id };
  const quote = { ...reply, reply_parameters: { message_id, quote: '+4' } };
  // Whoever reads the other chat would be shown the message.
  const elsewhere = { ...reply, chat_id: 888, reply_parameters: { message_id, chat_id: 777 } };
  for (const [method, params] of [
    ['forwardMessage', from],
    ['copyMessage', from],
    ['sendMessage', quote],
    ['sendMessage', elsewhere],
    ['sendMessage', { ...elsewhere, reply_parameters: JSON.stringify(elsewhere.reply_parameters) }],
  ] as const) {
    const refusal = { ok: false, error_code: 400, description: expect.stringContaining('This key may') };
    if (method !== 'sendMessage') refusal.description = expect.stringContaining('a key that may read');
    expect(await call(aggregator, method, params)).toEqual(refusal);
    expect(await post(url, aggregator, { method, ...params })).toEqual([
      403,
      expect.objectContaining({ code: 'scope_missing' }),
    ]);
  }
  expect((await call(backend, 'forwardMessage', from)).ok, 'who may read forwards').toBe(true);
});

test('a key that may not read changes and deletes what it sent itself, and nothing else', async () => {
  const { telegram, key, call, url, apiRoot } = await startFacade();
  const written = await telegram.write(777, 'hi');
  const [aggregator, other, backend] = [key('aggregator'), key('aggregator'), key('backend')];
  const send = async (by: string): Promise<number> =>
    (await call(by, 'sendMessage', { chat_id: 777, text: 'a' })).result.message_id;
  const own = await send(aggregator);
  const edit = (message_id: number) => ({ chat_id: 777, message_id, text: 'b' });
  for (const message_id of [written.message_id, await send(other), await send(backend), 4711]) {
    const refusal = { ok: false, error_code: 400, description: expect.stringContaining('only messages that it sent') };
    expect(await call(aggregator, 'editMessageText', edit(message_id))).toEqual(refusal);
    expect(await call(aggregator, 'deleteMessage', { chat_id: 777, message_id })).toEqual(refusal);
    const refused = await post(url, aggregator, { method: 'deleteMessage', chat_id: 777, message_id });
    expect(refused).toEqual([403, expect.objectContaining({ code: 'scope_missing' })]);
  }
  expect((await call(aggregator, 'editMessageText', edit(own))).result.text).toBe('b');
  const quote = { message_id: own, quote: 'b' };
  expect((await call(aggregator, 'sendMessage', { chat_id: 777, text: 'c', reply_parameters: quote })).ok).toBe(true);
  expect((await call(aggregator, 'deleteMessage', { chat_id: 777, message_id: own })).ok).toBe(true);

  // Each item of an album has an id of its own.
  const form = new FormData();
  form.set('chat_id', '777');
  form.set('media', JSON.stringify(['a', 'b'].map((part) => ({ type: 'document', media: `attach://${part}` }))));
  for (const part of ['a', 'b']) form.set(part, new File([part], `${part}.txt`));
  const sent = await fetch(`${apiRoot}/bot${aggregator}/sendMediaGroup`, { method: 'POST', body: form });
  const { result }: Json = await sent.json();
  const album: number[] = result.map((item: Json) => item.message_id);
  expect(album.length).toBe(2);
  for (const message_id of album) {
    expect((await call(other, 'deleteMessage', { chat_id: 777, message_id })).ok).toBe(false);
    expect((await call(aggregator, 'deleteMessage', { chat_id: 777, message_id })).ok).toBe(true);
  }
});
