import { expect, test } from 'vitest';
import { ownContent, withoutNamedProfiles } from '../../src/http/facade-own-content.ts';

const bot = { id: 1, is_bot: true, first_name: 'Shop', username: 'shop_bot' };
const ann = {
  id: 777,
  is_bot: false,
  first_name: 'SECRET',
  last_name: 'SECRET',
  username: 'SECRET',
  language_code: 'SECRET',
};
const chat = { id: 777, type: 'private', first_name: 'SECRET', username: 'SECRET' };
const bare = { id: 777, is_bot: false, first_name: '' };
const theirs = {
  message_id: 1,
  date: 1,
  chat,
  from: ann,
  text: 'SECRET',
  contact: { phone_number: 'SECRET', first_name: 'SECRET' },
};
const base = { message_id: 2, date: 2, from: bot, chat };
const own = { message_id: 2, date: 2, from: bot, chat: { id: 777, type: 'private' } };

test.each([
  ['a message replied to, a quote, a forward', { reply_to_message: theirs, quote: { text: 'SECRET', position: 0 } }],
  [
    'a message of another chat',
    { external_reply: { origin: { type: 'user', sender_user: ann }, contact: theirs.contact } },
  ],
  ['where a forward comes from', { forward_origin: { type: 'user', date: 1, sender_user: ann } }],
  ['a pinned message', { pinned_message: { ...theirs, reply_to_message: theirs } }],
  [
    'a story, a topic of somebody',
    { reply_to_story: { chat, id: 1 }, direct_messages_topic: { topic_id: 1, user: ann } },
  ],
  ['users and chats shared', { users_shared: { request_id: 1, users: [{ user_id: 5, first_name: 'SECRET' }] } }],
  ['a field that Telegram adds tomorrow', { new_thing: { text: 'SECRET' } }],
])('%s is left out', (_, fields) => {
  expect(ownContent({ ...base, ...fields })).toEqual(own);
});

test('what the key sent stays, and so do the fields that clients fail without', () => {
  const sent = {
    ...{ text: 'hi', caption: 'c', photo: [{ file_id: 'p', width: 1, height: 1 }], media_group_id: 'm' },
    ...{ contact: { phone_number: '+49', first_name: 'Support' }, location: { latitude: 1, longitude: 2 } },
    ...{ reply_markup: { inline_keyboard: [[{ text: 'b', callback_data: 'd' }]] }, message_thread_id: 4 },
  };
  expect(ownContent({ ...base, ...sent })).toEqual({ ...own, ...sent });
  expect(ownContent([base, base])).toEqual([own, own]);
  expect(ownContent({ message_id: 9 })).toEqual({ message_id: 9 });
  expect(ownContent(true)).toBe(true);
});

test('profiles that Telegram fills in are bare: of a mention, a business account, a channel, a number', () => {
  const entities = [{ type: 'text_mention', offset: 0, length: 2, user: ann }];
  const channel = { id: -1001, type: 'channel', title: 'SECRET', username: 'SECRET' };
  const contact = { phone_number: '+49', first_name: 'Support', user_id: 5 };
  const answer = ownContent({ ...base, from: ann, sender_chat: channel, text: 'hi', entities, contact });
  expect(answer).toEqual({
    ...own,
    from: bare,
    sender_chat: { id: -1001, type: 'channel' },
    text: 'hi',
    entities: [{ type: 'text_mention', offset: 0, length: 2, user: bare }],
    contact: { phone_number: '+49', first_name: 'Support' },
  });
  const options = [
    { text: 'Yes', voter_count: 0 },
    { text: 'SECRET', voter_count: 1, added_by_user: ann },
  ];
  expect(ownContent({ ...base, poll: { id: '1', type: 'regular', options } })).toEqual({
    ...own,
    poll: { id: '1', type: 'regular', options: [options[0]] },
  });
});

test('a key for certain chats that may read sees all but the profiles of users whom its call named', () => {
  const entities = [{ type: 'text_mention', offset: 0, length: 2, user: ann }];
  const contact = { phone_number: '+49', first_name: 'Support', user_id: 5 };
  const message = { ...base, text: 'hi', reply_to_message: theirs };
  expect(withoutNamedProfiles([{ ...message, entities, contact }])).toEqual([
    {
      ...message,
      entities: [{ type: 'text_mention', offset: 0, length: 2, user: bare }],
      contact: { phone_number: '+49', first_name: 'Support' },
    },
  ]);
  expect(withoutNamedProfiles(true)).toBe(true);
});
