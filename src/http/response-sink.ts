import type { FastifyReply } from 'fastify';
import type { Sink } from '../operators/operators.ts';
import { ANSWER_HEADERS } from './problems.ts';
import { closeWhenStuck } from './stuck.ts';

/**
 * Turns a reply into a stream that fastify has no more part in. The bytes go to the socket as they are, and the end
 * of the connection is the end of the stream: chunked encoding would cost each reader a copy of what all share. A
 * socket that takes nothing for `stuckMs` while something waits for it is closed.
 */
export function streamTo(reply: FastifyReply, contentType: string, stuckMs: number): Sink {
  reply.hijack();
  const response = reply.raw;
  response.removeHeader('transfer-encoding');
  response.writeHead(200, {
    'content-type': contentType,
    ...ANSWER_HEADERS,
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
    connection: 'close',
  });
  response.flushHeaders();
  return new ResponseSink(response, stuckMs);
}

type Response = FastifyReply['raw'];

class ResponseSink implements Sink {
  readonly #response: Response;
  /** The socket; the response itself while that waits behind an earlier one of its connection (pipelining). */
  readonly #out: Response | NonNullable<Response['socket']>;
  readonly #stuckMs: number;
  #isWatched = false;

  constructor(response: Response, stuckMs: number) {
    this.#response = response;
    this.#out = response.socket ?? response;
    this.#stuckMs = stuckMs;
  }

  write(chunk: Uint8Array | string): boolean {
    // Nothing to wait for where the other side has gone: its `close` is on the way.
    if (!this.#out.writable || this.#out.write(chunk)) return true;
    this.#watch();
    return false;
  }

  pending(): number {
    return this.#out.writableLength;
  }

  end(): void {
    this.#watch();
    this.#response.end();
  }

  destroy(): void {
    this.#response.destroy();
  }

  onDrain(listener: () => void): void {
    this.#out.on('drain', listener);
  }

  onClose(listener: () => void): void {
    if (this.#out.destroyed) queueMicrotask(listener);
    else this.#response.once('close', listener);
  }

  /** From the first time that the socket is full: who keeps up costs no timer. */
  #watch(): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    closeWhenStuck(this.#response, this.#stuckMs);
  }
}
