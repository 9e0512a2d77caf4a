import { getShortestPaths } from '@xstate/graph';
import {
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  createMachine,
  type InspectionEvent,
} from 'xstate';
import type { Meta } from '../../machines/events.ts';
import { candidates, type Somebody } from './candidates.ts';

/** Where a machine can be: its snapshot, and what is waiting to happen to it. */
export interface Situation {
  readonly snapshot: AnyMachineSnapshot;
  /** Events of the timers that are set, by timer. */
  readonly timers: Readonly<Record<string, Happening>>;
  /** What has been asked, by the id of its child. */
  readonly asked: Readonly<Record<string, string>>;
  /** The data of buttons under the latest message that had some. */
  readonly buttons: readonly string[];
}

export interface Happening {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** One action that a step asked for, with its params. */
export interface Action {
  readonly type: string;
  readonly params: unknown;
}

/** One step, from anywhere the machine can be, with anything that can happen there. */
export interface Tried {
  readonly from: AnyMachineSnapshot;
  readonly event: Happening;
  readonly actions: readonly Action[];
  /** What the machine threw, or ended with. */
  readonly fault: unknown;
}

export interface Exploration {
  /** Shortest paths, by @xstate/graph, to every situation that was reached. */
  readonly reached: readonly AnyMachineSnapshot[];
  /** The same, with what waits in each. */
  readonly situations: readonly Situation[];
  readonly tried: readonly Tried[];
  /** XState's own transition objects that some step took. */
  readonly taken: ReadonlySet<object>;
  /** There is more than was looked at. */
  readonly cut: boolean;
}

/** Situations that are looked at. Beyond them the exploration ends: those with the shortest paths have been seen. */
const SITUATIONS_MAX = 300;

/**
 * Goes wherever the machine can go, shortest paths first: users write, press and edit, time passes, what was asked is
 * answered or fails, events are posted. Words that the machine says of itself (`/help`) are added to `words`, and tried as well.
 */
export function explore(
  machine: AnyStateMachine,
  input: unknown,
  people: readonly Somebody[],
  words: Set<string>,
): Exploration {
  const meta: Meta = machine.config.meta ?? {};
  for (let known = -1; ; ) {
    known = words.size;
    const exploration = exploreWith(machine, input, (situation) => candidates(machine, meta, situation, words, people));
    for (const { actions } of exploration.tried) for (const word of actions.flatMap(commandsSaid)) words.add(word);
    if (words.size === known) return exploration;
  }
}

function exploreWith(
  machine: AnyStateMachine,
  input: unknown,
  events: (situation: Situation) => readonly Happening[],
): Exploration {
  const taken = new Set<object>();
  const tried: Tried[] = [];
  let actions: Action[] = [];
  const inspect = (event: InspectionEvent): void => {
    if (event.type === '@xstate.microstep') for (const transition of event._transitions) taken.add(transition);
  };
  const self = createActor(machine, { parent: createActor(createMachine({}), { inspect }), input });
  const scope: AnyActorScope = {
    ...{ self, id: self.id, sessionId: self.sessionId, system: self.system },
    ...{ logger: () => {}, defer: () => {}, stopChild: () => {}, emit: () => {} },
    actionExecutor: ({ type, params }) => actions.push({ type, params }),
  };
  const live = (machine.config.meta as Meta | undefined)?.runs === 'live';
  const atRest = (snapshot: AnyMachineSnapshot): AnyMachineSnapshot =>
    live
      ? snapshot
      : machine.restoreSnapshot(JSON.parse(JSON.stringify(machine.getPersistedSnapshot(snapshot))), scope);

  function step(before: Situation | null, event: Happening): Situation {
    actions = [];
    const from = before?.snapshot;
    let snapshot: AnyMachineSnapshot;
    try {
      snapshot = from === undefined ? machine.getInitialSnapshot(scope, input) : machine.transition(from, event, scope);
      if (snapshot.status === 'error') throw snapshot.error;
    } catch (fault) {
      tried.push({ from: from ?? self.getSnapshot(), event, actions, fault });
      return before ?? { snapshot: self.getSnapshot(), timers: {}, asked: {}, buttons: [] };
    }
    tried.push({ from: from ?? snapshot, event, actions, fault: null });
    // Most of what happens changes nothing but what is said: that is the same situation, and known as such at once.
    const waiting = waitingAfter(before, event, actions);
    if (before !== null && snapshot === from && JSON.stringify(waiting) === JSON.stringify(waitingOf(before)))
      return before;
    return { snapshot: snapshot === from ? snapshot : atRest(snapshot), ...waiting };
  }

  let expanded = 0;
  const keys = new WeakMap<Situation, string>();
  // @xstate/graph walks any logic whose state is a function of events: here a situation, stepped by our scope.
  const logic = {
    getInitialSnapshot: () => step(null, { type: 'xstate.init' }),
    transition: (situation: Situation, event: Happening) => step(situation, event),
  };
  const traversal = {
    events,
    serializeState: (situation: Situation) => {
      const key = keys.get(situation) ?? keyOf(situation);
      keys.set(situation, key);
      return key;
    },
    stopWhen: ({ snapshot }: Situation) => snapshot.status !== 'active' || ++expanded > SITUATIONS_MAX,
  };
  const paths: readonly { state: Situation }[] = getShortestPaths(logic as never, traversal as never);
  const situations = paths.map(({ state }) => state);
  return {
    reached: situations.map(({ snapshot }) => snapshot),
    situations,
    tried,
    taken,
    cut: expanded > SITUATIONS_MAX,
  };
}

/**
 * Two situations are one where hardly anything that happens can tell them apart: of lists in the context the last item
 * counts, and whether there are others, so that a machine that keeps what it hears comes to the same place again.
 */
function keyOf({ snapshot, timers, asked, buttons }: Situation): string {
  const { value, context, historyValue } = snapshot;
  const history = Object.entries<readonly { id: string }[]>(historyValue).map(([id, nodes]) => [
    id,
    nodes.map((node) => node.id),
  ]);
  const brief = (_: string, field: unknown): unknown =>
    Array.isArray(field) && field.length > 1 ? ['…', field.at(-1)] : field;
  return JSON.stringify([value, JSON.stringify(context, brief), history, Object.keys(timers), asked, buttons]);
}

const waitingOf = ({ timers, asked, buttons }: Situation) => ({ timers, asked, buttons });

/** What is waiting to happen after a step: timers, answers and buttons that it made or took back. */
function waitingAfter(before: Situation | null, event: Happening, actions: readonly Action[]) {
  const timers: Record<string, Happening> = { ...before?.timers };
  const asked: Record<string, string> = { ...before?.asked };
  let buttons = before?.buttons ?? [];
  for (const [id, fires] of Object.entries(timers)) if (fires === event) delete timers[id];
  if (typeof event.actorId === 'string') delete asked[event.actorId];
  for (const { type, params } of actions) {
    const { id, delay, event: raised, sendId, src, reply_markup } = (params ?? {}) as Fields;
    if (type === 'xstate.raise' && delay !== undefined) timers[String(id)] = raised as Happening;
    if (type === 'xstate.cancel') delete timers[String(sendId)];
    if (type === 'xstate.spawnChild') asked[String(id)] = String(src);
    if (type === 'xstate.stopChild') delete asked[String(id)];
    const rows = (reply_markup as { inline_keyboard?: { callback_data?: string }[][] } | undefined)?.inline_keyboard;
    const data = (rows ?? []).flat().flatMap((button) => button.callback_data ?? []);
    if (data.length > 0) buttons = data;
  }
  return { timers, asked, buttons };
}

/** Commands that a message names, with what follows on the line: as a user would type them. */
function commandsSaid({ type, params }: Action): string[] {
  const text = (params as Fields | undefined)?.text;
  if ((type !== 'reply' && type !== 'edit') || typeof text !== 'string') return [];
  return [...text.matchAll(/(?<![\w/<])\/[a-z]\w*[^\n]*/g)].flatMap(([said]) => [
    said,
    said.split(/[\s:.,]/)[0] ?? said,
  ]);
}

type Fields = Readonly<Record<string, unknown>>;
