import { connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { manualClock, settle } from '../support/clock.ts';
import { type Edge, json, startEdge, until } from './edge.ts';

/** A bare connection with a stream, of which nothing is read until a test says so. */
async function bareReader(edge: Edge): Promise<Socket> {
  const socket = send(edge, '/v1/events');
  await until(() => edge.status.getSnapshot().context.operators.connected === 1);
  socket.pause();
  return socket;
}

/** Asks for the paths in one go, without waiting for answers. */
function send(edge: Edge, ...paths: string[]): Socket {
  const socket = connect(Number(new URL(edge.url).port), '127.0.0.1');
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  const { authorization } = edge.admin.header;
  socket.write(
    paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\n\r\n`).join(''),
  );
  return socket;
}

/** Reads so many bytes, and no more. */
function take(socket: Socket, bytes: number): Promise<void> {
  return new Promise((resolve) => {
    let taken = 0;
    const count = (chunk: Buffer) => {
      taken += chunk.length;
      if (taken < bytes) return;
      socket.off('data', count);
      socket.pause();
      resolve();
    };
    socket.on('data', count);
    socket.resume();
  });
}

/** What else comes until the connection ends, or so many bytes of it. */
function rest(socket: Socket, most = Number.POSITIVE_INFINITY): Promise<number> {
  return new Promise((resolve) => {
    let taken = 0;
    socket.on('data', (chunk) => {
      taken += chunk.length;
      if (taken >= most) resolve(taken);
    });
    socket.on('close', () => resolve(taken));
    socket.resume();
  });
}

/** 20 MB of entries. */
async function fill(edge: Edge): Promise<void> {
  const text = 'x'.repeat(100_000);
  for (let n = 0; n < 200; n += 1) await edge.append('7', { text });
}

/** So long by the sockets' own time. */
const clockMs = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Bytes in buffers that are still held. */
async function heldBytes(): Promise<number> {
  // Buffers are freed a turn after their objects.
  for (let n = 0; n < 3; n += 1) {
    collectGarbage();
    await settle();
  }
  return process.memoryUsage().arrayBuffers;
}

describe('a reader that takes little', () => {
  test('gets everything, in order, and holds little memory here', async () => {
    const edge = await startEdge();
    const slow = await bareReader(edge);
    const before = await heldBytes();
    const text = 'x'.repeat(4000);
    for (let n = 0; n < 80; n += 1) {
      await edge.journal.write(async (tx) => {
        for (let m = 0; m < 250; m += 1) {
          tx.append({ type: 'update.received', chat: '7', body: JSON.stringify({ update: { text } }) });
        }
      });
    }
    // 80 MB were published: the ring holds 8 of them, the socket a part of one.
    await until(() => edge.journal.bounds().head === 20_000);
    expect((await heldBytes()) - before).toBeLessThan(12_000_000);
    let seqs = 0;
    let inOrder = true;
    let rest = '';
    slow.on('data', (chunk) => {
      rest += chunk.toString('latin1');
      const frames = rest.split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) {
        const seq = /^data: \{"seq":(\d+)/m.exec(frame)?.[1];
        if (seq === undefined) continue;
        seqs += 1;
        inOrder &&= Number(seq) === seqs;
      }
    });
    slow.resume();
    await until(() => seqs === 20_000);
    expect(inOrder).toBe(true);
  });

  test('is seen to lag by admins, in the metrics and in readyz', async () => {
    const clock = manualClock();
    const edge = await startEdge({ clock });
    await bareReader(edge);
    const fast = await edge.get('/v1/events?chat=9');
    const text = 'x'.repeat(100_000);
    for (let n = 0; n < 200; n += 1) await edge.append('7', { text });
    const seen = () => edge.operators.list({ after: 0, limit: 2 });
    await until(() => seen()[0]?.state === 'blocked' && seen()[1]?.lag === 0);
    await clock.advance(1000);
    const [slow, other] = seen();
    expect(slow?.lag).toBeGreaterThan(0);
    expect(slow?.pending).toBeGreaterThan(0);
    expect(other).toMatchObject({ state: 'live', pending: 0 });
    const metrics = await (await edge.get('/metrics')).text();
    expect(metrics).toContain('switchboard_operators_connected 2\n');
    expect(metrics).toContain('switchboard_operators_behind 1\n');
    expect(metrics).toContain(`switchboard_operators_lag ${slow?.lag}\n`);
    expect(Number(/switchboard_operators_bytes_total (\d+)/.exec(metrics)?.[1])).toBeGreaterThan(100_000);
    const { bytes } = edge.status.getSnapshot().context.operators;
    expect(bytes).toBeGreaterThan(100_000);
    const readers = { connected: 2, behind: 1, lag: slow?.lag, bytes };
    expect(await json(await edge.get('/readyz'))).toMatchObject({ operators: readers });
    // A stream that nobody holds on to is given up by the client.
    await fast.body?.cancel();
  });

  test('and then nothing for long is closed: a stream, and an answer', async () => {
    const edge = await startEdge({ stuckMs: 300 });
    await fill(edge);
    const [stream, poll] = [send(edge, '/v1/events?from=earliest'), send(edge, `/v1/events?poll=1&from=earliest`)];
    for (const socket of [stream, poll]) await take(socket, 1000);
    await until(() => edge.status.getSnapshot().context.operators.connected === 0);
    for (const socket of [stream, poll]) expect(await rest(socket)).toBeLessThan(19_000_000);
  });

  test('and keeps taking is not, though it takes a part of one write at a time', async () => {
    const edge = await startEdge({ stuckMs: 3000 });
    await edge.append('7', { text: 'x'.repeat(40_000_000) });
    const slow = send(edge, '/v1/events?from=earliest');
    const began = performance.now();
    // The system holds some megabytes of a connection: it takes more once a part of those is gone.
    for (let n = 0; n < 10; n += 1) {
      await take(slow, 2_500_000);
      await clockMs(500);
    }
    expect(performance.now() - began).toBeGreaterThan(4000);
    expect(edge.operators.list({ after: 0, limit: 1 })).toMatchObject([{ after: 1, state: 'blocked' }]);
    expect(await rest(slow, 3_000_000)).toBeGreaterThan(2_999_999);
  });

  test('by the byte holds what a socket holds, is not closed, and delays nobody', async () => {
    const edge = await startEdge({ stuckMs: 2000 });
    const slow = await bareReader(edge);
    const fast = await edge.get('/v1/events?chat=7');
    let heard = '';
    void (async () => {
      for await (const chunk of fast.body ?? []) heard = (heard + Buffer.from(chunk).toString()).slice(-200);
    })().catch(() => {});
    const text = 'x'.repeat(100_000);
    for (let n = 1; n <= 200; n += 1) {
      await edge.append('7', { text, n });
      await take(slow, 1);
      if (n % 20 === 0) await until(() => heard.includes(`"n":${n}}`));
    }
    const view = () => edge.operators.list({ after: 0, limit: 1 })[0];
    // What the system has just taken of it may leave it free for a moment.
    await until(() => view()?.state === 'blocked');
    expect(view()?.pending).toBeLessThan(limits.readerBufferBytes + 101_000);
    await fast.body?.cancel().catch(() => {});
  });
});

test('a key that opens a thousand streams gets its hundred; the others are refused and closed, and other keys are served', async () => {
  const edge = await startEdge();
  const answers: string[] = [];
  let closed = 0;
  for (let n = 0; n < 1000; n += 1) {
    const socket = send(edge, '/v1/events');
    socket.once('data', (chunk) => answers.push(chunk.toString('latin1').slice(9, 12)));
    socket.once('close', () => {
      closed += 1;
    });
  }
  await until(() => answers.length === 1000 && closed === 900);
  expect(answers.filter((status) => status === '200')).toHaveLength(limits.streamsPerKeyMax);
  expect(answers.filter((status) => status === '429')).toHaveLength(900);
  const other = await edge.get('/v1/events?from=earliest', edge.key('operator').header);
  expect(other.status).toBe(200);
  await edge.append('7', { text: 'hi' });
  for await (const chunk of other.body ?? []) if (new TextDecoder().decode(chunk).includes('"hi"')) break;
});

test('a key that takes none of its answers has a few of them made; others are served, and it too once those are cut', async () => {
  const edge = await startEdge({ stuckMs: 4000 });
  // More than the system takes of an answer by itself.
  await edge.append('7', { update_id: 1, text: 'x'.repeat(12_000_000) });
  const reader = edge.key('operator');
  const paths = ['/v1/events?poll=1&from=earliest', '/v1/chats/7/events', `/telegram/bot${reader.text}/getUpdates`];
  const before = await heldBytes();
  const statuses: string[] = [];
  for (let n = 0; n < 40; n += 1) {
    const socket = send(edge, paths[n % 2] ?? '');
    socket.once('data', (chunk) => {
      socket.pause();
      statuses.push(chunk.toString('latin1').slice(9, 12));
    });
  }
  await until(() => statuses.length === 40);
  expect(statuses.filter((status) => status === '200')).toHaveLength(limits.answersPerKeyMax);
  expect(statuses.filter((status) => status === '429')).toHaveLength(40 - limits.answersPerKeyMax);
  expect((await heldBytes()) - before).toBeLessThan(limits.answersPerKeyMax * 15_000_000);
  const refused = await edge.get('/v1/events?poll=1');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
  expect(await json(refused)).toMatchObject({ code: 'too_many_answers' });
  const facade = await edge.get(`/telegram/bot${edge.admin.text}/getUpdates`, {});
  expect(await json(facade)).toMatchObject({ ok: false, error_code: 429, parameters: { retry_after: 1 } });
  for (const path of paths) expect((await edge.get(path, reader.header)).status).toBe(200);
  const served = async () => (await edge.get('/v1/events?poll=1')).status === 200;
  while (!(await served()));
});

test('a stream asked for behind another request, on one connection, comes after its answer', async () => {
  const edge = await startEdge();
  for (let n = 0; n < 500; n += 1) await edge.append('7', { text: 'x'.repeat(1000) });
  const socket = send(edge, '/v1/chats', '/v1/events?from=earliest');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  await until(() => text.includes('id: stream.500\n'));
  expect(text.indexOf('{"chats":[]')).toBeLessThan(text.indexOf('event: stream.hello'));
  expect(text.match(/^id: stream\.[1-9]\d*$/gm)).toHaveLength(500);
});
