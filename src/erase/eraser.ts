import type { Clock, TimerHandle } from '../clock.ts';
import { errorText } from '../errors.ts';
import type { Erasure, Journal, MessageRecord, RowPlace, StoredRow, Tx } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { SETTLED } from '../outbox/outbox.ts';
import { storageFault } from '../storage-fault.ts';
import type { Erasing } from './erase.ts';
import { type ExportParts, exportOf } from './export.ts';
import { type EntryFound, findInRow, isLater, type RowFound } from './found.ts';
import { findInEntries, idsOf, type PartFound } from './subject.ts';

/** The console's index, and what else keeps something of chats outside the journal. */
export interface ErasedElsewhere {
  /** The console's index forgets these chats up to a seq, and reads these entries of other chats again. Repeatable. */
  index(erased: {
    readonly chats: readonly string[];
    readonly through: number;
    readonly seqs: readonly number[];
  }): Promise<void>;
  /** The index gives its room back, so that no deleted word is left in its file. False: try again. */
  emptyIndex(): Promise<boolean>;
  /** A message's files go. */
  files(seq: number, files: string): Promise<void>;
  /** What the backend in this process keeps of these chats goes. */
  payments(ids: readonly string[]): Promise<void>;
}

export interface EraserOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Cancels a message that waits. Within the transaction. */
  readonly cancel: (tx: Tx, message: MessageRecord) => void;
  /**
   * Runs a unit of work that gives the ids of the conversations that it deleted or rewrote: whoever has them in memory drops
   * them within it.
   */
  readonly rewrite: (job: (tx: Tx) => Promise<readonly string[]>) => Promise<void>;
  /** Entries were rewritten: copies in memory go. */
  readonly onRewritten: () => void;
  readonly elsewhere: ErasedElsewhere;
  readonly exports: ExportParts;
}

export interface Eraser extends Erasing {
  /** Carries out what was ordered, and goes on with what an earlier process has begun. */
  start(): void;
  /** Resolves once nothing is under way. */
  stop(): Promise<void>;
  /** Carries out all orders. For a command, which does not start it. */
  finish(onProgress: (erasure: Erasure) => void): Promise<void>;
}

/** It has to wait for something: it is tried again soon. */
const NOT_YET = Symbol('not yet');
type Progress = Erasure | typeof NOT_YET;

/**
 * Erases chats, one after the other. The order is a row of the database, which says how far it has come; each of its steps
 * commits with that, or can be repeated. So it is carried out once it was given, whatever is killed.
 *
 * 1. The chat comes to rest: waiting messages are canceled, its conversation is deleted with what it waits for, and no
 *    message to it is being sent. All that is in the journal by then is covered.
 * 2. Entries are rewritten, part by part.
 * 3. Rows of other tables are deleted or rewritten, files of uploads are deleted, and the console's index follows. Then a
 *    chat.erased entry tells readers.
 * 4. The room of what was deleted is given back, so that no file has it any more.
 */
