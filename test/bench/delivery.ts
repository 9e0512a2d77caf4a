import type { Bench } from './bench.ts';
import { ratio } from './bench.ts';
import type { Count } from './stream-client.ts';
import { startBareServer, startStreamClient, startStreamServer } from './streams.ts';

const READERS = 1000;
const STUCK = 100;
const PER_S = 500;
const WARM_S = 4;
const SECONDS = 5;
/** Each way so many times, in turn, and the best of each counts: what else the machine does hits now one, now the other. */
const RUNS = 2;
const P99_TARGET_MS = 20;

interface Delivered extends Count {
  /** CPU seconds of the server, of each second. */
  readonly serverCpu: number;
  readonly clientCpu: number;
}

/**
 * From an update's making to each of 1,000 readers at 500 updates/s; the same with 100 of them that read nothing; and
 * through a server that does nothing but poll and write to its sockets: what this machine's sockets and clock allow.
 */
export async function delivery({ folder, print }: Bench): Promise<void> {
  let [without, beside, floor] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let run = 0; run < RUNS; run += 1) {
    const all = await measure(() => startStreamServer(`${folder}/all-${run}`, READERS), 0);
    print(`update to reader at ${PER_S}/s, ${READERS} readers`, told(all));
    const some = await measure(() => startStreamServer(`${folder}/some-${run}`, READERS), STUCK);
    print(`the same, ${STUCK} of ${READERS} read nothing`, told(some));
    const bare = await measure(startBareServer, 0);
    print('bare sockets: polled, and written to all as it came', told(bare));
    without = Math.min(without, all.p99);
    beside = Math.min(beside, some.p99);
    floor = Math.min(floor, bare.p99);
  }
  print('p99 in ms', ratio(without, 'at most', P99_TARGET_MS));
  print('p99 of bare sockets in ms', floor.toFixed(1));
  print('p99 with stuck readers / without', ratio(beside / without, 'at most', 1.2));
}

const told = ({ p50, p99, max, serverCpu, clientCpu }: Delivered): string =>
  `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms; CPU ${serverCpu.toFixed(2)} server, ${clientCpu.toFixed(2)} readers`;

async function measure(start: () => ReturnType<typeof startBareServer>, stuck: number): Promise<Delivered> {
  const server = await start();
  const [client, stuckClient] = [startStreamClient(), startStreamClient()];
  const at = { port: Number(new URL(server.url).port), path: '/v1/events', authorizations: server.authorizations };
  await client.open({ ...at, readers: READERS - stuck, stuck: false });
  await stuckClient.open({ ...at, readers: stuck, stuck: true });
  // Warm, and the stuck ones' sockets are full.
  await server.updates(PER_S, WARM_S);
  const { counted } = await client.arm(PER_S * SECONDS);
  const [serverBefore, clientBefore] = [server.peer.cpuS(), client.cpuS()];
  await server.updates(PER_S, SECONDS);
  const count = await counted;
  const serverCpu = (server.peer.cpuS() - serverBefore) / SECONDS;
  const clientCpu = (client.cpuS() - clientBefore) / SECONDS;
  await Promise.all([client.stop(), stuckClient.stop()]);
  await server.stop();
  return { ...count, serverCpu, clientCpu };
}
