import type { AnyActorRef, AnyStateMachine, InspectionEvent } from 'xstate';
import { backendLogic } from './backend/actor.ts';
import type { RequestTries } from './backend/asking.ts';
import type { Backend } from './backend/backend.ts';
import { createRequestRunner } from './backend/requests.ts';
import type { Clock } from './clock.ts';
import { stepText, watchClock } from './clock-watch.ts';
import { ask, type ConversationsEvent, conversationsLogic, type Reply } from './conversations/actor.ts';
import type { Conversations, EventAccepted, StepWatch } from './conversations/conversations.ts';
import type { MachineTable } from './conversations/machines.ts';
import { createRouter, type Router } from './conversations/router.ts';
import { createSweepService } from './conversations/sweep.ts';
import { createTimerService } from './conversations/timers.ts';
import { errorText, SwitchboardError } from './errors.ts';
import { createPoller, refusalOf } from './ingress/poller.ts';
import type { ConversationRecord, Entry, Journal } from './journal/journal.ts';
import { limits } from './limits.ts';
import type { Logger } from './log.ts';
import { operatorsLogic } from './operators/actor.ts';
import { createBroadcast } from './operators/broadcast.ts';
import { createUpdateQueues } from './operators/facade.ts';
import type { Operators, UpdateQueues } from './operators/operators.ts';
import { outboxLogic } from './outbox/actor.ts';
import { createDeliveries } from './outbox/deliver.ts';
import { createSendHealth } from './outbox/health.ts';
import { NO_MARKS, type SendMarks } from './outbox/marks.ts';
import type { Deliveries, Outbox } from './outbox/outbox.ts';
import { createPacing, type PacingRates } from './outbox/pacing.ts';
import { createOutbox } from './outbox/post.ts';
import { createPresses } from './outbox/presses.ts';
import { createRoom } from './outbox/room.ts';
import { createSender } from './outbox/sender.ts';
import { createStatus, ENDED_AS, type OutboxFigures, type PartName, type StatusStore } from './status.ts';
import { createStorageWatch } from './storage.ts';
import { storageFault } from './storage-fault.ts';
import { createSwitchboard } from './switchboard.ts';
import type { BotApi } from './telegram/telegram.ts';
import type { Uploads } from './uploads/uploads.ts';

/** The world as one bot's system sees it: everything that an adapter, or a simulation, stands behind. */
export interface SystemOptions {
  readonly journal: Journal;
  readonly api: BotApi;
  readonly uploads: Uploads;
  readonly backend: Backend;
  readonly machines: MachineTable;
  readonly clock: Clock;
  /** See ProvenTime. */
  readonly provenNow: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Logger;
  /** The long poll's own time, seconds. */
  readonly pollTimeoutS: number;
  /** Take a webhook away at start. */
  readonly deleteWebhook: boolean;
  readonly backendTries: RequestTries;
  /** By default nothing is noted. */
  readonly marks?: SendMarks;
  /** Whether nothing of what this key posted is sent any more. By default of no key. */
  readonly isCanceled?: (keyId: string) => boolean;
  readonly rates: PacingRates;
  /** It cannot go on, and says why: Telegram refuses the token. */
  readonly onRefused: (error: SwitchboardError) => void;
  /** Starts a round of the broadcast; by default after the I/O at hand. */
  readonly schedule?: (run: () => void) => void;
}

/** One bot's parts, wired together. What it tells others goes through the ports; `status` says how it is. */
export interface System {
  readonly status: StatusStore;
  /** Takes note of an error that the disk or the database is to blame for, if the journal has not told of it. */
  reportFault(error: unknown): void;
  readonly outbox: Outbox;
  readonly deliveries: Deliveries;
  readonly operators: Operators;
  readonly updates: UpdateQueues;
  readonly conversations: Conversations;
  /** The root actor's machine, to be drawn. */
  readonly root: AnyStateMachine;
  /** The state value of a live actor by the name of its machine; null: none of that name runs now. */
  liveState(machine: string): unknown;
  /** A live actor, or the root, `switchboard`; null while it is being restarted. */
  actor(name: PartName | 'switchboard'): AnyActorRef | null;
  /** Tells an observer all that the live actors do, until the function that it gives is called. */
  watchActors(observer: (event: InspectionEvent) => void): () => void;
  /** Tells one of the conversations' steps. One at a time: the latest. */
  watchSteps(watch: StepWatch): () => void;
  /** Before `start`: ends what a crash cut off (I5). Rejects where the journal cannot be written. */
  recover(): Promise<void>;
  start(): void;
  /** Asks a part to finish the work at hand and take no more. Resolves when it has; rejects after `timeoutMs`. */
  drain(name: 'ingress' | 'outbox', timeoutMs: number): Promise<void>;
  /** Stops the actors at once and lets the backend's requests go: the journal has them. */
  stop(): Promise<void>;
}

