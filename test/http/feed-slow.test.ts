import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { limits } from '../../src/limits.ts';
import { textUpdate } from '../support/updates.ts';
import { type Edge, startEdge } from './edge.ts';

const CHATS = Array.from({ length: limits.feedActorsMax }, (_, n) => 700 + n);
const QUERY = CHATS.map((chat) => `actor=chat:${chat}`).join('&');

/** Moves the followed chats, as many steps a moment as are told, until it is so. */
async function flood(edge: Edge, over: () => boolean): Promise<void> {
  let id = 1;
  while (!over()) {
    const updates = CHATS.flatMap((chat) =>
      Array.from({ length: limits.feedChatStepsMax }, () => textUpdate(chat, 'x'.repeat(190), id++)),
    );
    await edge.router.receiveUpdates(updates, id);
  }
}

/** A socket that is open, and takes nothing. */
async function openStill(edge: Edge): Promise<void> {
  const socket = new WebSocket(`${edge.url.replace('http', 'ws')}/inspector/stately?${QUERY}`, {
    headers: edge.admin.header,
  });
  onTestFinished(() => socket.terminate());
  await new Promise((resolve) => socket.once('open', resolve));
  socket.pause();
}

test('a socket that takes nothing is cut off, and nobody looks any more', async () => {
  const edge = await startEdge({ inspect: true });
  await openStill(edge);
  await flood(edge, () => !edge.isWatched());
});

test('a stream that takes nothing is cut off, and nobody looks any more', async () => {
  const edge = await startEdge({ inspect: true });
  const { hostname, port } = new URL(edge.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.write(
    `GET /v1/inspector/feed?${QUERY} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: ${edge.admin.header.authorization}\r\n\r\n`,
  );
  const head = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
  expect(head).toContain('200 OK');
  socket.pause();
  await flood(edge, () => !edge.isWatched());
});

test('a socket that does not answer holds up a stop no longer than its time', async () => {
  const edge = await startEdge({ inspect: true });
  await openStill(edge);
  const begun = performance.now();
  await edge.server.close();
  // Well before the socket's own time, which would end it too.
  expect(performance.now() - begun).toBeLessThan(limits.readerStuckMs / 2);
});
