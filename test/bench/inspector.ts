import { join } from 'node:path';
import { type Bench, percentile, perS, ratio } from './bench.ts';
import { type Cost, costText, type Driven, median, startDriven } from './driven.ts';
import { chatOf } from './update-text.ts';

const UPDATES = 100_000;
const CHATS = 1000;
const ROUNDS = 5;
const PACED_PER_S = 10_000;
const PACED_S = 4;
const PACED_ROUNDS = 3;

/** A page's feed: all live actors, some steps of any chat, and one chat followed. Reads as fast as it comes. */
async function look({ url, key }: Driven): Promise<{ bytes(): number; leave(): void }> {
  const leaving = new AbortController();
  const actors = ['switchboard', 'ingress', 'conversations', 'backend', 'operators', 'outbox', 'chats'];
  const query = [...actors, `chat:${chatOf(1, CHATS)}`].map((actor) => `actor=${actor}`).join('&');
  const headers = { authorization: `Bearer ${key}` };
  const response = await fetch(`${url}/v1/inspector/feed?${query}`, { headers, signal: leaving.signal });
  let bytes = 0;
  const reading = (async () => {
    for await (const chunk of response.body ?? []) bytes += chunk.length;
  })();
  reading.catch(() => {});
  return { bytes: () => bytes, leave: () => leaving.abort() };
}

/**
 * What the inspector costs: updates through poll, journal, step and snapshot with it off, with it on and nobody looking,
 * and with a page's feed on all live actors and a chat. The three take bursts in turns, of each the median round counts;
 * then each takes 10,000 updates a second, and what CPU it used for that is compared.
 */
export async function inspector({ folder, print }: Bench): Promise<void> {
  const on = { SWITCHBOARD_INSPECT: '1' };
  const kinds = [
    { name: 'inspector off', settings: {}, looks: false },
    { name: 'on, nobody looks', settings: on, looks: false },
    { name: 'on, a feed of all and a chat followed', settings: on, looks: true },
  ];
  const all = [];
  for (const [n, { name, settings, looks }] of kinds.entries()) {
    const driven = await startDriven(join(folder, String(n)), 'counting', settings);
    await driven.burst({ updates: UPDATES, chats: CHATS });
    all.push({ name, driven, feed: looks ? await look(driven) : null, rounds: [] as Cost[], paced: [] as number[] });
  }
  for (let round = 0; round < ROUNDS; round += 1)
    for (const { driven, rounds } of all) rounds.push(await driven.burst({ updates: UPDATES, chats: CHATS }));
  for (let round = 0; round < PACED_ROUNDS; round += 1)
    for (const { driven, paced } of all) {
      const before = driven.peer.cpuS();
      await driven.paced(PACED_PER_S, PACED_S);
      paced.push(driven.peer.cpuS() - before);
    }
  const told = all.map((one) => ({ ...one, cost: median(one.rounds), pacedCpuS: percentile(one.paced, 0.5) }));
  for (const { name, cost, pacedCpuS } of told) {
    const paced = `${((pacedCpuS * 100) / PACED_S).toFixed(0)} % of a core at 10,000/s`;
    print(name, `${perS(cost.updates, (cost.wallUs * cost.updates) / 1000)}, an update ${costText(cost)}; ${paced}`);
  }
  const [off, idle, fed] = told;
  if (off === undefined || idle === undefined || fed === undefined) return;
  const speed = (one: typeof off) => off.cost.wallUs / one.cost.wallUs;
  print('nobody looks / off, updates a second', ratio(speed(idle), 'at least', 0.97));
  print('a feed / off, updates a second', ratio(speed(fed), 'at least', 0.9));
  print('nobody looks / off, CPU at 10,000/s', ratio(idle.pacedCpuS / off.pacedCpuS, 'at most', 1.03));
  print('a feed / off, CPU at 10,000/s', ratio(fed.pacedCpuS / off.pacedCpuS, 'at most', 1.1));
  print('bytes of the feed by then', (fed.feed?.bytes() ?? 0).toLocaleString('en'));
  fed.feed?.leave();
  for (const { driven } of all) await driven.stop();
}
