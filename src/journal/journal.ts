import type { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';

/**
 * The journal of one bot: the durable, gapless, ordered log of what came in, what was decided and what went out,
 * with the state that belongs to it. All of a unit of work commits together, or none of it does.
 *
 * Upheld by every engine: I1 (the poll offset commits with its updates), I2 (`seenUpdates`), I5 (claims commit
 * before the call), I6 (a commit fails with `lease_lost` once another process holds the bot's epoch). Entries have
 * seq 1, 2, 3, … without a gap, in commit order.
 */
export interface Journal {
  readonly bot: string;
  /**
   * Names this journal for ever: one made anew, or put into another data folder as a backup is, has another id, so that
   * readers notice.
   */
  readonly stream: string;
  /** For the buttons of conversations: what signs them, and the first seq whose message has signed ones. Kept for ever. */
  readonly buttons: { readonly secret: string; readonly since: number };
  /**
   * Runs a job in the next transaction, with those of other callers that wait (group commit), in the order of the
   * calls. `patient`: behind all that are not, as far as they leave room; for what comes in large numbers. Resolves once the transaction is durable. A job that throws is rolled back alone; a commit that fails
   * rejects every job of its group with nothing kept. A job must await only the transaction's own methods.
   */
  write<T>(job: (tx: Tx) => Promise<T>, patient?: boolean): Promise<T>;
  /** Called after each commit that brought anything of what a `Commit` tells, in commit order, before its jobs resolve. */
  onCommit(listener: (commit: Commit) => void): void;
  /**
   * Called whenever the disk or the database fails a read or a write, which then rejects with the same error: `disk_full`,
   * `disk_failed`, `data_locked` or `data_damaged`.
   */
  onFault(listener: (fault: SwitchboardError) => void): void;
  /** From now on every write is refused with this error; what is under way commits or fails by itself. */
  refuseWrites(error: SwitchboardError): void;
  /** First entry still kept (1 in an empty journal) and last entry committed (0 in an empty one). */
  bounds(): { readonly first: number; readonly head: number };
  /** Committed entries in order. At most limits.readEntriesMax. */
  read(query: ReadQuery): Promise<Entry[]>;
  /** The last entry in a range of these chats (null: of all) and this owner (null: any); null: there is none. */
  lastSeq(query: {
    readonly from: number;
    readonly to: number;
    readonly chats: readonly string[] | null;
    readonly owner: string | null;
  }): Promise<number | null>;
  /** The first seq that was written at or after this time, of those kept; the seq after the head where none was. */
  seqAt(at: number): Promise<number>;
  /** The offset to poll from; null before the first poll. */
  pollOffset(): Promise<number | null>;

  conversation(id: string): Promise<ConversationRecord | null>;
  /** Ordered by id; `after` is the last id of the page before. `chats` restricts to these Telegram chats. */
  conversations(page: {
    readonly after: string | null;
    readonly limit: number;
    readonly chats: readonly string[] | null;
  }): Promise<ConversationRecord[]>;
  /** What each conversation runs and where it stands, without its snapshot. Ordered by id, after that id; '' is before all of them. */
  conversationVersions(after: string, limit: number): Promise<ConversationVersion[]>;
  /** How far the conversations have been brought to today's machines; null where that was never noted. */
  versionCheck(): Promise<VersionCheck | null>;
  /** In the order in which they come due. */
  timersOf(conversation: string): Promise<TimerRecord[]>;
  requestsOf(conversation: string): Promise<RequestRecord[]>;
  /** Of what is held for it, what it has waited for: by seq. */
  heldAwaited(conversation: string): Promise<HeldAwaited[]>;
  /** Of the conversations those that are quarantined, in the same pages. */
  quarantined(page: {
    readonly after: string | null;
    readonly limit: number;
    readonly chats: readonly string[] | null;
  }): Promise<ConversationRecord[]>;
  /** When the next timer is due; null where none is set. */
  nextTimerAt(): Promise<number | null>;
  /**
   * Requests without an answer, src by src in the order of their names: of each the oldest, so many, oldest first. Of
   * limits.requestSrcsPerLook srcs at most, those after `after`.
   */
  openRequests(limitOfSrc: number, after?: string): Promise<RequestRecord[]>;
  /** Requests without an answer, newest first. */
  newestRequests(limit: number): Promise<RequestRecord[]>;
  /** How many requests are without an answer. */
  openRequestCount(): Promise<number>;
  message(seq: number): Promise<MessageRecord | null>;
  /** Messages of unknown fate, in the order of their acceptance. */
  unknownMessages(query: UnknownQuery, limit: number): Promise<MessageRecord[]>;
  /** The chats that have become this one: a group that became a supergroup had another id. */
  formerChats(chat: string): readonly string[];
  /** Messages with files on the disk, oldest first. */
  messagesWithFiles(): Promise<MessageRecord[]>;
  /** Messages that wait: queued and scheduled. */
  outboxDepth(): Promise<number>;
  /**
   * Since when the message waits that waits longest: from its acceptance, its send_at, or its first failure; null: none
   * waits. Of the messages that rest, only limits.figuresRowsMax are looked at.
   */
  oldestWaitingAt(): Promise<number | null>;
  /** Conversations that are quarantined now, up to limits.figuresRowsMax. */
  quarantinedCount(): Promise<number>;
  /** Why nothing is sent: the data folder is a copy. As of the last commit; null: messages are sent. */
  copyHold(): CopyHold | null;
  /**
   * Empties the write-ahead log, in which what was deleted can still be read. False if somebody reads or writes the database
   * just now: call it again later.
   */
  emptyLog(): Promise<boolean>;
  /** How far a key's callbacks have come; null before the first. */
  callback(keyId: string): Promise<CallbackRecord | null>;
  /** How far a key has read by getUpdates; null before its first poll. */
  cursor(keyId: string): Promise<CursorRecord | null>;
  /** Those of all keys, also of keys that are gone. */
  cursors(): Promise<CursorRecord[]>;
  /** Finds what there is of a chat or a user, and erases it. */
  readonly erasing: Erasing;
  /** Ends the journal: waits for the jobs accepted, refuses later ones as `shutting_down`. */
  close(): Promise<void>;
}

/** Finds what the journal and its tables hold of some chats, by their ids: a part at a time, each of a bounded size. */
export interface Erasing {
  /** Orders to erase that are not done, and the latest that are, by number. */
  orders(): Promise<Erasure[]>;
  /** Entries of seqs from `from` on, up to `to`, whose stored text has one of these ids. `through`: the last seq looked at. */
  entriesWith(ids: readonly string[], from: number, to: number): Promise<{ entries: Entry[]; through: number }>;
  /** Rows whose text has one of these ids. `after`: where the part before ended, null at first. `next` null: that was all. */
  rowsWith(
    ids: readonly string[],
    after: RowPlace | null,
  ): Promise<{ readonly rows: readonly StoredRow[]; readonly next: RowPlace | null }>;
  /** Seqs of entries in other chats that this order has rewritten, after that one, in order. */
  rewritten(erasure: number, after: number, limit: number): Promise<number[]>;
}

/** An order to erase a chat. Durable from when it is given until it is done. */
export interface Erasure {
  readonly number: number;
  /** Null once it is done. */
  readonly chat: string | null;
  readonly askedAt: number;
  readonly doneAt: number | null;
  /** The last entry that it covers; null: the chat is not at rest yet. */
  readonly through: number | null;
  /** The last entry that was looked at. */
  readonly position: number;
  /** Entries that have become stubs. */
  readonly entries: number;
  /** Entries of others that lost what was the chat's in them. */
  readonly mentions: number;
  /** The seq of its chat.erased entry; null: not written yet. */
  readonly told: number | null;
}

/** Tables with rows of single chats, beside the entries. */
export const SUBJECT_TABLES = [
  'conversations',
  'timers',
  'requests',
  'held_events',
  'quarantined',
  'messages',
  'answers',
  'closed_chats',
  'holds',
  'read_marks',
] as const;
export type SubjectTable = (typeof SUBJECT_TABLES)[number];

type Cell = string | number | null;
/** A place in the order of the tables and of their keys. */
export interface RowPlace {
  readonly table: SubjectTable;
  readonly key: readonly Cell[];
}
/** A row of such a table, by the names of its columns. */
export interface StoredRow extends RowPlace {
  /** The seq of a message; null: it is none. */
  readonly seq: number | null;
  readonly columns: Readonly<Record<string, Cell>>;
}

/** The body of an entry that was erased. Its seq, type, chat and time stay. */
export const ERASED_BODY = '{"erased":true}';

/** Whether an entry's content was erased. */
export const isErased = ({ body }: Pick<Entry, 'body'>): boolean => body === ERASED_BODY;

/** Bytes. */
export interface DataSizes {
  readonly databaseBytes: number;
  /** Bytes of the write-ahead log, whose pages are not all in the database's file yet. */
  readonly walBytes: number;
  /** Left on the disk for whoever runs this. */
  readonly freeBytes: number;
}

/** A journal that is only read, beside the process that writes it or while none does. Sees committed work alone. */
export interface JournalReader
  extends Pick<
    Journal,
    | 'bot'
    | 'bounds'
    | 'read'
    | 'conversation'
    | 'conversations'
    | 'conversationVersions'
    | 'timersOf'
    | 'requestsOf'
    | 'heldAwaited'
    | 'message'
    | 'formerChats'
  > {
  close(): void;
}

/** A journal that is followed beside the process that writes it, by somebody who makes something of its entries. */
export interface JournalFollower {
  /** As of now: the journal's id, the first entry that is kept, the last one committed. */
  bounds(): { readonly stream: string; readonly first: number; readonly head: number };
  /** The entries of these seqs, in order; those that are not kept are left out. */
  entries(from: number, to: number): Iterable<Entry>;
  /** Those of seqs that are in order. */
  entriesOf(seqs: Iterable<number>): Iterable<Entry>;
  message(seq: number): MessageRecord | null;
  /** Groups that became supergroups: the old id and the new one. */
  movedChats(): ReadonlyMap<string, string>;
  /** As the table has them, by id, after that one. What is on its way there is newer: see below. */
  conversations(after: string, limit: number): ConversationRecord[];
  savedConversations(): ConversationRecord[];
  close(): void;
}

/** What one commit brought, for those who act on it. Everything in it is durable. */
export interface Commit {
  readonly entries: readonly Entry[];
  /** Messages were queued or came free, other than by a call's end: the outbox has work. */
  readonly outbox: boolean;
  /** Requests were made. */
  readonly requests: boolean;
  /** Ids of the requests that were taken back without an answer. */
  readonly withdrawn: readonly string[];
  /** Requests without an answer, after it. */
  readonly openRequests: number;
  /** The earliest due time among the timers set; null where none was. */
  readonly timerAt: number | null;
  /** Messages that wait, queued and scheduled, after it. */
  readonly messages: number;
}

export type EntryType =
  | 'update.received'
  | 'event.received'
  | 'timer.fired'
  | 'request.answered'
  | 'chat.moved'
  | 'chat.migrated'
  | 'chat.emitted'
  | 'chat.quarantined'
  | 'chat.resumed'
  | 'chat.erased'
  | 'message.accepted'
  | 'message.sent'
  | 'message.failed'
  | 'message.unknown'
  | 'message.canceled'
  | 'message.expired';

export interface NewEntry {
  readonly type: EntryType;
  /** Telegram's chat id; null where the entry belongs to no chat. */
  readonly chat: string | null;
  /** What the entry carries: the text of a JSON object, `{"update":{…}}`. */
  readonly body: string;
  readonly updateId?: number;
  /** The key that posted the message which this entry is about. */
  readonly owner?: string | null;
}

export interface Entry {
  readonly seq: number;
  readonly type: EntryType;
  readonly bot: string;
  readonly chat: string | null;
  /** ms since 1970: when the unit of work was begun. */
  readonly at: number;
  readonly body: string;
  /** As it was appended. Told in a commit; entries that are read do not repeat it. */
  readonly owner?: string | null;
}

export interface ReadQuery {
  /** The first seq wanted, and the last; left out: the head. */
  readonly from: number;
  readonly to?: number;
  readonly limit: number;
  /** Stops with the entry that reaches it, by their lengths (lengthOf); left out: `limit` is all that bounds it. */
  readonly lengthMax?: number;
  /** Only entries of these chats; null: of all, those without a chat included. */
  readonly chats?: readonly string[] | null;
  readonly types?: readonly string[] | null;
  /** Only entries about messages that this key posted; null: all. */
  readonly owner?: string | null;
}

/** What an entry costs who reads it: the characters of its body, and some for what is around that. */
export const lengthOf = ({ body }: Entry): number => body.length + limits.entryEnvelopeLength;

/** A conversation as stored after its last step. */
export interface ConversationRecord {
  readonly id: string;
  /** Telegram's chat id. */
  readonly chat: string;
  readonly machine: string;
  readonly version: string;
  /** `done`: in a final state; the next message starts anew. `quarantined`: stands still until someone looks (I8). */
  readonly status: 'active' | 'done' | 'quarantined';
  /** XState's state value, JSON. */
  readonly state: string;
  /** XState's persisted snapshot, JSON. */
  readonly snapshot: string;
  /** Why it is quarantined. */
  readonly error: string | null;
  /** The entry that caused the last step. */
  readonly lastSeq: number;
  readonly updatedAt: number;
}

export type ConversationVersion = Pick<ConversationRecord, 'id' | 'machine' | 'version' | 'status' | 'state'>;

/** A walk over all conversations in the order of their ids, which a later process goes on with. */
export interface VersionCheck {
  /** Names the machines, versions and policies that conversations are held against: another plan begins anew. */
  readonly plan: string;
  /** The last id that was looked at; null once all have been. */
  readonly after: string | null;
}

/** An event that a quarantined conversation has not taken: the one that it failed on, or one that came since. */
export interface HeldEvent {
  readonly conversation: string;
  /** Of the entry that it came with. */
  readonly seq: number;
  /** The event to step with, JSON. */
  readonly event: string;
  /** What has come with it; null: it was not waited for. */
  readonly awaited: Awaited | null;
}

/** A timer that fired, or a request that was answered: its row is gone. `name` is the timer's id, or the invoke. */
export type Awaited =
  | { readonly kind: 'timer'; readonly name: string; readonly dueAt: number }
  | ({ readonly kind: 'request'; readonly name: string } & Pick<RequestRecord, 'id' | 'src' | 'input' | 'createdAt'>);

/** A held event that the conversation has waited for. */
export interface HeldAwaited extends HeldEvent {
  readonly awaited: Awaited;
}

/** An `after` of a conversation. (conversation, id) is unique: setting it again moves it. */
export interface TimerRecord {
  readonly conversation: string;
  /** XState's id of the delayed event; firing is a step with the event below. */
  readonly id: string;
  readonly dueAt: number;
  /** The event to step with, JSON. */
  readonly event: string;
}

/** What a conversation asks of the backend, until it is answered. */
export interface RequestRecord {
  /** `<bot>-<stream>-<seq>-<n>`: the idempotency key for the backend, never used again by any journal. */
  readonly id: string;
  readonly conversation: string;
  /** XState's id of the invoke; empty: sent to the backend, and the conversation waits for no answer. */
  readonly invoke: string;
  readonly src: string;
  /** JSON. */
  readonly input: string;
  readonly createdAt: number;
}

export const MESSAGE_STATUSES = [
  'scheduled',
  'queued',
  'sending',
  'sent',
  'failed',
  'unknown',
  'expired',
  'canceled',
] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

/** Which messages of unknown fate: those for which all that is given holds. */
export interface UnknownQuery {
  /** The key that posted them. */
  readonly owner?: string | undefined;
  readonly chat?: string | undefined;
  readonly method?: string | undefined;
  /** ms since 1970: they have been unknown since a time after, and before, these. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly seqs?: readonly number[] | undefined;
  /** Accepted after this one. */
  readonly after?: number | undefined;
}

export interface MessageRecord {
  /** The seq of its message.accepted entry: the order of acceptance. */
  readonly seq: number;
  /** Telegram's chat id, or an @name in lower case. */
  readonly chat: string;
  /** `chat`: in order with the others of its chat that keep it; `free`: it waits for none, and holds none up. */
  readonly order: 'chat' | 'free';
  readonly method: string;
  /** Telegram counts it as a message. An edit, say, is none. */
  readonly counted: boolean;
  /** The call's parameters, JSON. */
  readonly params: string;
  readonly status: MessageStatus;
  /** -1 a reply, 0 high, 1 normal, 2 low. */
  readonly priority: number;
  /**
   * Scheduled: not to be sent before; that it has come due is not taken back. Queued: when it is tried again, counted from
   * `updatedAt`; 0: at once. Times are kept in whole ms, rounded up.
   */
  readonly dueAt: number;
  readonly expiresAt: number | null;
  readonly onUnknown: 'hold' | 'resend';
  /** The key that posted it; null: a conversation asked for it. */
  readonly keyId: string | null;
  readonly attempts: number;
  readonly telegramMessageId: number | null;
  /** `{"code","description"}` of the last failure, JSON. */
  readonly error: string | null;
  /** Files uploaded with it, that are still on the disk; JSON (outbox/uploads.ts). Null: none. */
  readonly files: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export type MessageChange = Partial<
  Pick<MessageRecord, 'chat' | 'params' | 'status' | 'dueAt' | 'attempts' | 'telegramMessageId' | 'error' | 'files'>
>;

/** Of the messages that may go now, those to look for; all where it says nothing. */
export interface ClaimableOf {
  /** Those that Telegram does not count as messages. */
  readonly uncounted?: boolean;
  /** Those at least as urgent: a lower number is more urgent. */
  readonly priorityMax?: number;
  /** By priority, the key whose message went last: the one behind it has the first turn. '' are the conversations. */
  readonly turns?: ReadonlyMap<number, string>;
}

/** For how long, from the transaction's time, Telegram is not to be sent anything for a chat; `chat` null: for any. */
export interface Hold {
  readonly chat: string | null;
  readonly waitMs: number;
}

/**
 * The journal was opened in a copy of its data folder, a restored backup say. What waits may have been sent since the copy
 * was made, so that nothing is claimed until somebody has looked.
 */
export interface CopyHold {
  /** ms since 1970. */
  readonly since: number;
  /** Messages with this seq or a later one were accepted in the copy; earlier ones came with it. */
  readonly from: number;
}

/** A key's place among the updates. */
export interface CursorRecord {
  readonly keyId: string;
  /** It has confirmed what is up to here. */
  readonly seq: number;
  /** The offset that confirmed last; null: none did yet. */
  readonly confirmedOffset: number | null;
  /** The kinds of update that it asked for, a JSON array; null: Telegram's default. */
  readonly allowedUpdates: string | null;
  readonly updatedAt: number;
}

/** How far a key's callbacks have come. */
export interface CallbackRecord {
  readonly keyId: string;
  /** The last entry that the receiver has taken; 0: none. */
  readonly seq: number;
  readonly failingSince: number | null;
  readonly failures: number;
  /** Why nothing more is sent; null: it is. */
  readonly disabled: string | null;
}

/** A first answer, kept to be given again (Idempotency-Key). */
export interface RememberedAnswer {
  /** SHA-256 of the request, hex. */
  readonly requestHash: string;
  /** JSON. */
  readonly answer: string;
}

/** One transaction. Reads see what was written before in it; nobody else does until it commits. */
export interface Tx extends ErasingTx {
  /** The transaction's time, ms since 1970. */
  readonly now: number;
  /** The same on the clock that nobody sets (Clock.steadyNow): what rests in the outbox rests by it. */
  readonly steadyNow: number;
  /** The same as far as it is proven (ProvenTime): what is forgotten or given up for its age goes by it. */
  readonly provenNow: number;
  /** The seq that the next `append` will give. */
  nextSeq(): number;
  /** Adds an entry; returns its seq. */
  append(entry: NewEntry): number;
  /**
   * Takes entries away, the oldest first, none of `before` or later; a bounded number, so that nothing waits long for it.
   * Such as were committed together with one that stays may stay. Returns the first seq that is kept now.
   */
  trim(before: number): number;
  /**
   * Takes the parameters and errors of messages that have ended, if they are older than the first entry that is kept. One that
   * ended late keeps them until the entry of its end is gone. A bounded number; true if there is more.
   */
  forgetMessages(): boolean;
  /** Drops what is held for quarantined conversations, if it is as old; timers stay. A bounded number; true if there is more. */
  forgetHeld(): boolean;
  /** Gives a bounded part of the database's unused pages back to the disk; true if there is more. */
  reclaim(): boolean;

  /** The ids of which the journal holds an update that was received at or after `since`, by provenNow (I2). */
  seenUpdates(updateIds: readonly number[], since: number): Promise<ReadonlySet<number>>;
  setPollOffset(offset: number): void;

  conversations(ids: readonly string[]): Promise<ReadonlyMap<string, ConversationRecord>>;
  saveConversation(record: ConversationRecord): void;
  /**
   * A group became a supergroup: its conversations, timers, requests and waiting messages go on under the new id.
   * Where the new chat has that conversation already, the moved one takes its place, with its timers and requests;
   * only one that is done gives way to one that is not. Where either is quarantined the one that stays is, with what
   * both hold.
   */
  moveChat(from: string, to: string): void;
  /** As Telegram's answer to a message tells it, before the update of the move comes: the waiting messages alone. */
  moveMessages(from: string, to: string): void;
  /** The chat's id today: that of the supergroup where the group has become one. */
  currentChat(chat: string): Promise<string>;

  setTimer(timer: TimerRecord): void;
  clearTimer(conversation: string, id: string): void;
  clearTimers(conversation: string): void;
  /** Due at or before `now`, earliest first; of those that are due at the same time the one that was set first. */
  dueTimers(now: number, limit: number): Promise<TimerRecord[]>;
  /** Those of one conversation that are due at or before `now`, in the same order. */
  dueTimersOf(conversation: string, now: number): Promise<TimerRecord[]>;
  /** Takes a due timer out, to be fired; false where it has been cleared, moved or set anew since it was read. */
  takeTimer(timer: TimerRecord): Promise<boolean>;
  /** In the order in which they come due. */
  timersOf(conversation: string): Promise<TimerRecord[]>;

  /**
   * Keeps an event for a quarantined conversation. One of the same seq is kept already: nothing is done. Where
   * limits.heldEventsMax are kept it is only counted, unless it is one that the conversation has waited for.
   */
  holdEvent(event: HeldEvent): void;
  /** The first that is held, by seq; null: none is. */
  nextHeld(conversation: string): Promise<HeldEvent | null>;
  /** Of what is held for it, what it has waited for: by seq. */
  heldAwaited(conversation: string): Promise<HeldAwaited[]>;
  /** What came goes on under another name: the held event of that seq becomes this one. */
  renameHeld(event: HeldAwaited): void;
  dropHeld(conversation: string, seq: number): void;
  /** The conversation waits for it no more: drops its coming; `awaited` null: the coming of whatever it waited for. */
  forgetAwaited(conversation: string, awaited: Pick<Awaited, 'kind' | 'name'> | null): void;
  /** The conversation is quarantined no more: drops all that is held. Returns how many events were only counted. */
  endQuarantine(conversation: string): Promise<number>;

  addRequest(request: RequestRecord): void;
  /** Null once it was answered or withdrawn. */
  openRequest(id: string): Promise<RequestRecord | null>;
  closeRequest(id: string): void;
  withdrawRequest(conversation: string, invoke: string): void;
  /** A single request, by its id: others may have the same name. */
  withdraw(id: string): void;
  /** All that the conversation waits for; what it sent without waiting is asked all the same. */
  withdrawRequests(conversation: string): void;
  /** Those without an answer, oldest first. */
  requestsOf(conversation: string): Promise<RequestRecord[]>;
  /** An open request goes on under another name of its invoke; its id, the idempotency key, stays. */
  renameRequest(id: string, invoke: string): void;

  noteVersionCheck(check: VersionCheck): void;

  /** For a group that is known to have become a supergroup it goes to that, in line with the others. */
  addMessage(message: MessageRecord): void;
  message(seq: number): Promise<MessageRecord | null>;
  /**
   * Throws where there is no such message. `known`: the message as the caller has claimed it, so that it need not be
   * read again.
   */
  changeMessage(seq: number, change: MessageChange, known?: MessageRecord): void;
  /**
   * Queues the scheduled messages that are due, and gives those that expired: of each at most
   * limits.outboxDuePerUnitMax, the earliest first. Where there may be more, the commit says so to the outbox.
   */
  dueMessages(): Promise<{ readonly expired: readonly MessageRecord[] }>;
  /**
   * Messages to send now: due, queued and not expired, high priority first. Within a priority one of each key in turn, as
   * ids are in order, where all conversations are one key; each key's in order of acceptance. Of a chat's
   * messages that keep their order at most one, the first (by priority, then acceptance), and none while one of them
   * is being sent: the others wait for it, also while it waits for another try.
   */
  claimable(limit: number, which?: ClaimableOf): Promise<MessageRecord[]>;
  /** Of claimable messages: they are `sending` from now on, an attempt more each. */
  claim(messages: readonly MessageRecord[]): void;
  /** Defers a claimable message, and what waits behind it, until that time, by steadyNow. */
  rest(message: MessageRecord, until: number): void;
  /**
   * At start, when the steady clock is another than that of the rows: what rests for its pace rests no more, and what
   * waits for another try does so for what is left of its wait, never longer than the whole.
   */
  restAnew(): void;
  /**
   * When there is something to do beside what is claimable now, by steadyNow: a message is due or comes off its rest, a
   * scheduled one is to be queued, one expires. It may have passed. Null: nothing.
   */
  nextMessageAt(): Promise<number | null>;
  /** Telegram asked to wait. Of two waits for the same the longer holds. */
  hold(hold: Hold): void;
  /**
   * The waits that are not over, with what is left of each: never more than was asked for. The bot's comes first, then
   * those that end last.
   */
  holds(limit: number): Promise<Hold[]>;
  copyHold(): CopyHold | null;
  /** From now on messages are sent: somebody has looked at the copy. */
  releaseCopy(): void;
  /** Messages accepted before that seq that are queued or scheduled, at most so many. */
  waitingBefore(seq: number, limit: number): Promise<MessageRecord[]>;
  /**
   * What a key has waiting, found by a walk over all that waits: at most so many messages are looked at. `place`: where the
   * page before ended, '' for the first. `next` is null once all were looked at.
   */
  waitingOf(
    keyId: string,
    place: string,
    looks: number,
  ): Promise<{ readonly messages: readonly MessageRecord[]; readonly next: string | null }>;
  /** Messages claimed by a process that did not settle them. */
  orphanedMessages(): Promise<MessageRecord[]>;
  /** As the journal's, with what this transaction has changed. */
  unknownMessages(query: UnknownQuery, limit: number): Promise<MessageRecord[]>;
  /** How many there are, up to `max`. */
  unknownCount(query: UnknownQuery, max: number): Promise<number>;
  outboxDepth(): Promise<number>;
  /** Another address of a message that was sent: a further item of an album, or the numeric id of an @name's chat. */
  addSentAddress(seq: number, chat: string, telegramMessageId: number): void;
  /** The calls that made Telegram's message with this id in this chat, or changed it since: the first accepted first. */
  sentMessages(chat: string, telegramMessageId: number, limit: number): Promise<MessageRecord[]>;
  /** Messages that this key posted and that wait, queued and scheduled. */
  waitingCount(keyId: string): Promise<number>;
  /**
   * The chat takes no messages of the bot, as the call of this message tells, that had been claimed. `error`: why,
   * `{"code","description"}` as JSON. Nothing is done where something has come from the chat since the claim.
   */
  closeChat(chat: string, error: string, by: number): void;
  /** Something came from these chats: they take messages again, whatever becomes of calls that are under way. */
  reopenChats(chats: readonly string[]): Promise<void>;
  /** Of these chats the closed ones, each with its error. */
  closedChats(chats: readonly string[]): Promise<ReadonlyMap<string, string>>;

  remembered(owner: string, key: string): Promise<RememberedAnswer | null>;
  remember(owner: string, key: string, answer: RememberedAnswer): void;
  /** By provenNow. */
  forgetAnswersBefore(at: number): void;

  cursor(keyId: string): Promise<CursorRecord | null>;
  /** `updatedAt` becomes the transaction's time. */
  saveCallback(record: CallbackRecord): void;
  saveCursor(cursor: Omit<CursorRecord, 'updatedAt'>): void;
}

/** What a transaction does to erase a chat. */
export interface ErasingTx {
  /** An order to erase, or the one that the chat has already and that does not cover a part of its entries yet. */
  orderErasure(chat: string): Promise<Erasure>;
  /** Stores how far it has come. Of those that are done the oldest are forgotten. */
  noteErasure(erasure: Erasure): void;
  /** Gives entries other bodies; those that are not kept are passed over. Their seq, type, chat, time and owner stay. */
  rewriteEntries(bodies: ReadonlyMap<number, string>): void;
  /** What `rewritten` gives. */
  noteRewritten(erasure: number, seqs: readonly number[]): void;
  forgetRewritten(erasure: number): void;
  /** Messages to these chats that are queued or scheduled, at most so many. */
  waitingFor(chats: readonly string[], limit: number): Promise<MessageRecord[]>;
  /** A message to one of these chats is being sent. */
  isSendingTo(chats: readonly string[]): Promise<boolean>;
  /** The ids of these chats' conversations. */
  conversationsOf(chats: readonly string[]): Promise<string[]>;
  /** Deletes a conversation with all that it waits for and all that is held for it. */
  eraseConversation(id: string): void;
  /** Deletes a message, which must have ended. */
  eraseMessage(seq: number): void;
  /** Deletes a row that `rowsWith` gave; not one of `conversations`. */
  deleteRow(row: RowPlace): void;
  /** Gives some columns of such a row another text. */
  rewriteRow(row: RowPlace, columns: Readonly<Record<string, string>>): void;
  /** Brings the conversations that are on their way into their table. */
  settleConversations(): void;
}
