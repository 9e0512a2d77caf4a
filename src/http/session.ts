import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { SwitchboardError } from '../errors.ts';
import { type Key, ROLES, scopesOf } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import { isSameOrigin } from '../own-page.ts';
import type { Session, Sessions } from '../sessions/sessions.ts';
import type { App, HttpParts } from './app.ts';
import { createLogInRate } from './post-rate.ts';

/**
 * The pages' log-in: a key, presented once, opens a session. Its one secret is in a cookie, its other is with the page,
 * which sends it as a header with each request. So a cookie that another port of the host saw, or planted, is worth nothing.
 */
export const PAGE_HEADER = 'x-switchboard-page';

/** The cookie in which earlier versions kept the key itself. It is taken away wherever it still comes. */
const FORMER_COOKIE = 'switchboard_key';

export interface LogIns {
  readonly sessions: Sessions;
  /** The journal's name, which tells two Switchboards on one host apart: a browser's cookies are the host's. */
  readonly journal: { readonly stream: string };
}

const Who = Type.Object({
  id: Type.String(),
  name: Type.String(),
  role: Type.String({ description: ROLES.join(', ') }),
  scopes: Type.Array(Type.String(), { description: 'What the key may' }),
  chats: Type.Union([Type.Array(Type.String()), Type.Null()], {
    description: 'The chats that the key is for; null: all',
  }),
});
const whoOf = (key: Key) => {
  const { id, name, role, chats } = key;
  return { id, name, role, scopes: scopesOf(key), chats: chats === null ? null : [...chats] };
};
const LoggedIn = Type.Object({
  ...Who.properties,
  page: Type.String({ description: 'To be sent as X-Switchboard-Page, beside the cookie, with each request' }),
});

const tags = ['pages'];

/** `/v1/session`: log in with a key, see who one is, log out. */
export function sessionRoutes(app: App, { keyring, sessions, journal, audit, clock }: HttpParts): void {
  const logIns = { sessions, journal };
  const logInRate = createLogInRate(clock);

  app.post(
    '/v1/session',
    {
      bodyLimit: limits.sessionBodyBytesMax,
      schema: {
        tags,
        summary: 'Logs a browser in with a key',
        body: Type.Object(
          {
            key: Type.String({ maxLength: 256 }),
            below_path: Type.Optional(
              Type.Boolean({ description: 'A proxy serves the page below a path, and may narrow the cookie to that' }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: LoggedIn },
      },
    },
    async (request, reply) => {
      requireSameOrigin(request);
      const key = keyring.verify(request.body.key);
      if (key === null) throw new SwitchboardError('key_missing', 'The key is not known, has expired or was revoked');
      logInRate.take(key, 1);
      const before = sessionOf(request, logIns);
      if (before !== null) await sessions.end(before);
      const { cookie, page } = await sessions.open(key, keyring.proofOf(request.body.key));
      audit.count({ act: 'login', keyId: key.id, name: key.name, origin: request.ip, subject: null, detail: null });
      forgetFormer(request, reply);
      const prefix = request.protocol !== 'https' ? '' : request.body.below_path ? SECURE : HOST;
      setCookie(request, reply, `${prefix}${nameOf(logIns)}=${cookie}`, limits.sessionAgeMaxMs / 1000);
      return { ...whoOf(key), page };
    },
  );

  app.get(
    '/v1/session',
    { schema: { tags, summary: 'Who is logged in', response: { 200: Who } } },
    async (request, reply) => {
      forgetFormer(request, reply);
      const session = sessionOf(request, logIns);
      if (session === null) throw new SwitchboardError('key_missing', 'Nobody is logged in, or the log-in has ended');
      return whoOf(session.key);
    },
  );

  app.delete(
    '/v1/session',
    { schema: { tags, summary: 'Logs out', response: { 204: Type.Null({ description: 'Logged out' }) } } },
    async (request, reply) => {
      requireSameOrigin(request);
      const session = sessionOf(request, logIns);
      if (session !== null) await sessions.end(session);
      forgetFormer(request, reply);
      for (const name of cookiesIn(request, nameOf(logIns)).keys()) setCookie(request, reply, `${name}=`, 0);
      return reply.code(204).send(null);
    },
  );
}

/** The session of a page that sends this; null: none. Throws scope_missing if another site does. */
export function sessionOf(request: FastifyRequest, logIns: LogIns): Session | null {
  const page = request.headers[PAGE_HEADER];
  if (typeof page !== 'string') return null;
  requireSameOrigin(request);
  return logIns.sessions.find(page, [...cookiesIn(request, nameOf(logIns)).values()].flat());
}

/** RFC 6265bis, 4.1.3: browsers take a name with this prefix by TLS only; __Host- also for the whole host only. */
export const SECURE = '__Secure-';
const HOST = '__Host-';

const nameOf = ({ journal }: LogIns): string => `switchboard-${journal.stream}`;

/**
 * The values of the request's cookies of a name, with and without those prefixes, by their whole name. There may be
 * several of one name: another port can plant one for a path, and browsers send that first.
 */
export function cookiesIn(
  { headers }: Pick<FastifyRequest, 'headers'>,
  name: string,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const names = [name, SECURE + name, HOST + name];
  for (const pair of (headers.cookie ?? '').split(';')) {
    const [own = '', value = ''] = pair.trim().split('=', 2);
    if (names.includes(own)) found.set(own, [...(found.get(own) ?? []), value].slice(0, limits.cookiesOfNameMax));
  }
  return found;
}

function setCookie(request: FastifyRequest, reply: FastifyReply, pair: string, maxAgeS: number): void {
  reply.header('set-cookie', `${pair}; Max-Age=${maxAgeS}; Path=/; HttpOnly; SameSite=Strict${secureFor(request)}`);
}

function forgetFormer(request: FastifyRequest, reply: FastifyReply): void {
  if (cookiesIn(request, FORMER_COOKIE).size > 0) setCookie(request, reply, `${FORMER_COOKIE}=`, 0);
}

/** Keeps a cookie from being sent in the open if the browser came by TLS, to a trusted proxy's front too. */
export const secureFor = (request: FastifyRequest): '; Secure' | '' => (request.protocol === 'https' ? '; Secure' : '');

/** Throws scope_missing if a browser sends this for another site. */
function requireSameOrigin(request: FastifyRequest): void {
  if (!isSameOrigin(request.headers))
    throw new SwitchboardError('scope_missing', 'Another site may not use this log-in');
}
