import type { AtRest } from '../../machines/events.ts';
import type {
  Awaited,
  ConversationRecord,
  HeldAwaited,
  JournalReader,
  RequestRecord,
  TimerRecord,
  Tx,
} from '../journal/journal.ts';
import type { StoredConversation } from './at-rest.ts';
import { answerEvent } from './routing.ts';

/** What a conversation waits for: what is still to come, and what came while it stood still, and is held. */
export interface Pending {
  readonly timers: readonly TimerRecord[];
  readonly requests: readonly RequestRecord[];
  readonly held: readonly HeldAwaited[];
}

type Reader = Pick<JournalReader, 'timersOf' | 'requestsOf' | 'heldAwaited'>;

/** Something is held only of one that stands still: of others nobody looks. */
export async function pendingOf(journal: Reader, id: string, standsStill: boolean): Promise<Pending> {
  const [timers, requests] = [await journal.timersOf(id), await journal.requestsOf(id)];
  return { timers, requests, held: standsStill ? await journal.heldAwaited(id) : [] };
}

/** The conversation with all of that: it waits for what is held as for what is still to come. */
export const storedWith = (record: ConversationRecord, pending: Pending): StoredConversation => ({
  record,
  timers: allTimers(pending),
  requests: [...pending.held.flatMap((one) => requestOf(one) ?? []), ...pending.requests],
});

const allTimers = ({ timers, held }: Pending): TimerRecord[] => [
  ...held.flatMap((one) => timerOf(one) ?? []),
  ...timers,
];

/** What a request's answer is held as. */
export const awaitedAnswer = ({ id, invoke, src, input, createdAt }: RequestRecord): Awaited => ({
  kind: 'request',
  name: invoke,
  id,
  src,
  input,
  createdAt,
});

function timerOf({ conversation, event, awaited }: HeldAwaited): TimerRecord | null {
  return awaited.kind === 'timer' ? { conversation, id: awaited.name, dueAt: awaited.dueAt, event } : null;
}

function requestOf({ conversation, awaited }: HeldAwaited): RequestRecord | null {
  if (awaited.kind !== 'request') return null;
  const { kind, name: invoke, ...request } = awaited;
  return { conversation, invoke, ...request };
}

/**
 * Gives what is held the names that it has in another version, and drops what `migrate` takes back. Returns the timers
 * that are still to come; one that `migrate` gives another time is among them.
 */
export function rewriteHeld(tx: Tx, pending: Pending, rest: AtRest): AtRest['timers'] {
  const became = timersBecame(allTimers(pending), rest.timers);
  const heldStill = new Set<Timer>();
  for (const one of pending.held) {
    const { conversation, seq, event, awaited } = one;
    let next: { readonly name: string; readonly event: string } | null = null;
    if (awaited.kind === 'timer') {
      const timer = became.get(awaited.name);
      if (timer !== undefined) {
        heldStill.add(timer);
        next = { name: timer.id, event: JSON.stringify(timer.event) };
      }
    } else {
      const request = rest.requests.find(({ id }) => id === awaited.id);
      if (request !== undefined)
        next = { name: request.invoke, event: JSON.stringify(answerEvent(request, JSON.parse(event))) };
    }
    if (next === null) tx.dropHeld(conversation, seq);
    else if (next.name !== awaited.name || next.event !== event) {
      tx.renameHeld({ ...one, event: next.event, awaited: { ...awaited, name: next.name } });
    }
  }
  return rest.timers.filter((timer) => !heldStill.has(timer));
}

type Timer = AtRest['timers'][number];

/**
 * What each timer is now, by the name that it had. It is known again by its time: `migrate` may give it another name.
 * Of those of one time, by their order where none was taken back; else by their names first.
 */
function timersBecame(before: readonly TimerRecord[], after: AtRest['timers']): Map<string, Timer> {
  const now = Map.groupBy(after, ({ dueAt }) => dueAt);
  const became = new Map<string, Timer>();
  for (const [dueAt, were] of Map.groupBy(before, ({ dueAt }) => dueAt)) {
    let are = now.get(dueAt) ?? [];
    let left = were;
    if (are.length !== were.length) {
      for (const { id } of were) {
        const same = are.find((timer) => timer.id === id);
        if (same !== undefined) became.set(id, same);
      }
      left = were.filter(({ id }) => !became.has(id));
      are = are.filter(({ id }) => !became.has(id));
    }
    for (const [n, timer] of are.entries()) {
      const was = left[n];
      if (was !== undefined) became.set(was.id, timer);
    }
  }
  return became;
}
