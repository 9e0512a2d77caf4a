import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IsObject, IsUnion, type TSchema } from 'typebox';
import { expect, test } from 'vitest';
import { loadSettings, SettingsError } from '../../config/load.ts';
import { SettingsSchema } from '../../config/schema.ts';
import { temporaryFolder } from '../support/journal.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'config');
const TOKEN = '123456:ABC-DEF_ghi';

type Env = Readonly<Record<string, string>>;

/** The settings with this local.json (text is written as it is) and environment. */
function load(local: unknown, env: Env = {}) {
  const folder = temporaryFolder();
  copyFileSync(join(CONFIG, 'default.json'), join(folder, 'default.json'));
  if (local !== null) {
    writeFileSync(join(folder, 'local.json'), typeof local === 'string' ? local : JSON.stringify(local));
  }
  return loadSettings(folder, env);
}

/** The one line that a wrong setting gets, without the folder's name. */
function complaint(local: unknown, env: Env = {}): string {
  try {
    load(local, env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    expect(error.code).toBe('settings_invalid');
    expect(error.message).not.toContain('\n');
    return error.message.replace(/^.*\/(?=local\.json)/, 'config/');
  }
  return expect.fail('the settings were taken');
}

/** The paths of all settings that a schema, or a value, has. */
/** Set as a whole by who needs them. */
const WHOLE = ['/conversations', '/machines'];
const schemaPaths = (schema: TSchema, path = ''): string[] =>
  IsObject(schema) && !WHOLE.includes(path)
    ? Object.entries(schema.properties).flatMap(([name, property]) => schemaPaths(property, `${path}/${name}`))
    : [path];
const valuePaths = (value: unknown, path = ''): string[] =>
  typeof value === 'object' && value !== null && !WHOLE.includes(path)
    ? Object.entries(value).flatMap(([name, field]) => valuePaths(field, `${path}/${name}`))
    : [path];

function variables(schema: TSchema): string[] {
  const own = 'env' in schema && typeof schema.env === 'string' ? [schema.env] : [];
  const below = IsObject(schema) ? Object.values(schema.properties) : IsUnion(schema) ? schema.anyOf : [];
  return [...own, ...below.flatMap(variables)];
}

test('default.json has every setting of the schema, and starts without anything else', () => {
  const file: unknown = JSON.parse(readFileSync(join(CONFIG, 'default.json'), 'utf8'));
  expect(valuePaths(file).sort()).toEqual(schemaPaths(SettingsSchema).sort());
  expect(load(null)).toEqual(file);
});

test('the defaults are those of the contract', () => {
  expect(load(null)).toMatchObject({
    telegram: { token: null, apiRoot: 'https://api.telegram.org' },
    http: { host: '127.0.0.1', port: 8080 },
    sandbox: { port: 8081 },
    data: './data',
    logLevel: 'info',
    inspect: 'off',
  });
});

const EACH: readonly (readonly [string, string, object])[] = [
  ['TELEGRAM_BOT_TOKEN', TOKEN, { telegram: { token: TOKEN } }],
  ['TELEGRAM_API_ROOT', 'http://[::1]:8081/x', { telegram: { apiRoot: 'http://[::1]:8081/x' } }],
  ['SWITCHBOARD_HOST', '0.0.0.0', { http: { host: '0.0.0.0' } }],
  ['SWITCHBOARD_PORT', '0', { http: { port: 0 } }],
  ['SWITCHBOARD_TRUSTED_PROXIES', '10.0.0.0/8,::1', { http: { trustedProxies: '10.0.0.0/8,::1' } }],
  ['SWITCHBOARD_SANDBOX_PORT', '65535', { sandbox: { port: 65_535 } }],
  ['HTTPS_PROXY', 'http://eva:a%40b@10.0.0.1:3128', { network: { httpsProxy: 'http://eva:a%40b@10.0.0.1:3128' } }],
  ['HTTP_PROXY', 'proxy.example:3128', { network: { httpProxy: 'proxy.example:3128' } }],
  ['NO_PROXY', 'localhost, .example.org', { network: { noProxy: 'localhost, .example.org' } }],
  ['SWITCHBOARD_DATA', '/var/lib/switchboard', { data: '/var/lib/switchboard' }],
  ['SWITCHBOARD_LOG_LEVEL', 'trace', { logLevel: 'trace' }],
  ['SWITCHBOARD_INSPECT', '1', { inspect: '1' }],
  ['SWITCHBOARD_BACKEND_URL', 'https://pay.example/hook?a=b', { backend: { url: 'https://pay.example/hook?a=b' } }],
  ['SWITCHBOARD_BACKEND_SECRET', `whsec_${'A'.repeat(32)}`, { backend: { secret: `whsec_${'A'.repeat(32)}` } }],
];

test('every variable that the schema names is tried here', () => {
  expect(EACH.map(([name]) => name).sort()).toEqual(variables(SettingsSchema).sort());
});

test.each(EACH)('%s rules over both files; empty it is as if unset', (name, value, expected) => {
  expect(load({ http: { port: 1 }, data: 'elsewhere', logLevel: 'warn' }, { [name]: value })).toMatchObject(expected);
  expect(load(null, { [name]: '' })).toEqual(load(null));
});

test('a proxy in lower case rules over one in capitals; an address that is none is refused, and its password not shown', () => {
  const both = { https_proxy: 'http://lower:1', HTTPS_PROXY: 'http://upper:2' };
  expect(load(null, both).network.httpsProxy).toBe('http://lower:1');
  expect(load(null, { ...both, https_proxy: '' }).network.httpsProxy).toBe('http://upper:2');
  for (const wrong of ['http://eva:hunter2@', 'socks5://eva:hunter2@proxy:1080', 'http://eva:hunter2%@proxy:1080']) {
    expect(complaint(null, { HTTPS_PROXY: wrong })).toBe(
      'HTTPS_PROXY: network.httpsProxy is a value that is not shown; allowed is the address of a proxy, as http://proxy.example:3128, or null',
    );
  }
});

test('local.json rules over default.json, one setting at a time', () => {
  const settings = load({ http: { port: 9000 }, conversations: { group: null } });
  expect(settings.http).toMatchObject({ host: '127.0.0.1', port: 9000 });
  expect(settings.conversations).toEqual({ private: { machine: 'payment' }, group: null, channel: null });
});

test('SWITCHBOARD_CONFIG names the folder of local.json; a folder that is not there is named', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'local.json'), '{"http":{"port":9000}}');
  expect(load({ http: { port: 1 } }, { SWITCHBOARD_CONFIG: folder }).http.port).toBe(9000);
  expect(load({ http: { port: 1 } }, { SWITCHBOARD_CONFIG: import.meta.dirname }).http.port).toBe(8080);
  writeFileSync(join(folder, 'local.json'), '{"http":{"port":"x"}}');
  expect(complaint(null, { SWITCHBOARD_CONFIG: folder })).toMatch(/^config\/local.json: http.port is "x"; /);
  expect(complaint(null, { SWITCHBOARD_CONFIG: '/none' })).toBe(
    'SWITCHBOARD_CONFIG: there is no folder /none: make it, or unset the variable',
  );
});

