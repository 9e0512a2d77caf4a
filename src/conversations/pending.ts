import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from 'xstate';
import type { AtRest } from '../../machines/events.ts';
import type { Misfit } from './fit.ts';
import { actionsOf } from './refusals.ts';
import { below, surelyTakes, type Transition, takes } from './takers.ts';

/**
 * What of the things under way has nobody to take it in the restored state: each timer's event, each request's answer.
 * And the other way round: an invoke of the state that was never asked would leave the conversation waiting for ever.
 * What outlives its state (a delayed raise, a spawned child) may be taken by another state; and the requests with the
 * ids in `spawned` by none: a failure that nobody takes is told when it comes.
 */
export function pendingMisfit(
  { machine, value, children, _nodes }: AnyMachineSnapshot,
  { timers, requests }: AtRest,
  spawned: ReadonlySet<string>,
): Misfit | null {
  const nodes: readonly AnyStateNode[] = _nodes;
  const all = below(machine.root);
  const state = JSON.stringify(value);
  const isTold = (type: string): boolean => {
    if (type.startsWith('xstate.after.')) return nodes.some(takes(type));
    // One that the machine itself raises to nobody.
    const raises = (action: Action) => action.type === 'xstate.raise' && Object(action.event).type === type;
    return all.some(takes(type)) || actionsIn(machine).some(raises);
  };
  const timer = timers.find(({ event }) => !isTold(event.type));
  if (timer !== undefined) {
    return { code: 'timer_without_taker', detail: `nothing in ${state} takes the timer ${timer.event.type}` };
  }
  const invokes = nodes.flatMap((node) => node.invoke.map(({ id }) => ({ id, node })));
  const isTaken = (invoke: string): boolean => {
    if (invoke === '' || invokes.some(({ id }) => id === invoke)) return true;
    const takers = all.some((node) => node.invoke.some(({ id }) => id === invoke)) ? nodes : all;
    return ['done', 'error'].some((end) => takers.some(takes(`xstate.${end}.actor.${invoke}`)));
  };
  const request = requests.find(({ id, invoke }) => !spawned.has(id) && !isTaken(invoke));
  if (request !== undefined) {
    return { code: 'request_without_taker', detail: `nothing in ${state} takes the answer to ${request.invoke}` };
  }
  const missing = invokes.find(({ id, node }) => !(id in children) && endsWithItsAnswer(node, id));
  if (missing === undefined) return null;
  return { code: 'request_missing', detail: `${state} waits for an answer to ${missing.id}, which was never asked` };
}

/** Whether every answer to the invoke leaves its state: who is there without an open request has never asked. */
function endsWithItsAnswer(node: AnyStateNode, invoke: string): boolean {
  const within = (target: AnyStateNode): boolean => target === node || (target.parent ? within(target.parent) : false);
  const leaves = ({ target, reenter }: Transition) => target !== undefined && (reenter || !target.some(within));
  const all = below(node.machine.root);
  const stops = ({ type, actorRef }: Action) =>
    type === 'xstate.stopChild' && (actorRef === invoke || typeof actorRef === 'function');
  if (actionsIn(node.machine).some(stops)) return false;
  const error = `xstate.error.actor.${invoke}`;
  // A failure that nobody takes stops the machine.
  const fails = surelyTakes(node, error, leaves) || !all.some(takes(error));
  return fails && surelyTakes(node, `xstate.done.actor.${invoke}`, leaves);
}

interface Action {
  readonly type?: unknown;
  readonly event?: unknown;
  readonly actorRef?: unknown;
}

/** The actions of a machine, those that it has in its setup as they are there. */
const actionsIn = (machine: AnyStateMachine): Action[] =>
  below(machine.root)
    .flatMap(actionsOf)
    .map((action) => Object(typeof action === 'function' ? action : implementationOf(machine, Object(action).type)));

const implementationOf = ({ implementations }: AnyStateMachine, name: unknown): unknown =>
  implementations.actions[String(name)];
