import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { SwitchboardError } from '../errors.ts';
import { isSameOrigin } from './session.ts';

/**
 * Throws scope_missing unless it is this page that asks, or no browser. The name in `Host` matters too: a site can have
 * its own name lead to this machine, and is of one origin with us then. Addresses and `localhost` it cannot turn.
 */
export function requireOwnPage(request: FastifyRequest, servedHost: string): void {
  const { hostname } = request;
  const name = hostname.replace(/^\[|\]$/g, '');
  const ours = isIP(name) !== 0 || /^(?:.+\.)?localhost$/i.test(name) || name === servedHost;
  if (!ours) {
    const detail = `The sandbox is reached by this machine's address or as localhost, not as ${name}`;
    throw new SwitchboardError('scope_missing', detail);
  }
  if (!isSameOrigin(request)) throw new SwitchboardError('scope_missing', 'Another site may not use the sandbox');
}
