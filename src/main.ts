import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { flatSettings } from '../config/load.ts';
import type { Settings } from '../config/schema.ts';
import { listOf } from './address-rule.ts';
import { createAudit } from './audit/noting.ts';
import { noteSettings } from './audit/settings.ts';
import { createSqliteAuditStore } from './audit/sqlite.ts';
import type { Backend } from './backend/backend.ts';
import type { PaymentStore } from './backend/payment-store.ts';
import { createPayments } from './backend/payments.ts';
import { createSqlitePaymentStore } from './backend/sqlite.ts';
import { createCallbacks } from './callbacks/deliver.ts';
import { createHttpCallbacks } from './callbacks/http.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Closing, createClosing } from './closing.ts';
import { createConsole } from './console/index-client.ts';
import { createSqliteReadMarks } from './console/sqlite-marks.ts';
import { loadMachineTable } from './conversations/files.ts';
import { buildEraser } from './erasing.ts';
import { errorText, type SwitchboardError } from './errors.ts';
import type { Page } from './http/pages.ts';
import { createHttpServer } from './http/server.ts';
import type { Feed, Inspector } from './inspector/inspector.ts';
import { dataFault } from './journal/data-fault.ts';
import { watchDataFolder } from './journal/data-folder.ts';
import type { Journal } from './journal/journal.ts';
import { openSqliteJournal } from './journal/sqlite.ts';
import { dataSizes } from './journal/sqlite-figures.ts';
import { createSqliteMark } from './journal/sqlite-mark.ts';
import { holdDataFolder, neverWait, openAgain, openDatabase, openReader } from './journal/sqlite-open.ts';
import { createKeyring } from './keys/keyring.ts';
import { createSqliteKeyStore } from './keys/sqlite.ts';
import { limits } from './limits.ts';
import { adviseOn, plainHttpWarning } from './listening.ts';
import type { Logger } from './log.ts';
import { createRetention } from './operators/retention.ts';
import { bootId, createDiskMarks } from './outbox/disk-marks.ts';
import { closeToOthers, closingCommand } from './private-files.ts';
import { createProvenTime } from './proven-time.ts';
import { createSandbox, type Playground } from './sandbox/sandbox.ts';
import { createSessions } from './sessions/open-sessions.ts';
import { createSqliteSessionStore } from './sessions/sqlite.ts';
import { retryWhileLocked } from './storage-fault.ts';
import { createSystem, type System } from './system.ts';
import { countCalls } from './telegram/counted.ts';
import { createHttpBotApi } from './telegram/http.ts';
import { createHttpBotFiles } from './telegram/http-files.ts';
import { botOfToken, SANDBOX_TOKEN } from './telegram/telegram.ts';
import { CHAT_KINDS } from './telegram/update.ts';
import { createDiskUploads } from './uploads/disk.ts';
import { VERSION } from './version.ts';

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
    throw dataFault(error, settings.data);
  }
}

