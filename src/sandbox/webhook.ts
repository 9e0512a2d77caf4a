import { request as httpRequest, STATUS_CODES } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Clock, TimerHandle } from '../clock.ts';
import { limits } from '../limits.ts';
import { refusedAddress } from './outside.ts';
import type { QueuedUpdate, UpdateQueue } from './queue.ts';

export interface WebhookSettings {
  readonly url: URL;
  readonly secretToken: string;
  readonly maxConnections: number;
  /** A self-signed certificate to trust, PEM. */
  readonly certificate: Uint8Array | undefined;
  readonly ipAddress: string;
}

/**
 * Delivers a bot's queue to its URL. Order holds within a lane (a chat); a failing update holds its lane up: again
 * at once, then after 2, 4, … s, up to 60 to 120, until it is 24 h old. `Retry-After` is honoured.
 */
export interface Webhook {
  readonly settings: WebhookSettings;
  readonly lastError: { readonly atMs: number; readonly message: string } | null;
  add(update: QueuedUpdate): void;
  close(): void;
}

export interface WebhookDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly lookup: LookupFunction;
  readonly queue: UpdateQueue;
  /** Carries out a method that the bot gave as its answer. */
  readonly onReply: (contentType: string, body: Buffer) => void;
}

interface Lane {
  readonly name: string;
  readonly updates: QueuedUpdate[];
  failures: number;
  delayS: number;
}

interface Outcome {
  readonly error: string | null;
  readonly retryAfterS: number;
}

/** Begins at once with what waits in the queue. How a delivery failed is in `lastError`. */
export function createWebhook(settings: WebhookSettings, deps: WebhookDeps): Webhook {
  const { clock, queue } = deps;
  const lanes = new Map<string, Lane>();
  const ready: Lane[] = [];
  const timers = new Set<TimerHandle>();
  const closing = new AbortController();
  const agent = settings.certificate === undefined ? undefined : new Agent({ ca: Buffer.from(settings.certificate) });
  let inFlight = 0;
  let lastError: Webhook['lastError'] = null;

  const pump = (): void => {
    while (inFlight < settings.maxConnections && !closing.signal.aborted) {
      const lane = ready.shift();
      if (lane === undefined) return;
      const update = firstOf(lane);
      if (update === undefined) continue;
      inFlight += 1;
      void post(update.json).then((outcome) => {
        inFlight -= 1;
        if (!closing.signal.aborted) settle(lane, update, outcome);
        pump();
      });
    }
  };

  /** The lane's next update, past what the queue has dropped meanwhile. */
  const firstOf = (lane: Lane): QueuedUpdate | undefined => {
    while (lane.updates[0]?.dropped) lane.updates.shift();
    if (lane.updates.length === 0) lanes.delete(lane.name);
    return lane.updates[0];
  };

  const settle = (lane: Lane, update: QueuedUpdate, { error, retryAfterS }: Outcome): void => {
    if (error === null || update.dropped) {
      next(lane, update);
      return;
    }
    lastError = { atMs: clock.now(), message: error };
    const waitS = retryAfterS > 0 ? retryAfterS : backoffS(lane);
    lane.failures += 1;
    if (clock.steadyNow() + waitS * 1000 >= update.expiresAtMs) next(lane, update);
    else if (waitS === 0) ready.push(lane);
    else readyAfter(lane, waitS * 1000);
  };

  const readyAfter = (lane: Lane, delayMs: number): void => {
    const timer = clock.setTimeout(() => {
      timers.delete(timer);
      ready.push(lane);
      pump();
    }, delayMs);
    timers.add(timer);
  };

  const backoffS = (lane: Lane): number => {
    if (lane.failures === 0) return 0;
    const longest = limits.sandboxRetryDelayMaxS * (1 + deps.random());
    lane.delayS = Math.min(longest, lane.delayS * 2);
    return lane.delayS;
  };

  const next = (lane: Lane, update: QueuedUpdate): void => {
    queue.remove(update);
    lane.updates.shift();
    lane.failures = 0;
    lane.delayS = 1;
    if (lane.updates.length > 0) ready.push(lane);
    else lanes.delete(lane.name);
  };

  const post = (json: string): Promise<Outcome> =>
    new Promise((resolve) => {
      const secret = settings.secretToken === '' ? {} : { 'x-telegram-bot-api-secret-token': settings.secretToken };
      const send = settings.url.protocol === 'https:' ? httpsRequest : httpRequest;
      const request = send(settings.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json), ...secret },
        signal: closing.signal,
        lookup: settings.ipAddress === '' ? deps.lookup : lookupOf(settings.ipAddress),
        ...(agent === undefined ? {} : { agent }),
      });
      const timer = clock.setTimeout(
        () => request.destroy(new Error('Read timeout expired')),
        limits.sandboxWebhookTimeoutMs,
      );
      const end = (outcome: Outcome): void => {
        clock.clearTimeout(timer);
        resolve(outcome);
      };
      request.on('error', (error) => end({ error: reasonOf(error), retryAfterS: 0 }));
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size <= limits.sandboxWebhookAnswerBytesMax) chunks.push(chunk);
        });
        response.on('error', () => end({ error: 'Webhook connection closed', retryAfterS: 0 }));
        response.on('end', () => {
          const code = response.statusCode ?? 0;
          const taken = code >= 200 && code <= 299;
          const { 'content-type': contentType = '', 'retry-after': retryAfter = '' } = response.headers;
          if (taken && size <= limits.sandboxWebhookAnswerBytesMax) deps.onReply(contentType, Buffer.concat(chunks));
          const reason = response.statusMessage || STATUS_CODES[code] || '';
          end({
            error: taken ? null : `Wrong response from the webhook: ${code} ${reason}`,
            retryAfterS: /^\d+$/.test(retryAfter) ? Math.min(Number(retryAfter), limits.sandboxRetryAfterMaxS) : 0,
          });
        });
      });
      request.end(json);
    });

  const add = (update: QueuedUpdate): void => {
    const lane = lanes.get(update.lane);
    if (lane !== undefined) {
      lane.updates.push(update);
      return;
    }
    const fresh = { name: update.lane, updates: [update], failures: 0, delayS: 1 };
    lanes.set(update.lane, fresh);
    ready.push(fresh);
    pump();
  };
  for (const update of queue.all()) add(update);

  return {
    settings,
    get lastError() {
      return lastError;
    },
    add,
    close() {
      closing.abort();
      for (const timer of timers) clock.clearTimeout(timer);
      agent?.destroy();
    },
  };
}

/** The address was checked when the webhook was set. */
const lookupOf =
  (address: string): LookupFunction =>
  (_host, options, done) => {
    const family = address.includes(':') ? 6 : 4;
    if (options.all === true) done(null, [{ address, family }]);
    else done(null, address, family);
  };

function reasonOf(error: Error): string {
  const refused = refusedAddress(error);
  if (refused !== null) return refused;
  const code = 'code' in error ? error.code : '';
  if (code === 'ECONNREFUSED') return 'Connection refused';
  if (code === 'ENOTFOUND') return 'Failed to resolve host: Name or service not known';
  if (error.message === 'Read timeout expired') return error.message;
  return code === 'ECONNRESET' ? 'Webhook connection closed' : `SSL error: ${error.message}`;
}
