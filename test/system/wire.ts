import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What happens between a bot and its Bot API server, as the wire sees it:
 * - `batch`: updates have been handed to the bot.
 * - `confirm`: a poll arrives that confirms what was handed over.
 * - `call`: a call to send a message arrives.
 * - `answer`: the call was carried out; the answer is about to go back.
 */
export type Moment = 'batch' | 'confirm' | 'call' | 'answer';

/** A message on its way, as the wire saw it. */
export interface WireCall {
  readonly text: string;
  /** An answer went back: Telegram's error_code, 0 for none. `open`: none has yet, `lost`: none ever will. */
  end: 'open' | 'lost' | number;
}

export interface Wire {
  readonly url: string;
  /** Messages that arrived here, in that order. */
  readonly calls: readonly WireCall[];
  /** The next poll asks for everything that is not confirmed, whatever the bot asked for: a server may do that. */
  forgetOffset(): void;
  close(): Promise<void>;
}

export interface WireOptions {
  /** The Bot API server. */
  readonly target: string;
  /** Something is about to pass; false: it gets lost. (A batch has passed already.) `body`: that of a call. */
  readonly at: (moment: Moment, body?: string) => boolean;
  /** Updates that are on their way to the bot. */
  readonly onUpdates: (ids: readonly number[]) => void;
}

/** A wire between a bot and its Bot API server, on which a test can stop time at the moments that matter. */
export async function createWire({ target, at, onUpdates }: WireOptions): Promise<Wire> {
  const calls: WireCall[] = [];
  let forgets = false;
  let handedOver = false;

  async function forward(request: IncomingMessage, body: string): Promise<string> {
    const headers = { 'content-type': 'application/json' };
    const method = 'POST';
    const response = await fetch(target + request.url, { method, headers, body });
    return response.text();
  }

  function answer(response: ServerResponse, text: string, done = () => {}): void {
    if (response.destroyed) return;
    response.writeHead(JSON.parse(text).ok ? 200 : 400, { 'content-type': 'application/json' }).end(text, done);
  }

  async function poll(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
    const { offset, ...rest } = JSON.parse(body);
    const confirms = offset !== undefined && handedOver;
    handedOver = false;
    if (confirms && !at('confirm')) return void request.socket.destroy();
    const asked = forgets ? JSON.stringify(rest) : body;
    forgets = false;
    // What has arrived is heeded, whether or not who sent it still lives.
    const text = await forward(request, asked);
    if (response.destroyed) return;
    const ids: number[] = JSON.parse(text).result.map(({ update_id }: { update_id: number }) => update_id);
    if (ids.length === 0) return answer(response, text);
    onUpdates(ids);
    handedOver = true;
    answer(response, text, () => at('batch'));
  }

  async function send(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
    const call: WireCall = { text: JSON.parse(body).text, end: 'open' };
    calls.push(call);
    try {
      if (!at('call', body)) return void request.socket.destroy();
      const text = await forward(request, body);
      if (!at('answer')) return void request.socket.destroy();
      if (!response.destroyed) call.end = JSON.parse(text).error_code ?? 0;
      answer(response, text);
    } finally {
      if (call.end === 'open') call.end = 'lost';
    }
  }

  const server = createServer(async (request, response) => {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks).toString();
      const method = /\w+$/.exec(request.url ?? '')?.[0];
      // A bot that begins: what its predecessor was handed is not this one's to confirm.
      if (method === 'getMe') handedOver = false;
      if (method === 'getUpdates') await poll(request, response, body);
      else if (method === 'sendMessage') await send(request, response, body);
      else answer(response, await forward(request, body));
    } catch {
      // Who asked has gone, or what answers.
      request.socket.destroy();
    }
  });
  // A connection that it closed as the next call comes would lose calls that it never saw.
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    forgetOffset() {
      forgets = true;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
