import { SwitchboardError } from '../errors.ts';
import type { ConversationRecord, Journal, RequestRecord, TimerRecord, Tx, VersionCheck } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { Presses } from '../outbox/outbox.ts';
import { type ChatKind, chatKindOf } from '../telegram/update.ts';
import { applyEvent, type Coming, entryBody } from './apply.ts';
import {
  type Conversations,
  chatOfConversation,
  type EventAccepted,
  type EventPost,
  type Stepped,
  type StepWatch,
} from './conversations.ts';
import { awaitedAnswer } from './held.ts';
import { createLiveConversations } from './live.ts';
import type { MachineTable } from './machines.ts';
import { readConversations, type Settled, settle } from './migrate.ts';
import { checkPost } from './posted-event.ts';
import { retryUnit } from './quarantine.ts';
import { eventIn, eventText, isForAnother, opensChat, pressIn, receivedOf, updateBody } from './received.ts';
import { answerEvent, type RequestOutcome } from './routing.ts';
import type { Stepper } from './step.ts';
import { isOutdated, mayGoOn } from './versions.ts';
import { movedOn, savedIn } from './watched.ts';

export interface RouterOptions {
  readonly journal: Journal;
  readonly machines: MachineTable;
  /** The bot's own name, once it is known: a command that names another bot is not for us. */
  readonly username: () => string | null;
  /** Tells which presses are of conversations' own buttons; left out: none is. */
  readonly presses?: Presses;
  /** Who looks at the steps just now; null, or left out: nobody. */
  readonly watch?: () => StepWatch | null;
}

export interface Router extends Conversations {
  /**
   * Journals a batch of updates, steps their conversations and moves the poll offset, in one unit of work (I1, I2).
   * Every item must have a whole number as `update_id`. Returns how many were new.
   */
  receiveUpdates(updates: readonly unknown[], offset: number): Promise<number>;
  /** Fires what is due, up to limits.timersPerUnitMax in one unit of work, in due order. Returns how many were due. */
  fireTimers(): Promise<number>;
  /**
   * Takes the backend's answer to a request. False where its conversation no longer waits for it: the answer is
   * journalled as late, and dropped.
   */
  answerRequest(request: RequestRecord, outcome: RequestOutcome): Promise<boolean>;
  /**
   * Brings those of these conversations that another version of their machine stored to that of today, or holds them by
   * policy; and notes how far the walk over all of them has come. One unit of work.
   */
  bringUp(ids: readonly string[], check: VersionCheck): Promise<Settled[]>;
  /** Runs a unit of work that changes conversations itself, and gives the ids of those: they are read anew afterwards. */
  rewrite(job: (tx: Tx) => Promise<readonly string[]>): Promise<void>;
  /** Goes on with a conversation that stands still for no other reason than that its machine was not loaded, and now is. */
  resume(id: string): Promise<void>;
  /** Lets go of conversations that nothing has happened to since that time. Returns how many. */
  passivate(unusedSince: number): number;
  /** Conversations in memory, how often one was activated, and steps: since the start. */
  counts(): { readonly live: number; readonly activations: number; readonly steps: number };
  /** The ids of the conversations in memory, the one used longest ago first. */
  liveIds(): readonly string[];
}

/** As stored before the unit of work, null: none. What has been stepped since is taken out, so that it is read again. */
type Records = Map<string, ConversationRecord | null>;

/**
 * Routes every event to its chat's conversation. All of them go through the journal's one queue of units of work, so
 * that a chat's events are applied in journal order, one at a time (I3), and no chat waits for another's I/O.
 */
