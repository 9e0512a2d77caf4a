import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readEntry } from '../../src/console/lines.ts';
import type { Entry, EntryType } from '../../src/journal/journal.ts';

const ANN = { id: 7, is_bot: false, first_name: 'Ann', last_name: 'Lee' };
const PRIVATE = { id: 7, type: 'private', first_name: 'Ann', last_name: 'Lee' };
const said = (content: object) => ({ message_id: 5, date: 1, chat: PRIVATE, from: ANN, ...content });

const entryOf = (type: EntryType, body: object): Entry => ({
  seq: 9,
  type,
  bot: '1',
  chat: '7',
  at: 0,
  body: JSON.stringify(body),
});
const ofUpdate = (update: object) => readEntry(entryOf('update.received', { update: { update_id: 1, ...update } }));
const ofCall = (method: string, params: object, files?: object[]) =>
  readEntry(
    entryOf('message.accepted', {
      message: { id: '1-9', status: 'queued', chat_id: 7, method, params, ...(files ? { files } : {}) },
    }),
  );

describe('what a user does', () => {
  test('a text, and whom it is from', () => {
    expect(ofUpdate({ message: said({ text: 'hi', reply_to_message: { message_id: 3 } }) })).toMatchObject({
      name: 'Ann Lee',
      line: { side: 'in', from: 'Ann Lee', text: 'hi', label: '', message_id: 5, reply_to: 3, edits: null },
    });
  });

  test.each([
    [
      'photo',
      { photo: [{ file_id: 'small' }, { file_id: 'large', file_size: 9 }] },
      { kind: 'photo', file_id: 'large', size: 9 },
    ],
    ['document', { document: { file_id: 'd', file_name: 'a.pdf' } }, { kind: 'document', name: 'a.pdf' }],
    ['animation', { animation: { file_id: 'a' }, document: { file_id: 'd' } }, { kind: 'animation', file_id: 'a' }],
    ['voice', { voice: { file_id: 'v' } }, { kind: 'voice', name: null }],
    ['sticker', { sticker: { file_id: 's', emoji: '🙂' } }, { kind: 'sticker' }],
  ])('a %s, with what it says', (_, content, media) => {
    expect(ofUpdate({ message: said({ ...content, caption: 'look' }) })?.line).toMatchObject({
      side: 'in',
      text: 'look',
      media: [media],
    });
  });

  test('an edit, which names the message that it changes', () => {
    expect(ofUpdate({ edited_message: said({ text: 'better', edit_date: 2 }) })?.line).toMatchObject({
      side: 'in',
      label: 'edited',
      edits: 5,
      text: 'better',
    });
  });

  test('a button, by what stands on it', () => {
    const markup = {
      inline_keyboard: [
        [
          { text: 'Yes', callback_data: 'y' },
          { text: 'No', callback_data: 'n' },
        ],
      ],
    };
    const callback_query = { id: '1', from: ANN, data: 'n', message: said({ text: 'Sure?', reply_markup: markup }) };
    expect(ofUpdate({ callback_query })?.line).toMatchObject({
      side: 'in',
      label: 'pressed “No”',
      text: '',
      reply_to: 5,
    });
  });

  test.each([
    ['somebody came', { message: said({ new_chat_members: [{ id: 8, first_name: 'Ben' }] }) }, 'new chat members: Ben'],
    ['a title', { message: said({ new_chat_title: 'Us' }) }, 'new chat title: Us'],
    [
      'the bot was blocked',
      { my_chat_member: { chat: PRIVATE, from: ANN, new_chat_member: { status: 'kicked' } } },
      'my chat member: kicked',
    ],
    ['a reaction', { message_reaction: { chat: PRIVATE, message_id: 5 } }, 'message reaction'],
    ['what nobody knows yet', { telepathy: { chat: PRIVATE } }, 'telepathy'],
  ])('a notice: %s', (_, update, label) => {
    expect(ofUpdate(update)?.line).toMatchObject({ side: 'notice', label });
  });

  test('a deletion, which names what it takes away', () => {
    const deleted_business_messages = { chat: PRIVATE, message_ids: [3, 4] };
    expect(ofUpdate({ deleted_business_messages })?.line).toMatchObject({ side: 'notice', deletes: [3, 4] });
  });

  test('a group is called by its title, whoever writes', () => {
    const chat = { id: -7, type: 'group', title: 'Us' };
    expect(ofUpdate({ message: said({ chat, text: 'hi' }) })).toMatchObject({ name: 'Us', line: { from: 'Ann Lee' } });
  });
});

