import { describe, expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { manualClock, settle } from '../support/clock.ts';
import { type Edge, json, startEdge } from './edge.ts';

interface Ticket {
  readonly ticket: string;
  readonly expires_at: string;
}

const newTicket = async (edge: Edge, headers = edge.admin.header): Promise<Ticket> => {
  const response = await edge.send('POST', '/v1/tickets', undefined, headers);
  expect(response.status).toBe(201);
  return Object(await json(response));
};

/** Opens a stream as a browser does: without a key, with the cookies that it has. */
const open = (edge: Edge, ticket: string, cookie?: string, path = '/v1/events') =>
  edge.get(`${path}?ticket=${ticket}`, cookie === undefined ? {} : { cookie, 'last-event-id': 'stream.0' });

const cookieOf = (response: Response): string => /^[^;]*/.exec(response.headers.get('set-cookie') ?? '')?.[0] ?? '';

describe('a ticket', () => {
  test('opens one stream in place of a key, once', async () => {
    const edge = await startEdge({ clock: manualClock() });
    const { ticket, expires_at } = await newTicket(edge);
    expect(Date.parse(expires_at) - edge.clock.now()).toBe(30_000);
    const stream = await open(edge, ticket);
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const again = await open(edge, ticket);
    expect(again.status).toBe(401);
    expect(await json(again)).toMatchObject({ code: 'key_missing' });
    await stream.body?.cancel();
    expect((await open(edge, ticket)).status, 'also when its stream has ended').toBe(401);
  });

  test('gives its cookie back over TLS alone where the browser came by TLS to a proxy', async () => {
    const edge = await startEdge();
    const { ticket } = await newTicket(edge);
    const stream = await edge.get(`/v1/events?ticket=${ticket}`, { 'x-forwarded-proto': 'https' });
    expect(stream.headers.get('set-cookie')).toMatch(
      /^__Secure-switchboard-stream-\d+=\S+; HttpOnly; SameSite=Strict; Secure$/,
    );
    await stream.body?.cancel();
  });

  test('is good for 30 seconds', async () => {
    const clock = manualClock();
    const edge = await startEdge({ clock });
    const [late, inTime] = [await newTicket(edge), await newTicket(edge)];
    await clock.advance(29_999);
    expect((await open(edge, inTime.ticket)).status).toBe(200);
    await clock.advance(1);
    expect((await open(edge, late.ticket)).status).toBe(401);
  });

  test('brings back who used it, by a cookie that no script reads; for five minutes after the stream has ended', async () => {
    const clock = manualClock();
    const edge = await startEdge({ clock });
    const { ticket } = await newTicket(edge);
    const first = await open(edge, ticket);
    const header = first.headers.get('set-cookie');
    expect(header).toMatch(new RegExp(`^switchboard-stream-${edge.admin.id}=[\\w-]{43}; HttpOnly; SameSite=Strict$`));
    await clock.advance(10 * limits.ticketReturnMs);
    edge.cutStreams();
    await first.text();
    await settle();
    await clock.advance(limits.ticketReturnMs - 1);
    const second = await open(edge, ticket, cookieOf(first));
    expect(second.status).toBe(200);
    expect(cookieOf(second)).toBe(cookieOf(first));
    expect((await open(edge, ticket, `switchboard-stream-${edge.admin.id}=${'A'.repeat(43)}`)).status).toBe(401);
    edge.cutStreams();
    await second.text();
    await settle();
    await clock.advance(limits.ticketReturnMs);
    expect((await open(edge, ticket, cookieOf(first))).status).toBe(401);
  });

  test('a connection that comes back takes over from one that the network has dropped unseen', async () => {
    const edge = await startEdge();
    const { ticket } = await newTicket(edge);
    const first = await open(edge, ticket);
    const second = await open(edge, ticket, cookieOf(first));
    expect(second.status).toBe(200);
    await first.text();
    await edge.append('7', { here: true });
    let heard = '';
    for await (const chunk of second.body ?? []) {
      heard += Buffer.from(chunk).toString();
      if (heard.includes('"here":true')) break;
    }
  });

  test("a browser has one secret for all tickets of a key, and another for another key's", async () => {
    const edge = await startEdge();
    const first = await open(edge, (await newTicket(edge)).ticket);
    const second = await open(edge, (await newTicket(edge)).ticket, cookieOf(first));
    expect(cookieOf(second)).toBe(cookieOf(first));
    const other = edge.key('operator');
    const third = await open(edge, (await newTicket(edge, other.header)).ticket, cookieOf(first));
    expect(cookieOf(third)).toMatch(`switchboard-stream-${other.id}=`);
  });

  test('takes no secret that somebody else chose, and finds its own among those', async () => {
    const edge = await startEdge();
    const name = `switchboard-stream-${edge.admin.id}`;
    const other = edge.key('operator');
    // One that is good for another key's ticket, as whoever has that key may plant it.
    const stream = await open(edge, (await newTicket(edge, other.header)).ticket);
    const lent = cookieOf(stream).split('=')[1] ?? '';
    const planted = [`${name}=${'A'.repeat(43)}`, `${name}=${lent}`, `__Secure-${name}=${lent}`];
    for (const cookie of planted) {
      const { ticket } = await newTicket(edge);
      const opened = await open(edge, ticket, cookie);
      expect([opened.status, opened.headers.getSetCookie().length]).toEqual([200, 1]);
      expect(cookieOf(opened)).not.toContain(cookie.split('=')[1]);
      expect((await open(edge, ticket, cookie)).status).toBe(401);
      const own = [...planted, cookieOf(opened)].join('; ');
      expect((await open(edge, ticket, own)).status).toBe(200);
    }
  });

  test("has its key's rights and ends with it", async () => {
    const edge = await startEdge();
    const own = edge.key('operator', { chats: ['7'] });
    const [used, unused] = [await newTicket(edge, own.header), await newTicket(edge, own.header)];
    const refused = await edge.get(`/v1/events?ticket=${unused.ticket}&chat=8`, {});
    expect(refused.status).toBe(403);
    const stream = await open(edge, used.ticket);
    edge.keyring.revoke(own.id);
    await stream.text();
    expect((await open(edge, used.ticket, cookieOf(stream))).status).toBe(401);
    const response = await edge.send('POST', '/v1/tickets', undefined, edge.key('aggregator').header);
    expect(response.status, 'it may not read').toBe(403);
  });

  test('opens streams and nothing else', async () => {
    const edge = await startEdge();
    const { ticket } = await newTicket(edge);
    for (const path of ['/v1/chats', '/v1/keys', '/metrics', '/v1/messages/events']) {
      expect((await open(edge, ticket, undefined, path)).status, path).toBe(401);
    }
    expect((await open(edge, ticket)).status).toBe(200);
    expect(edge.logged.join('')).not.toContain(ticket);
  });

  test('a key has so many at once', async () => {
    const clock = manualClock();
    const edge = await startEdge({ clock });
    for (let n = 0; n < limits.ticketsPerKeyMax; n += 1) await newTicket(edge);
    const refused = await edge.send('POST', '/v1/tickets', undefined);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '30']);
    await newTicket(edge, edge.key('operator').header);
    await clock.advance(limits.ticketLifeMs);
    await newTicket(edge);
  });
});
