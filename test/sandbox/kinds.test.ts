import { Api, InputFile, InputMediaBuilder } from 'grammy';
import { describe, expect, test } from 'vitest';
import { start } from './start.ts';

/** A PNG's beginning: all that the sandbox looks at. 3 pixels wide, 2 high. */
const PNG = Buffer.from('89504e470d0a1a0a0000000d494844520000000300000002', 'hex');
const file = (name: string, bytes: Uint8Array = Buffer.from('some bytes')) => new InputFile(bytes, name);

/** grammY's client, unmodified, at a chat in which a user has written (message 1). */
async function newApi() {
  const started = await start();
  await started.write(777, 'hello');
  return { ...started, api: new Api(started.token, { apiRoot: started.sandbox.url }) };
}

/** Telegram's words for what it refuses. */
const refusal = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => expect.fail('it was taken'),
    (error) => error.description,
  );

describe('by grammY, each kind of message comes back as Telegram shows it', () => {
  test('files: uploaded, and again by their file_id', async () => {
    const { api } = await newApi();
    const caption = 'Look';
    const video = await api.sendVideo(777, file('v.mp4'), { caption, duration: 7, width: 30, height: 20 });
    expect(video).toMatchObject({ caption, video: { duration: 7, width: 30, height: 20, file_name: 'v.mp4' } });
    const audio = await api.sendAudio(777, file('a.mp3'), { caption, performer: 'Bach', title: 'Air' });
    expect(audio).toMatchObject({ caption, audio: { performer: 'Bach', title: 'Air', file_size: 10 } });
    const voice = await api.sendVoice(777, file('v.oga'), { caption, duration: 3 });
    expect(voice).toMatchObject({ caption, voice: { duration: 3, file_size: 10 } });
    const animation = await api.sendAnimation(777, file('a.gif'), { caption });
    expect(animation).toMatchObject({ caption, animation: { file_name: 'a.gif' }, document: { file_name: 'a.gif' } });
    const sticker = await api.sendSticker(777, file('s.webp'), { emoji: '👍' });
    expect(sticker).toMatchObject({ sticker: { type: 'regular', width: 512, height: 512, emoji: '👍' } });
    const again = await api.sendVideo(777, video.video.file_id);
    expect(again.video.file_id).toBe(video.video.file_id);
    expect(await refusal(api.sendAudio(777, video.video.file_id))).toBe(
      "Bad Request: can't use file of type Video as Audio",
    );
  });

  test('albums: every item a message, in order, of one group', async () => {
    const { api, control } = await newApi();
    const messages = await api.sendMediaGroup(777, [
      InputMediaBuilder.photo(file('p.png', PNG), { caption: 'first' }),
      InputMediaBuilder.video(file('v.mp4'), { duration: 2 }),
    ]);
    expect(messages).toMatchObject([{ message_id: 2, caption: 'first', photo: [{ width: 3 }] }, { message_id: 3 }]);
    expect(messages[1]).toMatchObject({ video: { duration: 2 } });
    expect(new Set(messages.map((message) => Object(message).media_group_id)).size).toBe(1);
    expect((await control('chats/777')).messages).toHaveLength(3);
  });

  test('places, people and polls', async () => {
    const { api } = await newApi();
    expect((await api.sendLocation(777, 52.5, 13.4, { live_period: 60 })).location).toEqual({
      ...{ latitude: 52.5, longitude: 13.4, live_period: 60 },
    });
    expect((await api.sendContact(777, '+491', 'Mia', { last_name: 'Ohm' })).contact).toEqual({
      ...{ phone_number: '+491', first_name: 'Mia', last_name: 'Ohm' },
    });
    const poll = (await api.sendPoll(777, 'Tea?', [{ text: 'Yes' }, { text: 'No' }])).poll;
    expect(poll).toMatchObject({ question: 'Tea?', type: 'regular', is_anonymous: true, total_voter_count: 0 });
    expect(poll.options.map(({ text }) => text)).toEqual(['Yes', 'No']);
    const quiz = await api.sendPoll(777, '1+1?', [{ text: '2' }, { text: '3' }], {
      ...{ type: 'quiz', correct_option_ids: [0], is_anonymous: false },
    });
    expect(quiz.poll).toMatchObject({ type: 'quiz', correct_option_ids: [0], is_anonymous: false });
  });

  test('copies and forwards, which tell where they come from', async () => {
    const { api, write, control } = await newApi();
    await write(8, 'of another chat');
    const original = await api.sendPhoto(8, file('p.png', PNG), { caption: 'mine' });
    const copy = await api.copyMessage(777, 8, original.message_id, { caption: 'theirs' });
    expect(copy).toEqual({ message_id: expect.any(Number) });
    const forwarded = await api.forwardMessage(777, 8, original.message_id);
    expect(forwarded).toMatchObject({
      ...{ caption: 'mine', forward_origin: { type: 'user', date: original.date, sender_user: { is_bot: true } } },
    });
    const again = await api.forwardMessage(8, 777, forwarded.message_id);
    expect(again.forward_origin).toEqual(forwarded.forward_origin);
    const [, copied] = (await control('chats/777')).messages;
    expect(copied).toMatchObject({ caption: 'theirs', photo: original.photo });
    expect(copied).not.toHaveProperty('forward_origin');
  });

  test('edits of caption and keyboard, and pins', async () => {
    const { api, control } = await newApi();
    const { message_id } = await api.sendPhoto(777, file('p.png', PNG), { caption: 'one' });
    expect(await api.editMessageCaption(777, message_id, { caption: 'two' })).toMatchObject({ caption: 'two' });
    const reply_markup = { inline_keyboard: [[{ text: 'b', callback_data: 'x' }]] };
    expect(await api.editMessageReplyMarkup(777, message_id, { reply_markup })).toMatchObject({ reply_markup });
    expect(await api.pinChatMessage(777, message_id)).toBe(true);
    expect((await api.getChat(777)).pinned_message).toMatchObject({ message_id, caption: 'two' });
    expect((await control('chats/777')).messages.at(-1)).toMatchObject({ pinned_message: { message_id } });
  });
});