describe('what the bot does', () => {
  test('a text with buttons', () => {
    const reply_markup = { inline_keyboard: [[{ text: 'Yes' }, { text: 'No' }]] };
    expect(ofCall('sendMessage', { chat_id: 7, text: 'Sure?', reply_markup })).toMatchObject({
      fate: { message: 9, status: 'queued' },
      line: {
        side: 'out',
        text: 'Sure?',
        label: '',
        buttons: [['Yes', 'No']],
        message: { id: '1-9', status: 'queued' },
      },
    });
  });

  test('an upload, by the name of its file; an album; a file that Telegram has', () => {
    expect(
      ofCall('sendDocument', { document: 'attach://document', caption: 'c' }, [
        { part: 'document', name: 'a.pdf', size: 3 },
      ])?.line,
    ).toMatchObject({
      side: 'out',
      text: 'c',
      media: [{ kind: 'document', name: 'a.pdf', size: 3, file_id: null }],
    });
    const media = [
      { type: 'photo', media: 'AgAC' },
      { type: 'video', media: 'https://a.example/v.mp4' },
    ];
    expect(ofCall('sendMediaGroup', { media })?.line?.media).toMatchObject([
      { kind: 'photo', file_id: 'AgAC' },
      { kind: 'video', file_id: null, name: 'https://a.example/v.mp4' },
    ]);
  });

  test('an edit, a deletion, an answer to a button', () => {
    expect(ofCall('editMessageText', { message_id: 5, text: 'new' })?.line).toMatchObject({
      side: 'out',
      edits: 5,
      label: 'edited',
    });
    expect(ofCall('deleteMessages', { message_ids: [5, 6] })?.line).toMatchObject({ side: 'notice', deletes: [5, 6] });
    expect(ofCall('answerCallbackQuery', { text: 'Done' })?.line).toMatchObject({
      side: 'notice',
      label: 'answer callback query',
      text: 'Done',
    });
  });

  test('a fate has no line of its own: it is told at its message', () => {
    expect(readEntry(entryOf('message.unknown', { message: { id: '1-4', status: 'unknown' } }))).toMatchObject({
      line: null,
      fate: { message: 4, status: 'unknown' },
    });
  });
});

test('moves tell where a conversation stands', () => {
  expect(
    readEntry(
      entryOf('chat.moved', { conversation: '7:u8', machine: 'payment', from: 'idle', to: { underWay: 'open' } }),
    ),
  ).toMatchObject({
    line: { side: 'notice', label: 'payment goes from idle to underWay.open' },
    standing: { conversation: '7:u8', machine: 'payment', state: 'underWay.open', quarantined: false },
  });
  expect(readEntry(entryOf('chat.quarantined', { machine: 'payment', error: 'why' }))).toMatchObject({
    line: { label: 'payment failed and stands still', text: 'why' },
    standing: { quarantined: true },
  });
});

test('whatever is in an entry, it is read', () => {
  const types: EntryType[] = [
    'update.received',
    'message.accepted',
    'message.sent',
    'chat.moved',
    'event.received',
    'chat.emitted',
  ];
  const kinds = fc.constantFrom(
    'message',
    'edited_message',
    'callback_query',
    'my_chat_member',
    'poll',
    '__proto__',
    'constructor',
  );
  const fields = fc.constantFrom(
    'chat',
    'from',
    'text',
    'photo',
    'document',
    'message',
    'reply_markup',
    'message_id',
    'new_chat_members',
    'contact',
    'location',
    'dice',
    'id',
    'type',
    'inline_keyboard',
    'media',
    'params',
    'files',
    'to',
    'machine',
    'event',
  );
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 5 },
      fc.jsonValue(),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(fields, tie('any'), { maxKeys: 5 }),
    ),
  })).any;
  fc.assert(
    fc.property(
      fc.constantFrom(...types),
      kinds,
      value,
      fc.dictionary(fields, value, { maxKeys: 6 }),
      (type, kind, some, more) => {
        const body = { update: { update_id: 1, [kind]: some }, message: some, ...more };
        readEntry(entryOf(type, body));
      },
    ),
    { numRuns: 2000 },
  );
});
