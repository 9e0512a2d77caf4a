import { onTestFinished } from 'vitest';
import { type AnyStateMachine, createActor } from 'xstate';
import { conversationsLogic } from '../../src/conversations/actor.ts';
import { createMachineTable } from '../../src/conversations/machines.ts';
import { createRouter, type Router } from '../../src/conversations/router.ts';
import { createSweepService } from '../../src/conversations/sweep.ts';
import { createTimerService } from '../../src/conversations/timers.ts';
import type { Entry, Journal } from '../../src/journal/journal.ts';
import { type ManualClock, manualClock, settle } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { textUpdate } from '../support/updates.ts';

/** The conversations' actor as a process runs it, on a real journal and a clock that a test moves. */
export interface Running {
  readonly clock: ManualClock;
  readonly folder: string;
  readonly journal: Journal;
  readonly router: Router;
  /** A user writes; what it led to is durable. */
  say(chat: number, ...texts: readonly string[]): Promise<void>;
  /** As `kill -9`: memory is gone, and nothing runs until `start`. */
  crash(): void;
  /** Runs again on what is stored, and does what is overdue. */
  start(): Promise<void>;
  entries(): Promise<readonly Entry[]>;
  /** What was said to users, in order: `<chat> <text>`. */
  replies(): Promise<readonly string[]>;
  /** Entries by type, without those of messages. */
  types(): Promise<readonly string[]>;
}

const fail = (error: unknown): never => {
  throw error;
};

/** Starts with an empty journal. */
export async function running(machine: AnyStateMachine, clock: ManualClock = manualClock()): Promise<Running> {
  const folder = temporaryFolder();
  const table = createMachineTable(
    { private: { machine: machine.id, per: 'chat' }, group: null, channel: null },
    new Map([[machine.id, machine]]),
  );
  const open = () => {
    const journal = openJournal(folder, clock);
    const started = Promise.withResolvers<Router>();
    const actor = createActor(
      conversationsLogic({
        clock,
        createRouter: () => createRouter({ journal, machines: table, username: () => null }),
        createTimers: (router) =>
          createTimerService({
            clock,
            nextTimerAt: () => journal.nextTimerAt(),
            fire: router.fireTimers,
            onError: fail,
          }),
        createSweep: (router) =>
          createSweepService({
            ...{ journal, machines: table, router, clock },
            onProgress() {},
            onDone() {},
            onError: fail,
          }),
        onUp: started.resolve,
      }),
    );
    journal.onCommit((commit) => {
      if (commit.timerAt !== null && actor.getSnapshot().status === 'active')
        actor.send({ type: 'journal.committed', commit });
    });
    onTestFinished(() => void actor.stop());
    actor.start();
    return { journal, actor, router: started.promise };
  };
  let process = open();
  let router = await process.router;
  let lastUpdate = 0;
  await settle();
  const entries = () => process.journal.read({ from: 1, limit: 1000 });
  return {
    clock,
    folder,
    get journal() {
      return process.journal;
    },
    get router() {
      return router;
    },
    async say(chat, ...texts) {
      const updates = texts.map((text) => textUpdate(chat, text, ++lastUpdate));
      await router.receiveUpdates(updates, lastUpdate + 1);
      await settle();
    },
    crash: () => void process.actor.stop(),
    async start() {
      process = open();
      router = await process.router;
      await settle();
    },
    entries,
    async replies() {
      const accepted = (await entries()).filter(({ type }) => type === 'message.accepted');
      return accepted.map(({ chat, body }) => `${chat} ${JSON.parse(body).message.params.text}`);
    },
    async types() {
      return (await entries()).map(({ type }) => type).filter((type) => !type.startsWith('message.'));
    },
  };
}
