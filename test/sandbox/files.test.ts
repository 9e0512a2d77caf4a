import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { bodyOf, start } from './start.ts';

/** A PNG's beginning: all that the sandbox looks at. 3 pixels wide, 2 high. */
const PNG = Buffer.from('89504e470d0a1a0a0000000d494844520000000300000002', 'hex');

function upload(fields: Record<string, string>, files: Record<string, Uint8Array<ArrayBuffer>>): RequestInit {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  for (const [name, bytes] of Object.entries(files))
    body.set(name, new File([bytes], 'report.csv', { type: 'text/csv' }));
  return { method: 'POST', body };
}

test('an uploaded document is sent, found by its file_id, and downloaded unchanged', async () => {
  const { sandbox, token, bot, call, write } = await start();
  await write(777, 'hello');
  const bytes = crypto.getRandomValues(new Uint8Array(65_536));
  const sent = upload({ chat_id: '777', caption: 'All of it' }, { document: bytes });
  const answer = await bodyOf(await call('sendDocument', sent));
  expect(answer.result).toMatchObject({
    caption: 'All of it',
    document: { file_name: 'report.csv', mime_type: 'text/csv', file_size: 65_536 },
  });
  const { file_id } = answer.result.document;
  const file = (await bot('getFile', { file_id })).result;
  const download = await fetch(`${sandbox.url}/file/bot${token}/${file.file_path}`);
  expect(Buffer.from(await download.arrayBuffer()).equals(bytes)).toBe(true);
  const again = await bot('sendDocument', { chat_id: 777, document: file_id });
  expect(again.result.document.file_id).toBe(file_id);
});

test('a photo may come by attach://, by file_id and by URL', async () => {
  const { sandbox, token, bot, call, write } = await start();
  await write(777, 'hello');
  const attached = upload({ chat_id: '777', photo: 'attach://picture' }, { picture: PNG });
  const { result } = await bodyOf(await call('sendPhoto', attached));
  expect(result.photo).toEqual([expect.objectContaining({ width: 3, height: 2, file_size: PNG.length })]);
  const { file_id } = result.photo[0];
  expect((await bot('sendPhoto', { chat_id: 777, photo: file_id })).result.photo[0].file_id).toBe(file_id);
  const { file_path } = (await bot('getFile', { file_id })).result;
  const url = `${sandbox.url}/file/bot${token}/${file_path}`;
  expect((await bot('sendPhoto', { chat_id: 777, photo: url })).result.photo[0].width).toBe(3);
});

test('a URL that never ends is refused at the bound, and its connection is dropped', async () => {
  const { bot, write } = await start();
  await write(777, 'hello');
  let sent = 0;
  const server = createServer((_, response) => {
    const chunk = Buffer.alloc(256 * 1024);
    const pour = (): void => {
      while (!response.destroyed) {
        sent += chunk.length;
        if (!response.write(chunk)) return;
      }
    };
    response.on('drain', pour).on('close', () => server.emit('left'));
    pour();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const left = once(server, 'left');
  const document = `http://127.0.0.1:${(server.address() as AddressInfo).port}/endless.bin`;
  const answer = await bot('sendDocument', { chat_id: 777, document });
  expect(answer.description).toBe('Bad Request: failed to get HTTP URL content');
  await left;
  expect(sent).toBeGreaterThan(limits.sandboxDownloadBytesMax);
});

test.each([
  ['no document', 'sendDocument', {}, 'there is no document in the request'],
  ['an unknown file_id', 'sendDocument', { document: 'AgAC' }, 'wrong file identifier/HTTP URL specified'],
  ['a URL that leads nowhere', 'sendPhoto', { photo: 'http://127.0.0.1:9/x.png' }, 'failed to get HTTP URL content'],
  ['an over-long caption', 'sendPhoto', { photo: 'x', caption: 'x'.repeat(1025) }, 'message caption is too long'],
  ['an unknown file', 'getFile', { file_id: 'AgAC' }, 'invalid file_id'],
  ['no file', 'getFile', {}, 'file_id not specified'],
])('%s is refused', async (_, method, params, why) => {
  const { bot, write } = await start();
  await write(777, 'hello');
  expect((await bot(method, { chat_id: 777, ...params })).description).toBe(`Bad Request: ${why}`);
});

test('what is no picture, or empty, is refused as a photo', async () => {
  const { call, write } = await start();
  await write(777, 'hello');
  const send = async (bytes: Uint8Array<ArrayBuffer>) =>
    (await bodyOf(await call('sendPhoto', upload({ chat_id: '777' }, { photo: bytes })))).description;
  expect(await send(new Uint8Array([1, 2, 3]))).toBe('Bad Request: IMAGE_PROCESS_FAILED');
  expect(await send(new Uint8Array())).toBe('Bad Request: file must be non-empty');
});

test('a user’s picture and document can be downloaded; another bot cannot use their ids', async () => {
  const { sandbox, token, bot, control } = await start();
  await control('chats/777/messages', { photo: { base64: PNG.toString('base64') }, caption: 'Look' });
  const document = { base64: Buffer.from('a;b').toString('base64'), file_name: 'x.csv', mime_type: 'text/csv' };
  await control('chats/777/messages', { document });
  const { result } = await bot('getUpdates');
  expect(result[0].message).toMatchObject({ caption: 'Look', photo: [{ width: 3 }] });
  const { file_id } = result[1].message.document;
  const { file_path } = (await bot('getFile', { file_id })).result;
  expect(await (await fetch(`${sandbox.url}/file/bot${token}/${file_path}`)).text()).toBe('a;b');
  const other = await fetch(`${sandbox.url}/bot99:other/getFile?file_id=${file_id}`);
  expect((await bodyOf(other)).description).toBe('Bad Request: invalid file_id');
  expect((await fetch(`${sandbox.url}/file/bot99:other/${file_path}`)).status).toBe(404);
});
