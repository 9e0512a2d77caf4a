import type { AtRest } from '../../machines/events.ts';
import type { HeldAwaited, RequestRecord, TimerRecord, Tx } from '../journal/journal.ts';
import { answerEvent } from './routing.ts';

/** What has come while a conversation stood still, and it has not taken: it waits for that as for what is still to come. */
export function stillAwaited(held: readonly HeldAwaited[]): { timers: TimerRecord[]; requests: RequestRecord[] } {
  const timers: TimerRecord[] = [];
  const requests: RequestRecord[] = [];
  for (const { conversation, event, awaited } of held) {
    if (awaited.kind === 'timer') timers.push({ conversation, id: awaited.name, dueAt: awaited.dueAt, event });
    else {
      const { name: invoke, id, src, input, createdAt } = awaited;
      requests.push({ conversation, invoke, id, src, input, createdAt });
    }
  }
  return { timers, requests };
}

/**
 * Gives what has come the names that it has in another version, and drops what that takes back. Returns the timers that
 * are still to come. A timer is known again by its time: `migrate` may give it another name, and one that it gives another
 * time is set anew.
 */
export function renameHeld(tx: Tx, held: readonly HeldAwaited[], rest: AtRest): AtRest['timers'] {
  let toCome = rest.timers;
  for (const { conversation, seq, event, awaited } of held) {
    const named = awaited.kind === 'timer' ? timerOf(awaited.name, awaited.dueAt) : answerOf(awaited.id, event);
    if (named === null) tx.dropHeld(conversation, seq);
    else if (named.name !== awaited.name || named.event !== event) {
      tx.renameHeld({ conversation, seq, event: named.event, awaited: { ...awaited, name: named.name } });
    }
  }
  return toCome;

  function timerOf(name: string, dueAt: number): Named | null {
    const due = toCome.filter((timer) => timer.dueAt === dueAt);
    const timer = due.find(({ id }) => id === name) ?? due[0];
    if (timer === undefined) return null;
    toCome = toCome.filter((other) => other !== timer);
    return { name: timer.id, event: JSON.stringify(timer.event) };
  }

  function answerOf(id: string, event: string): Named | null {
    const request = rest.requests.find((kept) => kept.id === id);
    if (request === undefined) return null;
    return { name: request.invoke, event: JSON.stringify(answerEvent(request, JSON.parse(event))) };
  }
}

interface Named {
  readonly name: string;
  /** JSON. */
  readonly event: string;
}
