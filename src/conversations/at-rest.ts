import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { AtRest } from '../../machines/events.ts';
import type { ConversationRecord, RequestRecord, TimerRecord } from '../journal/journal.ts';
import { lossOf } from './durable.ts';

/** A conversation with all that waits for it. */
export interface StoredConversation {
  readonly record: ConversationRecord;
  readonly timers: readonly TimerRecord[];
  readonly requests: readonly RequestRecord[];
}

const State = Type.Cyclic(
  { State: Type.Union([Type.String(), Type.Record(Type.String(), Type.Ref('State'))]) },
  'State',
);
const PersistedShape = Type.Object({
  value: State,
  context: Type.Unknown(),
  children: Type.Record(Type.String(), Type.Unknown()),
  /** What its state invoked; not told by a snapshot of long ago. */
  asked: Type.Optional(Type.Array(Type.String())),
  /** At its end: what comes after it; not told by a snapshot of long ago. */
  whenDone: Type.Optional(Type.String()),
  historyValue: Type.Optional(Type.Record(Type.String(), Type.Array(Type.Object({ id: Type.String() })))),
});
const Persisted = Compile(PersistedShape);
/** The last time that a Date can name (ECMA-262, Time Values), ms since 1970. */
const TIME_MAX = 8.64e15;
const Rest = Compile(
  Type.Object({
    value: State,
    context: Type.Unknown(),
    timers: Type.Array(
      Type.Object({
        id: Type.String(),
        dueAt: Type.Number({ minimum: 0, maximum: TIME_MAX }),
        event: Type.Object({ type: Type.String() }),
      }),
    ),
    requests: Type.Array(
      Type.Object({ id: Type.String(), invoke: Type.String(), src: Type.String(), input: Type.Unknown() }),
    ),
    history: Type.Optional(Type.Record(Type.String(), Type.Array(Type.String()))),
  }),
);

/** XState's persisted snapshot, as far as it is looked into. */
export type PersistedSnapshot = Static<typeof PersistedShape>;

/** Throws where the record holds no snapshot of a machine. */
export function persistedOf(record: ConversationRecord): PersistedSnapshot {
  const value: unknown = JSON.parse(record.snapshot);
  if (Persisted.Check(value)) return value;
  throw new TypeError('it is no snapshot of a machine');
}

/** The conversation as its machine's `migrate` gets it. */
export const atRest = (persisted: PersistedSnapshot, { timers, requests }: StoredConversation): AtRest => ({
  value: persisted.value,
  context: persisted.context,
  timers: timers.map(({ id, dueAt, event }) => ({ id, dueAt, event: JSON.parse(event) })),
  requests: requests.map(({ id, invoke, src, input }) => ({ id, invoke, src, input: JSON.parse(input) })),
  history: Object.fromEntries(
    Object.entries(persisted.historyValue ?? {}).map(([id, nodes]) => [id, nodes.map((node) => node.id)]),
  ),
});

/**
 * What a machine's `migrate` gave back for what it got (`before`). Throws where it is no conversation, where it could not
 * be stored as it is, and where it asks for what was never asked.
 */
export function parseAtRest(given: unknown, before: AtRest): AtRest {
  if (!Rest.Check(given)) {
    const [first] = Rest.Errors(given);
    throw new TypeError(`migrate gave no conversation: ${first?.instancePath ?? ''} ${first?.message ?? ''}`);
  }
  const loss = lossOf(given.context, 'context') ?? lossOf(given.timers, 'timers');
  if (loss !== null) throw new TypeError(`migrate gave what cannot be kept: ${loss}`);
  const made = given.requests.find(({ id }) => !before.requests.some((request) => request.id === id));
  if (made !== undefined) throw new TypeError(`migrate made the request ${made.id}: it can only rename and drop some`);
  const { value, context, timers, requests, history = before.history } = given;
  return { value, context, timers, requests, history };
}

/** The ids of the requests that no state has invoked, as far as the snapshot tells. */
export const spawnedOf = ({ asked }: PersistedSnapshot, { requests }: StoredConversation): ReadonlySet<string> =>
  new Set(requests.filter(({ invoke }) => asked?.includes(invoke) === false).map(({ id }) => id));

/** Where history leads, as XState persists it. */
export const historyOf = ({ history }: AtRest) =>
  Object.fromEntries(Object.entries(history).map(([id, states]) => [id, states.map((state) => ({ id: state }))]));

/** The snapshot's children under the names that their requests have now; those whose requests were dropped are gone. */
export function childrenOf(
  { children }: PersistedSnapshot,
  { requests }: StoredConversation,
  rest: AtRest,
): PersistedSnapshot['children'] {
  return Object.fromEntries(
    Object.entries(children).flatMap(([name, child]) => {
      const request = requests.find(({ invoke }) => invoke === name);
      if (request === undefined) return [[name, child]];
      const kept = rest.requests.find(({ id }) => id === request.id);
      return kept === undefined ? [] : [[kept.invoke, child]];
    }),
  );
}
