import { join } from 'node:path';
import { type Bench, percentile, perS, ratio } from './bench.ts';
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

const WHO = ['batches', 'single', 'ours', 'bare', 'peer'] as const;
type Who = (typeof WHO)[number];
const LABELS: Readonly<Record<Who, string>> = {
  batches: 'POST, batches of 1,000',
  single: 'POST, one by one, 64 at once',
  ours: 'Switchboard, claimed and settled on the disk',
  bare: 'HTTP, a claim and a fate a message, nothing else',
  peer: 'grammY + runner, from memory',
};

/** Each is measured so many times, in turns: a machine that is slower for a while is so for all of a turn. */
const TURNS = 5;

/**
 * Messages a second accepted by POST, and messages a second sent with a durable claim and a durable fate each, against
 * grammY with its runner, which answers an update with a message and keeps nothing; and what the HTTP client and the disk
 * alone allow. The same load server answers all. Of what is told of each the middle of its turns counts, and of the ratios
 * those of the turns.
 */
export async function sending({ folder, print }: Bench): Promise<void> {
  const sends = IN_BATCHES + ONE_BY_ONE - GONE_MAX;
  const turns: Record<Who, Speed[]> = { batches: [], single: [], ours: [], bare: [], peer: [] };
  for (let turn = 1; turn <= TURNS; turn += 1) {
    print('measuring', `turn ${turn} of ${TURNS}`);
    const data = join(folder, String(turn));
    const start = (url: string, rates: object) =>
      startPeer('switchboard-peer.ts', ['counting', '0', JSON.stringify(rates)], {
        TELEGRAM_BOT_TOKEN: '1:load',
        TELEGRAM_API_ROOT: url,
        SWITCHBOARD_PORT: '0',
        SWITCHBOARD_DATA: data,
      });
    await onServer(async (url) => {
      const peer = start(url, CLOSED);
      const edge = await peer.message<{ url: string; key: string }>('url');
      turns.batches.push(await accept(IN_BATCHES, peer, () => postAll(edge, batchOf(IN_BATCHES, CHATS), 2)));
      turns.single.push(await accept(ONE_BY_ONE, peer, () => postAll(edge, singleOf(ONE_BY_ONE, CHATS), 64)));
      await peer.stop();
    });
    turns.ours.push(await measure({ sends }, (url) => start(url, OPEN)));
    const bareArgs = (url: string) => [url, `${data}-bare`, String(IN_BATCHES), String(CHATS)];
    turns.bare.push(await measure({ sends: IN_BATCHES }, (url) => startPeer('bare-sending-peer.ts', bareArgs(url))));
    turns.peer.push(await measure({ sends, updates: sends }, (url) => startPeer('grammy-runner-peer.ts', [url])));
  }
  for (const who of WHO) print(LABELS[who], speedText(turns[who]));
  const against = (which: readonly Speed[], of: (speed: Speed) => number): number[] =>
    which.map((speed, turn) => of(speed) / of(turns.peer[turn] ?? speed));
  const [wall, cpu] = [against(turns.ours, ({ perS }) => perS), against(turns.ours, ({ perCpuS }) => perCpuS)];
  print('Switchboard / grammY', rangeText(wall));
  print('Switchboard / grammY, of CPU', rangeText(cpu));
  print('the middle of these', ratio(percentile(cpu, 0.5), 'at least', 2));
  print('these parts alone / grammY', rangeText(against(turns.bare, ({ perS }) => perS)));
  print('these parts alone / grammY, of CPU', rangeText(against(turns.bare, ({ perCpuS }) => perCpuS)));
}

interface Speed {
  readonly perS: number;
  readonly perCpuS: number;
  /** MiB at the end. */
  readonly rss: number;
}

function speedText(turns: readonly Speed[]): string {
  const middle = (of: (speed: Speed) => number): number => percentile(turns.map(of), 0.5);
  const [wall, cpu] = [middle(({ perS }) => perS), middle(({ perCpuS }) => perCpuS)];
  return `${perS(wall, 1000)}, ${perS(cpu, 1000)} of CPU, RSS ${Math.round(middle(({ rss }) => rss))} MiB`;
}

const rangeText = (ratios: readonly number[]): string =>
  `${percentile(ratios, 0.5).toFixed(2)}, from ${percentile(ratios, 0).toFixed(2)} to ${percentile(ratios, 1).toFixed(2)}`;

async function accept(count: number, peer: Peer, post: () => Promise<void>): Promise<Speed> {
  const [begunAt, cpuBefore] = [performance.now(), peer.cpuS()];
  await post();
  const [ms, cpuS] = [performance.now() - begunAt, peer.cpuS() - cpuBefore];
  return { perS: (count / ms) * 1000, perCpuS: count / cpuS, rss: peer.rssMib() };
}

async function onServer<T>(job: (url: string, server: Peer) => Promise<T>): Promise<T> {
  const server = startPeer('load-server.ts', []);
  const { url } = await server.message<{ url: string }>('url');
  const value = await job(url, server);
  await server.stop();
  return value;
}

const measure = (
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
    const [cpuS, rss] = [peer.cpuS() - cpuBefore, peer.rssMib()];
    await peer.stop();
    return { perS: (sends / ms) * 1000, perCpuS: sends / cpuS, rss };
  });
