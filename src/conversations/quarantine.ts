import { SwitchboardError } from '../errors.ts';
import type { Awaited, ConversationRecord, Tx } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { chatKindOf } from '../telegram/update.ts';
import { applyEvent, endsForGood, entryBody, type Origin, quarantine, type Standing } from './apply.ts';
import { chatOfConversation } from './conversations.ts';
import type { LiveConversation } from './live.ts';
import type { MachineTable } from './machines.ts';
import { settle } from './migrate.ts';
import type { Stepper } from './step.ts';
import { isOutdated } from './versions.ts';

/**
 * A quarantined conversation's retry, one unit of work of it; null where more is held than that takes. First it comes to
 * the version of today. Throws SwitchboardError: not_found, chat_not_retryable.
 */
export async function retryUnit(
  tx: Tx,
  origin: Origin,
  machines: MachineTable,
  id: string,
): Promise<ConversationRecord | null> {
  const named = chatOfConversation(id);
  const chat = named === null ? null : await tx.currentChat(named);
  const conversation = chat === null ? id : chat + id.slice(named?.length);
  const records = await tx.conversations([id, conversation]);
  // Telegram's answer to a message tells of a move before its update does: until then it stands under its old id, and for
  // ever where that update never comes.
  const record = records.get(id) ?? records.get(conversation);
  if (chat === null || record === undefined) {
    throw new SwitchboardError('not_found', `There is no conversation ${id}`, { field: 'id' });
  }
  if (record.status !== 'quarantined') throw notRetryable(`The conversation ${id} is ${record.status}`);
  const late = forgetting(tx);
  const goesOn: ConversationRecord = { ...record, status: 'active', error: null };
  const outdated = record.snapshot !== 'null' && isOutdated(goesOn, machines.versions);
  const today = outdated ? (await settle(tx, origin.bot, goesOn, machines.versions, true)).after : goesOn;
  if (today.status === 'quarantined') return today;
  const selected = machines.forKind(chatKindOf(undefined, Number(chat)))?.stepper ?? null;
  const begins = machines.named(today.machine) ?? selected;
  if (begins === null) throw notRetryable(`${record.machine} is not loaded, and no machine is chosen for this chat`);
  // What begins anew does so with the version of today, also where an older file is there.
  const stepperOf = (current: ConversationRecord | null): Stepper =>
    current?.status !== 'active' ? begins : (machines.named(current.machine, current.version) ?? begins);
  return retryHeld(late, origin, today, record.error, stepperOf);
}

const notRetryable = (why: string) => new SwitchboardError('chat_not_retryable', why);

/**
 * Steps a quarantined conversation again, from `start`, its last good snapshot: with the event that it failed on, and with
 * all that came since, in the order of their entries. Up to limits.heldEventsPerUnit in one unit of work; null where more
 * are left, and then it still stands still, with its `error`. Else the conversation as it stands: quarantined once more
 * where a step failed, with that event and what came after it still held.
 *
 * What came of a timer or a request that a retried step takes back is not stepped: had the step not failed, it would not
 * have come. So `tx` must be one that is `forgetting`.
 */
async function retryHeld(
  tx: Tx,
  origin: Origin,
  start: ConversationRecord,
  error: string | null,
  stepperOf: (current: ConversationRecord | null) => Stepper,
): Promise<ConversationRecord | null> {
  const { id, chat } = start;
  let current: ConversationRecord | null = start.snapshot === 'null' ? null : start;
  let live: LiveConversation | null = null;
  for (let n = 0; n < limits.heldEventsPerUnit; n += 1) {
    const held = await tx.nextHeld(id);
    const stepper = stepperOf(current);
    if (held === null) return resume(tx, { id, chat, live, record: current, stepper }, start);
    const coming = { event: JSON.parse(held.event), text: () => held.event, awaited: held.awaited };
    // The bot's own coming and going begins nothing.
    const begins = coming.event.type !== 'membership.changed';
    if (current !== null || begins) {
      live = applyEvent(tx, origin, { id, chat, live, record: current, stepper }, coming, held.seq);
      current = live?.record ?? (await tx.conversations([id])).get(id) ?? null;
      if (current?.status === 'quarantined') return current;
    }
    tx.dropHeld(id, held.seq);
  }
  const stepper = stepperOf(current);
  if (current?.status === 'done' && endsForGood(current, stepper)) {
    return resume(tx, { id, chat, live, record: current, stepper }, start);
  }
  // Until the rest is stepped nothing may overtake what waits. One that is done begins anew.
  const begun = current?.status === 'active' ? current : { state: 'null', snapshot: 'null' };
  tx.saveConversation({ ...start, ...begun, status: 'quarantined', error, updatedAt: tx.now });
  return null;
}

/** Nothing is held any more: it goes on as it stands after the last step, if its machine takes that. */
async function resume(tx: Tx, standing: Standing, before: ConversationRecord): Promise<ConversationRecord> {
  const { id, chat, record, stepper } = standing;
  if (record?.status === 'active' && record.machine === stepper.name) {
    try {
      stepper.restore(record.snapshot);
    } catch (error) {
      return quarantine(tx, standing, before.lastSeq, null, error);
    }
  }
  const resumed: ConversationRecord = record ?? { ...before, status: 'done', error: null };
  tx.saveConversation(resumed);
  const dropped = await tx.endQuarantine(id);
  const fields = `"machine":${JSON.stringify(resumed.machine)}${dropped === 0 ? '' : `,"dropped":${dropped}`}`;
  tx.append({ type: 'chat.resumed', chat, body: entryBody(id, chat, fields) });
  return resumed;
}

/** The transaction, for steps that are taken late: what they take back, or set anew, has not come meanwhile. */
function forgetting(tx: Tx): Tx {
  const taking = (act: 'clearTimer' | 'withdrawRequest', kind: Awaited['kind']) => ({
    value(conversation: string, name: string): void {
      tx[act](conversation, name);
      tx.forgetAwaited(conversation, { kind, name });
    },
  });
  return Object.create(tx, {
    clearTimer: taking('clearTimer', 'timer'),
    withdrawRequest: taking('withdrawRequest', 'request'),
    setTimer: {
      value(timer: Parameters<Tx['setTimer']>[0]): void {
        tx.setTimer(timer);
        tx.forgetAwaited(timer.conversation, { kind: 'timer', name: timer.id });
      },
    },
    clearTimers: {
      value(conversation: string): void {
        tx.clearTimers(conversation);
        tx.forgetAwaited(conversation, null);
      },
    },
  });
}
