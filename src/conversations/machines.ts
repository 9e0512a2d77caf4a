import type { AnyStateMachine } from 'xstate';
import type { ConversationInput } from '../../machines/events.ts';
import { errorText, SwitchboardError } from '../errors.ts';
import type { ChatKind } from '../telegram/update.ts';
import { refusalsOf } from './refusals.ts';
import { createStepper, type Stepper } from './step.ts';

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
  /** A machine that is loaded, by its name. */
  named(name: string): Stepper | null;
}

/**
 * Checks the selected machines and makes their steppers.
 * Throws machine_invalid, naming the file and all that is wrong in it: the state's path and what to write instead.
 */
export function createMachineTable(
  selections: Selections,
  machines: ReadonlyMap<string, AnyStateMachine>,
): MachineTable {
  const steppers = new Map<string, Stepper>();
  for (const [name, machine] of machines) {
    const stepper = createStepper(name, machine);
    const refusals = refusalsOf(machine);
    const wrong = refusals.length > 0 ? refusals : faultsOfStart(stepper);
    if (wrong.length > 0) {
      const list = wrong.map((what) => `\n  ${what}`).join('');
      throw new SwitchboardError('machine_invalid', `machines/${name}.machine.ts cannot be run:${list}`);
    }
    steppers.set(name, stepper);
  }
  return {
    forKind(kind) {
      const selection = selections[kind];
      const stepper = selection === null ? undefined : steppers.get(selection.machine);
      return selection === null || stepper === undefined ? null : { stepper, per: selection.per };
    },
    named: (name) => steppers.get(name) ?? null,
  };
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
