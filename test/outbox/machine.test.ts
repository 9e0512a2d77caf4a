import { expect, test } from 'vitest';
import { createActor, fromPromise } from 'xstate';
import { machine, type Round } from '../../machines/outbox.machine.ts';
import { manualClock, settle } from '../support/clock.ts';

/** The machine with rounds that come to what the test says, when it says so. */
function begin() {
  const clock = manualClock();
  const rounds: (PromiseWithResolvers<Round> & { readonly ending: boolean })[] = [];
  const actor = createActor(
    machine.provide({
      actors: {
        round: fromPromise<Round, { ending: boolean }>(({ input }) => {
          const round = { ...Promise.withResolvers<Round>(), ...input };
          rounds.push(round);
          return round.promise;
        }),
      },
      delays: { backoff: 1000, collect: 5 },
    }),
    { clock: { setTimeout: (fn, ms) => clock.setTimeout(fn, ms), clearTimeout: (t) => clock.clearTimeout(t) } },
  ).start();
  const ends = async (inFlight: number, more: Partial<Round> = {}) => {
    rounds.at(-1)?.resolve({ inFlight, more: false, ended: 'none', waitMs: null, ...more });
    await settle();
  };
  const fails = async () => {
    rounds.at(-1)?.reject(new Error('the disk is full'));
    await settle();
  };
  return { actor, clock, rounds, ends, fails, state: () => actor.getSnapshot().value };
}

type Begun = ReturnType<typeof begin>;

/** The way to each state. */
const WAYS: Readonly<Record<string, (outbox: Begun) => Promise<unknown>>> = {
  gathering: async () => {},
  sending: ({ ends }) => ends(1),
  collecting: ({ ends }) => ends(1, { ended: 'some' }),
  waiting: ({ ends }) => ends(0),
  backingOff: ({ fails }) => fails(),
  'draining.storing': async ({ actor, ends }) => {
    await ends(1);
    actor.send({ type: 'drain' });
  },
  'draining.listening': async ({ actor, ends }) => {
    await ends(1);
    actor.send({ type: 'drain' });
    await ends(1);
  },
  'draining.refused': async ({ actor, ends, fails }) => {
    await ends(1);
    actor.send({ type: 'drain' });
    await fails();
  },
  drained: async ({ actor, ends }) => {
    await ends(0);
    actor.send({ type: 'drain' });
    await ends(0);
  },
};

const nameOf = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : Object.entries(value ?? {})
        .flat()
        .join('.');

test('there is a way to every state', async () => {
  const states = Object.entries(machine.states).flatMap(([name, { states: inner }]) =>
    Object.keys(inner).length === 0 ? [name] : Object.keys(inner).map((own) => `${name}.${own}`),
  );
  expect(Object.keys(WAYS).sort()).toEqual(states.sort());
  for (const [state, go] of Object.entries(WAYS)) {
    const outbox = begin();
    await go(outbox);
    expect(nameOf(outbox.state())).toBe(state);
    outbox.actor.stop();
  }
});

test('where there is more to do it looks again at once; else it rests until somebody speaks', async () => {
  const { ends, rounds, state, clock } = begin();
  await ends(3, { more: true });
  expect([rounds.length, state()]).toEqual([2, 'gathering']);
  await ends(3);
  await clock.advance(86_400_000);
  expect([rounds.length, state()]).toEqual([2, 'sending']);
});

test('messages that come while it looks, or while calls are under way, are looked at once', async () => {
  const { actor, ends, rounds, state } = begin();
  actor.send({ type: 'messages.queued' });
  await ends(1);
  expect([rounds.length, state()]).toEqual([2, 'gathering']);
  await ends(1);
  expect([rounds.length, state()]).toEqual([2, 'sending']);
  actor.send({ type: 'messages.queued' });
  expect([rounds.length, state()]).toEqual([3, 'gathering']);
});

