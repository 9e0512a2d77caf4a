import { beforeEach, describe, expect, test } from 'vitest';
import { createMachine, fromPromise, raise, sendTo, setup } from 'xstate';
import type { AtRest, Migrate } from '../../machines/events.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { oldestRequest, openJournal, temporaryFolder } from '../support/journal.ts';
import { groupUpdate, textUpdate } from '../support/updates.ts';
import { first, other, renamed, renaming, routerOf, second, sweepAll, tableOf } from './versions.ts';

let clock: ManualClock;
let folder: string;
let journal: Journal;

beforeEach(() => {
  clock = manualClock();
  folder = temporaryFolder();
  journal = openJournal(folder, clock);
});

/** Chat 1 browses, 2 has a timer, 3 waits for the backend, 4 is in a state that goes: all in the first version. */
async function begin(): Promise<void> {
  const texts = ['hello', 'buy', 'pay', 'break'];
  await routerOf(journal, tableOf(first)).receiveUpdates(
    texts.map((text, n) => textUpdate(n + 1, text)),
    1,
  );
}

/** Every entry since the first version stopped, short. */
async function since(seq: number): Promise<string[]> {
  const entries = await journal.read({ from: seq + 1, limit: 100 });
  return entries.map(({ type, chat, body }) => {
    const { outcome, why, error, message } = JSON.parse(body);
    return [chat, type, outcome, why, error, message?.params?.text].filter((word) => word !== undefined).join(' ');
  });
}

const standing = async (id: string) => {
  const record = await journal.conversation(id);
  return record === null ? null : `${record.status} ${record.version} ${record.state}`;
};
const standings = () => Promise.all(['1', '2', '3', '4'].map(standing));

