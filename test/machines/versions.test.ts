import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadSettings } from '../../config/load.ts';
import { createMachineTable, type VersionParts } from '../../src/conversations/machines.ts';
import { createRouter } from '../../src/conversations/router.ts';
import { sweep } from '../../src/conversations/sweep.ts';
import { manualClock } from '../support/clock.ts';
import { oldestRequest, openJournal, temporaryFolder } from '../support/journal.ts';
import { textUpdate } from '../support/updates.ts';
import { machine as first } from './support.machine.ts';
import * as second from './support-2.machine.ts';

const readme = readFileSync(join(import.meta.dirname, '../../docs/machines.md'), 'utf8');
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))].map(([, code = '']) => code);

test('the example of a new version is the file that is tested here', () => {
  const file = readFileSync(join(import.meta.dirname, 'support-2.machine.ts'), 'utf8');
  const [example] = blocks('ts').filter((code) => code.includes('export const migrate'));
  expect(example).toContain('.answering');
  expect(file).toContain(example);
});

test('the example brings a conversation that waits to the second version, and its reminder comes when it was to', async () => {
  const clock = manualClock();
  const journal = openJournal(temporaryFolder(), clock);
  const selection = { machine: 'support', per: 'chat' } as const;
  const selections = { private: selection, group: selection, channel: null };
  const routerOf = (machine: typeof first | typeof second.machine, parts = new Map<string, VersionParts>()) => {
    const machines = createMachineTable(selections, new Map([['support', machine]]), parts);
    return { machines, router: createRouter({ journal, machines, username: () => null }) };
  };
  const before = routerOf(first).router;
  await before.receiveUpdates([textUpdate(7, 'where is it?')], 1);
  const request = await oldestRequest(journal);
  await before.answerRequest(request, { output: { ticket: 'T-1' } });
  await clock.advance(3_600_000);

  const { context, migrate } = second;
  const parts: VersionParts = { context, migrate, older: [], unfit: 'quarantine', restartText: '' };
  const { machines, router } = routerOf(second.machine, new Map([['support', parts]]));
  expect(await sweep({ journal, machines, router, pause: async () => {} })).toMatchObject({ migrated: 1 });
  expect(await journal.conversation('7')).toMatchObject({ version: '2', state: '"answering"', status: 'active' });
  await clock.advance(23 * 3_600_000 - 1);
  expect(await router.fireTimers()).toBe(0);
  await clock.advance(1);
  expect(await router.fireTimers()).toBe(1);
  const said = await journal.read({ from: 1, limit: 99, types: ['message.accepted'] });
  expect(JSON.parse(said.at(-1)?.body ?? '').message.params.text).toBe('Reminder 1: we are on it.');
});

test('the settings of the example are settings, and the table names every policy', () => {
  const [example = ''] = blocks('json').filter((text) => text.includes('"unfit"'));
  const folder = temporaryFolder();
  cpSync(join(import.meta.dirname, '../../config/default.json'), join(folder, 'default.json'));
  writeFileSync(join(folder, 'local.json'), example);
  expect(loadSettings(folder, {}).machines.support?.unfit).toBe('restart');
  expect([...readme.matchAll(/^\| `(\w+)` +\|/gm)].map(([, policy]) => policy)).toEqual(
    expect.arrayContaining(['quarantine', 'restart', 'keep']),
  );
});
