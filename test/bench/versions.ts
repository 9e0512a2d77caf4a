import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createMachine } from 'xstate';
import { machine } from '../../machines/payment.machine.ts';
import type { Bench } from './bench.ts';
import { perS } from './bench.ts';
import { populate } from './population.ts';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const CHATS = 1_000_000;

/** `switchboard` as it is shipped, on a folder where every chat was left by the version before the machine of today. */
export async function versions({ folder, print }: Bench): Promise<void> {
  const before = createMachine({ ...machine.config, version: 'before' }, machine.implementations);
  const size = { chats: CHATS, entries: CHATS, timers: 0, dueAt: () => 0 };
  await populate(folder, before, size, (line) => print('building', line));
  const env = { ...process.env, SWITCHBOARD_PORT: '0', SWITCHBOARD_SANDBOX_PORT: '0', SWITCHBOARD_DATA: folder };
  const begin = (...args: string[]): ChildProcess =>
    spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CLI, ...args], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  /** Runs until a line says so; ms from the start of the process to that line. */
  async function until(child: ChildProcess, said: string): Promise<number> {
    const begunAt = performance.now();
    if (child.stdout === null) throw new Error('without a stdout');
    for await (const line of createInterface(child.stdout)) if (line.includes(said)) break;
    return performance.now() - begunAt;
  }
  async function start(said: string): Promise<number> {
    const child = begin('start');
    const ms = await until(child, said);
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
    return ms;
  }

  const dry = await until(begin('migrate', '--dry-run'), 'a dry run');
  print('migrate --dry-run', `${(dry / 1000).toFixed(1)} s, ${perS(CHATS, dry)}`);
  const outdated = await start('"ready"');
  const swept = await start('"migrated"');
  print('all of them brought up beside an idle server', `${(swept / 1000).toFixed(1)} s, ${perS(CHATS, swept)}`);
  const current = await start('"ready"');
  print('start to ready: all of another version', `${Math.round(outdated)} ms`);
  print('start to ready: all of the version of today', `${Math.round(current)} ms`);
  print('ratio of the two', (outdated / current).toFixed(2));
}