async function start(settings: Settings, log: Logger, machinesFolder: string, closing: Closing): Promise<Running> {
  const clock = systemClock;
  const random = Math.random;
  const machines = await loadMachineTable(settings.conversations, machinesFolder, settings.machines);

  const db = openDatabase(settings.data);
  closing.add(() => db.close());
  const moved = Promise.withResolvers<SwitchboardError>();
  closing.add(watchDataFolder(settings.data, clock, moved.resolve));
  const held = holdDataFolder(settings.data, db, clock.now());
  closing.add(() => held.release());
  keepPrivate(settings.data, log);
  const connection = (open: typeof openAgain) => {
    const opened = open(settings.data);
    closing.add(() => opened.close());
    return opened;
  };

  const writing = <T>(create: (db: DatabaseSync) => T): T => {
    const opened = connection(openAgain);
    const made = create(opened);
    neverWait(opened);
    return made;
  };

  const token = settings.telegram.token ?? SANDBOX_TOKEN;
  const bot = botOfToken(token);
  if (bot === null) throw new TypeError('The settings let a malformed token through');
  let root = settings.telegram.apiRoot;
  let sandboxUrl: string | null = null;
  let playground: Playground | null = null;
  if (settings.telegram.token === null) {
    const sandbox = await createSandbox({ host: '127.0.0.1', port: settings.sandbox.port, clock, random }).catch(
      adviseOn('sandbox.port (SWITCHBOARD_SANDBOX_PORT)'),
    );
    closing.add(() => sandbox.close());
    root = sandboxUrl = sandbox.url;
    playground = sandbox.playground(token);
  }
  const connections = limits.sendsInFlightMax + limits.facadeCallsMax + 2;
  const { network } = settings;
  const proven = createProvenTime(clock, writing(createSqliteMark));
  closing.add(() => proven.stop());
  // The sandbox reads this process's clock: that the two agree proves nothing.
  const onServerTime = sandboxUrl === null ? { onServerTime: proven.heard } : {};
  const { api, counts } = countCalls(createHttpBotApi({ root, token, connections, clock, network, ...onServerTime }));
  closing.add(() => api.close());
  const files = createHttpBotFiles({ root, token, connections: limits.facadeDownloadsMax, network });
  closing.add(() => files.close());

  /** Set once there is a system to tell. */
  let reportFault = (error: unknown): void => {
    throw error;
  };
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  /** Nothing can be committed any more: work at hand cannot be finished. */
  let isCutOff = false;
  const cutOff = (error: SwitchboardError): void => {
    isCutOff = true;
    fail(error);
  };
  const newStreamId = () => randomBytes(6).toString('hex');
  const reader = connection(openReader);
  const onRenamed = (stream: string) =>
    log.warn({ event: 'stream_renamed', stream }, 'the database came from elsewhere: readers begin anew');
  const journal = openSqliteJournal({
    db,
    reader,
    bot,
    newStreamId,
    onRenamed,
    clock,
    provenNow: proven.now,
    onLost: cutOff,
  });
  closing.add(() => journal.close());
  void moved.promise.then((error) => {
    journal.refuseWrites(error);
    cutOff(error);
  });
  const { keyStore, auditStore } = writing((db) => ({
    keyStore: createSqliteKeyStore(db),
    auditStore: createSqliteAuditStore(db),
  }));
  const audit = createAudit({
    ...{ store: auditStore, clock, provenNow: proven.now },
    onError: (error) => reportFault(error),
  });
  closing.add(() => audit.stop());
  await retryWhileLocked(clock, () => noteSettings(auditStore, flatSettings(settings), randomBytes, audit.noteNow));
  const keyring = createKeyring({
    ...{ store: keyStore, clock, randomBytes },
    onError: (error) => reportFault(error),
  });
  closing.add(() => keyring.close());
  const sessions = createSessions({
    ...{ store: writing(createSqliteSessionStore), keyring, clock, randomBytes },
    onError: (error) => reportFault(error),
  });
  closing.add(() => sessions.stop());

  let paymentStore: PaymentStore | null = null;
  const payments = (): PaymentStore => {
    paymentStore ??= writing((db) => createSqlitePaymentStore(db, clock));
    return paymentStore;
  };
  const backend = await createBackend(settings, payments, clock);
  closing.add(() => backend.close());
  const uploads = createDiskUploads({ folder: settings.data, journal, randomBytes, log });
  await uploads.sweep();
  const sendMarks = createDiskMarks({
    folder: settings.data,
    stream: journal.stream,
    bootId: bootId(),
    log,
  });
  closing.add(() => sendMarks.close());
  const system = await createSystem({
    ...{ journal, api, uploads, backend, machines, clock, provenNow: proven.now, random, log },
    pollTimeoutS: settings.telegram.pollTimeoutS,
    deleteWebhook: settings.telegram.deleteWebhook,
    backendTries: settings.backend,
    marks: sendMarks,
    isCanceled: keyring.isCanceled,
    rates: settings.outbox,
    onRefused: fail,
  });
  reportFault = system.reportFault;
  void failed.then((error) => system.status.trigger.service({ state: 'failed', detail: errorText(error) }));

  const sender = createHttpCallbacks(clock, network);
  closing.add(() => sender.close());
  const callbacks = createCallbacks({
    ...{ journal, keyring, send: sender.send, clock, provenNow: proven.now, random, log },
  });

  const inspector =
    settings.inspect === '1' ? await createInspector({ settings, machinesFolder, journal, system, clock, log }) : null;
  const startIndex = (anew: boolean) =>
    new Worker(join(import.meta.dirname, 'console-worker.ts'), { workerData: { folder: settings.data, bot, anew } });
  const consoleIndex = createConsole({
    ...{ start: startIndex, exists: () => existsSync(join(settings.data, 'console.db')) },
    ...{ journal, clock, log, reportFault: system.reportFault },
  });
  closing.add(() => consoleIndex.close());
  const marks = writing(createSqliteReadMarks);
  const eraser = buildEraser({
    ...{ folder: settings.data, journal, clock, log, uploads, payments },
    rewrite: system.conversations.rewrite,
    onRewritten: () => system.operators.catchUp(),
    index: consoleIndex.erasing,
  });

  const trustedProxies = listOf(settings.http.trustedProxies);
  const http = await createHttpServer({
    host: settings.http.host,
    port: settings.http.port,
    trustedProxies,
    bot,
    journal,
    keyring,
    audit,
    sessions,
    operators: system.operators,
    outbox: system.outbox,
    deliveries: system.deliveries,
    updates: system.updates,
    api,
    files,
    uploads,
    callbacks,
    conversations: system.conversations,
    status: system.status,
    reportFault: system.reportFault,
    inspector: inspector === null ? null : { ...inspector, sandbox: sandboxUrl !== null },
    console: { console: consoleIndex, marks },
    erasing: eraser,
    playground,
    examples: Object.fromEntries(CHAT_KINDS.map((kind) => [kind, machines.examplesFor(kind)])),
    version: VERSION,
    figures: {
      telegram: counts,
      callbacks: callbacks.counts,
      oldestWaitingAt: journal.oldestWaitingAt,
      quarantined: journal.quarantinedCount,
      disk: () => dataSizes(settings.data),
    },
    pages: pagesOf({ sandbox: playground !== null, inspector: inspector !== null }),
    clock,
    randomBytes,
    log,
  });

  await system.recover();
  closing.add(() => http.close());
  const url = await http.listen().catch(adviseOn('http.port (SWITCHBOARD_PORT)', 'http.host (SWITCHBOARD_HOST)'));
  const warning = plainHttpWarning(settings.http.host, trustedProxies);
  if (warning !== null) log.warn({ event: 'plain_http', host: settings.http.host }, warning);
  await retryWhileLocked(clock, () => held.servesAt(url));
  // The first that a person sees: where to go.
  if (playground !== null) log.info({ event: 'open', url: `${url}/sandbox` }, `chat with the bot: ${url}/sandbox`);
  system.start();
  closing.add(() => system.stop());
  const retention = createRetention({
    journal,
    callbacks,
    clock,
    proven,
    onGone: consoleIndex.forget,
    onDoubt: (detail) => system.status.trigger.trouble({ name: 'data', cause: 'clock', detail }),
    log,
    isActive: keyring.isActive,
    ...settings.retention,
  });
  eraser.start();
  closing.add(() => eraser.stop());
  callbacks.start();
  closing.add(() => callbacks.stop());
  retention.start();
  closing.add(() => retention.stop());
  const ready = { event: 'ready', url, pid: process.pid, bot, ...(sandboxUrl === null ? {} : { sandboxUrl }) };
  log.info(ready, sandboxUrl === null ? `serving bot ${bot} at ${url}` : `serving the sandbox's bot at ${url}`);

  return {
    url,
    sandboxUrl,
    failed,
    async stop() {
      system.status.trigger.service({ state: 'stopping' });
      const outboxUntil = clock.steadyNow() + limits.shutdownMs - limits.shutdownRestMs;
      const late = clock.setTimeout(() => {
        log.error({ event: 'stop_timeout' }, 'the work at hand did not finish in time');
        process.exit(1);
      }, limits.shutdownMs);
      const warn = (error: unknown): void => log.warn(errorText(error));
      await system.drain('ingress', limits.drainMs).catch(warn);
      await http.close();
      const drained = isCutOff ? Promise.resolve() : system.drain('outbox', outboxUntil - clock.steadyNow());
      await drained.catch(async (error) => {
        warn(error);
        // Calls that are cut off have a fate, which the outbox stores: unknown.
        await api.close();
        await system.drain('outbox', limits.shutdownRestMs / 2).catch(warn);
      });
      await closing.closeAll();
      clock.clearTimeout(late);
    },
  };
}

