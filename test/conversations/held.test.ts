import { beforeEach, describe, expect, test } from 'vitest';
import { type AnyStateMachine, fromPromise, setup } from 'xstate';
import type { AtRest, Migrate } from '../../machines/events.ts';
import { judgeAll } from '../../src/conversations/tally.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { oldestRequest, openJournal, temporaryFolder } from '../support/journal.ts';
import { textUpdate } from '../support/updates.ts';
import { renaming, routerOf, tableOf } from './versions.ts';

/** What fails in a version, until somebody mends it. */
type Fault = 'boom' | 'late' | null;

const say = (fault: Fault, text: string) => {
  if (text === fault) throw new Error(`cannot say ${text}`);
  return { text };
};

/** `buy` waits a minute, in a state by this name; `pay` asks the backend, under this one. "boom" and "late" may fail. */
const shop = (version: string, waits: string, asks: string, fault: Fault): AnyStateMachine =>
  setup({
    types: { events: {} as { type: 'message.received'; text: string } },
    actors: { charge: fromPromise<string, string>(() => Promise.reject(new Error('asked'))) },
    actions: {
      reply: (_, _params: { text: string }) => {},
    },
    guards: { says: ({ event }, text: string) => event.type === 'message.received' && event.text === text },
    delays: { patience: 60_000 },
  }).createMachine({
    id: 'shop',
    version,
    initial: 'browsing',
    on: {
      'message.received': [
        { guard: { type: 'says', params: 'buy' }, target: `.${waits}` },
        { guard: { type: 'says', params: 'pay' }, target: '.paying' },
        { guard: { type: 'says', params: 'stop' }, target: '.browsing' },
        { actions: { type: 'reply', params: ({ event }) => say(fault, event.text) } },
      ],
    },
    states: {
      browsing: {},
      [waits]: {
        after: { patience: { target: 'browsing', actions: { type: 'reply', params: () => say(fault, 'late') } } },
      },
      paying: {
        invoke: {
          id: asks,
          src: 'charge',
          input: 'all',
          onDone: { target: 'browsing', actions: { type: 'reply', params: { text: 'paid' } } },
          onError: { target: 'browsing', actions: { type: 'reply', params: { text: 'not paid' } } },
        },
      },
    },
  });
const broken = (fault: Fault) => shop('1', 'deciding', 'charge', fault);
const mended = shop('2', 'thinking', 'collect', null);

let clock: ManualClock;
let journal: Journal;
let updateId = 0;

beforeEach(() => {
  clock = manualClock();
  journal = openJournal(temporaryFolder(), clock);
});

const says = (machine: AnyStateMachine, ...texts: string[]) =>
  routerOf(journal, tableOf(machine)).receiveUpdates(
    texts.map((text) => textUpdate(7, text, ++updateId)),
    updateId,
  );
async function answer(machine: AnyStateMachine, outcome: Parameters<ReturnType<typeof routerOf>['answerRequest']>[1]) {
  expect(await routerOf(journal, tableOf(machine)).answerRequest(await oldestRequest(journal), outcome)).toBe(true);
}
async function waitAMinute(machine: AnyStateMachine): Promise<void> {
  await clock.advance(60_000);
  expect(await routerOf(journal, tableOf(machine)).fireTimers()).toBe(1);
}
const retry = (migrate: Migrate = renaming, machine = mended) =>
  routerOf(journal, tableOf(machine, { migrate, unfit: 'quarantine' })).retry('7');
/** What `migrate --dry-run` says of the chat. */
async function outlook(migrate: Migrate): Promise<string | null> {
  const told: (string | null)[] = [];
  const { versions } = tableOf(mended, { migrate, unfit: 'quarantine' });
  await judgeAll(journal, versions, (_, { why }) => void told.push(why));
  return told[0] ?? null;
}
const replies = async (): Promise<string[]> =>
  (await journal.read({ from: 1, limit: 100, types: ['message.accepted'] })).map(
    ({ body }) => JSON.parse(body).message.params.text,
  );

