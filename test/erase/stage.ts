import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createSqlitePaymentStore } from '../../src/backend/sqlite.ts';
import { systemClock } from '../../src/clock.ts';
import type { Eraser } from '../../src/erase/eraser.ts';
import { buildEraser } from '../../src/erasing.ts';
import type { Journal, NewEntry } from '../../src/journal/journal.ts';
import { openAgain } from '../../src/journal/sqlite-open.ts';
import { addMessage } from '../../src/outbox/outbox.ts';
import { createDiskUploads } from '../../src/uploads/disk.ts';
import { openIndex } from '../console/support.ts';
import { conversation, request, timer } from '../journal/records.ts';
import { openJournal } from '../support/journal.ts';

/** Whom the tests erase: a private chat, and so its user too. */
export const ANNA = 7001;
export const GROUP = -1001;
const BEN = 7002;

/** No two begin alike: an index of words keeps of each what differs from the one before it. None begins another. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const words = Array.from({ length: 26 * 3 }, (_, n) => `${LETTERS[n % 26]}${LETTERS[(n * 7 + 3) % 26]}zzplantedq${n}e`);

export interface Planted {
  /** Words of Anna's, each in one place. */
  readonly hers: string[];
  /** Words of others. */
  readonly others: string[];
}

/** Fills a data folder with something of Anna's in every place there is, and of others beside it. */
export async function plant(folder: string): Promise<Planted> {
  const journal = openJournal(folder, systemClock);
  const planted: Planted = { hers: [], others: [] };
  const left = [...words];
  const next = (list: string[]): string => {
    const word = left.shift() ?? '';
    list.push(word);
    return word;
  };
  const hers = () => next(planted.hers);
  const others = () => next(planted.others);

  const anna = { id: ANNA, is_bot: false, first_name: hers(), username: hers() };
  const ben = { id: BEN, is_bot: false, first_name: others() };
  const group = { id: GROUP, type: 'supergroup', title: others() };
  const ownChat = { id: ANNA, type: 'private', first_name: anna.first_name };
  let id = 100;
  const update = (chat: number, kind: string, content: object): NewEntry => {
    id += 1;
    const body = JSON.stringify({ update: { update_id: id, [kind]: { message_id: id, date: 1, ...content } } });
    return { type: 'update.received', chat: String(chat), updateId: id, body };
  };
  const entry = (type: NewEntry['type'], chat: number, body: object): NewEntry => ({
    ...{ type, chat: String(chat), body: JSON.stringify(body) },
  });
  const inGroup = { chat: group, from: ben };

  const uploads = createDiskUploads({ folder, journal, randomBytes, log: { warn: () => {} } });
  const upload = await uploads.receive(
    { part: 'photo', name: hers(), type: 'image/png', bytes: chunks(`a picture of ${hers()}`) },
    1000,
    'key',
  );

  await journal.write(async (tx) => {
    tx.append(update(ANNA, 'message', { chat: ownChat, from: anna, text: hers() }));
    tx.append(update(ANNA, 'edited_message', { chat: ownChat, from: anna, caption: hers(), photo: [] }));
    tx.append(entry('event.received', ANNA, { event: { type: 'note.made', note: hers() } }));
    tx.append(entry('timer.fired', ANNA, { timer: 'later', event: { type: 'later', note: hers() } }));
    tx.append(entry('request.answered', ANNA, { request: 'x', src: 'openPayment', output: { note: hers() } }));
    tx.append(entry('chat.emitted', ANNA, { event: { type: 'told', note: hers() } }));
    tx.append(entry('chat.quarantined', ANNA, { error: hers(), machine: 'payment', at_seq: 1 }));
  });
  await journal.write(async (tx) => {
    tx.append(update(GROUP, 'message', { chat: group, from: anna, text: hers() }));
    const replied = { message_id: 3, date: 1, chat: group, from: anna, text: hers() };
    tx.append(
      update(GROUP, 'message', { ...inGroup, text: others(), reply_to_message: replied, quote: { text: hers() } }),
    );
    tx.append(
      update(GROUP, 'message', { ...inGroup, text: hers(), forward_origin: { type: 'user', sender_user: anna } }),
    );
    const contact = { user_id: ANNA, first_name: hers(), phone_number: hers() };
    tx.append(update(GROUP, 'message', { ...inGroup, contact }));
    tx.append(update(GROUP, 'message', { ...inGroup, text: others() }));
    tx.append(
      entry('event.received', GROUP, { conversation: `${GROUP}:u${ANNA}`, event: { type: 'x.y', note: hers() } }),
    );
    const pressed = { id: '998877', from: anna, message: { message_id: 3, date: 1, chat: group }, data: hers() };
    tx.append(update(GROUP, 'callback_query', pressed));
    const poll = { poll_id: '5', user: anna, option_ids: [0], note: hers() };
    tx.append({ ...update(0, 'poll_answer', poll), chat: null });
    tx.append(
      update(BEN, 'message', {
        chat: { id: BEN, type: 'private' },
        from: ben,
        text: others(),
        contact: { ...contact, first_name: hers() },
      }),
    );
  });
  const wish = { sendAt: null, expiresAt: null, onUnknown: 'hold', priority: 1 } as const;
  const call = (chat: number, method: string, params: object, files: string | null = null) => ({
    ...wish,
    ...{ chat: String(chat), method, keyId: 'key', params: JSON.stringify({ chat_id: chat, ...params }), files },
  });
  await journal.write(async (tx) => {
    const sent = addMessage(tx, '1', call(ANNA, 'sendMessage', { text: hers() }));
    tx.changeMessage(sent.seq, { status: 'sent', telegramMessageId: 4 });
    addMessage(tx, '1', call(ANNA, 'sendMessage', { text: hers() }));
    const lost = addMessage(tx, '1', call(ANNA, 'sendPhoto', { caption: hers() }, JSON.stringify([upload])));
    tx.changeMessage(lost.seq, { status: 'unknown', error: JSON.stringify({ code: 0, description: hers() }) });
    uploads.keep(`1-${lost.seq}`, [upload]);
    const answer = addMessage(tx, '1', call(0, 'answerCallbackQuery', { callback_query_id: '998877', text: hers() }));
    tx.changeMessage(answer.seq, { status: 'sent' });
    const toGroup = addMessage(tx, '1', call(GROUP, 'sendMessage', { text: others() }));
    tx.changeMessage(toGroup.seq, { status: 'sent', telegramMessageId: 5 });
    const named = addMessage(
      tx,
      '1',
      call(GROUP, 'setChatAdministratorCustomTitle', { user_id: ANNA, custom_title: hers() }),
    );
    tx.changeMessage(named.seq, { status: 'sent' });
    tx.remember('key', hers(), { requestHash: 'h', answer: JSON.stringify({ id: `1-${sent.seq}`, chat_id: ANNA }) });
    tx.remember('key', hers(), { requestHash: 'h', answer: '3' });
    tx.remember('key', others(), {
      requestHash: 'h',
      answer: JSON.stringify({ id: `1-${toGroup.seq}`, chat_id: GROUP }),
    });
    tx.closeChat(String(ANNA), JSON.stringify({ code: 403, description: hers() }), sent.seq);
    tx.hold({ chat: String(ANNA), waitMs: 60_000 });

    const snapshot = (context: object) => JSON.stringify({ value: 'idle', status: 'active', context });
    tx.saveConversation(
      conversation(String(ANNA), { status: 'quarantined', error: hers(), snapshot: snapshot({ note: hers() }) }),
    );
    tx.saveConversation(conversation(`${GROUP}:u${ANNA}`, { snapshot: snapshot({ note: hers() }) }));
    tx.saveConversation(
      conversation(String(GROUP), { snapshot: snapshot({ from: { id: ANNA, firstName: hers() }, note: others() }) }),
    );
    for (const of of [String(ANNA), `${GROUP}:u${ANNA}`]) {
      tx.setTimer({
        ...timer(of, 'later', Number.MAX_SAFE_INTEGER),
        event: JSON.stringify({ type: 'later', note: hers() }),
      });
      tx.addRequest({ ...request(`r-${of}`, of), input: JSON.stringify({ note: hers() }) });
    }
    const event = (note: string) => JSON.stringify({ type: 'message.received', text: note, from: { id: ANNA } });
    tx.holdEvent({ conversation: String(ANNA), seq: 1, event: event(hers()), awaited: null });
    tx.holdEvent({ conversation: String(GROUP), seq: 8, event: event(hers()), awaited: null });
  });
  await journal.close();
  const own = openAgain(folder);
  own.prepare('INSERT INTO read_marks (key_id, chat, seq) VALUES (?, ?, ?)').run('key', String(ANNA), 5);
  const payments = createSqlitePaymentStore(own, systemClock);
  const payment = (key: string, conversation: string, recipient: string) =>
    payments.keep({
      ...{ key, id: key, conversation, recipient, amount: '1.00', currency: 'EUR' },
      declined: null,
      createdAt: 1,
    });
  await payment('a', String(ANNA), hers());
  await payment('b', `${GROUP}:u${ANNA}`, hers());
  await payment('c', String(BEN), others());
  own.close();
  const index = openIndex(folder);
  index.settle();
  index.close();
  return planted;
}

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** A life of a process that erases. `writes`: it is killed after so many commits. */
export function openEraser(folder: string, writes = Number.POSITIVE_INFINITY) {
  const real = openJournal(folder, systemClock);
  let committed = 0;
  const journal: Journal = {
    ...real,
    async write(job, patient) {
      if (committed >= writes) throw new Error('killed');
      const result = await real.write(job, patient);
      committed += 1;
      if (committed >= writes) throw new Error('killed');
      return result;
    },
  };
  const index = openIndex(folder);
  const own = openAgain(folder);
  const uploads = createDiskUploads({ folder, journal, randomBytes, log: { warn: () => {} } });
  let rewritten = 0;
  const eraser: Eraser = buildEraser({
    ...{ folder, journal, clock: systemClock, uploads },
    log: { info: () => {}, warn: () => {} },
    rewrite: (job) => journal.write(async (tx) => void (await job(tx))),
    onRewritten() {
      rewritten += 1;
    },
    payments: () => createSqlitePaymentStore(own, systemClock),
    index: { erase: async (erased) => index.indexing.erase(erased), empty: async () => index.indexing.empty() },
  });
  const close = async (): Promise<void> => {
    await real.close();
    index.close();
    if (own.isOpen) own.close();
  };
  onTestFinished(close);
  return { journal: real, eraser, index, uploads, close, rewritten: () => rewritten };
}

/** The bytes of all files of a folder. */
export function bytesIn(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1')).join('\n');
}

/** Those of the words that some file has. */
export function found(folder: string, wanted: readonly string[]): string[] {
  const bytes = bytesIn(folder);
  return wanted.filter((word) => bytes.includes(word));
}
