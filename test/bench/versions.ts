import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
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
  /** ms of CPU that a process has used, which other work on the machine does not stretch. */
  function cpuMs({ pid }: ChildProcess): number {
    // proc(5): utime and stime are fields 14 and 15, in ticks of 10 ms; the name before may hold spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }
  async function start(data: string, said: string, used?: number[]): Promise<number> {
    const child = begin(data, 'start');
    const ms = await until(child, said);
    used?.push(cpuMs(child));
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
    return ms;
  }

  const dry = await until(begin(folder, 'migrate', '--dry-run'), 'a dry run');
  print('migrate --dry-run', `${(dry / 1000).toFixed(1)} s, ${perS(CHATS, dry)}`);
  const kinds = ['no chats', 'a million of another version', 'a million of today'] as const;
  const ms = kinds.map((): number[] => []);
  const cpu = kinds.map((): number[] => []);
  const measure = async (kind: number, data: string) => void ms[kind]?.push(await start(data, '"ready"', cpu[kind]));
  for (let round = 0; round < ROUNDS; round += 1) {
    await measure(0, `${folder}/empty`);
    await measure(1, folder);
  }
  const swept = await start(folder, '"migrated"');
  print('all of them brought up beside an idle server', `${(swept / 1000).toFixed(1)} s, ${perS(CHATS, swept)}`);
  for (let round = 0; round < ROUNDS; round += 1) await measure(2, folder);
  const median = (numbers: readonly number[] | undefined): number => percentile(numbers ?? [], 0.5);
  for (const [n, kind] of kinds.entries()) {
    print(
      `start to ready: ${kind}, median of ${ROUNDS}`,
      `${Math.round(median(ms[n]))} ms, ${median(cpu[n])} ms of CPU`,
    );
  }
  print('a million of another version / no chats, CPU', (median(cpu[1]) / median(cpu[0])).toFixed(2));
}
