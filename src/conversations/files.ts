import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AnyStateMachine, StateMachine } from 'xstate';
import type { Migrate } from '../../machines/events.ts';
import { errorText, SwitchboardError } from '../errors.ts';
import type { ConversationRecord } from '../journal/journal.ts';
import {
  checkedStepper,
  createMachineTable,
  type MachineTable,
  type Selection,
  type VersionParts,
} from './machines.ts';
import type { Stepper } from './step.ts';
import type { UnfitPolicy } from './versions.ts';

/** A choice as the settings give it: `per` left out is one conversation a chat. */
type Choice = { readonly machine: string; readonly per?: Selection['per'] } | null;

/** What the settings say of a machine's conversations that another version stored and that do not fit. */
export interface UnfitSettings {
  readonly unfit: UnfitPolicy;
  readonly restartText?: string;
}

/** The words of a conversation that begins anew, where the settings have none. */
const RESTART_TEXT = 'I have been changed since we last talked, and lost track of where we were. Please begin again.';

/**
 * Loads the machines that are chosen, each from `<folder>/<machine>.machine.ts`, and checks them; and where the settings
 * keep conversations on what stored them, the older versions `<machine>@<version>.machine.ts`, and a machine that no kind
 * of chat begins with any more.
 * Throws machine_invalid: a file that is not there (naming those that are), that cannot be read, exports no machine, or
 * cannot be durable.
 */
export async function loadMachineTable(
  choices: { readonly private: Choice; readonly group: Choice; readonly channel: Choice },
  folder: string,
  settings: Readonly<Record<string, UnfitSettings>> = {},
): Promise<MachineTable> {
  const chosen = new Set(Object.values(choices).flatMap((choice) => choice?.machine ?? []));
  const machines = new Map<string, AnyStateMachine>();
  const parts = new Map<string, VersionParts>();
  for (const name of new Set([...chosen, ...Object.keys(settings)])) {
    const { unfit, restartText = RESTART_TEXT } = settings[name] ?? { unfit: 'quarantine' };
    parts.set(name, { context: undefined, migrate: null, older: [], unfit, restartText });
    const kept = unfit === 'keep' && filesOf(folder).includes(`${name}.machine.ts`);
    if (!chosen.has(name) && !kept) continue;
    const { machine, context, migrate } = await loadMachine(folder, `${name}.machine.ts`);
    machines.set(name, machine);
    const older = unfit === 'keep' ? await loadOlder(folder, name) : [];
    parts.set(name, { context, migrate, older, unfit, restartText });
  }
  const selection = (choice: Choice): Selection | null =>
    choice === null ? null : { machine: choice.machine, per: choice.per ?? 'chat' };
  const { private: inPrivate, group, channel } = choices;
  return createMachineTable(
    { private: selection(inPrivate), group: selection(group), channel: selection(channel) },
    machines,
    parts,
  );
}

/** What a machine's file exports. */
export interface MachineFile {
  readonly machine: AnyStateMachine;
  readonly context: unknown;
  readonly migrate: Migrate | null;
}

const filesOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter((other) => other.endsWith('.machine.ts'))
    .sort();

/** The path of the file that runs a stored conversation: where the settings keep it, and it is there, that of its version. */
export function fileThatRuns(
  folder: string,
  { machine, version }: Pick<ConversationRecord, 'machine' | 'version'>,
  unfit: UnfitPolicy | undefined,
): string {
  const older = `${machine}@${version}.machine.ts`;
  return join(folder, unfit === 'keep' && filesOf(folder).includes(older) ? older : `${machine}.machine.ts`);
}

async function loadMachine(folder: string, file: string): Promise<MachineFile> {
  const there = filesOf(folder);
  if (!there.includes(file)) {
    const current = there.filter((other) => !other.includes('@'));
    throw new SwitchboardError('machine_invalid', `${file} is not in machines/; there are ${current.join(', ')}`);
  }
  return importMachine(join(folder, file), `machines/${file}`);
}

/** Throws machine_invalid, calling the file as `named`. */
export async function importMachine(path: string, named: string): Promise<MachineFile> {
  const {
    machine,
    context,
    migrate = null,
  }: Record<string, unknown> = await import(pathToFileURL(path).href).catch((cause) => {
    throw new SwitchboardError('machine_invalid', `${named} cannot be read: ${errorText(cause)}`, { cause });
  });
  if (!(machine instanceof StateMachine)) {
    throw new SwitchboardError('machine_invalid', `${named} must export its machine as "machine"`);
  }
  if (!isMigrate(migrate)) {
    throw new SwitchboardError('machine_invalid', `${named} exports "migrate", which must be a function`);
  }
  return { machine, context, migrate };
}

/** The machine of any file, by whatever name: that of the file where it ends as machines' files do. Throws machine_invalid. */
export async function loadStepper(path: string): Promise<Stepper> {
  const { machine } = await importMachine(path, path);
  const [, name = machine.id] = /^([^@]+)(?:@.*)?\.machine\.[a-z]+$/.exec(basename(path)) ?? [];
  return checkedStepper(name, path, machine);
}

const isMigrate = (value: unknown): value is Migrate | null => value === null || typeof value === 'function';

async function loadOlder(folder: string, name: string): Promise<AnyStateMachine[]> {
  const older: AnyStateMachine[] = [];
  for (const file of filesOf(folder).filter((other) => other.startsWith(`${name}@`))) {
    const version = file.slice(name.length + 1, -'.machine.ts'.length);
    const { machine } = await importMachine(join(folder, file), `machines/${file}`);
    if (machine.version !== version) {
      const says = machine.version === undefined ? 'none' : `"${machine.version}"`;
      throw new SwitchboardError('machine_invalid', `machines/${file} must have the version "${version}", not ${says}`);
    }
    older.push(machine);
  }
  return older;
}