export function createRouter({ journal, machines, username, presses, watch = () => null }: RouterOptions): Router {
  const { bot } = journal;
  const live = createLiveConversations(limits.liveConversationsMax, limits.liveConversationsLengthMax);
  const perOf = (kind: ChatKind) => machines.forKind(kind)?.per ?? null;
  let steps = 0;
  /** Steps of the job that runs now that are to be told once it is durable. Jobs run one after the other. */
  let watched: Stepped[] = [];
  /** What the unit of work at hand has stepped: they run one at a time. */
  let stepped: string[] = [];

  /** A unit of work. Where it does not commit, memory is ahead of what is stored by what it stepped: that is dropped. */
  function unit<T>(job: (tx: Tx) => Promise<T>): Promise<T> {
    const own: string[] = [];
    const undo = (error: unknown): never => {
      for (const id of own) live.forget(id);
      throw error;
    };
    // Twice: a job that fails is undone before the next of its group runs, a commit that fails after all of them.
    const begun = (tx: Tx): Promise<T> => {
      stepped = own;
      return job(tx).catch(undo);
    };
    return (watch() === null ? journal.write(begun) : watchedUnit(begun)).catch(undo);
  }

  /** The same, whose steps somebody looks at: they are told once they are durable. */
  async function watchedUnit<T>(job: (tx: Tx) => Promise<T>): Promise<T> {
    let told: readonly Stepped[] = [];
    const result = await journal.write((tx) => {
      watched = [];
      return job(tx).then((done) => {
        told = watched;
        return done;
      });
    });
    for (const step of told) watch()?.stepped(step);
    return result;
  }

  /** The stepper that the conversation runs; null where its chat has none. */
  function stepperFor(record: ConversationRecord | null, kind: ChatKind): Stepper | null {
    if (record?.status === 'active') return machines.named(record.machine, record.version);
    return machines.forKind(kind)?.stepper ?? null;
  }

  /** As stored, of those that are not in memory. What another version stored is brought up to date first. */
  async function load(tx: Tx, ids: Iterable<string>): Promise<Records> {
    const cold = [...new Set(ids)].filter((id) => !live.has(id));
    const found = await readConversations(tx, bot, cold, machines.versions);
    return new Map(cold.map((id) => [id, found.get(id) ?? null]));
  }

  /** Where it stands now: in memory, or as it was read; undefined where it must be read first. */
  function knownRecord(id: string, records: Records): ConversationRecord | null | undefined {
    return live.get(id)?.record ?? records.get(id);
  }

  /** Where it stands now. Reads it again where this unit of work has stepped it meanwhile. */
  async function recordOf(tx: Tx, id: string, records: Records): Promise<ConversationRecord | null> {
    const known = knownRecord(id, records);
    if (known !== undefined) return known;
    const record = (await load(tx, [id])).get(id) ?? null;
    records.set(id, record);
    return record;
  }

  /** Steps one conversation, which stands as `record` tells, with an event that is journalled as `seq`. */
  function step(
    tx: Tx,
    id: string,
    chat: string,
    kind: ChatKind,
    records: Records,
    record: ConversationRecord | null,
    coming: Coming,
    seq: number,
  ): void {
    const { awaited = null } = coming;
    records.delete(id);
    // I8: it stands still, and what comes waits for its retry.
    if (record?.status === 'quarantined') {
      tx.holdEvent({ conversation: id, seq, event: coming.text(), awaited });
      return;
    }
    const stepper = stepperFor(record, kind);
    // A timer, or an answer, begins nothing: it is journalled, and that is all.
    if (stepper === null || (awaited !== null && record?.status !== 'active')) return;
    steps += 1;
    stepped.push(id);
    const seen = watch()?.wants(id) === true ? savedIn(tx) : null;
    const next = applyEvent(seen?.tx ?? tx, journal, { id, chat, live: live.get(id), record, stepper }, coming, seq);
    const after = seen?.saved() ?? null;
    if (after !== null)
      watched.push({ conversation: id, seq, event: coming.event, from: record?.state ?? null, record: after });
    if (next === null) live.forget(id);
    else live.put(id, next);
  }

  /** Fires one timer, unless it has been taken back since it was read. */
  async function fire(tx: Tx, timer: TimerRecord, records: Records): Promise<void> {
    const { conversation, id, dueAt, event } = timer;
    const chat = chatOfConversation(conversation);
    if (!(await tx.takeTimer(timer)) || chat === null) return;
    const fields = `"timer":${JSON.stringify(id)},"due_at":${dueAt},"event":${event}`;
    const seq = tx.append({ type: 'timer.fired', chat, body: entryBody(conversation, chat, fields) });
    const awaited = { kind: 'timer', name: id, dueAt } as const;
    const coming = { event: JSON.parse(event), text: () => event, dueAt, awaited };
    const record = await recordOf(tx, conversation, records);
    step(tx, conversation, chat, kindOf(chat), records, record, coming, seq);
  }

  /**
   * What came due before an event was received happens before it: gives a function that fires the overdue timers of a
   * conversation, called before its first event. Costs one look at the index where nothing is overdue: null then.
   */
  async function overdueIn(tx: Tx): Promise<((conversation: string, records: Records) => Promise<void>) | null> {
    if ((await tx.dueTimers(tx.now, 1)).length === 0) return null;
    const done = new Set<string>();
    return async (conversation, records) => {
      if (done.has(conversation)) return;
      done.add(conversation);
      // Another version's timers may go with this: first the conversation is brought up, then they are read.
      await recordOf(tx, conversation, records);
      for (const timer of await tx.dueTimersOf(conversation, tx.now)) await fire(tx, timer, records);
    };
  }

  async function applyUpdates(tx: Tx, updates: readonly unknown[]): Promise<number> {
    const batch = updates.map((update) => receivedOf(update, perOf));
    const ids = batch.map(({ facts }) => facts.updateId);
    const seen = new Set(await tx.seenUpdates(ids, tx.provenNow - limits.dedupeWindowMs));
    let records = await load(
      tx,
      batch.flatMap(({ conversation }) => conversation ?? []),
    );
    const fireOverdue = await overdueIn(tx);
    await tx.reopenChats(batch.flatMap(({ facts }) => (facts.chat !== null && opensChat(facts) ? facts.chat : [])));
    let applied = 0;
    for (const { update, facts, conversation } of batch) {
      const { updateId, chat, chatKind, migration } = facts;
      if (seen.has(updateId)) continue;
      seen.add(updateId);
      if (conversation !== null && fireOverdue !== null) await fireOverdue(conversation, records);
      const press = pressIn(update, facts);
      const pressed = press === null ? null : ((await presses?.find(tx, press)) ?? null);
      const body = updateBody(update, updateId, press === null ? undefined : (pressed?.data ?? null));
      const seq = tx.append({ type: 'update.received', chat, updateId, body });
      pressed?.prove();
      applied += 1;
      if (migration !== null) {
        tx.moveChat(migration.from, migration.to);
        live.forgetAll();
        records = new Map();
      }
      const event = press === null ? facts.event : eventIn({ update, button: pressed?.data ?? null });
      if (event === null || conversation === null || chat === null || chatKind === null) continue;
      if (isForAnother(event, username())) continue;
      // Waited for only where it must be read.
      const known = knownRecord(conversation, records);
      const record = known === undefined ? await recordOf(tx, conversation, records) : known;
      // The bot's own coming and going begins nothing.
      if (event.type === 'membership.changed' && record === null) continue;
      const text = () => eventText(body, event);
      step(tx, conversation, chat, chatKind, records, record, { event, text }, seq);
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
        const broughtUp = new Set(first.map(({ conversation }) => conversation));
        const records = await load(tx, broughtUp);
        // Another version's timers may have been cleared or moved with their conversation: what has taken their room is
        // left to the next unit of work, which brings its conversation up first.
        const due = await tx.dueTimers(tx.now, limits.timersPerUnitMax);
        for (const timer of due) if (broughtUp.has(timer.conversation)) await fire(tx, timer, records);
        return due.length;
      });
    },

    answerRequest({ id, src, conversation: asker }, outcome) {
      return unit(async (tx) => {
        const conversation = (await tx.openRequest(id))?.conversation ?? asker;
        const chat = chatOfConversation(conversation);
        if (chat === null) return false;
        const records = await load(tx, [conversation]);
        await (await overdueIn(tx))?.(conversation, records);
        // Another version's request may have been withdrawn or renamed with its conversation, and what came due may
        // have taken it back.
        const open = await tx.openRequest(id);
        tx.closeRequest(id);
        const late = open === null ? '"late":true,' : '';
        const told = JSON.stringify(outcome);
        const record = await recordOf(tx, conversation, records);
        // The chat was erased meanwhile: what the answer says of it is not kept.
        const isErased = open === null && record === null;
        const says = isErased ? '"late":true' : `${late}${told.slice(1, -1)}`;
        const fields = `"request":${JSON.stringify(id)},"src":${JSON.stringify(src)},${says}`;
        const seq = tx.append({ type: 'request.answered', chat, body: entryBody(conversation, chat, fields) });
        // What was sent to the backend, and not asked of it, is answered to nobody.
        if (open !== null && open.invoke !== '') {
          const event = answerEvent(open, outcome);
          const text = () => JSON.stringify(answerEvent(open, JSON.parse(told)));
          const coming = { event, text, dueAt: tx.now, awaited: awaitedAnswer(open) };
          step(tx, conversation, chat, kindOf(chat), records, record, coming, seq);
        }
        return open !== null;
      });
    },

    postEvent(post) {
      return unit((tx) => postEvent(tx, post));
    },

    bringUp(ids, check) {
      return unit(async (tx) => {
        const settled: Settled[] = [];
        for (const record of (await tx.conversations(ids)).values()) {
          if (!isOutdated(record, machines.versions)) continue;
          const done = await settle(tx, bot, record, machines.versions);
          settled.push(done);
          if (done.after === record) continue;
          live.forget(record.id);
          if (watch()?.wants(record.id) === true) watched.push(movedOn('chat.migrated', done.after, record.state));
        }
        tx.noteVersionCheck(check);
        return settled;
      });
    },

    rewrite(job) {
      return unit(async (tx) => {
        for (const id of await job(tx)) live.forget(id);
      });
    },

    async resume(id) {
      const goOn = async (tx: Tx): Promise<boolean> => {
        const record = (await tx.conversations([id])).get(id);
        if (record === undefined || !mayGoOn(record, machines.versions)) return true;
        return (await retryUnit(tx, journal, machines, id)) !== null;
      };
      while (!(await unit(goOn)));
    },

    async retry(id) {
      for (;;) {
        const stands = await unit((tx) => retryUnit(tx, journal, machines, id));
        if (stands === null) continue;
        // Of those that it takes, the last one's end is told.
        if (watch()?.wants(id) === true) watch()?.stepped(movedOn('chat.retried', stands, null));
        return stands;
      }
    },

    passivate: (unusedSince) => live.forgetUnusedSince(unusedSince),
    counts: () => ({ live: live.size(), activations: live.activations(), steps }),
    liveIds: () => live.ids(),
  };

  async function postEvent(tx: Tx, post: EventPost): Promise<EventAccepted> {
    const { keyId, idempotencyKey, event } = post;
    const { chat: named, body, requestHash } = checkPost(post);
    const first = await tx.remembered(keyId, idempotencyKey);
    if (first !== null) {
      if (first.requestHash === requestHash) return { seq: Number(first.answer), replayed: true };
      throw new SwitchboardError('idempotency_key_reused', 'Use a new Idempotency-Key for another event');
    }
    const current = await tx.currentChat(named);
    const moved = current + post.conversation.slice(named.length);
    const records = await load(tx, [post.conversation, moved]);
    // Telegram's answer to a message tells of a move before its update comes: until then it stands under its old id.
    const stays =
      (await recordOf(tx, moved, records)) === null && (await recordOf(tx, post.conversation, records)) !== null;
    const [chat, conversation] = stays ? [named, post.conversation] : [current, moved];
    // A private chat's conversation may begin with an event. In a group nobody could say whose it would be.
    const mayBegin = conversation === chat && !chat.startsWith('-');
    if (!mayBegin && (await recordOf(tx, conversation, records)) === null) {
      const message = `There is no conversation ${conversation}: in a group it begins with what somebody writes`;
      throw new SwitchboardError('not_found', message, { field: 'id' });
    }
    await (await overdueIn(tx))?.(conversation, records);
    const told = `"key":${JSON.stringify(keyId)},"event":${body}`;
    const seq = tx.append({ type: 'event.received', chat, body: entryBody(conversation, chat, told) });
    const record = await recordOf(tx, conversation, records);
    step(tx, conversation, chat, kindOf(chat), records, record, { event, text: () => body }, seq);
    tx.remember(keyId, idempotencyKey, { requestHash, answer: String(seq) });
    tx.forgetAnswersBefore(tx.provenNow - limits.idempotencyWindowMs);
    return { seq, replayed: false };
  }
}

/** Of an event that did not come as an update. */
const kindOf = (chat: string): ChatKind => chatKindOf(undefined, Number(chat));