describe('what becomes of a conversation of another version', () => {
  test('one that fits goes on in the new version, with its context, its timer and its request', async () => {
    await begin();
    const { head } = journal.bounds();
    const machines = tableOf(second);
    expect(await sweepAll(journal, machines)).toEqual({ migrated: 3, kept: 0, restarted: 0, quarantined: 1 });
    expect(await standings()).toEqual([
      'active 2 "browsing"',
      'active 2 "deciding"',
      'active 2 "paying"',
      'quarantined 1 "dusty"',
    ]);
    expect(await since(head)).toEqual([
      '1 chat.migrated migrated',
      '2 chat.migrated migrated',
      '3 chat.migrated migrated',
      '4 chat.quarantined version 1 does not fit version 2: state_gone: there is no state shop.dusty',
    ]);
    const { head: settled } = journal.bounds();
    const router = routerOf(journal, machines);
    await router.receiveUpdates([textUpdate(1, 'and?')], 9);
    await clock.advance(60_000);
    expect(await router.fireTimers()).toBe(1);
    const request = await oldestRequest(journal);
    expect(await router.answerRequest(request, { output: 'yes' })).toBe(true);
    expect((await since(settled)).filter((line) => line.includes('accepted'))).toEqual([
      '1 message.accepted two 2',
      '2 message.accepted late',
      '3 message.accepted charged',
    ]);
  });

  test.each([
    ['1', 'request_missing: "browsing" waits for an answer to suggest, which was never asked'],
    ['2', 'timer_without_taker: nothing in "deciding" takes the timer xstate.after.patience.shop.deciding'],
    ['3', 'request_without_taker: nothing in "paying" takes the answer to charge'],
    ['4', 'state_gone: shop.dusty has states of its own now, and nothing tells which to be in'],
  ])('what waits for it, or what it would wait for, must have a taker: chat %s', async (chat, error) => {
    await begin();
    await sweepAll(journal, tableOf(other));
    expect(await journal.conversation(chat)).toMatchObject({
      status: 'quarantined',
      version: '1',
      error: `version 1 does not fit version 3: ${error}`,
    });
    expect(await journal.requestsOf('3')).toHaveLength(1);
    expect(await journal.timersOf('2')).toHaveLength(1);
  });

  test('an invoke that was answered, and whose state goes on, is not taken for one that was never asked', async () => {
    const asking = (version: string, after: string) =>
      setup({ actors: { charge: fromPromise<string>(() => Promise.reject(new Error('asked'))) } }).createMachine({
        id: 'shop',
        version,
        initial: 'buying',
        states: {
          buying: {
            invoke: { id: 'charge', src: 'charge', onDone: after },
            initial: 'waiting',
            states: { waiting: {}, paid: {} },
          },
          over: {},
        },
      });
    const router = routerOf(journal, tableOf(asking('1', '.paid')));
    await router.receiveUpdates([textUpdate(7, 'hello')], 1);
    const [request] = await journal.openRequests(1);
    if (request === undefined) throw new Error('nothing was asked');
    await router.answerRequest(request, { output: 'yes' });
    expect(await standing('7')).toBe('active 1 {"buying":"paid"}');
    expect(await sweepAll(journal, tableOf(asking('2', '.paid')))).toMatchObject({ migrated: 1 });
    // Where its answer would end the state, who is in it has an answer to come.
    await sweepAll(journal, tableOf(asking('3', 'over')));
    expect((await journal.conversation('7'))?.error).toContain('request_missing');
  });

  test.each([
    ['an end of the machine', { over: { type: 'final' } }, 'over', 'state_gone: shop.over is a final state now'],
    [
      'an inner end that leads on',
      { form: { initial: 'sent', onDone: 'over', states: { sent: { type: 'final' } } }, over: {} },
      'form',
      'state_gone: shop.form.sent is a final state now',
    ],
  ] as const)('a state that has become %s could not be left', async (_, states, initial, error) => {
    const before = { over: {}, form: { initial: 'sent', states: { sent: {} } } };
    const old = createMachine({ id: 'shop', version: '1', initial, states: before });
    await routerOf(journal, tableOf(old)).receiveUpdates([textUpdate(7, 'hello')], 1);
    // It begins in another state, so that it can be begun.
    const now = createMachine({ id: 'shop', version: '2', initial: 'start', states: { start: {}, ...states } });
    await sweepAll(journal, tableOf(now));
    expect((await journal.conversation('7'))?.error).toBe(`version 1 does not fit version 2: ${error}`);
  });

  describe('what history remembers', () => {
    const form = (version: string, second: string) =>
      setup({
        types: { events: {} as { type: 'message.received'; text: string } },
        guards: { says: ({ event }, text: string) => event.text === text },
      }).createMachine({
        ...{ id: 'shop', version, initial: 'form' },
        states: {
          form: {
            initial: 'one',
            on: { 'message.received': { guard: { type: 'says', params: 'help' }, target: 'help' } },
            states: {
              one: { on: { 'message.received': { guard: { type: 'says', params: 'next' }, target: second } } },
              [second]: {},
              hist: { type: 'history' },
            },
          },
          help: { on: { 'message.received': 'form.hist' } },
        },
      });
    const inHelp = () =>
      routerOf(journal, tableOf(form('1', 'two'))).receiveUpdates(
        ['x', 'next', 'help'].map((text) => textUpdate(7, text)),
        1,
      );
    const history = { 'shop.form.hist': ['shop.form.deux'] };

    test('`migrate` renames it, and the way back leads there', async () => {
      await inHelp();
      const migrate: Migrate = (_, rest) => {
        expect(rest.history).toEqual({ 'shop.form.hist': ['shop.form.two'] });
        return { ...rest, history };
      };
      const machines = tableOf(form('2', 'deux'), { migrate });
      expect(await sweepAll(journal, machines)).toMatchObject({ migrated: 1 });
      await routerOf(journal, machines).receiveUpdates([textUpdate(7, 'back')], 2);
      expect(await standing('7')).toBe('active 2 {"form":"deux"}');
    });

    test('`migrate` that drops it leads to the beginning', async () => {
      await inHelp();
      const machines = tableOf(form('2', 'deux'), { migrate: (_, rest) => ({ ...rest, history: {} }) });
      await sweepAll(journal, machines);
      await routerOf(journal, machines).receiveUpdates([textUpdate(7, 'back')], 2);
      expect(await standing('7')).toBe('active 2 {"form":"one"}');
    });

    test('a history that `migrate` says nothing of is as it was, and must lead somewhere', async () => {
      await inHelp();
      const migrate: Migrate = (_, { value, context, timers, requests }) => ({ value, context, timers, requests });
      await sweepAll(journal, tableOf(form('2', 'deux'), { migrate }));
      expect((await journal.conversation('7'))?.error).toContain('a history leads to shop.form.two, which is gone');
    });
  });

  test('an end that stays over does so under a version that knows that end no more', async () => {
    const shop = (version: string, end: string) =>
      createMachine({
        ...{ id: 'shop', version, initial: 'open' },
        states: { open: { on: { 'message.received': end } }, [end]: { type: 'final', meta: { whenDone: 'stay' } } },
      });
    await routerOf(journal, tableOf(shop('1', 'gone'))).receiveUpdates([textUpdate(7, 'STOP')], 1);
    expect(await standing('7')).toBe('done 1 "gone"');
    const machines = tableOf(shop('2', 'left'));
    await sweepAll(journal, machines);
    await routerOf(journal, machines).receiveUpdates([textUpdate(7, 'hello?')], 2);
    expect(await standing('7')).toBe('done 1 "gone"');
  });

  test('an end that was stored before it told what comes after it is asked of its machine', async () => {
    const shop = createMachine({
      ...{ id: 'shop', version: '1', initial: 'open' },
      states: { open: { on: { 'message.received': 'gone' } }, gone: { type: 'final', meta: { whenDone: 'stay' } } },
    });
    await routerOf(journal, tableOf(shop)).receiveUpdates([textUpdate(7, 'STOP')], 1);
    await journal.write(async (tx) => {
      const record = (await tx.conversations(['7'])).get('7');
      if (record === undefined) throw new Error('it has no conversation');
      const { whenDone, ...earlier } = JSON.parse(record.snapshot);
      expect(whenDone).toBe('stay');
      tx.saveConversation({ ...record, snapshot: JSON.stringify(earlier) });
    });
    await routerOf(journal, tableOf(shop)).receiveUpdates([textUpdate(7, 'hello?')], 2);
    expect(await standing('7')).toBe('done 1 "gone"');
  });

  test('a delayed raise that no state takes any more is not dropped', async () => {
    const later = (type: string) => raise({ type }, { delay: 1000, id: 'r' });
    const shop = (version: string, takes: string) =>
      createMachine({
        id: 'shop',
        version,
        initial: 'a',
        entry: later(takes),
        states: { a: {}, b: { on: { [takes]: 'a' } } },
      });
    await routerOf(journal, tableOf(shop('1', 'remind'))).receiveUpdates([textUpdate(7, 'hello')], 1);
    await sweepAll(journal, tableOf(shop('2', 'recall')));
    expect((await journal.conversation('7'))?.error).toContain(
      'timer_without_taker: nothing in "a" takes the timer remind',
    );
  });

  test('the context must fit the schema that the machine gives; what it holds is not told', async () => {
    await begin();
    const context = { type: 'object', required: ['heard', 'total'], properties: { total: { type: 'integer' } } };
    await sweepAll(journal, tableOf(second, { context }));
    const { error } = (await journal.conversation('1')) ?? {};
    expect(error).toBe('version 1 does not fit version 2: context_unfit: context must have required properties total');
    expect(() => tableOf(second, { context: 'a text' })).toThrow('"context" must be a JSON Schema');
  });

  test('`migrate` renames states, timers and requests; they fire and are answered as if always so called', async () => {
    await begin();
    const { head } = journal.bounds();
    const due = (await journal.timersOf('2'))[0]?.dueAt;
    const machines = tableOf(renamed, { migrate: renaming });
    expect(await sweepAll(journal, machines)).toMatchObject({ migrated: 4 });
    expect(await standings()).toEqual([
      'active 4 "browsing"',
      'active 4 "thinking"',
      'active 4 "paying"',
      'active 4 "browsing"',
    ]);
    expect(await since(head)).toEqual([
      '1 chat.migrated migrated',
      '2 chat.migrated migrated',
      '2 chat.moved',
      '3 chat.migrated migrated',
      '4 chat.migrated migrated',
      '4 chat.moved',
    ]);
    expect(await journal.timersOf('2')).toMatchObject([{ id: 'xstate.after.patience.shop.thinking', dueAt: due }]);
    const router = routerOf(journal, machines);
    await clock.advance(60_000);
    await router.fireTimers();
    const request = await oldestRequest(journal);
    await router.answerRequest(request, { output: 'yes' });
    expect([await standing('2'), await standing('3')]).toEqual(['active 4 "browsing"', 'active 4 "browsing"']);
  });

  test('`migrate` drops one of two that the backend was sent: the other is asked all the same', async () => {
    const shop = (version: string) =>
      createMachine({
        ...{ id: 'shop', version, initial: 'open' },
        states: {
          open: {
            on: {
              'message.received': {
                actions: [
                  sendTo(({ system }) => system.get('backend'), { type: 'one' }),
                  sendTo(({ system }) => system.get('backend'), { type: 'two' }),
                ],
              },
            },
          },
        },
      });
    await routerOf(journal, tableOf(shop('1'))).receiveUpdates([textUpdate(7, 'x')], 1);
    const migrate: Migrate = (_, rest) => ({ ...rest, requests: rest.requests.filter(({ src }) => src !== 'one') });
    expect(await sweepAll(journal, tableOf(shop('2'), { migrate }))).toMatchObject({ migrated: 1 });
    expect((await journal.requestsOf('7')).map(({ src }) => src)).toEqual(['two']);
  });

  describe('of two regions, of which one has other names now', () => {
    const region = (name: string, text: string) => ({
      initial: 'runs',
      states: {
        runs: {
          invoke: { id: name, src: 'ask' as const, onDone: {}, onError: {} },
          after: { patience: { actions: { type: 'reply' as const, params: { text } } } },
        },
      },
    });
    const shop = (version: string, left: string) =>
      setup({
        actors: { ask: fromPromise(() => Promise.reject(new Error('asked'))) },
        actions: { reply: (_, _params: { text: string }) => {} },
        delays: { patience: 1000 },
      }).createMachine({
        ...{ id: 'shop', version, type: 'parallel' },
        states: { [left]: region(left, 'left'), right: region('right', 'right') },
      });
    const renamed = (name: string) => name.replace('left', 'first');
    const toFirst: Migrate = (_, { context, timers, requests }) => ({
      ...{ value: { first: 'runs', right: 'runs' }, context },
      timers: timers.map(({ id, dueAt, event }) => ({ id: renamed(id), dueAt, event: { type: renamed(event.type) } })),
      requests: requests.map((request) => ({ ...request, invoke: renamed(request.invoke) })),
    });

    test('timers that are due at once fire in the order in which they were set', async () => {
      await routerOf(journal, tableOf(shop('1', 'left'))).receiveUpdates([textUpdate(7, 'x')], 1);
      const router = routerOf(journal, tableOf(shop('2', 'first'), { migrate: toFirst }));
      await clock.advance(1000);
      await router.fireTimers();
      expect((await since(0)).filter((line) => line.includes('accepted'))).toEqual([
        '7 message.accepted left',
        '7 message.accepted right',
      ]);
    });

    test('a request may take the name of one that is dropped', async () => {
      await routerOf(journal, tableOf(shop('1', 'left'))).receiveUpdates([textUpdate(7, 'x')], 1);
      const [left, right] = await journal.requestsOf('7');
      expect([left?.invoke, right?.invoke]).toEqual(['left', 'right']);
      const migrate: Migrate = (from, rest) =>
        toFirst(from, { ...rest, requests: rest.requests.slice(0, 1).map((one) => ({ ...one, invoke: 'right' })) });
      await sweepAll(journal, tableOf(shop('2', 'first'), { migrate }));
      expect((await journal.requestsOf('7')).map(({ id, invoke }) => [id, invoke])).toEqual([[left?.id, 'right']]);
    });
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('what now?');
      },
      'migrate_failed: what now?',
    ],
    ['gives null', () => null, 'migrate_refused: migrate gave null'],
    ['gives nonsense', () => ({ value: 'browsing' }), /^migrate_failed: migrate gave no conversation/],
    [
      'asks what was never asked',
      (_: string, at: object) => ({ ...at, requests: [{ id: '1-1-9', invoke: 'x', src: 'charge', input: null }] }),
      'migrate_failed: migrate made the request 1-1-9: it can only rename and drop some',
    ],
  ])('a `migrate` that %s leaves it to the policy', async (_, migrate, error) => {
    await begin();
    await sweepAll(journal, tableOf(second, { migrate: migrate as never }));
    const record = await journal.conversation('1');
    expect(record?.status).toBe('quarantined');
    expect(record?.error?.replace('version 1 does not fit version 2: ', '')).toMatch(error);
  });

  test.each<[string, (rest: AtRest) => unknown, string]>([
    [
      'a context that JSON changes',
      (rest) => ({ ...rest, context: { heard: new Date(0) } }),
      'context.heard is a Date',
    ],
    ['a time that no clock shows', (rest) => ({ ...rest, timers: [{ ...late, dueAt: 1e300 }] }), '/timers/0/dueAt'],
    [
      'a timer whose event is no JSON',
      (rest) => ({ ...rest, timers: [{ ...late, event: { ...late.event, n: 5n } }] }),
      'timers[0].event.n is a bigint',
    ],
  ])('`migrate` that gives %s costs its chat alone', async (_, give, error) => {
    await begin();
    const migrate: Migrate = (_from, rest) => (rest.timers.length === 0 ? rest : (give(rest) as AtRest));
    await sweepAll(journal, tableOf(second, { migrate }));
    expect((await journal.conversation('2'))?.error).toContain(error);
    expect(await standings()).toMatchObject({ 0: 'active 2 "browsing"', 1: 'quarantined 1 "deciding"' });
  });
  const late = { id: 'x', dueAt: 5, event: { type: 'xstate.after.patience.shop.deciding' } };

  test('a request that `migrate` leaves out is withdrawn, and the state that waits for it has no answer to come', async () => {
    await begin();
    const machines = tableOf(second, { migrate: (_, at) => ({ ...at, value: 'browsing', timers: [], requests: [] }) });
    await sweepAll(journal, machines);
    expect(await journal.openRequests(9)).toEqual([]);
    expect(await journal.nextTimerAt()).toBeNull();
    expect(await standing('3')).toBe('active 2 "browsing"');
  });

  test('a snapshot that is none is held like one that does not fit', async () => {
    await begin();
    await journal.write(async (tx) => {
      const record = (await tx.conversations(['1'])).get('1');
      if (record !== undefined) tx.saveConversation({ ...record, snapshot: '{}' });
    });
    await sweepAll(journal, tableOf(second));
    expect((await journal.conversation('1'))?.error).toContain('snapshot_unreadable');
  });
});

