import type { Server, ServerResponse } from 'node:http';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../clock.ts';
import { listenError } from '../listening.ts';
import { type Bot, botOf, createWorld, forgetBot, publishTrouble, type SandboxLog } from './bots.ts';
import { attachEvents, control } from './control.ts';
import { type FloodLimits, NO_FLOOD, TELEGRAM_FLOOD } from './flood.ts';
import { imageKind } from './media-content.ts';
import { createOutside } from './outside.ts';
import { type Overview, overviewOf, type Transcript, transcriptOf } from './overview.ts';
import { createHttp } from './server.ts';

export type { SandboxLog } from './bots.ts';
export type { Fault } from './faults.ts';
export type { FeedEvent } from './feed.ts';
export type { FloodLimits } from './flood.ts';
export type { Overview, Transcript } from './overview.ts';

export interface SandboxOptions {
  /** Default 127.0.0.1: nothing here asks for a key. It is reached by this name, an IP address or `localhost`. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log?: SandboxLog;
  /** What every bot starts with: Telegram's limits, single ones changed, or none. */
  readonly flood?: Partial<FloodLimits> | 'off';
  /** Webhooks and URLs of files may lead to private networks. Default: to this machine and the public internet only. */
  readonly allowPrivateNetworks?: boolean;
  /** In place of the system's name look-up. */
  readonly lookup?: LookupFunction;
}

/** What one bot's users do and see, for whoever runs in the same process. It answers also while the sandbox is offline. */
export interface Playground {
  /** One request to the bot's control API, `path` as after `/sandbox/bots/<token>/`. Gives the answer; throws SwitchboardError. */
  control(method: string, path: string, body: Buffer): unknown;
  /** Streams the bot's events into the response. Throws SwitchboardError too_many_streams. */
  watch(response: ServerResponse): void;
  overview(): Overview;
  transcript(chatId: number): Transcript;
  /** A file that the bot sent or received; null where it is forgotten. */
  file(fileId: string): PlaygroundFile | null;
  /**
   * Offline nobody reaches the Bot API: the port refuses connections, and those that are open are cut. Rejects with
   * port_taken where another process has taken the port meanwhile; then it stays offline.
   */
  setOffline(offline: boolean): Promise<void>;
}

export interface PlaygroundFile {
  readonly bytes: Uint8Array;
  readonly fileName: string;
  /** What its bytes are, whatever it is called; null: no picture. */
  readonly picture: ReturnType<typeof imageKind>;
}

/** A local Bot API server with pretend users. Everything is in memory: closing it forgets all. */
export interface Sandbox {
  /** Without a slash at the end: the api root of a Bot API client. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Null where the token is not of Telegram's form. */
  playground(token: string): Playground | null;
  /** Cuts every connection. */
  close(): Promise<void>;
}

/**
 * Starts the sandbox: the Bot API at `<url>/bot<token>/<method>`, downloads at `<url>/file/bot<token>/<path>`, the
 * control API at `<url>/sandbox/bots/<token>/…`. Rejects with `port_taken` or `address_refused`.
 */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { clock, random, host = '127.0.0.1', log = () => {} } = options;
  const flood = options.flood === 'off' ? NO_FLOOD : { ...TELEGRAM_FLOOD, ...options.flood };
  const outside = createOutside(options);
  const world = createWorld({ clock, random, log, flood, outside });
  const server = createHttp(world, host);
  const port = await listen(server, host, options.port);

  const goOffline = async (offline: boolean): Promise<void> => {
    if (offline === world.offline) return;
    if (offline) {
      server.close();
      server.closeAllConnections();
    } else await listen(server, host, port);
    world.offline = offline;
    for (const bot of world.bots.values()) publishTrouble(world, bot);
  };
  let changing: Promise<void> = Promise.resolve();
  const setOffline = (offline: boolean): Promise<void> => {
    const changed = changing.then(() => goOffline(offline));
    changing = changed.catch(() => {});
    return changed;
  };
  /** Made anew where it was forgotten meanwhile. */
  const botFor = (token: string): Bot => {
    const bot = botOf(world, token);
    if (bot === null) throw new Error('A bot of the right form has no bot');
    return bot;
  };

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    host,
    port,
    playground: (token) =>
      botOf(world, token) === null
        ? null
        : {
            control: (method, path, body) => control(world, botFor(token), { method, path: path.split('/'), body }),
            watch: (response) => attachEvents(botFor(token), response),
            overview: () => overviewOf(world, botFor(token)),
            transcript: (chatId) => transcriptOf(botFor(token), chatId),
            file(fileId) {
              const stored = world.files.byId(botFor(token).id, fileId);
              if (stored === undefined) return null;
              return { bytes: stored.bytes, fileName: stored.fileName, picture: imageKind(stored.bytes) };
            },
            setOffline,
          },
    close: () =>
      new Promise((resolve) => {
        for (const token of [...world.bots.keys()]) forgetBot(world, token);
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => reject(listenError(cause, host, port));
    server.once('error', fail);
    server.listen(port, host, () => {
      server.off('error', fail);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
