import { machine } from '../../machines/payment.machine.ts';
import { systemClock } from '../../src/clock.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { openDatabase, openReader } from '../../src/journal/sqlite-open.ts';

/** People of the pictures, and how far each goes with a payment. */
const PEOPLE = [
  { id: 701, name: 'Mia', says: '/pay 12.50 EUR @anna', goes: 'settled' },
  { id: 702, name: 'Jonas', says: '/pay 48 EUR @bakery', goes: 'confirmed' },
  { id: 703, name: 'Aylin', says: '/pay 7.20 EUR @bus', goes: 'asked' },
  { id: 705, name: 'Noah', says: '/pay', goes: 'asked' },
  { id: 706, name: 'דנה', says: 'שלום, אפשר לשלם כאן?', goes: 'asked' },
  { id: 707, name: 'Lucía', says: '/help', goes: 'asked' },
  { id: 708, name: 'Kenji', says: '/pay 15 EUR @ramen', goes: 'confirmed' },
  { id: 709, name: 'Olga', says: 'Thank you 🎉', goes: 'asked' },
  { id: 710, name: 'Sam', says: '/pay 3 USD @coffee', goes: 'asked' },
] as const;

/** The chat that stands still. */
export const STILL = 704;
/** The chat that has the most to show, and has come furthest without an end. */
export const SHOWN = 702;

/** Before the start: a chat that failed at what a user wrote. */
export async function quarantineOne(data: string): Promise<void> {
  const [db, reader] = [openDatabase(data), openReader(data)];
  const journal = openSqliteJournal({ db, reader, bot: '1', clock: systemClock, newStreamId: () => 'pictures' });
  const [id, text] = [String(STILL), '/pay 20 EUR @landlord'];
  const person = { id: STILL, is_bot: false, first_name: 'Theo' };
  const message = {
    message_id: 1,
    date: 1_767_225_600,
    from: person,
    chat: { id: STILL, type: 'private', first_name: 'Theo' },
    text,
  };
  await journal.write(async (tx) => {
    const seq = tx.append({
      type: 'update.received',
      chat: id,
      body: JSON.stringify({ update: { update_id: 1, message } }),
    });
    const error = "Cannot read properties of undefined (reading 'amount')";
    tx.append({
      type: 'chat.quarantined',
      chat: id,
      body: JSON.stringify({ error, machine: machine.id, event: 'message.received', at_seq: seq }),
    });
    tx.saveConversation({
      ...{ id, chat: id, machine: machine.id, version: machine.version ?? '0', status: 'quarantined', state: 'null' },
      ...{ snapshot: 'null', error, lastSeq: seq, updatedAt: tx.now },
    });
    const said = { text, kind: 'text', messageId: 1, from: null, at: new Date(tx.now).toISOString() };
    tx.holdEvent({
      conversation: id,
      seq,
      event: JSON.stringify({ type: 'message.received', ...said }),
      awaited: null,
    });
  });
  await journal.close();
  reader.close();
  db.close();
}

/** Plays the users: payments in several states, a group, a message that nobody knows the fate of. */
export async function play({ url, sandboxUrl, key }: { url: string; sandboxUrl: string; key: string }): Promise<void> {
  const bot = `${sandboxUrl}/sandbox/bots/1:sandbox`;
  const post = async (address: string, body: object, headers: Record<string, string> = {}) => {
    const response = await fetch(address, { method: 'POST', body: JSON.stringify(body), headers });
    if (!response.ok) throw new Error(`${address}: ${await response.text()}`);
    return Object(await response.json());
  };
  const say = (chat: number, from: object, text: string) => post(`${bot}/chats/${chat}/messages`, { text, from });
  const messagesOf = async (chat: number) => Object(await (await fetch(`${bot}/chats/${chat}`)).json()).messages;
  /** Until the bot has written so that this is so of one of its texts. */
  const answered = async (chat: number, words: RegExp) => {
    for (let n = 0; n < 200; n += 1) {
      const found = (await messagesOf(chat)).findLast(({ text }: { text?: string }) => words.test(text ?? ''));
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${chat} was not answered with ${words}`);
  };
  const headers = (name: string) => ({
    ...{ authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': name },
  });

  for (const { id, name, says, goes } of PEOPLE) {
    const from = { id, first_name: name };
    await say(id, from, '/start');
    await answered(id, /./);
    await say(id, from, says);
    if (goes === 'asked') continue;
    const asked = await answered(id, /^Pay /);
    const button = asked.reply_markup.inline_keyboard.flat().find(({ text }: { text: string }) => text === 'Confirm');
    await post(`${bot}/chats/${id}/callbacks`, { message_id: asked.message_id, data: button.callback_data });
    const open = await answered(id, /pay_[0-9a-f]+/);
    if (goes !== 'settled') continue;
    const [paymentId] = /pay_[0-9a-f]+/.exec(open.text) ?? [];
    await post(`${url}/v1/chats/${id}/events`, { type: 'payment.settled', paymentId }, headers(`settled-${id}`));
    await answered(id, /^Settled/);
    await say(id, from, 'Great, thanks! 👍');
  }
  await say(SHOWN, { id: SHOWN, first_name: 'Jonas' }, '/status');
  for (const [n, text] of ['/pay 9 EUR @anna', 'Who pays for the cake? 🎂', 'I do.'].entries())
    await say(-100200, { id: 720 + (n % 2), first_name: n % 2 === 0 ? 'Mia' : 'Jonas' }, text);
  await post(`${bot}/faults`, { method: 'sendMessage', times: 1, kind: 'lost_answer' });
  const lost = { chat_id: 710, text: 'Your receipt is ready.' };
  const { id } = await post(`${url}/v1/messages`, lost, headers('receipt-710'));
  await fetch(`${url}/v1/messages/${id}?wait=50`, { headers: { authorization: `Bearer ${key}` } });
}
