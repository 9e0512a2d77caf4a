import fc from 'fast-check';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type AnyStateMachine, assign, fromPromise, raise, setup } from 'xstate';
import type { UserEvent } from '../../machines/events.ts';
import { createMachineTable } from '../../src/conversations/machines.ts';
import { createRouter, type Router } from '../../src/conversations/router.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openReader } from '../../src/journal/sqlite-open.ts';
import { limits } from '../../src/limits.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { groupUpdate, textUpdate } from '../support/updates.ts';

/** What the machine below cannot take, until somebody mends it. */
type Fault = (text: string) => boolean;
const never: Fault = () => false;
const onBoom: Fault = (text) => text === 'boom';

/** Numbers what it hears, waits and asks; "boom" leaves any state for `calm`. */
const machineWith = (fault: Fault, whenDone = 'restart', version = '1'): AnyStateMachine =>
  setup({
    types: { context: {} as { n: number }, events: {} as UserEvent | { type: 'order.shipped' } },
    actions: {
      reply: (_, _params: { text: string }) => {},
      count: assign({
        n: ({ context, event }) => {
          if (event.type === 'message.received' && fault(event.text)) throw new Error(`cannot take ${event.text}`);
          return context.n + 1;
        },
      }),
    },
    actors: { ask: fromPromise<string>(async () => 'never run') },
    guards: { says: ({ event }, word: string) => event.type === 'message.received' && event.text === word },
    delays: { patience: 60_000 },
  }).createMachine({
    id: 'fragile',
    version,
    context: { n: 0 },
    initial: 'calm',
    on: {
      'order.shipped': { actions: { type: 'reply', params: { text: 'shipped' } } },
      'message.received': [
        { guard: { type: 'says', params: 'boom' }, target: '.calm', actions: ['count', say] },
        { guard: { type: 'says', params: 'wait' }, target: '.waiting', actions: 'count' },
        { guard: { type: 'says', params: 'ask' }, target: '.asking', actions: 'count' },
        {
          guard: { type: 'says', params: 'tick' },
          actions: ['count', raise({ type: 'order.shipped' }, { delay: 60_000, id: 'tick' })],
        },
        { guard: { type: 'says', params: 'end' }, target: '.over', actions: 'count' },
        { actions: ['count', say] },
      ],
    },
    states: {
      calm: {},
      waiting: { after: { patience: { target: 'calm', actions: { type: 'reply', params: { text: 'late' } } } } },
      asking: {
        invoke: {
          id: 'q',
          src: 'ask',
          onDone: { target: 'calm', actions: { type: 'reply', params: { text: 'answered' } } },
        },
      },
      over: { type: 'final', meta: { whenDone } },
    },
  });

const say = {
  type: 'reply',
  params: ({ context, event }: { context: { n: number }; event: UserEvent }) => ({
    text: `${context.n} ${event.type === 'message.received' ? event.text : event.type}`,
  }),
} as const;

let clock: ManualClock;
let folder: string;
let journal: Journal;
let updateId = 0;

beforeEach(() => {
  clock = manualClock();
  folder = temporaryFolder();
});

/** A process with this machine: all that an earlier one had in memory is gone. */
function start(
  machine: AnyStateMachine,
  wrap = (opened: Journal): Journal => opened,
  older: readonly AnyStateMachine[] = [],
): Router {
  journal = openJournal(folder, clock);
  const table = createMachineTable(
    { private: { machine: 'fragile', per: 'chat' }, group: { machine: 'fragile', per: 'chat' }, channel: null },
    new Map([['fragile', machine]]),
    new Map([['fragile', { context: undefined, migrate: null, older, unfit: 'keep', restartText: '' }]]),
  );
  return createRouter({ journal: wrap(journal), machines: table, username: () => null });
}
const says = (router: Router, ...texts: string[]) =>
  router.receiveUpdates(
    texts.map((text) => textUpdate(7, text, ++updateId)),
    updateId,
  );
const entries = async (type: string) =>
  (await journal.read({ from: 1, limit: 1000, types: [type] })).map(({ body }) => JSON.parse(body));
const replies = async (): Promise<string[]> =>
  (await entries('message.accepted')).map(({ message }) => message.params.text);
const quarantined = async () =>
  (await journal.quarantined({ after: null, limit: 10, chats: null })).map(({ id }) => id);

