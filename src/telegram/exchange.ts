import type { IncomingHttpHeaders } from 'node:http';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { limits } from '../limits.ts';
import type { Connections } from './connections.ts';

/** An HTTP answer, its body as text. */
export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A request that is under way. */
export interface Exchange {
  readonly answer: Promise<Answered>;
  /** Cuts it off with this error. Where it has not begun to leave, it never does, and `answer` rejects at once. */
  cut(error: Error): void;
  /** Whether a connection was made and took it: before that, nothing of it can have left. */
  begun(): boolean;
}

/** An answer that was larger than it may be, and was dropped while it came. `cause` is undici's error. */
export class DroppedAnswer extends Error {
  /** How it begins. */
  readonly head: string;

  constructor([first = Buffer.alloc(0)]: readonly Buffer[], cause: Error) {
    super(cause.message, { cause });
    this.head = first.subarray(0, HEAD_BYTES).toString();
  }
}

/** Enough for the first update's id. */
const HEAD_BYTES = 256;

/**
 * Sends one request and gathers its answer: what undici's own `request` does, without a stream for a body that is read
 * whole, and without an AbortSignal. That is a third of what a call costs. `onReceived`: some of the answer came.
 * `onLeaving`: a connection has it, and the first byte is about to leave.
 */
export function exchange(
  connections: Connections,
  options: Dispatcher.DispatchOptions,
  onReceived: () => void,
  onLeaving: () => void = () => {},
): Exchange {
  const { promise: answer, resolve, reject } = Promise.withResolvers<Answered>();
  const chunks: Buffer[] = [];
  let status = 0;
  let headers: IncomingHttpHeaders = {};
  let controller: Dispatcher.DispatchController | null = null;
  let error: Error | null = null;
  connections.lend((client) => {
    // It was cut while it waited.
    if (error !== null) return connections.giveBack(client);
    client.dispatch(options, {
      onRequestStart(own) {
        // undici writes nothing if this throws.
        if (error === null) onLeaving();
        controller = own;
        if (error !== null) own.abort(error);
      },
      onResponseStart(_, statusCode, received) {
        status = statusCode;
        headers = received;
        onReceived();
      },
      onResponseData(_, chunk) {
        chunks.push(chunk);
        onReceived();
      },
      onResponseEnd() {
        connections.giveBack(client);
        const [first = Buffer.alloc(0)] = chunks;
        const body = chunks.length > 1 ? Buffer.concat(chunks) : first;
        try {
          resolve({ status, headers, text: unpacked(body, headers['content-encoding']).toString() });
        } catch (why) {
          reject(why);
        }
      },
      onResponseError(_, why) {
        connections.giveBack(client);
        const isTooLarge = 'code' in why && why.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE';
        reject(isTooLarge ? new DroppedAnswer(chunks, why) : why);
      },
    });
  });
  return {
    answer,
    cut(why) {
      error = why;
      if (controller === null) reject(why);
      else controller.abort(why);
    },
    begun: () => controller !== null,
  };
}

/**
 * The body of an answer that is packed although nobody asked for that: some gateways pack everything. undici's interceptor
 * does this too, at a cost to every call. Throws if the body cannot be unpacked, or has too many bytes then.
 */
function unpacked(body: Buffer, encoding: string | undefined): Buffer {
  const unpack = encoding === undefined ? undefined : UNPACKING[encoding.toLowerCase()];
  return unpack === undefined ? body : unpack(body, { maxOutputLength: limits.botApiAnswerBytesMax });
}

const UNPACKING: Readonly<Record<string, typeof gunzipSync>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};
