import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { machineEnv } from '../support/environment.ts';
import { temporaryFolder } from '../support/journal.ts';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');

export type Env = Readonly<Record<string, string>>;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Process {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it has written to stdout so far. */
  stdout(): string;
  /** The first line of stdout that is JSON with this `event`. Rejects where the process ends without. */
  logged(event: string): Promise<Record<string, unknown>>;
}

/** The environment of a start that disturbs nobody: free ports, a folder of its own. */
export const freeEnv = (folder = temporaryFolder()): Env => ({
  ...machineEnv(),
  ...{ SWITCHBOARD_DATA: join(folder, 'data'), SWITCHBOARD_PORT: '0', SWITCHBOARD_SANDBOX_PORT: '0' },
});

export interface RunOptions {
  /** File descriptors that it may have open. */
  readonly openFilesMax?: number | undefined;
}

/** Runs the command line in a process of its own, which ends with the test. Nothing of our settings goes in. */
export function run(args: readonly string[], env: Env = freeEnv(), { openFilesMax }: RunOptions = {}): Process {
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', CLI, ...args];
  const limit = openFilesMax === undefined ? [] : ['sh', '-c', `ulimit -n ${openFilesMax}; exec "$@"`, 'sh'];
  const [command = '', ...rest] = [...limit, ...node];
  return follow(spawn(command, rest, { env: { ...machineEnv(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** A process that the test has started, which ends with the test. */
export function follow(child: ChildProcessByStdio<null, Readable, Readable>): Process {
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    for (const look of listeners) look();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    child,
    ended,
    stdout: () => stdout,
    logged: (event) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const line = linesOf(stdout).find((json) => json.event === event);
          if (line === undefined) return;
          listeners.delete(look);
          resolve(line);
        };
        listeners.add(look);
        look();
        void ended.then(({ code }) => reject(new Error(`ended with ${code}, without ${event}: ${stdout}${stderr}`)));
      }),
  };
}

/** The whole lines that are JSON objects. */
function linesOf(text: string): Record<string, unknown>[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return whole.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
}

/** A running `switchboard start`, with its addresses. */
export async function startServer(env: Env = freeEnv(), options: RunOptions = {}) {
  const server = run(['start'], env, options);
  const ready = await server.logged('ready');
  return { ...server, env, ready, url: String(ready.url), sandboxUrl: String(ready.sandboxUrl) };
}

/** Makes a key by the command line. */
export async function createKey(
  env: Env,
  role: string,
  ...more: string[]
): Promise<{ id: string; key: string; callback_secret: string }> {
  const { stdout } = await run(['keys', 'create', '--role', role, '--name', role, ...more], env).ended;
  return JSON.parse(stdout);
}
