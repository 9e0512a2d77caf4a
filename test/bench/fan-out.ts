import { Pool } from 'undici';
import { type Bench, perS, ratio } from './bench.ts';
import { startNchan } from './nchan.ts';
import { POSTERS, post, postAll, startStreamClient, startStreamServer } from './streams.ts';

const READERS = 1000;
const ENTRIES = 2000;

/** Entries posted as fast as they are taken, to 1,000 readers: Switchboard against nchan, counted by one client. */
export async function fanOut({ folder, print }: Bench): Promise<void> {
  const server = await startStreamServer(folder, READERS);
  const port = Number(new URL(server.url).port);
  const ours = await deliver(port, '/v1/events', server.authorizations, server.post);
  await server.stop();
  print(`Switchboard, ${READERS} readers, ${ENTRIES} entries`, ours.told);
  let fastest = 0;
  for (const workers of [1, 2]) {
    const nchan = await startNchan(folder, workers);
    if (nchan === null) return print('nchan', 'skipped: apt-get install nginx libnginx-mod-nchan');
    const pool = new Pool(`http://127.0.0.1:${nchan.port}`, { connections: POSTERS });
    const theirs = await deliver(nchan.port, '/sub', [], (n) => post(pool, '/pub', {}, n));
    await pool.close();
    await nchan.stop();
    print(`nchan, ${workers} worker${workers === 1 ? '' : 's'}`, theirs.told);
    fastest = Math.max(fastest, theirs.perSecond);
  }
  print('Switchboard / the faster nchan', ratio(ours.perSecond / fastest, 'at least', 1.5));
}

/** Deliveries from the first post to the last reader's last event. */
async function deliver(
  port: number,
  path: string,
  authorizations: readonly string[],
  postOne: (n: number) => Promise<void>,
): Promise<{ perSecond: number; told: string }> {
  const client = startStreamClient();
  await client.open({ port, path, authorizations, readers: READERS, stuck: false });
  const { counted } = await client.arm(ENTRIES);
  const begunAt = Number(process.hrtime.bigint()) / 1e6;
  await postAll(ENTRIES, postOne);
  const postedMs = Number(process.hrtime.bigint()) / 1e6 - begunAt;
  const { events, complete, endedAt } = await counted;
  await client.stop();
  const perSecond = (events / (endedAt - begunAt)) * 1000;
  const missed = complete === READERS ? '' : `, only ${complete} readers got all`;
  return { perSecond, told: `${perS(perSecond, 1000)} deliveries, posted at ${perS(ENTRIES, postedMs)}${missed}` };
}
