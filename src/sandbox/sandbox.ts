import type { Server } from 'node:http';
import type { Clock } from '../clock.ts';
import { SwitchboardError } from '../errors.ts';
import { createWorld, forgetBot, type SandboxLog } from './bots.ts';
import { type FloodLimits, NO_FLOOD, TELEGRAM_FLOOD } from './flood.ts';
import { createHttp } from './server.ts';

export type { SandboxLog } from './bots.ts';
export type { FloodLimits } from './flood.ts';

export interface SandboxOptions {
  /** Default 127.0.0.1: the control API asks for no key. */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly clock: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log?: SandboxLog;
  /** What every bot starts with: Telegram's limits, single ones changed, or none. */
  readonly flood?: Partial<FloodLimits> | 'off';
}

/** A local Bot API server with pretend users. Everything is in memory: closing it forgets all. */
export interface Sandbox {
  /** Without a slash at the end: the api root of a Bot API client. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Cuts every connection. */
  close(): Promise<void>;
}

/**
 * Starts the sandbox: the Bot API at `<url>/bot<token>/<method>`, downloads at `<url>/file/bot<token>/<path>`, the
 * control API at `<url>/sandbox/bots/<token>/…`. Rejects with `port_taken` where the address is not free.
 */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { clock, random, host = '127.0.0.1', log = () => {} } = options;
  const flood = options.flood === 'off' ? NO_FLOOD : { ...TELEGRAM_FLOOD, ...options.flood };
  const world = createWorld(clock, random, log, flood);
  const server = createHttp(world);
  const port = await listen(server, host, options.port);
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    host,
    port,
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
    server.once('error', (cause: Error) => {
      const taken = 'code' in cause && cause.code === 'EADDRINUSE';
      const why = `The sandbox cannot listen at ${host}:${port}`;
      reject(taken ? new SwitchboardError('port_taken', `${why}: the address is taken`, { cause }) : cause);
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
