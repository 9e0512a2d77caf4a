import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { assign, createMachine, emit, fromPromise, setup } from 'xstate';
import { createMachineTable, type Selections } from '../../src/conversations/machines.ts';
import { createRouter } from '../../src/conversations/router.ts';
import { createTimerService } from '../../src/conversations/timers.ts';
import type { Entry, Journal } from '../../src/journal/journal.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { limits } from '../../src/limits.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { oldestRequest, openJournal, temporaryFolder } from '../support/journal.ts';
import { groupUpdate, textUpdate } from '../support/updates.ts';

interface Said {
  type: 'message.received';
  text: string;
}

/** Says back what it hears, asks, waits, breaks: whatever a test tells it. */
const machine = setup({
  types: {
    context: {} as { heard: string[] },
    events: {} as Said | { type: 'order.shipped' },
  },
  actors: {
    ask: fromPromise<string, string>(async () => {
      throw new Error('never run');
    }),
  },
  actions: {
    reply: (_, _params: { text: string }) => {},
    remember: assign({
      heard: ({ context, event }) => [...context.heard, event.type === 'message.received' ? event.text : event.type],
    }),
    explode: assign(() => {
      throw new Error('the machine is broken');
    }),
    announce: emit({ type: 'heard' }),
  },
  guards: { says: ({ event }, text: string) => event.type === 'message.received' && event.text === text },
  delays: { patience: 60_000 },
}).createMachine({
  id: 'parrot',
  version: '1',
  context: { heard: [] },
  initial: 'listening',
  on: {
    'order.shipped': { actions: ['remember', { type: 'reply', params: { text: 'shipped' } }] },
    'message.received': [
      { guard: { type: 'says', params: 'explode' }, actions: 'explode' },
      { guard: { type: 'says', params: 'ask' }, target: '.asking' },
      { guard: { type: 'says', params: 'wait' }, target: '.waiting' },
      { guard: { type: 'says', params: 'bye' }, target: '.over' },
      { guard: { type: 'says', params: 'announce' }, actions: 'announce' },
      { actions: ['remember', { type: 'reply', params: ({ context }) => ({ text: context.heard.join(' ') }) }] },
    ],
  },
  states: {
    listening: {},
    asking: {
      invoke: {
        id: 'question',
        src: 'ask',
        input: 'the meaning',
        onDone: { target: 'listening', actions: { type: 'reply', params: ({ event }) => ({ text: event.output }) } },
        onError: { target: 'listening', actions: { type: 'reply', params: { text: 'nobody knows' } } },
      },
    },
    waiting: {
      after: { patience: { target: 'listening', actions: { type: 'reply', params: { text: 'too late' } } } },
    },
    over: { type: 'final', entry: { type: 'reply', params: { text: 'goodbye' } } },
  },
});

const selections: Selections = {
  private: { machine: 'parrot', per: 'chat' },
  group: { machine: 'parrot', per: 'user' },
  channel: null,
};

let clock: ManualClock;
let folder: string;
let journal: Journal;

beforeEach(() => {
  clock = manualClock();
  folder = temporaryFolder();
  journal = openJournal(folder, clock);
});

const machines = (wanted = selections) => createMachineTable(wanted, new Map([['parrot', machine]]));
const start = (wanted = selections) =>
  createRouter({ journal, machines: machines(wanted), username: () => 'parrot_bot' });
const restart = () => {
  journal = openJournal(folder, clock);
  return start();
};
const entries = (): Promise<Entry[]> => journal.read({ from: 1, limit: 1000 });
const types = async () => (await entries()).map(({ type }) => type);
const replies = async () =>
  (await entries())
    .filter(({ type }) => type === 'message.accepted')
    .map(({ body }) => JSON.parse(body).message.params.text);

