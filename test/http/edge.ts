import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { assign, setup } from 'xstate';
import { createAudit } from '../../src/audit/noting.ts';
import { createSqliteAuditStore } from '../../src/audit/sqlite.ts';
import { createCallbacks } from '../../src/callbacks/deliver.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { StepWatch } from '../../src/conversations/conversations.ts';
import { createInspection } from '../../src/conversations/inspection.ts';
import { createMachineTable } from '../../src/conversations/machines.ts';
import { createRouter } from '../../src/conversations/router.ts';
import type { Erasing } from '../../src/erase/erase.ts';
import type { HttpParts } from '../../src/http/app.ts';
import type { Page } from '../../src/http/pages.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { createFeed } from '../../src/inspector/feed.ts';
import type { EntryType } from '../../src/journal/journal.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { createKeyring } from '../../src/keys/keyring.ts';
import type { NewKey, Role } from '../../src/keys/keys.ts';
import { createSqliteKeyStore } from '../../src/keys/sqlite.ts';
import { createLog } from '../../src/log.ts';
import { createBroadcast } from '../../src/operators/broadcast.ts';
import { createUpdateQueues } from '../../src/operators/facade.ts';
import { createDeliveries } from '../../src/outbox/deliver.ts';
import { createOutbox } from '../../src/outbox/post.ts';
import type { Playground } from '../../src/sandbox/sandbox.ts';
import { createSessions } from '../../src/sessions/open-sessions.ts';
import { createSqliteSessionStore } from '../../src/sessions/sqlite.ts';
import { createStatus } from '../../src/status.ts';
import { TelegramUnreachable } from '../../src/telegram/errors.ts';
import { createDiskUploads } from '../../src/uploads/disk.ts';
import { consoleIn } from '../console/support.ts';
import { settle } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { makeOlderKey } from '../support/keys.ts';

/** A conversation that counts what it hears, and takes the event `order.shipped`. It cannot take "fault" until it is mended. */
const counterWith = (fault: { mended: boolean }) =>
  setup({
    types: {
      context: {} as { heard: number },
      events: {} as { type: 'message.received'; text: string } | { type: 'order.shipped' },
    },
    actions: {
      count: assign(({ context, event }) => {
        if (!fault.mended && 'text' in event && event.text === 'fault') throw new Error('cannot take it');
        return { heard: context.heard + 1 };
      }),
    },
  }).createMachine({
    id: 'counter',
    version: '1',
    context: { heard: 0 },
    initial: 'counting',
    states: { counting: { on: { 'message.received': { actions: 'count' }, 'order.shipped': 'shipped' } }, shipped: {} },
  });

export interface EdgeOptions {
  /** The inspector is served too. */
  readonly inspect?: boolean;
  /** The console is served too. */
  readonly console?: boolean;
  /** The pretend users of a sandbox are served too. */
  readonly playground?: Playground;
  /** The pages that are served. */
  readonly pages?: readonly Page[];
  readonly clock?: Clock;
  /** By default this machine, as with the settings. */
  readonly trustedProxies?: readonly string[];
  readonly streamsPerKeyMax?: number;
  readonly streamsMax?: number;
  readonly connectionsMax?: number;
  /** In place of a minute: the sockets' own time, which no test's clock moves. */
  readonly stuckMs?: number;
  /** Telegram, which otherwise cannot be reached. */
  readonly api?: HttpParts['api'];
  readonly files?: HttpParts['files'];
  /** Export and erasure of chats are served too. */
  readonly erasing?: Erasing;
}

