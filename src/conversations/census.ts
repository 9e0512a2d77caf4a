import type { Clock } from '../clock.ts';
import type { StateCounts } from '../inspector/inspector.ts';
import type { ConversationVersion, Journal } from '../journal/journal.ts';
import { limits } from '../limits.ts';

/** Chats in one state. */
interface Count {
  active: number;
  done: number;
  quarantined: number;
}

interface Census {
  readonly at: number;
  readonly counted: number;
  readonly machines: ReadonlyMap<string, ReadonlyMap<string, Count>>;
}

/**
 * Counts conversations by machine and state. Nothing is kept up while nobody asks, and no index is written for it: who
 * asks starts a walk over the conversations, a page at a time with a rest between, and gets the last count that there
 * is. The next walk rests nine times as long as this one took, so that it takes a tenth of the time at most however
 * many chats there are: a thousand are counted anew each second, a million about twice a minute.
 */
export function createCensus(
  journal: Pick<Journal, 'conversationVersions'>,
  clock: Clock,
  /** The chart that conversations of a machine's version are counted for. */
  chartFor: (machine: string, version: string) => string,
) {
  const paths = createPaths();
  let last: Census | null = null;
  /** The walk that is under way. */
  let walk: { readonly done: Promise<void>; seen: Census } | null = null;
  let restUntil = 0;

  async function count(seen: (so: Census) => void): Promise<void> {
    const begun = clock.now();
    const machines = new Map<string, Map<string, Count>>();
    let counted = 0;
    let busy = 0;
    for (let after = ''; ; ) {
      const from = clock.steadyNow();
      const page = await journal.conversationVersions(after, limits.censusPageMax);
      for (const conversation of page) add(machines, conversation);
      counted += page.length;
      busy += clock.steadyNow() - from;
      seen({ at: clock.now(), counted, machines });
      if (page.length < limits.censusPageMax) break;
      after = page.at(-1)?.id ?? after;
      // The first count is waited for.
      await rest(last === null ? 0 : (clock.steadyNow() - from) * limits.censusRest);
    }
    last = { at: begun, counted, machines };
    restUntil = clock.steadyNow() + Math.max(limits.censusEveryMs, busy * limits.censusRest);
  }

  const rest = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimeout(resolve, ms));

  function add(
    machines: Map<string, Map<string, Count>>,
    { machine, version, state, status }: ConversationVersion,
  ): void {
    const chart = chartFor(machine, version);
    const states = machines.get(chart) ?? new Map<string, Count>();
    machines.set(chart, states);
    for (const path of paths(state)) {
      const so = states.get(path) ?? { active: 0, done: 0, quarantined: 0 };
      states.set(path, so);
      so[status] += 1;
    }
  }

  return {
    /** Resolves once a count is there, or after limits.censusWaitMs with what was counted by then. */
    async counts(machine: string): Promise<StateCounts> {
      if (walk === null && clock.steadyNow() >= restUntil) {
        const seen: Census = { at: clock.now(), counted: 0, machines: new Map() };
        const done = count((so) => {
          if (walk !== null) walk.seen = so;
        }).finally(() => {
          walk = null;
        });
        // Whoever waits for it hears of its failure; where nobody waits any more, the next one to ask tries again.
        done.catch(() => {});
        walk = { done, seen };
      }
      if (walk !== null) await Promise.race([walk.done, rest(limits.censusWaitMs)]);
      const complete = last ?? walk?.seen ?? null;
      const states = complete?.machines.get(machine) ?? new Map<string, Count>();
      return {
        states: [...states].map(([path, so]) => ({ path, ...so })),
        counted: complete?.counted ?? 0,
        complete: last !== null,
        at: complete === null ? null : new Date(complete.at).toISOString(),
      };
    },
    /** The paths that a state value lies in, '' among them. */
    paths,
  };
}

/** Remembers the paths of the state values met, as there are few of them: `{"a":"b"}` lies in '', a and a.b. */
function createPaths(): (state: string) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return (state) => {
    let found = known.get(state);
    if (found === undefined) {
      found = ['', ...pathsOf(JSON.parse(state), '')];
      if (known.size >= limits.censusStatesMax) known.clear();
      known.set(state, found);
    }
    return found;
  };
}

function pathsOf(value: unknown, within: string): string[] {
  if (typeof value === 'string') return [within + value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [within + key, ...pathsOf(inner, `${within}${key}.`)]);
}
