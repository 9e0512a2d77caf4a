import { Webhook } from 'standardwebhooks';
import type { Clock } from '../clock.ts';
import { failureText } from '../connect-errors.ts';
import { limits } from '../limits.ts';
import { DIRECT, type Network, openDispatcher } from '../network.ts';
import type { SendCallback } from './callbacks.ts';

/**
 * Sends callbacks over HTTP, signed as Standard Webhooks says (spec 1.0.0: HMAC-SHA256 over `id.timestamp.body`).
 * Redirects are not followed, and of an answer nothing but its status is looked at: whoever set the URL learns nothing
 * of what is behind it.
 */
export function createHttpCallbacks(
  clock: Clock,
  network: Network = DIRECT,
): { readonly send: SendCallback; close(): Promise<void> } {
  /** undici comes with the first callback: most have none. */
  async function openClient() {
    const { request } = await import('undici');
    return { request, agent: await openDispatcher(network, { connections: limits.callbacksInFlightMax }) };
  }
  let client: ReturnType<typeof openClient> | null = null;

  return {
    async send({ url, secret, id, body }, signal) {
      const late = new AbortController();
      const timer = clock.setTimeout(() => late.abort(), limits.callbackTimeoutMs);
      const now = new Date(clock.now());
      try {
        client ??= openClient();
        const { request, agent } = await client;
        const response = await request(url, {
          dispatcher: agent,
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'webhook-id': id,
            'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
            'webhook-signature': new Webhook(secret).sign(id, now, body),
          },
          body,
          signal: AbortSignal.any([signal, late.signal]),
        });
        // Read, so that the connection can be used again; a large one is cut.
        await response.body.dump({ limit: limits.callbackAnswerBytesMax });
        return response.statusCode;
      } catch (error) {
        return late.signal.aborted ? `no answer within ${limits.callbackTimeoutMs} ms` : failureText(error);
      } finally {
        clock.clearTimeout(timer);
      }
    },
    close: async () => (await client)?.agent.destroy(),
  };
}
