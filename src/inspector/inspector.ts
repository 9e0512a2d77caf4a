import { type Static, Type } from 'typebox';

export {
  type ActorItem,
  type ExchangeItem,
  FEED_ACTOR,
  type Feed,
  FeedItem,
  type FeedReader,
  LIVE_ACTORS,
  type LiveActor,
  OUTSIDE,
  type StateItem,
  type StepItem,
} from './feed-items.ts';
export { createStately, type StatelyEvent } from './stately.ts';

/**
 * What the inspector tells of machines and of chats. The schemas are those of its addresses (src/http/inspector.ts), and
 * the page is typed by them. A state is named by its path from the machine, `underWay.asking`; the machine itself by ''.
 */

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

export const ChartTransition = Type.Object(
  {
    id: Type.String({ description: 'Of this machine in this version: the state and a number, `confirming/3`' }),
    source: Type.String(),
    targets: Type.Array(Type.String(), { description: 'Paths of states; none: it stays where it is' }),
    event: Type.String({ description: 'As XState names it' }),
    label: Type.String({ description: 'As people read it: `after confirmationWait`, `openPayment done`' }),
    cause: Type.Enum(['event', 'after', 'always', 'done', 'failed']),
    delay_ms: nullable(Type.Number({ description: 'Of an `after` whose delay is always the same' })),
    guard: nullable(Type.String()),
    actions: Type.Array(Type.String()),
    reenter: Type.Boolean(),
    description: Type.String(),
  },
  { description: 'One way from a state' },
);
export type ChartTransition = Static<typeof ChartTransition>;

export const ChartNode = Type.Object(
  {
    path: Type.String(),
    parent: nullable(Type.String()),
    key: Type.String(),
    type: Type.Enum(['atomic', 'compound', 'parallel', 'final', 'history']),
    initial: nullable(Type.String({ description: 'The path of the state that is entered first' })),
    description: Type.String(),
    entry: Type.Array(Type.String()),
    exit: Type.Array(Type.String()),
    invokes: Type.Array(Type.Object({ id: Type.String(), src: Type.String() })),
    tags: Type.Array(Type.String()),
    transitions: Type.Array(ChartTransition),
  },
  { description: 'A state' },
);
export type ChartNode = Static<typeof ChartNode>;

export const Chart = Type.Object(
  {
    name: Type.String({ description: "The machine's file without its ending" }),
    version: Type.String(),
    description: Type.String(),
    kind: Type.Enum(['conversation', 'live'], { description: "live: one of Switchboard's own actors" }),
    source: nullable(Type.String({ description: 'The text of its file, as Stately Studio reads it' })),
    nodes: Type.Array(ChartNode, { description: 'Each state after the one that it lies in; the machine itself first' }),
  },
  { description: 'A machine, as it can be drawn' },
);
export type Chart = Static<typeof Chart>;

export const StateCounts = Type.Object(
  {
    states: Type.Array(
      Type.Object({
        path: Type.String(),
        active: Type.Integer(),
        done: Type.Integer({ description: 'Came to an end there' }),
        quarantined: Type.Integer(),
      }),
      {
        description: "Chats by state, with those of the states within; '' has all. States without a chat are left out",
      },
    ),
    counted: Type.Integer({ description: 'Conversations that were looked at, of all machines' }),
    complete: Type.Boolean({ description: 'False while the first count is still under way: there may be more' }),
    at: nullable(Type.String({ description: 'When the count was made' })),
  },
  { description: 'How many chats are in each state' },
);
export type StateCounts = Static<typeof StateCounts>;

export const ChatInState = Type.Object({
  id: Type.String(),
  version: Type.String(),
  status: Type.String(),
  state: Type.Unknown(),
});
export type ChatInState = Static<typeof ChatInState>;

const Timer = Type.Object({ id: Type.String(), due_at: Type.String(), event: Type.Unknown() });
const Request = Type.Object({ id: Type.String(), src: Type.String(), input: Type.Unknown(), since: Type.String() });

