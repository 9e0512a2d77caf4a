import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { ENDED_AS, type Figures, STATUS_NAMES, type StatusStore } from '../status.ts';

export interface MetricsOptions {
  readonly status: StatusStore;
  /** Looked up once a scrape. One that fails is NaN; the others are told all the same. */
  readonly figures: Figures;
  /** Of Switchboard. */
  readonly version: string;
  /** Connections beyond limits.connectionsMax since the start. */
  readonly connectionsRefused: () => number;
}

/** What Prometheus reads: the live status, the process, and how requests fare. One registry a server. */
export function createMetrics({ status, figures, version, connectionsRefused }: MetricsOptions) {
  const registry = new Registry();
  const registers = [registry];
  const now = () => status.getSnapshot().context;
  let found = NOT_FOUND;
  /** Of Node and its process, under the names that everybody's dashboards have. */
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });

  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name: `switchboard_${name}`,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  const counter = (name: string, help: string, value: () => number) =>
    new Counter({
      name: `switchboard_${name}`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value());
      },
    });

  counter('updates_total', 'Updates taken in since the start', () => now().poller.updates);
  counter('steps_total', 'Conversation steps since the start', () => now().conversations.steps);
  counter('messages_sent_total', 'Messages that Telegram took since the start', () => now().outbox.sent);
  gauge('journal_head', 'Seq of the newest entry', () => now().journal.head);
  gauge('outbox_depth', 'Messages that wait to be sent', () => now().outbox.depth);
  gauge('outbox_in_flight', 'Calls to Telegram under way', () => now().outbox.inFlight);
  gauge('operators_connected', 'Open streams', () => now().operators.connected);
  gauge('operators_behind', 'Open streams that have not got everything yet', () => now().operators.behind);
  gauge('operators_lag', 'Entries that the stream furthest behind has not got yet', () => now().operators.lag);
  gauge('operators_polling', 'Polls of keys under way', () => now().operators.polling);
  counter('operators_bytes_total', 'Written to streams since the start', () => now().operators.bytes);
  gauge('conversations_live', 'Conversations in memory', () => now().conversations.live);
  counter(
    'activations_total',
    'Conversations brought into memory since the start',
    () => now().conversations.activations,
  );
  gauge('backend_in_flight', 'Requests being asked', () => now().backend.inFlight);
  gauge('backend_waiting', 'Requests that wait to be asked', () => now().backend.waiting);
  gauge('backend_failures', 'Tries of one src that failed in a row', () => now().backend.failures);
  counter('quarantines_total', 'Chats brought to a stand since the start', () => now().conversations.quarantines);
  counter(
    'clock_steps_total',
    'Times that the clock was set by more than 2 s, or the machine slept, since the start',
    () => now().clock.steps,
  );
  gauge('clock_last_step_seconds', 'By how much the last time, negative: back', () => now().clock.lastStepMs / 1000);
  new Gauge({
    name: 'switchboard_part_up',
    help: '1 where the part is up',
    labelNames: ['part'],
    registers,
    collect() {
      for (const part of STATUS_NAMES) this.set({ part }, now().parts[part].state === 'up' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'switchboard_build_info',
    help: 'Always 1; the labels tell what runs',
    labelNames: ['version', 'node'],
    registers,
  }).set({ version, node: process.version }, 1);
  new Counter({
    name: 'switchboard_messages_total',
    help: 'Messages by how they ended, since the start; one that was unknown may be sent later',
    labelNames: ['status'],
    registers,
    collect() {
      this.reset();
      for (const as of ENDED_AS) this.inc({ status: as }, now().outbox.ended[as]);
    },
  });
  new Counter({
    name: 'switchboard_telegram_calls_total',
    help: 'Calls of the Bot API by how they ended, since the start',
    labelNames: ['method', 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const { method, outcome, count } of figures.telegram().calls) this.inc({ method, outcome }, count);
    },
  });
  const seconds = (ms: number | null | undefined): number => (ms ?? 0) / 1000;
  counter(
    'telegram_wait_asked_seconds_total',
    'What Telegram asked to wait, of all its 429 together, since the start',
    () => figures.telegram().waitAskedS,
  );
  counter(
    'http_connections_refused_total',
    'Connections refused since as many were open as may be',
    connectionsRefused,
  );
  gauge('last_poll_timestamp_seconds', 'When a poll was last answered and stored; 0: none yet', () =>
    seconds(now().poller.lastPollAt),
  );
  gauge('last_send_timestamp_seconds', 'When Telegram last took a message; 0: none yet', () =>
    seconds(now().outbox.lastSentAt),
  );
  gauge('outbox_oldest_timestamp_seconds', 'Since when the message waits that waits longest; 0: none waits', () =>
    seconds(found.oldestWaitingAt),
  );
  gauge('chats_quarantined', 'Chats whose conversation is quarantined now', () => found.quarantined);
  gauge('callbacks_behind', 'Keys that have callbacks to be sent', () => figures.callbacks().behind);
  gauge(
    'callbacks_failing',
    'Of these, keys whose receiver did not take the last one',
    () => figures.callbacks().failing,
  );
  gauge('database_bytes', "The database's file", () => found.disk.databaseBytes);
  gauge('wal_bytes', 'Written, and not yet moved into the file of the database', () => found.disk.walBytes);
  gauge('disk_free_bytes', 'Room on the disk of the data folder', () => found.disk.freeBytes);
  const requests = new Histogram({
    name: 'switchboard_http_request_duration_seconds',
    help: 'From the first byte of a request to the last of its answer; streams left out',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  });

  return {
    contentType: registry.contentType,
    async text(): Promise<string> {
      found = await lookUp(figures);
      return registry.metrics();
    },
    observeRequest(method: string, route: string, statusCode: number, ms: number): void {
      requests.observe({ method, route, status: String(statusCode) }, ms / 1000);
    },
  };
}

const UNKNOWN = Number.NaN;
const NOT_FOUND = {
  oldestWaitingAt: UNKNOWN,
  quarantined: UNKNOWN,
  disk: { databaseBytes: UNKNOWN, walBytes: UNKNOWN, freeBytes: UNKNOWN },
};

/** What the database and the disk are asked for. */
async function lookUp({ oldestWaitingAt, quarantined, disk }: Figures): Promise<typeof NOT_FOUND> {
  const [oldest, stood, sizes] = await Promise.all([
    oldestWaitingAt().catch(() => UNKNOWN),
    quarantined().catch(() => UNKNOWN),
    disk().catch(() => NOT_FOUND.disk),
  ]);
  return { oldestWaitingAt: oldest ?? 0, quarantined: stood, disk: sizes };
}

export type Metrics = ReturnType<typeof createMetrics>;
