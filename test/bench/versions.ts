import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createMachine } from 'xstate';
import { machine } from '../../machines/payment.machine.ts';
import type { Bench } from './bench.ts';
import { percentile, perS } from './bench.ts';
import { populate } from './population.ts';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const CHATS = 1_000_000;
const ROUNDS = 3;

/** `switchboard` as it is shipped, on a folder where every chat was left by the version before the machine of today. */
export async function versions({ folder, print }: Bench): Promise<void> {
  const before = createMachine({ ...machine.config, version: 'before' }, machine.implementations);
  const size = { chats: CHATS, entries: 0, timers: 0, dueAt: () => 0 };
  await populate(folder, before, size, (line) => print('building', line));
  const begin = (data: string, ...args: string[]): ChildProcess =>
    spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CLI, ...args], {
      env: { ...process.env, SWITCHBOARD_PORT: '0', SWITCHBOARD_SANDBOX_PORT: '0', SWITCHBOARD_DATA: data },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  /** Runs until a line says so; ms from the start of the process to that line. */
  async function until(child: ChildProcess, said: string): Promise<number> {
    const begunAt = performance.now();
    if (child.stdout === null) throw new Error('without a stdout');
    for await (const line of createInterface(child.stdout)) if (line.includes(said)) break;
    return performance.now() - begunAt;
  }
  async function start(data: string, said: string): Promise<number> {
    const child = begin(data, 'start');
    const ms = await until(child, said);
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
    return ms;
  }

  const dry = await until(begin(folder, 'migrate', '--dry-run'), 'a dry run');
  print('migrate --dry-run', `${(dry / 1000).toFixed(1)} s, ${perS(CHATS, dry)}`);
  const outdated: number[] = [];
  const empty: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    outdated.push(await start(folder, '"ready"'));
    empty.push(await start(`${folder}/empty`, '"ready"'));
  }
  const swept = await start(folder, '"migrated"');
  print('all of them brought up beside an idle server', `${(swept / 1000).toFixed(1)} s, ${perS(CHATS, swept)}`);
  const current: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) current.push(await start(folder, '"ready"'));
  const figures = { 'no chats': empty, 'a million of another version': outdated, 'a million of today': current };
  for (const [label, ms] of Object.entries(figures)) {
    print(`start to ready: ${label}, median of ${ROUNDS}`, `${Math.round(percentile(ms, 0.5))} ms`);
  }
  print('another version / today', (percentile(outdated, 0.5) / percentile(current, 0.5)).toFixed(2));
}
