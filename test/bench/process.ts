import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shippedFlags } from '../support/shipped.ts';

/** Node's flags for Switchboard as it is shipped. */
export const SHIPPED_FLAGS: readonly string[] = shippedFlags();

/** A child that the bench started. It ends when the bench lets go of it. */
export interface Peer {
  readonly child: ChildProcess;
  /** The next message from it that has this field. */
  message<T>(field: string): Promise<T>;
  /** CPU seconds used so far, all threads. */
  cpuS(): number;
  rssMib(): number;
  stop(): Promise<void>;
}

const procFile = (pid: number | undefined, name: string): string => readFileSync(`/proc/${pid}/${name}`, 'utf8');

/** CPU seconds that a process has used so far, all threads. */
export function cpuSOf(pid: number | undefined): number {
  // proc(5): utime and stime are fields 14 and 15, in ticks of 10 ms; the name before may hold spaces.
  const fields = procFile(pid, 'stat').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export function startPeer(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Peer {
  const child = fork(join(import.meta.dirname, file), [...args], {
    env: { ...process.env, ...env },
    execArgv: file.startsWith('switchboard') ? [...SHIPPED_FLAGS] : ['--disable-warning=ExperimentalWarning'],
  });
  return {
    child,
    message: (field) =>
      new Promise((resolve, reject) => {
        const onMessage = (message: object): void => {
          if (!(field in message)) return;
          child.off('message', onMessage);
          child.off('exit', onExit);
          resolve(message as never);
        };
        const onExit = (code: number | null): void => reject(new Error(`${file} ended with ${code}`));
        child.on('message', onMessage);
        child.once('exit', onExit);
      }),
    cpuS: () => cpuSOf(child.pid),
    rssMib: () => Number(/VmRSS:\s+(\d+)/.exec(procFile(child.pid, 'status'))?.[1]) / 1024,
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.disconnect();
      }),
  };
}
