import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IsObject, IsUnion, type TSchema } from 'typebox';
import { expect, test } from 'vitest';
import { loadSettings, unknownVariables } from '../../config/load.ts';
import { SettingsSchema } from '../../config/schema.ts';
import { limits } from '../../src/limits.ts';
import { freeEnv, run } from '../cli/support.ts';
import { temporaryFolder } from '../support/journal.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'config');
const GOOD: Readonly<Record<string, string>> = {
  TELEGRAM_BOT_TOKEN: '123456:ABC-DEF_ghi',
  HTTPS_PROXY: 'http://eva:hunter2@proxy.example:3128',
  HTTP_PROXY: 'http://eva:hunter2@proxy.example:3128',
  SWITCHBOARD_BACKEND_SECRET: `whsec_${'A'.repeat(32)}`,
};

/** The variables of all settings, and of those that are secrets. */
function variables(schema: TSchema): { name: string; secret: boolean }[] {
  const own =
    'env' in schema && typeof schema.env === 'string' ? [{ name: schema.env, secret: 'secret' in schema }] : [];
  const below = IsObject(schema) ? Object.values(schema.properties) : IsUnion(schema) ? schema.anyOf : [];
  return [...own, ...below.flatMap(variables)];
}
const all = variables(SettingsSchema);
const secrets = all.filter(({ secret }) => secret).map(({ name }) => name);

/** A file with this content. */
function fileOf(content: string): string {
  const path = join(temporaryFolder(), 'a secret');
  writeFileSync(path, content);
  return path;
}

function complaint(env: Readonly<Record<string, string>>): string {
  try {
    loadSettings(CONFIG, env);
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
  return expect.fail('the settings were taken');
}

test('every setting whose name says so is a secret, and every secret is tried here', () => {
  expect(
    all.filter(({ name }) => /TOKEN|SECRET|PASSWORD|HASH|^HTTPS?_PROXY$/.test(name)).map(({ name }) => name),
  ).toEqual(secrets);
  expect(Object.keys(GOOD)).toEqual(secrets);
});

test.each(secrets)('%s_FILE names a file that holds it; a line break at its end is no part of it', (name) => {
  const value = GOOD[name] ?? '';
  const direct = loadSettings(CONFIG, { [name]: value });
  expect(JSON.stringify(direct)).toContain(value);
  // Editors of Windows begin a file with a byte order mark.
  for (const content of [value, `${value}\n`, `${value}\r\n`, `\uFEFF${value}\r\n`])
    expect(loadSettings(CONFIG, { [`${name}_FILE`]: fileOf(content) })).toEqual(direct);
  expect(loadSettings(CONFIG, { [name]: '', [`${name}_FILE`]: fileOf(value) })).toEqual(direct);
  expect(loadSettings(CONFIG, { [name]: value, [`${name}_FILE`]: '' })).toEqual(direct);
});

test.each(secrets)('%s_FILE: what is wrong is said, and nothing of a secret', (name) => {
  const file = `${name}_FILE`;
  const good = fileOf(GOOD[name] ?? '');
  expect(complaint({ [name]: GOOD[name] ?? '', [file]: good })).toBe(
    `${name} and ${file} are both set: unset one of them`,
  );
  const missing = join(temporaryFolder(), 'none');
  const folder = temporaryFolder();
  for (const [path, code] of [
    [missing, 'ENOENT'],
    [folder, 'EISDIR'],
  ] as const) {
    const advice = 'check the path, and that this user may read it';
    expect(complaint({ [file]: path })).toBe(`${file}: the file ${path} cannot be read (${code}): ${advice}`);
  }
  for (const empty of [fileOf(''), fileOf('\n')])
    expect(complaint({ [file]: empty })).toBe(`${file}: the file ${empty} is empty: write the secret into it`);
  for (const long of [fileOf('x'.repeat(limits.secretFileBytesMax + 1)), '/dev/zero']) {
    const message = `the file ${long} is longer than ${limits.secretFileBytesMax} bytes: is it the right one?`;
    expect(complaint({ [file]: long })).toBe(`${file}: ${message}`);
  }
  const wrong = complaint({ [file]: fileOf(' hush hush ') });
  expect(wrong).toMatch(new RegExp(`^${file}: .* is a value that is not shown; allowed is `));
  expect(wrong).not.toContain('hush');
});

test('variables of our name that no setting has are named, those of others are not', () => {
  const known = Object.fromEntries(
    all.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name])).map((name) => [name, 'x']),
  );
  const unknown = ['SWITCHBOARD_PROT', 'TELEGRAM_TOKEN', 'SWITCHBOARD_PORT_FILE'];
  const env = { ...known, SWITCHBOARD_CONFIG: '/x', PATH: '/bin', MY_SWITCHBOARD_X: '1' };
  expect(unknownVariables({ ...env, ...Object.fromEntries(unknown.map((name) => [name, 'hush'])) })).toEqual(unknown);
});

test('commands and a start name an unknown variable, and take secrets from files', { timeout: 600_000 }, async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'x'));
  const env = { ...freeEnv(), SWITCHBOARD_PROT: 'hush', TELEGRAM_BOT_TOKEN_FILE: join(folder, 'x', 'none') };
  const ends = await Promise.all(
    [['start'], ['doctor'], ['keys', 'list'], ['backup', 'x.db'], ['outbox']].map((args) => run(args, env).ended),
  );
  for (const { code, stdout, stderr } of ends) {
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`switchboard: TELEGRAM_BOT_TOKEN_FILE: the file ${folder}/x/none cannot be read (ENOENT)`);
    expect(stderr).toContain(
      'switchboard: warning: SWITCHBOARD_PROT is set and is not a variable of Switchboard: check its spelling\n',
    );
    expect(stderr).not.toContain('hush');
  }
});
