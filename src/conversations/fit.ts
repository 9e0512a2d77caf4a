import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from 'xstate';
import type { AtRest, RestingState } from '../../machines/events.ts';

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
  if (node.type === 'final') return `${node.id} is a final state now`;
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
  history: Readonly<Record<string, readonly { readonly id: string }[]>>,
): Misfit | null {
  const ids = new Set<string>();
  const note = (node: AnyStateNode): void => {
    ids.add(node.id);
    for (const child of Object.values(node.states)) note(child);
  };
  const remembered = Object.entries(history).flatMap(([id, nodes]) => [id, ...nodes.map((node) => node.id)]);
  if (remembered.length > 0) note(machine.root);
  const missing = remembered.find((id) => !ids.has(id));
  return missing === undefined ? null : { code: 'state_gone', detail: `a history leads to ${missing}, which is gone` };
}

/**
 * What of the things under way has nobody to take it in the restored state: each timer's event, each request's answer.
 * And the other way round: an invoke of the state that was never asked would leave the conversation waiting for ever.
 */
export function pendingMisfit(snapshot: AnyMachineSnapshot, { timers, requests }: AtRest): Misfit | null {
  const nodes: readonly AnyStateNode[] = snapshot._nodes;
  const state = JSON.stringify(snapshot.value);
  const takes = (type: string) => nodes.some((node) => [...node.transitions.keys()].some((on) => matches(on, type)));
  const timer = timers.find(({ event }) => !takes(event.type));
  if (timer !== undefined) {
    return { code: 'timer_without_taker', detail: `nothing in ${state} takes the timer ${timer.event.type}` };
  }
  const invokes = nodes.flatMap((node) => node.invoke.map(({ id }) => ({ id, node })));
  const known = (invoke: string) => invoke === '' || invokes.some(({ id }) => id === invoke);
  const request = requests.find(({ invoke }) => !known(invoke) && !takes(`xstate.done.actor.${invoke}`));
  if (request !== undefined) {
    return { code: 'request_without_taker', detail: `nothing in ${state} takes the answer to ${request.invoke}` };
  }
  const missing = invokes.find(({ id, node }) => !(id in snapshot.children) && endsWithItsAnswer(node, id));
  if (missing === undefined) return null;
  return { code: 'request_missing', detail: `${state} waits for an answer to ${missing.id}, which was never asked` };
}

/** Whether every answer to the invoke leaves its state: who is there without an open request has never asked. */
function endsWithItsAnswer(node: AnyStateNode, invoke: string): boolean {
  const taken = ['done', 'error'].flatMap((end) => node.transitions.get(`xstate.${end}.actor.${invoke}`) ?? []);
  const within = (target: AnyStateNode): boolean => target === node || (target.parent ? within(target.parent) : false);
  return taken.length > 0 && taken.every(({ target, reenter }) => target && (reenter || !target.some(within)));
}

/** Whether an event descriptor of `on` (a name, `*`, or `payment.*`) takes the event. */
const matches = (on: string, type: string): boolean =>
  on === type || on === '*' || (on.endsWith('.*') && type.startsWith(on.slice(0, -1)));
