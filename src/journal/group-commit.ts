import { SwitchboardError } from '../errors.ts';

/**
 * What group commit needs of an engine. Called by one group at a time: begin, then `nested` for each job, then
 * commit or rollback.
 */
export interface CommitEngine<T> {
  begin(): Promise<T>;
  /** Runs a job so that, where it throws, all that it wrote is undone and the rest of the transaction stands. */
  nested<R>(tx: T, job: (tx: T) => Promise<R>): Promise<R>;
  /** Durable when it resolves. */
  commit(tx: T): Promise<void>;
  rollback(tx: T): Promise<void>;
}

export interface GroupCommitOptions {
  /** Jobs in one transaction at most. */
  readonly jobsMax: number;
  /** Jobs waiting at most; more are refused, and told to come back after `overloadRetryMs`. */
  readonly queueMax: number;
  readonly overloadRetryMs: number;
  /** Starts a group after the work at hand, so that callers of the same moment share it. */
  readonly schedule: (run: () => void) => void;
}

interface Waiting<T> {
  readonly run: (tx: T) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Puts the jobs of all callers that wait at one moment into one transaction, in the order of their calls. */
export function createGroupCommit<T>(engine: CommitEngine<T>, options: GroupCommitOptions) {
  let queue: Waiting<T>[] = [];
  let busy: Promise<void> | null = null;

  async function runGroup(group: readonly Waiting<T>[]): Promise<void> {
    const settle: (() => void)[] = [];
    let tx: T | undefined;
    try {
      tx = await engine.begin();
      for (const job of group) {
        // Alone, a job that throws is undone with its transaction: to keep a way back within it costs as much again.
        if (group.length === 1) {
          const value = await job.run(tx);
          settle.push(() => job.resolve(value));
          continue;
        }
        try {
          const value = await engine.nested(tx, job.run);
          settle.push(() => job.resolve(value));
        } catch (error) {
          settle.push(() => job.reject(error));
        }
      }
      await engine.commit(tx);
    } catch (error) {
      // Where even the rollback fails, the first error is the one to tell: the next group finds out by itself.
      if (tx !== undefined) await engine.rollback(tx).catch(() => {});
      for (const job of group) job.reject(error);
      return;
    }
    for (const tell of settle) tell();
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const group = queue.slice(0, options.jobsMax);
      queue = queue.slice(options.jobsMax);
      await runGroup(group);
      if (queue.length > 0) await new Promise<void>(options.schedule);
    }
    busy = null;
  }

  return {
    /** Runs the job in the next transaction; resolves once that has committed. */
    write<R>(job: (tx: T) => Promise<R>): Promise<R> {
      if (queue.length >= options.queueMax) {
        return Promise.reject(
          new SwitchboardError('overloaded', `${queue.length} units of work wait for the journal: try again later`, {
            retryAfterMs: options.overloadRetryMs,
          }),
        );
      }
      return new Promise<R>((resolve, reject) => {
        queue.push({ run: job, resolve: (value) => resolve(value as R), reject });
        busy ??= new Promise<void>(options.schedule).then(drain);
      });
    },
    /** Resolves when nothing waits. */
    async idle(): Promise<void> {
      while (busy !== null) await busy;
    },
  };
}
