import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { settle } from '../support/clock.ts';
import { isoFromNow } from '../support/from-now.ts';
import { type Edge, json, startEdge } from './edge.ts';

const PATH = '/v1/messages';

/** A form of texts and files; a file's name is that of its part. */
function form(fields: Record<string, string>, files: Record<string, string | Uint8Array<ArrayBuffer>> = {}): FormData {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  for (const [name, bytes] of Object.entries(files)) body.set(name, new File([bytes], `${name}.bin`));
  return body;
}

const post = (edge: Edge, body: FormData | string, key = 'k', headers: Record<string, string> = {}) =>
  fetch(edge.url + PATH, {
    method: 'POST',
    body,
    headers: { ...edge.admin.header, 'idempotency-key': key, ...headers },
  });

const stored = (edge: Edge): string[] => readdirSync(join(edge.folder, 'uploads'));
const problem = async (response: Response) => {
  const { status, code, errors } = Object(await json(response));
  return `${status} ${code} ${errors?.[0].field ?? ''}`.trim();
};

describe('a form with a file', () => {
  test('is a message, its file on the disk until the fate is final', async () => {
    const edge = await startEdge();
    const fields = { method: 'sendDocument', chat_id: '777', caption: 'All', disable_notification: 'true' };
    const response = await post(edge, form(fields, { document: 'a;b' }));
    expect([response.status, await json(response)]).toMatchObject([202, { id: '123-1', chat_id: 777 }]);
    const message = await edge.outbox.find('123-1');
    expect(JSON.parse(message?.params ?? '')).toEqual({
      ...{ chat_id: 777, caption: 'All', disable_notification: true, document: 'attach://document' },
    });
    const [name = ''] = stored(edge);
    expect(readFileSync(join(edge.folder, 'uploads', name), 'utf8')).toBe('a;b');
    const [entry] = await edge.journal.read({ from: 1, limit: 1 });
    expect(JSON.parse(entry?.body ?? '').message.files).toEqual([
      { part: 'document', name: 'document.bin', type: 'application/octet-stream', size: 3 },
    ]);
    await edge.outbox.cancel('123-1');
    await expect.poll(() => stored(edge)).toEqual([]);
    await expect.poll(async () => (await edge.outbox.find('123-1'))?.files).toBeNull();
  });

  test('again with the same key: the first answer, by the content of its files, and nothing is kept twice', async () => {
    const edge = await startEdge();
    const fields = { method: 'sendPhoto', chat_id: '777' };
    const first = await json(await post(edge, form(fields, { photo: 'x' })));
    const again = await post(edge, form(fields, { photo: 'x' }));
    expect([again.headers.get('idempotent-replayed'), await json(again)]).toEqual(['true', first]);
    expect(await problem(await post(edge, form(fields, { photo: 'y' })))).toBe('422 idempotency_key_reused');
    expect(await problem(await post(edge, form({ ...fields, caption: 'x' }, { photo: 'x' })))).toBe(
      '422 idempotency_key_reused',
    );
    await expect.poll(() => stored(edge).length).toBe(1);
  });

  test('has its delivery as JSON, and its files by attach:// too', async () => {
    const edge = await startEdge();
    const media = [
      { type: 'photo', media: 'attach://front' },
      { type: 'photo', media: 'attach://back' },
    ];
    const fields = {
      method: 'sendMediaGroup',
      chat_id: '777',
      media: JSON.stringify(media),
      delivery: '{"send_at":"2099-01-01T00:00:00Z"}',
    };
    expect(await problem(await post(edge, form(fields, { front: 'x', back: 'y' })))).toBe(
      '400 request_invalid delivery/send_at',
    );
    const soon = JSON.stringify({ send_at: isoFromNow(60_000) });
    const good = form({ ...fields, delivery: soon }, { front: 'x', back: 'y' });
    expect(await json(await post(edge, good))).toMatchObject({ status: 'scheduled' });
    await expect.poll(() => stored(edge).length).toBe(2);
  });
});

