import { type AnyStateMachine, type AnyStateNode, fromPromise } from 'xstate';
import { limits } from '../limits.ts';
import { INSTEAD, lossOf } from './durable.ts';
import { isAddressed, isMessageAction } from './effects.ts';
import { isWhenDone, whenDoneOf } from './ending.ts';
import { below } from './takers.ts';

/**
 * What of a machine cannot be durable, so far as it can be told without running it: one sentence each, with the path of
 * the state and what to write instead. What a function does shows when it runs, and quarantines its chat then.
 */
export function refusalsOf(machine: AnyStateMachine): readonly string[] {
  const { context } = machine.config;
  const loss = typeof context === 'function' ? null : lossOf(context ?? {}, 'context');
  const found = below(machine.root).flatMap((state) =>
    refusalsOfState(machine, state).map((refusal) => `state ${[machine.id, ...state.path].join('.')}: ${refusal}`),
  );
  return [...new Set(loss === null ? found : [loss, ...found])];
}

const transitionsOf = (state: AnyStateNode) => [...[...state.transitions.values()].flat(), ...(state.always ?? [])];

/** Every action in its place at a state: a name with params, or one of XState's own. */
export function actionsOf(state: AnyStateNode): unknown[] {
  const initial = state.type === 'compound' ? state.initial.actions : [];
  return [...state.entry, ...state.exit, ...initial, ...transitionsOf(state).flatMap(({ actions }) => actions)];
}

function refusalsOfState(machine: AnyStateMachine, state: AnyStateNode): string[] {
  const transitions = transitionsOf(state);
  return [
    ...refusalsOfEnding(state),
    ...actionsOf(state).flatMap((action) => refusalsOfAction(machine, action)),
    ...transitions.flatMap(({ guard }) => refusalsOfGuard(machine, guard)),
    ...state.invoke.flatMap(({ src, systemId, onSnapshot }) => {
      const about = { systemId, syncSnapshot: onSnapshot !== undefined };
      // XState names an actor that is given in place after its state: the name would not outlive a change of the machine.
      return refusalsOfActor(machine, String(src).startsWith('xstate.invoke.') ? null : src, about);
    }),
  ];
}

function refusalsOfEnding(state: AnyStateNode): string[] {
  const whenDone = whenDoneOf(state);
  if (whenDone === undefined) return [];
  if (!isWhenDone(whenDone)) return [`meta.whenDone is ${JSON.stringify(whenDone)}: write "restart" or "stay"`];
  if (state.parent === undefined || (state.type === 'final' && state.parent.parent === undefined)) return [];
  return ['meta.whenDone says what comes after the end: write it at the machine, or at a final state of its top level'];
}

/** Of an action in its place: a name, a name with params, or a function. XState's own are functions that resolve to data. */
function refusalsOfAction(machine: AnyStateMachine, action: unknown): string[] {
  if (typeof action === 'function') {
    return 'resolve' in action ? refusalsOfBuiltIn(machine, { ...action }) : [INSTEAD.plainFunction];
  }
  const { type, params }: Fields = typeof action === 'string' ? { type: action } : fieldsOf(action);
  const implementation: unknown = machine.implementations.actions[String(type)];
  if (typeof implementation === 'function' && 'resolve' in implementation) {
    return refusalsOfBuiltIn(machine, { ...implementation });
  }
  if (!isMessageAction(String(type))) {
    return [`the action ${String(type)} is not one that Switchboard can do: ${INSTEAD.action}`];
  }
  if (typeof params === 'function') return [];
  if (typeof params !== 'object' || params === null) {
    return [`the action ${String(type)} needs params: write { type: "${String(type)}", params: { … } }`];
  }
  if (isAddressed(params)) return [`the action ${String(type)}: ${INSTEAD.address}`];
  return lossIn(params, `the params of ${String(type)}`);
}

