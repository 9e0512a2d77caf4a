import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { fromPromise, setup } from 'xstate';
import { type Backend, BackendFailed, type BackendRequest } from '../../src/backend/backend.ts';
import { createMachineTable } from '../../src/conversations/machines.ts';
import { createRouter } from '../../src/conversations/router.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { createLog } from '../../src/log.ts';
import { createSystem } from '../../src/system.ts';
import type { BotApi } from '../../src/telegram/telegram.ts';
import { type ManualClock, manualClock, settle } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { NO_UPLOADS } from '../support/uploads.ts';

const TRIES = { timeoutMs: 10_000, attemptsMax: null, deadlineMs: 600_000, backoffMaxMs: 30_000 };

/** Asks when it is told to, and says how that ended. */
const machine = setup({
  types: { events: {} as { type: 'order.asked' | 'order.hurried' | 'order.left' } },
  actors: { ask: fromPromise<string, number>(() => Promise.reject(new Error('asked, never run'))) },
  actions: { reply: (_, _params: { text: string }) => {} },
}).createMachine({
  id: 'asker',
  initial: 'idle',
  states: {
    idle: { on: { 'order.asked': 'asking', 'order.hurried': 'hurried' } },
    hurried: { invoke: { src: 'ask', id: 'hurried', input: 7 }, after: { 5000: 'idle' } },
    asking: {
      invoke: {
        src: 'ask',
        id: 'question',
        input: 7,
        onDone: { target: 'idle', actions: { type: 'reply', params: ({ event }) => ({ text: event.output }) } },
        onError: {
          target: 'idle',
          actions: { type: 'reply', params: ({ event }) => ({ text: Object(event.error).code }) },
        },
      },
      after: { 3600000: 'idle' },
      on: { 'order.left': 'idle', 'order.asked': { target: 'asking', reenter: true } },
    },
  },
});
const selection = { machine: 'asker', per: 'chat' } as const;
const machines = createMachineTable({ private: selection, group: null, channel: null }, new Map([['asker', machine]]));

/** Nobody writes, and what is sent arrives. */
const telegram: BotApi = {
  async call(method, _, options) {
    if (method === 'getMe') return { id: 1, is_bot: true, first_name: 'Bot', username: 'bot' };
    if (method !== 'getUpdates') return { message_id: 1 };
    return new Promise((_, reject) => options?.signal?.addEventListener('abort', () => reject(new Error('over'))));
  },
  close: async () => {},
};

interface Try {
  readonly request: BackendRequest;
  readonly signal: AbortSignal;
  readonly ok: (output: unknown) => void;
  readonly fail: (error: unknown) => void;
}

let clock: ManualClock;
let folder: string;
let tries: Try[];
let posts = 0;

beforeEach(() => {
  clock = manualClock();
  folder = temporaryFolder();
  tries = [];
});

/** A backend that answers when the test does so. */
const scripted: Backend = {
  ask: (request, signal) => new Promise((ok, fail) => tries.push({ request, signal, ok, fail })),
  close: async () => {},
};
const down: Backend = {
  ...scripted,
  ask: async (request, signal) => {
    tries.push({ request, signal, ok: () => {}, fail: () => {} });
    throw new BackendFailed('unreachable', 'no route', true);
  },
};

/** Starts Switchboard on the folder: the same folder again is a restart. */
async function start(backend: Backend = scripted, wrap = (opened: Journal): Journal => opened) {
  const journal = wrap(openJournal(folder, clock));
  const system = await createSystem({
    ...{ journal, api: telegram, uploads: NO_UPLOADS, backend, machines, clock, provenNow: clock.now, random: () => 1 },
    log: createLog('silent', { write: () => {} }),
    ...{ pollTimeoutS: 30, deleteWebhook: false, backendTries: TRIES },
    rates: { chatPerS: 1000, chatBurst: 1000, groupPerMin: 1, groupBurst: 1, overallPerS: 1000, overallBurst: 1000 },
    onRefused: (error) => {
      throw error;
    },
  });
  system.start();
  await settle();
  const stop = async () => {
    await system.stop();
    await journal.close();
  };
  onTestFinished(stop);
  const bodies = async (type: string) => {
    const found = await journal.read({ from: 1, limit: 1000, types: [type] });
    return found.map(({ chat, body }) => ({ chat, ...JSON.parse(body) }));
  };
  return {
    ...{ journal, stop, bodies },
    async post(chat: number, type: string) {
      posts += 1;
      await system.conversations.postEvent({
        ...{ keyId: '1', idempotencyKey: `post-${posts}`, conversation: String(chat), event: { type } },
      });
      await settle();
    },
    replies: async () =>
      (await bodies('message.accepted')).map(({ chat, message }) => `${chat} ${message.params.text}`),
    backend: () => {
      const { parts, backend: figures } = system.status.getSnapshot().context;
      return { ...parts.backend, ...figures };
    },
  };
}

