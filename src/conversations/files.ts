import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type AnyStateMachine, StateMachine } from 'xstate';
import { errorText, SwitchboardError } from '../errors.ts';
import { createMachineTable, type MachineTable, type Selection } from './machines.ts';

/** A choice as the settings give it: `per` left out is one conversation a chat. */
type Choice = { readonly machine: string; readonly per?: Selection['per'] } | null;

/**
 * Loads the machines that are chosen, each from `<folder>/<machine>.machine.ts`, and checks them.
 * Throws machine_invalid: a file that is not there (naming those that are), that cannot be read, exports no machine, or
 * cannot be durable.
 */
export async function loadMachineTable(
  choices: { readonly private: Choice; readonly group: Choice; readonly channel: Choice },
  folder: string,
): Promise<MachineTable> {
  const names = new Set(Object.values(choices).flatMap((choice) => choice?.machine ?? []));
  const machines = new Map<string, AnyStateMachine>();
  for (const name of names) machines.set(name, await loadMachine(folder, name));
  const selection = (choice: Choice): Selection | null =>
    choice === null ? null : { machine: choice.machine, per: choice.per ?? 'chat' };
  const { private: inPrivate, group, channel } = choices;
  return createMachineTable(
    { private: selection(inPrivate), group: selection(group), channel: selection(channel) },
    machines,
  );
}

async function loadMachine(folder: string, name: string): Promise<AnyStateMachine> {
  const file = `${name}.machine.ts`;
  const there = readdirSync(folder)
    .filter((other) => other.endsWith('.machine.ts'))
    .sort();
  if (!there.includes(file)) {
    throw new SwitchboardError('machine_invalid', `${file} is not in machines/; there are ${there.join(', ')}`);
  }
  const module: { machine?: unknown } = await import(join(folder, file)).catch((cause) => {
    throw new SwitchboardError('machine_invalid', `machines/${file} cannot be read: ${errorText(cause)}`, { cause });
  });
  if (module.machine instanceof StateMachine) return module.machine;
  throw new SwitchboardError('machine_invalid', `machines/${file} must export its machine as "machine"`);
}
