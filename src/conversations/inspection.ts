import type { AnyStateMachine } from 'xstate';
import type { Clock } from '../clock.ts';
import type { ChatInState, Inspector, StepPage } from '../inspector/inspector.ts';
import type { Journal } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { createCensus } from './census.ts';
import { chartOf } from './chart.ts';
import { chatOfConversation } from './conversations.ts';
import type { InspectedMachine } from './inspected.ts';
import { checkedStepper } from './machines.ts';
import type { PerOf } from './routing.ts';
import { createTravel, standingOf, type Travel } from './travel.ts';

export interface InspectionOptions {
  readonly journal: Pick<
    Journal,
    | 'bot'
    | 'bounds'
    | 'read'
    | 'message'
    | 'formerChats'
    | 'conversation'
    | 'conversationVersions'
    | 'timersOf'
    | 'requestsOf'
    | 'onCommit'
  >;
  readonly machines: readonly InspectedMachine[];
  readonly perOf: PerOf;
  /** The state value of a live actor by its machine's name; null: none runs. */
  readonly liveState: (machine: string) => unknown;
  readonly clock: Clock;
}

const NO_STEPS: StepPage = {
  ...{ steps: [], before: standingOf({ record: null, timers: [], requests: [] }), begins_at: null },
  ...{ earlier: false, later: false, complete: true, stepped: 0 },
};

/** The inspector over a journal: looks into what is stored, and keeps nothing that a restart would miss. */
export function createInspection(options: InspectionOptions): Inspector {
  const { journal, perOf, clock } = options;
  const machines = new Map(
    options.machines.map(({ name, machine, source }) => {
      const { chart, idOf } = chartOf(machine);
      return [name, { machine, idOf, chart: { ...chart, name, source } }];
    }),
  );
  /** An older version that is kept has a chart of its own. */
  const chartFor = (machine: string, version: string): string =>
    machines.has(`${machine}@${version}`) ? `${machine}@${version}` : machine;
  const census = createCensus(journal, clock, chartFor);
  const travels = new Map<string, Travel>();
  // They remember how conversations stood on their way.
  journal.onCommit(({ entries }) => {
    if (entries.some(({ type }) => type === 'chat.erased')) travels.clear();
  });

  /** Made anew where the conversation runs another machine by now. The one that was used longest ago goes. */
  function travelOf(conversation: string, chat: string, machine: string, version: string): Travel | null {
    const found = machines.get(chartFor(machine, version));
    if (found === undefined) return null;
    const name = `${machine} ${version} ${conversation}`;
    const travel = travels.get(name) ?? newTravel(conversation, chat, machine, found);
    travels.delete(name);
    travels.set(name, travel);
    for (const oldest of travels.keys()) {
      if (travels.size <= limits.travelledMax) break;
      travels.delete(oldest);
    }
    return travel;
  }

  function newTravel(
    conversation: string,
    chat: string,
    name: string,
    { machine, idOf }: { readonly machine: AnyStateMachine; readonly idOf: (transition: object) => string | null },
  ): Travel {
    let ids: string[] = [];
    const stepper = checkedStepper(name, `${name}.machine.ts`, machine, (transitions) => {
      ids.push(...transitions.flatMap((transition) => idOf(transition) ?? []));
    });
    const taken = (): string[] => {
      const all = ids;
      ids = [];
      return all;
    };
    return createTravel({ journal, conversation, chat, stepper, perOf, taken, clock });
  }

  return {
    charts: [...machines.values()].map(({ chart }) => chart),
    definition(name, version) {
      const found = machines.get(version === null ? name : chartFor(name, version));
      return found === undefined ? null : definitionOf(found.machine);
    },
    liveState: options.liveState,
    counts: (machine) => census.counts(machine),
    async chatsIn(machine, { state, after, limit }) {
      const chats: ChatInState[] = [];
      let from = after ?? '';
      for (let looked = 0; looked < limits.chatsInStateLooksMax; ) {
        const page = await journal.conversationVersions(from, limits.censusPageMax);
        for (const conversation of page) {
          from = conversation.id;
          if (
            chartFor(conversation.machine, conversation.version) !== machine ||
            !census.paths(conversation.state).includes(state)
          )
            continue;
          const { id, version, status } = conversation;
          chats.push({ id, version, status, state: JSON.parse(conversation.state) });
          if (chats.length === limit) return { chats, next: from };
        }
        if (page.length < limits.censusPageMax) return { chats, next: null };
        looked += page.length;
        // Other work gets its turn.
        await new Promise<void>((resolve) => void clock.setTimeout(resolve, 1));
      }
      return { chats, next: from };
    },
    async now(id) {
      const record = await journal.conversation(id);
      if (record === null) return null;
      const { chat, machine, version, error, lastSeq, updatedAt } = record;
      const [timers, requests] = [await journal.timersOf(id), await journal.requestsOf(id)];
      const times = { updated_at: new Date(updatedAt).toISOString(), now: new Date(clock.now()).toISOString() };
      const standing = standingOf({ record, timers, requests });
      return { id, chat, machine, version, error, last_seq: lastSeq, ...times, standing };
    },
    async steps(id, query) {
      const record = await journal.conversation(id);
      const chat = chatOfConversation(id);
      if (record === null || chat === null) return null;
      // A machine that is loaded no more steps nothing.
      return (await travelOf(id, chat, record.machine, record.version)?.(query)) ?? NO_STEPS;
    },
  };
}

/** As tools of XState read it: a function is its name. */
const definitionOf = ({ config }: AnyStateMachine): string =>
  JSON.stringify(config, (_, value: unknown) => (typeof value === 'function' ? { type: value.name } : value));
