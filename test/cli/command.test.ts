import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { pathOfPerson } from '../support/environment.ts';
import { temporaryFolder } from '../support/journal.ts';
import { COMMAND, shippedFlags } from '../support/shipped.ts';
import { asStranger } from '../support/stranger.ts';
import { type Env, follow, freeEnv } from './support.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** A folder like this one, with the command and nothing else. */
function copyOfCommand(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'src', 'bin'), { recursive: true });
  for (const file of ['package.json', 'src/bin/switchboard', 'src/bin/main.js'])
    copyFileSync(join(ROOT, file), join(folder, file));
  return folder;
}

/** A folder for PATH with what the command needs of the system. */
function systemPath(): string {
  const folder = temporaryFolder();
  const readlink = execFileSync('/bin/sh', ['-c', 'command -v readlink'], { encoding: 'utf8' }).trim();
  symlinkSync(readlink, join(folder, 'readlink'));
  return folder;
}

function fakeNode(folder: string, text: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'node'), `#!/bin/sh\n${text}\n`);
  chmodSync(join(folder, 'node'), 0o755);
}

const start = (command: string, args: readonly string[], options: { env: Env; cwd?: string; uid?: number }) =>
  follow(spawn(command, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] }));

test('Node knows the flags that the command gives', () => {
  const flags = shippedFlags();
  expect(flags.length).toBeGreaterThan(3);
  expect(execFileSync(process.execPath, [...flags, '-p', '6 * 7'], { encoding: 'utf8', stdio: 'pipe' })).toBe('42\n');
});

test('every package is pinned by its hash, and none runs a script when it is installed', () => {
  const lock: { packages: Record<string, Record<string, unknown>> } = JSON.parse(
    readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
  );
  const fetched = Object.entries(lock.packages).filter(
    ([path, { link }]) => path.startsWith('node_modules/') && link !== true,
  );
  expect(fetched.filter(([, { integrity }]) => typeof integrity !== 'string')).toEqual([]);
  expect(fetched.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([]);
  for (const cpu of ['arm64', 'x64']) {
    const node = lock.packages[`node_modules/node-linux-${cpu}`];
    expect(node, 'npm of one machine writes those of all').toMatchObject({ os: 'linux', cpu, optional: true });
    expect(node).not.toHaveProperty('dev');
  }
});

test('it runs with the Node that npm ci has installed, whichever is on the PATH', async () => {
  const folder = copyOfCommand();
  const [path, installed] = [systemPath(), join(folder, 'node_modules', '.bin')];
  fakeNode(path, 'echo old');
  fakeNode(installed, 'echo installed "$@"');
  // As npm links it.
  symlinkSync('../../src/bin/switchboard', join(installed, 'switchboard'));
  const { code, stdout } = await start(join(installed, 'switchboard'), ['keys', 'a b'], { env: { PATH: path } }).ended;
  expect([code, stdout]).toEqual([
    0,
    `installed ${[...shippedFlags(), join(folder, 'src', 'bin', 'main.js')].join(' ')} keys a b\n`,
  ]);
});

test('there is no Node: one line says what to do', async () => {
  const folder = copyOfCommand();
  const { code, stderr } = await start(join(folder, 'src', 'bin', 'switchboard'), ['start'], {
    env: { PATH: systemPath() },
  }).ended;
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const [needed] = /[\d.]+/.exec(engines.node) ?? [];
  expect([code, stderr]).toEqual([
    1,
    `switchboard: no Node was found: run npm ci in ${folder}, or install Node ${needed} or newer\n`,
  ]);
});

test.each(['20.20.2', '24.10.9'])('Node %s is too old: one line says so, and what to do', async (version) => {
  const { code, stdout, stderr } = await asNode(version);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^switchboard: Node 24\.11 or newer is needed, and \S.* is Node [\d.]+: run npm ci .*\n$/);
  expect(stderr).toContain(`is Node ${version}:`);
});

test('a Node that is so old that it refuses a flag is too old as well: the same line', async () => {
  const path = systemPath();
  fakeNode(path, `case "$*" in *--disable-warning*) echo "node: bad option" >&2; exit 9;; esac; echo plain "$@"`);
  const folder = copyOfCommand();
  const { code, stdout, stderr } = await start(join(folder, 'src', 'bin', 'switchboard'), ['start'], {
    env: { PATH: path },
  }).ended;
  expect([code, stdout, stderr]).toEqual([0, `plain ${join(folder, 'src', 'bin', 'main.js')} start\n`, '']);
});

test('a Node of the machine that knows the flags gets them', async () => {
  const path = systemPath();
  fakeNode(path, 'case "$*" in *" -e "*) ;; *) echo "$@" ;; esac');
  const folder = copyOfCommand();
  const { code, stdout } = await start(join(folder, 'src', 'bin', 'switchboard'), ['start'], { env: { PATH: path } })
    .ended;
  expect([code, stdout]).toEqual([
    0,
    `${[...shippedFlags(), join(folder, 'src', 'bin', 'main.js')].join(' ')} start\n`,
  ]);
});

test.each(['24.11.0', '26.0.0'])('Node %s is new enough', async (version) => {
  const { code, stdout } = await asNode(version);
  expect([code, stdout.split('\n')[0]]).toEqual([0, 'usage: switchboard <command>']);
});

/** Help, by this Node under the name of another version. */
function asNode(version: string) {
  const versions = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  const args = [
    '--import',
    `data:text/javascript,${encodeURIComponent(versions)}`,
    join(ROOT, 'src', 'bin', 'main.js'),
  ];
  return start(process.execPath, [...args, '--help'], { env: {} }).ended;
}

const stranger = asStranger();

test('npx runs it for a user who does not own the files: npx changes none', { timeout: 600_000 }, async () => {
  const before = statSync(COMMAND).ctimeMs;
  const npmCache = temporaryFolder();
  chmodSync(npmCache, 0o777);
  const env = {
    ...{ PATH: pathOfPerson(), HOME: '/nonexistent', npm_config_cache: npmCache },
    ...{ npm_config_offline: 'true', npm_config_update_notifier: 'false' },
  };
  const { code, stdout, stderr } = await start('npx', ['switchboard', '--help'], { env, cwd: ROOT, ...stranger }).ended;
  expect([code, stderr, stdout.split('\n')[0]]).toEqual([0, '', 'usage: switchboard <command>']);
  expect(statSync(COMMAND).ctimeMs).toBe(before);
});

test('SIGTERM to npm start reaches Switchboard, which stops in order', { timeout: 600_000 }, async () => {
  const env = { ...freeEnv(), PATH: pathOfPerson(), HOME: '/nonexistent', npm_config_update_notifier: 'false' };
  const npm = start('npm', ['start'], { env, cwd: ROOT });
  onTestFinished(() => {
    // The group: npm's end alone would leave Switchboard running if the signal did not reach it.
    if (npm.child.pid !== undefined && npm.child.exitCode === null) process.kill(-npm.child.pid, 'SIGKILL');
  });
  await npm.logged('ready');
  npm.child.kill('SIGTERM');
  const { stdout } = await npm.ended;
  expect(stdout).toContain('"event":"stopping","signal":"SIGTERM"');
  expect(stdout.trimEnd().split('\n').at(-1)).toContain('"event":"stopped"');
});
