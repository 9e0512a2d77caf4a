import type { Bench } from './bench.ts';
import { perS } from './bench.ts';
import type { LoadOrder } from './load-server.ts';
import { type Peer, startPeer } from './process.ts';

const UPDATES = 300_000;

interface Speed {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

const ratio = (ours: Speed | undefined, peer: Speed): string =>
  ours === undefined
    ? 'none'
    : `${(ours.perSecond / peer.perSecond).toFixed(2)}, of CPU ${(ours.perCpuSecond / peer.perCpuSecond).toFixed(2)}`;

/**
 * Updates a second through poll, journal (synchronous FULL), step and snapshot, against grammY that keeps nothing; and
 * what XState, JSON and the disk alone allow.
 */
export async function ingest({ folder, print }: Bench): Promise<void> {
  const ours: Speed[] = [];
  for (const [machine, chats] of [
    ['counting', 1000],
    ['counting', 100_000],
    ['moving', 1000],
  ] as const) {
    const label = `Switchboard, ${chats.toLocaleString('en')} chats, ${machine} machine`;
    const speed = await measure(label, print, chats, (url) =>
      startPeer('switchboard-peer.ts', [machine], {
        TELEGRAM_BOT_TOKEN: '1:load',
        TELEGRAM_API_ROOT: url,
        SWITCHBOARD_PORT: '0',
        SWITCHBOARD_DATA: `${folder}/${machine}-${chats}`,
      }),
    );
    ours.push(speed);
  }
  const bare = await measure('XState, JSON and one commit a batch, nothing else', print, 1000, (url) =>
    startPeer('bare-ingest-peer.ts', [url, `${folder}/bare`]),
  );
  for (const [label, file] of [
    ['grammY with in-memory sessions', 'grammy-session-peer.ts'],
    ['grammY plain', 'grammy-peer.ts'],
  ] as const) {
    const peer = await measure(`${label}, 1,000 chats`, print, 1000, (url) => startPeer(file, [url]));
    print(`Switchboard / ${label}, 1,000 chats`, ratio(ours[0], peer));
    print(`these parts alone / ${label}`, ratio(bare, peer));
  }
}

async function measure(
  label: string,
  print: Bench['print'],
  chats: number,
  start: (url: string) => Peer,
): Promise<Speed> {
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
  return { perSecond: UPDATES / (ms / 1000), perCpuSecond: UPDATES / cpuS };
}
