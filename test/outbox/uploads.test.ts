import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { createLog } from '../../src/log.ts';
import { createOutbox } from '../../src/outbox/post.ts';
import { createDiskUploads } from '../../src/uploads/disk.ts';
import { until } from '../ingress/support.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { withLimits } from '../support/limits.ts';
import { newWorld, type Running, runOutbox } from './support.ts';

const PNG = Buffer.from('89504e470d0a1a0a0000000d494844520000000300000002', 'hex');
async function* pieces(...bytes: Buffer[]) {
  yield* bytes;
}
const incoming = (part: string, ...bytes: Buffer[]) => ({
  ...{ part, name: `${part}.bin`, type: 'text/csv', bytes: pieces(...bytes) },
});
const stored = (folder: string): string[] => readdirSync(join(folder, 'uploads'));

/** Posts a call with files; gives the message's id. */
async function postFiles({ uploads, outbox }: Running, body: object, ...parts: ReturnType<typeof incoming>[]) {
  const files = [];
  for (const part of parts) files.push(await uploads.receive(part, 1_000_000, 'key'));
  return (await outbox.accept({ keyId: 'key', chats: null, idempotencyKey: JSON.stringify(body), body, files })).id;
}

test('a file goes from the disk to Telegram as it came, and is deleted once it is there', async () => {
  const running = runOutbox(await newWorld());
  const { bot, folder } = running;
  const large = randomBytes(3_000_000);
  const files = [
    await running.uploads.receive(incoming('document', large.subarray(0, 7), large.subarray(7)), 3_000_000, 'key'),
  ];
  const body = { method: 'sendDocument', chat_id: 1, caption: 'ä', reply_parameters: { message_id: 1 } };
  const { id } = await running.outbox.accept({ keyId: 'key', chats: null, idempotencyKey: 'k', body, files });
  expect((await running.fateOf(id)).status).toBe('sent');
  const { messages } = await bot.control('chats/1');
  const { document, caption, reply_to_message } = messages.at(-1);
  expect([caption, reply_to_message.text]).toEqual(['ä', 'hello']);
  expect(document).toMatchObject({ file_name: 'document.bin', mime_type: 'text/csv', file_size: large.length });
  const { file_path } = (await bot.bot('getFile', { file_id: document.file_id })).result;
  const download = await fetch(`${bot.sandbox.url}/file/bot${bot.token}/${file_path}`);
  expect(Buffer.from(await download.arrayBuffer()).equals(large)).toBe(true);
  await expect.poll(() => stored(folder)).toEqual([]);
});

test('a file as large as a message may have one arrives', async () => {
  const running = runOutbox(await newWorld());
  const file = incoming('document', ...Array.from({ length: 50 }, () => Buffer.alloc(1024 * 1024)));
  const files = [await running.uploads.receive(file, limits.uploadBytesMax, 'key')];
  const body = { method: 'sendDocument', chat_id: 1, caption: 'large' };
  const { id } = await running.outbox.accept({ keyId: 'key', chats: null, idempotencyKey: 'k', body, files });
  expect((await running.fateOf(id)).status).toBe('sent');
});

test('an album of files', async () => {
  const running = runOutbox(await newWorld());
  const media = ['a', 'b'].map((part) => ({ type: 'photo', media: `attach://${part}`, caption: part }));
  const body = { method: 'sendMediaGroup', chat_id: 1, media };
  const id = await postFiles(running, body, incoming('a', PNG), incoming('b', PNG));
  expect((await running.fateOf(id)).status).toBe('sent');
  const { messages } = await running.bot.control('chats/1');
  expect(messages.slice(-2)).toMatchObject([{ caption: 'a', photo: [{ width: 3 }] }, { caption: 'b' }]);
});

test('each try sends the file, and one of unknown fate keeps it until it is resolved', async () => {
  const running = runOutbox(await newWorld());
  await running.bot.control('faults', { method: 'sendPhoto', kind: 'error', error_code: 500 });
  await running.bot.control('faults', { method: 'sendPhoto', kind: 'reset' });
  const id = await postFiles(running, { method: 'sendPhoto', chat_id: 1 }, incoming('photo', PNG));
  await until(async () => {
    await running.advance(1000);
    return running.calls.length === 2;
  });
  expect((await running.fateOf(id)).status).toBe('unknown');
  expect(stored(running.folder)).toHaveLength(1);
  await running.outbox.resolve(id, 'resend');
  expect((await running.fateOf(id)).status).toBe('sent');
  await expect.poll(() => stored(running.folder)).toEqual([]);
});

