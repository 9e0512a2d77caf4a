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
  const isFired = (type: string) => (type.startsWith('xstate.after.') ? nodes : all).some(takes(type));
  const timer = timers.find(({ event }) => !isFired(event.type));
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
  if (all.some((state) => actionsOf(state).some((action) => mayStop(node.machine, action, invoke)))) return false;
  const error = `xstate.error.actor.${invoke}`;
  // A failure that nobody takes stops the machine.
  const fails = surelyTakes(node, error, leaves) || !all.some(takes(error));
  return fails && surelyTakes(node, `xstate.done.actor.${invoke}`, leaves);
}

/** Whether an action takes the invoke back without leaving its state. */
function mayStop(machine: AnyStateMachine, action: unknown, invoke: string): boolean {
  const { type, actorRef }: { readonly type?: unknown; readonly actorRef?: unknown } = Object(action);
  if (type === 'xstate.stopChild') return actorRef === invoke || typeof actorRef === 'function';
  const named: unknown = typeof action === 'function' ? undefined : machine.implementations.actions[String(type)];
  return named !== undefined && mayStop(machine, named, invoke);
}
