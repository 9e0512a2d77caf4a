import type { Socket } from 'node:net';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyRequest, type HTTPMethods } from 'fastify';
import { isIn, networkList } from '../address-rule.ts';
import { BODY_BOUNDS, requireModestJson } from '../bounded-input.ts';
import type { Clock } from '../clock.ts';
import type { Erasing } from '../erase/erase.ts';
import { SwitchboardError } from '../errors.ts';
import { cutOffLate } from '../late-body.ts';
import { limits } from '../limits.ts';
import { listenError } from '../listening.ts';
import type { Playground } from '../sandbox/sandbox.ts';
import type { App, HttpParts } from './app.ts';
import { actorOf, auditRoutes, noteAct } from './audit.ts';
import { authenticate, bearerOf, requireActive } from './auth.ts';
import { callbackRoutes } from './callbacks.ts';
import { chatRoutes } from './chats.ts';
import { type ConsoleParts, consoleRoutes } from './console.ts';
import { describeRoutes } from './docs.ts';
import { eraseRoutes } from './erase.ts';
import { eventRoutes } from './events.ts';
import { facadeRoutes, isFacadeUrl } from './facade.ts';
import { sendTelegramError, telegramErrorOf } from './facade-answers.ts';
import { healthRoutes } from './health.ts';
import { type InspectorParts, inspectorRoutes } from './inspector.ts';
import { inspectorFeedRoute } from './inspector-feed.ts';
import { createKeyEnds } from './key-ends.ts';
import { keyRoutes } from './keys.ts';
import { messagePostRoute } from './message-post.ts';
import { messageRoutes } from './messages.ts';
import { createMetrics, type MetricsOptions } from './metrics.ts';
import { operatorRoutes } from './operators.ts';
import { outboxRoutes } from './outbox.ts';
import { type Page, pageRoutes } from './pages.ts';
import { createPlaces } from './places.ts';
import { createPostRate } from './post-rate.ts';
import { ANSWER_HEADERS, loggable, PROBLEM_TYPE, problemOf, sendProblem } from './problems.ts';
import { type SandboxParts, sandboxRoutes } from './sandbox.ts';
import { validatorCompiler } from './schemas.ts';
import { sessionRoutes } from './session.ts';
import { acceptUpgrades, statelyRoute } from './stately.ts';
import { closeWhenStuck } from './stuck.ts';
import { createTicketBook } from './ticket-book.ts';
import { ticketOf, ticketRoutes, useTicket } from './tickets.ts';

export interface HttpServerOptions
  extends Omit<HttpParts, 'closing' | 'stuckMs' | 'answers' | 'keyEnds' | 'secretEnds' | 'postRate'> {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Addresses and networks whose X-Forwarded headers are believed; by default nobody's. */
  readonly trustedProxies?: readonly string[];
  /** By default limits.readerStuckMs. */
  readonly stuckMs?: number;
  /** What the metrics have beside the status. */
  readonly figures: MetricsOptions['figures'];
  readonly version: string;
  /** Connections open at once; by default limits.connectionsMax. */
  readonly connectionsMax?: number;
  /** The pages to serve. */
  readonly pages?: readonly Page[];
  /** What the inspector's addresses look into; left out: there are none. */
  readonly inspector?: InspectorParts | null;
  /** What the console's addresses ask; left out: there are none. */
  readonly console?: ConsoleParts | null;
  /** Export and erasure; left out: there are no addresses for them. */
  readonly erasing?: Erasing;
  /** The pretend users of the sandbox's bot; left out: there are none. */
  readonly playground?: Playground | null;
  /** What the sandbox's page suggests to write; by default nothing. */
  readonly examples?: SandboxParts['examples'];
}

export interface HttpServer {
  /** Opens the port. Resolves with the address, `http://127.0.0.1:8080`. Throws port_taken or address_refused. */
  listen(): Promise<string>;
  /**
   * Takes no more connections, ends the streams, answers what is under way, refuses what comes on open connections
   * with shutting_down. Resolves after limits.httpCloseMs at the latest.
   */
  close(): Promise<void>;
}

