import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Whether this process may connect to an IP address that somebody else chose. */
export type AddressRule = (address: string) => boolean;

/** The address is on a network that the rule keeps out. */
export class AddressRefused extends Error {
  readonly address: string;

  constructor(address: string) {
    super(`IP address ${address} is reserved`);
    this.name = 'AddressRefused';
    this.address = address;
  }
}

/**
 * Everything that is not a host on the public internet: IANA's special-purpose registries (RFC 6890), multicast, and the
 * IPv6 ranges that carry an IPv4 address in them (NAT64, 6to4, Teredo). BlockList itself reads ::ffff:10.0.0.1 as 10.0.0.1.
 */
const RESERVED = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4', '::/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23'],
  ...['2001:db8::/32', '2002::/16', '3fff::/20', '5f00::/16', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
];
const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/** The networks as one list. Each is an address with a prefix length, `10.0.0.0/8`, or a single address. Throws RangeError. */
export function networkList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', length, ...more] = network.split('/');
    const version = isIP(address);
    const lengthMax = version === 6 ? 128 : 32;
    const bits = length === undefined ? lengthMax : Number(/^\d{1,3}$/.exec(length)?.[0] ?? Number.NaN);
    if (version === 0 || more.length > 0 || !(bits <= lengthMax)) throw new RangeError(`${network} is no network`);
    list.addSubnet(address, bits, version === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** The parts of a list that is separated by commas; null: none. */
export const listOf = (text: string | null): string[] => text?.split(',').map((part) => part.trim()) ?? [];

/** Whether one of the networks holds the address. False for a text that is no address. */
export const isIn = (list: BlockList, address: string): boolean => {
  const version = isIP(address);
  return version !== 0 && list.check(address.replace(/%.*/, ''), version === 6 ? 'ipv6' : 'ipv4');
};

const reserved = networkList(RESERVED);
const loopback = networkList(LOOPBACK);

/** Whether the address leads to this machine alone. */
export const isLoopback: AddressRule = (address) => isIn(loopback, address);

/** Whether the address is a host on the public internet. */
export const isPublic: AddressRule = (address) => isIP(address) !== 0 && !isIn(reserved, address);

/** Throws AddressRefused if the host of a URL is an IP address that the rule keeps out. A name is for `ruledLookup`. */
export function requireAllowedHost({ hostname }: { readonly hostname: string }, rule: AddressRule): void {
  const address = hostname.replace(/^\[|\]$/g, '');
  if (isIP(address) !== 0 && !rule(address)) throw new AddressRefused(address);
}

/**
 * A name look-up that gives only addresses which the rule allows, and fails with AddressRefused if there is none. It is the
 * look-up of the connection itself, so that a name cannot lead elsewhere after it was checked.
 */
export const ruledLookup =
  (rule: AddressRule, lookup: LookupFunction = systemLookup): LookupFunction =>
  (host, options, done) =>
    lookup(host, { ...options, all: true }, (error, found) => {
      const all = Array.isArray(found) ? found : [];
      const allowed = all.filter(({ address }) => rule(address));
      const [first] = allowed;
      if (error !== null || first === undefined) {
        done(error ?? new AddressRefused(all[0]?.address ?? host), '', 4);
      } else if (options.all === true) done(null, allowed);
      else done(null, first.address, first.family);
    });