describe('a quarantined chat, retried', () => {
  test('takes the event that it failed on, then all that came since, in order and once', async () => {
    const broken = start(machineWith(onBoom));
    await says(broken, 'a', 'boom', 'b');
    await broken.postEvent({ keyId: '1', idempotencyKey: 'k', conversation: '7', event: { type: 'order.shipped' } });
    await says(broken, 'c');
    expect(await replies()).toEqual(['1 a']);
    expect(await quarantined()).toEqual(['7']);

    const mended = start(machineWith(never));
    expect(await mended.retry('7')).toMatchObject({ status: 'active', error: null, lastSeq: 8 });
    expect(await replies()).toEqual(['1 a', '2 boom', '3 b', 'shipped', '4 c']);
    expect(await entries('chat.resumed')).toEqual([{ machine: 'fragile' }]);
    expect(await quarantined()).toEqual([]);
    await says(start(machineWith(never)), 'd');
    expect((await replies()).at(-1)).toBe('5 d');
  });

  test('stays where it is as long as nobody has mended it, and loses nothing', async () => {
    const broken = start(machineWith(onBoom));
    await says(broken, 'a', 'boom', 'b');
    expect(await broken.retry('7')).toMatchObject({ status: 'quarantined', error: 'cannot take boom' });
    expect(await start(machineWith(onBoom)).retry('7')).toMatchObject({ status: 'quarantined' });
    expect(await replies()).toEqual(['1 a']);
    expect(await entries('chat.quarantined')).toHaveLength(3);
    await start(machineWith(never)).retry('7');
    expect(await replies()).toEqual(['1 a', '2 boom', '3 b']);
  });

  test.each([
    ['a text of its own', (event: object) => Object.assign(event, { text: 'spoilt' })],
    ['what is no JSON', (event: object) => Object.assign(event, { type: 5n })],
    ['itself', (event: object) => Object.assign(event, { event })],
  ])('I8: takes the event as it came, although its machine has put %s into it', async (_, spoil) => {
    const spoiling = machineWith(never).provide({
      actions: {
        count: assign(({ event }) => {
          spoil(event);
          throw new Error('spoilt');
        }),
      },
    });
    const broken = start(spoiling);
    await says(broken, 'wait');
    await broken.postEvent({ keyId: '1', idempotencyKey: 'k', conversation: '7', event: { type: 'order.shipped' } });
    expect(await entries('chat.quarantined')).toMatchObject([{ error: 'spoilt', event: 'message.received' }]);
    expect(await start(machineWith(never)).retry('7')).toMatchObject({ status: 'active', state: '"waiting"' });
    expect(await replies()).toEqual(['shipped']);
  });

  test('I8: an update that is nested too deep to be written waits like any other', async () => {
    const broken = start(machineWith(onBoom));
    await says(broken, 'boom');
    let deep: unknown = 1;
    for (let n = 0; n < 100_000; n += 1) deep = [deep];
    const update = { ...textUpdate(7, 'deep', ++updateId), deep };
    expect(await broken.receiveUpdates([update], updateId)).toBe(1);
    await start(machineWith(never)).retry('7');
    expect(await replies()).toEqual(['1 boom', '2 deep']);
  });

  test('that fails again later stands still there: what was stepped is not stepped again', async () => {
    await says(start(machineWith(onBoom)), 'boom', 'b', 'bang', 'c');
    const half = start(machineWith((text) => text === 'bang'));
    expect(await half.retry('7')).toMatchObject({ status: 'quarantined', error: 'cannot take bang', lastSeq: 4 });
    expect(await replies()).toEqual(['1 boom', '2 b']);
    await start(machineWith(never)).retry('7');
    expect(await replies()).toEqual(['1 boom', '2 b', '3 bang', '4 c']);
  });

  test('a timer that came meanwhile is taken in its turn, unless a retried event has left its state', async () => {
    const broken = start(machineWith((text) => text === 'fault'));
    await says(broken, 'wait', 'fault');
    await clock.advance(60_000);
    await broken.fireTimers();
    await says(broken, 'after it');
    await start(machineWith(never)).retry('7');
    expect(await replies()).toEqual(['2 fault', 'late', '3 after it']);

    const again = start(machineWith(onBoom));
    await says(again, 'wait', 'boom');
    await clock.advance(60_000);
    await again.fireTimers();
    expect(await entries('timer.fired')).toHaveLength(2);
    await says(again, 'wait');
    // The last text sets the timer anew: the coming of the old one is not taken for it.
    await start(machineWith(never)).retry('7');
    expect((await replies()).slice(3)).toEqual(['5 boom']);
    expect(JSON.parse((await journal.conversation('7'))?.state ?? '')).toBe('waiting');
    expect(await journal.nextTimerAt()).toBe(clock.now() + 60_000);
  });

  test('what came of a timer or a request is not taken for what a retried event sets or asks anew', async () => {
    const broken = start(machineWith(onBoom));
    await says(broken, 'wait', 'boom', 'wait');
    await clock.advance(60_000);
    await broken.fireTimers();
    await start(machineWith(never)).retry('7');
    expect(await replies()).toEqual(['2 boom']);
    expect(await journal.nextTimerAt()).toBe(clock.now() + 60_000);

    const again = start(machineWith(onBoom));
    await says(again, 'ask', 'boom', 'ask');
    for (const request of await journal.openRequests(1)) await again.answerRequest(request, { output: 'yes' });
    await start(machineWith(never)).retry('7');
    expect(await replies()).toEqual(['2 boom', '5 boom']);
    expect(await journal.openRequests(9)).toHaveLength(1);

    let calls = 0;
    const ticking = start(machineWith((text) => text === 'tick' && ++calls === 2));
    await says(ticking, 'end', 'tick', 'tick');
    await clock.advance(60_000);
    await ticking.fireTimers();
    expect(await quarantined()).toEqual(['7']);
    await start(machineWith(never)).retry('7');
    expect((await replies()).filter((text) => text === 'shipped')).toEqual([]);
  });

  test('an answer that came meanwhile is taken, unless a retried event has left its state', async () => {
    for (const [fault, expected] of [
      ['fault', ['2 fault', 'answered']],
      ['boom', ['4 boom']],
    ] as const) {
      const broken = start(machineWith((text) => text === fault));
      await says(broken, 'ask', fault);
      for (const request of await journal.openRequests(1)) await broken.answerRequest(request, { output: 'yes' });
      const before = (await replies()).length;
      await start(machineWith(never)).retry('7');
      expect((await replies()).slice(before)).toEqual(expected);
    }
  });

  test('I9: of a flood it takes what waited, and tells how much more came', async () => {
    const real = limits.heldEventsMax;
    onTestFinished(() => void Object.assign(limits, { heldEventsMax: real }));
    Object.assign(limits, { heldEventsMax: 4 });
    await says(start(machineWith(onBoom)), 'a', 'boom', 'b', 'c', 'd', 'e', 'f');
    await start(machineWith(never)).retry('7');
    expect(await replies()).toEqual(['1 a', '2 boom', '3 b', '4 c', '5 d']);
    expect(await entries('chat.resumed')).toEqual([{ machine: 'fragile', dropped: 2 }]);
  });

  test('that never began begins; that ends begins anew, or stays ended', async () => {
    await says(start(machineWith(onBoom)), 'boom', 'end', 'a');
    expect(await start(machineWith(never)).retry('7')).toMatchObject({ status: 'active' });
    expect(await replies()).toEqual(['1 boom', '1 a']);

    await says(start(machineWith(onBoom, 'stay')), 'boom', 'end', 'b');
    expect(await start(machineWith(never, 'stay')).retry('7')).toMatchObject({ status: 'done' });
    expect(await replies()).toEqual(['1 boom', '1 a', '2 boom']);
    expect(await quarantined()).toEqual([]);
  });

  test('goes on under the id of the supergroup that its group became', async () => {
    const broken = start(machineWith(onBoom));
    await broken.receiveUpdates([groupUpdate(-5, 1, 'boom')], 1);
    const base = groupUpdate(-5, 1, '');
    await broken.receiveUpdates(
      [{ ...base, message: { ...base.message, text: undefined, migrate_to_chat_id: -1005 } }],
      2,
    );
    await broken.receiveUpdates([groupUpdate(-1005, 1, 'after')], 3);
    expect(await quarantined()).toEqual(['-1005']);
    await start(machineWith(never)).retry('-5');
    expect(await replies()).toEqual(['1 boom', '2 after']);
    const db = openReader(folder);
    onTestFinished(() => db.close());
    expect(db.prepare('SELECT * FROM quarantined').all()).toEqual([]);
  });

  test('of a group that has moved, and whose update of that never came, goes on under the id that it has', async () => {
    const broken = start(machineWith(onBoom));
    await broken.receiveUpdates([groupUpdate(-5, 1, 'boom')], 1);
    // So Telegram's answer to a message told.
    await journal.write(async (tx) => tx.moveMessages('-5', '-1005'));
    await broken.receiveUpdates([groupUpdate(-1005, 1, 'anew')], 2);
    expect(await start(machineWith(never)).retry('-5')).toMatchObject({ id: '-5', status: 'active' });
    expect(await replies()).toEqual(['1 anew', '1 boom']);
  });

  test('that begins anew begins with the version of today, also where the older file is there', async () => {
    await says(start(machineWith(onBoom)), 'boom');
    const [today, older] = [machineWith(never, 'restart', '2'), [machineWith(never)]];
    expect(await start(today, undefined, older).retry('7')).toMatchObject({ status: 'active', version: '2' });
    await says(start(machineWith((text) => text === 'end')), 'a', 'end', 'b');
    expect(await start(today, undefined, older).retry('7')).toMatchObject({ status: 'active', version: '2' });
  });

  test('takes what it held although its supergroup has begun another conversation before the move was told', async () => {
    const router = start(machineWith(onBoom));
    await router.receiveUpdates(
      [groupUpdate(-5, 1, 'boom'), groupUpdate(-5, 1, '500 pizzas'), groupUpdate(-1005, 1, 'hello')],
      1,
    );
    const base = groupUpdate(-5, 1, '');
    const moved = { ...base, message: { ...base.message, text: undefined, migrate_to_chat_id: -1005 } };
    await router.receiveUpdates([moved, groupUpdate(-1005, 1, 'anyone?')], 2);
    expect(await start(machineWith(never)).retry('-5')).toMatchObject({ id: '-1005', status: 'active' });
    expect(await replies()).toEqual(['1 hello', '1 boom', '2 500 pizzas', '3 anyone?']);
  });

  test('more than one unit of work takes: a crash between two leaves each event taken once', async () => {
    const texts = Array.from({ length: 2 * limits.heldEventsPerUnit + 50 }, (_, n) => `t${n}`);
    const broken = start(machineWith((text) => text === 't0'));
    for (let n = 0; n < texts.length; n += 100) await says(broken, ...texts.slice(n, n + 100));
    let units = 0;
    const dies = start(machineWith(never), (opened) => ({
      ...opened,
      write: (job) => (++units > 1 ? Promise.reject(new Error('power cut')) : opened.write(job)),
    }));
    await expect(dies.retry('7')).rejects.toThrow('power cut');
    const between = start(machineWith(never));
    expect(await journal.conversation('7')).toMatchObject({ status: 'quarantined', error: 'cannot take t0' });
    // It still stands still, so that nothing overtakes what waits.
    await says(between, 'last');
    expect(await between.retry('7')).toMatchObject({ status: 'active' });
    const said = (await journal.read({ from: 1, limit: 1000, types: ['message.accepted'] })).map(
      ({ body }) => JSON.parse(body).message.params.text,
    );
    expect(said).toEqual([...texts, 'last'].map((text, n) => `${n + 1} ${text}`));
  });

  test('is as if it had never failed, wherever it failed', async () => {
    const word = fc.constantFrom('a', 'b', 'wait', 'end', 'boom', 'ask');
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 8 }), fc.nat(7), async (words, at) => {
        const texts = words.map((text, n) => (n === at % words.length ? `${text} fault` : text));
        const outcome = async (fault: Fault) => {
          folder = temporaryFolder();
          const first = start(machineWith(fault));
          for (const text of texts) await says(first, text);
          if ((await quarantined()).length > 0) await start(machineWith(never)).retry('7');
          const { state, status } = (await journal.conversation('7')) ?? {};
          return { state, status, replies: await replies(), requests: (await journal.openRequests(9)).length };
        };
        expect(await outcome((text) => text.endsWith('fault'))).toEqual(await outcome(never));
      }),
      { numRuns: 15 },
    );
  });
});

test.each([
  ['7', 'chat_not_retryable'],
  ['8', 'not_found'],
  ['nobody', 'not_found'],
])('what is not quarantined cannot be retried: %s', async (id, code) => {
  const router = start(machineWith(never));
  await says(router, 'a');
  await expect(router.retry(id)).rejects.toMatchObject({ code });
});
