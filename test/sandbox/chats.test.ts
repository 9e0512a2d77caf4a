import { expect, test } from 'vitest';
import { start } from './start.ts';

test('a user who blocks the bot cannot be written to until unblocking it; the bot is told of both', async () => {
  const { bot, control, write } = await start();
  await write(777, 'hello');
  const { update_id } = await control('chats/777/block', {});
  expect(await bot('sendMessage', { chat_id: 777, text: 'x' })).toEqual({
    ok: false,
    error_code: 403,
    description: 'Forbidden: bot was blocked by the user',
  });
  expect((await bot('getUpdates', { offset: update_id })).result[0].my_chat_member).toMatchObject({
    chat: { id: 777, type: 'private' },
    old_chat_member: { status: 'member' },
    new_chat_member: { status: 'kicked' },
  });
  await control('chats/777/unblock', {});
  expect((await bot('sendMessage', { chat_id: 777, text: 'x' })).ok).toBe(true);
});

test('a deactivated user cannot be written to', async () => {
  const { bot, control, write } = await start();
  await write(777, 'hello');
  await control('chats/777/deactivate', {});
  expect((await bot('sendMessage', { chat_id: 777, text: 'x' })).description).toBe('Forbidden: user is deactivated');
});

test('a bot cannot write first to a user it knows from a group only', async () => {
  const { bot, control } = await start();
  await control('chats/-5/messages', { text: 'hello', from: { id: 777, first_name: 'Ann' } });
  expect(await bot('sendMessage', { chat_id: 777, text: 'x' })).toMatchObject({
    error_code: 403,
    description: "Forbidden: bot can't initiate conversation with a user",
  });
});

test('a message in a group carries the group and its writer, with ids beyond 32 bits', async () => {
  const { bot, control } = await start();
  const id = -1_009_876_543_210;
  const from = { id: 5_000_000_000, first_name: 'Ann', username: 'ann' };
  await control(`chats/${id}/messages`, { text: 'hello', from });
  const { message } = (await bot('getUpdates')).result[0];
  expect(message.chat).toEqual({ id, type: 'supergroup', title: expect.any(String) });
  expect(message.from).toEqual({ ...from, is_bot: false });
  expect((await bot('sendMessage', { chat_id: id, text: 'x' })).result.chat.id).toBe(id);
});

test('a made group takes the bot in, and tells it so', async () => {
  const { bot, control } = await start();
  const made = await control('chats', { type: 'group', title: 'Friends', from: { id: 7, first_name: 'Ann' } });
  expect(made.chat_id).toBeLessThan(0);
  const { result } = await bot('getUpdates');
  expect(result[0].my_chat_member).toMatchObject({ chat: { title: 'Friends' }, new_chat_member: { status: 'member' } });
  expect(result[1].message.new_chat_members[0].is_bot).toBe(true);
  expect((await bot('getChat', { chat_id: made.chat_id })).result).toMatchObject({ type: 'group', title: 'Friends' });
});

test('a bot that was thrown out of a group cannot write there', async () => {
  const { bot, control, write } = await start();
  await write(-5, 'hello');
  await control('chats/-5/block', {});
  expect((await bot('sendMessage', { chat_id: -5, text: 'x' })).description).toBe(
    'Forbidden: bot was kicked from the group chat',
  );
});

test('a group that became a supergroup says so in both, and refuses writes to its old id', async () => {
  const { bot, control, write } = await start();
  await write(-5, 'hello');
  const { chat_id, update_ids } = await control('chats/-5/migrate', { to: -1_000_000_000_005 });
  expect(chat_id).toBe(-1_000_000_000_005);
  const { result } = await bot('getUpdates', { offset: update_ids[0] });
  expect(result[0].message).toMatchObject({ chat: { id: -5 }, migrate_to_chat_id: chat_id });
  expect(result[1].message).toMatchObject({ chat: { id: chat_id, type: 'supergroup' }, migrate_from_chat_id: -5 });
  expect(await bot('sendMessage', { chat_id: -5, text: 'x' })).toEqual({
    ok: false,
    error_code: 400,
    description: 'Bad Request: group chat was upgraded to a supergroup chat',
    parameters: { migrate_to_chat_id: chat_id },
  });
  expect((await bot('sendMessage', { chat_id, text: 'x' })).result.message_id).toBe(2);
});

