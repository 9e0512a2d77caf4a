import { describe, expect, test } from 'vitest';
import type { RequestEnd } from '../../src/backend/asking.ts';
import { type Backend, BackendFailed, type BackendRequest } from '../../src/backend/backend.ts';
import { createHealth } from '../../src/backend/health.ts';
import { createRequestRunner, type RequestRunner, type RequestRunnerOptions } from '../../src/backend/requests.ts';
import type { RequestRecord } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { type ManualClock, manualClock, settle } from '../support/clock.ts';

const TRIES = { timeoutMs: 10_000, attemptsMax: null, deadlineMs: 600_000, backoffMaxMs: 30_000 };
const NOON = Date.parse('2026-01-01T12:00:00Z');

const request = (id: string, more: Partial<RequestRecord> = {}): RequestRecord => ({
  id,
  conversation: '777',
  invoke: 'openPayment',
  src: 'openPayment',
  input: '{"amount":"1.00"}',
  createdAt: NOON,
  ...more,
});

/** A backend whose every try waits until the test ends it. */
function scripted() {
  const tries: {
    request: BackendRequest;
    signal: AbortSignal;
    ok(output: unknown): void;
    fail(error: unknown): void;
  }[] = [];
  const backend: Backend = {
    close: async () => {},
    ask: (asked, signal) =>
      new Promise((ok, fail) => {
        tries.push({ request: asked, signal, ok, fail });
      }),
  };
  const last = () => {
    const found = tries.at(-1);
    if (found === undefined) throw new Error('The backend was not asked');
    return found;
  };
  return { backend, tries, last };
}

function setUp(more: Partial<RequestRunnerOptions> = {}) {
  const clock = manualClock(NOON);
  const script = scripted();
  const ends: [string, RequestEnd][] = [];
  /** As the actor does: what is between two tries is given again when there is room. */
  const open: RequestRecord[] = [];
  const real = createRequestRunner({
    backend: script.backend,
    bot: '1',
    clock,
    provenNow: () => clock.now(),
    random: () => 1,
    log: { warn: () => {} },
    tries: TRIES,
    answered: async ({ id }, end) => void ends.push([id, end]),
    freed: () => void real.take(open.filter(({ id }) => script.tries.some((tried) => tried.request.id === id))),
    ...more,
  });
  const runner: RequestRunner = {
    ...real,
    take(requests) {
      open.push(...requests.filter((one) => !open.includes(one)));
      return real.take(requests);
    },
  };
  return { clock, runner, ends, ...script };
}

/** Time passes, after what is ready has run. */
const pass = async (clock: ManualClock, ms: number) => {
  await settle();
  await clock.advance(ms);
};

const unreachable = () => new BackendFailed('unreachable', 'down', true);

