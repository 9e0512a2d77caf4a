import type { Bench } from './bench.ts';
import { ratio } from './bench.ts';
import type { Count } from './stream-client.ts';
import { postPaced, startStreamClient, startStreamServer } from './streams.ts';

const READERS = 1000;
const STUCK = 100;
const PER_S = 500;
const WARM_S = 4;
const SECONDS = 5;
/** Each way so many times, in turn, and the best of each counts: what else the machine does hits now one, now the other. */
const RUNS = 2;
const P99_TARGET_MS = 20;

/** From an entry's making to each of 1,000 readers at 500 entries/s; and the same with 100 more that read nothing. */
export async function delivery({ folder, print }: Bench): Promise<void> {
  let [without, beside] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let run = 0; run < RUNS; run += 1) {
    const all = await measure(`${folder}/all-${run}`, 0);
    print(`entry to reader at ${PER_S}/s, ${READERS} readers`, told(all));
    const some = await measure(`${folder}/some-${run}`, STUCK);
    print(`the same, ${STUCK} of ${READERS} read nothing`, told(some));
    without = Math.min(without, all.p99);
    beside = Math.min(beside, some.p99);
  }
  print('p99 in ms', ratio(without, 'at most', P99_TARGET_MS));
  print('p99 with stuck readers / without', ratio(beside / without, 'at most', 1.2));
}

const told = ({ p50, p99, max }: Count): string => `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms`;

async function measure(folder: string, stuck: number): Promise<Count> {
  const server = await startStreamServer(folder, READERS);
  const [client, stuckClient] = [startStreamClient(), startStreamClient()];
  const at = { port: Number(new URL(server.url).port), path: '/v1/events', authorizations: server.authorizations };
  await client.open({ ...at, readers: READERS - stuck, stuck: false });
  await stuckClient.open({ ...at, readers: stuck, stuck: true });
  // Warm, and the stuck ones' sockets are full.
  await postPaced(PER_S, WARM_S, server.post);
  const { counted } = await client.arm(PER_S * SECONDS);
  await postPaced(PER_S, SECONDS, (n) => server.post(n + PER_S * WARM_S));
  const count = await counted;
  await Promise.all([client.stop(), stuckClient.stop()]);
  await server.stop();
  return count;
}