describe('refuses in Telegram’s words', () => {
  const photo = (n: number) => Array.from({ length: n }, () => ({ type: 'photo', media: 'AgAC' }));
  const options = (n: number) => Array.from({ length: n }, (_, i) => ({ text: `${i}` }));
  test.each([
    ['no video', 'sendVideo', {}, 'there is no video in the request'],
    ['an empty album', 'sendMediaGroup', { media: [] }, 'there are no messages to send'],
    ['an album of 11', 'sendMediaGroup', { media: photo(11) }, 'too many messages to send as an album'],
    ['an album that is no list', 'sendMediaGroup', { media: {} }, 'expected an Array of InputMedia'],
    [
      'a document among photos',
      'sendMediaGroup',
      { media: [...photo(1), { type: 'document', media: 'x' }] },
      "document can't be mixed with other media types",
    ],
    [
      'an animation in an album',
      'sendMediaGroup',
      { media: [...photo(1), { type: 'animation', media: 'x' }] },
      "can't parse InputMedia: type can't be used in an album",
    ],
    [
      'an item whose file is not in the form',
      'sendMediaGroup',
      { media: [{ type: 'photo', media: 'attach://x' }] },
      "can't parse InputMedia: media not found",
    ],
    ['no latitude', 'sendLocation', { longitude: 1 }, 'latitude is empty'],
    ['a place off the globe', 'sendLocation', { latitude: 91, longitude: 1 }, 'wrong location specified'],
    ['a contact without a number', 'sendContact', { first_name: 'x' }, 'phone number is empty'],
    ['a contact without a name', 'sendContact', { phone_number: '1' }, 'first name is empty'],
    ['a poll of nothing', 'sendPoll', { question: 'x', options: [] }, 'poll must have at least 1 option'],
    ['a poll of 13', 'sendPoll', { question: 'x', options: options(13) }, "poll can't have more than 12 options"],
    ['a poll without a question', 'sendPoll', { options: options(2) }, 'poll question must be non-empty'],
    [
      'a quiz without an answer',
      'sendPoll',
      { question: 'x', options: options(2), type: 'quiz' },
      'wrong correct option ID specified',
    ],
    ['a copy of nothing', 'copyMessage', { from_chat_id: 777, message_id: 99 }, 'message to copy not found'],
    ['a forward of nothing', 'forwardMessage', { from_chat_id: 777, message_id: 99 }, 'message to forward not found'],
    ['a forward from nowhere', 'forwardMessage', { from_chat_id: 5, message_id: 1 }, 'chat not found'],
    ['a pin of nothing', 'pinChatMessage', { message_id: 99 }, 'message to pin not found'],
  ])('%s', async (_, method, params, why) => {
    const { bot } = await newApi();
    expect((await bot(method, { chat_id: 777, ...params })).description).toBe(`Bad Request: ${why}`);
  });

  test('what is protected, and a pin in a group', async () => {
    const { api, bot, write } = await newApi();
    const { message_id } = await api.sendMessage(777, 'secret', { protect_content: true });
    expect(await refusal(api.copyMessage(777, 777, message_id))).toBe("Bad Request: message can't be copied");
    expect(await refusal(api.forwardMessage(777, 777, message_id))).toBe("Bad Request: message can't be forwarded");
    const inGroup = await write(-5, 'hi');
    expect((await bot('pinChatMessage', { chat_id: -5, message_id: inGroup.message_id })).description).toBe(
      'Bad Request: not enough rights to manage pinned messages in the chat',
    );
  });
});
