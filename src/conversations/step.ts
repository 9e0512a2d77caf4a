import { type AnyActorScope, type AnyMachineSnapshot, type AnyStateMachine, createActor, createMachine } from 'xstate';
import { limits } from '../limits.ts';
import { type Effect, effectOf } from './effects.ts';

/** What one step came to. Nothing has been done yet: the effects are data, to be committed with the snapshot. */
export interface Step {
  readonly snapshot: AnyMachineSnapshot;
  readonly effects: readonly Effect[];
}

/** Steps snapshots of one machine. Holds no snapshot itself: one stepper serves every chat. */
export interface Stepper {
  readonly name: string;
  readonly version: string;
  /** The initial step: entering the machine. Throws what the machine throws. */
  start(input: unknown): Step;
  /** Applies one event. Throws what the machine throws, and where the machine ends in an error. */
  apply(snapshot: AnyMachineSnapshot, event: { readonly type: string }): Step;
  /** The snapshot as JSON text. Throws where it is over its size bound. */
  persist(snapshot: AnyMachineSnapshot): string;
  /** Throws where the text is not a snapshot of this machine. */
  restore(persisted: string): AnyMachineSnapshot;
}

/**
 * Makes a stepper. XState performs nothing: the scope is ours, and its `actionExecutor` collects each action with its
 * resolved params. The scope is reused, since making one costs more than a step.
 */
export function createStepper(name: string, machine: AnyStateMachine): Stepper {
  machine.options.maxIterations = limits.microstepsMax;
  let effects: Effect[] = [];
  // An actor that never starts: it lends the scope an identity and a system.
  const self = createActor(machine, { parent: createActor(createMachine({})), id: name });
  const scope: AnyActorScope = {
    self,
    id: self.id,
    sessionId: self.sessionId,
    system: self.system,
    logger: () => {},
    defer: () => {},
    stopChild: () => {},
    emit: () => {},
    actionExecutor: (action) => {
      const effect = effectOf(action);
      if (effect !== null) effects.push(effect);
    },
  };

  function collect(run: () => AnyMachineSnapshot): Step {
    effects = [];
    const snapshot = run();
    if (snapshot.status === 'error') throw snapshot.error;
    if (effects.length > limits.effectsPerStepMax) {
      throw new RangeError(`One step asks for ${effects.length} effects, over ${limits.effectsPerStepMax}`);
    }
    return { snapshot, effects };
  }

  return {
    name,
    version: machine.version ?? '0',
    start: (input) => collect(() => machine.getInitialSnapshot(scope, input)),
    apply: (snapshot, event) => collect(() => machine.transition(snapshot, event, scope)),
    persist(snapshot) {
      const text = JSON.stringify(machine.getPersistedSnapshot(snapshot));
      if (text.length <= limits.snapshotLengthMax) return text;
      throw new RangeError(
        `The snapshot has ${text.length} characters, over ${limits.snapshotLengthMax}: keep less context`,
      );
    },
    restore: (persisted) => machine.restoreSnapshot(JSON.parse(persisted), scope),
  };
}