describe('a request', () => {
  test('is asked with its id, its source and its input, and its output is told', async () => {
    const { runner, ends, last } = setUp();
    runner.take([request('1-5-0')]);
    expect(last().request).toEqual({
      id: '1-5-0',
      bot: '1',
      conversation: '777',
      src: 'openPayment',
      input: { amount: '1.00' },
      attempt: 1,
    });
    last().ok({ status: 'accepted' });
    await settle();
    expect(ends).toEqual([['1-5-0', { output: { status: 'accepted' } }]]);
  });

  test('that fails is tried again, each wait twice the last, under the same id', async () => {
    const { clock, runner, ends, tries, last } = setUp();
    runner.take([request('a')]);
    for (const [tried, waitMs] of [500, 1000, 2000].entries()) {
      last().fail(unreachable());
      await pass(clock, waitMs - 1);
      expect(tries).toHaveLength(tried + 1);
      await pass(clock, 1);
      expect(tries).toHaveLength(tried + 2);
    }
    last().ok('at last');
    await settle();
    expect(tries.map((t) => [t.request.id, t.request.attempt])).toEqual([1, 2, 3, 4].map((n) => ['a', n]));
    expect(ends).toEqual([['a', { output: 'at last' }]]);
  });

  test('that has no more tries than it is given ends as the last one did', async () => {
    const { clock, runner, ends, tries, last } = setUp({ tries: { ...TRIES, attemptsMax: 5 } });
    runner.take([request('a')]);
    for (let attempt = 1; attempt <= 5; attempt++) {
      last().fail(unreachable());
      await pass(clock, 8000);
    }
    expect(tries).toHaveLength(5);
    expect(ends).toEqual([['a', { error: { code: 'unreachable', message: 'down' } }]]);
  });

  test('that is refused is not tried again', async () => {
    const { clock, runner, ends, tries, last } = setUp();
    runner.take([request('a')]);
    last().fail(new BackendFailed('refused', 'no', false));
    await pass(clock, 60_000);
    expect(tries).toHaveLength(1);
    expect(ends).toEqual([['a', { error: { code: 'refused', message: 'no' } }]]);
  });

  test.each([
    ['an error of no known kind', (t: { fail(e: unknown): void }) => t.fail(new TypeError('bug'))],
    ['an output that is no JSON', (t: { ok(o: unknown): void }) => t.ok({ n: 1n })],
  ])('with %s is tried again', async (_, end) => {
    const { clock, runner, tries, last } = setUp();
    runner.take([request('a')]);
    end(last());
    await pass(clock, 500);
    expect(tries).toHaveLength(2);
  });

  test('without an output ends with null', async () => {
    const { runner, ends, last } = setUp();
    runner.take([request('a')]);
    last().ok(undefined);
    await settle();
    expect(ends).toEqual([['a', { output: null }]]);
  });

  test('whose try takes too long is tried again, even where the backend ignores its signal', async () => {
    const { clock, runner, tries, last } = setUp();
    runner.take([request('a')]);
    const first = last();
    await pass(clock, 9_999);
    expect(first.signal.aborted).toBe(false);
    await pass(clock, 1);
    expect(first.signal.aborted).toBe(true);
    expect(runner.health().lastError).toMatchObject({ src: 'openPayment', message: 'no answer within 10000 ms' });
    await pass(clock, 500);
    expect(tries).toHaveLength(2);
  });

  test('is not told of an answer that came after its try had timed out', async () => {
    const { clock, runner, ends, tries, last } = setUp();
    runner.take([request('a')]);
    await pass(clock, 10_500);
    tries[0]?.ok('late');
    await settle();
    expect(ends).toEqual([]);
    last().ok('second');
    await settle();
    expect(ends).toEqual([['a', { output: 'second' }]]);
  });
});

