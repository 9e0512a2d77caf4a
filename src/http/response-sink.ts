import type { FastifyReply } from 'fastify';
import { limits } from '../limits.ts';
import type { Sink } from '../operators/operators.ts';

/**
 * Turns a reply into a stream that fastify has no more part in. The bytes go to the socket as they are, and the end
 * of the connection is the end of the stream: chunked encoding would cost each reader a copy of what all share.
 */
export function streamTo(reply: FastifyReply, contentType: string): Sink {
  reply.hijack();
  const response = reply.raw;
  response.removeHeader('transfer-encoding');
  response.writeHead(200, {
    'content-type': contentType,
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    connection: 'close',
  });
  response.flushHeaders();
  return new ResponseSink(response);
}

type Response = FastifyReply['raw'];

class ResponseSink implements Sink {
  readonly #response: Response;
  /** The socket; the response itself while that waits behind an earlier one of its connection (pipelining). */
  readonly #out: Response | NonNullable<Response['socket']>;

  constructor(response: Response) {
    this.#response = response;
    this.#out = response.socket ?? response;
  }

  write(chunk: Uint8Array | string): boolean {
    // Nothing to wait for where the other side has gone: its `close` is on the way.
    return !this.#out.writable || this.#out.write(chunk);
  }

  pending(): number {
    return this.#out.writableLength;
  }

  end(): void {
    this.#response.end();
    // Nobody watches a stream that has ended: a reader that does not take the rest must not keep its socket.
    this.#response.socket?.setTimeout(limits.readerStuckMs, () => this.destroy());
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
}
