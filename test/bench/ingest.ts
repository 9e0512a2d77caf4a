import type { Bench } from './bench.ts';
import { perS } from './bench.ts';
import type { LoadOrder } from './load-server.ts';
import { type Peer, startPeer } from './process.ts';

const UPDATES = 300_000;

/** Updates a second through poll, journal (synchronous FULL), step and snapshot, against grammY that keeps nothing. */
export async function ingest({ folder, print }: Bench): Promise<void> {
  const ours: number[] = [];
  for (const [machine, chats] of [
    ['counting', 1000],
    ['counting', 100_000],
    ['moving', 1000],
  ] as const) {
    const label = `Switchboard, ${chats.toLocaleString('en')} chats, ${machine} machine`;
    const { perSecond } = await measure(label, print, chats, (url) =>
      startPeer('switchboard-peer.ts', [machine], {
        TELEGRAM_BOT_TOKEN: '1:load',
        TELEGRAM_API_ROOT: url,
        SWITCHBOARD_PORT: '0',
        SWITCHBOARD_DATA: `${folder}/${machine}-${chats}`,
      }),
    );
    ours.push(perSecond);
  }
  const peer = await measure('grammY plain, 1,000 chats, in memory', print, 1000, (url) =>
    startPeer('grammy-peer.ts', [url]),
  );
  print('Switchboard / grammY, 1,000 chats', ((ours[0] ?? 0) / peer.perSecond).toFixed(2));
}

async function measure(
  label: string,
  print: Bench['print'],
  chats: number,
  start: (url: string) => Peer,
): Promise<{ perSecond: number }> {
  const server = startPeer('load-server.ts', []);
  const { url } = await server.message<{ url: string }>('url');
  server.child.send({ mode: 'burst', updates: UPDATES, chats } satisfies LoadOrder);
  const done = server.message<{ ms: number }>('done');
  const begun = server.message('begun');
  const peer = start(url);
  await begun;
  const cpuBefore = peer.cpuS();
  const { ms } = await done;
  const cpuS = peer.cpuS() - cpuBefore;
  print(label, `${perS(UPDATES, ms)}, ${perS(UPDATES, cpuS * 1000)} of CPU, RSS ${Math.round(peer.rssMib())} MiB`);
  await peer.stop();
  await server.stop();
  return { perSecond: UPDATES / (ms / 1000) };
}
