import { createHash } from 'node:crypto';
import type { UserEvent } from '../../machines/events.ts';
import { SwitchboardError } from '../errors.ts';
import type { ConversationRecord, Journal, RequestRecord, Tx, VersionCheck } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { type ChatKind, type ClassifiedUpdate, chatKindOf, classifyUpdate, commandTarget } from '../telegram/update.ts';
import { applyEvent, entryBody } from './apply.ts';
import { type Conversations, chatOfConversation, type EventAccepted, type EventPost } from './conversations.ts';
import { createLiveConversations } from './live.ts';
import type { MachineTable } from './machines.ts';
import { readConversations, settle } from './migrate.ts';
import type { Stepper } from './step.ts';
import { isOutdated, type Verdict } from './versions.ts';

export interface RouterOptions {
  readonly journal: Journal;
  readonly machines: MachineTable;
  /** The bot's own name, once it is known: a command that names another bot is not for us. */
  readonly username: () => string | null;
}

/** How a backend request ended. */
export type RequestOutcome =
  | { readonly output: unknown }
  | { readonly error: { readonly code: string; readonly message: string } };

export interface Router extends Conversations {
  /**
   * Journals a batch of updates, steps their conversations and moves the poll offset, in one unit of work (I1, I2).
   * Every item must have a whole number as `update_id`. Returns how many were new.
   */
  receiveUpdates(updates: readonly unknown[], offset: number): Promise<number>;
  /** Fires what is due, up to limits.timersPerUnitMax in one unit of work. Returns how many fired. */
  fireTimers(): Promise<number>;
  /** Takes the backend's answer to a request; false where the conversation no longer waits for it. */
  answerRequest(id: string, outcome: RequestOutcome): Promise<boolean>;
  /**
   * Brings those of these conversations that another version of their machine stored to that of today, or holds them by
   * policy; and notes how far the walk over all of them has come. One unit of work.
   */
  bringUp(ids: readonly string[], check: VersionCheck): Promise<Verdict[]>;
  /** Conversations in memory, and steps since the start. */
  counts(): { readonly live: number; readonly steps: number };
}

type Event = { readonly type: string };
/** As stored before the unit of work; what has been stepped since is taken out, so that it is read again. */
type Records = Map<string, ConversationRecord>;

/**
 * Routes every event to its chat's conversation. All of them go through the journal's one queue of units of work, so
 * that a chat's events are applied in journal order, one at a time (I3), and no chat waits for another's I/O.
 */