/** Of one of XState's own actions, by what its author has given it. What is a function is known when it runs. */
function refusalsOfBuiltIn(machine: AnyStateMachine, action: Fields): string[] {
  switch (action.type) {
    case 'xstate.assign':
      return Object.entries(fieldsOf(action.assignment)).flatMap(([name, value]) => lossIn(value, `context.${name}`));
    case 'xstate.raise':
      return [...lossIn(action.event, 'the event'), ...refusalsOfDelay(machine, action.delay)];
    case 'xstate.emit':
      return lossIn(action.event, 'the event');
    case 'xstate.sendTo': {
      const { to, delay } = action;
      const later = delay === undefined ? [] : [INSTEAD.sendLater];
      if (typeof to === 'function') return [...later, ...lossIn(action.event, 'the event')];
      if (to === '#_parent') return [INSTEAD.sendParent];
      return [to === '#_internal' ? INSTEAD.sendSelf : INSTEAD.sendChild];
    }
    case 'xstate.spawnChild': {
      const { src, id, input } = action;
      const named = id === undefined ? [INSTEAD.childId] : [];
      return [...named, ...refusalsOfActor(machine, src, action), ...lossIn(input, 'the input')];
    }
    case 'xstate.cancel':
    case 'xstate.stopChild':
    case 'xstate.enqueueActions':
    case 'xstate.log':
      return [];
    default:
      return [`${String(action.type)} is an action of XState that Switchboard does not know: ${INSTEAD.action}`];
  }
}

function refusalsOfDelay(machine: AnyStateMachine, delay: unknown): string[] {
  if (typeof delay === 'string' && !Object.hasOwn(machine.implementations.delays, delay)) {
    return [`the delay ${delay} is not in setup({ delays }): it would be over at once`];
  }
  const known = typeof delay === 'string' ? machine.implementations.delays[delay] : delay;
  if (typeof known !== 'number' || known <= limits.timerDelayMaxMs) return [];
  return [`a delay of ${known} ms cannot be kept: write ${limits.timerDelayMaxMs} or less`];
}

/** Of an actor that is invoked or spawned: `src` null, or anything but a name, was given in place. */
function refusalsOfActor(machine: AnyStateMachine, src: unknown, { systemId, syncSnapshot }: Fields): string[] {
  if (typeof src !== 'string') return [INSTEAD.inlineActor];
  const logic: unknown = machine.implementations.actors[src];
  const refusals: string[] = [];
  if (logic === undefined)
    refusals.push(`the actor ${src} is not in setup({ actors }): declare it there with fromPromise`);
  else if (!isPromise(logic)) refusals.push(`the actor ${src}: ${INSTEAD.notBackend}`);
  if (systemId !== undefined) refusals.push(INSTEAD.systemId);
  if (syncSnapshot === true) refusals.push(INSTEAD.onSnapshot);
  return refusals;
}

/** Logic carries no mark of its kind: one that fromPromise has made steps by the code that all of them share. */
const isPromise = (logic: unknown): boolean => String(fieldsOf(logic).transition) === PROMISE_STEP;
const PROMISE_STEP = String(fromPromise(async () => null).transition);

function refusalsOfGuard(machine: AnyStateMachine, guard: unknown): string[] {
  if (guard === undefined) return [];
  if (typeof guard === 'function') {
    const { guards } = fieldsOf(guard);
    return Array.isArray(guards) ? guards.flatMap((inner) => refusalsOfGuard(machine, inner)) : [];
  }
  const name = typeof guard === 'string' ? guard : String(fieldsOf(guard).type);
  if (Object.hasOwn(machine.implementations.guards, name)) return [];
  return [`the guard ${name} is not in setup({ guards })`];
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'function' || (typeof value === 'object' && value !== null) ? { ...value } : {};

/** Where JSON would lose something of what is written down; a function is not written down. */
function lossIn(value: unknown, path: string): string[] {
  const loss = value === undefined || typeof value === 'function' ? null : lossOf(value, path);
  return loss === null ? [] : [loss];
}
