import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock, TimerHandle } from '../clock.ts';
import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import { retryWhileLocked, storageFault } from '../storage-fault.ts';
import { explaining } from './explaining.ts';
import { createGroupCommit } from './group-commit.ts';
import type { Commit, Journal, Tx } from './journal.ts';
import { openConversations } from './sqlite-conversations.ts';
import { openErasing } from './sqlite-erase.ts';
import { prepareForget, prepareReclaim } from './sqlite-forget.ts';
import { takeEpoch } from './sqlite-head.ts';
import { openEntryIndex } from './sqlite-index.ts';
import { neverWait } from './sqlite-open.ts';
import { countWaiting, prepareOutbox } from './sqlite-outbox.ts';
import { prepareReads } from './sqlite-reads.ts';
import { int, seqRange } from './sqlite-rows.ts';
import { prepareSeqAt, prepareTrim } from './sqlite-trim.ts';
import { emptyState, markOf, prepareStatements, sqliteTx, type TxState, type TxTime } from './sqlite-tx.ts';
import { prepareUnits } from './sqlite-units.ts';
import { prepareUpdateRuns } from './sqlite-updates.ts';

export interface SqliteJournalOptions {
  /** The writing connection, of openDatabase: the journal is its only writer while it is open. */
  readonly db: DatabaseSync;
  /** A second connection: readers never see what is not committed. */
  readonly reader: DatabaseSync;
  readonly bot: string;
  /** Names a journal made anew, or brought into its folder from elsewhere. */
  readonly newStreamId: () => string;
  /** What signs a new journal's buttons, unguessable; by default 32 random bytes. */
  readonly newSecret?: () => string;
  /** It was brought there, and has this new name. */
  readonly onRenamed?: (stream: string) => void;
  readonly clock: Clock;
  /** See ProvenTime; by default the clock's time. */
  readonly provenNow?: () => number;
  /** Another process has taken the bot over: nothing can be committed any more. */
  readonly onLost?: (error: SwitchboardError) => void;
  /** Starts a group of commits; by default after the I/O at hand. */
  readonly schedule?: (run: () => void) => void;
  /** A listener threw. The commit stands and the other listeners hear of it; by default the process stops. */
  readonly onListenerError?: (error: unknown) => void;
}

/**
 * The journal over SQLite (WAL, synchronous FULL: a commit is on the disk when it resolves).
 *
 * I6: opening takes a new epoch; each transaction checks it under the write lock and again as it commits.
 * I1, I2, I5: entries, snapshots, claims and the poll offset are rows of one transaction.
 */
