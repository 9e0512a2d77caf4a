import {
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyStateNode,
  createActor,
  createMachine,
} from 'xstate';
import { errorText } from '../errors.ts';
import { limits } from '../limits.ts';
import { freezeDeep, INSTEAD, lossOf, NotDurable } from './durable.ts';
import { type Effect, effectOf, systemActor } from './effects.ts';
import { afterEnd } from './ending.ts';
import { below } from './takers.ts';

/** What one step came to. Nothing has been done yet: the effects are data, to be committed with the snapshot. */
export interface Step {
  readonly snapshot: AnyMachineSnapshot;
  readonly effects: readonly Effect[];
}

/**
 * Steps snapshots of one machine. Holds no snapshot itself: one stepper serves every chat.
 *
 * A context is frozen before the next event can reach it: what lies in the machine's own file, as a list that every
 * conversation begins with, is one object for all chats, and what one wrote into it another would read (I8).
 */
export interface Stepper {
  readonly name: string;
  readonly version: string;
  /** The initial step: entering the machine. Throws what the machine throws, and where JSON would lose some of its context. */
  start(input: unknown): Step;
  /** Applies one event. Throws what the machine throws, and where the machine ends in an error. */
  apply(snapshot: AnyMachineSnapshot, event: { readonly type: string }): Step;
  /**
   * The snapshot as JSON text, with what another version of the machine could not tell. Throws where JSON would lose some
   * of its context, and where it is over its size bound.
   */
  persist(snapshot: AnyMachineSnapshot): string;
  /** Throws where the text is not a snapshot of this machine. */
  restore(persisted: string): AnyMachineSnapshot;
}

/** Gets the transitions that a microstep takes, as the machine's own definition has them. */
export type OnTransitions = (transitions: readonly object[]) => void;

/**
 * Makes a stepper. XState performs nothing: the scope is ours, and its `actionExecutor` collects each action with its
 * resolved params. The scope is reused, since making one costs more than a step.
 */
