import { type AnyStateMachine, assign, fromPromise, setup } from 'xstate';
import type { Migrate } from '../../machines/events.ts';
import { createMachineTable, type MachineTable, type VersionParts } from '../../src/conversations/machines.ts';
import { createRouter } from '../../src/conversations/router.ts';
import { type SweepCounts, sweep } from '../../src/conversations/sweep.ts';
import type { Journal } from '../../src/journal/journal.ts';

/** A shop's conversation, in the version that chats are in: `buy` waits a minute, `pay` asks the backend. */
export const first = setup({
  types: { context: {} as { heard: number }, events: {} as { type: 'message.received'; text: string } },
  actors: { charge: fromPromise<string, string>(() => Promise.reject(new Error('asked'))) },
  actions: {
    reply: (_, _params: { text: string }) => {},
    count: assign({ heard: ({ context }) => context.heard + 1 }),
  },
  guards: { says: ({ event }, text: string) => event.type === 'message.received' && event.text === text },
  delays: { patience: 60_000 },
}).createMachine({
  id: 'shop',
  version: '1',
  context: { heard: 0 },
  initial: 'browsing',
  on: {
    'message.received': [
      { guard: { type: 'says', params: 'buy' }, target: '.deciding', actions: 'count' },
      { guard: { type: 'says', params: 'pay' }, target: '.paying', actions: 'count' },
      { guard: { type: 'says', params: 'break' }, target: '.dusty', actions: 'count' },
      { actions: ['count', { type: 'reply', params: ({ context }) => ({ text: `one ${context.heard}` }) }] },
    ],
  },
  states: {
    browsing: {},
    deciding: { after: { patience: { target: 'browsing', actions: { type: 'reply', params: { text: 'too late' } } } } },
    paying: {
      invoke: {
        id: 'charge',
        src: 'charge',
        input: 'all',
        onDone: { target: 'browsing', actions: { type: 'reply', params: { text: 'paid' } } },
        onError: 'browsing',
      },
    },
    dusty: {},
  },
});

const v2 = setup({
  types: {
    context: {} as { heard: number; total?: number },
    events: {} as { type: 'message.received'; text: string },
  },
  actors: { charge: fromPromise<string, string>(() => Promise.reject(new Error('asked'))) },
  actions: {
    reply: (_, _params: { text: string }) => {},
    count: assign({ heard: ({ context }) => context.heard + 1 }),
  },
  delays: { patience: 60_000 },
});

const answers = {
  'message.received': {
    actions: ['count', { type: 'reply', params: ({ context }: { context: { heard: number } }) => two(context) }],
  },
} as const;
const two = ({ heard }: { heard: number }) => ({ text: `two ${heard}` });

/** The next version: `dusty` is gone, all else is where it was. */
export const second = v2.createMachine({
  id: 'shop',
  version: '2',
  context: { heard: 0 },
  initial: 'browsing',
  on: answers,
  states: {
    browsing: {},
    deciding: { after: { patience: { target: 'browsing', actions: { type: 'reply', params: { text: 'late' } } } } },
    paying: {
      invoke: {
        id: 'charge',
        src: 'charge',
        input: 'all',
        onDone: { target: 'browsing', actions: { type: 'reply', params: { text: 'charged' } } },
        onError: 'browsing',
      },
    },
  },
});

/** A version where nothing is where it was: another timer, another request, and `browsing` asks. */
export const other = v2.createMachine({
  id: 'shop',
  version: '3',
  context: { heard: 0 },
  initial: 'deciding',
  on: answers,
  states: {
    browsing: { invoke: { id: 'suggest', src: 'charge', input: 'ideas', onDone: 'deciding', onError: 'deciding' } },
    deciding: {},
    paying: {},
    dusty: { initial: 'grey', states: { grey: {}, brown: {} } },
  },
});

/** A version that calls `deciding` by the name `thinking`, and `charge` by `collect`. */
export const renamed = v2.createMachine({
  id: 'shop',
  version: '4',
  context: { heard: 0 },
  initial: 'browsing',
  on: answers,
  states: {
    browsing: {},
    thinking: { after: { patience: { target: 'browsing', actions: { type: 'reply', params: { text: 'late' } } } } },
    paying: {
      invoke: {
        id: 'collect',
        src: 'charge',
        input: 'all',
        onDone: { target: 'browsing', actions: { type: 'reply', params: { text: 'collected' } } },
        onError: 'browsing',
      },
    },
  },
});

/** What `renamed` exports beside itself. */
export const renaming: Migrate = (_from, { value, context, timers, requests }) => ({
  value: value === 'deciding' ? 'thinking' : value === 'dusty' ? 'browsing' : value,
  context,
  timers: timers.map(({ dueAt }) => {
    const id = 'xstate.after.patience.shop.thinking';
    return { id, dueAt, event: { type: id } };
  }),
  requests: requests.map((request) => ({ ...request, invoke: 'collect' })),
});

const selections = {
  private: { machine: 'shop', per: 'chat' },
  group: { machine: 'shop', per: 'user' },
  channel: null,
} as const;

/** A machine as the file of the shop, with what else the file and the settings say. */
export const tableOf = (machine: AnyStateMachine, parts: Partial<VersionParts> = {}): MachineTable =>
  createMachineTable(
    selections,
    new Map([['shop', machine]]),
    new Map([
      [
        'shop',
        { context: undefined, migrate: null, older: [], unfit: 'quarantine', restartText: 'begin again', ...parts },
      ],
    ]),
  );

export const routerOf = (journal: Journal, machines: MachineTable) =>
  createRouter({ journal, machines, username: () => null });

/** A whole sweep, as a server does it after its start. */
export async function sweepAll(journal: Journal, machines: MachineTable): Promise<SweepCounts> {
  const counts = await sweep({ journal, machines, router: routerOf(journal, machines), pause: async () => {} });
  if (counts === null) throw new Error('it was stopped');
  return counts;
}
