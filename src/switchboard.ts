import {
  type AnyActorLogic,
  type AnyActorRef,
  type AnyStateMachine,
  assign,
  createActor,
  type InspectionEvent,
  setup,
  waitFor,
} from 'xstate';
import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';
import { errorText } from './errors.ts';
import { limits } from './limits.ts';
import { PART_NAMES, type PartName } from './status.ts';

/** The live actors' behaviour, by name. Each is also its actor's name in the system. */
export type Parts = Readonly<Record<PartName, AnyActorLogic>>;

export interface SwitchboardOptions {
  readonly parts: Parts;
  /** The live actors' time: their delays, and the supervisor's. */
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  /** A part failed and is restarted after `delayMs`. */
  readonly onFailure: (name: PartName, error: unknown, delayMs: number) => void;
  /** A part came to its own end: the poller that was refused, or drained. */
  readonly onEnd: (name: PartName, output: unknown) => void;
}

/**
 * The root actor: one region a part, each supervised alone. A part that fails is started again after a backoff; the
 * others go on, and what it missed it reads from the journal.
 */
function createRoot({ parts, random, onFailure, onEnd }: SwitchboardOptions) {
  const base = setup({
    types: { context: {} as Record<PartName, { readonly failures: number; readonly delayMs: number }> },
    actors: parts,
    actions: {
      countFailure: assign(({ context }, name: PartName) => {
        const failures = context[name].failures + 1;
        return { [name]: { failures, delayMs: backoffMs(failures, limits.restartMinMs, limits.restartMaxMs, random) } };
      }),
      forgetFailures: assign((_, name: PartName) => ({ [name]: { failures: 0, delayMs: 0 } })),
      tellFailure: ({ context }, { name, error }: { name: PartName; error: unknown }) =>
        onFailure(name, error, context[name].delayMs),
      tellEnd: (_, { name, output }: { name: PartName; output: unknown }) => onEnd(name, output),
    },
    delays: {
      stable: limits.restartMaxMs * 2,
      ...Object.fromEntries(
        PART_NAMES.map((name) => [
          `restart.${name}`,
          ({ context }: { context: Record<PartName, { delayMs: number }> }) => context[name].delayMs,
        ]),
      ),
    },
  });

  const region = (name: PartName) => ({
    initial: 'up',
    description: `Keeps ${name} running.`,
    states: {
      up: {
        description: 'Running.',
        invoke: {
          src: name,
          id: name,
          systemId: name,
          onDone: {
            target: 'ended',
            actions: {
              type: 'tellEnd' as const,
              params: ({ event }: { event: { output: unknown } }) => ({ name, output: event.output }),
            },
          },
          onError: {
            target: 'down',
            actions: [
              { type: 'countFailure' as const, params: name },
              {
                type: 'tellFailure' as const,
                params: ({ event }: { event: { error: unknown } }) => ({ name, error: event.error }),
              },
            ],
          },
        },
        after: { stable: { actions: { type: 'forgetFailures' as const, params: name } } },
      },
      down: {
        description: 'Failed; started again after a while.',
        on: { [`drain.${name}`]: 'ended' },
        after: { [`restart.${name}`]: 'up' },
      },
      ended: { description: 'Came to its own end.', type: 'final' as const },
    },
  });

  const calm = { failures: 0, delayMs: 0 };
  return base.createMachine({
    id: 'switchboard',
    description: 'The live actors of one bot, each supervised alone.',
    meta: { runs: 'live' },
    type: 'parallel',
    context: { ingress: calm, conversations: calm, backend: calm, operators: calm, outbox: calm },
    states: {
      ingress: region('ingress'),
      conversations: region('conversations'),
      backend: region('backend'),
      operators: region('operators'),
      outbox: region('outbox'),
    },
  });
}

/** The running system. */
export interface Switchboard {
  /** The root actor's machine, to be drawn. */
  readonly machine: AnyStateMachine;
  /** The root actor's state value. */
  state(): unknown;
  /** The actor of a part; null while it is being restarted. */
  part(name: PartName): AnyActorRef | null;
  /** The root actor itself. */
  readonly root: AnyActorRef;
  /** Tells an observer all that XState does with the actors, until the function that it gives is called. */
  watch(observer: (event: InspectionEvent) => void): () => void;
  start(): void;
  /** Asks a part to drain and resolves when it has ended, or after `timeoutMs`. */
  drain(name: 'ingress' | 'outbox', timeoutMs: number): Promise<void>;
  stop(): void;
}

/** Makes the actor system. Nothing runs before `start`. */
export function createSwitchboard(options: SwitchboardOptions): Switchboard {
  const { clock } = options;
  const machine = createRoot(options);
  const root = createActor(machine, {
    systemId: 'switchboard',
    clock: { setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout },
  });
  const part = (name: PartName): AnyActorRef | null => root.system.get(name) ?? null;
  return {
    machine,
    state: () => root.getSnapshot().value,
    part,
    root,
    watch(observer) {
      const subscription = root.system.inspect(observer);
      return () => subscription.unsubscribe();
    },
    start: () => void root.start(),
    async drain(name, timeoutMs) {
      // Down, it is not started again; up, it ends in its own way.
      root.send({ type: `drain.${name}` });
      const actor = part(name);
      if (actor === null || actor.getSnapshot().status !== 'active') return;
      actor.send({ type: 'drain' });
      const late = new AbortController();
      const timer = clock.setTimeout(() => late.abort(), timeoutMs);
      const { signal } = late;
      await waitFor(actor, (snapshot) => snapshot.status !== 'active', { signal })
        .catch((error) => {
          throw new Error(`${name} did not drain in time: ${errorText(error)}`, { cause: error });
        })
        .finally(() => clock.clearTimeout(timer));
    },
    stop: () => void root.stop(),
  };
}