describe('what came while a chat stood still, retried with a version that calls it by another name', () => {
  test('a timer is taken in its turn', async () => {
    await says(broken('boom'), 'buy', 'boom');
    await waitAMinute(broken('boom'));
    await says(broken('boom'), 'after it');
    expect(await retry()).toMatchObject({ status: 'active', version: '2', state: '"browsing"' });
    expect(await replies()).toEqual(['boom', 'late', 'after it']);
  });

  test('a timer that it failed on itself is taken', async () => {
    await says(broken('late'), 'buy');
    await waitAMinute(broken('late'));
    expect(await journal.conversation('7')).toMatchObject({ status: 'quarantined', state: '"deciding"' });
    expect(await retry()).toMatchObject({ status: 'active', state: '"browsing"' });
    expect(await replies()).toEqual(['late']);
  });

  test.each([
    ['an answer', { output: 'ok' }, 'paid'],
    ['a failure', { error: { code: 'declined', message: 'no' } }, 'not paid'],
  ])('%s is taken in its turn', async (_, outcome, said) => {
    await says(broken('boom'), 'pay', 'boom');
    await answer(broken('boom'), outcome);
    await says(broken('boom'), 'after it');
    expect(await retry()).toMatchObject({ status: 'active', version: '2', state: '"browsing"' });
    expect(await replies()).toEqual(['boom', said, 'after it']);
  });

  test('what an event before it takes back does not come', async () => {
    await says(broken('boom'), 'buy', 'boom', 'stop');
    await waitAMinute(broken('boom'));
    await says(broken('boom'), 'pay');
    expect(await retry()).toMatchObject({ status: 'active', state: '"paying"' });
    expect(await replies()).toEqual(['boom']);
  });

  test.each<[string, number, (timers: AtRest['timers']) => AtRest['timers']]>([
    ['takes it back', 0, () => []],
    ['gives it another time', 1, (timers) => timers.map((timer) => ({ ...timer, dueAt: timer.dueAt + 60_000 }))],
  ])('`migrate` sees it with what is still to come, and %s', async (_, fires, change) => {
    await says(broken('boom'), 'buy', 'boom');
    const dueAt = clock.now() + 60_000;
    await waitAMinute(broken('boom'));
    const migrate: Migrate = (from, rest) => {
      const id = 'xstate.after.patience.shop.deciding';
      expect(rest.timers).toEqual([{ id, dueAt, event: { type: id } }]);
      const renamed = renaming(from, rest);
      return renamed === null ? null : { ...renamed, timers: change(renamed.timers) };
    };
    expect(await retry(migrate)).toMatchObject({ status: 'active', state: '"thinking"' });
    await clock.advance(60_000);
    expect(await routerOf(journal, tableOf(mended)).fireTimers()).toBe(fires);
    expect(await replies()).toEqual(['boom', ...(fires === 0 ? [] : ['late'])]);
  });

  test('nobody takes it: it stands still, and tells so, until a version does', async () => {
    await says(broken('boom'), 'pay', 'boom');
    await answer(broken('boom'), { output: 'ok' });
    const unchanged: Migrate = (_, rest) => rest;
    expect(await outlook(unchanged)).toContain('already: request_without_taker');
    const { status, error } = await retry(unchanged);
    expect(status).toBe('quarantined');
    expect(error).toContain('request_without_taker');
    expect(await outlook(renaming)).toBe('already, and would fit: switchboard chats retry');
    expect(await retry()).toMatchObject({ status: 'active', state: '"browsing"' });
    expect(await replies()).toEqual(['boom', 'paid']);
  });

  test('it begins anew: what it waited for is gone, what it was sent is not', async () => {
    await says(broken('boom'), 'buy', 'boom');
    await waitAMinute(broken('boom'));
    await says(broken('boom'), 'after it');
    const begun = routerOf(journal, tableOf(mended, { migrate: () => null, unfit: 'restart', restartText: 'anew' }));
    expect(await begun.retry('7')).toMatchObject({ status: 'active', version: '2', state: '"browsing"' });
    expect(await replies()).toEqual(['anew', 'boom', 'after it']);
  });
});

describe('two timers of one time that came while a chat stood still', () => {
  const region = (text: string, fault: Fault) => ({
    initial: 'runs',
    states: { runs: { after: { patience: { actions: { type: 'reply' as const, params: { text } } } } } },
    on: { 'message.received': { actions: { type: 'reply' as const, params: () => say(fault, 'boom') } } },
  });
  /** Regions of these names: what was called left and right in the first version says L and R. */
  const regions = (version: string, [left, right]: readonly [string, string], fault: Fault): AnyStateMachine =>
    setup({ actions: { reply: (_, _params: { text: string }) => {} }, delays: { patience: 60_000 } }).createMachine({
      ...{ id: 'shop', version, type: 'parallel' },
      states: { [left]: region('L', fault), [right]: region('R', null) },
    });

  test.each([
    ['swapped', ['right', 'left']],
    ['moved on by one', ['zero', 'left']],
    ['taken by the other', ['right', 'third']],
  ] as const)('are taken in their order where their names are %s', async (_, names) => {
    const first = regions('1', ['left', 'right'], 'boom');
    await routerOf(journal, tableOf(regions('1', ['left', 'right'], null))).receiveUpdates([textUpdate(7, 'x', 1)], 1);
    await routerOf(journal, tableOf(first)).receiveUpdates([textUpdate(7, 'x', 2)], 2);
    await clock.advance(60_000);
    expect(await routerOf(journal, tableOf(first)).fireTimers()).toBe(2);
    const before = (await replies()).length;
    const migrate: Migrate = (__, { context, timers, requests }) => ({
      ...{ value: { [names[0]]: 'runs', [names[1]]: 'runs' }, context, requests },
      timers: timers.map(({ id, dueAt }) => {
        const type = id.replace(/left|right/, (name) => names[name === 'left' ? 0 : 1]);
        return { id: type, dueAt, event: { type } };
      }),
    });
    expect(await retry(migrate, regions('2', names, null))).toMatchObject({ status: 'active', version: '2' });
    expect((await replies()).slice(before).filter((text) => text !== 'boom')).toEqual(['L', 'R']);
  });
});
