import type { LookupFunction } from 'node:net';
import type { Response } from 'undici';
import { AddressRefused, isLoopback, isPublic, requireAllowedHost, ruledLookup } from '../address-rule.ts';

/**
 * Where the sandbox goes by itself, as webhooks and URLs of files ask it to. This machine and the public internet; other
 * private networks only if whoever started it allows them.
 */
export interface Outside {
  /** Throws AddressRefused if the host is an IP address that is not allowed. */
  require(url: { readonly hostname: string }): void;
  /** Gives allowed addresses only. */
  readonly lookup: LookupFunction;
  /** Gets a URL, over redirects. Rejects as fetch does; `refusedAddress` tells if an address was the reason. */
  get(url: string, signal: AbortSignal): Promise<{ readonly response: Response } & AsyncDisposable>;
}

export function createOutside({
  allowPrivateNetworks = false,
  lookup: resolve,
}: {
  readonly allowPrivateNetworks?: boolean;
  readonly lookup?: LookupFunction;
}): Outside {
  const rule = (address: string): boolean => allowPrivateNetworks || isLoopback(address) || isPublic(address);
  const lookup = ruledLookup(rule, resolve);
  return {
    require: (url) => requireAllowedHost(url, rule),
    lookup,
    async get(url, signal) {
      const { Agent, buildConnector, fetch } = await import('undici');
      const connect = buildConnector({ lookup });
      const dispatcher = new Agent({
        // An address in a URL is not looked up, nor is one that a redirect leads to.
        connect(options, done) {
          try {
            requireAllowedHost(options, rule);
          } catch (error) {
            done(error instanceof Error ? error : new Error('refused'), null);
            return;
          }
          connect(options, done);
        },
      });
      const end = (): Promise<void> => dispatcher.destroy();
      try {
        const response = await fetch(url, { signal, dispatcher });
        return { response, [Symbol.asyncDispose]: end };
      } catch (error) {
        await end();
        throw error;
      }
    },
  };
}

/** What to tell if an error is about an address that is not allowed, and what to do; null: it is about something else. */
export function refusedAddress(error: unknown): string | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof AddressRefused)
      return `${at.message}: start the sandbox with --allow-private-networks to allow it`;
  }
  return null;
}