describe('many requests', () => {
  test('run at most so many at once; the rest wait for room', async () => {
    let freed = 0;
    const { runner, tries } = setUp({ freed: () => void freed++ });
    const all = Array.from({ length: limits.requestsInFlightMax + 5 }, (_, n) => request(`r${n}`));
    expect(runner.take(all)).toBe(limits.requestsInFlightMax);
    expect(runner.take(all)).toBe(0);
    expect(runner.health().inFlight).toBe(limits.requestsInFlightMax);
    tries[0]?.ok(1);
    await settle();
    expect(freed).toBe(1);
    expect(runner.take(all)).toBe(1);
    expect(tries.at(-1)?.request.id).toBe(`r${limits.requestsInFlightMax}`);
  });

  test('the same request in two lists is asked once, also when the second list is older than its end', async () => {
    const { runner, ends, tries, last } = setUp();
    expect(runner.take([request('a'), request('a')])).toBe(1);
    last().ok(1);
    await settle();
    expect(runner.take([request('a')])).toBe(0);
    expect([tries.length, ends.length]).toEqual([1, 1]);
  });

  test('of one src that is slow hold up no other', async () => {
    const { runner, tries } = setUp();
    const slow = Array.from({ length: limits.requestsInFlightMax + 5 }, (_, n) => request(`slow${n}`));
    runner.take([...slow, request('quick', { src: 'other' })]);
    expect(tries).toHaveLength(limits.requestsInFlightMax + 1);
    expect(tries.at(-1)?.request.id).toBe('quick');
  });

  test('I9: of many srcs run at most so many at once in all', async () => {
    const { runner, tries } = setUp();
    const all = Array.from({ length: 5000 }, (_, n) => request(`r${n}`, { src: `lookup ${n}` }));
    expect(runner.take(all)).toBe(limits.requestsInFlightAllMax);
    expect([runner.hasRoom(), runner.health().inFlight]).toEqual([false, limits.requestsInFlightAllMax]);
    tries[0]?.ok(1);
    await settle();
    expect(runner.hasRoom()).toBe(true);
    expect(runner.take(all)).toBe(1);
  });

  test('beyond the bound of those that wait are refused, but for those that run', async () => {
    const { runner, ends, last } = setUp();
    runner.take([request('runs')]);
    runner.refuse([request('new'), request('runs')]);
    await settle();
    expect(ends).toMatchObject([['new', { error: { code: 'overloaded' } }]]);
    expect(runner.take([request('new')])).toBe(0);
    last().ok(1);
    await settle();
    expect(ends.at(-1)).toEqual(['runs', { output: 1 }]);
  });

  test('one that hangs does not hold another up', async () => {
    const { runner, ends, last } = setUp();
    runner.take([request('hangs'), request('b')]);
    last().ok(2);
    await settle();
    expect(ends).toEqual([['b', { output: 2 }]]);
  });
});

describe('the deadline', () => {
  const old = { createdAt: NOON - TRIES.deadlineMs - 60_000 };

  test('of one that was never asked, as the process was down, leaves it a whole try, and no other', async () => {
    const { clock, runner, ends, tries, last } = setUp();
    runner.take([request('answered', old)]);
    last().ok('in the end');
    runner.take([request('hangs', old), request('fails', old)]);
    last().fail(unreachable());
    await pass(clock, 9_999);
    expect(ends.map(([id]) => id)).toEqual(['answered', 'fails']);
    await pass(clock, 60_000);
    expect(tries).toHaveLength(3);
    expect(ends).toMatchObject([
      ['answered', { output: 'in the end' }],
      ['fails', { error: { code: 'timeout' } }],
      ['hangs', { error: { code: 'timeout' } }],
    ]);
  });

  test.each([-24 * 3_600_000, -5000, 5000, 24 * 3_600_000])(
    'is as far off as it was, where the clock is set by %i ms',
    async (byMs) => {
      const { clock, runner, ends, tries, last } = setUp({ tries: { ...TRIES, timeoutMs: 2 * TRIES.deadlineMs } });
      runner.take([request('r')]);
      clock.set(clock.now() + byMs);
      last().fail(unreachable());
      await pass(clock, 500);
      expect(tries).toHaveLength(2);
      await pass(clock, TRIES.deadlineMs - 501);
      expect(ends).toEqual([]);
      await pass(clock, 1);
      expect(ends).toMatchObject([['r', { error: { code: 'timeout' } }]]);
    },
  );

  test('of one that waits for its turn does not end it: it has its turn', async () => {
    const { clock, runner, ends, tries } = setUp({ tries: { ...TRIES, timeoutMs: 2 * TRIES.deadlineMs } });
    const full = Array.from({ length: limits.requestsInFlightMax }, (_, n) => request(`r${n}`));
    const waits = request('waits');
    runner.take([...full, waits]);
    await pass(clock, TRIES.deadlineMs + 1);
    tries[0]?.ok(1);
    await settle();
    expect(runner.take([...full, waits])).toBe(1);
    tries.at(-1)?.ok(2);
    await settle();
    expect(ends).toEqual([
      ['r0', { output: 1 }],
      ['waits', { output: 2 }],
    ]);
  });

  test('of what nobody waits for begins with its first try', async () => {
    const { clock, runner, ends, tries, last } = setUp();
    runner.take([request('sent', { ...old, invoke: '' })]);
    while (ends.length === 0) {
      last().fail(unreachable());
      await pass(clock, TRIES.backoffMaxMs);
    }
    expect(ends).toMatchObject([['sent', { error: { code: 'timeout', message: expect.stringContaining('down') } }]]);
    expect(tries.length).toBeGreaterThan(TRIES.deadlineMs / TRIES.backoffMaxMs);
    expect(clock.now() - NOON).toBeGreaterThan(TRIES.deadlineMs - TRIES.backoffMaxMs);
  });

  test('cuts a try after the first short, and no other follows', async () => {
    const { clock, runner, ends, tries, last } = setUp();
    runner.take([request('a', { createdAt: NOON - TRIES.deadlineMs + 4000 })]);
    last().fail(unreachable());
    await pass(clock, 500);
    await pass(clock, 3500);
    expect(ends).toEqual([['a', { error: { code: 'timeout', message: 'no answer within 3500 ms' } }]]);
    await pass(clock, 60_000);
    expect(tries).toHaveLength(2);
  });
});

