import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { errorText, SwitchboardError } from '../errors.ts';
import { cutOffLate } from '../late-body.ts';
import { limits } from '../limits.ts';
import { requireOwnPage } from '../own-page.ts';
import { ApiError, forbidden, refusalBody } from './api-error.ts';
import { readAll } from './body.ts';
import { botOf, publishTrouble, type World } from './bots.ts';
import { control, controlBytesMax } from './control.ts';
import type { Fault } from './faults.ts';
import { callMethod } from './methods.ts';
import { readParams } from './params.ts';

/**
 * The HTTP side: Bot API, file downloads, control API. `host` is where it listens. Nothing here needs a key (a token is
 * whatever the caller makes up), so no other site may use it from a browser (own-page.ts).
 */
export function createHttp(world: World, host: string): Server {
  // A form with files may take longer; any other body is cut off (late-body.ts).
  const times = { headersTimeout: limits.requestArrivalMs, requestTimeout: limits.uploadArrivalMs };
  const server = createServer(times, (request, response) => {
    cutOffLate(request, response, world.clock);
    handle(world, host, request, response).catch((error: unknown) => {
      world.log('sandbox.failed', { error: errorText(error) });
      if (response.headersSent) response.destroy();
      else refuse(response, new ApiError(500, 'Internal Server Error'));
    });
  });
  server.keepAliveTimeout = limits.sandboxKeepAliveMs;
  server.maxConnections = limits.sandboxConnectionsMax;
  return server;
}

async function handle(world: World, host: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const parts = path.split('/').slice(1).map(decoded);
  const [first = '', second = ''] = parts;
  if (first === 'sandbox' && second === 'bots') return controlApi(world, host, request, response, parts.slice(2));
  const refusal = foreignCaller(request, host);
  if (refusal !== null) {
    request.resume();
    return refuse(response, forbidden(refusal));
  }
  if (first.startsWith('bot')) return callApi(world, request, response, first.slice(3), parts.slice(1), query);
  if (first === 'file' && second.startsWith('bot')) return sendFile(world, response, second.slice(3), parts.slice(2));
  refuse(response, new ApiError(404, 'Not Found'));
}

/** Why the request is another site's; null: it is not. */
function foreignCaller({ headers }: IncomingMessage, host: string): string | null {
  try {
    requireOwnPage(headers, host);
    return null;
  } catch (error) {
    if (error instanceof SwitchboardError) return error.message;
    throw error;
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function callApi(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  token: string,
  path: readonly string[],
  query: string,
): Promise<void> {
  const bot = botOf(world, token);
  // The test environment's addresses have /test between token and method.
  const [method, ...more] = path[0] === 'test' ? path.slice(1) : path;
  if (bot === null || method === undefined || method === '' || more.length > 0) {
    request.resume();
    return refuse(response, new ApiError(404, 'Not Found'));
  }
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  try {
    const params = await readParams(query, request.headers['content-type'] ?? '', request);
    const fault = bot.faults.take(method.toLowerCase(), params.text('chat_id'));
    const call = () => callMethod(world, bot, method, params, gone.signal);
    if (fault === undefined) return answer(response, 200, await call());
    publishTrouble(world, bot);
    await spoil(world, response, fault, call);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    refuse(response, error);
  }
}

async function spoil(world: World, response: ServerResponse, fault: Fault, call: () => Promise<string>): Promise<void> {
  switch (fault.kind) {
    case 'error':
      throw faultError(fault);
    case 'malformed':
      return answer(response, 200, fault.body);
    case 'reset':
      response.destroy();
      return;
    case 'timeout': {
      const timer = world.clock.setTimeout(() => response.destroy(), limits.sandboxHangMs);
      response.on('close', () => world.clock.clearTimeout(timer));
      return;
    }
    case 'lost_answer':
      // Refused or done: the caller does not learn which.
      await call().catch(() => undefined);
      response.destroy();
      return;
    case 'slow': {
      const body = await call();
      await new Promise<void>((resolve) => world.clock.setTimeout(resolve, fault.delayMs));
      return answer(response, 200, body);
    }
  }
}

const FAULT_TEXTS: ReadonlyMap<number, string> = new Map([
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [409, 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running'],
  [502, 'Bad Gateway'],
]);

function faultError({ errorCode, description, retryAfterS }: Fault): ApiError {
  const seconds = retryAfterS ?? (errorCode === 429 ? 1 : undefined);
  const usual =
    errorCode === 429
      ? `Too Many Requests: retry after ${seconds}`
      : (FAULT_TEXTS.get(errorCode) ?? 'Internal Server Error');
  return new ApiError(errorCode, description ?? usual, seconds === undefined ? undefined : { retry_after: seconds });
}

function sendFile(world: World, response: ServerResponse, token: string, path: readonly string[]): void {
  const bot = botOf(world, token);
  const file = bot === null || bot.revoked ? undefined : world.files.byPath(bot.id, path.join('/'));
  if (file === undefined) {
    refuse(response, new ApiError(404, 'Not Found'));
    return;
  }
  response.writeHead(200, {
    'content-type': file.mimeType,
    'content-length': file.bytes.length,
    // Whatever a user sent must not run as a page of this origin.
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
  });
  response.end(file.bytes);
}

async function controlApi(
  world: World,
  host: string,
  request: IncomingMessage,
  response: ServerResponse,
  [token = '', ...path]: readonly string[],
): Promise<void> {
  try {
    requireOwnPage(request.headers, host);
    const bytesMax = controlBytesMax(path);
    const body = await readAll(request, bytesMax);
    if (body === null) throw new SwitchboardError('body_too_large', `The body may hold ${bytesMax} bytes`);
    const bot = botOf(world, token);
    if (bot === null) {
      throw new SwitchboardError('request_invalid', 'The token must have the form <digits>:<A-Za-z0-9_->', {
        field: 'token',
      });
    }
    const result = control(world, bot, { method: request.method ?? 'GET', path, body, response });
    if (result !== undefined) answer(response, 200, JSON.stringify(result));
  } catch (error) {
    if (!(error instanceof SwitchboardError)) throw error;
    const status = error.entry.status ?? 500;
    const { code, entry, message, field } = error;
    const problem = {
      type: `urn:switchboard:problem:${code}`,
      title: entry.title,
      status,
      code,
      detail: message,
      field,
    };
    answer(response, status, JSON.stringify(problem), { 'content-type': 'application/problem+json' });
  }
}

function refuse(response: ServerResponse, error: ApiError): void {
  const retryAfterS = error.parameters?.retry_after;
  answer(response, error.errorCode, refusalBody(error), {
    'content-type': 'application/json',
    ...(retryAfterS === undefined ? {} : { 'retry-after': retryAfterS }),
  });
}

const JSON_HEADERS = { 'content-type': 'application/json' };

function answer(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string | number>> = JSON_HEADERS,
): void {
  const always = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  response.writeHead(status, { ...headers, ...always, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
