import { systemClock } from '../../src/clock.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { openDatabase, openReader } from '../../src/journal/sqlite-open.ts';
import { addMessage } from '../../src/outbox/outbox.ts';
import type { Bench } from './bench.ts';
import type { LoadOrder } from './load-server.ts';
import { startPeer } from './process.ts';

const MANY = 1_000_000;
const FEW = 1000;
const CHATS = 100_000;
const CLAIMS = 500;
const SENDS = 3000;

/** What a claim costs with few and with a million messages waiting, and the memory of a process that sends beside a million. */
export async function waiting({ folder, print }: Bench): Promise<void> {
  const { journal, close } = open(folder);
  await fill(journal, FEW, 0);
  await claims(journal);
  const few = await claims(journal);
  await fill(journal, MANY - FEW, FEW);
  await claims(journal);
  const many = await claims(journal);
  print('a claim of 8 messages, 1,000 waiting', `${few.toFixed(2)} ms of CPU`);
  print('the same, 1,000,000 waiting', `${many.toFixed(2)} ms of CPU: ${(many / few).toFixed(2)} times`);
  await close();

  const server = startPeer('load-server.ts', []);
  const { url } = await server.message<{ url: string }>('url');
  const done = server.message('done');
  server.child.send({ mode: 'sends', sends: SENDS, updates: 0, chats: 1 } satisfies LoadOrder);
  const rates = { chatPerS: 10_000, chatBurst: 10_000, overallPerS: 1000, overallBurst: 1000 };
  const begunAt = performance.now();
  const peer = startPeer('switchboard-peer.ts', ['counting', '0', JSON.stringify(rates)], {
    TELEGRAM_BOT_TOKEN: '1:load',
    TELEGRAM_API_ROOT: url,
    SWITCHBOARD_PORT: '0',
    SWITCHBOARD_DATA: folder,
  });
  await peer.message('url');
  print('start to serving, 1,000,000 waiting', `${Math.round(performance.now() - begunAt)} ms`);
  await done;
  print(`memory after ${SENDS.toLocaleString('en')} of them were sent`, `RSS ${Math.round(peer.rssMib())} MiB`);
  await peer.stop();
  await server.stop();
}

function open(folder: string): { readonly journal: Journal; close(): Promise<void> } {
  const [db, reader] = [openDatabase(folder), openReader(folder)];
  const journal = openSqliteJournal({ db, reader, bot: '1', newStreamId: () => 'bench', clock: systemClock });
  return {
    journal,
    async close() {
      await journal.close();
      db.close();
      reader.close();
    },
  };
}

/** A stride over the chats, so that successive messages are of chats far apart. */
async function fill(journal: Journal, count: number, from: number): Promise<void> {
  const plain = { method: 'sendMessage', sendAt: null, expiresAt: null, onUnknown: 'hold', keyId: null } as const;
  for (let n = 0; n < count; n += 1000) {
    await journal.write(async (tx) => {
      for (let k = n; k < Math.min(n + 1000, count); k += 1) {
        const chat = 1_000_000_000 + (((from + k) * 7919) % CHATS);
        const params = JSON.stringify({ chat_id: chat, text: `Message ${from + k}: your order is on its way` });
        addMessage(tx, '1', { ...plain, chat: String(chat), params, priority: 1 });
      }
    });
  }
}

/** Claims a few at a time, as the sender does; ms of CPU a claim. What was claimed is queued again. */
async function claims(journal: Journal): Promise<number> {
  let us = 0;
  for (let n = 0; n < CLAIMS; n += 1) {
    const before = process.cpuUsage();
    const claimed = await journal.write(async (tx) => {
      await tx.dueMessages();
      const messages = await tx.claimable(8);
      tx.claim(messages);
      await tx.nextMessageAt();
      return messages;
    });
    const { user, system } = process.cpuUsage(before);
    us += user + system;
    await journal.write(async (tx) => {
      for (const message of claimed) {
        const known = { ...message, status: 'sending', attempts: message.attempts + 1 } as const;
        tx.changeMessage(message.seq, { status: 'queued', dueAt: 0 }, known);
      }
    });
  }
  return us / 1000 / CLAIMS;
}