export function createStepper(name: string, machine: AnyStateMachine, onTransitions?: OnTransitions): Stepper {
  machine.options.maxIterations = limits.microstepsMax;
  let effects: Effect[] = [];
  // An actor that never starts: it lends the scope an identity and a system.
  const self = createActor(machine, { parent: createActor(createMachine({})), id: name });
  const scope: AnyActorScope = {
    self,
    id: self.id,
    sessionId: self.sessionId,
    system: systemOf(self.system, onTransitions),
    logger: () => {},
    // XState defers while it performs, which it never does here, and where it spawns in an assign.
    defer: () => {
      throw new NotDurable(INSTEAD.spawnInAssign);
    },
    stopChild: () => {},
    emit: () => {},
    actionExecutor: (action) => {
      const effect = effectOf(action);
      if (effect !== null) effects.push(effect);
    },
  };

  /** Throws what the machine throws; what cannot be durable with the state that it was asked for in. */
  function collect(run: () => AnyMachineSnapshot, from: AnyMachineSnapshot | null): Step {
    effects = [];
    let snapshot: AnyMachineSnapshot;
    try {
      snapshot = run();
      if (snapshot.status === 'error') throw snapshot.error;
    } catch (error) {
      if (!(error instanceof NotDurable)) throw error;
      const where = from === null ? 'at its start' : `in state ${stateText(from)}`;
      throw new NotDurable(`${name}: ${where}: ${error.message}`, { cause: error });
    }
    if (effects.length > limits.effectsPerStepMax) {
      throw new RangeError(`One step asks for ${effects.length} effects, over ${limits.effectsPerStepMax}`);
    }
    return { snapshot, effects };
  }

  const invokesOf = new Map(below(machine.root).map((node) => [node, node.invoke.map(({ id }) => id)]));

  /**
   * What another version of the machine could not tell, as JSON fields: what the states have invoked, answered or not
   * (at-rest.ts), and at an end what comes after it. As text: XState's object is slow to add to.
   */
  function factsOf(snapshot: AnyMachineSnapshot): string {
    if (snapshot.status === 'done') return `"asked":[],"whenDone":"${afterEnd(snapshot)}"`;
    const nodes: readonly AnyStateNode[] = snapshot._nodes;
    return `"asked":${JSON.stringify(nodes.flatMap((node) => invokesOf.get(node) ?? []))}`;
  }

  /** Throws where JSON would lose some of the context. From here on nobody writes into it. */
  function keepContext(snapshot: AnyMachineSnapshot, trust: boolean): void {
    const loss = lossOf(snapshot.context, 'context');
    if (loss !== null) throw new NotDurable(`${name}: state ${stateText(snapshot)}: ${loss}`);
    freezeDeep(snapshot.context, trust);
  }

  return {
    name,
    version: machine.version ?? '0',
    start(input) {
      const step = collect(() => machine.getInitialSnapshot(scope, input), null);
      // An author may have frozen the top of it alone.
      keepContext(step.snapshot, false);
      return step;
    },
    apply: (snapshot, event) =>
      collect(() => {
        const next = machine.transition(withoutAnswered(snapshot, event), event, scope);
        // XState ends a machine in the error that nobody took: of a request that is the backend's, and no Error.
        if (next.status !== 'error' || !('error' in event) || next.error !== event.error) return next;
        throw new Error(`state ${stateText(snapshot)} has no onError for what failed: ${failureText(next.error)}`);
      }, snapshot),
    persist(snapshot) {
      keepContext(snapshot, true);
      const text = `${JSON.stringify(machine.getPersistedSnapshot(snapshot)).slice(0, -1)},${factsOf(snapshot)}}`;
      if (text.length <= limits.snapshotLengthMax) return text;
      throw new RangeError(
        `The snapshot has ${text.length} characters, over ${limits.snapshotLengthMax}: keep less context`,
      );
    },
    restore(persisted) {
      const { asked: _asked, whenDone: _whenDone, ...stored } = JSON.parse(persisted);
      const snapshot = machine.restoreSnapshot(stored, scope);
      freezeDeep(snapshot.context, true);
      return snapshot;
    },
  };
}

/** The state as its author writes it: `idle`, or the JSON of what is nested. */
const stateText = ({ value }: AnyMachineSnapshot): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

/** A request that is answered is nobody's child any more: nothing is left of it in the snapshot, nor to withdraw. */
function withoutAnswered(snapshot: AnyMachineSnapshot, event: { readonly type: string }): AnyMachineSnapshot {
  if (!event.type.startsWith('xstate.')) return snapshot;
  const answered = /^xstate\.(?:done|error)\.actor\.(.*)$/s.exec(event.type)?.[1];
  if (answered === undefined || !Object.hasOwn(snapshot.children, answered)) return snapshot;
  const { [answered]: _, ...children } = snapshot.children;
  return { ...snapshot, children };
}

/** A failed request's `{code,message}`. */
function failureText(error: unknown): string {
  const fields: Readonly<Record<string, unknown>> = typeof error === 'object' && error !== null ? { ...error } : {};
  return 'code' in fields ? `${fields.code}: ${fields.message}` : errorText(error);
}

/** The system as a machine sees it: names to send to. What it would tell an inspector goes to `onTransitions`. */
const systemOf = (system: AnyActorScope['system'], onTransitions?: OnTransitions): AnyActorScope['system'] =>
  Object.create(system, {
    get: { value: systemActor },
    getAll: { value: () => ({}) },
    ...(onTransitions === undefined
      ? {}
      : {
          _sendInspectionEvent: {
            value: (event: { readonly type: string; readonly _transitions?: readonly object[] }) => {
              if (event.type === '@xstate.microstep') onTransitions(event._transitions ?? []);
            },
          },
        }),
  });
