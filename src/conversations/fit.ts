import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from 'xstate';
import type { RestingState } from '../../machines/events.ts';
import { below, surelyTakes } from './takers.ts';

/** Why a conversation cannot go on with a machine. */
export type MisfitCode =
  | 'machine_not_loaded'
  | 'state_gone'
  | 'context_unfit'
  | 'timer_without_taker'
  | 'request_without_taker'
  | 'request_missing'
  | 'snapshot_unreadable'
  | 'migrate_failed'
  | 'migrate_refused';

export interface Misfit {
  readonly code: MisfitCode;
  /** For a person: which state, which field. Holds nothing that a user wrote. */
  readonly detail: string;
}

/** A schema as the context is checked against: that of typebox. */
export interface ContextCheck {
  Check(value: unknown): boolean;
  Errors(value: unknown): readonly { readonly instancePath: string; readonly message: string }[];
}

/** What is wrong with a state value in this machine; null where it names a whole state of it. */
export function stateMisfit(machine: AnyStateMachine, value: RestingState): Misfit | null {
  const what = gone(machine.root, value);
  return what === null ? null : { code: 'state_gone', detail: what };
}

function gone(node: AnyStateNode, value: RestingState): string | null {
  const inner = typeof value === 'string' ? { [value]: {} } : value;
  const names = Object.keys(inner);
  const children = Object.values(node.states).filter(({ type }) => type !== 'history');
  const missing = names.find((name) => !children.some(({ key }) => key === name));
  if (missing !== undefined) return `there is no state ${node.id}.${missing}`;
  if (node.type === 'parallel') {
    const region = children.find(({ key }) => !names.includes(key));
    if (region !== undefined) return `${region.id} is a new region, and nothing tells which of its states to be in`;
  } else if (children.length > 0 && names.length !== 1) {
    return `${node.id} has states of its own now, and nothing tells which to be in`;
  }
  for (const child of children) {
    const there = inner[child.key];
    const what = there === undefined ? null : gone(child, there);
    if (what !== null) return what;
  }
  return null;
}

/** What is wrong with the context; null where it fits, or where the machine gives no schema. The values are not told. */
export function contextMisfit(schema: ContextCheck | null, context: unknown): Misfit | null {
  if (schema === null || schema.Check(context)) return null;
  const [first] = schema.Errors(context);
  const at = first === undefined || first.instancePath === '' ? 'context' : `context${first.instancePath}`;
  return { code: 'context_unfit', detail: `${at} ${first?.message ?? 'is of another shape'}` };
}

/** Where history states would lead; null where all of that is still there. */
export function historyMisfit(
  machine: AnyStateMachine,
  history: Readonly<Record<string, readonly string[]>>,
): Misfit | null {
  const remembered = Object.entries(history).flat(2);
  const ids = new Set(remembered.length === 0 ? [] : below(machine.root).map((node) => node.id));
  const missing = remembered.find((id) => !ids.has(id));
  return missing === undefined ? null : { code: 'state_gone', detail: `a history leads to ${missing}, which is gone` };
}

/**
 * Where the restored state has come to an end by which an unchanged machine would have gone on: the whole machine's, or
 * that of a state whose onDone would surely have been taken.
 */
export function endMisfit({ machine, _nodes }: AnyMachineSnapshot): Misfit | null {
  const active: ReadonlySet<AnyStateNode> = new Set(_nodes);
  const children = (node: AnyStateNode) => Object.values(node.states).filter(({ type }) => type !== 'history');
  const isOver = (node: AnyStateNode): boolean =>
    node.type === 'parallel'
      ? children(node).every(isOver)
      : children(node).some((child) => child.type === 'final' && active.has(child));
  const left = [...active].find(
    (node) =>
      node.type !== 'final' &&
      isOver(node) &&
      (node === machine.root ||
        surelyTakes(node, `xstate.done.state.${node.id}`, ({ target }) => target !== undefined)),
  );
  if (left === undefined) return null;
  const end = children(left).find((child) => child.type === 'final' && active.has(child)) ?? left;
  return { code: 'state_gone', detail: `${end.id} is ${end === left ? 'at its end' : 'a final state'} now` };
}
