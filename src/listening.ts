import { isIP } from 'node:net';
import { isLoopback } from './address-rule.ts';
import { SwitchboardError } from './errors.ts';

/** An error of listen(2), as port_taken or address_refused. Any other error comes back as it is. */
export function listenError(error: unknown, host: string, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  const refused = (message: string) => new SwitchboardError('address_refused', message, { cause: error });
  switch (code) {
    case 'EADDRINUSE':
      return new SwitchboardError('port_taken', `${host}:${port} is taken by another process`, { cause: error });
    case 'EACCES':
      return refused(`${host}:${port} is a port that this user may not listen on`);
    case 'EADDRNOTAVAIL':
      return refused(`${host} is not an address of this machine`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return refused(`${host} is a name without an address`);
    default:
      return error;
  }
}

/** Rejects with such an error and what to do, by the names of the settings at fault. Any other error stays as it is. */
export const adviseOn =
  (portSetting: string, hostSetting?: string) =>
  (error: unknown): never => {
    const isOurs =
      error instanceof SwitchboardError && (error.code === 'port_taken' || error.code === 'address_refused');
    if (!isOurs) throw error;
    const advice =
      error.code === 'port_taken'
        ? `stop that process, or choose another port by ${portSetting}`
        : `choose another by ${[hostSetting, portSetting].filter((name) => name !== undefined).join(' or ')}`;
    throw new SwitchboardError(error.code, `${error.message}: ${advice}`, { cause: error });
  };

/**
 * What to warn of if the server is reached from other machines and nobody has said that a proxy with TLS is in front of it;
 * null: nothing.
 */
export function plainHttpWarning(host: string, trustedProxies: readonly string[]): string | null {
  const isLocal = isIP(host) === 0 ? /^(.+\.)?localhost$/i.test(host) : isLoopback(host);
  const hasProxy = trustedProxies.some((network) => !isLoopback(network.replace(/\/.*/, '')));
  if (isLocal || hasProxy) return null;
  const what = `Switchboard listens on ${host} in plain HTTP: other machines can reach it, and keys and log-ins can be read on the way`;
  return `${what}. Listen on 127.0.0.1 behind a proxy with TLS; if one on another machine is in front of it, name that in http.trustedProxies (SWITCHBOARD_TRUSTED_PROXIES)`;
}