describe('the policies', () => {
  test('restart: the user is told, what waited is gone, and the next message begins the new version', async () => {
    await begin();
    const { head } = journal.bounds();
    const machines = tableOf(other, { unfit: 'restart' });
    await sweepAll(journal, machines);
    expect((await since(head)).slice(0, 4)).toEqual([
      '1 chat.migrated restarted request_missing',
      '1 message.accepted begin again',
      '2 chat.migrated restarted timer_without_taker',
      '2 message.accepted begin again',
    ]);
    expect(await journal.nextTimerAt()).toBeNull();
    expect(await journal.openRequests(9)).toEqual([]);
    await routerOf(journal, machines).receiveUpdates([textUpdate(2, 'hello')], 2);
    expect(await standing('2')).toBe('active 3 "deciding"');
    expect((await since(head)).at(-2)).toBe('2 message.accepted two 1');
  });

  test('restart: a member of a group is told in the group', async () => {
    await routerOf(journal, tableOf(first)).receiveUpdates([groupUpdate(-100, 7, 'break')], 1);
    const { head } = journal.bounds();
    await sweepAll(journal, tableOf(second, { unfit: 'restart' }));
    const entries = await journal.read({ from: head + 1, limit: 9 });
    expect(entries.map(({ body }) => JSON.parse(body))).toMatchObject([
      { conversation: '-100:u7', machine: 'shop', from: '1', to: '2', outcome: 'restarted', why: 'state_gone' },
      { message: { params: { chat_id: -100, text: 'begin again' } } },
    ]);
  });

  test('keep: it goes on with the file that it began with, and moves on once it fits', async () => {
    await begin();
    const machines = tableOf(second, { unfit: 'keep', older: [first] });
    expect(await sweepAll(journal, machines)).toEqual({ migrated: 3, kept: 1, restarted: 0, quarantined: 0 });
    const { head } = journal.bounds();
    const router = routerOf(journal, machines);
    await router.receiveUpdates([textUpdate(4, 'still here?'), textUpdate(4, 'buy')], 2);
    expect(await standing('4')).toBe('active 1 "deciding"');
    // In memory it stays as it is; read from the disk it is looked at again.
    await routerOf(journal, machines).receiveUpdates([textUpdate(4, 'and now?')], 3);
    expect(await standing('4')).toBe('active 2 "deciding"');
    expect((await since(head)).filter((line) => !line.includes('update.received'))).toEqual([
      '4 message.accepted one 2',
      '4 chat.moved',
      '4 chat.migrated migrated',
      '4 message.accepted two 4',
    ]);
  });

  test('keep, without the file: it is quarantined rather than stepped by a machine that does not know it', async () => {
    await begin();
    await sweepAll(journal, tableOf(second, { unfit: 'keep' }));
    expect(await standing('4')).toBe('quarantined 1 "dusty"');
  });
});

