import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { expect, onTestFinished, test } from 'vitest';
import WebSocket from 'ws';
import { STATELY_VERSION } from '../../src/inspector/stately.ts';
import { freeEnv } from '../cli/support.ts';
import { startServed } from './served.ts';

type Served = Awaited<ReturnType<typeof startServed>>;

/** What the package's own receiver got, by a ticket; `until` waits for one of which this is so. */
async function receive(served: Served, query = '') {
  const { header } = served.key('admin');
  const answer = await fetch(`${served.url}/v1/tickets`, { method: 'POST', headers: header });
  const { ticket } = Object(await answer.json());
  const received: StatelyInspectionEvent[] = [];
  const looks = new Set<() => void>();
  createWebSocketReceiver({ server: `${served.socketUrl}/inspector/stately?ticket=${ticket}${query}` }).subscribe(
    (event) => {
      received.push(event);
      for (const look of looks) look();
    },
  );
  const until = <T extends StatelyInspectionEvent['type']>(
    type: T,
    so: (event: Extract<StatelyInspectionEvent, { type: T }>) => boolean,
  ) =>
    new Promise<Extract<StatelyInspectionEvent, { type: T }>>((resolve) => {
      const look = (): void => {
        for (const event of received) {
          if (event.type !== type || !so(event as never)) continue;
          looks.delete(look);
          resolve(event as never);
        }
      };
      looks.add(look);
      look();
    });
  return { received, until, ticket };
}

/** How a socket that is opened so ends: with a status in place of the upgrade, or a code once it is open. */
function opened(url: string, headers: Record<string, string> = {}): Promise<WebSocket | number> {
  const socket = new WebSocket(url, { headers });
  onTestFinished(() => socket.terminate());
  return new Promise((resolve) => {
    socket.on('open', () => resolve(socket));
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
    socket.on('error', () => {});
  });
}

const isOpen = (socket: WebSocket | number): socket is WebSocket => typeof socket !== 'number';

test("the package's own receiver sees live actors and chats: how they stand, their events, their snapshots", async () => {
  const served = await startServed();
  await served.say(777, '/start');
  const { received, until } = await receive(served, '&actor=ingress&actor=outbox&actor=switchboard&actor=chat:777');

  // Live actors, with what a tool draws them from.
  const poller = await until('@xstate.actor', ({ sessionId }) => sessionId === 'ingress');
  expect(JSON.parse(poller.definition ?? '')).toMatchObject({ id: 'poller', states: { polling: {}, committing: {} } });
  expect(poller).toMatchObject({ name: 'ingress', parentId: 'switchboard', snapshot: { status: 'active' } });
  expect(JSON.parse((await until('@xstate.actor', (one) => one.sessionId === 'switchboard')).definition ?? '')).toEqual(
    expect.objectContaining({ id: 'switchboard', type: 'parallel' }),
  );

  // A chat's step: the event, and the state that it came to.
  await served.say(777, '/pay 12.50 EUR @anna');
  const asked = await until(
    '@xstate.snapshot',
    (one) => one.sessionId === 'chat:777' && Object(one.snapshot).value === 'confirming',
  );
  expect(asked).toMatchObject({
    event: { type: 'message.received' },
    snapshot: { context: { draft: { amount: '12.50' } } },
  });
  const event = await until(
    '@xstate.event',
    ({ event: { type, text } }) => type === 'message.received' && text !== '/start',
  );
  expect(event).toMatchObject({ sessionId: 'chat:777', sourceId: 'conversations', rootId: 'switchboard' });
  const handedOver = await until('@xstate.event', ({ event: { type } }) => type === 'messages.queued');
  expect(handedOver).toMatchObject({ sourceId: 'journal', sessionId: 'outbox' });
  await until(
    '@xstate.snapshot',
    ({ sessionId, snapshot }) => sessionId === 'ingress' && Object(snapshot).value === 'committing',
  );

  // What every receiver relies on, and of no actor before it is made known.
  const known = new Set<string>();
  for (const one of received) {
    expect(one).toMatchObject({ _version: STATELY_VERSION, createdAt: expect.stringMatching(/^\d{13}$/) });
    if (one.type === '@xstate.actor') known.add(one.sessionId);
    else expect(known).toContain(one.sessionId);
    if (one.type === '@xstate.event' && one.sourceId !== undefined) expect(known).toContain(one.sourceId);
  }
});

