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
  }, 60_000);

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
    const readers = { connected: 2, behind: 1, lag: slow?.lag };
    expect(await json(await edge.get('/readyz'))).toMatchObject({ operators: readers });
    // A stream that nobody holds on to is given up by the client.
    await fast.body?.cancel();
  });

  test('and then nothing for a minute is closed', async () => {
    const clock = manualClock();
    const edge = await startEdge({ clock });
    await bareReader(edge);
    const connected = () => edge.status.getSnapshot().context.operators.connected;
    const text = 'x'.repeat(100_000);
    for (let n = 0; n < 200; n += 1) await edge.append('7', { text });
    await clock.advance(limits.readerStuckMs - 5000);
    expect(connected()).toBe(1);
    await clock.advance(10_000);
    expect(connected()).toBe(0);
  });

  test('and keeps taking is not', async () => {
    const clock = manualClock();
    const edge = await startEdge({ clock });
    const slow = await bareReader(edge);
    const connected = () => edge.status.getSnapshot().context.operators.connected;
    const text = 'x'.repeat(100_000);
    for (let n = 0; n < 200; n += 1) await edge.append('7', { text });
    for (let n = 0; n < 6; n += 1) {
      await take(slow, 1_000_000);
      await clock.advance(limits.readerStuckMs / 2);
    }
    expect(connected()).toBe(1);
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