describe('updates', () => {
  test('an update, what it led to and the poll offset are one unit of work', async () => {
    const router = start();
    expect(await router.receiveUpdates([textUpdate(7, 'hello', 50)], 51)).toBe(1);
    expect(await types()).toEqual(['update.received', 'message.accepted', 'chat.moved']);
    expect(await journal.pollOffset()).toBe(51);
    expect(await journal.conversation('7')).toMatchObject({ status: 'active', state: '"listening"', lastSeq: 1 });
    expect(await journal.outboxDepth()).toBe(1);
  });

  test('I2: an update delivered again, in the same batch or after a restart, is applied once', async () => {
    const update = textUpdate(7, 'once', 50);
    expect(await start().receiveUpdates([update, update], 51)).toBe(1);
    expect(await restart().receiveUpdates([update, textUpdate(7, 'twice', 51)], 52)).toBe(1);
    expect(await replies()).toEqual(['once', 'once twice']);
  });

  test('I2: ids that start anew lower are new updates; an id of long ago may come again', async () => {
    const router = start();
    await router.receiveUpdates([textUpdate(7, 'high', 900_000)], 900_001);
    await router.receiveUpdates([textUpdate(7, 'low', 3)], 4);
    await clock.advance(49 * 3_600_000);
    await router.receiveUpdates([textUpdate(7, 'again', 900_000)], 900_001);
    expect(await replies()).toEqual(['high', 'high low', 'high low again']);
  });

  test('I3: a chat remembers what it heard, in order, across restarts', async () => {
    await start().receiveUpdates([textUpdate(7, 'a'), textUpdate(8, 'x'), textUpdate(7, 'b')], 1);
    await restart().receiveUpdates([textUpdate(7, 'c')], 2);
    expect(await replies()).toEqual(['a', 'x', 'a b', 'a b c']);
  });

  test('the bot being added or removed begins no conversation', async () => {
    const chat = { id: 7, type: 'private' };
    const change = { chat, from: { id: 7, first_name: 'Ann' }, new_chat_member: { status: 'kicked' } };
    await start().receiveUpdates([{ update_id: 5, my_chat_member: change }], 6);
    expect(await types()).toEqual(['update.received']);
  });

  test('whatever a user does opens a chat that had closed itself to the bot; blocking it does not', async () => {
    const closed = () => journal.write(async (tx) => [...(await tx.closedChats(['7'])).keys()]);
    const [chat, user] = [
      { id: 7, type: 'private' },
      { id: 7, first_name: 'Ann' },
    ];
    await journal.write(async (tx) => tx.closeChat('7', '{"code":403}', 1));
    const router = start();
    const blocks = { chat, from: user, new_chat_member: { status: 'kicked' } };
    await router.receiveUpdates([{ update_id: 5, my_chat_member: blocks }], 6);
    expect(await closed()).toEqual(['7']);
    const reaction = { chat, user, message_id: 1, date: 1, old_reaction: [], new_reaction: [] };
    await router.receiveUpdates([{ update_id: 6, message_reaction: reaction }], 7);
    expect(await closed()).toEqual([]);
  });

  test('an update of no chat, or of a kind nobody knows, is journalled untouched', async () => {
    const strange = { update_id: 5, hologram: { depth: 3, nested: [{ a: null }] } };
    await start().receiveUpdates([strange, { update_id: 6 }], 7);
    const [first, second] = await entries();
    expect(JSON.parse(first?.body ?? '')).toEqual({ update: strange });
    expect(first?.chat).toBeNull();
    expect(second?.type).toBe('update.received');
  });

  test('a chat id over 2^31 and one of 52 bits are kept whole', async () => {
    await start().receiveUpdates([textUpdate(4_503_599_627_370_495, 'big')], 1);
    const accepted = (await entries()).find(({ type }) => type === 'message.accepted');
    expect(JSON.parse(accepted?.body ?? '').message.chat_id).toBe(4_503_599_627_370_495);
  });

  test('a commit that fails leaves nothing in memory either', async () => {
    const router = start();
    await router.receiveUpdates([textUpdate(7, 'kept')], 1);
    const update = textUpdate(7, 'lost');
    await expect(router.receiveUpdates([update, { no: 'update' }], 2)).rejects.toThrow('update_id');
    await router.receiveUpdates([update], 2);
    expect(await replies()).toEqual(['kept', 'kept lost']);
  });
});