describe('nothing stays of a form that is refused', () => {
  const photo = { method: 'sendPhoto', chat_id: '777' };
  test.each([
    [
      'a caption too long',
      form({ ...photo, caption: 'x'.repeat(1025) }, { photo: 'x' }),
      '422 message_invalid caption',
    ],
    ['a file that nobody refers to', form({ ...photo, photo: 'AgAC' }, { other: 'x' }), '422 message_invalid other'],
    ['a part that is missing', form({ ...photo, photo: 'attach://x' }), '422 message_invalid x'],
    [
      'a method that is not allowed',
      form({ method: 'setWebhook' }, { certificate: 'x' }),
      '403 method_forbidden method',
    ],
    ['a delivery that is no JSON', form({ ...photo, delivery: '{' }, { photo: 'x' }), '400 request_invalid delivery'],
  ])('%s', async (_, body, expected) => {
    const edge = await startEdge();
    expect(await problem(await post(edge, body))).toBe(expected);
    await expect.poll(() => stored(edge)).toEqual([]);
  });

  test('without an idempotency key, or with a key that may not write, it is not even read', async () => {
    const edge = await startEdge();
    expect(await problem(await post(edge, form(photo, { photo: 'x' }), ''))).toMatch('400 idempotency_key_missing');
    const reader = edge.key('operator').header;
    expect(await problem(await post(edge, form(photo, { photo: 'x' }), 'k', reader))).toBe('403 scope_missing');
    expect(stored(edge)).toEqual([]);
  });

  test('files over the bound, one or all together: 413', async () => {
    const edge = await startEdge();
    // As if the bound were 1000 bytes: the real one takes its time.
    const { receive } = edge.parts.uploads;
    edge.parts.uploads.receive = (part, bytesMax, keyId) =>
      receive(part, bytesMax - limits.uploadBytesMax + 1000, keyId);
    const large = new Uint8Array(1000);
    expect((await post(edge, form(photo, { photo: large }))).status).toBe(202);
    expect(await problem(await post(edge, form(photo, { photo: large, b: 'x' }), 'k2'))).toBe('413 body_too_large');
    const over = new Uint8Array(1001);
    expect(await problem(await post(edge, form(photo, { photo: over }), 'k3'))).toBe('413 body_too_large');
    await expect.poll(() => stored(edge).length).toBe(1);
  });

  test('more files than a message can have: 413', async () => {
    const edge = await startEdge();
    const many = Object.fromEntries(Array.from({ length: limits.uploadFilesMax + 1 }, (_, i) => [`f${i}`, 'x']));
    expect(await problem(await post(edge, form(photo, many)))).toBe('413 body_too_large');
    await expect.poll(() => stored(edge)).toEqual([]);
  });

  test('fields over 1 MiB all together, names and file names included: 413', async () => {
    const edge = await startEdge();
    const long = 'x'.repeat(limits.bodyBytesMax / 2);
    const half = { chat_id: '777', text: 'hi', a: long };
    expect((await post(edge, form(half))).status).toBe(202);
    expect(await problem(await post(edge, form({ ...half, b: long }), 'k2'))).toBe('413 body_too_large');
    const names = Array.from({ length: 30 }, (_, n) => [`${n}${'n'.repeat(40_000)}`, '']);
    expect(await problem(await post(edge, form(Object.fromEntries(names)), 'k3'))).toBe('413 body_too_large');
    const named = form({ ...photo, a: long, b: long.slice(20_000) });
    named.set('photo', new File(['x'], 'n'.repeat(40_000)));
    expect(await problem(await post(edge, named, 'k4'))).toBe('413 body_too_large');
    await expect.poll(() => stored(edge)).toEqual([]);
  });

  test('more fields than a form can have: 413', async () => {
    const edge = await startEdge();
    const many = Object.fromEntries(Array.from({ length: limits.formFieldsMax - 1 }, (_, i) => [`f${i}`, 'x']));
    expect((await post(edge, form({ chat_id: '777', ...many }))).status).toBe(400);
    expect(await problem(await post(edge, form({ chat_id: '777', text: 'hi', ...many }), 'k2'))).toBe(
      '413 body_too_large',
    );
  });

  const CRLF = '\r\n';
  const part = (name: string, text: string) =>
    `--b${CRLF}content-disposition: form-data; name="${name}"; filename="x"${CRLF}${CRLF}${text}${CRLF}`;
  test.each([
    ['that ends in the middle', part('photo', 'x'), 'multipart/form-data; boundary=b'],
    ['without a boundary', `${part('photo', 'x')}--b--`, 'multipart/form-data'],
    [
      'with two parts of one name',
      `${part('photo', 'x')}${part('photo', 'y')}--b--`,
      'multipart/form-data; boundary=b',
    ],
    ['that is no form', 'hello', 'multipart/form-data; boundary=b'],
  ])('a form %s: 400', async (_, body, type) => {
    const edge = await startEdge();
    expect(await problem(await post(edge, body, 'k', { 'content-type': type }))).toBe('400 body_malformed');
    await expect.poll(() => stored(edge)).toEqual([]);
  });

  test('a form whose sender leaves in the middle', async () => {
    const edge = await startEdge();
    const { hostname, port } = new URL(edge.url);
    const socket = connect(Number(port), hostname);
    const head = [
      `POST ${PATH} HTTP/1.1`,
      'Host: x',
      `Authorization: ${edge.admin.header.authorization}`,
      'Idempotency-Key: k',
      'Content-Type: multipart/form-data; boundary=b',
      'Content-Length: 100000',
    ];
    socket.write(`${head.join(CRLF)}${CRLF}${CRLF}${part('photo', 'x'.repeat(5000))}`);
    await expect.poll(() => stored(edge).length).toBe(1);
    socket.destroy();
    await expect.poll(() => stored(edge)).toEqual([]);
  });

  test('a form at any other address: 415', async () => {
    const edge = await startEdge();
    const init = { method: 'POST', body: form(photo, { photo: 'x' }), headers: edge.admin.header };
    for (const path of ['/v1/messages/batch', '/v1/keys', '/v1/messages/123-1/resolve']) {
      expect(await problem(await fetch(edge.url + path, init))).toBe('415 media_type_unsupported');
    }
    await settle();
    expect(stored(edge)).toEqual([]);
  });
});
