import { expect, test } from 'vitest';
import type { Json } from '../sandbox/start.ts';
import { ask, readEvents, serveBot } from './client.ts';
import { createKey } from './support.ts';

/** Beyond what a 32-bit integer holds, and Telegram's own bound: 52 bits. */
const USERS = [2 ** 31 + 5, 2 ** 52 - 1];
const SUPERGROUPS = [-1_002_147_483_653, -(2 ** 52) + 1];

test('chat ids of up to 52 bits go through update, reply, stream, views and posts unchanged', async () => {
  const { control, write, url, env, key } = await serveBot();
  for (const chat of [...USERS, ...SUPERGROUPS]) {
    const id = String(chat);
    const { key: own } = await createKey(env, 'backend', '--chat', id);
    const reader = await readEvents(url, own, `&chat=${id}`);
    if (chat < 0) await control('chats', { type: 'supergroup', id: chat, from: { id: 2 ** 40 } });
    await write(chat, '/start');

    const received = JSON.parse(await reader.first((data) => data.includes('"text":"/start"')));
    expect(received).toMatchObject({ chat: id, update: { message: { chat: { id: chat } } } });
    const replied = JSON.parse(await reader.first((data) => data.includes('"message.sent"')));
    expect(replied).toMatchObject({ chat: id, message: { chat_id: chat } });

    for (const chatId of [chat, id]) {
      const posted = await ask(url, own, 'POST', '/v1/messages', { chat_id: chatId, text: `post ${typeof chatId}` });
      expect(posted).toMatchObject({ status: 202, body: { chat_id: chat } });
      const { body } = await ask(url, own, 'GET', `/v1/messages/${posted.body.id}?wait=50`);
      expect(body).toMatchObject({ status: 'sent', chat_id: chat });
    }
    const { messages } = await control(`chats/${id}`);
    const texts = messages.map((message: Json) => message.text);
    expect(texts).toEqual(expect.arrayContaining(['/start', 'post number', 'post string']));

    const page = await ask(url, own, 'GET', `/v1/chats/${id}/events`);
    expect(page.body.events.every((entry: Json) => entry.chat === id)).toBe(true);
    const conversation = chat < 0 ? `${id}:u${2 ** 40}` : id;
    expect((await ask(url, own, 'GET', '/v1/chats')).body.chats).toMatchObject([{ id: conversation, chat: id }]);
    const event = await ask(url, own, 'POST', `/v1/chats/${conversation}/events`, { type: 'payment.settled' });
    expect(event.status).toBe(202);
    expect(JSON.parse(await reader.first((data) => data.includes('"event.received"')))).toMatchObject({ chat: id });
  }
  const all = (await ask(url, key, 'GET', '/v1/chats')).body.chats.map((chat: Json) => chat.chat);
  expect(all.sort()).toEqual([...USERS, ...SUPERGROUPS].map(String).sort());
});

test('a chat id that no number holds exactly is refused, not sent to its neighbour', async () => {
  const { url, key, env } = await serveBot();
  for (const chatId of ['9007199254740993', '"9007199254740993"', '1e300', '7.5', '0', '"0"', '"07"', '"7 "', 'null']) {
    const { status, body } = await ask(url, key, 'POST', '/v1/messages', `{"chat_id":${chatId},"text":"hi"}`);
    expect([chatId, status, body.errors?.[0].field]).toEqual([chatId, 400, 'chat_id']);
  }
  const { key: own } = await createKey(env, 'operator', '--chat', '7');
  for (const query of ['chat=9007199254740993', 'chat=-7', 'chat=8']) {
    expect((await ask(url, own, 'GET', `/v1/events?poll=1&${query}`)).status, query).toBe(403);
  }
});
