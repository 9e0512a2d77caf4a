import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Bench } from './bench.ts';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');

/** From the command to the line that says ready, in sandbox mode: on an empty folder, and again. */
export async function startUp({ folder, print }: Bench): Promise<void> {
  for (const label of ['start to ready, new data folder', 'start to ready, again']) {
    const begunAt = performance.now();
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CLI, 'start'], {
      env: { ...process.env, SWITCHBOARD_PORT: '0', SWITCHBOARD_SANDBOX_PORT: '0', SWITCHBOARD_DATA: folder },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const chunk of child.stdout) if (String(chunk).includes('"ready"')) break;
    print(label, `${Math.round(performance.now() - begunAt)} ms`);
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  }
}
