import { createParser } from 'eventsource-parser';
import { request } from 'undici';
import { type Bench, percentile } from './bench.ts';
import type { LoadOrder } from './load-server.ts';
import { startPeer } from './process.ts';

const PER_S = 500;
const SECONDS = 10;

/** From an update's making, through its commit, to an operator's stream. */
export async function latency({ folder, print }: Bench): Promise<void> {
  const server = startPeer('load-server.ts', []);
  const { url } = await server.message<{ url: string }>('url');
  const peer = startPeer('switchboard-peer.ts', [], {
    TELEGRAM_BOT_TOKEN: '1:load',
    TELEGRAM_API_ROOT: url,
    SWITCHBOARD_PORT: '0',
    SWITCHBOARD_DATA: folder,
  });
  const edge = await peer.message<{ url: string; key: string }>('url');
  const stream = await request(`${edge.url}/v1/events?type=update.received`, {
    headers: { authorization: `Bearer ${edge.key}` },
    bodyTimeout: 0,
  });
  const ms: number[] = [];
  const parser = createParser({
    onEvent: ({ data }) => {
      const madeAt = /"text":"at (\d+);"/.exec(data)?.[1];
      if (madeAt !== undefined) ms.push(Number(process.hrtime.bigint() - BigInt(madeAt)) / 1e6);
    },
  });
  server.child.send({ mode: 'paced', perS: PER_S, seconds: SECONDS } satisfies LoadOrder);
  for await (const chunk of stream.body.setEncoding('utf8')) {
    parser.feed(chunk);
    if (ms.length >= PER_S * SECONDS) break;
  }
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => `${percentile(ms, share).toFixed(1)} ms`);
  print(`update to operator's stream at ${PER_S}/s, ${ms.length} updates`, `p50 ${p50}, p99 ${p99}, max ${max}`);
  await peer.stop();
  await server.stop();
}
