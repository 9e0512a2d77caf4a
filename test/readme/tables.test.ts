import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { IsNull, IsObject, IsUnion, type TSchema } from 'typebox';
import { expect, test } from 'vitest';
import { SettingsSchema } from '../../config/schema.ts';
import { ERRORS } from '../../src/errors.ts';
import { MESSAGE_STATUSES } from '../../src/journal/journal.ts';
import { ROLES, SCOPES_OF } from '../../src/keys/keys.ts';
import { limits } from '../../src/limits.ts';
import { ENTRY_TYPES } from '../../src/operators/operators.ts';
import { codesIn, tableOf } from './blocks.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(ROOT, 'README.md'), 'utf8');

test.each([
  'README.md',
  'CONTRIBUTING.md',
  'machines/README.md',
  'docs/machines.md',
  'docs/events.md',
  'docs/facade.md',
  'docs/inspector.md',
  'docs/operations.md',
  'docs/monitoring.md',
  'docs/messages.md',
  'docs/privacy.md',
])('every relative link of %s leads somewhere', (file) => {
  const links = [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, to = '']) => to);
  const relative = links.filter((to) => !/^\w+:/.test(to));
  expect(relative.length).toBeGreaterThan(0);
  expect(relative.filter((to) => !existsSync(join(ROOT, dirname(file), to)))).toEqual([]);
});

test('the settings are those of config/schema.ts, with the defaults of config/default.json', () => {
  const defaults: unknown = JSON.parse(readFileSync(join(ROOT, 'config', 'default.json'), 'utf8'));
  const shown = tableOf(page, 'Settings').map((cells) => `| ${cells.join(' | ')} |`);
  expect(shown.join('\n')).toBe(rowsOf(SettingsSchema, '', defaults).join('\n'));
});

test('every variable that the page names is a setting', () => {
  const [there = ''] = page.split('## Not there yet');
  const named = new Set(there.match(/\b((TELEGRAM|SWITCHBOARD)_[A-Z_]+|(HTTPS?|NO)_PROXY(_FILE)?)\b/g));
  // It says where settings are, and is none itself.
  named.delete('SWITCHBOARD_CONFIG');
  expect([...named].sort()).toEqual([...variablesOf(SettingsSchema)].sort());
});

test('the roles and their scopes are those that keys have', () => {
  const shown = tableOf(page, 'Keys and roles').map(([role, scopes]) => [codesIn(role)[0], scopes?.split(', ')]);
  expect(shown).toEqual(ROLES.map((role) => [role, SCOPES_OF[role]]));
});

test('the events are those of the journal', () => {
  expect(tableOf(page, 'Events').flatMap(([type]) => codesIn(type))).toEqual(ENTRY_TYPES);
});

test('the statuses are those that messages have', () => {
  expect(tableOf(page, 'Messages').flatMap(([status]) => codesIn(status))).toEqual(MESSAGE_STATUSES);
});

test('the exit codes are those of the registry of errors', () => {
  const shown = tableOf(page, 'Exit codes').flatMap(([code, errors]) =>
    codesIn(errors).map((error) => [error, Number(code)]),
  );
  const known = Object.entries(ERRORS).flatMap(([error, entry]) => ('exit' in entry ? [[error, entry.exit]] : []));
  expect(shown).toEqual(known);
});

test('the bounds that the page tells in words are those of src/limits.ts', () => {
  expect(page).toContain('comment every 15 s');
  expect(limits.heartbeatMs).toBe(15_000);
  expect(page).toContain('an error of its own (5xx) eight times');
  expect(limits.sendAttemptsMax).toBe(8);
  expect(page).toContain('tries again every ten seconds');
  expect(limits.pollConflictDelayMs).toBe(10_000);
});

test('the bounds that docs/events.md tells are those of src/limits.ts', () => {
  const events = readFileSync(join(ROOT, 'docs', 'events.md'), 'utf8');
  for (const told of [
    `up to \`limit\` (100, at most ${limits.readEntriesMax})`,
    `NDJSON alone, every ${limits.heartbeatMs / 1000} s`,
    `from ${limits.reconnectMs / 2000} to ${(limits.reconnectMs * 3) / 2000} s`,
    `holds about ${limits.pageLengthMax / 1024 / 1024} MiB`,
    `takes nothing for ${limits.readerStuckMs / 1000} s`,
    `A key may have ${limits.streamsPerKeyMax} streams open`,
    `a key may have ${limits.answersPerKeyMax} under way`,
    `All keys together may have ${limits.streamsMax}`,
  ])
    expect(events).toContain(told);
  expect(events).toContain('twice as old, or twice as');
  expect(limits.retentionPatience).toBe(2);
});