test('a file that somebody took away fails its message, and no other', async () => {
  const running = runOutbox(await newWorld());
  const soon = { delivery: { send_at: new Date(running.clock.now() + 1000).toISOString() } };
  const id = await postFiles(running, { method: 'sendPhoto', chat_id: 1, ...soon }, incoming('photo', PNG));
  rmSync(join(running.folder, 'uploads', stored(running.folder)[0] ?? ''));
  await running.advance(2000);
  const { status, error } = await running.fateOf(id);
  expect([status, JSON.parse(error ?? '').description]).toEqual([
    'failed',
    'sendPhoto cannot be called: its file photo is not there any more',
  ]);
  expect((await running.fateOf(await running.send(1, 'x'))).status).toBe('sent');
});

test('a key has a share of the room for files, also after a restart; what goes makes room again', async () => {
  withLimits({ keyUploadsHeldBytesMax: 2 * PNG.length });
  const folder = temporaryFolder();
  const journal = openJournal(folder, manualClock());
  const log = createLog('silent', process.stdout);
  const uploads = createDiskUploads({ folder, journal, randomBytes, log });
  const receive = (keyId: string, by = uploads) => by.receive(incoming('photo', PNG), 1000, keyId);
  const kept = [await receive('greedy')];
  const body = { method: 'sendPhoto', chat_id: 1 };
  const outbox = createOutbox({ journal, clock: manualClock(), uploads });
  await outbox.accept({ keyId: 'greedy', chats: null, idempotencyKey: 'k', body, files: kept });
  const second = await receive('greedy');
  await expect(receive('greedy')).rejects.toMatchObject({ code: 'quota_exceeded' });
  await receive('other');
  await uploads.discard([second]);
  await receive('greedy');

  const restarted = createDiskUploads({ folder, journal, randomBytes, log });
  await restarted.sweep();
  await receive('greedy', restarted);
  await expect(receive('greedy', restarted)).rejects.toMatchObject({ code: 'quota_exceeded' });
});

test('after a crash: files of no message go, files of messages that had ended go, files that wait stay and are sent', async () => {
  const folder = temporaryFolder();
  const clock = manualClock();
  const log = createLog('silent', process.stdout);
  const journal = openJournal(folder, clock);
  const uploads = createDiskUploads({ folder, journal, randomBytes, log });
  const outbox = createOutbox({ journal, clock, uploads });
  const accept = async (idempotencyKey: string) => {
    const files = [await uploads.receive(incoming('photo', PNG), 1000, 'key')];
    const body = { method: 'sendPhoto', chat_id: 1 };
    await outbox.accept({ keyId: 'key', chats: null, idempotencyKey, body, files });
    return files[0]?.stored ?? '';
  };
  const ended = await accept('a');
  const waiting = await accept('b');
  // Between the upload and the commit.
  await uploads.receive(incoming('photo', PNG), 1000, 'key');
  writeFileSync(join(folder, 'uploads', 'half-written'), 'x');
  // Between the fate and the deletion: nobody listens to this commit.
  const deaf = openJournal(folder, clock);
  await deaf.write(async (tx) => {
    tx.changeMessage(1, { status: 'failed' });
    tx.append({ type: 'message.failed', chat: '1', body: '{"message":{"id":"1-1"}}' });
  });
  await deaf.close();
  expect(stored(folder)).toHaveLength(4);
  expect(stored(folder)).toContain(ended);

  const again = openJournal(folder, clock);
  const restarted = createDiskUploads({ folder, journal: again, randomBytes, log });
  await restarted.sweep();
  expect(stored(folder)).toEqual([waiting]);
  expect((await again.messagesWithFiles()).map(({ seq }) => seq)).toEqual([2]);
  await createOutbox({ journal: again, clock, uploads: restarted }).cancel('1-2');
  await expect.poll(() => stored(folder)).toEqual([]);
});
