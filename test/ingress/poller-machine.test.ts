import { expect, test } from 'vitest';
import { createActor, fromPromise, waitFor } from 'xstate';
import { type Batch, machine, type PollFailure, type PollInput } from '../../machines/poller.machine.ts';
import { manualClock } from '../support/clock.ts';

/** The machine with hands that do what the test says, when it says so. */
function begin() {
  const clock = manualClock();
  const told: string[] = [];
  let call = Promise.withResolvers<unknown>();
  const inputs: PollInput[] = [];
  const hand = async () => {
    call = Promise.withResolvers();
    return call.promise;
  };
  const actor = createActor(
    machine.provide({
      actors: {
        connect: fromPromise<{ offset: number | null }>(async () => ({ offset: Number(await hand()) })),
        poll: fromPromise<Batch, PollInput>(async ({ input }) => {
          inputs.push(input);
          const offset = Number(await hand());
          return { updates: offset === 0 ? [] : [{ update_id: offset - 1 }], offset };
        }),
        commit: fromPromise<void, Batch>(async () => void (await hand())),
      },
      actions: {
        tellUp: () => void told.push('up'),
        tellDown: (_, { failure }) => void told.push(`down: ${failure?.kind}`),
      },
      delays: { backoff: 1000, conflict: 10_000 },
    }),
    { clock: { setTimeout: (fn, ms) => clock.setTimeout(fn, ms), clearTimeout: (t) => clock.clearTimeout(t) } },
  ).start();
  const reach = (state: string) => waitFor(actor, (snapshot) => snapshot.matches(state as 'polling'));
  const fail = (kind: PollFailure['kind']) =>
    call.reject(Object.assign(new Error(kind), { failure: { kind, message: kind } }));
  /** The call under way succeeds with this number; the machine goes on to that state. */
  const answer = async (value: number, state: string) => {
    call.resolve(value);
    await reach(state);
  };
  return { actor, clock, told, inputs, reach, fail, answer };
}

type Begun = ReturnType<typeof begin>;

/** The way to each state. */
const WAYS: Readonly<Record<string, (poller: Begun) => Promise<unknown>>> = {
  connecting: async () => {},
  polling: ({ answer }) => answer(5, 'polling'),
  async committing(poller) {
    await poller.answer(5, 'polling');
    await poller.answer(8, 'committing');
  },
  async backingOff({ fail, reach }) {
    fail('retry');
    await reach('backingOff');
  },
  async conflicted({ fail, reach }) {
    fail('conflict');
    await reach('conflicted');
  },
  async doubted(poller) {
    await poller.answer(5, 'polling');
    poller.fail('refused');
    await poller.reach('doubted');
  },
  async refused({ fail, reach }) {
    fail('refused');
    await reach('refused');
  },
  async stopped({ actor }) {
    actor.send({ type: 'drain' });
  },
};

test('there is a way to every state', async () => {
  expect(Object.keys(WAYS).sort()).toEqual(Object.keys(machine.states).sort());
  for (const [state, go] of Object.entries(WAYS)) {
    const poller = begin();
    await go(poller);
    expect(poller.actor.getSnapshot().matches(state as 'polling')).toBe(true);
    poller.actor.stop();
  }
});

test.each(['connecting', 'polling', 'committing', 'backingOff', 'conflicted', 'doubted'])(
  'drained while %s, it stops at once and for good, with no failure to tell',
  async (state) => {
    const poller = begin();
    await WAYS[state]?.(poller);
    poller.actor.send({ type: 'drain' });
    expect(poller.actor.getSnapshot()).toMatchObject({ value: 'stopped', status: 'done', output: { failure: null } });
    poller.fail('retry');
    await poller.clock.advance(60_000);
    expect(poller.actor.getSnapshot().value).toBe('stopped');
    expect(poller.inputs.length).toBeLessThanOrEqual(1);
  },
);

test('the offset moves only when the commit is done', async () => {
  const poller = begin();
  await WAYS.committing?.(poller);
  expect(poller.actor.getSnapshot().context).toMatchObject({ offset: 5, proven: false });
  await poller.answer(0, 'polling');
  expect(poller.actor.getSnapshot().context).toMatchObject({ offset: 8, proven: true });
  expect(poller.inputs).toEqual([
    { offset: 5, probe: true },
    { offset: 8, probe: false },
  ]);
});

test('a commit that fails leaves the offset where it was, and the same is asked for again', async () => {
  const poller = begin();
  await WAYS.committing?.(poller);
  poller.fail('retry');
  await poller.reach('backingOff');
  await poller.clock.advance(1000);
  expect(poller.inputs.at(-1)).toEqual({ offset: 5, probe: true });
});

test('it says that it is up only when a poll was answered, and down at each failure', async () => {
  const poller = begin();
  await poller.answer(5, 'polling');
  expect(poller.told).toEqual([]);
  await poller.answer(8, 'committing');
  await poller.answer(0, 'polling');
  poller.fail('conflict');
  await poller.reach('conflicted');
  await poller.clock.advance(10_000);
  await poller.answer(8, 'polling');
  expect(poller.told).toEqual(['up', 'down: conflict']);
  expect(poller.inputs.at(-1)?.probe).toBe(false);
});