/** The whole edge over real parts, with nobody behind it who sends: a journal in a file, the outbox, conversations, keys and the broadcast. */
export async function startEdge({
  clock = systemClock,
  inspect = false,
  console: consoled = false,
  ...options
}: EdgeOptions = {}) {
  const folder = temporaryFolder();
  const journal = openJournal(folder, clock, '123');
  const keysDb = openDatabase(temporaryFolder());
  const keyring = createKeyring({ store: createSqliteKeyStore(keysDb), clock, randomBytes });
  const sessionsDb = openDatabase(folder);
  const sessions = createSessions({
    ...{ store: createSqliteSessionStore(sessionsDb), keyring, clock, randomBytes },
    onError(error) {
      throw error;
    },
  });
  const audit = createAudit({
    ...{ store: createSqliteAuditStore(keysDb), clock, provenNow: clock.now },
    onError: (error) => {
      throw error;
    },
  });
  const status = createStatus(clock.now());
  const logged: string[] = [];
  const log = createLog('debug', { write: (line) => logged.push(line) });
  const operators = createBroadcast({ journal, clock, random: () => 0, status, log });
  journal.onCommit(({ entries }) => operators.publish(entries));
  const fault = { mended: false };
  const counter = counterWith(fault);
  const machines = createMachineTable(
    { private: { machine: 'counter', per: 'chat' }, group: { machine: 'counter', per: 'chat' }, channel: null },
    new Map([['counter', counter]]),
  );
  let watch: StepWatch | null = null;
  const router = createRouter({ journal, machines, username: () => null, watch: () => watch });
  const callbacks = createCallbacks({
    journal,
    keyring,
    send: async () => 'nobody listens',
    clock,
    provenNow: clock.now,
    random: () => 0,
    log,
  });
  onTestFinished(() => callbacks.stop());
  const uploads = createDiskUploads({ folder, journal, randomBytes, log });
  const outbox = createOutbox({ journal, clock, uploads });
  const nobody = () => Promise.reject(new TelegramUnreachable('a call', 'there is no Telegram here', false));
  const disk = { databaseBytes: 4096, walBytes: 512, freeBytes: 8e9 };
  const parts = {
    ...{
      bot: '123',
      audit,
      journal,
      keyring,
      sessions,
      operators,
      conversations: router,
      outbox,
      status,
      clock,
      randomBytes,
      log,
    },
    deliveries: createDeliveries({ bot: '123', outbox }),
    updates: createUpdateQueues({ journal, clock, status }),
    reportFault: () => {},
    figures: {
      telegram: () => ({ calls: [{ method: 'sendMessage', outcome: 'rate_limited', count: 2 }], waitAskedS: 7.5 }),
      ...{ callbacks: callbacks.counts, oldestWaitingAt: async () => null },
      quarantined: () => journal.quarantinedCount(),
      disk: async () => disk,
    },
    version: '1.2.3',
    trustedProxies: ['127.0.0.1'],
    ...{ api: { call: nobody }, files: { open: nobody }, uploads, callbacks },
  };
  const inspector = createInspection({
    ...{ journal, clock, perOf: () => 'chat', liveState: () => null },
    machines: [{ name: 'counter', machine: counter, source: 'the text of its file' }],
  });
  const feed = createFeed({
    ...{ clock, actor: () => null, watchActors: () => () => {}, conversation: (id) => journal.conversation(id) },
    watchSteps(wanted) {
      watch = wanted;
      return () => {
        watch = null;
      };
    },
  });
  const looks = {
    ...(inspect ? { inspector: { inspector, feed, sandbox: true } } : {}),
    ...(consoled ? { console: consoleIn(folder, '123') } : {}),
  };
  const server = await createHttpServer({ host: '127.0.0.1', port: 0, ...parts, ...options, ...looks });
  const url = await server.listen();
  onTestFinished(async () => {
    await server.close();
    audit.stop();
    sessions.stop();
    keyring.close();
    sessionsDb.close();
    await journal.close();
    keysDb.close();
  });

  /** A new key's header. */
  const key = (role: Role, fields: Partial<NewKey> = {}) => {
    const made = makeOlderKey(keyring, keysDb, { role, name: role, chats: null, expiresAt: null, ...fields });
    return { id: made.key.id, text: made.text, header: { authorization: `Bearer ${made.text}` } };
  };
  const admin = key('admin');

  /** Logs in as a page does: the headers of its requests, and the answer. */
  const logIn = async (text = admin.text, headers: Record<string, string> = {}, fields: object = {}) => {
    const init = { method: 'POST', body: JSON.stringify({ key: text, ...fields }) };
    const answer = await fetch(`${url}/v1/session`, {
      ...init,
      headers: { 'content-type': 'application/json', ...headers },
    });
    const { page } = Object(await answer.clone().json());
    const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    return { answer, cookie, headers: { cookie, 'x-switchboard-page': String(page), authorization: '' } };
  };

  return {
    ...{
      folder,
      url,
      server,
      sessions,
      logIn,
      parts,
      journal,
      keyring,
      operators,
      status,
      router,
      outbox,
      log,
      logged,
    },
    ...{ key, admin, clock, fault, disk },
    /** Whether somebody looks at the conversations' steps. */
    isWatched: () => watch !== null,
    /** Ends the streams of the admin key, as a network that breaks would: the key stays. */
    cutStreams: () => operators.endStreamsOf(admin.id),
    /** Commits one entry; resolves with its seq. */
    append: (chat: string | null, fields: object = {}, type: EntryType = 'update.received') =>
      journal.write(async (tx) => tx.append({ type, chat, body: JSON.stringify({ update: fields }) })),
    get: (path: string, headers: Record<string, string> = admin.header) => fetch(url + path, { headers }),
    /** Sends JSON. */
    send: (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
      fetch(url + path, {
        method,
        headers: { ...admin.header, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  };
}

export type Edge = Awaited<ReturnType<typeof startEdge>>;

/** The JSON of an answer, to be matched. */
export const json = (response: Response): Promise<unknown> => response.json();

/** Waits, turn by turn of the loop, until it is so. */
export async function until(so: () => boolean): Promise<void> {
  while (!so()) await settle();
}