const COPY_HELD =
  'Nothing is sent: these data came from a copy, and what waits may have been sent already. switchboard outbox shows how ' +
  'many messages wait; switchboard outbox release sends them, with --cancel it cancels those that came with the copy';

/** Wires the parts of one bot between its ports. Nothing runs before `start`; opens and closes nothing. */
export async function createSystem(options: SystemOptions): Promise<System> {
  const { journal, api, uploads, backend, machines, clock, random, log } = options;
  const { bot } = journal;
  const status = createStatus(clock.now());
  const tell = (name: PartName, state: 'up' | 'restarting' | 'stopped', detail?: string) =>
    status.trigger.part(detail === undefined ? { name, state } : { name, state, detail });
  const stateOf = (name: PartName) => status.getSnapshot().context.parts[name];
  /** Something is wrong with a part, for this cause, or no longer: null. The log tells when it works again. */
  const trouble = (name: PartName, cause: string, detail: string | null): void => {
    const before = stateOf(name).state;
    status.trigger.trouble({ name, cause, detail });
    if (before === 'degraded' && stateOf(name).state === 'up')
      log.info({ event: 'part_works', part: name }, `${name} works again`);
  };
  status.trigger.set({ values: { bot: { id: bot, username: null } } });

  const outbox = createOutbox({ journal, clock, uploads, log });
  const presses = createPresses(journal);
  const deliveries = createDeliveries({ bot, outbox });
  const updates = createUpdateQueues({ journal, clock, status });
  const operators = createBroadcast({
    ...{ journal, clock, random, status, log },
    ...(options.schedule === undefined ? {} : { schedule: options.schedule }),
  });
  const sendHealth = createSendHealth({
    clock,
    onChange(failing) {
      const isTold = stateOf('outbox').state === 'degraded';
      trouble('outbox', 'sends', failing);
      if (failing !== null && !isTold) log.warn({ event: 'sends_failing', part: 'outbox' }, failing);
    },
  });
  const sender = createSender({
    journal,
    api,
    uploads,
    marks: options.marks ?? NO_MARKS,
    pacing: createPacing(options.rates, clock.steadyNow()),
    health: sendHealth,
    isCanceled: options.isCanceled ?? (() => false),
    clock,
    provenNow: options.provenNow,
    random,
    log,
    onResult: deliveries.carriedOut,
    onFate: outbox.settledNow,
    onEnded: (enough) => switchboard.part('outbox')?.send({ type: 'calls.ended', enough }),
    onRound: () => tellFigures(),
  });

  const storage = createStorageWatch({ journal, status, clock, log, onDamaged: (fault) => operators.fail(fault) });
  /** What the disk or the database is to blame for, `storage` has logged. */
  const logFailure = (event: string, error: unknown, message: string): void => {
    if (storageFault(error) === null) log.error({ event, error: errorText(error) }, message);
  };

  let depth = await journal.outboxDepth();
  /** In a restored copy nothing is sent until somebody has looked. */
  let isHeld = journal.copyHold() !== null;
  if (isHeld) {
    trouble('outbox', 'copy', COPY_HELD);
    log.warn({ event: 'outbox_held', waiting: depth }, COPY_HELD);
  }
  const room = createRoom(depth);

  /** Sends to the conversations' actor an event that is answered once its unit of work is durable. */
  const toConversations = <T>(event: (reply: Reply<T>) => ConversationsEvent): Promise<T> => {
    const actor = switchboard.part('conversations');
    if (actor !== null) return ask(actor, event);
    return Promise.reject(
      new SwitchboardError('overloaded', 'The conversations are being restarted: try again soon', {
        retryAfterMs: limits.overloadRetryMs,
      }),
    );
  };

  const runner = createRequestRunner({
    backend,
    clock,
    provenNow: options.provenNow,
    random,
    log,
    bot,
    tries: options.backendTries,
    answered: (request, outcome) =>
      room
        .free()
        .then(() => toConversations<boolean>((reply) => ({ type: 'request.answered', request, outcome, reply }))),
    freed: () => switchboard.part('backend')?.send({ type: 'requests.freed' }),
    healthChanged: ({ down }) => {
      tellFigures();
      trouble('backend', 'requests', down === null ? null : `The backend does not answer: ${down}`);
    },
  });

  const poller = createPoller({
    api,
    clock,
    random,
    pollTimeoutS: options.pollTimeoutS,
    deleteWebhook: options.deleteWebhook,
    pollOffset: () => journal.pollOffset(),
    receive: async ({ updates, offset }) => {
      if (room.isFull()) {
        const detail = 'The outbox is full: no update is taken from Telegram until some messages have gone';
        trouble('ingress', 'room', detail);
        await room.free();
        trouble('ingress', 'room', null);
      }
      await toConversations<number>((reply) => ({ type: 'updates.received', updates, offset, reply }));
      const { poller } = status.getSnapshot().context;
      status.trigger.set({ values: { poller: { ...poller, updates: poller.updates + updates.length } } });
    },
    onBot: (me) => status.trigger.set({ values: { bot: me } }),
    onUp: () => {
      const { poller } = status.getSnapshot().context;
      status.trigger.set({ values: { poller: { ...poller, lastPollAt: clock.now() } } });
      tell('ingress', 'up');
      trouble('ingress', 'polls', null);
    },
    onDown: ({ kind, message, isReported = false }, failures) => {
      trouble('ingress', 'polls', message);
      if (!isReported) log.warn({ event: 'poll_failed', kind, failures }, message);
    },
    onTooLarge: (updateId) => {
      const what = 'An update is too large to be read: its entry says so and holds no more than its id';
      log.error({ event: 'update_too_large', updateId }, what);
    },
  });

  const switchboard = createSwitchboard({
    clock,
    random,
    parts: {
      ingress: poller,
      conversations: conversationsLogic({
        clock,
        createRouter: () =>
          createRouter({
            journal,
            machines,
            presses,
            username: () => status.getSnapshot().context.bot.username,
            watch: () => stepWatch,
          }),
        createTimers: (router) =>
          createTimerService({
            clock,
            nextTimerAt: () => journal.nextTimerAt(),
            fire: () => room.free().then(router.fireTimers),
            onError: (error) => logFailure('timers_failed', error, 'timers did not fire'),
          }),
        createSweep: (router) =>
          createSweepService({
            ...{ journal, machines, router, clock },
            onProgress: (counts) => log.debug({ event: 'migrating', ...counts }, 'conversations of other versions'),
            onDone(counts) {
              const { migrated, kept, restarted, quarantined } = counts;
              if (migrated + kept + restarted + quarantined === 0) return;
              log.info({ event: 'migrated', ...counts }, 'every conversation has been held against its machine');
            },
            onError: (error) => logFailure('migration_failed', error, 'conversations were not brought up'),
          }),
        onUp: (started) => {
          router = started;
          tell('conversations', 'up');
        },
      }),
      backend: backendLogic({
        ...{ runner, journal, clock },
        onUp: () => tell('backend', 'up'),
        onError: (error) => logFailure('requests_failed', error, 'requests were not read'),
      }),
      operators: operatorsLogic({ operators, onUp: () => tell('operators', 'up') }),
      outbox: outboxLogic({
        sender,
        random,
        onUp: () => {
          tell('outbox', 'up');
          trouble('outbox', 'claims', null);
        },
        onDown: (error) => {
          trouble('outbox', 'claims', `Messages cannot be claimed: ${errorText(error)}`);
          logFailure('claim_failed', error, 'messages cannot be claimed');
        },
      }),
    },
    onFailure: (name, error, delayMs) => {
      tell(name, 'restarting', 'It failed and is started again: the log says why');
      log.error({ event: 'actor_failed', actor: name, error: errorText(error), delayMs }, `${name} failed`);
    },
    onEnd: (name, output) => {
      const refusal = refusalOf(output);
      tell(name, 'stopped', refusal ?? undefined);
      if (name === 'ingress' && refusal !== null) options.onRefused(new SwitchboardError('token_refused', refusal));
    },
  });

  let stopWatching = () => {};
  function clockStepped(byMs: number): void {
    const { steps } = status.getSnapshot().context.clock;
    status.trigger.set({ values: { clock: { steps: steps + 1, lastStepMs: byMs } } });
    log.warn({ event: 'clock_stepped', byMs }, stepText(byMs));
    // Dates may have come: of timers, and of messages that were scheduled or expire.
    switchboard.part('conversations')?.send({ type: 'clock.stepped' });
    switchboard.part('outbox')?.send({ type: 'messages.queued' });
  }

  let router: Router | null = null;
  let stepWatch: StepWatch | null = null;
  let quarantines = 0;
  let ended: OutboxFigures['ended'] = status.getSnapshot().context.outbox.ended;
  let openRequests = await journal.openRequestCount();
  function tellFigures(): void {
    const { inFlight, failures, lastError } = runner.health();
    status.trigger.set({
      values: {
        journal: { head: journal.bounds().head },
        conversations: { live: 0, activations: 0, steps: 0, ...router?.counts(), quarantines },
        backend: { inFlight, waiting: Math.max(0, openRequests - inFlight), failures, lastError },
        outbox: { depth, inFlight: sender.inFlight(), sent: sender.sent(), lastSentAt: sendHealth.lastSentAt(), ended },
      },
    });
  }
  journal.onCommit((commit) => {
    ended = withEnded(ended, commit.entries);
    for (const { type, chat, seq } of commit.entries) {
      if (type !== 'chat.quarantined') continue;
      quarantines += 1;
      log.error(
        { event: 'chat_quarantined', chat, seq },
        'a machine failed: its chat stands still, its entry says why',
      );
    }
    depth = commit.messages;
    room.note(depth);
    openRequests = commit.openRequests;
    tellFigures();
    if (isHeld && journal.copyHold() === null) {
      isHeld = false;
      trouble('outbox', 'copy', null);
    }
    const event = { type: 'journal.committed', commit };
    if (commit.entries.length > 0) switchboard.part('operators')?.send(event);
    if (commit.timerAt !== null) switchboard.part('conversations')?.send(event);
    if (commit.withdrawn.length > 0)
      switchboard.part('backend')?.send({ type: 'requests.withdrawn', ids: commit.withdrawn });
    if (commit.requests) switchboard.part('backend')?.send({ type: 'requests.made' });
    if (commit.outbox) switchboard.part('outbox')?.send({ type: 'messages.queued' });
  });

  return {
    status,
    reportFault: storage.report,
    outbox,
    deliveries,
    operators,
    updates,
    conversations: {
      async postEvent(post) {
        room.require();
        return toConversations<EventAccepted>((reply) => ({ type: 'event.posted', post, reply }));
      },
      rewrite: (job) => toConversations<void>((reply) => ({ type: 'conversations.rewritten', job, reply })),
      retry: (id) => toConversations<ConversationRecord>((reply) => ({ type: 'chat.retried', id, reply })),
    },
    root: switchboard.machine,
    liveState(machine) {
      if (machine === 'switchboard') return switchboard.state();
      const part = { poller: switchboard.part('ingress'), outbox: switchboard.part('outbox') }[machine];
      return part?.getSnapshot().value ?? null;
    },
    actor: (name) => (name === 'switchboard' ? switchboard.root : switchboard.part(name)),
    watchActors: switchboard.watch,
    watchSteps(watch) {
      stepWatch = watch;
      return () => {
        if (stepWatch === watch) stepWatch = null;
      };
    },
    async recover() {
      const orphans = await sender.recover();
      if (orphans > 0)
        log.warn({ event: 'recovered', orphans }, 'messages whose calls a crash cut off are unknown now');
    },
    start() {
      switchboard.start();
      stopWatching = watchClock(clock, clockStepped);
      status.trigger.service({ state: 'ready' });
    },
    drain: switchboard.drain,
    async stop() {
      stopWatching();
      switchboard.stop();
      storage.stop();
      await runner.close();
    },
  };
}

/** How messages ended, those of these entries too. */
function withEnded(before: OutboxFigures['ended'], entries: readonly Pick<Entry, 'type'>[]): OutboxFigures['ended'] {
  let after = before;
  for (const { type } of entries) {
    const as = ENDED_AS.find((end) => type === `message.${end}`);
    if (as !== undefined) after = { ...after, [as]: after[as] + 1 };
  }
  return after;
}
