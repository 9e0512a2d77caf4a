import { STATUS_CODES } from 'node:http';
import { Compile } from 'typebox/compile';
import { limits } from '../limits.ts';
import { withoutMark } from '../network.ts';
import { retryAfterMs } from '../retry-after.ts';
import { AnswerSchema, GatewayRefused, TelegramRefused, TelegramUnreachable } from './errors.ts';
import type { Answered } from './exchange.ts';

const Answer = Compile(AnswerSchema);

/**
 * The result in an HTTP answer to a call. Throws TelegramRefused if Telegram refused the call, GatewayRefused if something
 * in between did, and TelegramUnreachable if the answer does not tell whether the call was carried out.
 * `secret`: the token, which no message may repeat.
 */
export function resultOf(method: string, answered: Answered, secret: string, now: number): unknown {
  const { status, headers, text } = answered;
  const answer = parse(text);
  if (Answer.Check(answer)) {
    if (answer.ok) return answer.result;
    // Callers and the journal get the description: a server that repeats the request's path must not tell them the token.
    throw new TelegramRefused(method, { ...answer, description: withoutToken(answer.description, secret) });
  }
  const meaning = gatewayMeaning(status);
  if (meaning === 'unknown') {
    throw new TelegramUnreachable(method, `HTTP ${status} with ${text.length} characters that are no answer`, true);
  }
  const name = STATUS_CODES[status] ?? '';
  const to = status < 400 ? ` to ${locationText(headers.location, secret)}` : '';
  const waitMs = retryAfterMs(headers['retry-after'], now, limits.gatewayWaitMaxMs);
  throw new GatewayRefused(method, `HTTP ${status} ${name}${to}, from a gateway and not from Telegram`, {
    terminal: meaning === 'failed' && waitMs === undefined,
    retryAfterMs: waitMs,
  });
}

/** Statuses about the way to Telegram, not about this call: once the way is mended, the same call gets through. */
const WAY = new Set([401, 403, 404, 407, 408, 421, 425, 426, 429, 451, 511]);

/**
 * What an answer without the Bot API's JSON says about the call, by its HTTP status. `retry` and `failed`: a gateway refused
 * it, so that Telegram did not carry it out. `unknown`: it may have.
 *
 * RFC 9110 and 6585: a 3xx points elsewhere, and their 4xx (and 511) refuse the request. Statuses that proxies made up, such
 * as 499, promise nothing. A 5xx may come after the call was passed on. This holds for 503 too, with or without Retry-After:
 * Envoy and Varnish answer so when the connection to the server behind them broke.
 */
export function gatewayMeaning(status: number): 'retry' | 'failed' | 'unknown' {
  if (WAY.has(status) || (status >= 300 && status <= 399)) return 'retry';
  return status >= 400 && status <= 431 ? 'failed' : 'unknown';
}

/** Where a redirect leads, without what it may repeat of the request: its query, and any part as long as a secret. */
function locationText(location: string | string[] | undefined, secret: string): string {
  const given = Array.isArray(location) ? location[0] : location;
  if (given === undefined) return 'nowhere';
  const relative = /^\/(?!\/)/.test(given);
  if (!relative && !URL.canParse(given)) return 'somewhere else';
  const { protocol, host, pathname } = new URL(given, 'http://localhost');
  const path = /^(\/[\w.-]{0,20})*$/.test(pathname) ? pathname : '/…';
  const text = `${relative ? '' : `${protocol}//${host}`}${path}`;
  const known = secret.toLowerCase().split(':').at(-1) ?? secret;
  return text.length > limits.locationLengthMax || text.toLowerCase().includes(known) ? 'somewhere else' : text;
}

/** The text without the token, and without its secret part alone. */
const withoutToken = (text: string, token: string): string =>
  [token, token.split(':').at(-1) ?? token].reduce((left, secret) => left.replaceAll(secret, '[cut]'), text);

function parse(text: string): unknown {
  try {
    return JSON.parse(withoutMark(text));
  } catch {
    return undefined;
  }
}
