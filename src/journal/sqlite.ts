import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../clock.ts';
import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import { createGroupCommit } from './group-commit.ts';
import type { Commit, Journal, Tx } from './journal.ts';
import { prepareOutbox } from './sqlite-outbox.ts';
import { prepareReads } from './sqlite-reads.ts';
import { int, intOrNull, text } from './sqlite-rows.ts';
import { prepareStatements, sqliteTx, type TxState } from './sqlite-tx.ts';

export interface SqliteJournalOptions {
  /** The writing connection, of openDatabase: the journal is its only writer while it is open. */
  readonly db: DatabaseSync;
  /** A second connection: readers never see what is not committed. */
  readonly reader: DatabaseSync;
  readonly bot: string;
  /** Names a journal made anew. */
  readonly newStreamId: () => string;
  readonly clock: Clock;
  /** Starts a group of commits; by default after the I/O at hand. */
  readonly schedule?: (run: () => void) => void;
}

/**
 * The journal over SQLite (WAL, synchronous FULL: a commit is on the disk when it resolves).
 *
 * I6: opening takes a new epoch; each transaction checks it under the write lock and again as it commits.
 * I1, I2, I5: entries, snapshots, claims and the poll offset are rows of one transaction.
 */
export function openSqliteJournal(options: SqliteJournalOptions): Journal {
  const { db, bot, clock } = options;
  const head = takeEpoch(options);
  const sql = prepareStatements(db);
  const outbox = prepareOutbox(db);
  const fence = db.prepare('SELECT next_seq FROM head WHERE bot = ? AND epoch = ?');
  const advance = db.prepare(
    `UPDATE head SET next_seq = ?, poll_offset = coalesce(?, poll_offset) WHERE bot = ? AND epoch = ? AND next_seq = ?`,
  );
  const listeners: ((commit: Commit) => void)[] = [];
  const reads = prepareReads(options.reader, bot);
  let headSeq = head.nextSeq - 1;
  const firstSeq = reads.firstSeq() ?? 1;
  let state: TxState = emptyState(head.nextSeq);
  let begunAt = head.nextSeq;

  const lost = () => new SwitchboardError('lease_lost', `Another process serves bot ${bot} now: this one has stopped`);

  const group = createGroupCommit<Tx>(
    {
      async begin() {
        db.exec('BEGIN IMMEDIATE');
        const row = fence.get(bot, head.epoch);
        if (row === undefined) {
          db.exec('ROLLBACK');
          throw lost();
        }
        begunAt = int(row, 'next_seq');
        state = emptyState(begunAt);
        return sqliteTx(bot, clock.now(), sql, outbox, state);
      },
      async nested(tx, job) {
        const before = { ...state, entries: state.entries.length };
        db.exec('SAVEPOINT job');
        try {
          const value = await job(tx);
          db.exec('RELEASE job');
          return value;
        } catch (error) {
          db.exec('ROLLBACK TO job; RELEASE job');
          state.entries.length = before.entries;
          Object.assign(state, { ...before, entries: state.entries });
          throw error;
        }
      },
      async commit() {
        if (advance.run(state.nextSeq, state.pollOffset, bot, head.epoch, begunAt).changes !== 1) throw lost();
        db.exec('COMMIT');
        headSeq = state.nextSeq - 1;
        const { entries, outbox, requests, timerAt } = state;
        const commit = { entries, outbox, requests, timerAt };
        for (const listener of listeners) listener(commit);
      },
      async rollback() {
        if (db.isTransaction) db.exec('ROLLBACK');
      },
    },
    {
      jobsMax: limits.groupCommitJobsMax,
      queueMax: limits.commitQueueMax,
      schedule: options.schedule ?? setImmediate,
    },
  );

  return {
    ...reads.journal,
    bot,
    stream: head.stream,
    write: group.write,
    onCommit: (listener) => void listeners.push(listener),
    bounds: () => ({ first: firstSeq, head: headSeq }),
    close: group.idle,
  };
}

const emptyState = (nextSeq: number): TxState => ({
  nextSeq,
  entries: [],
  pollOffset: null,
  outbox: false,
  requests: false,
  timerAt: null,
});

/** Takes the bot over: whoever held the epoch before can commit no more (I6). */
function takeEpoch({ db, bot, newStreamId }: SqliteJournalOptions) {
  const row = db
    .prepare(
      `INSERT INTO head (bot, stream, next_seq, epoch) VALUES (?, ?, 1, 1)
       ON CONFLICT (bot) DO UPDATE SET epoch = epoch + 1 RETURNING stream, next_seq, epoch, poll_offset`,
    )
    .get(bot, newStreamId());
  if (row === undefined) throw new TypeError('SQLite returned no head row');
  return {
    stream: text(row, 'stream'),
    nextSeq: int(row, 'next_seq'),
    epoch: int(row, 'epoch'),
    pollOffset: intOrNull(row, 'poll_offset'),
  };
}
