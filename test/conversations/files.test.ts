import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadMachineTable } from '../../src/conversations/files.ts';

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
      'gone.machine.ts is not in machines/; there are greeter.machine.ts, misnamed.machine.ts, plain.machine.ts, torn.machine.ts',
  });
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
