import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { SwitchboardError } from './errors.ts';

/** The one rule of which sites a browser may ask for: the pages' log-in keeps it, and whatever of the sandbox asks for no key. */

/**
 * False where a browser sends this for another site. `Sec-Fetch-Site` is the browser's own word, which no page can
 * forge; older ones name themselves by `Origin` at least.
 */
export function isSameOrigin({ 'sec-fetch-site': site, origin, host }: IncomingHttpHeaders): boolean {
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  return origin === undefined || originHost(origin) === host;
}

function originHost(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null;
  }
}

/**
 * Throws scope_missing unless it is this page that asks, or no browser. The name in `Host` matters too: a site can have
 * its own name lead to this machine, and is of one origin with us then, so that its browser need not say that it is one.
 * Addresses and `localhost` it cannot turn.
 */
export function requireOwnPage(headers: IncomingHttpHeaders, servedHost: string): void {
  const name = (headers.host ?? '').replace(/:\d*$/, '').replace(/^\[|\]$/g, '');
  const ours = isIP(name) !== 0 || /^(?:.+\.)?localhost$/i.test(name) || name === servedHost;
  if (!ours) {
    const detail = `The sandbox is reached by this machine's address or as localhost, not as ${name}`;
    throw new SwitchboardError('scope_missing', detail);
  }
  if (!isSameOrigin(headers)) throw new SwitchboardError('scope_missing', 'Another site may not use the sandbox');
}