test('with privacy mode on, a group shows the bot commands and answers to it only', async () => {
  const { bot, control, write } = await start();
  await control('settings', { can_read_all_group_messages: false });
  expect((await bot('getMe')).result.can_read_all_group_messages).toBe(false);
  expect((await write(-5, 'just talk')).update_id).toBe(null);
  expect((await write(-5, '/pay@another_bot')).update_id).toBe(null);
  expect((await write(-5, '/pay')).update_id).toEqual(expect.any(Number));
  const { message_id } = (await bot('sendMessage', { chat_id: -5, text: 'How much?' })).result;
  const reply = await control('chats/-5/messages', { text: '5', reply_to_message_id: message_id });
  expect(reply.update_id).toEqual(expect.any(Number));
  expect((await write(777, 'in private')).update_id).toEqual(expect.any(Number));
});

test('a topic of a forum is answered in the topic; one that does not exist is refused', async () => {
  const { bot, control } = await start();
  const { chat_id } = await control('chats', { type: 'supergroup', is_forum: true });
  await control(`chats/${chat_id}/messages`, { text: 'hello', message_thread_id: 8 });
  const sent = await bot('sendMessage', { chat_id, text: 'x', message_thread_id: 8 });
  expect(sent.result).toMatchObject({ message_thread_id: 8, is_topic_message: true, chat: { is_forum: true } });
  expect((await bot('sendMessage', { chat_id, text: 'x', message_thread_id: 9 })).description).toBe(
    'Bad Request: message thread not found',
  );
});

test('a user’s edit arrives as edited_message, with the same message_id', async () => {
  const { bot, control, write } = await start();
  const { message_id } = await write(777, 'helo');
  const { update_id } = await control(`chats/777/messages/${message_id}`, { text: 'hello' });
  expect((await bot('getUpdates', { offset: update_id })).result[0].edited_message).toMatchObject({
    message_id,
    text: 'hello',
    edit_date: expect.any(Number),
  });
});

test('whoever wrote last writes again where nobody is named', async () => {
  const { bot, control, write } = await start();
  await control('chats/777/messages', { text: 'hello', from: { id: 777, first_name: 'Ann', language_code: 'de' } });
  const { update_id } = await write(777, 'again');
  expect((await bot('getUpdates', { offset: update_id })).result[0].message.from).toEqual({
    id: 777,
    is_bot: false,
    first_name: 'Ann',
    language_code: 'de',
  });
});

test('a user who is only known has not written yet, and the bot cannot write to them', async () => {
  const { bot, control, write } = await start();
  const ada = { id: 7, is_bot: false, first_name: 'Ada', username: 'ada' };
  expect(await control('users', { id: 7, first_name: 'Ada', username: 'ada' })).toEqual({ user: ada });
  expect(await control('users')).toEqual({ users: [ada] });
  expect((await bot('sendMessage', { chat_id: 7, text: 'x' })).error_code).toBe(403);
  await write(7, 'hello');
  expect((await bot('sendMessage', { chat_id: 7, text: 'x' })).result.chat).toMatchObject({ first_name: 'Ada' });
  expect(await control('users', { first_name: 'nobody' })).toMatchObject({ code: 'request_invalid', field: '/id' });
});

test('a group lists its members: who made it, was taken in, or has written; and keeps them as it moves', async () => {
  const { control } = await start();
  const [ada, ben, cleo] = ['Ada', 'Ben', 'Cleo'].map((first_name, i) => ({ id: i + 1, is_bot: false, first_name }));
  const { chat_id: id } = await control('chats', { title: 'Friends', from: ada, members: [ben] });
  await control(`chats/${id}/messages`, { text: 'hi', from: cleo });
  expect((await control(`chats/${id}`)).chat.members).toEqual([ada, ben, cleo]);
  expect((await control('users')).users).toEqual([ada, ben, cleo]);
  const { chat_id: moved } = await control(`chats/${id}/migrate`, {});
  expect((await control(`chats/${moved}`)).chat.members).toEqual([ada, ben, cleo]);
  expect(await control('chats', { title: 'X', members: [{}] })).toMatchObject({ field: '/members/0/id' });
});
