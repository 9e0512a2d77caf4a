import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer, type LookupFunction, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { onTestFinished } from 'vitest';

/**
 * Certificates for telegram.test, backend.test and localhost, and the one key of all of them. Made with Python's
 * `cryptography`: valid from 2000 to 2100 (`expired`: to 2001), `server` and `expired` signed by `ca`.
 */
const TLS = join(import.meta.dirname, '..', 'support', 'tls');
export const pem = (name: string): string => readFileSync(join(TLS, `${name}.pem`), 'utf8');
/** For NODE_EXTRA_CA_CERTS. */
export const CA_FILE = join(TLS, 'ca.pem');

/** This process trusts the tests' own signer until the test ends. */
export function trustTestCa(): void {
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, pem('ca')]);
  onTestFinished(() => setDefaultCACertificates(before));
}

/** Listens until the test ends; gives the port. */
export async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A server that does with each connection what a test likes. */
export const serveTcp = (onSocket: (socket: Socket) => void): Promise<number> => listen(createServer(onSocket));

/** Passes a request on to a port of this machine, under its own name: the sandbox answers to no other. */
function passOn(incoming: IncomingMessage, response: ServerResponse, port: number, path = ''): void {
  const { host: _, ...headers } = incoming.headers;
  const onward = request({ host: '127.0.0.1', port, path, method: incoming.method, headers });
  onward.on('error', () => response.destroy());
  onward.on('response', (answered) => {
    response.writeHead(answered.statusCode ?? 500, answered.headers);
    answered.pipe(response);
  });
  incoming.pipe(onward);
}

/** TLS in front of a port of this machine, or in front of what a test likes. */
export function serveTls(behind: number | ((socket: Socket) => void), certificate = 'server'): Promise<number> {
  // As Telegram does, it offers HTTP/2, which nothing behind it speaks here.
  const offer = { key: pem('server-key'), cert: pem(certificate), ALPNProtocols: ['h2', 'http/1.1'] };
  const gateway = createHttpServer((incoming, response) => passOn(incoming, response, Number(behind), incoming.url));
  const server = createTlsServer(offer, (socket) => {
    socket.on('error', () => {});
    if (typeof behind === 'function') behind(socket);
    else gateway.emit('connection', socket);
  });
  return listen(server);
}

function pipe(one: Socket, other: Socket): void {
  for (const socket of [one, other]) socket.on('error', () => {});
  one.pipe(other).pipe(one);
}

/** Every name is this machine. */
export const loopbackLookup: LookupFunction = (_, { all }, callback) => {
  if (all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
};

export interface TestProxy {
  readonly port: number;
  /** What was asked of it: `CONNECT telegram.test:443`, `POST http://…`. */
  readonly asked: string[];
}

/**
 * A proxy for which every name is this machine. `auth`: the user and password it wants; `answer`: what it says to every
 * CONNECT instead of opening a tunnel.
 */
export async function startProxy({ auth = '', answer = '' } = {}): Promise<TestProxy> {
  const asked: string[] = [];
  const knows = ({ headers }: IncomingMessage) =>
    auth === '' || headers['proxy-authorization'] === `Basic ${Buffer.from(auth).toString('base64')}`;
  const server = createHttpServer((incoming, response) => {
    asked.push(`${incoming.method} ${new URL(incoming.url ?? '').origin}`);
    if (!knows(incoming)) return void response.writeHead(407).end('who are you?');
    const { port, pathname: path } = new URL(incoming.url ?? '');
    passOn(incoming, response, Number(port), path);
  });
  server.on('connect', (incoming, socket: Socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    socket.on('error', () => {});
    if (answer !== '') return void socket.end(answer);
    if (!knows(incoming)) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    pipe(socket, connect(Number(incoming.url?.split(':').at(-1)), '127.0.0.1'));
  });
  return { port: await listen(server), asked };
}