describe('groups', () => {
  test('per user: members do not share a conversation', async () => {
    const router = start();
    await router.receiveUpdates([groupUpdate(-100, 5, 'a'), groupUpdate(-100, 6, 'b'), groupUpdate(-100, 5, 'c')], 1);
    expect(await replies()).toEqual(['a', 'b', 'a c']);
    expect(await journal.conversation('-100:u5')).toMatchObject({ chat: '-100' });
  });

  test('per topic: replies go to the topic', async () => {
    const router = start({ ...selections, group: { machine: 'parrot', per: 'topic' } });
    await router.receiveUpdates([groupUpdate(-100, 5, 'a', 9), groupUpdate(-100, 6, 'b', 9)], 1);
    const accepted = (await entries()).filter(({ type }) => type === 'message.accepted');
    expect(accepted.map(({ body }) => JSON.parse(body).message.params)).toEqual([
      { chat_id: -100, message_thread_id: 9, text: 'a' },
      { chat_id: -100, message_thread_id: 9, text: 'a b' },
    ]);
  });

  test('a group that becomes a supergroup keeps its conversation', async () => {
    const router = start({ ...selections, group: { machine: 'parrot', per: 'chat' } });
    await router.receiveUpdates([groupUpdate(-5, 1, 'before')], 1);
    const base = groupUpdate(-5, 1, '');
    const moved = { ...base, message: { ...base.message, text: undefined, migrate_to_chat_id: -1005 } };
    await router.receiveUpdates([moved, groupUpdate(-1005, 1, 'after')], 2);
    expect(await replies()).toEqual(['before', 'before after']);
    expect(await journal.conversation('-5')).toBeNull();
  });

  test('an event for a group that has just become a supergroup reaches its conversation before the update of the move does', async () => {
    const router = start({ ...selections, group: { machine: 'parrot', per: 'chat' } });
    await router.receiveUpdates([groupUpdate(-5, 1, 'before')], 1);
    // Telegram's answer to a message has told it.
    await journal.write(async (tx) => tx.moveMessages('-5', '-1005'));
    const post = { keyId: 'shop', conversation: '-5', event: { type: 'order.shipped' } };
    await router.postEvent({ ...post, idempotencyKey: 'k1' });
    expect(await replies()).toEqual(['before', 'shipped']);
    await router.receiveUpdates([groupUpdate(-1005, 1, 'after')], 2);
    // Both are there for a moment: the new id is the one that lasts.
    await router.postEvent({ ...post, idempotencyKey: 'k2' });
    expect(JSON.parse((await journal.conversation('-1005'))?.snapshot ?? '').context.heard).toContain('order.shipped');
  });

  test('a command that names another bot is journalled, and nobody answers', async () => {
    await start().receiveUpdates([groupUpdate(-100, 5, '/go@OtherBot'), groupUpdate(-100, 5, '/go@Parrot_Bot')], 1);
    expect(await replies()).toEqual(['/go@Parrot_Bot']);
  });

  test('a kind of chat without a machine is journalled and nothing else', async () => {
    await start({ ...selections, group: null }).receiveUpdates([groupUpdate(-5, 1, 'hello')], 1);
    expect(await types()).toEqual(['update.received']);
  });
});