export const Standing = Type.Object(
  {
    state: Type.Unknown({ description: "XState's state value; null: not begun" }),
    status: nullable(Type.String()),
    context: Type.Unknown(),
    timers: Type.Array(Timer, { description: 'That have not come due, the earliest first' }),
    requests: Type.Array(Request, { description: 'To the backend, without an answer' }),
  },
  { description: 'How a conversation stands at a time' },
);
export type Standing = Static<typeof Standing>;

export const ChatNow = Type.Object(
  {
    id: Type.String(),
    chat: Type.String(),
    machine: Type.String(),
    version: Type.String(),
    error: nullable(Type.String({ description: 'Why it is quarantined' })),
    last_seq: Type.Integer(),
    updated_at: Type.String(),
    now: Type.String({ description: "The server's time, by which timers come due" }),
    standing: Standing,
  },
  { description: 'A conversation as it is stored' },
);
export type ChatNow = Static<typeof ChatNow>;

export const TravelStep = Type.Object(
  {
    seq: Type.Number({ description: 'Of its entry; half a number before it for a timer that the journal has not' }),
    at: Type.String(),
    cause: Type.String({ description: "The entry's type; `note` where nothing was stepped" }),
    event: Type.Unknown(),
    note: Type.String(),
    transitions: Type.Array(Type.String(), { description: 'Ids of those that were taken, in their order' }),
    told: Type.Array(Type.Unknown(), { description: 'Moves, calls, what operators are told, faults' }),
    departs: Type.Boolean({ description: 'It came to something else then than with the machine of today' }),
    after: Standing,
  },
  { description: 'An event that a conversation took, and how it stood then' },
);
export type TravelStep = Static<typeof TravelStep>;

export const StepPage = Type.Object(
  {
    steps: Type.Array(TravelStep, { description: 'In their order' }),
    before: Standing,
    earlier: Type.Boolean({ description: 'There are steps before these' }),
    later: Type.Boolean({ description: 'There are steps after these' }),
    complete: Type.Boolean({ description: 'False: the way there is long. Ask again, and it goes on from where it is' }),
    stepped: Type.Integer({ description: 'How many steps of its life it has made by then' }),
    begins_at: nullable(Type.Integer({ description: 'Where the journal has no earlier entries any more: its first' })),
  },
  { description: "A part of a chat's life" },
);
export type StepPage = Static<typeof StepPage>;

export interface StepQuery {
  /** Steps after this seq; null: see `before`. */
  readonly after: number | null;
  /** The last steps before this seq; null with `after` null: the newest. */
  readonly before: number | null;
  readonly limit: number;
}

/** Looks at machines and chats, and changes nothing. */
export interface Inspector {
  readonly charts: readonly Chart[];
  /** A machine's definition as XState writes it, JSON: without its code. Null where there is none of this name. */
  definition(machine: string, version: string | null): string | null;
  /** The state value of a live actor, by the name of its machine; null: it is not running, or a conversation's. */
  liveState(machine: string): unknown;
  /** Chats by state, as of a while ago: with a million chats a count takes some time, and is not begun anew at once. */
  counts(machine: string): Promise<StateCounts>;
  /** The chats in a state ('' all), by id after that one. Looks at so many at most: `next` may come with few, or none. */
  chatsIn(
    machine: string,
    query: { readonly state: string; readonly after: string | null; readonly limit: number },
  ): Promise<{ readonly chats: readonly ChatInState[]; readonly next: string | null }>;
  /** Null where there is no such conversation. */
  now(conversation: string): Promise<ChatNow | null>;
  /**
   * Steps a conversation's journal through its machine again, as `switchboard replay` does, so that it does not matter
   * what is in memory. Null where there is no such conversation; no steps where its machine is not loaded.
   */
  steps(conversation: string, query: StepQuery): Promise<StepPage | null>;
}
