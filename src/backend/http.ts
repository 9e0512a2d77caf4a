import { Webhook } from 'standardwebhooks';
import { request as call, type Dispatcher } from 'undici';
import type { Clock } from '../clock.ts';
import { failureText } from '../connect-errors.ts';
import { errorText } from '../errors.ts';
import { limits } from '../limits.ts';
import { DIRECT, type Network, openDispatcher, withoutMark } from '../network.ts';
import { retryAfterMs } from '../retry-after.ts';
import { type Backend, BackendFailed, type BackendRequest } from './backend.ts';

export interface HttpBackendOptions {
  /** The team's service. */
  readonly url: string;
  /** `whsec_` and base64: signs each request; null: they are not signed. */
  readonly secret: string | null;
  readonly clock: Clock;
  /** Default: no proxy. */
  readonly network?: Network;
}

/** 4xx answers that say "not now" rather than "not this". */
const NOT_NOW = new Set([408, 425, 429]);

/**
 * Asks the team's HTTP service: POST of `{id,type,bot,conversation,attempt,input}`, where `type` is what the machine
 * asks for. `Idempotency-Key` is the request's id, and so is `webhook-id`: both stay the same from try to try. Signed
 * as Standard Webhooks says (github.com/standard-webhooks, spec 1.0.0: HMAC-SHA256 over `id.timestamp.body`).
 *
 * 2xx: the body's JSON is the output (an empty body: null). 4xx but 408, 425 and 429: `refused`, for good. Anything
 * else, and no answer at all: `unreachable`, worth another try, after `Retry-After` if the answer has one. One try lasts
 * until `signal` ends it.
 */
export function createHttpBackend({ url, secret, clock, network = DIRECT }: HttpBackendOptions): Backend {
  const signer = secret === null ? null : new Webhook(secret);
  // A path or a query may hold the team's own secrets: messages name the host alone.
  const { origin } = new URL(url);
  // As many connections as calls, which limits.requestsInFlightMax bounds: a slow src takes none that another needs.
  let opening: Promise<Dispatcher> | null = null;

  return {
    async ask(request, signal) {
      const body = bodyOf(request);
      let status: number;
      let waitMs: number;
      let text: string | null;
      try {
        opening ??= openDispatcher(network);
        const response = await call(url, {
          dispatcher: await opening,
          method: 'POST',
          headers: headersOf(request, body, signer, clock.now()),
          body,
          signal,
          // The signal bounds the whole try; undici's own bounds would count from byte to byte.
          headersTimeout: 0,
          bodyTimeout: 0,
        });
        status = response.statusCode;
        waitMs = retryAfterMs(response.headers['retry-after'], clock.now(), limits.backendWaitMaxMs) ?? 0;
        text = await readBounded(response.body);
      } catch (error) {
        throw new BackendFailed('unreachable', `${origin} gave no answer: ${reasonOf(error, signal)}`, true, error);
      }
      if (status >= 400 && status < 500 && !NOT_NOW.has(status)) {
        throw new BackendFailed('refused', `${origin} refused ${request.src}: HTTP ${status}`, false);
      }
      if (status < 200 || status >= 300) {
        throw new BackendFailed('unreachable', `${origin} answered HTTP ${status}`, true, undefined, waitMs);
      }
      if (text === null) {
        const bound = limits.backendAnswerBytesMax;
        throw new BackendFailed('unreachable', `${origin} answered with more than ${bound} bytes`, false);
      }
      return parse(text, origin);
    },
    close: async () => (await opening)?.destroy(),
  };
}

const bodyOf = ({ id, src, bot, conversation, attempt, input }: BackendRequest): string =>
  JSON.stringify({ id, type: src, bot, conversation, attempt, input });

function headersOf(request: BackendRequest, body: string, signer: Webhook | null, now: number) {
  const headers = { 'content-type': 'application/json', accept: 'application/json', 'idempotency-key': request.id };
  if (signer === null) return headers;
  return {
    ...headers,
    'webhook-id': request.id,
    'webhook-timestamp': String(Math.floor(now / 1000)),
    'webhook-signature': signer.sign(request.id, new Date(now), body),
  };
}

/** Null beyond the bound: what is still to come is not read, and the connection is dropped. */
async function readBounded(body: Dispatcher.ResponseData['body']): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > limits.backendAnswerBytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string, origin: string): unknown {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(withoutMark(text));
  } catch (error) {
    // Often a proxy's error page in place of the service: the next try may get through.
    throw new BackendFailed(
      'unreachable',
      `${origin} answered with ${text.length} characters that are no JSON`,
      true,
      error,
    );
  }
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return errorText(signal.reason);
  return failureText(error);
}
