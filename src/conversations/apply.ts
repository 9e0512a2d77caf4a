import type { AnyMachineSnapshot } from 'xstate';
import type { Awaited, ConversationRecord, Tx } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { addReply, type MessageTx } from '../outbox/outbox.ts';
import { persistedOf } from './at-rest.ts';
import { durableJson } from './durable.ts';
import { type Effect, MESSAGE_ACTIONS } from './effects.ts';
import { afterEnd } from './ending.ts';
import { type Alone, aloneAfter, type LiveConversation } from './live.ts';
import type { Step, Stepper } from './step.ts';

/** Where a conversation stands before an event: in memory, as stored, or not begun. */
export interface Standing {
  readonly id: string;
  readonly chat: string;
  readonly live: LiveConversation | null;
  readonly record: ConversationRecord | null;
  /** What it runs: the machine that it began with, else the one chosen for its chat. */
  readonly stepper: Stepper;
}

/** Whose conversations these are. */
export interface Origin {
  readonly bot: string;
  /** Names the journal in what others are told to remember; null: a rehearsal, of which nobody hears. */
  readonly stream: string | null;
}

/** What comes to a conversation. */
export interface Coming {
  readonly event: { readonly type: string };
  /** The event as it came, JSON: a machine may have spoilt the object by the time that it fails on it. */
  readonly text: () => string;
  /** Of what the conversation has waited for, a timer or an answer: when that was due. Left out: it comes from outside. */
  readonly dueAt?: number | undefined;
  /** What that was, for when it is held. */
  readonly awaited?: Awaited | null;
}

/** What a step needs of its transaction: it writes, and reads nothing. */
export type StepTx = MessageTx &
  Pick<
    Tx,
    | 'saveConversation'
    | 'setTimer'
    | 'clearTimer'
    | 'clearTimers'
    | 'holdEvent'
    | 'addRequest'
    | 'withdrawRequest'
    | 'withdrawRequests'
  >;

/**
 * Steps one conversation with one event that is journalled as `seq`, and writes all that the step asks for into the
 * same transaction (I3: the caller applies a chat's events one at a time, in journal order).
 *
 * I8: a machine that throws costs this chat alone: it is quarantined with its error, on its last good snapshot.
 * Returns the conversation to keep in memory; null where it is not to be kept.
 */
export function applyEvent(
  tx: StepTx,
  origin: Origin,
  standing: Standing,
  coming: Coming,
  seq: number,
): LiveConversation | null {
  const { event } = coming;
  const { id, chat, record } = standing;
  const { stepper } = standing;
  // The bot's own coming and going begins nothing.
  if (record?.status === 'done' && (event.type === 'membership.changed' || endsForGood(record, stepper))) return null;
  const running = record?.status === 'active' ? record : null;
  const { dueAt } = coming;
  const alone = dueAt === undefined ? null : aloneAfter(standing.live?.alone ?? null, dueAt);
  let plan: Plan;
  try {
    if (alone !== null) checkPace(alone);
    plan = planOf(standing, running, stepper, event, seq);
  } catch (error) {
    quarantine(tx, standing, seq, coming, error);
    return null;
  }
  // From here on only the database can fail, and that undoes the whole unit of work: the machine is not at fault.
  const { snapshot, rows, persisted } = plan;
  for (const [n, row] of rows.entries()) write(tx, origin, standing, seq, n, row);
  const value = JSON.stringify(snapshot.value);
  const from = running?.state ?? 'null';
  if (value !== from) {
    const fields = `"machine":${JSON.stringify(stepper.name)},"from":${from},"to":${value}`;
    tx.append({ type: 'chat.moved', chat, body: entryBody(id, chat, fields) });
  }
  const done = snapshot.status === 'done';
  if (done) endAll(tx, id);
  const next: ConversationRecord = {
    id,
    chat,
    machine: stepper.name,
    version: stepper.version,
    status: done ? 'done' : 'active',
    state: value,
    snapshot: persisted,
    error: null,
    lastSeq: seq,
    updatedAt: tx.now,
  };
  tx.saveConversation(next);
  return done ? null : { record: next, stepper, snapshot, alone };
}