describe('an outage of the backend', () => {
  test('of minutes costs no request: it is tried until its deadline, with waits of up to half a minute', async () => {
    const { clock, runner, ends, tries, last } = setUp();
    runner.take([request('a')]);
    const triedAt: number[] = [];
    while (ends.length === 0 && clock.now() < NOON + 2 * TRIES.deadlineMs) {
      if (tries.length > triedAt.length) {
        triedAt.push(clock.now() - NOON);
        last().fail(unreachable());
      }
      await pass(clock, 500);
    }
    const waits = triedAt.slice(1).map((at, n) => at - (triedAt[n] ?? 0));
    expect(waits.slice(0, 7)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000]);
    expect(new Set(waits.slice(6))).toEqual(new Set([30_000]));
    expect(triedAt.at(-1)).toBeGreaterThanOrEqual(TRIES.deadlineMs - TRIES.backoffMaxMs);
    const message = 'no answer within 600 s; the last try: down';
    expect(ends).toEqual([['a', { error: { code: 'timeout', message } }]]);
  });

  test('is not cut short by a clock that jumps ahead, before a request has its turn or across a restart', async () => {
    const { clock, runner, ends, tries, last } = setUp({ provenNow: () => NOON });
    clock.set(NOON + 24 * 3_600_000);
    runner.take([request('a')]);
    last().fail(unreachable());
    await pass(clock, 500);
    expect(ends).toEqual([]);
    last().ok('done');
    await settle();
    expect(ends).toEqual([['a', { output: 'done' }]]);
    expect(tries.length).toBe(2);
  });

  test('that began before a restart ends at the same deadline: it counts from the making of the request', async () => {
    const { clock, runner, ends, tries, last } = setUp();
    runner.take([request('a', { createdAt: NOON - TRIES.deadlineMs + 10_000 })]);
    while (ends.length === 0) {
      last().fail(unreachable());
      await pass(clock, 500);
    }
    expect(ends).toMatchObject([['a', { error: { code: 'timeout' } }]]);
    expect([tries.length, clock.now() - NOON <= 10_000]).toEqual([5, true]);
  });

  test('lasts as long as the backend says, if it says so', async () => {
    const { clock, runner, ends, tries, last } = setUp();
    const busy = (ms: number) => new BackendFailed('unreachable', 'busy', true, undefined, ms);
    runner.take([request('a')]);
    last().fail(busy(120_000));
    await pass(clock, 119_999);
    expect(tries).toHaveLength(1);
    await pass(clock, 1);
    expect(tries).toHaveLength(2);
    last().fail(busy(TRIES.deadlineMs));
    await settle();
    expect(ends).toMatchObject([['a', { error: { code: 'timeout' } }]]);
  });

  test('holds up no others of the same src: what waits for its next try takes no place', async () => {
    const { clock, runner, ends, tries } = setUp();
    const bad = Array.from({ length: limits.requestsInFlightMax }, (_, n) => request(`bad${n}`));
    runner.take(bad);
    for (const tried of tries) tried.fail(unreachable());
    await settle();
    expect([runner.resting(), runner.health().inFlight]).toEqual([bad.length, bad.length]);
    expect(runner.take([...bad, request('good')])).toBe(1);
    tries.at(-1)?.ok(1);
    await settle();
    expect(ends).toEqual([['good', { output: 1 }]]);
    await pass(clock, 500);
    expect(tries.slice(bad.length + 1).map((tried) => tried.request.attempt)).toEqual(bad.map(() => 2));
  });

  test('I9: beyond the bound of those between two tries, one keeps its place, and is tried again too', async () => {
    const { clock, runner, tries } = setUp({ freed: () => {} });
    const all = Array.from({ length: limits.requestsRestingMax + 1 }, (_, n) => request(`r${n}`, { src: `src ${n}` }));
    for (const one of all) {
      runner.take([one]);
      tries.at(-1)?.fail(unreachable());
      await settle();
    }
    expect(runner.resting()).toBe(limits.requestsRestingMax);
    await pass(clock, 500);
    expect(tries.slice(all.length).map(({ request: { id, attempt } }) => [id, attempt])).toEqual([
      [`r${limits.requestsRestingMax}`, 2],
    ]);
  });
});

