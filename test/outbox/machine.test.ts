import { expect, test } from 'vitest';
import { createActor, fromPromise } from 'xstate';
import { type Claimed, machine } from '../../machines/outbox.machine.ts';
import { manualClock, settle } from '../support/clock.ts';

/** The machine with a claim that comes to what the test says, when it says so. */
function begin() {
  const clock = manualClock();
  const claims: PromiseWithResolvers<Claimed>[] = [];
  const actor = createActor(
    machine.provide({
      actors: {
        claim: fromPromise(() => {
          const claim = Promise.withResolvers<Claimed>();
          claims.push(claim);
          return claim.promise;
        }),
      },
      delays: { backoff: 1000 },
    }),
    { clock: { setTimeout: (fn, ms) => clock.setTimeout(fn, ms), clearTimeout: (t) => clock.clearTimeout(t) } },
  ).start();
  const found = async (count: number, inFlight: number, waitMs: number | null = null) => {
    claims.at(-1)?.resolve({ count, inFlight, waitMs });
    await settle();
  };
  const fails = async () => {
    claims.at(-1)?.reject(new Error('the disk is full'));
    await settle();
  };
  return { actor, clock, claims, found, fails, state: () => actor.getSnapshot().value };
}

type Begun = ReturnType<typeof begin>;

/** The way to each state. */
const WAYS: Readonly<Record<string, (outbox: Begun) => Promise<unknown>>> = {
  gathering: async () => {},
  waiting: ({ found }) => found(0, 0),
  backingOff: ({ fails }) => fails(),
  async draining({ actor, found }) {
    await found(1, 1);
    await found(0, 1);
    actor.send({ type: 'drain' });
  },
  async drained({ actor, found }) {
    await found(0, 0);
    actor.send({ type: 'drain' });
  },
};

test('there is a way to every state', async () => {
  expect(Object.keys(WAYS).sort()).toEqual(Object.keys(machine.states).sort());
  for (const [state, go] of Object.entries(WAYS)) {
    const outbox = begin();
    await go(outbox);
    expect(outbox.state()).toBe(state);
    outbox.actor.stop();
  }
});

test('where it found some, it looks again at once; where nothing is known to come, it rests', async () => {
  const { found, claims, state, clock } = begin();
  await found(3, 3);
  expect([claims.length, state()]).toEqual([2, 'gathering']);
  await found(0, 3);
  await clock.advance(86_400_000);
  expect([claims.length, state()]).toEqual([2, 'waiting']);
});

test.each([{ type: 'messages.queued' as const }, { type: 'message.settled' as const, inFlight: 0 }])(
  '$type while it looks is not missed: it looks again',
  async (event) => {
    const { actor, found, claims, state } = begin();
    actor.send(event);
    await found(0, 0);
    expect([claims.length, state()]).toEqual([2, 'gathering']);
    await found(0, 0);
    expect([claims.length, state()]).toEqual([2, 'waiting']);
    actor.send(event);
    expect([claims.length, state()]).toEqual([3, 'gathering']);
  },
);

test('it looks again when the time is up that the last look has named', async () => {
  const { found, clock, claims } = begin();
  await found(0, 0, 500);
  await clock.advance(499);
  expect(claims).toHaveLength(1);
  await clock.advance(1);
  expect(claims).toHaveLength(2);
});

test('a claim that fails is tried again after a while, however many messages come meanwhile', async () => {
  const { actor, fails, clock, claims, state } = begin();
  await fails();
  actor.send({ type: 'messages.queued' });
  actor.send({ type: 'message.settled', inFlight: 0 });
  expect([claims.length, state()]).toEqual([1, 'backingOff']);
  await clock.advance(1000);
  expect([claims.length, state()]).toEqual([2, 'gathering']);
});

test('drained while it looks, it waits for what that look has set going', async () => {
  const { actor, found, claims, state } = begin();
  actor.send({ type: 'drain' });
  expect(state()).toBe('gathering');
  await found(2, 2);
  expect([claims.length, state()]).toEqual([1, 'draining']);
  actor.send({ type: 'message.settled', inFlight: 1 });
  expect(state()).toBe('draining');
  actor.send({ type: 'message.settled', inFlight: 0 });
  expect(state()).toBe('drained');
});

test('drained while it looks, and the look fails: calls under way are waited for', async () => {
  const { actor, found, fails, state } = begin();
  await found(1, 1);
  actor.send({ type: 'drain' });
  await fails();
  expect(state()).toBe('draining');
  actor.send({ type: 'message.settled', inFlight: 0 });
  expect(state()).toBe('drained');
});

test('started anew while calls are under way, it waits for them when drained', async () => {
  const { actor, found, state } = begin();
  await found(0, 1);
  actor.send({ type: 'drain' });
  expect(state()).toBe('draining');
});

test.each(['waiting', 'backingOff'])('drained while %s with nothing under way, it ends at once', async (from) => {
  const outbox = begin();
  await WAYS[from]?.(outbox);
  outbox.actor.send({ type: 'drain' });
  expect(outbox.state()).toBe('drained');
  await outbox.clock.advance(60_000);
  expect(outbox.claims).toHaveLength(1);
});

test('messages that come while it drains are left for the next process', async () => {
  const outbox = begin();
  await WAYS.draining?.(outbox);
  const looks = outbox.claims.length;
  outbox.actor.send({ type: 'messages.queued' });
  outbox.actor.send({ type: 'drain' });
  expect([outbox.claims.length, outbox.state()]).toEqual([looks, 'draining']);
});