/** The HTTP edge: everything that operators, aggregators and admins reach, over the ports it is given. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, keyring, operators, clock, log, stuckMs = limits.readerStuckMs } = options;
  const closing = new AbortController();
  const answers = createPlaces({
    ...{ perKeyMax: limits.answersPerKeyMax, max: limits.answersMax, of: 'answers under way' },
    ...{ code: 'too_many_answers', retryAfterMs: limits.answersRetryMs },
  });
  const [keyEnds, secretEnds] = [createKeyEnds(), createKeyEnds()];
  const postRate = createPostRate(clock);
  const parts: HttpParts = { ...options, stuckMs, answers, postRate, keyEnds, secretEnds, closing: closing.signal };
  const proxies = networkList(options.trustedProxies ?? []);
  const app: App = Fastify({
    trustProxy: (address) => isIn(proxies, address ?? ''),
    // Addresses that take more say so.
    bodyLimit: limits.smallBodyBytesMax,
    // A form with files may take long; what else has a body is cut off below.
    requestTimeout: limits.uploadArrivalMs,
    http: {
      headersTimeout: limits.requestArrivalMs,
      connectionsCheckingInterval: limits.requestArrivalCheckMs,
    },
    // Requests are logged below, by their route's pattern: URLs, headers and bodies hold what no log may.
    logger: false,
    // Refused by our own hook, in our own words.
    return503OnClosing: false,
    clientErrorHandler: answerBroken(clock),
    frameworkErrors(error, { url, raw }, reply) {
      cutOffLate(raw, reply.raw, clock);
      reply.headers(ANSWER_HEADERS);
      if (isFacadeUrl(url)) sendTelegramError(reply, telegramErrorOf(error).error);
      else sendProblem(reply, problemOf(error));
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  /** What the journal threw, it has told of itself. */
  const reportOwn = (error: unknown): void => {
    if (!(error instanceof SwitchboardError)) parts.reportFault(error);
  };

  app.server.maxConnections = options.connectionsMax ?? limits.connectionsMax;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  // JSON alone: a text would be refused as a body without fields, which tells less.
  app.removeContentTypeParser(['text/plain', 'application/json']);
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    requireModestJson(body, BODY_BOUNDS);
    return parseJson(request, body, done);
  });
  app.decorateRequest('caller', null);
  const tickets = createTicketBook({ clock, randomBytes: options.randomBytes, isActive: keyring.isActive });

  // First of the hooks: a socket whose upgrade is refused by those below is closed by its own.
  const cutUpgraded = options.inspector ? await acceptUpgrades(app) : () => {};
  app.addHook('onRequest', async (request, reply) => {
    cutOffLate(request.raw, reply.raw, clock);
    if (closing.signal.aborted && request.routeOptions.config.always !== true) {
      const retryAfterMs = limits.reconnectMs;
      throw new SwitchboardError('shutting_down', 'Switchboard is shutting down: try again soon', { retryAfterMs });
    }
    const ticket = ticketOf(request);
    if (ticket === null) authenticate(keyring, parts, request, reply);
    else request.caller = useTicket(tickets, ticket, request, reply);
  });
  // Its body may have been on its way for long.
  app.addHook('preHandler', async (request) => {
    if (request.caller !== null) requireActive(keyring, request.caller);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    await noteAct(parts.audit, request, reply);
    for (const [name, value] of Object.entries(ANSWER_HEADERS)) if (!reply.hasHeader(name)) reply.header(name, value);
    // A connection kept open would keep the server from closing.
    if (closing.signal.aborted) reply.header('connection', 'close');
    // Until the answer has gone out: a caller that does not take it must not keep it, nor what it is made from.
    closeWhenStuck(reply.raw, stuckMs);
    // A text takes three times its length while it waits for the socket, whatever is in it.
    return typeof payload === 'string' && payload.length > limits.answerTextMax ? Buffer.from(payload) : payload;
  });
  /** A key or a log-in that was refused. Who sent neither is nobody of interest. */
  function noteRefusal(request: FastifyRequest): void {
    const isLogIn = request.routeOptions.url === '/v1/session';
    if (isLogIn ? request.method !== 'POST' : bearerOf(request) === null && !isFacadeUrl(request.url)) return;
    const act = isLogIn ? 'login.refused' : 'key.refused';
    parts.audit.count({ act, ...actorOf(request), subject: null, detail: null });
  }
  let connectionsRefused = 0;
  app.server.on('drop', () => {
    connectionsRefused += 1;
  });
  const { status, figures, version } = options;
  const metrics = createMetrics({ status, figures, version, connectionsRefused: () => connectionsRefused });
  app.addHook('onResponse', async (request, reply) => {
    const { url: route = 'none', config } = request.routeOptions;
    if (reply.statusCode === 401) noteRefusal(request);
    const { method } = request;
    const ms = Math.round(reply.elapsedTime * 10) / 10;
    if (config.stream !== true) metrics.observeRequest(method, route, reply.statusCode, ms);
    log.debug({ event: 'request', method, route, status: reply.statusCode, ms }, 'request');
  });
  app.setErrorHandler((error, request, reply) => {
    const answer = problemOf(error);
    reportOwn(error);
    if (answer.unexpected) log.error({ event: 'request_failed', ...loggable(error, request) }, 'A request failed');
    return sendProblem(reply, answer);
  });
  app.setNotFoundHandler(() => {
    throw new SwitchboardError('not_found', 'There is no such address');
  });

  const methodsOf = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    // The pages of the documentation look after themselves.
    if (url.startsWith('/docs')) return;
    const methods = methodsOf.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    methodsOf.set(url, methods);
  });
  await describeRoutes(app);
  eventRoutes(app, parts);
  operatorRoutes(app, parts);
  chatRoutes(app, parts);
  messageRoutes(app, parts);
  outboxRoutes(app, parts);
  await messagePostRoute(app, parts);
  keyRoutes(app, parts);
  auditRoutes(app, parts);
  callbackRoutes(app, parts);
  healthRoutes(app, parts, metrics);
  ticketRoutes(app, tickets);
  const endCalls = await facadeRoutes(app, parts);
  sessionRoutes(app, parts);
  if (options.inspector) {
    inspectorRoutes(app, { ...parts, ...options.inspector });
    inspectorFeedRoute(app, { ...parts, ...options.inspector });
    statelyRoute(app, { ...parts, ...options.inspector });
  }
  if (options.erasing) eraseRoutes(app, parts, options.erasing);
  const { playground, examples = {} } = options;
  if (playground) await sandboxRoutes(app, parts, { playground, examples, host });
  if (options.console) consoleRoutes(app, parts, options.console);
  pageRoutes(app, options.pages ?? []);
  refuseOtherMethods(app, methodsOf);
  await app.ready();

  const endStreams = (id: string): void => {
    operators.endStreamsOf(id);
    options.inspector?.feed.endOf(id);
    tickets.end(id);
    parts.sessions.endOf(id);
  };
  const stopListening = [
    keyring.onRevoked((id) => {
      endStreams(id);
      endCalls(id);
      keyEnds.end(id);
    }),
    keyring.onSecretEnded((id) => {
      endStreams(id);
      secretEnds.end(id);
    }),
  ];

  return {
    async listen() {
      try {
        await app.listen({ host, port });
      } catch (error) {
        throw listenError(error, host, port);
      }
      const address = app.server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      return `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
    },
    async close() {
      closing.abort();
      for (const stop of stopListening) stop();
      const closed = app.close();
      operators.close();
      options.inspector?.feed.close();
      const timer = clock.setTimeout(() => {
        app.server.closeAllConnections();
        cutUpgraded();
      }, limits.httpCloseMs);
      await closed;
      clock.clearTimeout(timer);
    },
  };
}

/** Answers a known address with a method that it does not take: 405, and those that it does. */
function refuseOtherMethods(app: App, methodsOf: ReadonlyMap<string, ReadonlySet<string>>): void {
  const all: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
  for (const [url, methods] of [...methodsOf]) {
    const method = all.filter((one) => !methods.has(one));
    if (method.length === 0) continue;
    const allow = [...methods].sort().join(', ');
    app.route({
      url,
      method,
      schema: { hide: true },
      // Refused before a body is read.
      onRequest: async (_request, reply) => {
        reply.header('allow', allow);
        throw new SwitchboardError('method_not_allowed', `This address takes ${allow}`);
      },
      handler: async () => null,
    });
  }
}

/**
 * Answers on the bare socket what is not even HTTP, has too large a header, or comes too slowly. Whoever does not close
 * their side of the connection then is cut off.
 */
const answerBroken =
  (clock: Clock) =>
  (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const detail = 'The request is not well-formed HTTP';
    const { problem } = problemOf(new SwitchboardError('request_invalid', detail, { cause: error }));
    const body = JSON.stringify(problem);
    const head = [
      'HTTP/1.1 400 Bad Request',
      `Content-Type: ${PROBLEM_TYPE}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...Object.entries(ANSWER_HEADERS).map(([name, value]) => `${name}: ${value}`),
      'Connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
    const timer = clock.setTimeout(() => socket.destroy(), limits.requestArrivalCheckMs);
    socket.once('close', () => clock.clearTimeout(timer));
  };