export function createRouter({ journal, machines, username }: RouterOptions): Router {
  const { bot } = journal;
  const live = createLiveConversations(limits.liveConversationsMax);
  let steps = 0;

  /** A unit of work. Where it does not commit, memory may be ahead of what is stored: all of it is dropped. */
  function unit<T>(job: (tx: Tx) => Promise<T>): Promise<T> {
    const undo = (error: unknown): never => {
      live.forgetAll();
      throw error;
    };
    // Twice: a job that fails is undone before the next of its group runs, a commit that fails after all of them.
    return journal.write((tx) => job(tx).catch(undo)).catch(undo);
  }

  /** The stepper that the conversation runs; null where its chat has none, or it stands still (I8). */
  function stepperFor(record: ConversationRecord | null, kind: ChatKind): Stepper | null {
    if (record?.status === 'quarantined') return null;
    const selected = machines.forKind(kind)?.stepper ?? null;
    return record?.status === 'active' ? (machines.named(record.machine, record.version) ?? selected) : selected;
  }

  /** As stored, of those that are not in memory. What another version stored is brought up to date first. */
  const stored = (tx: Tx, ids: readonly string[]): Promise<Records> =>
    readConversations(
      tx,
      bot,
      ids.filter((id) => !live.has(id)),
      machines.versions,
    );

  function step(tx: Tx, id: string, chat: string, kind: ChatKind, records: Records, event: Event, seq: number): void {
    const held = live.take(id);
    const record = held?.record ?? records.get(id) ?? null;
    records.delete(id);
    const stepper = stepperFor(record, kind);
    if (stepper === null) return;
    steps += 1;
    const next = applyEvent(tx, bot, { id, chat, live: held, record, stepper }, event, seq);
    if (next === null) live.forget(id);
    else live.put(id, next);
  }

  function isForAnother(event: UserEvent): boolean {
    const [own, target] = [username(), event.type === 'message.received' ? commandTarget(event.text) : null];
    return own !== null && target !== null && target.toLowerCase() !== own.toLowerCase();
  }

  /** Steps one conversation with an event that did not come as an update. */
  async function stepOne(tx: Tx, id: string, chat: string, records: Records, event: Event, seq: number): Promise<void> {
    // Stepped earlier in this unit and not kept in memory: read it as this unit has left it.
    if (!live.has(id) && !records.has(id)) for (const [key, record] of await stored(tx, [id])) records.set(key, record);
    step(tx, id, chat, chatKindOf(undefined, Number(chat)), records, event, seq);
  }

  function conversationOf(update: ClassifiedUpdate): string | null {
    if (update.chat === null || update.chatKind === null) return null;
    const per = machines.forKind(update.chatKind)?.per;
    if (per === undefined) return null;
    if (update.chatKind === 'private' || per === 'chat') return update.chat;
    if (per === 'user') return update.user === null ? null : `${update.chat}:u${update.user}`;
    return update.topic === null ? update.chat : `${update.chat}:t${update.topic}`;
  }

  async function applyUpdates(tx: Tx, updates: readonly unknown[]): Promise<number> {
    const batch = updates.map((update) => {
      const facts = classifyUpdate(update);
      if (facts === null) throw new TypeError('An update without an update_id got past the poller');
      return { update, facts, conversation: conversationOf(facts) };
    });
    const ids = batch.map(({ facts }) => facts.updateId);
    const seen = new Set(await tx.seenUpdates(ids, tx.now - limits.dedupeWindowMs));
    let records = await stored(tx, [...new Set(batch.flatMap(({ conversation: c }) => c ?? []))]);
    let applied = 0;
    for (const { update, facts, conversation } of batch) {
      const { updateId, chat, chatKind, event, migration } = facts;
      if (seen.has(updateId)) continue;
      seen.add(updateId);
      const seq = tx.append({ type: 'update.received', chat, updateId, body: updateBody(update, updateId) });
      applied += 1;
      if (migration !== null) {
        tx.moveChat(migration.from, migration.to);
        live.forgetAll();
        records = new Map();
      }
      if (event === null || conversation === null || chat === null || chatKind === null) continue;
      if (isForAnother(event)) continue;
      // Stepped earlier in this batch and not kept in memory: read it as this batch has left it.
      if (!live.has(conversation) && !records.has(conversation)) {
        for (const [id, record] of await stored(tx, [conversation])) records.set(id, record);
      }
      // The bot's own coming and going begins nothing.
      if (event.type === 'membership.changed' && !live.has(conversation) && !records.has(conversation)) continue;
      step(tx, conversation, chat, chatKind, records, event, seq);
    }
    return applied;
  }

  return {
    receiveUpdates(updates, offset) {
      return unit(async (tx) => {
        const applied = await applyUpdates(tx, updates);
        tx.setPollOffset(offset);
        return applied;
      });
    },

    fireTimers() {
      return unit(async (tx) => {
        const first = await tx.dueTimers(tx.now, limits.timersPerUnitMax);
        const records = await stored(tx, [...new Set(first.map(({ conversation }) => conversation))]);
        // Another version's timers may have been cleared or moved with their conversation.
        const due = await tx.dueTimers(tx.now, limits.timersPerUnitMax);
        for (const { conversation, id, dueAt, event } of due) {
          tx.clearTimer(conversation, id);
          const chat = chatOfConversation(conversation);
          if (chat === null) continue;
          const fields = `"timer":${JSON.stringify(id)},"due_at":${dueAt},"event":${event}`;
          const seq = tx.append({ type: 'timer.fired', chat, body: entryBody(conversation, chat, fields) });
          await stepOne(tx, conversation, chat, records, JSON.parse(event), seq);
        }
        return due.length;
      });
    },

    answerRequest(id, outcome) {
      return unit(async (tx) => {
        const asked = await tx.openRequest(id);
        const records = asked === null ? new Map() : await stored(tx, [asked.conversation]);
        // Another version's request may have been withdrawn or renamed with its conversation.
        const request = await tx.openRequest(id);
        const chat = request === null ? null : chatOfConversation(request.conversation);
        if (request === null || chat === null) return false;
        tx.closeRequest(id);
        const { conversation, src } = request;
        const fields = `"request":${JSON.stringify(id)},"src":${JSON.stringify(src)},${JSON.stringify(outcome).slice(1, -1)}`;
        const seq = tx.append({ type: 'request.answered', chat, body: entryBody(conversation, chat, fields) });
        // What was sent to the backend, and not asked of it, is answered to nobody.
        if (request.invoke !== '') await stepOne(tx, conversation, chat, records, answerEvent(request, outcome), seq);
        return true;
      });
    },

    postEvent(post) {
      return unit((tx) => postEvent(tx, post));
    },

    bringUp(ids, check) {
      return unit(async (tx) => {
        const verdicts: Verdict[] = [];
        for (const record of (await tx.conversations(ids)).values()) {
          if (!isOutdated(record, machines.versions)) continue;
          const { verdict, after } = await settle(tx, bot, record, machines.versions);
          verdicts.push(verdict);
          if (after !== record) live.forget(record.id);
        }
        tx.noteVersionCheck(check);
        return verdicts;
      });
    },

    counts: () => ({ live: live.size(), steps }),
  };

  function requireConversation(id: string, records: Records): void {
    if (live.has(id) || records.has(id)) return;
    const message = `There is no conversation ${id}: in a group it begins with what somebody writes`;
    throw new SwitchboardError('not_found', message, { field: 'id' });
  }

  async function postEvent(tx: Tx, post: EventPost): Promise<EventAccepted> {
    const { keyId, idempotencyKey, event } = post;
    const named = chatOfConversation(post.conversation);
    if (named === null) {
      throw invalid('id', `"${post.conversation}" is no conversation: give a chat id, as 777 or -100777:u5`);
    }
    checkType(event.type);
    const body = eventText(event);
    const requestHash = createHash('sha256').update(`${post.conversation}\n${body}`).digest('hex');
    const first = await tx.remembered(keyId, idempotencyKey);
    if (first !== null) {
      if (first.requestHash === requestHash) return { seq: Number(first.answer), replayed: true };
      throw new SwitchboardError('idempotency_key_reused', 'Use a new Idempotency-Key for another event');
    }
    const chat = await tx.currentChat(named);
    const conversation = chat + post.conversation.slice(named.length);
    const records = await stored(tx, [conversation]);
    // A private chat's conversation may begin with an event. In a group nobody could say whose it would be.
    if (conversation !== chat || chat.startsWith('-')) requireConversation(conversation, records);
    const seq = tx.append({ type: 'event.received', chat, body: entryBody(conversation, chat, `"event":${body}`) });
    await stepOne(tx, conversation, chat, records, event, seq);
    tx.remember(keyId, idempotencyKey, { requestHash, answer: String(seq) });
    tx.forgetAnswersBefore(tx.now - limits.idempotencyWindowMs);
    return { seq, replayed: false };
  }
}

