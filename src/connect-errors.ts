import { errorText } from './errors.ts';

/** No connection came about, so nothing of the request has left. The message says why, in words. */
export class ConnectFailed extends Error {
  constructor(why: string, cause: unknown) {
    super(why, { cause });
    this.name = 'ConnectFailed';
  }
}

export interface ProxyServer {
  /** The setting by the name that users know. */
  readonly variable: 'HTTPS_PROXY' | 'HTTP_PROXY';
  /** With its user name and password: in no message. */
  readonly url: string;
  readonly host: string;
  readonly hasUser: boolean;
}

const UNTRUSTED =
  'nobody whom this machine trusts has signed the certificate: put that of the signer into a file and name it in NODE_EXTRA_CA_CERTS';
const NO_TLS = 'there is no TLS on that port: check whether the address should begin with http://';
const OLD_TLS = 'the server speaks no version of TLS that is safe: it has to be updated';
const NO_UNPACKING = 'what came cannot be unpacked';
const TOO_LARGE = 'the answer is too large';
const NO_TIME = 'no connection in time';
const NO_HTTP = 'what came is not HTTP: check whether the address should begin with https://';

/** What users are told in place of codes. The code follows in brackets, for a search. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the name server does not answer',
  EHOSTUNREACH: 'there is no way to that address',
  ENETUNREACH: 'there is no way to that address',
  ETIMEDOUT: NO_TIME,
  Z_BUF_ERROR: NO_UNPACKING,
  Z_DATA_ERROR: NO_UNPACKING,
  CERT_HAS_EXPIRED: "the certificate has expired: the server needs a new one, or this machine's clock is wrong",
  CERT_NOT_YET_VALID: "the certificate is not valid yet: check this machine's clock",
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host name: check the address',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_UNSUPPORTED_PROTOCOL: OLD_TLS,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: OLD_TLS,
};

/** The codes of these help nobody to search. */
const OWN_WORDS: Readonly<Record<string, string>> = {
  UND_ERR_SOCKET: 'the connection was closed',
  UND_ERR_PRX_CONN: 'the connection was closed',
  UND_ERR_DESTROYED: 'Switchboard stopped',
  UND_ERR_CLOSED: 'Switchboard stopped',
  UND_ERR_CONNECT_TIMEOUT: NO_TIME,
  UND_ERR_RES_EXCEEDED_MAX_SIZE: TOO_LARGE,
  ERR_BUFFER_TOO_LARGE: TOO_LARGE,
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** Why a call has failed, in words, on one line and without addresses. */
export function failureText(error: unknown): string {
  if (error instanceof ConnectFailed) return error.message;
  const code = codeOf(error);
  const words = WORDS[code];
  if (words !== undefined) return `${words} (${code})`;
  if (isNoHttp(error)) return NO_HTTP;
  if (isProxyRefusal(error))
    return 'the proxy wants the right user name and password (407): write them into HTTP_PROXY';
  return OWN_WORDS[code] ?? (code || errorText(error));
}

const isNoHttp = (error: unknown): boolean => error instanceof Error && error.name === 'HTTPParserError';

/** The proxy of http addresses answered 407 in place of the server: it has passed nothing on. */
export const isProxyRefusal = (error: unknown): boolean =>
  error instanceof Error && error.message === 'Proxy Authentication Required (407)';

/** No connection to the proxy. */
export const proxyFailed = (proxy: ProxyServer, error: Error): ConnectFailed =>
  new ConnectFailed(`${named(proxy)} cannot be reached: ${failureText(error)}`, error);

/** The proxy gave no tunnel, or there is no TLS with the server at its end. */
export function tunnelFailed(proxy: ProxyServer, error: Error): ConnectFailed {
  const status = Number(/^Proxy response \((\d+)\)/.exec(error.message)?.[1] ?? 0);
  if (status === 0 && (isNoHttp(error) || codeOf(error) === 'UND_ERR_PRX_CONN')) return proxyFailed(proxy, error);
  if (status === 0) return new ConnectFailed(failureText(error), error);
  return new ConnectFailed(`${named(proxy)} ${answered(proxy, status)}`, error);
}

function answered({ variable, host, hasUser }: ProxyServer, status: number): string {
  if (status !== 407) {
    return `answered ${status}: it ${status >= 500 ? 'does not reach the server' : 'does not let Switchboard through'}`;
  }
  if (hasUser) return `refuses the user name and the password in ${variable} (407)`;
  return `wants a user name and a password (407): set ${variable} to http://NAME:PASSWORD@${host}`;
}

const named = ({ variable, host }: ProxyServer): string => `the proxy ${host} (${variable})`;
