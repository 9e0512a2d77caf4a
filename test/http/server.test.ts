import { Agent, request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { createHttpServer } from '../../src/http/server.ts';
import { PART_NAMES } from '../../src/status.ts';
import { manualClock, settle } from '../support/clock.ts';
import { json, startEdge } from './edge.ts';

describe('health', () => {
  test('the process lives from the start; it is ready while it takes requests, whatever is wrong with a part', async () => {
    const edge = await startEdge();
    expect((await edge.get('/livez', {})).status).toBe(200);
    const starting = await edge.get('/readyz', {});
    expect([starting.status, await json(starting)]).toMatchObject([503, { ready: false, state: 'starting' }]);
    edge.status.trigger.service({ state: 'ready' });
    for (const name of PART_NAMES) edge.status.trigger.part({ name, state: 'up' });
    edge.status.trigger.trouble({ name: 'ingress', cause: 'polls', detail: 'Another poller holds the token' });
    edge.status.trigger.part({ name: 'backend', state: 'restarting', detail: 'It failed' });
    const degraded = await edge.get('/readyz');
    expect(degraded.status).toBe(200);
    expect(await json(degraded)).toMatchObject({
      ready: true,
      state: 'ready',
      detail: null,
      parts: {
        ingress: { state: 'degraded', detail: 'Another poller holds the token' },
        backend: { state: 'restarting', detail: 'It failed' },
        outbox: { state: 'up', detail: null },
      },
    });
    edge.status.trigger.service({ state: 'failed', detail: 'Another process has taken over the bot' });
    const failed = await edge.get('/readyz');
    expect([failed.status, await json(failed)]).toMatchObject([
      503,
      { ready: false, state: 'failed', detail: 'Another process has taken over the bot' },
    ]);
  });

  test('reasons are for keys that may read all chats: everybody else gets states alone', async () => {
    const edge = await startEdge();
    edge.status.trigger.service({ state: 'ready' });
    edge.status.trigger.trouble({ name: 'backend', cause: 'requests', detail: 'https://ours.example failed' });
    const bodyFor = async (header: Record<string, string>) => {
      const response = await edge.get('/readyz', header);
      return { status: response.status, text: await response.text() };
    };
    const without = await bodyFor({});
    const states = Object.fromEntries(PART_NAMES.map((name) => [name, { state: 'starting' }]));
    expect(JSON.parse(without.text)).toEqual({
      ready: true,
      state: 'ready',
      parts: { ...states, backend: { state: 'degraded' }, data: { state: 'up' } },
    });
    const revoked = edge.key('admin');
    edge.keyring.revoke(revoked.id);
    const others = [
      { authorization: 'Bearer sb_nobody' },
      ...[revoked, edge.key('operator', { chats: ['7'] }), edge.key('aggregator')].map(({ header }) => header),
    ];
    for (const header of others) expect(await bodyFor(header)).toEqual(without);
    for (const { header } of [edge.admin, edge.key('operator')])
      expect((await bodyFor(header)).text).toContain('https://ours.example failed');
  });

  test('a part has its troubles one by one: it is up again once all have ended', async () => {
    const { status } = await startEdge();
    const trouble = (cause: string, detail: string | null) => {
      status.trigger.trouble({ name: 'outbox', cause, detail });
      return status.getSnapshot().context.parts.outbox;
    };
    status.trigger.part({ name: 'outbox', state: 'up' });
    expect(trouble('claims', 'disk full')).toEqual({ state: 'degraded', detail: 'disk full' });
    expect(trouble('sends', '502')).toEqual({ state: 'degraded', detail: 'disk full; 502' });
    status.trigger.part({ name: 'outbox', state: 'up' });
    expect(trouble('claims', null)).toEqual({ state: 'degraded', detail: '502' });
    expect(trouble('sends', null)).toEqual({ state: 'up', detail: null });
  });

  test('the metrics are Prometheus’, from the live status and what is looked up', async () => {
    const edge = await startEdge();
    const ended = { sent: 12, failed: 3, unknown: 2, expired: 1, canceled: 0 };
    const outbox = { depth: 3, inFlight: 1, sent: 12, lastSentAt: 1_750_000_000_000, ended };
    const clock = { steps: 2, lastStepMs: -3_600_000 };
    edge.status.trigger.set({ values: { outbox, clock, poller: { updates: 9, lastPollAt: 1_750_000_001_000 } } });
    edge.status.trigger.part({ name: 'outbox', state: 'up' });
    await edge.get('/v1/chats/7');
    for (let scrape = 0; scrape < 2; scrape += 1) {
      const response = await edge.get('/metrics');
      expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
      const lines = (await response.text()).split('\n');
      for (const line of [
        'switchboard_messages_sent_total 12',
        'switchboard_messages_total{status="failed"} 3',
        'switchboard_messages_total{status="canceled"} 0',
        'switchboard_outbox_depth 3',
        'switchboard_clock_steps_total 2',
        'switchboard_clock_last_step_seconds -3600',
        'switchboard_part_up{part="outbox"} 1',
        'switchboard_part_up{part="ingress"} 0',
        'switchboard_telegram_calls_total{method="sendMessage",outcome="rate_limited"} 2',
        'switchboard_telegram_wait_asked_seconds_total 7.5',
        'switchboard_last_poll_timestamp_seconds 1750000001',
        'switchboard_last_send_timestamp_seconds 1750000000',
        'switchboard_outbox_oldest_timestamp_seconds 0',
        'switchboard_chats_quarantined 0',
        'switchboard_callbacks_behind 0',
        'switchboard_callbacks_failing 0',
        'switchboard_database_bytes 4096',
        'switchboard_wal_bytes 512',
        'switchboard_disk_free_bytes 8000000000',
        'switchboard_http_connections_refused_total 0',
        `switchboard_build_info{version="1.2.3",node="${process.version}"} 1`,
        'switchboard_http_request_duration_seconds_count{method="GET",route="/v1/chats/:id",status="404"} 1',
      ])
        expect(lines).toContain(line);
      const names = lines.map((line) => line.split(/[ {]/)[0]);
      for (const name of [
        ...['process_start_time_seconds', 'process_cpu_seconds_total', 'process_resident_memory_bytes'],
        ...['nodejs_eventloop_lag_p99_seconds', 'nodejs_heap_size_used_bytes', 'nodejs_version_info'],
        ...(process.platform === 'linux' ? ['process_open_fds', 'process_max_fds'] : []),
      ])
        expect(names).toContain(name);
    }
  });

  test('where the database cannot be asked, its figures are NaN and the others are told', async () => {
    const edge = await startEdge();
    edge.journal.quarantinedCount = () => Promise.reject(new Error('the database is gone'));
    const lines = (await (await edge.get('/metrics')).text()).split('\n');
    expect(lines).toContain('switchboard_chats_quarantined Nan');
    // A counter that fell to 0 for a while would count twice in Prometheus. The disk may well be to blame.
    for (const line of [
      ...['switchboard_journal_head 0', 'switchboard_telegram_wait_asked_seconds_total 7.5'],
      ...['switchboard_disk_free_bytes 8000000000', 'switchboard_callbacks_failing 0'],
      'switchboard_telegram_calls_total{method="sendMessage",outcome="rate_limited"} 2',
    ])
      expect(lines).toContain(line);
  });
});

describe('the description of the routes', () => {
  test('names every address of the contract, its answers, and which take a key', async () => {
    const edge = await startEdge();
    const document = Object(await json(await edge.get('/openapi.json', {})));
    expect(document.openapi).toBe('3.1.0');
    const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, path, operation })),
    );
    expect(operations.map(({ name, operation }) => `${name}${operation.security ? '' : ' (no key)'}`).sort()).toEqual([
      'delete /v1/keys/{id}',
      'delete /v1/messages/{id}',
      'delete /v1/session (no key)',
      'get /livez (no key)',
      'get /metrics',
      'get /readyz (no key)',
      'get /v1/audit',
      'get /v1/chats',
      'get /v1/chats/{id}',
      'get /v1/chats/{id}/events',
      'get /v1/events',
      'get /v1/keys',
      'get /v1/keys/{id}/callback',
      'get /v1/messages',
      'get /v1/messages/events',
      'get /v1/messages/{id}',
      'get /v1/operators',
      'get /v1/outbox',
      'get /v1/session (no key)',
      'post /v1/chats/{id}/events',
      'post /v1/chats/{id}/retry',
      'post /v1/keys',
      'post /v1/keys/{id}/callback/resume',
      'post /v1/keys/{id}/rotate',
      'post /v1/messages',
      'post /v1/messages/batch',
      'post /v1/messages/resolve',
      'post /v1/messages/{id}/resolve',
      'post /v1/outbox/release',
      'post /v1/session (no key)',
      'post /v1/tickets',
    ]);
    for (const { name, path, operation } of operations) {
      expect(operation.summary, name).toBeTruthy();
      const declared = (operation.parameters ?? []).filter((p) => p.in === 'path').map((p) => p.name);
      expect(declared, name).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]));
      const answers = Object.values(operation.responses);
      expect(answers.length, name).toBeGreaterThan(1);
      for (const answer of answers) expect(answer.description, name).toBeTypeOf('string');
      expect(operation.responses.default?.content, name).toHaveProperty(['application/problem+json', 'schema']);
    }
    expect(document.components.securitySchemes.key).toEqual({ type: 'http', scheme: 'bearer' });
    // Nothing refers to what is not there.
    for (const [, reference = ''] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g))
      expect(document, reference).toHaveProperty(reference.split('/'));
  });

  test('is made once, and not anew for everybody who asks', async () => {
    const edge = await startEdge();
    const cpuOf = async (path: string) => {
      const before = process.cpuUsage();
      for (let n = 0; n < 10; n += 1) await (await edge.get(path, {})).arrayBuffer();
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    for (const path of ['/docs/yaml', '/docs/json', '/openapi.json']) {
      const tries = [];
      for (let n = 0; n < 3; n += 1) tries.push((await cpuOf(path)) / (await cpuOf('/livez')));
      expect(Math.min(...tries), path).toBeLessThan(10);
    }
    const below = await edge.get('/docs/json', {});
    expect(Object(await json(below)).servers, 'as /docs/ asks').toEqual([{ url: '..' }]);
    expect(await json(await edge.get('/docs/yaml', {})), 'JSON is YAML').toHaveProperty('paths');
  });

  test('can be read in a browser', async () => {
    const edge = await startEdge();
    const page = await edge.get('/docs/', {});
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  });
});

