import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { ask, serveBot } from '../cli/client.ts';
import { createKey, freeEnv, startServer } from '../cli/support.ts';
import { type Edge, startEdge } from '../http/edge.ts';
import { textUpdate } from '../support/updates.ts';
import { type Scrape, scrapeOf } from './promql.ts';
import { dashboardText, docText, firing, later, RULES, rulesText, scrape } from './rules.ts';

/** Alerts that were made to fire, by any test of this file. */
const caused = new Set<string>();

/**
 * The alert's condition does not hold, and does once the trouble is caused. Others may: a machine under load is slow, and a
 * process that starts does not poll yet, which is what the times before they fire are for.
 */
async function fires(name: string, cause: () => Promise<unknown>, look: () => Promise<Scrape[]>): Promise<void> {
  expect(firing(await look())).not.toContain(name);
  await cause();
  while (!firing(await look()).includes(name));
  caused.add(name);
}

const socketTo = async (url: string): Promise<Socket> => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
};

test('trouble at Telegram: each alert holds once its trouble is caused, and not before', {
  timeout: 600_000,
}, async () => {
  const { url, key, control, write, untilPolling } = await serveBot();
  await write(7, 'hello');
  const see = () => scrape(url, key);
  const send = (chat_id: number) => ask(url, key, 'POST', '/v1/messages', { chat_id, text: 'x' });
  const limitedCalls = async (times: number) => {
    await control('faults', { method: 'getChat', times, error_code: 429, retry_after: 1 });
    for (let n = 0; n < times; n += 1) await ask(url, '', 'GET', `/telegram/bot${key}/getChat?chat_id=7`);
  };
  await untilPolling();
  // A series that is new has no increase yet.
  await limitedCalls(1);
  const before = await see();
  const since = async () => [before, await see()];

  // Every name that the rules and the dashboard look for is there.
  const names = new Set(before.samples.map(({ name }) => name));
  for (const [name] of `${rulesText}${dashboardText}`.matchAll(/\b(?:switchboard|process|nodejs)_\w+/g))
    expect(names, name).toContain(name);
  for (const [name] of docText.matchAll(/\bswitchboard_\w+/g))
    expect(
      [...names].filter((known) => known.startsWith(name)),
      name,
    ).not.toEqual([]);

  await fires('SwitchboardRateLimited', () => limitedCalls(11), since);

  const nobody = Array.from({ length: 21 }, (_, n) => ({ chat_id: 5000 + n, text: 'x', idempotency_key: `${n}` }));
  await fires(
    'SwitchboardMessagesFail',
    () => ask(url, key, 'POST', '/v1/messages/batch', { messages: nobody }),
    since,
  );

  await fires(
    'SwitchboardMessagesUnknown',
    async () => {
      await control('faults', { method: 'sendMessage', kind: 'lost_answer' });
      await send(7);
    },
    since,
  );

  await fires(
    'SwitchboardCallbacksFail',
    async () => {
      const deaf = { role: 'aggregator', name: 'deaf', callback: 'http://127.0.0.1:9/nobody-listens' };
      const made = await ask(url, key, 'POST', '/v1/keys', deaf);
      await ask(url, made.body.key, 'POST', '/v1/messages', { chat_id: 6000, text: 'x' });
    },
    since,
  );

  await fires(
    'SwitchboardMessagesWait',
    async () => {
      await control('faults', { method: 'sendMessage', error_code: 429, retry_after: 3600 });
      await send(7);
    },
    async () => [later(await see(), 301)],
  );

  const isIngressUp = async () =>
    (await see()).samples.some(({ labels, value }) => labels.part === 'ingress' && value === 1);
  while (!(await isIngressUp()));
  const stopPolls = async () => {
    await control('faults', { method: 'getUpdates', times: 1000, error_code: 500 });
    await write(7, 'nobody takes it');
  };
  await fires('SwitchboardPartDegraded', stopPolls, since);
  // Scraped a minute later, if no poll is answered meanwhile.
  expect(firing([later(await see(), -60)])).not.toContain('SwitchboardNotPolling');
  expect(firing([later(await see(), 61)])).toContain('SwitchboardNotPolling');
  caused.add('SwitchboardNotPolling');
});

test('a process that ends again and again, and one that runs out of files', { timeout: 600_000 }, async () => {
  const env = freeEnv();
  const { key } = await createKey(env, 'admin');
  const scrapes: Scrape[] = [];
  for (let start = 1; start <= 3; start += 1) {
    const server = await startServer(env);
    const up = await scrape(server.url, key);
    scrapes.push(up);
    expect(firing(scrapes)).not.toContain('SwitchboardRestarts');
    const end = async () => {
      server.child.kill('SIGTERM');
      await server.ended;
    };
    await fires('SwitchboardDown', end, async () => [await scrape(server.url, key)]);
  }
  const { url } = await startServer(env, { openFilesMax: 256 });
  expect(firing([...scrapes, await scrape(url, key)])).toContain('SwitchboardRestarts');
  caused.add('SwitchboardRestarts');
  const connectMany = () => Promise.all(Array.from({ length: 180 }, () => socketTo(url)));
  await fires('SwitchboardFilesRunOut', connectMany, async () => [await scrape(url, key)]);
});

/** An edge, with what a scrape of it has beside the first. */
async function watchedEdge(options: Parameters<typeof startEdge>[0] = {}) {
  const edge = await startEdge(options);
  const see = () => scrape(edge.url, edge.admin.text);
  const first = await see();
  return { ...edge, look: async () => [first, await see()] };
}

const readers = { connected: 1, behind: 1, lag: 10_001, bytes: 0, polling: 0 };

test.each<[string, (edge: Edge) => unknown]>([
  ['SwitchboardDiskFills', ({ disk }) => Object.assign(disk, { freeBytes: 0.9e9 })],
  ['SwitchboardWalGrows', ({ disk }) => Object.assign(disk, { walBytes: 2.6e8 })],
  ['SwitchboardReadersBehind', ({ status }) => status.trigger.set({ values: { operators: readers } })],
  [
    'SwitchboardClockStepped',
    ({ status }) => status.trigger.set({ values: { clock: { steps: 1, lastStepMs: -3000 } } }),
  ],
  ['SwitchboardChatQuarantined', ({ router }) => router.receiveUpdates([textUpdate(7, 'fault', 1)], 2)],
])('%s', async (name, cause) => {
  const edge = await watchedEdge();
  await fires(name, async () => cause(edge), edge.look);
});

test('SwitchboardConnectionsRefused', async () => {
  const edge = await watchedEdge({ connectionsMax: 2 });
  // That of the scrapes is one of the two.
  const connectMore = () => Promise.all([socketTo(edge.url), socketTo(edge.url)]);
  await fires('SwitchboardConnectionsRefused', connectMore, edge.look);
});

test('SwitchboardLoopBlocked', async () => {
  const edge = await watchedEdge();
  const looks = async () => {
    for (let n = 0; n < 3; n += 1) {
      // Holds the whole loop up.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return edge.look();
  };
  while (!firing(await looks()).includes('SwitchboardLoopBlocked'));
  caused.add('SwitchboardLoopBlocked');
  // Whether it held before depends on the machine.
  const lag = (value: number) => firing([scrapeOf(`nodejs_eventloop_lag_p99_seconds ${value}`, 0)]);
  expect([lag(0.24), lag(0.26)]).toEqual([[], ['SwitchboardLoopBlocked']]);
});

test('every alert has been caused', () => {
  expect([...caused].sort()).toEqual([...RULES.keys()].sort());
  expect(RULES.size).toBe(rulesText.match(/alert:/g)?.length);
});
