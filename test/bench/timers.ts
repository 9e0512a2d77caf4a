import { join } from 'node:path';
import { createParser } from 'eventsource-parser';
import { request } from 'undici';
import { type Bench, percentile, perS, ratio } from './bench.ts';
import type { LoadOrder } from './load-server.ts';
import { machine } from './patient.machine.ts';
import { populate } from './population.ts';
import { startPeer } from './process.ts';

const PENDING = 1_000_000;
const AT_ONCE = 100_000;
const PER_S = 200;
const SECONDS = 60;
const MB = 1.048576;

/**
 * What a million pending timers cost in memory: a bot of a million chats without one, beside the same with one a chat.
 * And a storm: 100,000 came due while the process was down; meanwhile users write, 200 updates a second, from a
 * thousand of those chats. Their latency is that from the update's making to an operator's stream.
 */
export async function timers({ folder, print }: Bench): Promise<void> {
  const told = (line: string): void => print('building', line);
  const month = Date.now() + 30 * 24 * 3_600_000;
  for (const [name, chats, count, dueAt] of [
    ['none', PENDING, 0, month],
    ['pending', PENDING, PENDING, month],
    // A millisecond apart, the last of them due by now.
    ['due', AT_ONCE, AT_ONCE, Date.now() - AT_ONCE],
  ] as const) {
    await populate(join(folder, name), machine, { chats, entries: 0, timers: count, dueAt: (n) => dueAt + n }, told);
  }
  const [without, pending] = [await rssMb(join(folder, 'none')), await rssMb(join(folder, 'pending'))];
  print('RSS ready, a million chats without a timer', `${Math.round(without)} MB`);
  print('RSS ready, a million chats with a timer each', `${Math.round(pending)} MB`);
  print('ratio', ratio(pending / without, 'at most', 1.1));
  await storm(join(folder, 'due'), print);
}

async function start(folder: string, url: string) {
  const peer = startPeer('switchboard-peer.ts', ['patient'], {
    TELEGRAM_BOT_TOKEN: '1:load',
    TELEGRAM_API_ROOT: url,
    SWITCHBOARD_PORT: '0',
    SWITCHBOARD_DATA: folder,
  });
  return { peer, edge: await peer.message<{ url: string; key: string }>('url') };
}

/** Once it has taken a thousand updates, so that whatever a start puts off has been done. */
async function rssMb(folder: string): Promise<number> {
  const server = startPeer('load-server.ts', []);
  const { url } = await server.message<{ url: string }>('url');
  const done = server.message('done');
  server.child.send({ mode: 'burst', updates: 1000, chats: 1000 } satisfies LoadOrder);
  const { peer } = await start(folder, url);
  await done;
  const rss = peer.rssMib() * MB;
  await peer.stop();
  await server.stop();
  return rss;
}

/** Starts a bot whose timers are overdue, and lets users write to it. */
export async function storm(folder: string, print: Bench['print']): Promise<void> {
  const server = startPeer('load-server.ts', []);
  const { url } = await server.message<{ url: string }>('url');
  const { peer, edge } = await start(folder, url);
  server.child.send({ mode: 'paced', perS: PER_S, seconds: SECONDS } satisfies LoadOrder);
  const begunAt = performance.now();
  const latencies = { storm: [] as number[], calm: [] as number[] };
  let fired = 0;
  let stormMs = 0;
  const over = new AbortController();
  /** Each of them has a stream: nobody waits behind the other's entries. */
  async function watch(query: string, onEvent: (data: string) => void): Promise<void> {
    const headers = { authorization: `Bearer ${edge.key}` };
    const { body } = await request(`${edge.url}/v1/events?${query}`, { headers, bodyTimeout: 0, signal: over.signal });
    const parser = createParser({ onEvent: ({ data }) => onEvent(data) });
    for await (const chunk of body.setEncoding('utf8')) parser.feed(chunk);
  }
  const watching = [
    watch('from=earliest&type=timer.fired', (data) => {
      if (!data.includes('"timer.fired"')) return;
      fired += 1;
      stormMs = performance.now() - begunAt;
    }),
    watch('type=update.received', (data) => {
      const madeAt = /"text":"at (\d+);/.exec(data)?.[1];
      if (madeAt === undefined) return;
      const ms = Number(process.hrtime.bigint() - BigInt(madeAt)) / 1e6;
      latencies[fired < AT_ONCE ? 'storm' : 'calm'].push(ms);
      const all = latencies.storm.length + latencies.calm.length;
      if (latencies.calm.length >= 5 * PER_S || all >= PER_S * SECONDS) over.abort();
    }),
  ];
  await Promise.allSettled(watching);
  print(
    `${fired.toLocaleString('en')} timers due at once have fired`,
    `${perS(fired, stormMs)}, ${(stormMs / 1000).toFixed(1)} s`,
  );
  for (const [when, ms] of Object.entries(latencies)) {
    const [p50, p99, max] = [0.5, 0.99, 1].map((share) => `${percentile(ms, share).toFixed(1)} ms`);
    const label = when === 'storm' ? 'an update meanwhile' : 'an update after the storm';
    print(`${label}, ${ms.length} of them`, `p50 ${p50}, p99 ${p99}, max ${max}`);
  }
  await peer.stop();
  await server.stop();
}
