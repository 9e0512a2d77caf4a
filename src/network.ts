import type { LookupFunction, OnReadOpts, Socket } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';
import { ConnectFailed, failureText, type ProxyServer, proxyFailed, tunnelFailed } from './connect-errors.ts';

/** How other servers are reached: Telegram, the backend, receivers of callbacks. */
export interface Network {
  /** Addresses of proxies, maybe with a user name and a password; without a scheme: http. Null: none. */
  readonly httpsProxy: string | null;
  /** For http addresses, and for https ones where httpsProxy is null. */
  readonly httpProxy: string | null;
  /** Hosts that are reached without a proxy, as undici's EnvHttpProxyAgent reads them. This machine always is. */
  readonly noProxy: string | null;
  /** ms until the next address of a host is tried. */
  readonly addressTimeoutMs: number;
  /** In place of the system's name look-up. */
  readonly lookup?: LookupFunction;
}

/** Without proxies, and with Node's own time for an address. */
export const DIRECT: Network = { httpsProxy: null, httpProxy: null, noProxy: null, addressTimeoutMs: 250 };

export interface DispatcherOptions {
  /** Connections to one server; more calls wait for one. Default: no bound. */
  readonly connections?: number;
  /** Bytes of an answer, packed and unpacked. Default: no bound. */
  readonly maxResponseSize?: number;
}

/** HTTP/1.1, one call at a time on a connection. */
const HTTP = { pipelining: 1, allowH2: false };
/** This machine, the sandbox on it: never reached through a proxy. */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** Whether no proxy stands between this process and the origin, as far as that can be told without reading `noProxy`. */
export const isDirect = ({ httpsProxy, httpProxy }: Network, origin: string): boolean =>
  (httpsProxy === null && httpProxy === null) || LOOPBACK.includes(new URL(origin).hostname);

/** Calls to any server, through a proxy if one is set for it. Packed answers are unpacked, also where nobody asked for them. */
export async function openDispatcher(network: Network, options: DispatcherOptions = {}): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent, Pool, buildConnector, interceptors } = await import('undici');
  const unpacking = interceptors.decompress({ skipErrorResponses: false, maxSize: options.maxResponseSize ?? 0 });
  const talk = { ...HTTP, ...options };
  const connect = createConnector(buildConnector, network);
  const http = proxyOf('HTTP_PROXY', network.httpProxy);
  const https = proxyOf('HTTPS_PROXY', network.httpsProxy) ?? http;
  if (https === null) return new Agent({ ...talk, connect }).compose(unpacking);
  return new EnvHttpProxyAgent({
    // Where one of the three is left out, undici reads the environment itself.
    httpProxy: http?.url ?? '',
    httpsProxy: https.url,
    noProxy: [network.noProxy ?? '', ...LOOPBACK].join(),
    connect,
    proxyTls: addressesOf(network),
    /** The connections on which tunnels are asked for. */
    clientFactory: (proxy: URL, tunnel: Connecting) =>
      new Pool(proxy, { ...HTTP, connect: reached(tunnel.connect, (error) => proxyFailed(https, error)) }),
    /** The connections of calls: direct ones, tunnels, and those to the proxy of http addresses. */
    factory: (origin: string | URL, given: Connecting) =>
      new Pool(origin, {
        ...talk,
        connect: reached(given.connect, (error) =>
          http !== null && String(origin) === http.url ? proxyFailed(http, error) : tunnelFailed(https, error),
        ),
      }),
  }).compose(unpacking);
}

interface Connecting {
  readonly connect: buildConnector.connector;
}

/** What connects without a proxy. Its errors are ConnectFailed. */
export const createConnector = (
  build: typeof buildConnector,
  network: Network,
  onread?: OnReadOpts,
): buildConnector.connector =>
  reached(build({ ...HTTP, ...addressesOf(network), ...(onread === undefined ? {} : { onread }) }));

/** The connector, with errors that are ConnectFailed, and without its servers' "100 Continue". */
const reached =
  (
    connect: buildConnector.connector,
    failed = (error: Error): ConnectFailed => new ConnectFailed(failureText(error), error),
  ): buildConnector.connector =>
  (options, callback) =>
    connect(options, (error, socket) => {
      if (error === null) callback(null, withoutContinue(socket));
      else callback(error instanceof ConnectFailed ? error : failed(error), null);
    });

/** Answers that come before the answer: RFC 9110, 15.2. A client must be able to read them, also where it has not asked. */
const INTERIM = /^(HTTP\/1\.1 10[023][^\r\n]*\r\n([^\r\n]+\r\n)*\r\n)+/;

/** undici takes an unasked "100 Continue" for a broken answer: it never sees one where an answer begins. */
function withoutContinue<S extends Socket>(socket: S): S {
  const push = socket.push.bind(socket);
  let written = -1;
  socket.push = (chunk: Buffer | null, encoding) => {
    const begins = socket.bytesWritten !== written;
    written = socket.bytesWritten;
    if (!begins || chunk === null || chunk[9] !== ONE) return push(chunk, encoding);
    const [interim = ''] = INTERIM.exec(chunk.toString('latin1')) ?? [];
    if (interim === '') return push(chunk, encoding);
    // The answer begins behind it.
    written = -1;
    return interim.length === chunk.length || push(chunk.subarray(interim.length), encoding);
  };
  return socket;
}

/** In "HTTP/1.1 100": the first digit of the status. */
const ONE = '1'.charCodeAt(0);

/** A host's addresses are tried one after another: one that does not answer holds nobody up. */
const addressesOf = ({ addressTimeoutMs, lookup }: Network) => ({
  autoSelectFamily: true,
  autoSelectFamilyAttemptTimeout: addressTimeoutMs,
  ...(lookup === undefined ? {} : { lookup }),
});

/** Without a byte order mark, which JSON.parse takes for an error. */
export const withoutMark = (text: string): string => (text.startsWith('\uFEFF') ? text.slice(1) : text);

function proxyOf(variable: ProxyServer['variable'], address: string | null): ProxyServer | null {
  if (address === null) return null;
  const { href, host, username } = new URL(/^https?:\/\//i.test(address) ? address : `http://${address}`);
  return { variable, url: href, host, hasUser: username !== '' };
}