/** Throws for a machine that keeps itself going: within one step XState bounds it, over several nothing would. */
function checkPace({ steps }: Alone): void {
  const { aloneStepsMax: max, aloneMs } = limits;
  if (steps <= max) return;
  throw new RangeError(
    `It goes round: over ${max} of its own timers and answers in ${aloneMs / 1000} s, and nobody wrote`,
  );
}

/**
 * Whether a conversation that has come to its end stays there: what comes is only journalled. The version that ended it
 * has said so; another machine that is chosen for the chat begins.
 */
export function endsForGood(record: ConversationRecord, stepper: Stepper): boolean {
  if (record.machine !== stepper.name) return false;
  try {
    const { whenDone } = persistedOf(record);
    return (whenDone ?? afterEnd(stepper.restore(record.snapshot))) === 'stay';
  } catch {
    // It has come to no end of its own.
    return false;
  }
}

/** A step as the rows will take it: everything that a machine can get wrong has been tried. */
interface Plan {
  readonly snapshot: AnyMachineSnapshot;
  readonly rows: readonly Row[];
  readonly persisted: string;
}

/** Throws what the machine throws, and where what it asks for cannot be stored. */
function planOf(
  standing: Standing,
  running: ConversationRecord | null,
  stepper: Stepper,
  event: { readonly type: string },
  seq: number,
): Plan {
  const before = running === null ? null : (standing.live?.snapshot ?? stepper.restore(running.snapshot));
  const { snapshot, effects } = before === null ? begin(stepper, standing, event) : stepper.apply(before, event);
  const rows = effects.map((effect, n) => rowOf(effect, standing, seq, n));
  return { snapshot, rows, persisted: stepper.persist(snapshot) };
}

/** An entry's body: `"conversation"` is named where it is not the chat's own. */
export const entryBody = (id: string, chat: string, fields: string): string =>
  id === chat ? `{${fields}}` : `{"conversation":${JSON.stringify(id)},${fields}}`;

/** Enters the machine and takes the event in one step: the effects of both, the snapshot after both. */
function begin(stepper: Stepper, { id, chat }: Standing, event: { readonly type: string }): Step {
  const first = stepper.start({ conversation: id, chat });
  if (first.snapshot.status !== 'active') return first;
  const second = stepper.apply(first.snapshot, event);
  return { snapshot: second.snapshot, effects: [...first.effects, ...second.effects] };
}

/** An effect as the rows take it: JSON is text by now, so that writing cannot fail half way. */
type Row =
  | { readonly kind: 'call'; readonly method: string; readonly params: string }
  | { readonly kind: 'timer'; readonly id: string; readonly delayMs: number; readonly event: string }
  | { readonly kind: 'request'; readonly invoke: string; readonly src: string; readonly input: string }
  | { readonly kind: 'emit'; readonly body: string }
  | Extract<Effect, { kind: 'clearTimer' | 'withdraw' }>;

/** Throws what no row can hold: the machine is at fault then, and not the database. */
function rowOf(effect: Effect, { id, chat }: Standing, seq: number, n: number): Row {
  switch (effect.kind) {
    case 'call': {
      const method = MESSAGE_ACTIONS[effect.action];
      return {
        kind: 'call',
        method,
        params: durableJson({ ...addressOf(method, id, chat), ...effect.params }, `params of ${effect.action}`),
      };
    }
    case 'timer': {
      const delayMs = Math.max(0, effect.delayMs);
      if (!(delayMs <= limits.timerDelayMaxMs)) {
        throw new RangeError(`A delay of ${delayMs} ms cannot be kept: up to ${limits.timerDelayMaxMs} can`);
      }
      return { ...effect, delayMs, id: effect.id ?? `raise.${seq}.${n}`, event: durableJson(effect.event, 'event') };
    }
    case 'request':
      return { ...effect, input: durableJson(effect.input, 'input') };
    case 'emit':
      return { kind: 'emit', body: entryBody(id, chat, `"event":${durableJson(effect.event, 'event')}`) };
    default:
      return effect;
  }
}