describe('a faulty machine', () => {
  test('I8: costs its chat alone: the update is journalled, the chat stands still, others go on', async () => {
    const router = start();
    await router.receiveUpdates([textUpdate(7, 'fine'), textUpdate(7, 'explode'), textUpdate(8, 'hi')], 1);
    await router.receiveUpdates([textUpdate(7, 'anyone?')], 2);
    expect(await replies()).toEqual(['fine', 'hi']);
    expect(await journal.conversation('7')).toMatchObject({ status: 'quarantined', error: 'the machine is broken' });
    const quarantined = (await entries()).find(({ type }) => type === 'chat.quarantined');
    expect(JSON.parse(quarantined?.body ?? '')).toMatchObject({
      error: 'the machine is broken',
      event: 'message.received',
    });
    expect((await types()).filter((type) => type === 'update.received')).toHaveLength(4);
  });

  test('a step that the database refuses undoes its whole unit of work: the machine is not at fault', async () => {
    const router = start();
    await router.receiveUpdates([textUpdate(7, 'kept'), textUpdate(8, 'hi')], 1);
    const db = openDatabase(folder);
    db.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON conversations BEGIN SELECT RAISE(ABORT, 'no room'); END`);
    const update = textUpdate(7, 'refused');
    await expect(router.receiveUpdates([update], 2)).rejects.toThrow('no room');
    expect(await journal.pollOffset()).toBe(1);
    expect(router.liveIds()).toEqual(['8']);
    db.exec('DROP TRIGGER refuse');
    db.close();
    await router.receiveUpdates([update], 2);
    expect(await replies()).toEqual(['kept', 'hi', 'kept refused']);
  });

  test('a step that asks for more than it may is a fault of its machine', async () => {
    const talk = setup({ actions: { reply: (_, _params: { text: string }) => {} } }).createMachine({
      id: 'talk',
      initial: 'a',
      on: { 'message.received': { actions: Array(101).fill({ type: 'reply', params: { text: 'again' } }) } },
      states: { a: {} },
    });
    const table = createMachineTable(
      { ...selections, private: { machine: 'talk', per: 'chat' } },
      new Map([['talk', talk]]),
    );
    await createRouter({ journal, machines: table, username: () => null }).receiveUpdates([textUpdate(7, 'go')], 1);
    expect(await journal.conversation('7')).toMatchObject({ status: 'quarantined' });
    expect(await journal.outboxDepth()).toBe(0);
  });

  const oneStep = (id: string, on: object) =>
    createMachine({ id, initial: 'a', states: { a: { on: { 'message.received': 'b' } }, b: on } });

  test.each([
    ['a delay that no clock has', oneStep('m', { after: { endless: 'a' } }), 'cannot be kept'],
    ['a delay without an end', oneStep('m', { after: { never: 'a' } }), 'A delay of Infinity ms cannot be kept'],
    ['a delay that is no number', oneStep('m', { after: { wrong: 'a' } }), 'A delay of NaN ms cannot be kept'],
    [
      'an input that is no JSON',
      oneStep('m', { invoke: { src: 'ask', input: () => () => {} } }),
      'input is a function',
    ],
    [
      'a message of megabytes',
      oneStep('m', { entry: { type: 'reply', params: () => ({ text: 'x'.repeat(3e6) }) } }),
      'params of reply',
    ],
    ['an input of megabytes', oneStep('m', { invoke: { src: 'ask', input: () => 'x'.repeat(3e6) } }), 'over 262144'],
    ['news of megabytes', oneStep('m', { entry: emit(() => ({ type: 'x.y', text: 'x'.repeat(3e6) })) }), 'over 262144'],
  ])('%s costs its chat alone, and is told', async (_, faulty, error) => {
    const provided = faulty.provide({
      actors: { ask: fromPromise(async () => 1) },
      delays: { endless: () => 1e300, never: () => Number.POSITIVE_INFINITY, wrong: () => Number.NaN },
    });
    const table = createMachineTable(
      { ...selections, private: { machine: 'm', per: 'chat' } },
      new Map([['m', provided]]),
    );
    const router = createRouter({ journal, machines: table, username: () => null });
    expect(await router.receiveUpdates([textUpdate(7, 'go'), textUpdate(8, 'go')], 1)).toBe(2);
    expect(await journal.conversation('7')).toMatchObject({
      status: 'quarantined',
      error: expect.stringContaining(error),
    });
  });

  const shared: string[] = [];
  test.each([
    ['the context that all begin with', { list: [] }, {}],
    ['a context that is frozen at its top alone', Object.freeze({ list: [] }), {}],
    ['what an input computes', () => ({ list: shared }), {}],
    ['what an entry assigns', {}, { entry: assign({ list: [] as string[] }) }],
  ])('I8: %s is no place to write one chat’s words for another to read', async (_, context, on) => {
    const push = assign(({ context: { list }, event }) => {
      list.push(event.text);
      return { list };
    });
    const said = { type: 'reply', params: ({ context: { list } }: never) => ({ text: list }) };
    const leaky = createMachine({
      ...{ id: 'leaky', context, initial: 'a' },
      states: { a: { ...on, on: { 'message.received': { actions: [push, said] } } } },
    } as never);
    const table = createMachineTable(
      { ...selections, private: { machine: 'leaky', per: 'chat' } },
      new Map([['leaky', leaky]]),
    );
    const router = createRouter({ journal, machines: table, username: () => null });
    await router.receiveUpdates([textUpdate(7, 'a secret of 7'), textUpdate(8, 'hello')], 1);
    expect(
      (await entries()).filter(({ body }) => body.includes('secret')).map(({ chat, type }) => [chat, type]),
    ).toEqual([['7', 'update.received']]);
    expect(await journal.conversation('7')).toMatchObject({
      status: 'quarantined',
      error: expect.stringContaining('not extensible'),
    });
  });

  test('an error that its machine has no onError for is told in words', async () => {
    const rash = createMachine({ id: 'rash', initial: 'a', states: { a: { invoke: { id: 'q', src: 'ask' } } } });
    const provided = rash.provide({ actors: { ask: fromPromise(async () => 1) } });
    const table = createMachineTable(
      { ...selections, private: { machine: 'rash', per: 'chat' } },
      new Map([['rash', provided]]),
    );
    const router = createRouter({ journal, machines: table, username: () => null });
    await router.receiveUpdates([textUpdate(7, 'go')], 1);
    await router.answerRequest(await oldestRequest(journal), { error: { code: 'refused', message: 'not today' } });
    expect(await journal.conversation('7')).toMatchObject({
      status: 'quarantined',
      error: 'state a has no onError for what failed: refused: not today',
    });
  });

  test('I8: an update with a time that no calendar has, or nested too deep to write, holds nobody up', async () => {
    const odd = textUpdate(7, 'odd');
    const late = { ...odd, message: { ...odd.message, date: 9e15 } };
    let deep: unknown = 1;
    for (let n = 0; n < 100_000; n += 1) deep = [deep];
    await start().receiveUpdates([late, { update_id: 5, deep }, textUpdate(8, 'fine')], 1);
    expect(await replies()).toEqual(['odd', 'fine']);
    expect((await types()).filter((type) => type === 'update.received')).toHaveLength(3);
  });

  test('an always loop without an end is a fault, not a hang', async () => {
    const loop = setup({}).createMachine({
      id: 'loop',
      initial: 'a',
      states: { a: { on: { 'message.received': 'b' } }, b: { always: 'c' }, c: { always: 'b' } },
    });
    const table = createMachineTable(
      { ...selections, private: { machine: 'loop', per: 'chat' } },
      new Map([['loop', loop]]),
    );
    await createRouter({ journal, machines: table, username: () => null }).receiveUpdates([textUpdate(7, 'go')], 1);
    expect(await journal.conversation('7')).toMatchObject({ status: 'quarantined' });
  });
});

describe('I8: a machine that goes round by itself', () => {
  const spinning = setup({
    types: { events: {} as Said },
    actors: { ask: fromPromise<string>(async () => 'never run') },
    guards: { says: ({ event }, text: string) => event.type === 'message.received' && event.text === text },
  }).createMachine({
    id: 'spinning',
    initial: 'still',
    on: {
      'message.received': [
        { guard: { type: 'says', params: 'spin' }, target: '.spin' },
        { guard: { type: 'says', params: 'ask' }, target: '.asking' },
        { guard: { type: 'says', params: 'tick' }, target: '.ticking' },
      ],
    },
    states: {
      still: {},
      spin: { after: { 0: { target: 'spin', reenter: true } } },
      asking: { invoke: { src: 'ask', onError: { target: 'asking', reenter: true } } },
      ticking: { after: { 100: { target: 'ticking', reenter: true } } },
    },
  });
  const table = () =>
    createMachineTable(
      { ...selections, private: { machine: 'spinning', per: 'chat' } },
      new Map([['spinning', spinning]]),
    );
  const router = () => createRouter({ journal, machines: table(), username: () => null });
  const told = { status: 'quarantined', error: expect.stringContaining('It goes round: over 20') };

  beforeEach(() => {
    const real = { ...limits };
    Object.assign(limits, { aloneStepsMax: 20, aloneMs: 1000 });
    onTestFinished(() => void Object.assign(limits, real));
  });

  test('with timers that are due at once costs its chat alone, however often it is retried', async () => {
    const spins = router();
    await spins.receiveUpdates([textUpdate(7, 'spin')], 1);
    while ((await spins.fireTimers()) > 0);
    expect(await journal.conversation('7')).toMatchObject(told);
    expect(journal.bounds().head).toBe(1 + 1 + limits.aloneStepsMax + 1 + 1);
    await spins.receiveUpdates([textUpdate(8, 'hello')], 2);
    expect(await journal.conversation('8')).toMatchObject({ status: 'active' });
    await spins.retry('7');
    while ((await spins.fireTimers()) > 0);
    expect(await journal.conversation('7')).toMatchObject(told);
  });

  test('with answers that come at once, as well', async () => {
    const spins = router();
    await spins.receiveUpdates([textUpdate(7, 'ask')], 1);
    const error = { code: 'refused', message: 'no' };
    for (let [open] = await journal.openRequests(1); open !== undefined; [open] = await journal.openRequests(1)) {
      await spins.answerRequest(open, { error });
    }
    expect(await journal.conversation('7')).toMatchObject(told);
  });

  test('is let be where it takes its time, or where somebody writes meanwhile', async () => {
    const ticks = router();
    await ticks.receiveUpdates([textUpdate(7, 'tick')], 1);
    for (let n = 0; n < 2 * limits.aloneStepsMax; n += 1) {
      await clock.advance(100);
      await ticks.fireTimers();
    }
    await ticks.receiveUpdates([textUpdate(7, 'spin')], 2);
    for (let n = 0; n < 2 * limits.aloneStepsMax; n += 1) {
      if (n % 18 === 0) await ticks.receiveUpdates([textUpdate(7, 'hello')], 3 + n);
      await ticks.fireTimers();
    }
    expect(await journal.conversation('7')).toMatchObject({ status: 'active', state: '"spin"' });
  });
});

describe('time and requests', () => {
  const timersOf = (router: ReturnType<typeof start>) =>
    createTimerService({
      clock,
      nextTimerAt: () => journal.nextTimerAt(),
      fire: router.fireTimers,
      onError: (error) => {
        throw error;
      },
    });

  test('an after fires at its original time, although the process was down meanwhile', async () => {
    await start().receiveUpdates([textUpdate(7, 'wait')], 1);
    await clock.advance(50_000);
    const router = restart();
    const timers = timersOf(router);
    await timers.start();
    await clock.advance(9_000);
    expect(await replies()).toEqual([]);
    await clock.advance(1_000);
    expect(await replies()).toEqual(['too late']);
    expect(await types()).toContain('timer.fired');
    timers.stop();
  });

  test('leaving the state takes the timer back', async () => {
    const router = start();
    await router.receiveUpdates([textUpdate(7, 'wait'), textUpdate(7, 'ask')], 1);
    expect(await journal.nextTimerAt()).toBeNull();
  });

  test('a request is a row until it is answered, once; leaving the state withdraws it', async () => {
    const router = start();
    await router.receiveUpdates([textUpdate(7, 'ask')], 1);
    const request = await oldestRequest(journal);
    expect(request).toMatchObject({ conversation: '7', src: 'ask', input: '"the meaning"' });
    expect(await restart().answerRequest(request, { output: '42' })).toBe(true);
    expect(await start().answerRequest(request, { output: '43' })).toBe(false);
    expect(await replies()).toEqual(['42']);
    await start().receiveUpdates([textUpdate(7, 'ask'), textUpdate(7, 'wait')], 2);
    expect(await journal.openRequests(10)).toEqual([]);
  });

  test('a request of a journal that was made anew is none that the backend has answered already', async () => {
    await start().receiveUpdates([textUpdate(7, 'ask')], 1);
    const { id } = await oldestRequest(journal);
    const anew = openJournal(temporaryFolder(), clock, '1', 'another');
    const router = createRouter({ journal: anew, machines: machines(), username: () => null });
    await router.receiveUpdates([textUpdate(9, 'ask')], 1);
    expect([id, (await oldestRequest(anew)).id]).toEqual(['1-stream-1-0', '1-another-1-0']);
  });

  test('a failed request is the error of its invoke', async () => {
    const router = start();
    await router.receiveUpdates([textUpdate(7, 'ask')], 1);
    const request = await oldestRequest(journal);
    await router.answerRequest(request, { error: { code: 'unreachable', message: 'no route' } });
    expect(await replies()).toEqual(['nobody knows']);
  });

  test('a conversation that has ended starts anew with the next message', async () => {
    const router = start();
    await router.receiveUpdates([textUpdate(7, 'a'), textUpdate(7, 'bye'), textUpdate(7, 'b')], 1);
    expect(await replies()).toEqual(['a', 'goodbye', 'b']);
  });

  test('what a machine emits is an entry', async () => {
    await start().receiveUpdates([textUpdate(7, 'announce')], 1);
    const emitted = (await entries()).find(({ type }) => type === 'chat.emitted');
    expect(JSON.parse(emitted?.body ?? '')).toEqual({ event: { type: 'heard' } });
  });
});

describe('events from outside', () => {
  const post = { keyId: '9', idempotencyKey: 'k', conversation: '7', event: { type: 'order.shipped', n: 1 } };

  test('an event is journalled and taken; the same again is answered and not taken', async () => {
    const router = start();
    const first = await router.postEvent(post);
    expect(first).toEqual({ seq: 1, replayed: false });
    expect(await restart().postEvent(post)).toEqual({ seq: 1, replayed: true });
    expect(await replies()).toEqual(['shipped']);
  });

  test('who knows a group by its old id still reaches its conversation', async () => {
    const router = start({ ...selections, group: { machine: 'parrot', per: 'user' } });
    await router.receiveUpdates([groupUpdate(-5, 1, 'before')], 1);
    const base = groupUpdate(-5, 1, '');
    const moved = { ...base, message: { ...base.message, text: undefined, migrate_to_chat_id: -1005 } };
    await router.receiveUpdates([moved], 2);
    await router.postEvent({ ...post, conversation: '-5:u1' });
    expect(await journal.conversation('-5:u1')).toBeNull();
    await router.receiveUpdates([groupUpdate(-1005, 1, 'after')], 3);
    expect(await replies()).toEqual(['before', 'shipped', 'before order.shipped after']);
  });

  test.each(['-5', '-5:u1', '777:u1', '-5:t3'])('no conversation is begun that no user could be in: %s', async (id) => {
    await expect(start().postEvent({ ...post, conversation: id })).rejects.toMatchObject({ code: 'not_found' });
    expect(await entries()).toEqual([]);
  });

  test('one that is refused drops nobody from memory', async () => {
    const router = start();
    await router.receiveUpdates([textUpdate(7, 'a'), textUpdate(8, 'b')], 1);
    for (const conversation of ['-5', 'x']) await expect(router.postEvent({ ...post, conversation })).rejects.toThrow();
    expect(router.liveIds()).toEqual(['7', '8']);
  });

  test('a chat id that no number holds is refused', async () => {
    const conversation = '9999999999999999';
    await expect(start().postEvent({ ...post, conversation })).rejects.toMatchObject({ code: 'request_invalid' });
  });

  test('the same idempotency key with another event is refused', async () => {
    const router = start();
    await router.postEvent(post);
    await expect(router.postEvent({ ...post, event: { type: 'order.lost' } })).rejects.toMatchObject({
      code: 'idempotency_key_reused',
    });
  });

  test.each(['message.received', 'xstate.done.actor.question', 'shipped', 'xstate.stop'])(
    'nobody can pretend to be the user, a timer or the backend: %s',
    async (type) => {
      await expect(start().postEvent({ ...post, event: { type } })).rejects.toMatchObject({ code: 'request_invalid' });
      expect(await entries()).toEqual([]);
    },
  );
});