describe('a request', () => {
  test('is asked again after a crash, under the same key, and answered once', async () => {
    const first = await start();
    await first.post(7, 'order.asked');
    await first.stop();
    expect(tries[0]?.signal.aborted).toBe(true);
    const second = await start();
    expect(tries.map(({ request }) => [request.id, request.input])).toEqual(Array(2).fill([tries[0]?.request.id, 7]));
    tries[1]?.ok('done');
    await settle();
    expect(await second.replies()).toEqual(['7 done']);
    await second.stop();
    const third = await start();
    expect([tries.length, await third.journal.openRequestCount()]).toEqual([2, 0]);
  });

  test('is asked although nothing ran until its deadline had passed', async () => {
    const journal = openJournal(folder, clock);
    await createRouter({ journal, machines, username: () => null }).postEvent({
      ...{ keyId: '1', idempotencyKey: 'asked', conversation: '7', event: { type: 'order.asked' } },
    });
    await journal.close();
    await clock.advance(TRIES.deadlineMs + 60_000);
    const { replies } = await start();
    tries[0]?.ok('in the end');
    await settle();
    expect(await replies()).toEqual(['7 in the end']);
  });

  test('that could not be read from the disk is read again soon', async () => {
    let reads = 0;
    const fails = (opened: Journal): Journal => ({
      ...opened,
      openRequests: (...asked) =>
        ++reads === 2 ? Promise.reject(new Error('disk I/O error')) : opened.openRequests(...asked),
    });
    const { post } = await start(scripted, fails);
    await post(7, 'order.asked');
    expect(tries).toHaveLength(0);
    await clock.advance(limits.restartMinMs);
    expect(tries).toHaveLength(1);
  });

  test('whose answer reached no disk is asked again: the work is done once by its key', async () => {
    const first = await start();
    await first.post(7, 'order.asked');
    await first.journal.close();
    tries[0]?.ok('lost');
    await settle();
    await first.stop();
    const second = await start();
    tries[1]?.ok('the same again');
    await settle();
    expect(await second.replies()).toEqual(['7 the same again']);
    expect(tries[1]?.request.id).toBe(tries[0]?.request.id);
  });

  test('is withdrawn when its state is left: the call is cut off after a while, and nobody asks again', async () => {
    const { post, stop, journal } = await start();
    await post(7, 'order.asked');
    await post(7, 'order.left');
    expect([tries[0]?.signal.aborted, await journal.openRequestCount()]).toEqual([false, 0]);
    await clock.advance(limits.requestLateMs);
    expect(tries[0]?.signal.aborted).toBe(true);
    await stop();
    await start();
    expect(tries).toHaveLength(1);
  });

  test("that the machine's own after gives up is withdrawn too", async () => {
    const { post, journal } = await start();
    await post(7, 'order.hurried');
    expect([tries[0]?.signal.aborted, await journal.openRequestCount()]).toEqual([false, 1]);
    await clock.advance(5000);
    expect([tries[0]?.signal.aborted, await journal.openRequestCount()]).toEqual([false, 0]);
    await clock.advance(limits.requestLateMs);
    expect(tries[0]?.signal.aborted).toBe(true);
  });

  test('of a state that is entered again is another request', async () => {
    const { post, replies } = await start();
    await post(7, 'order.asked');
    await post(7, 'order.asked');
    await clock.advance(limits.requestLateMs);
    expect(tries.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    expect(tries[1]?.request.id).not.toBe(tries[0]?.request.id);
    tries[1]?.ok('second');
    await settle();
    expect(await replies()).toEqual(['7 second']);
  });

  test('answered late, when nobody waits any more, is journalled as late and dropped', async () => {
    const { post, bodies, replies, journal } = await start();
    await post(7, 'order.asked');
    await post(7, 'order.left');
    tries[0]?.ok('too late');
    await settle();
    const { id } = tries[0]?.request ?? {};
    expect(await bodies('request.answered')).toEqual([
      { chat: '7', request: id, src: 'ask', late: true, output: 'too late' },
    ]);
    expect([await replies(), (await journal.conversation('7'))?.state]).toEqual([[], '"idle"']);
  });
});

describe('a backend that is down', () => {
  test('is asked until the deadline, across restarts, and then the machine gets its error', async () => {
    const first = await start(down);
    await first.post(7, 'order.asked');
    expect(first.backend()).toMatchObject({ state: 'up', failures: 1 });
    await clock.advance(TRIES.deadlineMs / 2);
    expect(await first.replies()).toEqual([]);
    await first.stop();
    const { replies, backend } = await start(down);
    expect(backend()).toMatchObject({ inFlight: 1 });
    const before = tries.length;
    await clock.advance(TRIES.deadlineMs / 2);
    expect(tries.length - before).toBeGreaterThan(TRIES.deadlineMs / 2 / TRIES.backoffMaxMs);
    expect(await replies()).toEqual(['7 timeout']);
    const asked = tries.length;
    await clock.advance(TRIES.deadlineMs);
    expect(tries).toHaveLength(asked);
  });

  test('for nine minutes, and then answers: the machine has its answer, and no error', async () => {
    const upAt = clock.now() + 9 * 60_000;
    const { post, replies } = await start({
      ...scripted,
      ask: async () => {
        if (clock.now() >= upAt) return 'done';
        throw new BackendFailed('unreachable', 'down', true);
      },
    });
    await post(7, 'order.asked');
    await clock.advance(9 * 60_000 + TRIES.backoffMaxMs);
    expect(await replies()).toEqual(['7 done']);
  });

  test('is degraded while something waits for it, says why, and is up again once it has answered', async () => {
    const first = await start(down);
    await first.post(7, 'order.asked');
    await clock.advance(1500);
    expect(first.backend()).toMatchObject({
      ...{ state: 'degraded', inFlight: 1, waiting: 0, failures: 3 },
      detail: 'The backend does not answer: ask failed 3 times in a row: no route',
      lastError: { src: 'ask', message: 'no route' },
    });
    await first.stop();
    const second = await start();
    expect(second.backend()).toMatchObject({ state: 'up', inFlight: 1 });
    tries.at(-1)?.ok('yes');
    await settle();
    expect(second.backend()).toMatchObject({ state: 'up', inFlight: 0, failures: 0 });
  });

  test('I9: requests of thousands of srcs are all answered, a bounded number of them asked at once', async () => {
    let [now, most] = [0, 0];
    const counting: Backend = {
      ...scripted,
      async ask() {
        now += 1;
        most = Math.max(most, now);
        await settle();
        now -= 1;
        return 'found';
      },
    };
    const journal = openJournal(folder, clock);
    await journal.write(async (tx) => {
      for (let n = 0; n < 3000; n += 1) {
        const [id, src] = [`old-${n}`, `lookup ${n % 1500}`];
        tx.addRequest({ id, conversation: '9', invoke: '', src, input: '1', createdAt: tx.now });
      }
    });
    await journal.close();
    const { backend, bodies } = await start(counting);
    while (backend().inFlight + backend().waiting > 0) await settle();
    expect(most).toBe(limits.requestsInFlightAllMax);
    expect(await bodies('request.answered')).toHaveLength(1000);
  });

  test('or hangs: what waits for room is told as well, when its time is over', async () => {
    const hanging: Backend = { ...scripted, ask: () => new Promise(() => {}) };
    const { post, replies, backend } = await start(hanging);
    const chats = limits.requestsInFlightMax + 100;
    for (let chat = 1; chat <= chats; chat += 1) await post(chat, 'order.asked');
    expect(backend()).toMatchObject({ inFlight: limits.requestsInFlightMax, waiting: 100 });
    await clock.advance(TRIES.deadlineMs);
    const told = await replies();
    expect(told.toSorted()).toEqual(Array.from({ length: chats }, (_, n) => `${n + 1} timeout`).toSorted());
    expect(backend()).toMatchObject({ inFlight: 0, waiting: 0 });
  });

  test('I9: beyond the bound of those that wait, the newest are told at once', async () => {
    const { post, replies, journal } = await start();
    await journal.write(async (tx) => {
      for (let n = 0; n < limits.requestsOpenMax; n += 1) {
        tx.addRequest({
          ...{ id: `old-${n}`, conversation: '9', invoke: `i${n}`, src: 'ask', input: '1' },
          createdAt: tx.now,
        });
      }
    });
    await post(7, 'order.asked');
    expect(await replies()).toEqual(['7 overloaded']);
    expect(await journal.openRequestCount()).toBe(limits.requestsOpenMax);
  });
});
