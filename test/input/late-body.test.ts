import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { startEdge } from '../http/edge.ts';
import { start } from '../sandbox/start.ts';
import { manualClock } from '../support/clock.ts';

/** A client that sends the beginning of a request, and closes its side of the connection never. */
function send(url: string, head: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  // Whoever is cut off may be told so by a reset.
  socket.on('error', () => socket.emit('end'));
  socket.write(head);
  return socket;
}

const FORM = 'content-type: multipart/form-data; boundary=x\r\ncontent-length: 1000000';
const CHUNKED = 'content-type: multipart/form-data; boundary=x\r\ntransfer-encoding: chunked';
const head = (line: string, ...headers: string[]): string =>
  `${[`${line} HTTP/1.1`, 'host: localhost', ...headers].join('\r\n')}\r\n\r\n--x\r\n`;

/** The status line of what comes. */
const statusOf = async (socket: Socket): Promise<number> => {
  const [chunk] = await once(socket, 'data');
  return Number(/^HTTP\/1\.1 (\d+)/.exec(String(chunk))?.[1]);
};

test('a refused request with a body on its way loses its connection, whatever it was refused for', async () => {
  const clock = manualClock();
  const edge = await startEdge({ clock });
  const key = `authorization: ${edge.admin.header.authorization}`;
  const operator = `authorization: ${edge.key('operator').header.authorization}`;
  for (const [expected, request] of [
    [401, head('POST /v1/messages', FORM)],
    [401, head('POST /telegram/bot1:none/sendMessage', FORM)],
    [401, head('POST /v1/keys', 'content-type: application/json', 'content-length: 1000')],
    [401, head('POST /v1/messages', CHUNKED).replace('--x', '5\r\n--x')],
    [403, head('POST /v1/messages', operator, FORM)],
    [404, head('POST /nowhere', FORM)],
    [404, head(`POST /telegram/bot${edge.admin.text}/`, FORM)],
    [405, head('PUT /v1/messages', key, FORM)],
    [200, head('GET /livez', FORM)],
    [400, head('POST /%zz', FORM)],
  ] as const) {
    const socket = send(edge.url, request);
    expect(await statusOf(socket), request).toBe(expected);
    const ended = once(socket.resume(), 'end');
    await clock.advance(limits.requestArrivalMs);
    await ended;
  }
});

test('a form that is read may take longer; once it is refused it is like any other', async () => {
  const clock = manualClock();
  const edge = await startEdge({ clock });
  const part = (name: string) => `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\na\r\n`;
  const socket = send(edge.url, head(`POST /telegram/bot${edge.admin.text}/sendMessage`, FORM) + part('text').slice(5));
  await clock.advance(3 * limits.requestArrivalMs);
  expect(socket.destroyed).toBe(false);
  const answered = statusOf(socket);
  socket.write(part('text') + part('b'));
  expect(await answered, 'it has two parts of one name').toBe(400);
  const closed = once(socket.resume(), 'end');
  await clock.advance(limits.requestArrivalMs);
  await closed;
});

test('what is no HTTP is answered, and keeps no connection although its sender stays', async () => {
  const clock = manualClock();
  const edge = await startEdge({ clock, connectionsMax: 1 });
  const socket = send(edge.url, 'no request\r\n\r\n');
  expect(await statusOf(socket)).toBe(400);
  // There is one place, and it is taken.
  await expect(edge.get('/livez')).rejects.toThrow();
  await clock.advance(limits.requestArrivalCheckMs);
  const isServed = () =>
    edge.get('/livez').then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isServed()));
});

test('the sandbox’s connections end alike', async () => {
  const clock = manualClock();
  const { sandbox } = await start({ clock });
  const json = ['content-type: application/json', 'content-length: 1000000'];
  const requests = [
    head('POST /nowhere', FORM),
    head('POST /bot1:a/', FORM),
    head('POST /sandbox/bots/1:a/nothing', ...json),
    head('POST /bot1:a/getMe', ...json),
    head('POST /file/bot1:a/none', FORM),
  ];
  for (const request of requests) {
    const socket = send(sandbox.url, request);
    let ended = false;
    socket.resume().on('end', () => {
      ended = true;
    });
    while (!ended) await clock.advance(limits.requestArrivalMs);
  }
});
