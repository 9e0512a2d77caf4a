import { ConnectFailed, failureText } from '../connect-errors.ts';
import { limits } from '../limits.ts';
import { DIRECT, type Network, openDispatcher } from '../network.ts';
import { TelegramRefused, TelegramUnreachable } from './errors.ts';
import type { BotFiles } from './telegram.ts';

export interface HttpBotFilesOptions {
  readonly root: string;
  readonly token: string;
  /** Downloads at once; further ones wait for a connection. */
  readonly connections: number;
  /** Default: no proxy. */
  readonly network?: Network;
}

/**
 * The bot's files over HTTP. A file beyond limits.fileBytesMax, or one that stands still for limits.fileStallMs, breaks
 * off. Errors never hold the token: it is in the path, and no path is in a message.
 */
export function createHttpBotFiles({ root, token, connections, network = DIRECT }: HttpBotFilesOptions): BotFiles {
  const base = `${root.replace(/\/+$/, '')}/file/bot${token}/`;
  /** undici comes with the first file, as with the first call (http.ts). */
  async function openClient() {
    const { request } = await import('undici');
    return {
      request,
      dispatcher: await openDispatcher(network, { connections, maxResponseSize: limits.fileBytesMax }),
    };
  }
  let client: ReturnType<typeof openClient> | null = null;

  return {
    async open(path, signal) {
      client ??= openClient();
      const { request, dispatcher } = await client;
      const { statusCode, headers, body } = await request(base + encoded(path), {
        dispatcher,
        signal,
        headersTimeout: limits.botApiTimeoutMs,
        bodyTimeout: limits.fileStallMs,
      }).catch((error: unknown) => {
        throw new TelegramUnreachable('a download', failureText(error), !(error instanceof ConnectFailed), error);
      });
      if (statusCode === 200) {
        const length = headers['content-length'];
        return { stream: body, length: typeof length === 'string' ? Number(length) : null };
      }
      await body.dump();
      throw new TelegramRefused('a download', { error_code: statusCode, description: 'Not Found' });
    },
    close: async () => (await client)?.dispatcher.destroy(),
  };
}

/** The path as a URL holds it. Throws TelegramRefused where it would lead out of the bot's files. */
function encoded(path: string): string {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new TelegramRefused('a download', { error_code: 404, description: 'Not Found' });
  }
  return parts.map(encodeURIComponent).join('/');
}
