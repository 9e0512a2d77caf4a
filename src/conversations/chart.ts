import type { AnyStateMachine, AnyStateNode } from 'xstate';
import type { Chart, ChartNode, ChartTransition } from '../inspector/inspector.ts';

/** A machine's states and transitions as data, and which of the machine's own transitions each one is. */
export interface ChartedMachine {
  readonly chart: Pick<Chart, 'version' | 'description' | 'kind' | 'nodes'>;
  /** The id of a transition that the machine has taken; null for one that is not in its definition. */
  idOf(transition: object): string | null;
}

/** Reads a machine's definition. Runs nothing of it. */
export function chartOf(machine: AnyStateMachine): ChartedMachine {
  const ids = new Map<object, string>();
  const nodes: ChartNode[] = [];
  const { meta, description = '' } = machine.root;
  const live = fieldsOf(meta).runs === 'live';
  visit(machine.root);
  return {
    chart: { version: machine.version ?? '0', description, kind: live ? 'live' : 'conversation', nodes },
    idOf: (transition) => ids.get(transition) ?? null,
  };

  function visit(state: AnyStateNode): void {
    const { key, type, parent, entry, exit, invoke, tags, description = '' } = state;
    nodes.push({
      path: pathOf(state),
      parent: parent === undefined ? null : pathOf(parent),
      key,
      type,
      initial: type === 'compound' ? (state.initial.target.map(pathOf)[0] ?? null) : null,
      description,
      entry: entry.filter(isWritten).map(actionName),
      exit: exit.filter(isWritten).map(actionName),
      invokes: invoke.map(({ id, src }) => ({ id, src: typeof src === 'string' ? src : 'given in place' })),
      tags: [...tags],
      transitions: transitionsOf(state),
    });
    for (const child of Object.values(state.states)) visit(child);
  }

  function transitionsOf(state: AnyStateNode): ChartTransition[] {
    const own = [...(state.always ?? []), ...[...state.transitions.values()].flat()];
    return own.map((transition, n) => {
      const id = `${pathOf(state)}/${n}`;
      ids.set(transition, id);
      const { target, guard, actions, reenter, eventType, description = '' } = transition;
      return {
        id,
        source: pathOf(state),
        targets: (target ?? []).map(pathOf),
        ...causeOf(machine, state, eventType),
        // A live actor gets its delays where it is started: those of its file stand in for them.
        ...(live ? { delay_ms: null } : {}),
        event: eventType,
        guard: guard === undefined ? null : nameWithParams(guard),
        actions: actions.map(actionName),
        reenter,
        description,
      };
    });
  }
}

const pathOf = ({ path }: AnyStateNode): string => path.join('.');

/** What brings a transition about, in the words of whoever wrote it. */
function causeOf(
  machine: AnyStateMachine,
  state: AnyStateNode,
  event: string,
): Pick<ChartTransition, 'cause' | 'label' | 'delay_ms'> {
  const nothing = { delay_ms: null };
  if (event === '') return { ...nothing, cause: 'always', label: 'always' };
  const [, kind = '', rest = ''] = /^xstate\.(after|done\.actor|error\.actor|done\.state)\.(.*)$/s.exec(event) ?? [];
  switch (kind) {
    case 'after': {
      const name = rest.slice(0, -(state.id.length + 1));
      const known: unknown = machine.implementations.delays[name] ?? Number(name);
      const delay = typeof known === 'number' && Number.isFinite(known) ? known : null;
      return { cause: 'after', label: `after ${name}`, delay_ms: delay };
    }
    case 'done.actor':
      return { ...nothing, cause: 'done', label: `${actorName(state, rest)} done` };
    case 'error.actor':
      return { ...nothing, cause: 'failed', label: `${actorName(state, rest)} failed` };
    case 'done.state':
      return { ...nothing, cause: 'done', label: 'ended' };
    default:
      return { ...nothing, cause: 'event', label: event };
  }
}

/** By the name in the code: an id that XState has given tells nothing. */
const actorName = (state: AnyStateNode, id: string): string => {
  const src = state.invoke.find((invoke) => invoke.id === id)?.src;
  return typeof src === 'string' ? src : id;
};

/** False for what XState adds to a state with an `after`: to set its timer, and to take it back. */
function isWritten(action: unknown): boolean {
  const { type, event, sendId } = fieldsOf(action);
  const about = type === 'xstate.raise' ? fieldsOf(event).type : type === 'xstate.cancel' ? sendId : '';
  return typeof about !== 'string' || !about.startsWith('xstate.after.');
}

/** An action by its name, or by what XState's own does. */
function actionName(action: unknown): string {
  if (typeof action !== 'function') return nameWithParams(action);
  const { type, event, assignment, sendId } = fieldsOf(action);
  switch (type) {
    case 'xstate.assign':
      return `assign ${Object.keys(fieldsOf(assignment)).join(', ')}`.trim();
    case 'xstate.raise':
    case 'xstate.emit':
    case 'xstate.sendTo':
      return `${type.slice('xstate.'.length)} ${fieldsOf(event).type ?? ''}`.trim();
    case 'xstate.cancel':
      return `cancel ${typeof sendId === 'string' ? sendId : ''}`.trim();
    default:
      return typeof type === 'string' ? type.replace(/^xstate\./, '') : action.name || 'a function';
  }
}

/** A guard or an action: its name, and what short words it is given. */
function nameWithParams(given: unknown): string {
  if (typeof given === 'string') return given;
  if (typeof given === 'function') {
    const { guards } = fieldsOf(given);
    const inner = Array.isArray(guards) ? guards.map(nameWithParams) : [];
    if (inner.length === 0) return given.name || 'a function';
    // XState's own are named after what they do: not, and, or.
    return given.name === 'not' ? `not ${inner[0]}` : inner.join(` ${given.name} `);
  }
  const { type, params } = fieldsOf(given);
  const words =
    typeof params === 'string' ? [params] : Object.values(typeof params === 'function' ? {} : fieldsOf(params));
  const short = words.filter((word) => typeof word === 'string' && word.length <= PARAM_LENGTH_MAX);
  return [type, ...short].join(' ');
}

/** A longer word is a text for users, and would hide what the chart is about. */
const PARAM_LENGTH_MAX = 20;

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'function' || (typeof value === 'object' && value !== null) ? { ...value } : {};
