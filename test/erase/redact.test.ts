import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isOwnConversation, redact } from '../../src/erase/redact.ts';

const IDS = new Set(['7001']);
const anna = { id: 7001, is_bot: false, first_name: 'Anna', last_name: 'Secret', username: 'anna_secret' };
const ben = { id: 7002, is_bot: false, first_name: 'Ben' };
const group = { id: -100, type: 'supergroup', title: 'Group' };
const gone = { id: 0, is_bot: false, first_name: '', erased: true };

const without = (value: unknown) => redact(value, IDS).value;
/** A message of Ben's in the group. */
const said = (more: object) => ({ message_id: 5, date: 9, chat: group, from: ben, text: 'by Ben', ...more });

test.each([
  [
    'a reply to a message of theirs keeps which it was',
    {
      before: said({
        reply_to_message: { message_id: 4, date: 8, chat: group, from: anna, text: 'secret' },
        quote: { text: 'secret' },
      }),
      after: said({ reply_to_message: { message_id: 4, date: 0, chat: group, erased: true } }),
    },
  ],
  [
    'a message that is nested deeper',
    {
      before: said({
        pinned_message: {
          ...said({}),
          reply_to_message: { message_id: 4, date: 8, chat: group, from: anna, photo: [{ file_id: 'secret' }] },
        },
      }),
      after: said({
        pinned_message: { ...said({}), reply_to_message: { message_id: 4, date: 0, chat: group, erased: true } },
      }),
    },
  ],
  [
    'what another forwarded of theirs',
    {
      before: said({ forward_origin: { type: 'user', date: 1, sender_user: anna }, text: 'secret' }),
      after: { message_id: 5, date: 9, chat: group, from: ben, erased: true },
    },
  ],
  [
    'the same in the form of old',
    {
      before: said({ forward_from: anna, caption: 'secret', photo: [] }),
      after: { message_id: 5, date: 9, chat: group, from: ben, erased: true },
    },
  ],
  [
    'a reply across chats',
    {
      before: said({
        external_reply: { origin: { type: 'user', date: 1, sender_user: anna }, photo: ['secret'] },
        quote: { text: 'secret' },
      }),
      after: said({ external_reply: { origin: { type: 'hidden_user', date: 0, sender_user_name: '' }, erased: true } }),
    },
  ],
  [
    'who came and who went',
    {
      before: [said({ new_chat_members: [anna, ben] }), said({ left_chat_member: anna })],
      after: [said({ new_chat_members: [gone, ben] }), said({ left_chat_member: gone })],
    },
  ],
  [
    'a contact, and users that were shared',
    {
      before: [
        said({ contact: { user_id: 7001, phone_number: '+49 secret', first_name: 'Anna', vcard: 'secret' } }),
        said({
          users_shared: { request_id: 1, user_ids: [7001, 7002], users: [{ user_id: 7001, first_name: 'Anna' }] },
        }),
      ],
      after: [
        said({ contact: { user_id: 0, phone_number: '', first_name: '', vcard: '', erased: true } }),
        said({
          users_shared: { request_id: 1, user_ids: [0, 7002], users: [{ user_id: 0, first_name: '', erased: true }] },
        }),
      ],
    },
  ],
  [
    'a mention by name, and a member',
    {
      before: [
        said({ entities: [{ type: 'text_mention', offset: 0, length: 4, user: anna }] }),
        { chat: group, from: ben, new_chat_member: { user: anna, status: 'administrator', custom_title: 'secret' } },
      ],
      after: [
        said({ entities: [{ type: 'text_mention', offset: 0, length: 4, user: gone, erased: true }] }),
        {
          chat: group,
          from: ben,
          new_chat_member: { user: gone, status: 'administrator', custom_title: '', erased: true },
        },
      ],
    },
  ],
  [
    "a machine's event and its context",
    {
      before: {
        value: 'idle',
        context: {
          from: { id: 7001, firstName: 'Anna' },
          step: 'amount',
          last: { type: 'message.received', text: 'secret', from: { id: 7001, firstName: 'Anna' }, messageId: 3 },
        },
      },
      after: {
        value: 'idle',
        context: {
          from: { id: 0, firstName: '', erased: true },
          step: 'amount',
          last: {
            type: 'message.received',
            text: '',
            from: { id: 0, firstName: '', erased: true },
            messageId: 3,
            erased: true,
          },
        },
      },
    },
  ],
  [
    'a chat that was shared, and what somebody added to a poll',
    {
      before: said({
        chat_shared: { request_id: 1, chat_id: 7001, title: 'secret', username: 'secret' },
        poll: { id: '1', options: [{ text: 'secret', voter_count: 1, added_by_user: anna }] },
      }),
      after: said({
        chat_shared: { request_id: 1, chat_id: 0, title: '', username: '', erased: true },
        poll: { id: '1', options: [{ text: '', voter_count: 1, added_by_user: gone, erased: true }] },
      }),
    },
  ],
  [
    "a call's parameters",
    {
      before: { chat_id: -100, from_chat_id: 7001, message_id: 7001, text: 'amount: 7001' },
      after: { chat_id: -100, from_chat_id: 0, message_id: 7001, text: 'amount: 7001' },
    },
  ],
])('%s', (_, { before, after }) => {
  expect(without(before)).toEqual(after);
});

test('what is of others stays as it is, and what was taken is told', () => {
  const others = said({
    reply_to_message: said({ story: { chat: group, id: 7001 } }),
    entities: [{ type: 'bold', offset: 0, length: 7001 }],
  });
  expect(redact(others, IDS)).toEqual({ value: others, parts: [] });
  expect(redact(said({ left_chat_member: anna }), IDS).parts).toEqual([anna]);
});

test('whatever a value is, nothing is taken twice, and nothing of theirs is left by its marks', () => {
  const leaf = fc.oneof(fc.constant(7001), fc.constant('7001'), fc.constant(anna), fc.string(), fc.integer());
  const key = fc.constantFrom(
    'from',
    'user',
    'user_id',
    'chat',
    'id',
    'message',
    'reply_to_message',
    'message_id',
    'context',
    'text',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      const once = redact(value, IDS);
      expect(redact(once.value, IDS)).toEqual({ value: once.value, parts: [] });
      expect(JSON.stringify(once.value) ?? '').not.toContain('anna_secret');
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['7001', true],
  ['7001:t5', true],
  ['-100:u7001', true],
  ['-100:u70011', false],
  ['-100:t7001', false],
  ['-7001', false],
  ['70011', false],
])('the conversation %s is theirs: %s', (id, isOwn) => {
  expect(isOwnConversation(id, IDS)).toBe(isOwn);
});
