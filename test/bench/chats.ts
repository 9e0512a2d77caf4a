import { join } from 'node:path';
import { type Bench, ratio } from './bench.ts';
import { machine } from './counting.machine.ts';
import { type Cost, costText, median, startDriven } from './driven.ts';
import { populate } from './population.ts';
import { FIRST_CHAT } from './update-text.ts';

const KNOWN = 1_000_000;
const LIVE = 10_000;
const FEW = 1000;
const ROUNDS = 3;
const UPDATES = 50_000;

/**
 * A bot that a million chats have written to, beside one that a thousand have. Both get bursts of updates, 100 a
 * poll, in turns; of each kind the median round counts. Every update is an entry, a step and a snapshot.
 * live: to the 10,000 chats (or the 1,000) written to a moment before; cold: each to a chat of its own, not in memory.
 * What the chats known cost by themselves is told by the same 1,000 chats written to in both bots.
 */
export async function chats({ folder, print }: Bench): Promise<void> {
  const told = (line: string): void => print('building', line);
  for (const known of [KNOWN, FEW]) {
    const size = { chats: known, entries: known, timers: 0, dueAt: () => 0 };
    await populate(join(folder, String(known)), machine, size, told);
  }
  await compare(join(folder, String(KNOWN)), join(folder, String(FEW)), print);
}

/** Serves both bots at once, and measures them in turns. */
export async function compare(ofMillion: string, ofFew: string, print: Bench['print']): Promise<void> {
  const million = await startDriven(ofMillion, 'counting');
  const few = await startDriven(ofFew, 'counting');
  const startMib = million.peer.rssMib();

  const costs = { live: [] as Cost[], cold: [] as Cost[], few: [] as Cost[], same: [] as Cost[] };
  await few.burst({ updates: UPDATES, chats: FEW });
  for (let round = 0; round < ROUNDS; round += 1) {
    await million.burst({ updates: LIVE, chats: LIVE });
    costs.live.push(await million.burst({ updates: UPDATES, chats: LIVE }));
    costs.few.push(await few.burst({ updates: UPDATES, chats: FEW }));
    costs.same.push(await million.burst({ updates: UPDATES, chats: FEW }));
    const among = Math.floor((KNOWN - LIVE) / ROUNDS);
    costs.cold.push(
      await million.burst({ updates: UPDATES, chats: among, firstChat: FIRST_CHAT + LIVE + round * among }),
    );
  }
  const rssMb = million.peer.rssMib() * 1.048576;
  await million.stop();
  await few.stop();

  const [live, cold, small, same] = [median(costs.live), median(costs.cold), median(costs.few), median(costs.same)];
  print('RSS, 1,000,000 known, at the start', `${Math.round(startMib * 1.048576)} MB`);
  print('RSS, 1,000,000 known, 10,000 live, after the load (below 350)', `${Math.round(rssMb)} MB`);
  print('an update to a live chat, 1,000,000 known, 10,000 live', costText(live));
  print('an update to a cold chat, 1,000,000 known', costText(cold));
  print('an update to a live chat, 1,000 known', costText(small));
  print('an update to one of 1,000 live chats, 1,000,000 known', costText(same));
  const of = (a: Cost, b: Cost, target: number): string =>
    `${ratio(a.wallUs / b.wallUs, 'at most', target)}, ${(a.cpuUs / b.cpuUs).toFixed(2)} of CPU`;
  print('cold / live', of(cold, live, 3));
  print('1,000,000 known / 1,000 known, 1,000 written to', of(same, small, 1.2));
  print('1,000,000 known, 10,000 written to / 1,000 known', of(live, small, 1.2));
}
