import { expect, test } from 'vitest';
import { type CommitEngine, createGroupCommit } from '../../src/journal/group-commit.ts';

/** An engine that notes what is asked of it, and a schedule that a test runs by hand. */
function noted(faults: Partial<CommitEngine<string[]>> = {}, bounds = { jobsMax: 3, patientBeside: 1, queueMax: 5 }) {
  const calls: string[] = [];
  const ready: (() => void)[] = [];
  const engine: CommitEngine<string[]> = {
    async begin() {
      calls.push('begin');
      return calls;
    },
    nested: (tx, job) => job(tx),
    async commit() {
      calls.push('commit');
    },
    async rollback() {
      calls.push('rollback');
    },
    ...faults,
  };
  const group = createGroupCommit(engine, {
    overloadRetryMs: 1000,
    ...bounds,
    schedule: (run) => void ready.push(run),
  });
  const job = (name: string, patient = false) => group.write(async (tx) => void tx.push(name), patient);
  const jobs = (names: string) => names.split('').map((name) => job(name, name === name.toUpperCase()));
  return { calls, group, job, jobs, runScheduled: () => ready.shift()?.() };
}

test('callers of the same moment share one transaction, in the order of their calls', async () => {
  const { calls, job, runScheduled } = noted();
  const jobs = ['a', 'b', 'c'].map((name) => job(name));
  expect(calls).toEqual([]);
  runScheduled();
  await Promise.all(jobs);
  expect(calls).toEqual(['begin', 'a', 'b', 'c', 'commit']);
});

test('a transaction takes no more jobs than its bound; the rest wait for the next', async () => {
  const { calls, job, runScheduled, group } = noted();
  const jobs = ['a', 'b', 'c', 'd', 'e'].map((name) => job(name));
  runScheduled();
  await Promise.all(jobs.slice(0, 3));
  expect(calls).toEqual(['begin', 'a', 'b', 'c', 'commit']);
  runScheduled();
  await Promise.all(jobs);
  await group.idle();
  expect(calls.slice(5)).toEqual(['begin', 'd', 'e', 'commit']);
});

test('patient jobs go behind the others, a few beside them, and all that there is room for where they are alone', async () => {
  const { calls, jobs, runScheduled, group } = noted();
  const waiting = jobs('ABCDEabc');
  for (const done of ['abA', 'cB', 'CDE']) {
    runScheduled();
    await Promise.all([...done].map((name) => waiting['ABCDEabc'.indexOf(name)]));
  }
  await group.idle();
  const transactions = [
    ['a', 'b', 'A'],
    ['c', 'B'],
    ['C', 'D', 'E'],
  ];
  expect(calls).toEqual(transactions.flatMap((names) => ['begin', ...names, 'commit']));
});

test('a line of patient jobs at its bound keeps no other out', async () => {
  const { job, jobs, runScheduled, group } = noted({}, { jobsMax: 9, patientBeside: 1, queueMax: 2 });
  const waiting = jobs('AB');
  await expect(job('C', true)).rejects.toMatchObject({ code: 'overloaded' });
  waiting.push(job('a'));
  runScheduled();
  await Promise.all([waiting[0], waiting[2]]);
  runScheduled();
  await Promise.all(waiting);
  await group.idle();
});

test('at its bound the queue refuses at once, as retryable, and takes more when it has drained', async () => {
  const { calls, job, runScheduled, group } = noted({}, { jobsMax: 9, patientBeside: 1, queueMax: 2 });
  const [a, b] = [job('a'), job('b')];
  await expect(job('c')).rejects.toMatchObject({ code: 'overloaded', entry: { kind: 'wait' }, retryAfterMs: 1000 });
  runScheduled();
  await Promise.all([a, b]);
  await group.idle();
  const d = job('d');
  runScheduled();
  await d;
  expect(calls).toEqual(['begin', 'a', 'b', 'commit', 'begin', 'd', 'commit']);
});

test('no job is answered before the commit', async () => {
  const commit = Promise.withResolvers<void>();
  const { job, runScheduled } = noted({ commit: () => commit.promise });
  let answered = false;
  const a = job('a').then(() => {
    answered = true;
  });
  runScheduled();
  await new Promise((resolve) => setImmediate(resolve));
  expect(answered).toBe(false);
  commit.resolve();
  await a;
});

test('a job that is called while a group runs goes into the next', async () => {
  const { calls, group, job, runScheduled } = noted();
  const inner = Promise.withResolvers<Promise<void>>();
  const outer = group.write(async (tx) => {
    tx.push('outer');
    inner.resolve(job('inner'));
  });
  runScheduled();
  await outer;
  await new Promise((resolve) => setImmediate(resolve));
  runScheduled();
  await inner.promise;
  await group.idle();
  expect(calls).toEqual(['begin', 'outer', 'commit', 'begin', 'inner', 'commit']);
});

test.each(['begin', 'commit', 'rollback'] as const)('after a %s that fails the next group is served', async (step) => {
  const failure = new Error('the disk');
  let failing = true;
  const fault = async () => {
    if (failing) throw failure;
    return [];
  };
  const commit = async () => void (await fault());
  const faults = {
    begin: { begin: fault },
    commit: { commit },
    rollback: { commit, rollback: async () => Promise.reject(new Error('the rollback too')) },
  };
  const { job, group, runScheduled } = noted(faults[step]);
  const jobs = [job('a'), job('b')];
  runScheduled();
  for (const outcome of await Promise.allSettled(jobs)) expect(outcome).toMatchObject({ reason: failure });
  await group.idle();
  failing = false;
  const next = job('c');
  runScheduled();
  await next;
});
