import type { ConversationRecord, NewEntry, RequestRecord, TimerRecord } from '../journal/journal.ts';
import { applyEvent, endAll, type StepTx } from './apply.ts';
import type { LiveConversation } from './live.ts';
import type { Stepper } from './step.ts';

/** What a step came to, as its entries in the journal would tell it: the move, each call, what it tells operators, a fault. */
export type Told =
  | { readonly type: 'chat.moved'; readonly from: unknown; readonly to: unknown }
  | { readonly type: 'message.accepted'; readonly method: unknown; readonly params: unknown }
  | { readonly type: 'chat.emitted'; readonly event: unknown }
  | { readonly type: 'chat.quarantined'; readonly error: unknown };

/** What one of a step's entries tells, without its ids and times; null for an entry of another type. */
export function toldOf({ type, body }: Pick<NewEntry, 'type' | 'body'>): Told | null {
  switch (type) {
    case 'chat.moved': {
      const { from, to } = JSON.parse(body);
      return { type, from, to };
    }
    case 'message.accepted': {
      const { method, params } = JSON.parse(body).message;
      return { type, method, params };
    }
    case 'chat.emitted':
      return { type, event: JSON.parse(body).event };
    case 'chat.quarantined':
      return { type, error: JSON.parse(body).error };
    default:
      return null;
  }
}

/** What an event came to, and what the step has asked for that no entry tells. */
export interface Rehearsed {
  readonly told: readonly Told[];
  readonly timers: readonly TimerRecord[];
  readonly requests: readonly RequestRecord[];
}

/** When and where an event is journalled. */
export interface Place {
  readonly conversation: string;
  readonly chat: string;
  readonly seq: number;
  /** The time of its unit of work, ms since 1970. */
  readonly at: number;
}

/** How a rehearsal stands at one moment, to go on from there. */
export interface Checkpoint {
  readonly record: ConversationRecord | null;
  readonly timers: readonly (TimerRecord & { readonly setAt: number })[];
  readonly requests: readonly RequestRecord[];
}

/**
 * One conversation, stepped by the very code that steps it in earnest, but for the transaction: what is written goes no
 * further than memory, so that nothing is sent, asked or stored. It begins where it has not begun, or at a checkpoint.
 */
export function createRehearsal(stepper: Stepper, bot: string, start?: Checkpoint) {
  let standing: Pick<LiveConversation, 'record'> | null = start?.record ? { record: start.record } : null;
  let live: LiveConversation | null = null;
  const timers = new Map(start?.timers.map((timer) => [timer.id, timer]));
  const requests = new Map(start?.requests.map((request) => [request.id, request]));

  /** A transaction of that time and place. */
  function transaction({ at, seq }: Pick<Place, 'at' | 'seq'>): { tx: StepTx; entries: NewEntry[] } {
    const entries: NewEntry[] = [];
    const tx: StepTx = {
      now: at,
      nextSeq: () => seq + 1 + entries.length,
      append(entry) {
        entries.push(entry);
        return seq + entries.length;
      },
      addMessage: () => {},
      holdEvent: () => {},
      saveConversation(record) {
        standing = { record };
      },
      setTimer(timer) {
        timers.delete(timer.id);
        timers.set(timer.id, { ...timer, dueAt: Math.ceil(timer.dueAt), setAt: at });
      },
      clearTimer: (_, id) => void timers.delete(id),
      clearTimers: () => timers.clear(),
      addRequest: (request) => void requests.set(request.id, request),
      withdrawRequest(_, invoke) {
        for (const request of requests.values()) if (request.invoke === invoke) requests.delete(request.id);
      },
      withdrawRequests: () => requests.clear(),
    };
    return { tx, entries };
  }

  return {
    /** Its state, JSON; null where it has not begun. */
    state: (): string | null => standing?.record.state ?? null,
    status: () => standing?.record.status ?? null,
    record: (): ConversationRecord | null => standing?.record ?? null,
    checkpoint: (): Checkpoint => ({
      record: standing?.record ?? null,
      timers: [...timers.values()],
      requests: [...requests.values()],
    }),
    /** What waits for its time, in the order in which it comes due: of one time, as it was set. */
    timers: () => [...timers.values()].sort((a, b) => a.dueAt - b.dueAt),
    requests: () => [...requests.values()],
    takeTimer: (id: string): boolean => timers.delete(id),
    takeRequest: (id: string): boolean => requests.delete(id),

    /** Takes an event, as the router would (`dueAt`: of what it waited for): where it stands still, or begins nothing, it comes to nothing. */
    take(event: { readonly type: string }, place: Place, dueAt?: number): Rehearsed {
      const record = standing?.record ?? null;
      const begins = record !== null || event.type !== 'membership.changed';
      if (record?.status === 'quarantined' || !begins) return { told: [], timers: [], requests: [] };
      const { conversation: id, chat, seq } = place;
      const { tx, entries } = transaction(place);
      const [timersBefore, requestsBefore] = [new Set(timers.values()), new Set(requests.values())];
      // Nothing is held here, whose text would be wanted: it is told by its type.
      const text = (type: string) => () => JSON.stringify({ type });
      live = applyEvent(
        tx,
        { bot, stream: null },
        { id, chat, live, record, stepper },
        { event, text: text(event.type), dueAt },
        seq,
      );
      return {
        told: entries.flatMap((entry) => toldOf(entry) ?? []),
        timers: [...timers.values()].filter((timer) => !timersBefore.has(timer)),
        requests: [...requests.values()].filter((request) => !requestsBefore.has(request)),
      };
    },

    /** It ended, not by an event of its own: the next one begins it anew. */
    restart(): void {
      endAll(transaction({ at: 0, seq: 0 }).tx, '');
      standing = null;
      live = null;
    },
  };
}

export type Rehearsal = ReturnType<typeof createRehearsal>;