const local = (path: string, value: string, allowed: string) =>
  `config/local.json: ${path} is ${value}; allowed is ${allowed}`;
const unknown = (path: string) => `config/local.json: ${path} is no setting: see config/schema.ts`;
const LEVELS = '"fatal", or "error", or "warn", or "info", or "debug", or "trace", or "silent"';

test.each([
  ['an unknown key', { tokn: 1 }, unknown('tokn')],
  ['an unknown key in a group', { telegram: { tokn: 1 } }, unknown('telegram.tokn')],
  [
    'an unknown key deep down',
    { conversations: { group: { machine: 'a', by: 1 } } },
    unknown('conversations.group.by'),
  ],
  ['a text for a number', { http: { port: '80' } }, local('http.port', '"80"', 'a whole number from 0 to 65535')],
  ['a number too high', { http: { port: 70_000 } }, local('http.port', '70000', 'a whole number from 0 to 65535')],
  [
    'a number too low',
    { telegram: { pollTimeoutS: 0 } },
    local('telegram.pollTimeoutS', '0', 'a whole number from 1 to 50'),
  ],
  ['a fraction', { outbox: { chatBurst: 1.5 } }, local('outbox.chatBurst', '1.5', 'a whole number from 1 to 10000')],
  ['a rate of nothing', { outbox: { chatPerS: 0 } }, local('outbox.chatPerS', '0', 'a number from 0.01 to 10000')],
  [
    'a text for yes or no',
    { telegram: { deleteWebhook: 'yes' } },
    local('telegram.deleteWebhook', '"yes"', 'a boolean'),
  ],
  ['an unknown word', { logLevel: 'loud' }, local('logLevel', '"loud"', LEVELS)],
  ['an empty text', { data: '' }, local('data', '""', 'the path of a folder')],
  ['null where something is needed', { data: null }, local('data', 'null', 'the path of a folder')],
  ['null for a group', { http: null }, local('http', 'null', 'an object with host, port, trustedProxies')],
  [
    'a machine that can be no file',
    { conversations: { private: { machine: '../x' } } },
    local('conversations.private.machine', '"../x"', 'a name of a-z, 0-9 and -'),
  ],
  [
    'an unknown policy',
    { machines: { payment: { unfit: 'forget' } } },
    local('machines.payment.unfit', '"forget"', '"keep", or "restart", or "quarantine"'),
  ],
  ['a name that no machine has', { machines: { Payment: { unfit: 'keep' } } }, unknown('machines.Payment')],
  [
    'no words where some must be',
    { machines: { payment: { unfit: 'restart', restartText: '' } } },
    local('machines.payment.restartText', '""', 'a text of 1 to 4096 characters'),
  ],
])('%s is named with its value and what is allowed', (_, settings, message) => {
  expect(complaint(settings)).toBe(message);
});

