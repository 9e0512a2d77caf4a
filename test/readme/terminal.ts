import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';

/** A command that has not answered by then never will. */
const PATIENCE_MS = 200_000;

/** A person's terminal: a shell that keeps its variables and takes one command at a time. */
export interface Terminal {
  /** Types a command once the one before it has ended; resolves with its exit code. */
  run(command: string): Promise<number>;
  /** All that was shown so far. */
  text(): string;
  /** Resolves with where the match ends, once what is shown from `from` on matches. */
  shows(pattern: RegExp, from: number): Promise<number>;
  /** Ends the shell and all that it has started. */
  close(): Promise<void>;
}

/** Opens a terminal in a folder, with this environment and no other. */
export function openTerminal(cwd: string, env: Readonly<Record<string, string>>): Terminal {
  // A process group of its own: what is started in it ends with it, by its number.
  const shell = spawn('bash', ['--norc', '--noprofile'], {
    cwd,
    env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const { pid } = shell;
  const end = (): void => {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // All have ended by themselves.
    }
  };
  process.once('exit', end);
  const closed = new Promise<void>((resolve) => shell.once('close', () => resolve()));

  let text = '';
  let listeners: (() => void)[] = [];
  const show = (chunk: string): void => {
    text += chunk.replaceAll('\r', '');
    const told = listeners;
    listeners = [];
    for (const listener of told) listener();
  };
  shell.stdout.setEncoding('utf8').on('data', show);
  shell.stderr.setEncoding('utf8').on('data', show);

  // Exit codes come on a way of their own, so that they are no part of what is shown.
  const codes = shell.stdio[3];
  if (!(codes instanceof Readable)) throw new Error('bash has no third output');
  const waiting: ((code: number) => void)[] = [];
  let rest = '';
  codes.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) waiting.shift()?.(Number(line));
  });

  let last: Promise<unknown> = Promise.resolve();
  return {
    text: () => text,
    async run(command) {
      await inTime(last, () => `still busy before: ${command}`);
      if (text !== '' && !text.endsWith('\n')) text += '\n';
      const ended = new Promise<number>((resolve) => waiting.push(resolve));
      last = ended;
      // Nothing that runs may read what is typed next.
      shell.stdin.write(`{ ${command}\n} </dev/null\nprintf '%d\\n' $? >&3\n`);
      return ended;
    },
    async shows(pattern, from) {
      const deadline = performance.now() + PATIENCE_MS;
      for (;;) {
        const match = pattern.exec(text.slice(from));
        if (match !== null) return from + match.index + match[0].length;
        const more = new Promise<void>((resolve) => listeners.push(resolve));
        await inTime(more, () => `this was not shown:\n${pattern.source}\nbut:\n${text.slice(from)}`, deadline);
      }
    },
    async close() {
      end();
      await closed;
      process.removeListener('exit', end);
    },
  };
}

/** Resolves as the promise does; rejects with what is said where that takes too long. */
export async function inTime<T>(
  promise: Promise<T>,
  says: () => string,
  deadline = performance.now() + PATIENCE_MS,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(says())), Math.max(0, deadline - performance.now()));
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
