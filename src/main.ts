import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Settings } from '../config/schema.ts';
import { backendLogic } from './backend/actor.ts';
import type { Backend } from './backend/backend.ts';
import { createPayments } from './backend/payments.ts';
import { createRequestRunner } from './backend/requests.ts';
import { createSqlitePaymentStore } from './backend/sqlite.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Closing, createClosing } from './closing.ts';
import { ask, type ConversationsEvent, conversationsLogic, type Reply } from './conversations/actor.ts';
import type { EventAccepted } from './conversations/conversations.ts';
import { loadMachineTable } from './conversations/files.ts';
import { createRouter, type Router } from './conversations/router.ts';
import { createTimerService } from './conversations/timers.ts';
import { errorText, SwitchboardError } from './errors.ts';
import { createHttpServer } from './http/server.ts';
import { createPoller, refusalOf } from './ingress/poller.ts';
import { openSqliteJournal } from './journal/sqlite.ts';
import { holdDataFolder, openDatabase, openReader } from './journal/sqlite-open.ts';
import { createKeyring } from './keys/keyring.ts';
import { createSqliteKeyStore } from './keys/sqlite.ts';
import { limits } from './limits.ts';
import type { Logger } from './log.ts';
import { operatorsLogic } from './operators/actor.ts';
import { createBroadcast } from './operators/broadcast.ts';
import { outboxLogic } from './outbox/actor.ts';
import { createPacing } from './outbox/pacing.ts';
import { createOutbox } from './outbox/post.ts';
import { createSender } from './outbox/sender.ts';
import { createSandbox } from './sandbox/sandbox.ts';
import { createStatus, type PartName } from './status.ts';
import { createSwitchboard } from './switchboard.ts';
import { createHttpBotApi } from './telegram/http.ts';
import { botOfToken } from './telegram/telegram.ts';

/** Switchboard's own bot in sandbox mode. */
const SANDBOX_TOKEN = '1:sandbox';
const MACHINES = join(import.meta.dirname, '..', 'machines');

export interface Running {
  readonly url: string;
  /** Null with a real bot. */
  readonly sandboxUrl: string | null;
  /** Resolves with the reason where it cannot go on: the token is refused, another process took the bot over. */
  readonly failed: Promise<Error>;
  /** Stops the source first, finishes the work at hand, lets everything go. Within limits.shutdownMs. */
  stop(): Promise<void>;
}

/**
 * The composition root: builds every adapter, gives each area what it needs, starts the actors and opens the port.
 * Conversations' machines come from `machinesFolder`, by default the repository's. What was opened is closed again where a later step fails.
 */
export async function startSwitchboard(
  settings: Settings,
  log: Logger,
  { machinesFolder = MACHINES } = {},
): Promise<Running> {
  const closing = createClosing(log);
  try {
    return await start(settings, log, machinesFolder, closing);
  } catch (error) {
    await closing.closeAll();
    throw error;
  }
}

