import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { SwitchboardError } from '../errors.ts';
import { type Key, ROLES, scopesOf } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import { isSameOrigin } from '../own-page.ts';
import type { App, HttpParts } from './app.ts';

/**
 * The pages' log-in: a key, presented once, is kept by the browser in a cookie that no script can read and no other
 * site sends. Revoking the key ends it, like every other use of the key.
 */
export const COOKIE = 'switchboard_key';

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

const tags = ['pages'];

/** `/v1/session`: log in with a key, see who one is, log out. */
export function sessionRoutes(app: App, { keyring }: HttpParts): void {
  app.post(
    '/v1/session',
    {
      bodyLimit: limits.sessionBodyBytesMax,
      schema: {
        tags,
        summary: 'Logs a browser in: the key goes into a cookie',
        body: Type.Object({ key: Type.String({ maxLength: 256 }) }, { additionalProperties: false }),
        response: { 200: Who },
      },
    },
    async (request, reply) => {
      requireSameOrigin(request);
      const key = keyring.verify(request.body.key);
      if (key === null) throw new SwitchboardError('key_missing', 'The key is not known, has expired or was revoked');
      reply.header('set-cookie', cookie(request, request.body.key, limits.sessionMaxAgeS));
      return whoOf(key);
    },
  );

  app.get('/v1/session', { schema: { tags, summary: 'Who is logged in', response: { 200: Who } } }, async (request) => {
    const text = cookieOf(request);
    const key = text === null ? null : keyring.verify(text);
    if (key === null) throw new SwitchboardError('key_missing', 'Nobody is logged in, or the key was revoked');
    return whoOf(key);
  });

  app.delete(
    '/v1/session',
    { schema: { tags, summary: 'Logs out', response: { 204: Type.Null({ description: 'Logged out' }) } } },
    async (request, reply) => {
      requireSameOrigin(request);
      return reply
        .header('set-cookie', cookie(request, '', 0))
        .code(204)
        .send(null);
    },
  );
}

function cookie(request: FastifyRequest, value: string, maxAgeS: number): string {
  return `${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${secureFor(request)}`;
}

/** Keeps a cookie from being sent in the open if the browser came by TLS, to a trusted proxy's front too. */
export const secureFor = (request: FastifyRequest): '; Secure' | '' => (request.protocol === 'https' ? '; Secure' : '');

/** The key that the browser keeps for the pages; null: none. */
export const cookieOf = (request: Pick<FastifyRequest, 'headers'>): string | null =>
  /(?:^|; *)switchboard_key=([\w:-]+)(?:;|$)/.exec(request.headers.cookie ?? '')?.[1] ?? null;

/** Throws scope_missing where a browser sends this for another site. */
export function requireSameOrigin(request: FastifyRequest): void {
  if (!isSameOrigin(request.headers))
    throw new SwitchboardError('scope_missing', 'Another site may not use this log-in');
}