describe('a request that is withdrawn', () => {
  test('is aborted at the backend after a while, tells nobody, and is not asked again from an older list', async () => {
    const { clock, runner, ends, tries, last } = setUp();
    runner.take([request('a')]);
    const { signal, fail } = last();
    signal.addEventListener('abort', () => fail(signal.reason));
    runner.withdraw(['a']);
    await pass(clock, limits.requestLateMs - 1);
    expect([signal.aborted, runner.health().inFlight]).toEqual([false, 1]);
    await pass(clock, 1);
    expect([signal.aborted, runner.health().inFlight, runner.health().failures]).toEqual([true, 0, 0]);
    expect(runner.take([request('a')])).toBe(0);
    await pass(clock, 60_000);
    expect([tries.length, ends]).toEqual([1, []]);
  });

  test('while it waits for another try is not tried again', async () => {
    const { clock, runner, tries, last } = setUp();
    runner.take([request('a')]);
    last().fail(unreachable());
    await settle();
    runner.withdraw(['a']);
    await pass(clock, 60_000);
    expect([tries.length, runner.health().inFlight]).toEqual([1, 0]);
  });

  test('and answered all the same is told: whoever takes the answer knows that it is late', async () => {
    const { runner, ends, last } = setUp();
    runner.take([request('a')]);
    runner.withdraw(['a']);
    await settle();
    last().ok('done already');
    await settle();
    expect(ends).toEqual([['a', { output: 'done already' }]]);
  });

  test('and never answered gives its room back then, even where the backend ignores its signal', async () => {
    const { clock, runner, ends } = setUp();
    runner.take([request('a')]);
    runner.withdraw(['a']);
    await pass(clock, limits.requestLateMs - 1);
    expect(runner.health().inFlight).toBe(1);
    await pass(clock, 1);
    expect([runner.health().inFlight, ends]).toEqual([0, []]);
  });
});

describe('the end of a request', () => {
  test('that could not be kept is told again, without asking the backend again', async () => {
    let refusals = 2;
    const told: RequestEnd[] = [];
    const { clock, runner, tries, last } = setUp({
      answered: async (_, end) => {
        if (refusals-- > 0) throw new Error('disk full');
        told.push(end);
      },
    });
    runner.take([request('a')]);
    last().ok(7);
    await pass(clock, 500);
    expect(runner.health().inFlight).toBe(1);
    await pass(clock, 1000);
    expect([told, tries.length, runner.health().inFlight]).toEqual([[{ output: 7 }], 1, 0]);
  });
});