test.each([
  ['SWITCHBOARD_PORT', '70000', 'http.port is 70000; allowed is a whole number from 0 to 65535'],
  ['SWITCHBOARD_PORT', 'http', 'http.port is "http"; allowed is a whole number from 0 to 65535'],
  ['SWITCHBOARD_PORT', '-1', 'http.port is -1; allowed is a whole number from 0 to 65535'],
  ['SWITCHBOARD_SANDBOX_PORT', '1.5', 'sandbox.port is 1.5; allowed is a whole number from 0 to 65535'],
  ['SWITCHBOARD_LOG_LEVEL', 'loud', `logLevel is "loud"; allowed is ${LEVELS}`],
  ...['10.0.0.0/33', '10.0.0', '1:::2', '127.0.0.1;::1', 'proxy.example', '10.0.0.0/8,'].map((value) => [
    'SWITCHBOARD_TRUSTED_PROXIES',
    value,
    `http.trustedProxies is "${value}"; allowed is addresses and networks separated by commas, as 127.0.0.1, 10.0.0.0/8, or null`,
  ]),
  ['TELEGRAM_API_ROOT', 'ftp://x', 'telegram.apiRoot is "ftp://x"; allowed is an http:// or https:// address'],
  ['TELEGRAM_API_ROOT', 'http://:0', 'telegram.apiRoot is "http://:0"; allowed is an http:// or https:// address'],
  [
    'TELEGRAM_BOT_TOKEN',
    'secret',
    'telegram.token is a value that is not shown; allowed is a token as 123456:ABC-DEF, or null',
  ],
])('%s=%s is named by its variable', (name, value, message) => {
  expect(complaint(null, { [name]: value })).toBe(`${name}: ${message}`);
});

test('the backend secret is not shown', () => {
  expect(complaint({ backend: { secret: 'hush' } })).toBe(
    local('backend.secret', 'a value that is not shown', 'whsec_ and at least 24 bytes in base64, or null'),
  );
});

test('a token that stands where a group should is not shown', () => {
  expect(complaint({ telegram: TOKEN })).not.toContain(TOKEN);
});

test.each(['{"telegram":{"token":"hush"x}}', 'hush', '{"token":"hush'])(
  'a file that is no JSON (%s) is named, nothing of it shown',
  (text) => {
    expect(complaint(text)).toMatch(/^config\/local\.json is not valid JSON( \(line \d+ column \d+\))?$/);
  },
);

test('a file that holds a list is named', () => {
  expect(complaint('[]')).toBe('config/local.json must hold a JSON object');
});

test('DATABASE_URL is refused, its password unseen; empty it is as if unset', () => {
  expect(complaint(null, { DATABASE_URL: 'postgres://ann:hush@db/x' })).toMatch(
    /^DATABASE_URL is set, but PostgreSQL is not/,
  );
  expect(complaint(null, { DATABASE_URL: 'postgres://ann:hush@db/x' })).not.toContain('hush');
  expect(load(null, { DATABASE_URL: '' })).toEqual(load(null));
});