/** An update's entry. One that cannot be written as JSON again (nested too deep) must not hold the others up (I8). */
function updateBody(update: unknown, updateId: number): string {
  try {
    return `{"update":${JSON.stringify(update)}}`;
  } catch {
    return `{"update":{"update_id":${updateId}},"error":"the update is nested too deep to be kept"}`;
  }
}

const invalid = (field: string, message: string) => new SwitchboardError('request_invalid', message, { field });

function eventText(event: Event): string {
  try {
    return JSON.stringify(event);
  } catch {
    throw invalid('', 'The event is nested too deep');
  }
}

/** Names that only Switchboard itself may send to a machine: an aggregator cannot pretend to be the user or a timer. */
const RESERVED = /^(xstate|message|callback|membership)\./;

function checkType(type: string): void {
  if (!/^[a-z][\w-]*(\.[\w-]+)+$/i.test(type) || type.length > limits.eventTypeLengthMax) {
    throw invalid('type', 'An event type is a dotted name such as payment.settled');
  }
  if (RESERVED.test(type)) throw invalid('type', `${type} is Switchboard's own: choose another name`);
}

/** The event by which XState tells a machine how an invoke ended. */
function answerEvent({ invoke }: RequestRecord, outcome: RequestOutcome): Event & Record<string, unknown> {
  return 'output' in outcome
    ? { type: `xstate.done.actor.${invoke}`, output: outcome.output, actorId: invoke }
    : { type: `xstate.error.actor.${invoke}`, error: outcome.error, actorId: invoke };
}
