import type { LoadOrder } from './load-server.ts';
import { type Peer, startPeer } from './process.ts';

/** What a burst cost the one that took it. */
export interface Cost {
  readonly updates: number;
  readonly wallUs: number;
  readonly cpuUs: number;
}

/** A Switchboard with a load server of its own. */
export interface Driven {
  readonly peer: Peer;
  /** Where it serves, and an admin's key. */
  readonly url: string;
  readonly key: string;
  /** Serves a burst and waits until all of it has been confirmed. µs an update. */
  burst(order: Omit<Extract<LoadOrder, { mode: 'burst' }>, 'mode'>): Promise<Cost>;
  /** Serves updates by the clock; resolves when the last has been taken. */
  paced(perS: number, seconds: number): Promise<void>;
  /** Ends both. `SIGKILL` gives Switchboard no chance to tidy up. */
  stop(signal?: 'SIGKILL'): Promise<void>;
}

/** Starts Switchboard on a data folder, with one of the bench's machines and settings by the environment, and waits until it is ready. */
export async function startDriven(
  folder: string,
  machine: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<Driven> {
  const server = startPeer('load-server.ts', []);
  const { url } = await server.message<{ url: string }>('url');
  const peer = startPeer('switchboard-peer.ts', [machine], {
    TELEGRAM_BOT_TOKEN: '1:load',
    TELEGRAM_API_ROOT: url,
    SWITCHBOARD_PORT: '0',
    SWITCHBOARD_DATA: folder,
    ...settings,
  });
  const serving = await peer.message<{ url: string; key: string }>('url');
  return {
    peer,
    ...{ url: serving.url, key: serving.key },
    async burst(order) {
      const done = server.message<{ ms: number }>('done');
      const begun = server.message('begun');
      server.child.send({ mode: 'burst', ...order } satisfies LoadOrder);
      await begun;
      const cpuBefore = peer.cpuS();
      const { ms } = await done;
      const { updates } = order;
      return { updates, wallUs: (ms * 1000) / updates, cpuUs: ((peer.cpuS() - cpuBefore) * 1e6) / updates };
    },
    async paced(perS, seconds) {
      const done = server.message('done');
      server.child.send({ mode: 'paced', perS, seconds } satisfies LoadOrder);
      await done;
    },
    async stop(signal) {
      if (signal === undefined) await peer.stop();
      else {
        const gone = new Promise((resolve) => peer.child.once('exit', resolve));
        peer.child.kill(signal);
        await gone;
      }
      await server.stop();
    },
  };
}

/** The round in the middle, by wall time. */
export function median(rounds: readonly Cost[]): Cost {
  const sorted = [...rounds].sort((a, b) => a.wallUs - b.wallUs);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new RangeError('There was no round');
  return middle;
}

export const costText = ({ wallUs, cpuUs }: Cost): string => `${wallUs.toFixed(1)} µs, ${cpuUs.toFixed(1)} µs of CPU`;