describe('a conversation that is stepped before the sweep comes to it', () => {
  test('by a message: it is brought up first, in the same unit of work', async () => {
    await begin();
    const { head } = journal.bounds();
    await routerOf(journal, tableOf(second)).receiveUpdates([textUpdate(1, 'hello'), textUpdate(4, 'hello')], 2);
    expect(await since(head)).toEqual([
      '1 chat.migrated migrated',
      '4 chat.quarantined version 1 does not fit version 2: state_gone: there is no state shop.dusty',
      '1 update.received',
      '1 message.accepted two 2',
      '4 update.received',
    ]);
  });

  test('by its timer: one that the new version renames fires under its new name', async () => {
    await begin();
    const { head } = journal.bounds();
    await clock.advance(60_000);
    expect(await routerOf(journal, tableOf(renamed, { migrate: renaming })).fireTimers()).toBe(1);
    expect(await since(head)).toEqual([
      '2 chat.migrated migrated',
      '2 chat.moved',
      '2 timer.fired',
      '2 message.accepted late',
      '2 chat.moved',
    ]);
  });

  test('by its timer: one that went with a restart does not fire', async () => {
    await begin();
    await clock.advance(60_000);
    expect(await routerOf(journal, tableOf(other, { unfit: 'restart' })).fireTimers()).toBe(0);
    expect(await standing('2')).toBe('done 3 null');
  });

  test('by its timer: in a storm too, where restarts make room for more than was read', async () => {
    const chats = Array.from({ length: limits.timersPerUnitMax + 1 }, (_, n) => n + 1);
    await routerOf(journal, tableOf(first)).receiveUpdates(
      chats.map((chat) => textUpdate(chat, 'buy')),
      1,
    );
    await clock.advance(60_000);
    const router = routerOf(journal, tableOf(other, { unfit: 'restart' }));
    while ((await router.fireTimers()) > 0);
    const stood = new Set(await Promise.all(chats.map((chat) => standing(String(chat)))));
    expect([...stood]).toEqual(['done 3 null']);
  });

  test('by a message behind the move of its group: what is overdue is of today by then', async () => {
    await routerOf(journal, tableOf(first)).receiveUpdates([groupUpdate(-5, 1, 'buy')], 1);
    const { head } = journal.bounds();
    await clock.advance(60_000);
    const base = groupUpdate(-5, 2, '');
    const moved = { ...base, message: { ...base.message, text: undefined, migrate_to_chat_id: -1005 } };
    const router = routerOf(journal, tableOf(other, { unfit: 'restart' }));
    await router.receiveUpdates([moved, groupUpdate(-1005, 1, 'hello')], 2);
    expect(await since(head)).not.toContain('-1005 timer.fired');
    expect(await since(head)).toContain('-1005 message.accepted begin again');
  });

  test('by an answer: it is taken under the name that the request has now, or dropped with a restart', async () => {
    await begin();
    const { head } = journal.bounds();
    const request = await oldestRequest(journal);
    const router = routerOf(journal, tableOf(renamed, { migrate: renaming }));
    expect(await router.answerRequest(request, { output: 'yes' })).toBe(true);
    expect(await since(head)).toContain('3 message.accepted collected');
  });

  test('by an event from outside', async () => {
    await begin();
    const { head } = journal.bounds();
    const post = { keyId: 'k', idempotencyKey: 'i', conversation: '1', event: { type: 'shop.closed' } };
    await routerOf(journal, tableOf(second)).postEvent(post);
    expect(await since(head)).toEqual(['1 chat.migrated migrated', '1 event.received']);
  });
});

describe('the sweep', () => {
  test('is done once for these versions and policies: the next one reads nothing but that', async () => {
    await begin();
    await sweepAll(journal, tableOf(second));
    const { head } = journal.bounds();
    const reading = { ...journal, conversationVersions: () => Promise.reject(new Error('it walks')) };
    expect(await sweepAll(reading, tableOf(second))).toMatchObject({ migrated: 0 });
    await expect(sweepAll(reading, tableOf(second, { unfit: 'restart' }))).rejects.toThrow('it walks');
    await expect(sweepAll(reading, tableOf(other))).rejects.toThrow('it walks');
    expect(journal.bounds().head).toBe(head);
  });

  test('back to the version before: what fits there goes back', async () => {
    await begin();
    await sweepAll(journal, tableOf(second));
    expect(await sweepAll(journal, tableOf(first))).toMatchObject({ migrated: 3 });
    expect(await standing('1')).toBe('active 1 "browsing"');
  });
});
