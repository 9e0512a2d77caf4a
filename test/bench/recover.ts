import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { machine } from '../../machines/payment.machine.ts';
import { type Bench, percentile } from './bench.ts';
import type { LoadOrder } from './load-server.ts';
import { populate } from './population.ts';
import { cpuSOf, SHIPPED_FLAGS, startPeer } from './process.ts';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const CHATS = 1_000_000;
const ENTRIES = 5_000_000;
const TIMERS = 100_000;
const ROUNDS = 5;

/**
 * `switchboard start` as it is shipped, on a bot of that size, killed with SIGKILL in the midst of a burst: from the
 * next start of the command to the line that says ready. Timers are due over the month to come. Beside it, in turns,
 * the same on a folder that was empty: what of it is the process's own start.
 */
export async function recover({ folder, print }: Bench): Promise<void> {
  const month = 30 * 24 * 3_600_000;
  const size = {
    chats: CHATS,
    entries: ENTRIES,
    timers: TIMERS,
    dueAt: (n: number) => Date.now() + month * (n / TIMERS) + 3_600_000,
  };
  const full = join(folder, 'full');
  await populate(full, machine, size, (line) => print('building', line));
  await killed(full, join(folder, 'empty'), print);
}

/** Kills and starts on both folders, in turns. */
export async function killed(full: string, empty: string, print: Bench['print']): Promise<void> {
  const server = startPeer('load-server.ts', []);
  const { url } = await server.message<{ url: string }>('url');
  const starts = { full: [] as Start[], empty: [] as Start[] };
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [kind, folder] of [
      ['full', full],
      ['empty', empty],
    ] as const) {
      const started = await start(folder, url);
      // The first start of each finds a folder that was closed well.
      if (round > 0) starts[kind].push(started);
      const begun = server.message('begun');
      server.child.send({ mode: 'burst', updates: 200_000, chats: CHATS } satisfies LoadOrder);
      await begun;
      // In the midst of it: some thousand updates have been committed, the next poll is under way.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      started.child.kill('SIGKILL');
      await new Promise((resolve) => started.child.once('exit', resolve));
    }
  }
  await server.stop();
  for (const [kind, label] of [
    ['full', 'ready again after SIGKILL, median and worst (within 1,000)'],
    ['empty', 'the same on a folder that was empty'],
  ] as const) {
    const ms = starts[kind].map((one) => Math.round(one.ms));
    const cpuMs = starts[kind].map((one) => Math.round(one.cpuMs));
    print(label, `${percentile(ms, 0.5)} ms, ${percentile(ms, 1)} ms; median of CPU ${percentile(cpuMs, 0.5)} ms`);
  }
}

interface Start {
  readonly child: ChildProcess;
  readonly ms: number;
  readonly cpuMs: number;
}

async function start(folder: string, url: string): Promise<Start> {
  const begunAt = performance.now();
  const child = spawn(process.execPath, [...SHIPPED_FLAGS, CLI, 'start'], {
    env: {
      ...process.env,
      TELEGRAM_BOT_TOKEN: '1:load',
      TELEGRAM_API_ROOT: url,
      SWITCHBOARD_PORT: '0',
      SWITCHBOARD_DATA: folder,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = child.stdout.iterator({ destroyOnReturn: false });
  for await (const chunk of lines) if (String(chunk).includes('"ready"')) break;
  const ready = { child, ms: performance.now() - begunAt, cpuMs: cpuSOf(child.pid) * 1000 };
  child.stdout.resume();
  return ready;
}