test('the bounds that docs/messages.md tells are those of src/limits.ts', () => {
  const messages = readFileSync(join(ROOT, 'docs', 'messages.md'), 'utf8');
  const count = (n: number) => n.toLocaleString('en');
  const posts = `${count(limits.keyPostsPerS)} messages and events a second and ${count(limits.keyPostsBurst)} at once`;
  for (const told of [posts, `${count(limits.keyMessagesWaitingMax)} messages that wait`])
    expect(messages).toContain(told);
  expect(messages).toContain(`${limits.keyUploadsHeldBytesMax / 2 ** 30} GiB of files`);
  // A share lets others in, and a batch fits into it.
  expect(limits.keyMessagesWaitingMax * 4).toBeLessThanOrEqual(limits.outboxMessagesMax);
  expect(limits.keyUploadsHeldBytesMax * 4).toBeLessThanOrEqual(limits.uploadsHeldBytesMax);
  expect(limits.keyPostsBurst * 4).toBeLessThanOrEqual(limits.commitQueueMax);
  expect(limits.keyPostsBurst).toBeGreaterThanOrEqual(limits.batchMessagesMax);
});

test('the bounds that docs/operations.md tells are those of src/limits.ts', () => {
  const operations = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8');
  for (const told of [
    `exits with 0 within ${limits.shutdownMs / 1000} s`,
    `A comment comes every ${limits.heartbeatMs / 1000} s`,
    `silent for up to ${limits.messageWaitMaxMs / 1000} s`,
    `a message's files hold ${limits.uploadBytesMax / 1024 / 1024} MiB at most, other bodies ${limits.bodyBytesMax / 1024 / 1024} MiB`,
  ])
    expect(operations).toContain(told);
  const [, bodyMib] = /client_max_body_size (\d+)m;/.exec(operations) ?? [];
  expect(Number(bodyMib) * 1024 * 1024).toBeGreaterThan(limits.uploadBytesMax);
  const [, stopS] = /TimeoutStopSec=(\d+)/.exec(operations) ?? [];
  expect(Number(stopS) * 1000).toBeGreaterThan(limits.shutdownMs);
});

test('the bounds that docs/inspector.md tells are those of src/limits.ts', () => {
  const inspector = readFileSync(join(ROOT, 'docs', 'inspector.md'), 'utf8');
  for (const told of [
    `within a moment (${limits.feedMomentMs} ms)`,
    `Of one chat ${limits.feedChatStepsMax} steps a moment`,
    `There are ${limits.feedReadersMax} readers`,
    `cut off at ${limits.feedBufferBytes / 1024 / 1024} MiB`,
    `within ${limits.ticketLifeMs / 1000} seconds`,
  ])
    expect(inspector).toContain(told);
});

test('the commands that CONTRIBUTING.md names are there', () => {
  const contributing = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  const { scripts }: { scripts: object } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const named = [...contributing.matchAll(/`npm run ([\w:-]+)/g)].map(([, name = '']) => name);
  expect(named).toEqual(expect.arrayContaining(['check', 'machines', 'test:long', 'bench', 'sim']));
  for (const name of named) expect(Object.keys(scripts)).toContain(name);
});

test('the other commands that the page names are there', () => {
  const { scripts }: { scripts: object } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const cli = readFileSync(join(ROOT, 'src', 'commands.ts'), 'utf8');
  for (const [, name = ''] of page.matchAll(/`npm run ([\w-]+)`/g)) expect(scripts).toHaveProperty(name);
  for (const [, name = ''] of page.matchAll(/`npx switchboard ([\w-]+)/g)) expect(cli).toContain(`case '${name}':`);
});

/** A row a setting, in the schema's order. */
function rowsOf(schema: TSchema, path: string, value: unknown, prose = ''): string[] {
  const described = proseOf(schema) ?? prose;
  if (IsObject(schema))
    return Object.entries(schema.properties).flatMap(([name, property]) => {
      const inner = path === '' ? name : `${path}.${name}`;
      return rowsOf(property, inner, fieldOf(value, name), described);
    });
  const variables = [...variablesOf(schema)].map((variable) => `\`${variable}\``).join(', ');
  const cells = [variables, `\`${path}\``];
  return [
    `| ${[...cells, value === null ? 'none' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``, described].join(' | ')} |`,
  ];
}

function* variablesOf(schema: TSchema): Generator<string> {
  if ('env' in schema && typeof schema.env === 'string') yield schema.env;
  if ('env' in schema && 'secret' in schema) yield `${schema.env}_FILE`;
  if (IsUnion(schema)) for (const branch of schema.anyOf) yield* variablesOf(branch);
  if (IsObject(schema)) for (const property of Object.values(schema.properties)) yield* variablesOf(property);
}

/** A setting that may be null is described on its other branch. */
function proseOf(schema: TSchema): string | undefined {
  if ('description' in schema && typeof schema.description === 'string') return schema.description;
  if (!IsUnion(schema)) return undefined;
  return schema.anyOf.filter((branch) => !IsNull(branch)).map(proseOf)[0];
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