test('a restored chat is shown where it is, not where it began', async () => {
  const env = freeEnv();
  const before = await startServed(env);
  const first = await receive(before, '&actor=conversations&actor=chat:777');
  await first.until('@xstate.actor', ({ sessionId }) => sessionId === 'conversations');
  await before.say(777, '/pay 12.50 EUR @anna');
  await first.until('@xstate.snapshot', ({ snapshot }) => Object(snapshot).value === 'confirming');
  await before.stop();
  const after = await startServed(env);
  const { until } = await receive(after, '&actor=chat:777');
  const chat = await until('@xstate.actor', ({ sessionId }) => sessionId === 'chat:777');
  expect(chat.snapshot).toMatchObject({
    status: 'active',
    value: 'confirming',
    context: { draft: { amount: '12.50' } },
  });
  expect(JSON.parse(chat.definition ?? '')).toMatchObject({ id: 'payment', initial: 'idle' });
});

test('some steps of any chat come to those who ask for them, and each chat is made known with its machine', async () => {
  const served = await startServed();
  const { until } = await receive(served, '&actor=chats');
  const steps = ['801', '802'].map((chat) => until('@xstate.actor', ({ sessionId }) => sessionId === `chat:${chat}`));
  let n = 0;
  // Until the socket is open what users say is nobody's.
  while (
    await Promise.race([Promise.all(steps).then(() => false), served.say(801 + (n % 2), `word ${n}`).then(() => true)])
  )
    n += 1;
  for (const step of await Promise.all(steps))
    expect(step).toMatchObject({ parentId: 'conversations', snapshot: { value: 'idle' } });
});

test('I7: admins alone may look, by key, or by a ticket that is used once', async () => {
  const served = await startServed();
  const [address, admin] = [`${served.socketUrl}/inspector/stately`, served.key('admin')];
  expect(await opened(address)).toBe(401);
  expect(await opened(address, served.key('backend').header)).toBe(403);
  expect(isOpen(await opened(address, admin.header))).toBe(true);
  expect((await fetch(`${served.url}/inspector/stately`, { headers: admin.header })).status).toBe(400);

  // A log-in's cookie comes by itself, whoever opens the socket, and is worth nothing alone.
  const body = JSON.stringify({ key: admin.text });
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  const logIn = await fetch(`${served.url}/v1/session`, init);
  const cookie = logIn.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  for (const origin of [served.url, 'https://elsewhere.example', 'null'])
    expect(await opened(address, { cookie, origin }), origin).toBe(401);

  // A ticket is its own proof, wherever the tool comes from.
  const ticketOf = async (header: Record<string, string>) =>
    Object(await (await fetch(`${served.url}/v1/tickets`, { method: 'POST', headers: header })).json()).ticket;
  const ticket = await ticketOf(admin.header);
  expect(isOpen(await opened(`${address}?ticket=${ticket}`, { origin: 'https://stately.example' }))).toBe(true);
  expect(await opened(`${address}?ticket=${ticket}`)).toBe(401);
  expect(await opened(`${address}?ticket=${await ticketOf(served.key('operator').header)}`)).toBe(403);
  // One that has opened an event stream may come back to that, and to nothing else.
  const streams = await ticketOf(admin.header);
  const stream = await fetch(`${served.url}/v1/events?ticket=${streams}`);
  const secret = stream.headers.get('set-cookie')?.split(';')[0] ?? '';
  await stream.body?.cancel();
  expect(await opened(`${address}?ticket=${streams}`, { cookie: secret })).toBe(401);

  // Certain chats alone.
  const { header } = served.key('admin', { chats: ['777'] });
  expect(await opened(address, header)).toBe(403);
  expect(await opened(`${address}?actor=chat:778`, header)).toBe(403);
  expect(isOpen(await opened(`${address}?actor=chat:777`, header))).toBe(true);

  // It ends with its key, and a receiver has nothing to say.
  const socket = await opened(address, admin.header);
  if (!isOpen(socket)) throw new Error(`refused: ${socket}`);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  served.keyring.revoke(admin.id);
  expect(await closed).toBe(1001);
  const talker = await opened(address, served.key('admin').header);
  if (!isOpen(talker)) throw new Error(`refused: ${talker}`);
  const cut = new Promise((resolve) => talker.once('close', resolve));
  talker.send('x'.repeat(100_000));
  await cut;
});

test('the protocol is of the version that it is checked with', () => {
  const folder = dirname(fileURLToPath(import.meta.resolve('@statelyai/inspect')));
  expect(JSON.parse(readFileSync(join(folder, '..', 'package.json'), 'utf8')).version).toBe(STATELY_VERSION);
});
