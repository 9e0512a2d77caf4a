import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { SwitchboardError } from '../errors.ts';
import type { ChatKind } from '../telegram/update.ts';
import { isMessageAction, MESSAGE_ACTIONS } from './effects.ts';
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
 * Throws machine_invalid, saying the state's path and what to write instead.
 */
export function createMachineTable(
  selections: Selections,
  machines: ReadonlyMap<string, AnyStateMachine>,
): MachineTable {
  const steppers = new Map<string, Stepper>();
  for (const [name, machine] of machines) {
    checkState(name, machine, machine.root);
    steppers.set(name, createStepper(name, machine));
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

function checkState(name: string, machine: AnyStateMachine, state: AnyStateNode): void {
  const refuse = (what: string): never => {
    throw new SwitchboardError('machine_invalid', `${name}: state ${state.id}: ${what}`);
  };
  const transitions = [...state.transitions.values(), ...(state.always ? [state.always] : [])].flat();
  const initial = state.initial?.actions ?? [];
  for (const action of [...state.entry, ...state.exit, ...initial, ...transitions.flatMap((t) => t.actions)]) {
    if (typeof action === 'function') {
      // assign, raise, enqueueActions and their like are functions that resolve to data.
      if (!('resolve' in action))
        refuse('an action given as a function cannot be durable: name it in setup(), with params');
      continue;
    }
    const type = typeof action === 'string' ? action : action.type;
    const implementation = machine.implementations.actions[type];
    const resolves = implementation !== undefined && 'resolve' in implementation;
    if (!resolves && !isMessageAction(type)) {
      refuse(
        `the action ${type} is none of ${Object.keys(MESSAGE_ACTIONS).join(', ')}, and is not built of XState's own`,
      );
    }
  }
  for (const { src } of state.invoke) {
    // XState names an actor that is given in place after its state: the name would not outlive a change of the machine.
    if (typeof src !== 'string' || src.startsWith('xstate.invoke.'))
      refuse('an invoke without a name cannot be durable: name its actor in setup()');
  }
  for (const child of Object.values(state.states)) checkState(name, machine, child);
}
