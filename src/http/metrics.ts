import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { STATUS_NAMES, type StatusStore } from '../status.ts';

/** What Prometheus reads: the live status, the process, and how requests fare. One registry a server. */
export function createMetrics(status: StatusStore) {
  const registry = new Registry();
  const registers = [registry];
  const now = () => status.getSnapshot().context;

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
    name: 'process_resident_memory_bytes',
    help: 'Memory of the process',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time of the process',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  const requests = new Histogram({
    name: 'switchboard_http_request_duration_seconds',
    help: 'From the first byte of a request to the last of its answer; streams left out',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers,
  });

  return {
    contentType: registry.contentType,
    text: (): Promise<string> => registry.metrics(),
    observeRequest(method: string, route: string, statusCode: number, ms: number): void {
      requests.observe({ method, route, status: String(statusCode) }, ms / 1000);
    },
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
