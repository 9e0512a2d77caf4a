import { readFileSync } from 'node:fs';
import { Pool } from 'undici';
import type { LoadOrder } from './load-server.ts';
import { type Peer, startPeer } from './process.ts';
import type { ClientOrder, Count } from './stream-client.ts';

/** A server of streams in a process of its own, with a load server in Telegram's place. */
export interface StreamSource {
  readonly peer: Peer;
  readonly url: string;
  /** Headers of as many operators' keys as so many readers need. */
  readonly authorizations: readonly string[];
  /** Users' updates of about 450 bytes that say when they were made, by the clock; resolves when the last has been taken. */
  updates(perS: number, seconds: number): Promise<void>;
  stop(): Promise<void>;
}

/** Switchboard: what readers get comes as updates, or is posted. */
export interface StreamServer extends StreamSource {
  /** Posts an entry of about 500 bytes that says when it was made; resolves when it is taken. */
  post(n: number): Promise<void>;
}

const READERS_PER_KEY = 90;
/** Posts under way at once. */
export const POSTERS = 64;

export async function startStreamServer(folder: string, readers: number): Promise<StreamServer> {
  const { source, updates, root } = await startSource();
  const peer = startPeer('switchboard-peer.ts', ['counting', String(Math.ceil(readers / READERS_PER_KEY))], {
    TELEGRAM_BOT_TOKEN: '1:load',
    TELEGRAM_API_ROOT: root,
    SWITCHBOARD_PORT: '0',
    SWITCHBOARD_DATA: folder,
  });
  const { url, key, operators } = await peer.message<{ url: string; key: string; operators: string[] }>('url');
  const pool = new Pool(url, { connections: POSTERS });
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  return {
    peer,
    url,
    authorizations: operators.map((operator) => `Bearer ${operator}`),
    updates,
    post: (n) => post(pool, '/v1/chats/777/events', { ...headers, 'idempotency-key': `n-${n}` }, n),
    async stop() {
      await pool.close();
      await peer.stop();
      await source.stop();
    },
  };
}

/** A server that polls and writes to its sockets, and does nothing else. */
export async function startBareServer(): Promise<StreamSource> {
  const { source, updates, root } = await startSource();
  const peer = startPeer('bare-stream-peer.ts', [root]);
  const { url } = await peer.message<{ url: string }>('url');
  const stop = async (): Promise<void> => {
    await peer.stop();
    await source.stop();
  };
  return { peer, url, authorizations: [], updates, stop };
}

async function startSource() {
  const source = startPeer('load-server.ts', []);
  const { url: root } = await source.message<{ url: string }>('url');
  const updates = async (perS: number, seconds: number): Promise<void> => {
    const done = source.message('done');
    source.child.send({ mode: 'paced', perS, seconds } satisfies LoadOrder);
    await done;
  };
  return { source, root, updates };
}

/** An event's body of about 400 bytes that says when it was made. */
export async function post(pool: Pool, path: string, headers: Record<string, string>, n: number): Promise<void> {
  const text = `at ${process.hrtime.bigint()}; ${String(n).padEnd(380, '.')}`;
  const body = JSON.stringify({ type: 'load.made', text });
  const answer = await pool.request({ method: 'POST', path, headers, body });
  await answer.body.dump();
  if (answer.statusCode >= 300) throw new Error(`${path} answered ${answer.statusCode}`);
}

/** Posts so many, as fast as they are taken. */
export async function postAll(count: number, postOne: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const poster = async (): Promise<void> => {
    while (next < count) await postOne(next++);
  };
  await Promise.all(Array.from({ length: POSTERS }, poster));
}

/** Readers in a process of their own. */
export interface StreamClient {
  open(order: Extract<ClientOrder, { open: object }>['open']): Promise<void>;
  /** Ready to count; `counted` resolves with what was read. */
  arm(events: number): Promise<{ readonly counted: Promise<Count> }>;
  close(): Promise<void>;
  /** CPU seconds used so far. */
  cpuS(): number;
  stop(): Promise<void>;
}

const PATIENCE_MS = 120_000;

export function startStreamClient(): StreamClient {
  const client = startPeer('stream-client.ts', []);
  const ask = async <T>(order: ClientOrder, answer: string): Promise<T> => {
    const answered = client.message<T>(answer);
    client.child.send(order);
    return answered;
  };
  return {
    open: (order) => ask({ open: order }, 'opened'),
    async arm(events) {
      const counted = client.message<{ count: Count }>('count').then(({ count }) => count);
      await ask({ arm: { events, patienceMs: PATIENCE_MS } }, 'armed');
      return { counted };
    },
    close: () => ask({ close: true }, 'closed'),
    cpuS: () => client.cpuS(),
    stop: () => client.stop(),
  };
}

/** Descriptors that a process may have; a bench that needs more says so and does not run. */
export function descriptorsShort(needed: number): string | null {
  const [, hard = ''] = /Max open files\s+\d+\s+(\d+|unlimited)/.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  if (hard === 'unlimited' || Number(hard) >= needed) return null;
  return `a process may open ${hard} files here and this takes ${needed}: raise the limit (ulimit -Hn)`;
}
