import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { machineEnv } from './support/environment.ts';
import { temporaryFolder } from './support/journal.ts';

/**
 * A part of the product's own tests in a copy of this checkout that has a developer's troubles: a path with a space and
 * umlauts, settings of their own in files and in the environment, a machine that cannot be loaded, one that breaks every rule.
 */

const ROOT = join(import.meta.dirname, '..');
const PARTS = [
  '.biome.json',
  '.gitignore',
  'config',
  'docs',
  'machines',
  'package.json',
  'README.md',
  'src',
  'test',
  'tsconfig.json',
];

/** Small, and each meets a trouble: settings, addresses of files, machines, a whole server and its client. */
const TESTS = ['architecture', 'config', 'http/pages', 'machines/every-machine', 'machines/readme', 'readme/client'];

const TROUBLES = {
  TELEGRAM_BOT_TOKEN: '1:of-a-developer',
  TELEGRAM_API_ROOT: 'http://127.0.0.1:1',
  SWITCHBOARD_PORT: '1',
  SWITCHBOARD_SANDBOX_PORT: '1',
  SWITCHBOARD_DATA: '/proc/none',
  SWITCHBOARD_LOG_LEVEL: 'silent',
  HTTP_PROXY: 'http://127.0.0.1:1',
  http_proxy: 'http://127.0.0.1:1',
  NODE_USE_ENV_PROXY: '1',
};

test('own settings, own machines and the path of the checkout change nothing', { timeout: 600_000 }, async () => {
  const checkout = join(temporaryFolder(), 'Über uns 100%');
  const temporary = join(checkout, 'TMP für alle');
  for (const part of PARTS) cpSync(join(ROOT, part), join(checkout, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
  mkdirSync(temporary);
  const settings = {
    telegram: { token: '2:of-a-file' },
    conversations: { private: null },
    http: { host: '192.0.2.1' },
  };
  writeFileSync(join(checkout, 'config', 'local.json'), JSON.stringify(settings));
  writeFileSync(join(checkout, 'machines', 'broken.machine.ts'), 'export const machine = ;');
  writeFileSync(join(checkout, 'machines', 'empty.machine.ts'), `import 'node:fs'\nexport const machine:number='x'`);

  const env = { ...machineEnv(), ...TROUBLES, TMPDIR: temporary };
  const run = (file: string, ...args: string[]) =>
    promisify(execFile)(process.execPath, [join(checkout, 'node_modules', file), ...args], { cwd: checkout, env });
  const paths = TESTS.map((path) => join('test', path));
  const tests = await run(
    'vitest/vitest.mjs',
    'run',
    '--configLoader',
    'native',
    '--config',
    'test/vitest.config.ts',
    ...paths,
  );
  // Vitest runs on without a word if one of several paths names no file.
  for (const path of paths) expect(tests.stdout).toContain(path);
  const checked = await run('@biomejs/biome/bin/biome', 'check', 'machines', 'config');
  expect(checked.stdout).toContain('No fixes applied');
  await run('typescript/bin/tsc');
});