export function openSqliteJournal(options: SqliteJournalOptions): Journal {
  const { db, bot, clock, provenNow = clock.now, schedule = setImmediate } = options;
  const head = takeEpoch({ newSecret: randomSecret, ...options, now: clock.now() });
  neverWait(db);
  const range = seqRange(head.slot);
  const sql = prepareStatements(db, bot, range, head.nextSeq);
  const outbox = prepareOutbox(db, range);
  const fence = db.prepare('SELECT next_seq FROM head WHERE bot = ? AND epoch = ?');
  const advance = db.prepare(
    `UPDATE head SET next_seq = ?, poll_offset = coalesce(?, poll_offset) WHERE bot = ? AND epoch = ? AND next_seq = ?`,
  );
  const units = prepareUnits(db, bot, range);
  const runs = prepareUpdateRuns(db, bot);
  const conversations = openConversations(db, bot, range);
  const index = openEntryIndex(db, options.reader, range, units, head.nextSeq - 1);
  const seqAt = prepareSeqAt(options.reader, range);
  const reads = prepareReads(options.reader, bot, range, index, conversations, () => ({
    first: firstSeq,
    head: headSeq,
  }));
  const listeners: ((commit: Commit) => void)[] = [];
  const faultListeners: ((fault: SwitchboardError) => void)[] = [];
  const onListenerError = options.onListenerError ?? stopProcess;
  let headSeq = head.nextSeq - 1;
  let waiting = countWaiting(outbox);
  let closed = false;
  let refusal: SwitchboardError | null = null;
  let timer: TimerHandle | undefined;
  const retention = { ...prepareTrim(db, range), ...prepareForget(db, bot, range), ...prepareReclaim(db) };
  const emptyLog = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)');
  let firstSeq = units.firstSeq() ?? head.nextSeq;
  let openRequests = reads.openRequestCount();
  let hold = head.hold;
  let state: TxState = emptyState(head.nextSeq, waiting, openRequests, hold);
  let begunAt = head.nextSeq;
  let begunProven = 0;
  /** The last transaction found the write lock taken for as long as it may be waited for. */
  let isLocked = false;
  /** What made SQLite end the transaction by itself, as a full disk does. */
  let endedBy: unknown = null;

  const lost = (): SwitchboardError => {
    const error = new SwitchboardError('lease_lost', `Another process serves bot ${bot} now: this one stops`);
    options.onLost?.(error);
    return error;
  };

  function rollback(): void {
    if (db.isTransaction) db.exec('ROLLBACK');
  }

  /** Once the lock was waited for in vain, nobody waits until it is gone: callers are refused at once. */
  async function beginImmediate(): Promise<void> {
    try {
      await retryWhileLocked(clock, () => db.exec('BEGIN IMMEDIATE'), isLocked || closed ? 1 : limits.lockTriesMax);
      isLocked = false;
    } catch (error) {
      isLocked = storageFault(error)?.code === 'data_locked';
      throw error;
    }
  }

  /** Without it a statement would commit by itself, outside the fence (I6). */
  function assertTransaction(): void {
    if (!db.isTransaction)
      throw endedBy ?? new Error('There is no transaction: it has ended, or the disk is full or fails');
  }

  /** A transaction whose methods throw once it has ended, whoever has kept it. */
  function guarded(tx: Tx): Tx {
    const mine = state;
    return new Proxy(tx, {
      get(target, name, receiver) {
        if (state !== mine) throw new Error('A transaction was used after its end');
        assertTransaction();
        return Reflect.get(target, name, receiver);
      },
    });
  }

  function tellListeners(): void {
    const { entries, outbox, requests, withdrawn, timerAt, waiting: messages } = state;
    if (entries.length === 0 && !outbox && !requests && withdrawn.length === 0 && timerAt === null) return;
    for (const listener of listeners) {
      try {
        listener({ entries, outbox, requests, withdrawn, openRequests, timerAt, messages });
      } catch (error) {
        onListenerError(error);
      }
    }
  }

  const group = createGroupCommit<Tx>(
    {
      async begin() {
        endedBy = null;
        if (refusal !== null) throw refusal;
        await beginImmediate();
        try {
          const row = fence.get(bot, head.epoch);
          if (row === undefined) throw lost();
          begunAt = int(row, 'next_seq');
        } catch (error) {
          rollback();
          throw error;
        }
        state = emptyState(begunAt, waiting, openRequests, hold);
        begunProven = provenNow();
        const time = timeOf(clock, begunProven);
        return guarded(sqliteTx(bot, time, sql, runs, units, conversations, outbox, retention, firstSeq, state));
      },
      async nested(tx, job) {
        const undo = markOf(state);
        assertTransaction();
        db.exec('SAVEPOINT job');
        try {
          const value = await job(tx);
          db.exec('RELEASE job');
          return value;
        } catch (error) {
          // A full disk may have ended the whole transaction: then `commit` refuses the group.
          if (db.isTransaction) db.exec('ROLLBACK TO job; RELEASE job');
          else endedBy ??= error;
          undo();
          throw error;
        }
      },
      async commit() {
        assertTransaction();
        const { entries, updateIds } = state;
        units.add(entries);
        runs.add(updateIds, begunProven);
        const committed = [
          index.commit(entries),
          conversations.commit(state),
          outbox.entries.commit(state),
          outbox.waitingCounts.commit(state),
        ];
        if (advance.run(state.nextSeq, state.pollOffset, bot, head.epoch, begunAt).changes !== 1) throw lost();
        if (refusal !== null) throw refusal;
        db.exec('COMMIT');
        headSeq = state.nextSeq - 1;
        firstSeq = state.firstSeq ?? firstSeq;
        waiting = state.waiting;
        openRequests = state.openRequests;
        hold = state.copyHold;
        if (state.rewritten) for (const cached of [units, reads.units]) cached.forget();
        for (const tell of committed) tell();
        writeBackLater();
        tellListeners();
      },
      async rollback() {
        rollback();
      },
    },
    {
      jobsMax: limits.groupCommitJobsMax,
      patientBeside: limits.groupCommitPatientBeside,
      queueMax: limits.commitQueueMax,
      overloadRetryMs: limits.overloadRetryMs,
      schedule,
    },
  );

  /** Brings what is on its way into the table of conversations, with the commits that come and commits of its own. */
  async function writeBack(): Promise<void> {
    conversations.turn();
    while (conversations.isLeaving()) await group.write(async () => {});
  }

  function writeBackLater(): void {
    if (timer !== undefined || closed || conversations.isIdle()) return;
    timer = clock.setTimeout(() => {
      timer = undefined;
      // Where it fails, nothing is lost, and the units of work that follow say why.
      writeBack().catch(() => {});
    }, limits.conversationsWriteBackMs);
  }

  /** Tells of an error that the disk or the database is to blame for, in their words. */
  function explained(error: unknown): unknown {
    const fault = storageFault(error);
    if (fault === null) return error;
    if (fault !== refusal) for (const listener of faultListeners) listener(fault);
    return fault;
  }

  return explaining<Journal>(
    {
      ...reads.journal,
      bot,
      stream: head.stream,
      buttons: head.buttons,
      write: (job, patient = false) =>
        closed
          ? Promise.reject(new SwitchboardError('shutting_down', `The journal of bot ${bot} is closed`))
          : group.write(job, patient),
      onCommit: (listener) => void listeners.push(listener),
      refuseWrites(error) {
        refusal ??= error;
      },
      onFault: (listener) => void faultListeners.push(listener),
      bounds: () => ({ first: firstSeq, head: headSeq }),
      seqAt: async (at) => seqAt(at, firstSeq, headSeq),
      outboxDepth: async () => waiting,
      openRequestCount: async () => openRequests,
      copyHold: () => hold,
      async emptyLog() {
        await new Promise<void>((resolve) => schedule(resolve));
        // No transaction of the journal is under way then: none lasts longer than a turn of the event loop.
        if (closed || db.isTransaction) return false;
        return emptyLog.get()?.busy === 0;
      },
      erasing: explaining(openErasing(options.reader, bot, range, reads.units), explained),
      async close() {
        closed = true;
        clock.clearTimeout(timer);
        // Twice: what was newest follows what was leaving. A journal that cannot commit any more keeps it for the next.
        await writeBack()
          .then(writeBack)
          .catch(() => {});
        await group.idle();
      },
    },
    explained,
  );
}

/** As rows have it: in whole ms. */
const timeOf = (clock: Clock, provenNow: number): TxTime => ({
  now: clock.now(),
  steadyNow: Math.ceil(clock.steadyNow()),
  provenNow,
});

const randomSecret = (): string => randomBytes(32).toString('base64url');

const stopProcess = (error: unknown): void =>
  queueMicrotask(() => {
    throw error;
  });
