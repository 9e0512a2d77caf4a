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
  /** Of these, for patient ones beside others: however many others come, they go on, and others wait for no more of them. */
  readonly patientBeside: number;
  /** Jobs waiting at most, patient ones and others each; more are refused, and told to come back after `overloadRetryMs`. */
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

/**
 * Puts the jobs of all callers that wait at one moment into one transaction, in the order of their calls; those that are
 * patient behind the others.
 */
export function createGroupCommit<T>(engine: CommitEngine<T>, options: GroupCommitOptions) {
  const queue: Waiting<T>[] = [];
  const patient: Waiting<T>[] = [];
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

  function nextGroup(): Waiting<T>[] {
    const { jobsMax, patientBeside } = options;
    const first = queue.splice(0, jobsMax - Math.min(patientBeside, patient.length));
    return [...first, ...patient.splice(0, first.length === 0 ? jobsMax : patientBeside)];
  }

  async function drain(): Promise<void> {
    while (queue.length + patient.length > 0) {
      await runGroup(nextGroup());
      if (queue.length + patient.length > 0) await new Promise<void>(options.schedule);
    }
    busy = null;
  }

  return {
    /** Runs the job in the next transaction that has room for it; resolves once that has committed. */
    write<R>(job: (tx: T) => Promise<R>, isPatient = false): Promise<R> {
      const line = isPatient ? patient : queue;
      if (line.length >= options.queueMax) {
        return Promise.reject(
          new SwitchboardError('overloaded', `${line.length} units of work wait for the journal: try again later`, {
            retryAfterMs: options.overloadRetryMs,
          }),
        );
      }
      return new Promise<R>((resolve, reject) => {
        line.push({ run: job, resolve: (value) => resolve(value as R), reject });
        busy ??= new Promise<void>(options.schedule).then(drain);
      });
    },
    /** Resolves when nothing waits. */
    async idle(): Promise<void> {
      while (busy !== null) await busy;
    },
  };
}