test('a call that ends waits a moment for others to share its round; a message that comes does not', async () => {
  const { actor, ends, clock, rounds, state } = begin();
  await ends(3);
  actor.send({ type: 'calls.ended', enough: false });
  await clock.advance(4);
  expect([rounds.length, state()]).toEqual([1, 'collecting']);
  await clock.advance(1);
  expect([rounds.length, state()]).toEqual([2, 'gathering']);
  // While it looks, whether or not the look has seen it.
  actor.send({ type: 'calls.ended', enough: false });
  await ends(2);
  expect(state()).toBe('collecting');
  await clock.advance(5);
  await ends(2, { ended: 'some' });
  expect(state()).toBe('collecting');
  actor.send({ type: 'messages.queued' });
  expect([rounds.length, state()]).toEqual([4, 'gathering']);
});

test('once enough calls have ended their fates wait for no others', async () => {
  const { actor, ends, rounds, state } = begin();
  await ends(3);
  actor.send({ type: 'calls.ended', enough: true });
  expect([rounds.length, state()]).toEqual([2, 'gathering']);
  await ends(3);
  actor.send({ type: 'calls.ended', enough: false });
  expect([rounds.length, state()]).toEqual([2, 'collecting']);
  actor.send({ type: 'calls.ended', enough: true });
  expect([rounds.length, state()]).toEqual([3, 'gathering']);
  // While it looked.
  await ends(3, { ended: 'enough' });
  expect([rounds.length, state()]).toEqual([4, 'gathering']);
});

test.each([0, 1])(
  'it looks again when the time is up that the last look has named, with %s calls under way',
  async (n) => {
    const { ends, clock, rounds } = begin();
    await ends(n, { waitMs: 500 });
    await clock.advance(499);
    expect(rounds).toHaveLength(1);
    await clock.advance(1);
    expect(rounds).toHaveLength(2);
  },
);

test('a round that fails is tried again after a while, whatever comes meanwhile', async () => {
  const { actor, fails, clock, rounds, state } = begin();
  await fails();
  actor.send({ type: 'messages.queued' });
  actor.send({ type: 'calls.ended', enough: false });
  expect([rounds.length, state()]).toEqual([1, 'backingOff']);
  await clock.advance(1000);
  expect([rounds.length, state()]).toEqual([2, 'gathering']);
});

test('drained while it looks, it waits for what that look has set going, and stores its fate', async () => {
  const { actor, ends, rounds, state } = begin();
  actor.send({ type: 'drain' });
  expect(state()).toBe('gathering');
  await ends(2);
  await ends(2);
  expect([rounds.map(({ ending }) => ending), state()]).toEqual([[false, true], { draining: 'listening' }]);
  actor.send({ type: 'calls.ended', enough: false });
  await ends(1, { ended: 'some' });
  expect(state()).toEqual({ draining: 'storing' });
  await ends(0);
  expect([rounds.map(({ ending }) => ending), state()]).toEqual([[false, true, true, true], 'drained']);
});

test('drained while it looks, and the look fails: calls under way are waited for', async () => {
  const { actor, ends, fails, state, clock } = begin();
  actor.send({ type: 'drain' });
  await fails();
  await fails();
  expect(state()).toEqual({ draining: 'refused' });
  await clock.advance(1000);
  await ends(1);
  expect(state()).toEqual({ draining: 'listening' });
  actor.send({ type: 'calls.ended', enough: false });
  await ends(0);
  expect(state()).toBe('drained');
});

test.each(['sending', 'collecting', 'waiting', 'backingOff'])(
  'drained while %s it stores what has come in, and ends',
  async (from) => {
    const outbox = begin();
    await WAYS[from]?.(outbox);
    outbox.actor.send({ type: 'drain' });
    await outbox.ends(0);
    expect(outbox.state()).toBe('drained');
    await outbox.clock.advance(60_000);
    expect(outbox.rounds.map(({ ending }) => ending)).toEqual([false, true]);
  },
);

test('messages that come while it drains are left for the next process', async () => {
  const outbox = begin();
  await WAYS['draining.listening']?.(outbox);
  const looks = outbox.rounds.length;
  outbox.actor.send({ type: 'messages.queued' });
  outbox.actor.send({ type: 'drain' });
  expect([outbox.rounds.length, outbox.state()]).toEqual([looks, { draining: 'listening' }]);
});