export function createEraser(options: EraserOptions): Eraser {
  const { journal, clock, log, elsewhere } = options;
  const { erasing } = journal;
  let timer: TimerHandle | undefined;
  let stopped = false;
  let started = false;
  let underWay: Promise<void> | null = null;
  /** Something was ordered since the orders were read. */
  let isWanted = false;

  /** One step of an order. */
  async function step(order: Erasure): Promise<Progress> {
    const { chat, through, told } = order;
    if (chat === null) return order;
    const ids = idsOf(journal, chat);
    if (through === null) return bringToRest(order, ids);
    if (order.position < through) return rewriteEntries(order, ids, through);
    if (told === null) return eraseRows(order, chat, ids, through);
    return finishOrder(order);
  }

  async function bringToRest(order: Erasure, ids: readonly string[]): Promise<Progress> {
    let progress: Progress = NOT_YET;
    await options.rewrite(async (tx) => {
      progress = NOT_YET;
      const waiting = await tx.waitingFor(ids, limits.eraseCancelsPerUnit);
      for (const message of waiting) options.cancel(tx, message);
      const conversations = await tx.conversationsOf(ids);
      for (const id of conversations) tx.eraseConversation(id);
      if (waiting.length < limits.eraseCancelsPerUnit && !(await tx.isSendingTo(ids))) {
        progress = { ...order, through: tx.nextSeq() - 1, position: journal.bounds().first - 1 };
        tx.noteErasure(progress);
      }
      return conversations;
    });
    return progress;
  }

  async function rewriteEntries(order: Erasure, ids: readonly string[], through: number): Promise<Progress> {
    const from = Math.max(order.position + 1, journal.bounds().first);
    const part = await findInEntries(journal, ids, from, through).next();
    const { found, through: position }: PartFound = part.done === true ? { found: [], through } : part.value;
    const own = found.filter(({ isOwn }) => isOwn);
    const answers = own.filter(({ entry }) => entry.chat === '0').map(({ entry }) => entry.seq);
    for (const seq of answers) if (isOpen(await journal.message(seq))) return NOT_YET;
    const progress: Erasure = {
      ...order,
      position,
      entries: order.entries + own.length,
      mentions: order.mentions + found.length - own.length,
    };
    await journal.write(async (tx) => {
      for (const seq of answers) tx.eraseMessage(seq);
      tx.rewriteEntries(new Map(found.map(({ entry, body }) => [entry.seq, body])));
      tx.noteRewritten(
        order.number,
        found.filter(({ entry }) => isElsewhere(entry, ids)).map(({ entry }) => entry.seq),
      );
      tx.noteErasure(progress);
    }, true);
    if (found.length > 0) options.onRewritten();
    return progress;
  }

  async function eraseRows(order: Erasure, chat: string, ids: readonly string[], through: number): Promise<Progress> {
    const set = new Set(ids);
    for (let after: RowPlace | null = null; ; ) {
      const { rows, next } = await erasing.rowsWith(ids, after);
      if (rows.length > 0 && !(await erasePart(rows, set, through))) return NOT_YET;
      if (next === null) break;
      after = next;
      if (stopped) return NOT_YET;
    }
    await elsewhere.payments(ids);
    // Before readers are told: a page that looks then finds nothing more.
    await eraseFromIndex(order.number, ids, through);
    return journal.write(async (tx) => {
      tx.settleConversations();
      const { number, entries, mentions } = order;
      const body = JSON.stringify({ erasure: { number, through, entries, mentions } });
      const progress = { ...order, told: tx.append({ type: 'chat.erased', chat, body }) };
      tx.forgetRewritten(number);
      tx.noteErasure(progress);
      return progress;
    });
  }

  async function eraseFromIndex(erasure: number, ids: readonly string[], through: number): Promise<void> {
    for (let after = 0; ; ) {
      const seqs = await erasing.rewritten(erasure, after, limits.eraseSeqsPerAsk);
      await elsewhere.index({ chats: ids, through, seqs });
      const last = seqs.at(-1);
      if (last === undefined || seqs.length < limits.eraseSeqsPerAsk) return;
      after = last;
    }
  }

  /** Rows of one table. False: a message among them is being sent. */
  async function erasePart(rows: readonly StoredRow[], ids: ReadonlySet<string>, through: number): Promise<boolean> {
    if (rows[0]?.table === 'conversations') {
      await eraseConversations(
        rows.map(({ columns }) => String(columns.id)),
        ids,
        through,
      );
      return true;
    }
    const found: { readonly row: StoredRow; readonly what: RowFound }[] = [];
    for (const row of rows) {
      const what = await findInRow(row, ids, (seq) => isOfChat(seq, ids));
      if (what === null || (what.isOwn && isLater(row, ids, through))) continue;
      if (row.columns.status === 'sending') return false;
      found.push({ row, what });
    }
    await journal.write(async (tx) => {
      for (const { row, what } of found) {
        if (what.isOwn) tx.deleteRow(row);
        else tx.rewriteRow(row, what.columns);
      }
    }, true);
    for (const { row, what } of found) {
      const { files } = row.columns;
      if (what.isOwn && row.seq !== null && typeof files === 'string') await elsewhere.files(row.seq, files);
    }
    return true;
  }

  /** What the table has may be old: what is stored last counts. */
  async function eraseConversations(
    those: readonly string[],
    ids: ReadonlySet<string>,
    through: number,
  ): Promise<void> {
    await options.rewrite(async (tx) => {
      const changed: string[] = [];
      for (const record of (await tx.conversations(those)).values()) {
        const { id, chat, state, snapshot, error } = record;
        const columns = { id, chat, state, snapshot, error };
        const row = { table: 'conversations', key: [id], seq: null, columns } as const;
        const what = await findInRow(row, ids, noSeq);
        if (what === null || (what.isOwn && isLater(row, ids, through))) continue;
        if (what.isOwn) tx.eraseConversation(id);
        else tx.saveConversation({ ...record, ...what.columns });
        changed.push(id);
      }
      return changed;
    });
  }

  async function isOfChat(seq: number, ids: ReadonlySet<string>): Promise<boolean> {
    const [entry] = await journal.read({ from: seq, to: seq, limit: 1 });
    return entry !== undefined && entry.chat !== null && ids.has(entry.chat);
  }

  async function finishOrder(order: Erasure): Promise<Progress> {
    if (!(await elsewhere.emptyIndex()) || !(await journal.emptyLog())) return NOT_YET;
    const done = { ...order, chat: null, doneAt: clock.now() };
    await journal.write(async (tx) => tx.noteErasure(done));
    const { number, entries, mentions } = order;
    log.info({ event: 'chat_erased', number, entries, mentions }, 'a chat was erased');
    return done;
  }

  /** Carries out what there is. True: something has to wait. */
  async function run(onProgress: (erasure: Erasure) => void): Promise<boolean> {
    let waits = false;
    for (const order of await erasing.orders()) {
      for (let at: Erasure = order; at.doneAt === null; ) {
        if (stopped) return false;
        const next = await step(at);
        if (next === NOT_YET) {
          waits = true;
          break;
        }
        at = next;
        onProgress(at);
      }
    }
    return waits;
  }

  function wake(afterMs: number): void {
    clock.clearTimeout(timer);
    if (!stopped) timer = clock.setTimeout(begin, afterMs);
  }

  function begin(): void {
    if (stopped || underWay !== null) return;
    isWanted = false;
    underWay = run(() => {})
      .then((waits) => (waits ? limits.eraseLookAgainMs : null))
      .catch((error: unknown) => {
        // What the disk is to blame for, the log says already.
        if (!stopped && storageFault(error) === null)
          log.warn({ event: 'erase_failed', error: errorText(error) }, 'a chat is not erased yet: it is tried again');
        return limits.eraseRetryMs;
      })
      .then((againMs) => {
        underWay = null;
        if (isWanted) wake(0);
        else if (againMs !== null) wake(againMs);
      });
  }

  return {
    async order(chat) {
      const order = await journal.write(async (tx) => tx.orderErasure(await tx.currentChat(chat)));
      isWanted = true;
      if (started) wake(0);
      return order;
    },
    orders: () => erasing.orders(),
    async *exported(chat) {
      yield* exportOf(journal, options.exports, await journal.write((tx) => tx.currentChat(chat)));
    },
    start() {
      started = true;
      wake(0);
    },
    async stop() {
      stopped = true;
      clock.clearTimeout(timer);
      await underWay;
    },
    async finish(onProgress) {
      while (await run(onProgress))
        await new Promise((resolve) => clock.setTimeout(() => resolve(null), limits.eraseLookAgainMs));
    },
  };
}

/** Conversations are told by their ids alone. */
const noSeq = async (): Promise<boolean> => false;

const isOpen = (message: MessageRecord | null): boolean => message !== null && !SETTLED.includes(message.status);

/** Not in the chat itself. */
const isElsewhere = ({ chat }: EntryFound['entry'], ids: readonly string[]): boolean =>
  chat !== null && !ids.includes(chat);
