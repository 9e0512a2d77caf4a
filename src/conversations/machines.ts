import { Compile } from 'typebox/compile';
import type { AnyStateMachine } from 'xstate';
import type { ConversationInput, Migrate } from '../../machines/events.ts';
import { errorText, SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { ChatKind } from '../telegram/update.ts';
import type { ContextCheck } from './fit.ts';
import { refusalsOf } from './refusals.ts';
import { createStepper, type OnTransitions, type Stepper } from './step.ts';
import { createVersions, noVersions, type UnfitPolicy, type Versions } from './versions.ts';

/** Which machine runs the chats of a kind, and what makes a conversation there. */
export interface Selection {
  readonly machine: string;
  /** One conversation a chat, a user in the chat, or a forum topic. */
  readonly per: 'chat' | 'user' | 'topic';
}

/** By kind of chat; null: such chats are journalled and streamed, and have no conversation. */
export type Selections = Readonly<Record<ChatKind, Selection | null>>;

export interface MachineTable {
  forKind(kind: ChatKind): { readonly stepper: Stepper; readonly per: Selection['per'] } | null;
  /**
   * A machine that is loaded, by its name: the version of today, or where `version` is another one and still there,
   * that one.
   */
  named(name: string, version?: string): Stepper | null;
  /** The versions of a machine; of one that is not loaded, what becomes of its conversations. */
  versions(name: string): Versions;
  /** What users may write in chats of a kind, as the machine's `meta.examples.texts` says; null: no machine runs them. */
  examplesFor(kind: ChatKind): readonly string[] | null;
  /** Every machine that is loaded, by name. */
  readonly names: readonly string[];
}

/** What else a machine's file exports, its older files, and what the settings say of its versions. */
export interface VersionParts {
  /** JSON Schema of the context; undefined: none is given. */
  readonly context: unknown;
  readonly migrate: Migrate | null;
  readonly older: readonly AnyStateMachine[];
  readonly unfit: UnfitPolicy;
  readonly restartText: string;
}

const NO_PARTS: VersionParts = { context: undefined, migrate: null, older: [], unfit: 'quarantine', restartText: '' };

/**
 * Checks the machines and makes their steppers. `parts` may tell what becomes of the conversations of others.
 * Throws machine_invalid, naming the file and all that is wrong in it: the state's path and what to write instead.
 */
export function createMachineTable(
  selections: Selections,
  machines: ReadonlyMap<string, AnyStateMachine>,
  parts: ReadonlyMap<string, VersionParts> = new Map(),
): MachineTable {
  const steppers = new Map<string, Stepper>();
  const versions = new Map<string, Versions>();
  for (const [name, machine] of machines) {
    const { context, older, ...rest } = parts.get(name) ?? NO_PARTS;
    const current = checkedStepper(name, fileOf(name), machine);
    steppers.set(name, current);
    versions.set(
      name,
      createVersions({
        ...rest,
        machine,
        current,
        context: context === undefined ? null : contextCheck(name, context),
        older: new Map(
          older.map((other) => [versionOf(other), checkedStepper(name, fileOf(`${name}@${versionOf(other)}`), other)]),
        ),
      }),
    );
  }
  return {
    forKind(kind) {
      const selection = selections[kind];
      const stepper = selection === null ? undefined : steppers.get(selection.machine);
      return selection === null || stepper === undefined ? null : { stepper, per: selection.per };
    },
    named(name, version) {
      const older = version === undefined ? undefined : versions.get(name)?.older.get(version);
      return older ?? steppers.get(name) ?? null;
    },
    versions: (name) => versions.get(name) ?? noVersions(name, parts.get(name) ?? NO_PARTS),
    examplesFor(kind) {
      const machine = machines.get(selections[kind]?.machine ?? '');
      if (machine === undefined) return null;
      const texts: unknown = machine.config.meta?.examples?.texts;
      const written = Array.isArray(texts) ? texts.filter((text) => typeof text === 'string') : [];
      // What every client of Telegram sends first.
      return written.length === 0 ? ['/start'] : written.slice(0, limits.sandboxExamplesMax);
    },
    names: [...steppers.keys()].sort(),
  };
}

const versionOf = ({ version = '0' }: AnyStateMachine): string => version;

const fileOf = (name: string): string => `machines/${name}.machine.ts`;

/** The stepper of a machine. Throws machine_invalid, naming its file and all that is wrong in it. */
export function checkedStepper(
  name: string,
  file: string,
  machine: AnyStateMachine,
  onTransitions?: OnTransitions,
): Stepper {
  const stepper = createStepper(name, machine, onTransitions);
  const refusals = refusalsOf(machine);
  const wrong = refusals.length > 0 ? refusals : faultsOfStart(stepper);
  if (wrong.length === 0) return stepper;
  const list = wrong.map((what) => `\n  ${what}`).join('');
  throw new SwitchboardError('machine_invalid', `${file} cannot be run:${list}`);
}

function contextCheck(name: string, schema: unknown): ContextCheck {
  const refuse = (why: string) =>
    new SwitchboardError('machine_invalid', `${name}: its "context" must be a JSON Schema of the context: ${why}`);
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) throw refuse('it is no object');
  try {
    return Compile(schema);
  } catch (error) {
    throw refuse(errorText(error));
  }
}

/** Every conversation starts alike, so that a start which fails for one would fail for all: one is tried, and dropped. */
function faultsOfStart(stepper: Stepper): readonly string[] {
  const input: ConversationInput = { conversation: '777', chat: '777' };
  try {
    stepper.persist(stepper.start(input).snapshot);
    return [];
  } catch (error) {
    return [`it cannot be started: ${errorText(error)}`];
  }
}