async function start(settings: Settings, log: Logger, machinesFolder: string, closing: Closing): Promise<Running> {
  const clock = systemClock;
  const random = Math.random;
  const machines = await loadMachineTable(settings.conversations, machinesFolder);

  const db = openDatabase(settings.data);
  closing.add(() => db.close());
  const held = holdDataFolder(settings.data, db, clock.now());
  closing.add(() => held.release());
  const connection = (open: typeof openDatabase) => {
    const opened = open(settings.data);
    closing.add(() => opened.close());
    return opened;
  };

  const token = settings.telegram.token ?? SANDBOX_TOKEN;
  const bot = botOfToken(token);
  if (bot === null) throw new TypeError('The settings let a malformed token through');
  let root = settings.telegram.apiRoot;
  let sandboxUrl: string | null = null;
  if (settings.telegram.token === null) {
    const sandbox = await createSandbox({ host: '127.0.0.1', port: settings.sandbox.port, clock, random });
    closing.add(() => sandbox.close());
    root = sandboxUrl = sandbox.url;
  }
  const api = createHttpBotApi({ root, token, connections: limits.sendsInFlightMax + 2, clock });
  closing.add(() => api.close());

  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const newStreamId = () => randomBytes(6).toString('hex');
  const journal = openSqliteJournal({ db, reader: connection(openReader), bot, newStreamId, clock, onLost: fail });
  closing.add(() => journal.close());
  const keyring = createKeyring({ store: createSqliteKeyStore(connection(openDatabase)), clock, randomBytes });
  closing.add(() => keyring.close());

  const status = createStatus(clock.now());
  const tell = (name: PartName, state: 'up' | 'degraded' | 'restarting' | 'stopped', detail?: string) =>
    status.trigger.part(detail === undefined ? { name, state } : { name, state, detail });
  status.trigger.set({ values: { bot: { id: bot, username: null } } });

  const outbox = createOutbox({ journal, clock });
  const operators = createBroadcast({ journal, clock, random, status, log });
  const sender = createSender({
    journal,
    api,
    pacing: createPacing(settings.outbox),
    clock,
    random,
    log,
    onFate: outbox.settledNow,
    onSettled: (inFlight) => {
      tellFigures();
      switchboard.part('outbox')?.send({ type: 'message.settled', inFlight });
    },
  });

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

  const backend = await createBackend(settings, connection(openDatabase), clock);
  closing.add(() => backend.close());
  const runner = createRequestRunner({
    backend,
    clock,
    random,
    log,
    bot,
    timeoutMs: settings.backend.timeoutMs,
    answered: (id, outcome) => toConversations<boolean>((reply) => ({ type: 'request.answered', id, outcome, reply })),
    freed: () => switchboard.part('backend')?.send({ type: 'request.ended' }),
    healthChanged: ({ failing }) =>
      failing === null ? tell('backend', 'up') : tell('backend', 'degraded', `The backend does not answer: ${failing}`),
  });
  closing.add(() => runner.close());

  const poller = createPoller({
    api,
    clock,
    random,
    pollTimeoutS: settings.telegram.pollTimeoutS,
    deleteWebhook: settings.telegram.deleteWebhook,
    pollOffset: () => journal.pollOffset(),
    receive: async ({ updates, offset }) => {
      await toConversations<number>((reply) => ({ type: 'updates.received', updates, offset, reply }));
      const { poller } = status.getSnapshot().context;
      const values = { poller: { updates: poller.updates + updates.length, lastPollAt: clock.now() } };
      status.trigger.set({ values });
    },
    onBot: (me) => status.trigger.set({ values: { bot: me } }),
    onUp: () => tell('ingress', 'up'),
    onDown: ({ kind, message }, failures) => {
      tell('ingress', kind === 'refused' ? 'stopped' : 'degraded', message);
      log.warn({ event: 'poll_failed', kind, failures }, message);
    },
  });

  const switchboard = createSwitchboard({
    random,
    parts: {
      ingress: poller,
      conversations: conversationsLogic({
        createRouter: () =>
          createRouter({
            journal,
            machines,
            username: () => status.getSnapshot().context.bot.username,
          }),
        createTimers: (router) =>
          createTimerService({
            clock,
            nextTimerAt: () => journal.nextTimerAt(),
            fire: router.fireTimers,
            onError: (error) => log.error({ event: 'timers_failed', error: errorText(error) }, 'timers did not fire'),
          }),
        onUp: (started) => {
          router = started;
          tell('conversations', 'up');
        },
      }),
      backend: backendLogic({
        runner,
        openRequests: (limit) => journal.openRequests(limit),
        onUp: () => tell('backend', 'up'),
        onError: (error) => log.error({ event: 'requests_failed', error: errorText(error) }, 'requests were not read'),
      }),
      operators: operatorsLogic({ operators, onUp: () => tell('operators', 'up') }),
      outbox: outboxLogic({
        sender,
        random,
        onUp: () => tell('outbox', 'up'),
        onDown: (error) => {
          tell('outbox', 'degraded', `Messages cannot be claimed: ${errorText(error)}`);
          log.error({ event: 'claim_failed', error: errorText(error) }, 'messages cannot be claimed');
        },
      }),
    },
    onFailure: (name, error, delayMs) => {
      tell(name, 'restarting', 'It failed and is started again: the log says why');
      log.error({ event: 'actor_failed', actor: name, error: errorText(error), delayMs }, `${name} failed`);
    },
    onEnd: (name, output) => {
      tell(name, 'stopped');
      const refusal = refusalOf(output);
      if (name === 'ingress' && refusal !== null) fail(new SwitchboardError('token_refused', refusal));
    },
  });

  let router: Router | null = null;
  let quarantines = 0;
  let depth = await journal.outboxDepth();
  function tellFigures(): void {
    status.trigger.set({
      values: {
        journal: { head: journal.bounds().head },
        conversations: { live: 0, steps: 0, ...router?.counts(), quarantines },
        outbox: { depth, inFlight: sender.inFlight(), sent: sender.sent() },
      },
    });
  }
  journal.onCommit((commit) => {
    for (const { type, chat, seq } of commit.entries) {
      if (type !== 'chat.quarantined') continue;
      quarantines += 1;
      log.error(
        { event: 'chat_quarantined', chat, seq },
        'a machine failed: its chat stands still, its entry says why',
      );
    }
    depth = commit.messages;
    tellFigures();
    const event = { type: 'journal.committed', commit };
    if (commit.entries.length > 0) switchboard.part('operators')?.send(event);
    if (commit.timerAt !== null) switchboard.part('conversations')?.send(event);
    if (commit.requests) switchboard.part('backend')?.send(event);
    if (commit.outbox) switchboard.part('outbox')?.send({ type: 'messages.queued' });
  });

  const http = await createHttpServer({
    host: settings.http.host,
    port: settings.http.port,
    bot,
    journal,
    keyring,
    operators,
    outbox,
    conversations: {
      postEvent: (post) => toConversations<EventAccepted>((reply) => ({ type: 'event.posted', post, reply })),
    },
    status,
    clock,
    log,
  });

  const orphans = await sender.recover();
  if (orphans > 0) log.warn({ event: 'recovered', orphans }, 'messages whose calls a crash cut off are unknown now');
  closing.add(() => http.close());
  const url = await http.listen();
  switchboard.start();
  closing.add(() => switchboard.stop());
  const ready = { event: 'ready', url, pid: process.pid, bot, ...(sandboxUrl === null ? {} : { sandboxUrl }) };
  log.info(ready, sandboxUrl === null ? `serving bot ${bot} at ${url}` : `serving the sandbox's bot at ${url}`);

  return {
    url,
    sandboxUrl,
    failed,
    async stop() {
      const late = clock.setTimeout(() => {
        log.error({ event: 'stop_timeout' }, 'the work at hand did not finish in time');
        process.exit(1);
      }, limits.shutdownMs);
      await switchboard.drain('ingress', limits.drainMs).catch((error) => log.warn(errorText(error)));
      await http.close();
      await switchboard.drain('outbox', limits.drainMs).catch((error) => log.warn(errorText(error)));
      await closing.closeAll();
      clock.clearTimeout(late);
    },
  };
}

async function createBackend(
  { backend }: Settings,
  db: ReturnType<typeof openDatabase>,
  clock: Clock,
): Promise<Backend> {
  if (backend.url === null) return createPayments({ store: createSqlitePaymentStore(db), clock });
  // Not everybody has a service of their own: its client is loaded for those who do.
  const { createHttpBackend } = await import('./backend/http.ts');
  return createHttpBackend({ url: backend.url, secret: backend.secret, clock });
}
