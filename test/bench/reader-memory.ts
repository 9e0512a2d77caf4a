import type { Bench } from './bench.ts';
import { ratio } from './bench.ts';
import { descriptorsShort, startStreamClient, startStreamServer } from './streams.ts';

const READERS = 10_000;
const TARGET_KB = 20;

/** What a connected reader costs the server's process: resident memory with 10,000 of them, after all got entries. */
export async function readerMemory({ folder, print }: Bench): Promise<void> {
  const short = descriptorsShort(READERS + 500);
  if (short !== null) return print('10,000 readers', `skipped: ${short}`);
  const server = await startStreamServer(folder, READERS);
  const client = startStreamClient();
  const port = Number(new URL(server.url).port);
  // The first requests bring in code that is there once.
  for (let n = 0; n < 200; n += 1) await server.post(n);
  const before = server.peer.rssMib();
  await client.open({
    port,
    path: '/v1/events',
    authorizations: server.authorizations,
    readers: READERS,
    stuck: false,
  });
  const connected = server.peer.rssMib();
  const { counted } = await client.arm(100);
  for (let n = 0; n < 100; n += 1) await server.post(200 + n);
  const { complete } = await counted;
  const after = server.peer.rssMib();
  await client.stop();
  await server.stop();
  const kbEach = ((after - before) * 1.048576 * 1000) / READERS;
  print(
    `RSS without readers, with ${READERS}, and after 100 entries`,
    [before, connected, after].map((mib) => `${Math.round(mib)} MiB`).join(', '),
  );
  print(`kB a reader, ${complete} got all`, ratio(kbEach, 'at most', TARGET_KB));
}