/** A start goes on if it cannot close the folder: a disk that keeps no modes could not be used otherwise. */
function keepPrivate(folder: string, log: Logger): void {
  const { closed, open } = closeToOthers(folder);
  if (closed.length > 0)
    log.warn({ event: 'data_closed', paths: closed }, 'others could use the data folder: now its owner alone can');
  if (open.length > 0) {
    const what = `others can use the data folder or files in it, which hold what users write. Run as their owner: ${closingCommand(open)}. Or name a folder for Switchboard alone with SWITCHBOARD_DATA`;
    log.warn({ event: 'data_open', paths: open }, what);
  }
}

/** The pages that there is something behind. */
function pagesOf({ sandbox, inspector }: { readonly sandbox: boolean; readonly inspector: boolean }): Page[] {
  return [
    ...(sandbox ? [{ name: 'sandbox', title: 'Sandbox' } as const] : []),
    { name: 'console', title: 'Console' },
    ...(inspector ? [{ name: 'inspector', title: 'Inspector', styles: ['sequence.css'] } as const] : []),
  ];
}

/** Loaded for those who look: it reads every machine there is, those that no chat runs too. */
async function createInspector({
  settings: { conversations },
  machinesFolder,
  journal,
  system,
  clock,
  log,
}: {
  readonly settings: Settings;
  readonly machinesFolder: string;
  readonly journal: Journal;
  readonly system: System;
  readonly clock: Clock;
  readonly log: Logger;
}): Promise<{ readonly inspector: Inspector; readonly feed: Feed }> {
  const { createFeed } = await import('./inspector/feed.ts');
  const { createInspection } = await import('./conversations/inspection.ts');
  const { loadInspected } = await import('./conversations/inspected.ts');
  const machines = await loadInspected([machinesFolder, MACHINES], (file, error) =>
    log.warn({ event: 'machine_unreadable', file, error: errorText(error) }, 'the inspector leaves it out'),
  );
  const root = { name: 'switchboard', machine: system.root, source: null };
  const inspector = createInspection({
    ...{ journal, clock, machines: [...machines, root], liveState: system.liveState },
    perOf: (kind) => conversations[kind]?.per ?? 'chat',
  });
  return { inspector, feed: createFeed({ ...system, clock, conversation: (id) => journal.conversation(id) }) };
}

async function createBackend(
  { backend, network }: Settings,
  openPayments: () => PaymentStore,
  clock: Clock,
): Promise<Backend> {
  if (backend.url === null) return createPayments({ store: openPayments(), clock });
  // Not everybody has a service of their own: its client is loaded for those who do.
  const { createHttpBackend } = await import('./backend/http.ts');
  return createHttpBackend({ url: backend.url, secret: backend.secret, clock, network });
}
