import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Journal, MessageRecord } from '../../src/journal/journal.ts';
import { createTokens } from '../../src/outbox/buttons.ts';
import { settle } from '../../src/outbox/fate.ts';
import { addMessage, addReply, type Press } from '../../src/outbox/outbox.ts';
import { createPresses } from '../../src/outbox/presses.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';

const keyboard = (data: string) => ({
  inline_keyboard: [
    [
      { text: 'Yes', callback_data: data },
      { text: 'Web', url: 'https://example.com' },
    ],
  ],
});
const question = JSON.stringify({ chat_id: 7, text: 'Pay?', reply_markup: keyboard('confirm:1') });

/** A conversation's question, sent as Telegram's message 42. */
async function ask(journal: Journal): Promise<MessageRecord> {
  await journal.write(async (tx) => addReply(tx, journal.bot, { chat: '7', method: 'sendMessage', params: question }));
  return sent(journal, 1, 42);
}

async function sent(journal: Journal, seq: number, telegramMessageId: number | null): Promise<MessageRecord> {
  return journal.write(async (tx) => {
    const [message] = (await tx.claimable(1)).filter((one) => one.seq === seq);
    if (message === undefined) throw new Error(`Message ${seq} does not wait`);
    tx.claim([message]);
    settle(tx, journal.bot, { ...message, status: 'sending', attempts: 1 }, { kind: 'sent', telegramMessageId });
    return message;
  });
}

/** What the machine gave the button; null: the press is not of a conversation's own. `since`: which messages have tokens. */
async function dataOf(journal: Journal, press: Partial<Press>, since = 1): Promise<string | null> {
  const presses = createPresses({ bot: journal.bot, buttons: { secret: journal.buttons.secret, since } });
  const whole = { chat: '7', messageId: 42, data: 'confirm:1', isBusiness: false, ...press };
  return journal.write(async (tx) => (await presses.find(tx, whole))?.data ?? null);
}

const newJournal = () => openJournal(temporaryFolder(), manualClock());

test('a button that was sent before there were tokens works, in its own message and with its own data', async () => {
  const journal = newJournal();
  await ask(journal);
  expect(await dataOf(journal, {}, 1), 'sent with tokens').toBeNull();
  expect(await dataOf(journal, {}, 2)).toBe('confirm:1');
  for (const other of [
    { messageId: 43 },
    { messageId: null },
    { chat: '8' },
    { data: 'confirm:2' },
    { isBusiness: true },
  ])
    expect(await dataOf(journal, other, 2), JSON.stringify(other)).toBeNull();
});

test('a key that has put its own words over an old button has made it its own', async () => {
  const journal = newJournal();
  await ask(journal);
  const wish = { priority: 0, sendAt: null, expiresAt: null, onUnknown: 'hold', keyId: 'k' } as const;
  const params = JSON.stringify({ chat_id: 7, message_id: 42, text: 'A prize?', reply_markup: keyboard('confirm:1') });
  const edit = { chat: '7', method: 'editMessageText', params, ...wish };
  const { seq } = await journal.write(async (tx) => addMessage(tx, journal.bot, edit));
  await sent(journal, seq, 42);
  expect(await dataOf(journal, {}, 100)).toBeNull();
});

test('a token is of one button of one message and journal, and stays good when the journal is opened again', async () => {
  const folder = temporaryFolder();
  const first = openJournal(folder, manualClock());
  await ask(first);
  const { buttons } = first;
  const data = createTokens(buttons.secret, first.bot).textOf({ seq: 1, n: 0 });
  expect(Buffer.byteLength(data)).toBeLessThanOrEqual(64);
  const again = openJournal(folder, manualClock());
  expect(again.buttons).toEqual(buttons);
  expect(await dataOf(again, { data })).toBe('confirm:1');
  expect(await dataOf(again, { data: createTokens('another secret', '1').textOf({ seq: 1, n: 0 }) })).toBeNull();
  expect(
    await dataOf(again, { data: createTokens(buttons.secret, '2').textOf({ seq: 1, n: 0 }) }),
    'another bot',
  ).toBeNull();
  expect(await dataOf(again, { data: data.replace('~1.', '~2.') })).toBeNull();
  const gone = createTokens(buttons.secret, '1').textOf({ seq: 9, n: 0 });
  expect(await dataOf(again, { data: gone }), 'its message is not kept any more').toBe('');
  expect(newJournal().buttons.secret).not.toBe(buttons.secret);
});

test('the buttons in a data folder of an earlier version go on working, and its next messages have tokens', async () => {
  const folder = join(temporaryFolder(), 'data');
  cpSync(join(import.meta.dirname, '..', 'fixtures', 'data-0.1.0', 'folder'), folder, { recursive: true });
  const journal = openJournal(folder, manualClock());
  const { buttons } = journal;
  expect(buttons.since).toBe(journal.bounds().head + 1);
  const asked = { chat: '711', messageId: 10, data: 'confirm:7-mx4no0ww' };
  expect(await dataOf(journal, asked, buttons.since)).toBe(asked.data);
  expect(await dataOf(journal, { ...asked, messageId: 12 }, buttons.since)).toBeNull();
});