describe('closing', () => {
  test('aborts what runs and what waits, tells nobody, and takes no more', async () => {
    const { clock, runner, ends, tries, last } = setUp();
    runner.take([request('waits')]);
    last().fail(unreachable());
    await settle();
    runner.take([request('runs')]);
    const closed = runner.close();
    expect(last().signal.aborted).toBe(true);
    await closed;
    last().ok('late');
    await pass(clock, 60_000);
    expect(ends).toEqual([]);
    expect(runner.take([request('new')])).toBe(0);
    expect([tries.length, runner.health().inFlight]).toEqual([2, 0]);
  });
});

describe('health', () => {
  test('counts tries that failed in a row, until one is answered; a refusal is an answer', async () => {
    const { clock, runner, last } = setUp();
    runner.take([request('a')]);
    expect(runner.health()).toEqual({ inFlight: 1, failures: 0, lastError: null, down: null });
    last().fail(unreachable());
    await settle();
    const lastError = { at: NOON, src: 'openPayment', message: 'down' };
    expect(runner.health()).toEqual({ inFlight: 1, failures: 1, lastError, down: null });
    await pass(clock, 500);
    last().fail(new BackendFailed('refused', 'no', false));
    await settle();
    expect(runner.health()).toEqual({ inFlight: 0, failures: 0, lastError, down: null });
  });

  test('is down from the third failure in a row, while something is asked, until one is answered', async () => {
    const seen: (string | null)[] = [];
    const tries = { ...TRIES, attemptsMax: 5 };
    const { clock, runner, last } = setUp({ tries, healthChanged: ({ down }) => void seen.push(down) });
    runner.take([request('a')]);
    for (const waitMs of [500, 1000]) {
      last().fail(unreachable());
      await pass(clock, waitMs);
    }
    expect(runner.health().down).toBeNull();
    last().fail(unreachable());
    await settle();
    expect(runner.health().down).toBe('openPayment failed 3 times in a row: down');
    for (const waitMs of [2000, 4000]) {
      await pass(clock, waitMs);
      last().fail(unreachable());
      await settle();
    }
    expect(runner.health()).toMatchObject({ inFlight: 0, failures: 5, down: null });
    runner.take([request('b')]);
    expect(runner.health().down).not.toBeNull();
    last().ok(1);
    await settle();
    expect(runner.health()).toMatchObject({ failures: 0, down: null });
    expect(seen.at(-1)).toBeNull();
  });

  test('I9: is remembered of so many srcs; those that nothing is asked of go first', () => {
    const health = createHealth();
    for (const src of ['idle', 'asked']) {
      health.began(src);
      for (let n = 0; n < 3; n += 1) health.failed(src, 'down', NOON);
    }
    health.failed('idle', 'down', NOON);
    health.ended('idle');
    expect(health.now().failures).toBe(4);
    for (let n = 0; n < limits.requestSrcsRememberedMax; n += 1) {
      health.began(`lookup ${n}`);
      health.ended(`lookup ${n}`);
    }
    expect(health.now()).toMatchObject({ failures: 3, inFlight: 1, down: 'asked failed 3 times in a row: down' });
  });

  test('one src that nobody answers is told beside another that does well', async () => {
    const { clock, runner, tries } = setUp();
    runner.take([request('bad'), request('good', { src: 'other' })]);
    const end = (id: string, how: (t: (typeof tries)[number]) => void) => {
      for (const t of tries.filter((tried) => tried.request.id === id)) how(t);
    };
    for (const waitMs of [500, 1000, 2000]) {
      end('bad', (t) => t.fail(unreachable()));
      end('good', (t) => t.fail(unreachable()));
      await pass(clock, waitMs);
    }
    end('good', (t) => t.ok(1));
    await settle();
    expect(runner.health().down).toContain('openPayment failed 3 times');
  });
});
