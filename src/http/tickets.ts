import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { SwitchboardError } from '../errors.ts';
import type { Key } from '../keys/keys.ts';
import type { App } from './app.ts';
import { bearerOf, callerOf, requireRights } from './auth.ts';
import { cookiesIn, SECURE, secureFor } from './session.ts';
import type { TicketBook } from './ticket-book.ts';

/** The secret of a browser that used tickets of a key; kept from scripts and from other sites. Not the whole host's. */
const cookieFor = (keyId: string): string => `switchboard-stream-${keyId}`;

/** `POST /v1/tickets`: a ticket for one stream, in place of the key in its address. */
export function ticketRoutes(app: App, book: TicketBook): void {
  app.post(
    '/v1/tickets',
    {
      schema: {
        tags: ['events'],
        summary: 'A ticket to open one stream with, in place of the key: GET /v1/events?ticket=…',
        description:
          'For EventSource and WebSocket, which send no headers. It is used once; an event stream that it opened may resume.',
        response: { 201: Type.Object({ ticket: Type.String(), expires_at: Type.String({ format: 'date-time' }) }) },
      },
      config: { scope: 'read' },
    },
    async (request, reply) => {
      // A stream that it opened would go on after the log-out. The pages need none: they send headers.
      if (bearerOf(request) === null)
        throw new SwitchboardError('scope_missing', 'A log-in gets no ticket: send a key, Authorization: Bearer <key>');
      const { ticket, expiresAt } = book.issue(callerOf(request));
      return reply.code(201).send({ ticket, expires_at: new Date(expiresAt).toISOString() });
    },
  );
}

/** The ticket in an address that takes one; null where there is none, or a key beside it. */
export function ticketOf(request: FastifyRequest): string | null {
  if (request.routeOptions.config.ticket === undefined || request.headers.authorization !== undefined) return null;
  const { ticket } = Object(request.query);
  return typeof ticket === 'string' ? ticket : null;
}

/** Lets a request in by its ticket. Throws key_missing, and scope_missing where its key may not do this. */
export function useTicket(book: TicketBook, ticket: string, request: FastifyRequest, reply: FastifyReply): Key {
  const once = request.routeOptions.config.ticket === 'once';
  const given = (keyId: string) => (once ? [] : [...cookiesIn(request, cookieFor(keyId)).values()].flat());
  const { raw } = reply;
  // An upgrade's response never closes: its socket does.
  const closing = once ? request.raw.socket : raw;
  const { key, secret } = book.use(ticket, given, {
    close: () => closing.destroy(),
    onClosed: (listener) => closing.once('close', listener),
  });
  requireRights(key, request);
  if (once) return key;
  const secure = secureFor(request);
  const name = (secure === '' ? '' : SECURE) + cookieFor(key.id);
  // Without a path it goes to the addresses beside this one: below a proxy's path too.
  raw.setHeader('set-cookie', `${name}=${secret}; HttpOnly; SameSite=Strict${secure}`);
  return key;
}
