import { type Bench, perS } from './bench.ts';
import type { LoadOrder } from './load-server.ts';
import { batchOf, postAll, singleOf } from './posts.ts';
import { type Peer, startPeer } from './process.ts';

const IN_BATCHES = 50_000;
const ONE_BY_ONE = 5_000;
const CHATS = 10_000;

/** What may have gone while accepting was measured. */
const GONE_MAX = 20;

/** Next to nothing leaves, so that accepting is measured alone; then all of it leaves, as fast as it can. */
const CLOSED = { overallPerS: 0.1, overallBurst: 1 };
const OPEN = { chatPerS: 10_000, chatBurst: 10_000, overallPerS: 100_000, overallBurst: 100_000 };

/**
 * Messages a second accepted by POST, and messages a second sent with a durable claim and a durable fate each, against
 * grammY with its runner, which answers an update with a message and keeps nothing; and what the HTTP client and the disk
 * alone allow. The same load server answers all.
 */
export async function sending({ folder, print }: Bench): Promise<void> {
  const start = (url: string, rates: object) =>
    startPeer('switchboard-peer.ts', ['counting', '0', JSON.stringify(rates)], {
      TELEGRAM_BOT_TOKEN: '1:load',
      TELEGRAM_API_ROOT: url,
      SWITCHBOARD_PORT: '0',
      SWITCHBOARD_DATA: folder,
    });
  await onServer(async (url) => {
    const peer = start(url, CLOSED);
    const edge = await peer.message<{ url: string; key: string }>('url');
    await accept('POST, batches of 1,000', IN_BATCHES, print, peer, () => postAll(edge, batchOf(IN_BATCHES, CHATS), 2));
    await accept('POST, one by one, 64 at once', ONE_BY_ONE, print, peer, () =>
      postAll(edge, singleOf(ONE_BY_ONE, CHATS), 64),
    );
    await peer.stop();
  });
  const sends = IN_BATCHES + ONE_BY_ONE - GONE_MAX;
  const ours = await measure('Switchboard, claimed and settled on the disk', print, { sends }, (url) =>
    start(url, OPEN),
  );
  const bare = await measure('HTTP, a claim and a fate a message, nothing else', print, { sends: IN_BATCHES }, (url) =>
    startPeer('bare-sending-peer.ts', [url, `${folder}/bare`, String(IN_BATCHES), String(CHATS)]),
  );
  const peer = await measure('grammY + runner, from memory', print, { sends, updates: sends }, (url) =>
    startPeer('grammy-runner-peer.ts', [url]),
  );
  print('Switchboard / grammY', ratio(ours, peer));
  print('these parts alone / grammY', ratio(bare, peer));
}

interface Speed {
  readonly perS: number;
  readonly perCpuS: number;
}

const ratio = (ours: Speed, peers: Speed): string =>
  `${(ours.perS / peers.perS).toFixed(2)}, of CPU ${(ours.perCpuS / peers.perCpuS).toFixed(2)}`;

async function accept(
  label: string,
  count: number,
  print: Bench['print'],
  peer: Peer,
  post: () => Promise<void>,
): Promise<void> {
  const [begunAt, cpuBefore] = [performance.now(), peer.cpuS()];
  await post();
  const [ms, cpuS] = [performance.now() - begunAt, peer.cpuS() - cpuBefore];
  print(label, `${perS(count, ms)}, ${perS(count, cpuS * 1000)} of CPU`);
}

async function onServer<T>(job: (url: string, server: Peer) => Promise<T>): Promise<T> {
  const server = startPeer('load-server.ts', []);
  const { url } = await server.message<{ url: string }>('url');
  const value = await job(url, server);
  await server.stop();
  return value;
}

const measure = (
  label: string,
  print: Bench['print'],
  { sends, updates = 0 }: { sends: number; updates?: number },
  start: (url: string) => Peer,
): Promise<Speed> =>
  onServer(async (url, server) => {
    const [begun, done] = [server.message('begun'), server.message<{ ms: number }>('done')];
    server.child.send({ mode: 'sends', sends, updates, chats: CHATS } satisfies LoadOrder);
    const peer = start(url);
    await begun;
    const cpuBefore = peer.cpuS();
    const { ms } = await done;
    const cpuS = peer.cpuS() - cpuBefore;
    print(label, `${perS(sends, ms)}, ${perS(sends, cpuS * 1000)} of CPU, RSS ${Math.round(peer.rssMib())} MiB`);
    await peer.stop();
    return { perS: sends / ms, perCpuS: sends / cpuS };
  });