interface Operation {
  readonly summary?: string;
  readonly security?: unknown;
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly responses: Readonly<Record<string, { readonly description?: string; readonly content?: object }>>;
}

describe('starting and closing', () => {
  test('an address that is taken is said so', async () => {
    const edge = await startEdge();
    const port = Number(new URL(edge.url).port);
    const second = await createHttpServer({ host: '127.0.0.1', port, ...edge.parts });
    await expect(second.listen()).rejects.toMatchObject({
      code: 'port_taken',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  test('closing ends the streams, answers who waits, refuses what comes, and takes no connection more', async () => {
    // Time stands still: nothing is cut off for having taken too long.
    const edge = await startEdge({ clock: manualClock() });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const stream = await edge.get('/v1/events');
    const streamEnd = (async () => {
      for await (const _ of stream.body ?? []);
    })();
    const post = { chat_id: 7, text: 'hi' };
    await edge.send('POST', '/v1/messages', post, { 'idempotency-key': 'k' });
    const waiting = edge.get('/v1/messages/123-1?wait=50');
    // A connection that is open when the server closes, and whose request comes after that.
    let closed: Promise<void> | undefined;
    const answer = new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const late = request(`${edge.url}/v1/chats`, { agent, headers: edge.admin.header }, async (response) => {
        let body = '';
        for await (const chunk of response) body += chunk;
        resolve({ status: response.statusCode, body });
      });
      late.on('error', reject);
      late.on('socket', (socket) => {
        socket.once('connect', async () => {
          await settle();
          closed = edge.server.close();
          late.end();
        });
      });
    });
    expect(await answer).toMatchObject({ status: 503, body: expect.stringContaining('shutting_down') });
    await streamEnd;
    expect(await json(await waiting)).toMatchObject({ status: 'queued' });
    await closed;
    await expect(fetch(edge.url)).rejects.toThrow();
    agent.destroy();
  });

  test('a request that does not end is cut off in time', async () => {
    const clock = manualClock();
    const edge = await startEdge({ clock });
    edge.journal.conversation = () => new Promise(() => {});
    const hanging = edge.get('/v1/chats/7').catch(() => 'cut');
    await settle();
    let closed = false;
    void edge.server.close().then(() => {
      closed = true;
    });
    await settle();
    expect(closed).toBe(false);
    while (!closed) await clock.advance(1000);
    expect(await hanging).toBe('cut');
  });
});
