import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { machine } from '../../machines/payment.machine.ts';
import type { Bench } from './bench.ts';
import type { LoadOrder } from './load-server.ts';
import { populate } from './population.ts';
import { startPeer } from './process.ts';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const CHATS = 1_000_000;
const ENTRIES = 5_000_000;
const TIMERS = 100_000;
const ROUNDS = 3;

/**
 * `switchboard start` as it is shipped, on a bot of that size, killed with SIGKILL in the midst of a burst: from the
 * next start of the command to the line that says ready. Timers are due over the month to come.
 */
export async function recover({ folder, print }: Bench): Promise<void> {
  const month = 30 * 24 * 3_600_000;
  const size = {
    chats: CHATS,
    entries: ENTRIES,
    timers: TIMERS,
    dueAt: (n: number) => Date.now() + month * (n / TIMERS) + 3_600_000,
  };
  await populate(folder, machine, size, (line) => print('building', line));
  const server = startPeer('load-server.ts', []);
  const { url } = await server.message<{ url: string }>('url');
  const start = async () => {
    const begunAt = performance.now();
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CLI, 'start'], {
      env: {
        ...process.env,
        TELEGRAM_BOT_TOKEN: '1:load',
        TELEGRAM_API_ROOT: url,
        SWITCHBOARD_PORT: '0',
        SWITCHBOARD_DATA: folder,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const chunk of child.stdout.iterator({ destroyOnReturn: false }))
      if (String(chunk).includes('"ready"')) break;
    child.stdout.resume();
    return { child, ms: performance.now() - begunAt };
  };
  const readyMs: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const { child, ms } = await start();
    if (round > 0) readyMs.push(ms);
    const begun = server.message('begun');
    server.child.send({ mode: 'burst', updates: 200_000, chats: CHATS } satisfies LoadOrder);
    await begun;
    // In the midst of it: some thousand updates have been committed, the next poll is under way.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  }
  await server.stop();
  const sorted = readyMs.sort((a, b) => a - b);
  print(
    `ready again after SIGKILL, median and worst of ${ROUNDS} (within 1,000)`,
    `${Math.round(sorted[1] ?? 0)} ms, ${Math.round(sorted.at(-1) ?? 0)} ms`,
  );
}