/** Where a call goes: the conversation's chat, and its topic where it has one. */
export function addressOf(method: string, id: string, chat: string): Readonly<Record<string, number>> {
  if (method === 'answerCallbackQuery') return {};
  const topic = /:t(\d+)$/.exec(id)?.[1];
  if (topic === undefined || method !== 'sendMessage') return { chat_id: Number(chat) };
  return { chat_id: Number(chat), message_thread_id: Number(topic) };
}

function write(tx: StepTx, origin: Origin, { id, chat }: Standing, seq: number, n: number, row: Row): void {
  switch (row.kind) {
    case 'call':
      addReply(tx, origin.bot, { chat, method: row.method, params: row.params });
      break;
    case 'timer':
      tx.setTimer({ conversation: id, id: row.id, dueAt: tx.now + row.delayMs, event: row.event });
      break;
    case 'clearTimer':
      tx.clearTimer(id, row.id);
      break;
    case 'request': {
      const { invoke, src, input } = row;
      tx.addRequest({ id: requestId(origin, seq, n), conversation: id, invoke, src, input, createdAt: tx.now });
      break;
    }
    case 'withdraw':
      tx.withdrawRequest(id, row.invoke);
      break;
    case 'emit':
      tx.append({ type: 'chat.emitted', chat, body: row.body });
  }
}

/**
 * The idempotency key of a request. The backend remembers it for longer than a data folder may last: a journal that is
 * made anew numbers its entries from 1 again, and must not get answers that were given to another.
 */
const requestId = ({ bot, stream }: Origin, seq: number, n: number): string =>
  stream === null ? `${bot}-${seq}-${n}` : `${bot}-${stream}-${seq}-${n}`;

/** Whether two ids are of one place in a journal: of what a step made then, and of what it makes in a rehearsal. */
export const isSameRequest = (one: string, other: string): boolean => placeOf(one) === placeOf(other);
const placeOf = (id: string): string | undefined => /[\d.]+-\d+$/.exec(id)?.[0];

export function endAll(tx: StepTx, id: string): void {
  tx.clearTimers(id);
  tx.withdrawRequests(id);
}

/**
 * I8: the conversation stands still on its last good snapshot, and the event that it failed on is held, for a retry.
 * `coming` null: it failed without an event.
 */
export function quarantine(
  tx: StepTx,
  { id, chat, record, stepper }: Standing,
  seq: number,
  coming: Coming | null,
  fault: unknown,
): ConversationRecord {
  const error = faultText(fault);
  const text = coming?.text() ?? null;
  // One that had come to its end failed as it began anew: nothing of the old is gone on with.
  const good = record?.status === 'done' ? null : record;
  const what = {
    error,
    machine: stepper.name,
    ...(text === null ? {} : { event: JSON.parse(text).type }),
    at_seq: seq,
  };
  const body = entryBody(id, chat, JSON.stringify(what).slice(1, -1));
  tx.append({ type: 'chat.quarantined', chat, body });
  if (text !== null) tx.holdEvent({ conversation: id, seq, event: text, awaited: coming?.awaited ?? null });
  const nothing = { machine: stepper.name, version: stepper.version, state: 'null', snapshot: 'null' };
  const { machine, version, state, snapshot } = good ?? nothing;
  const stands = { id, chat, machine, version, state, snapshot, error, lastSeq: seq, updatedAt: tx.now };
  const quarantined: ConversationRecord = { ...stands, status: 'quarantined' };
  tx.saveConversation(quarantined);
  return quarantined;
}

/** What was thrown, as a text, whatever it was: a machine may throw anything. */
function faultText(error: unknown): string {
  let text: unknown;
  try {
    text = error instanceof Error ? error.message : String(error);
  } catch {
    text = null;
  }
  return typeof text === 'string' && text !== '' ? text.slice(0, limits.faultTextLengthMax) : 'a fault without a text';
}
