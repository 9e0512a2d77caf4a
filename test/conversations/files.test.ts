import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { fileThatRuns, loadMachineTable } from '../../src/conversations/files.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');

const load = (machine: string) =>
  loadMachineTable({ private: { machine }, group: { machine, per: 'user' }, channel: null }, FIXTURES);

test('the machines chosen are loaded by their names; a choice without `per` is one conversation a chat', async () => {
  const table = await load('greeter');
  expect(table.forKind('private')).toMatchObject({ per: 'chat', stepper: table.named('greeter') });
  expect(table.forKind('group')?.per).toBe('user');
  expect(table.forKind('channel')).toBeNull();
  expect(table.named('misnamed')).toBeNull();
});

test('a file that is not there is refused, naming those that are', async () => {
  await expect(load('gone')).rejects.toMatchObject({
    code: 'machine_invalid',
    message:
      'gone.machine.ts is not in machines/; there are greeter.machine.ts, misnamed.machine.ts, older.machine.ts, plain.machine.ts, torn.machine.ts, unmoved.machine.ts',
  });
});

test('a version that conversations may be kept on stands beside the machine, and is loaded where they are kept', async () => {
  const choice = { machine: 'greeter' };
  const kinds = { private: choice, group: null, channel: null };
  const kept = await loadMachineTable(kinds, FIXTURES, { greeter: { unfit: 'keep' } });
  expect(kept.named('greeter', '0')).toMatchObject({ name: 'greeter', version: '0' });
  expect(kept.named('greeter', '7')).toBe(kept.named('greeter'));
  const chosenNoMore = await loadMachineTable({ ...kinds, private: null, group: null }, FIXTURES, {
    greeter: { unfit: 'keep' },
    gone: { unfit: 'keep' },
  });
  expect(chosenNoMore.names).toEqual(['greeter']);
  expect(chosenNoMore.forKind('private')).toBeNull();
  const restarted = await loadMachineTable(kinds, FIXTURES, { greeter: { unfit: 'restart' } });
  expect(restarted.named('greeter', '0')).toMatchObject({ version: '1' });
});

test('a kept conversation is run, and replayed, by the file of its version; others by that of today', () => {
  const file = (version: string, unfit?: 'keep' | 'restart') =>
    basename(fileThatRuns(FIXTURES, { machine: 'greeter', version }, unfit));
  expect(file('0', 'keep')).toBe('greeter@0.machine.ts');
  expect([file('1', 'keep'), file('0', 'restart'), file('0')]).toEqual(Array(3).fill('greeter.machine.ts'));
});

test.each([
  ['unmoved', 'machines/unmoved.machine.ts exports "migrate", which must be a function'],
  ['older', 'machines/older@1.machine.ts must have the version "1", not "2"'],
])('what a file says of its versions is checked: %s', async (machine, message) => {
  const kinds = { private: { machine }, group: null, channel: null };
  const loading = loadMachineTable(kinds, FIXTURES, { [machine]: { unfit: 'keep' } });
  await expect(loading).rejects.toMatchObject({ code: 'machine_invalid', message });
});

test.each(['misnamed', 'plain'])('a file that exports no machine as "machine" is refused: %s', async (name) => {
  await expect(load(name)).rejects.toMatchObject({
    code: 'machine_invalid',
    message: `machines/${name}.machine.ts must export its machine as "machine"`,
  });
});

test('a file that cannot be read is refused, with the reason', async () => {
  await expect(load('torn')).rejects.toMatchObject({
    code: 'machine_invalid',
    message: 'machines/torn.machine.ts cannot be read: half a file',
  });
});
