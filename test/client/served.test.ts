import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { startEdge } from '../http/edge.ts';
import { machineEnv } from '../support/environment.ts';
import { temporaryFolder } from '../support/journal.ts';

/** Reads as a program of somebody else would, who has that one file. */
const PROGRAM = `
  import { EventsRefused, events } from './client.js';
  const { URL: url, KEY: key } = process.env;
  for await (const { seq, type } of events({ url, key, after: 'earliest' })) {
    console.log(seq, type);
    if (seq === 3) break;
  }
  await events({ url, key: '1:none' }).next().catch((error) => console.log(error instanceof EventsRefused, error.code));
`;

test('the client that a running Switchboard serves is one file, which reads wherever it is put', async () => {
  const edge = await startEdge();
  for (let n = 0; n < 3; n += 1) await edge.append('7');
  const served = await edge.get('/client.js', {});
  expect(served.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  const text = await served.text();
  expect(text).not.toMatch(/^import /m);
  expect(text.match(/^export /gm)).toHaveLength(2);

  // As a package lies: no types are stripped there.
  const folder = join(temporaryFolder(), 'node_modules', 'reader');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'client.js'), text);
  writeFileSync(join(folder, 'main.js'), PROGRAM);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const env = { ...machineEnv(), URL: edge.url, KEY: edge.admin.text };
  const child = spawn(process.execPath, [join(folder, 'main.js')], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const printed: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => printed.push(line));
  await once(child, 'close');
  expect(printed).toEqual([...['1 update.received', '2 update.received', '3 update.received'], 'true key_missing']);
});
