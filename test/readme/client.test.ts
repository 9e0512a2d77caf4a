import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createKey, startServer } from '../cli/support.ts';
import { machineEnv } from '../support/environment.ts';
import { createPulse } from '../system/pulse.ts';
import { blocksOf } from './blocks.ts';

const ROOT = join(import.meta.dirname, '..', '..');

test("README's reader prints every event as it comes, and goes on when Switchboard has been started again", async () => {
  const page = blocksOf(readFileSync(join(ROOT, 'README.md'), 'utf8'));
  const programs = page.filter(({ section, language }) => section === 'Events' && language === 'js');
  expect(programs).toHaveLength(1);
  const first = await startServer();
  const { key } = await createKey(first.env, 'operator');
  const program = programs[0]?.lines.join('\n').replace('http://127.0.0.1:8080', first.url) ?? '';
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program];
  const reader = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...machineEnv(), KEY: key },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void reader.kill('SIGKILL'));
  const pulse = createPulse();
  let printed = '';
  for (const stream of [reader.stdout, reader.stderr]) {
    stream.on('data', (chunk) => {
      printed += chunk;
      pulse.beat();
    });
  }
  const shown = (pattern: RegExp) => pulse.until(() => pattern.test(printed), String(pattern));
  const write = (sandboxUrl: string, text: string) =>
    fetch(`${sandboxUrl}/sandbox/bots/1:sandbox/chats/777/messages`, {
      method: 'POST',
      body: JSON.stringify({ text }),
    });

  await write(first.sandboxUrl, '/start');
  await shown(/^[0-9a-f]+\.1 update\.received\n[\s\S]*message\.sent\n/);
  first.child.kill('SIGKILL');
  await first.ended;
  const again = await startServer({ ...first.env, SWITCHBOARD_PORT: new URL(first.url).port });
  await write(again.sandboxUrl, '/start');
  await shown(/message\.sent\n[\s\S]*update\.received\n[\s\S]*message\.sent\n/);
  const seqs = [...printed.matchAll(/^[0-9a-f]+\.(\d+) /gm)].map(([, seq]) => Number(seq));
  expect(seqs).toEqual(seqs.map((_, i) => i + 1));
});
