import type { FastifyReply, FastifyRequest } from 'fastify';
import { SwitchboardError } from '../errors.ts';
import { isPerson, type Key, type Keyring, mayAccess } from '../keys/keys.ts';
import { type LogIns, PAGE_HEADER, sessionOf } from './session.ts';

/**
 * Lets a request through to an address that needs a scope, and remembers its key (I7). Throws key_missing (no key, or
 * none that is valid: which of these is not told), scope_missing.
 */
export function authenticate(keyring: Keyring, logIns: LogIns, request: FastifyRequest, reply: FastifyReply): void {
  if (request.routeOptions.config.scope === undefined) return;
  const text = bearerOf(request);
  const key = text === null ? pagesKey(logIns, request, reply) : keyring.verify(text);
  if (key === null) throw new SwitchboardError('key_missing', 'The key is not known, has expired or was revoked');
  requireRights(key, request);
  request.caller = key;
}

/** Throws scope_missing if the key may not do what the request's address is for. */
export function requireRights(key: Key, { routeOptions }: FastifyRequest): void {
  const { scope, forPrograms = false } = routeOptions.config;
  const refused = (why: string) =>
    new SwitchboardError('scope_missing', `A key of the role ${key.role} may not do this: ${why}`);
  if (scope !== undefined && !mayAccess(key, scope)) throw refused(`it takes ${scope}`);
  if (forPrograms && isPerson(key)) throw refused('it is for programs');
}

/** Throws key_missing if the key has ended since the request came. */
export function requireActive(keyring: Pick<Keyring, 'isActive'>, { id }: Pick<Key, 'id'>): void {
  if (!keyring.isActive(id)) throw new SwitchboardError('key_missing', 'The key has expired or was revoked');
}

/** The key that a request names in its Authorization header, not yet verified; null: it names none. */
export const bearerOf = (request: Pick<FastifyRequest, 'headers'>): string | null =>
  /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;

/** The key of a page that is logged in. A stream that it opens ends with the log-in. */
function pagesKey(logIns: LogIns, request: FastifyRequest, reply: FastifyReply): Key {
  const session = sessionOf(request, logIns);
  if (session === null) {
    const isPage = request.headers[PAGE_HEADER] !== undefined;
    const detail = isPage ? 'The log-in has ended: log in again' : 'Send a key: Authorization: Bearer <key>';
    throw new SwitchboardError('key_missing', detail);
  }
  if (request.routeOptions.config.stream === true) {
    // An upgrade's response never closes: its socket does.
    const connection = request.ws ? request.raw.socket : reply.raw;
    const release = logIns.sessions.hold(session, () => connection.destroy());
    connection.once('close', release);
  }
  return session.key;
}

/** Who asks. Only at addresses with a scope. */
export function callerOf(request: FastifyRequest): Key {
  if (request.caller === null) throw new Error('An address without a scope asked who its caller is');
  return request.caller;
}

/** The key as the outbox knows who posts. */
export const posterOf = (key: Key) => ({ keyId: key.id, chats: key.chats, mayRead: mayAccess(key, 'read') });

/**
 * The chats that a key sees, of those it asks for; null: all. Throws scope_missing for any chat that the key is not
 * for, whether it exists or not.
 */
export function visibleChats(key: Key, asked: readonly string[]): readonly string[] | null {
  for (const chat of asked) requireChat(key, chat);
  return asked.length > 0 ? asked : key.chats;
}

/** Throws scope_missing where the key is not for this chat (null: what is no chat's id). */
export function requireChat(key: Key, chat: string | null): void {
  if (key.chats === null || (chat !== null && key.chats.includes(chat))) return;
  throw new SwitchboardError('scope_missing', 'The key is restricted to other chats');
}
