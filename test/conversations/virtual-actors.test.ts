import { expect, test } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { limits } from '../../src/limits.ts';
import { loadSize } from '../support/environment.ts';
import { oldestRequest } from '../support/journal.ts';
import { textUpdate } from '../support/updates.ts';
import { running } from './running.ts';

/** Counts what it hears, and says how many; a text `ask` is asked of the backend. */
const machine = setup({
  types: {
    context: {} as { heard: number },
    events: {} as { type: 'message.received'; text: string },
  },
  actors: { ask: fromPromise<string>(() => Promise.reject(new Error('asked'))) },
  actions: {
    reply: (_, _params: { text: string }) => {},
    count: assign({ heard: ({ context }) => context.heard + 1 }),
  },
  guards: { says: ({ event }, text: string) => event.type === 'message.received' && event.text === text },
}).createMachine({
  id: 'counter',
  context: { heard: 0 },
  initial: 'listening',
  on: {
    'message.received': [
      { guard: { type: 'says', params: 'ask' }, target: '.asking' },
      {
        guard: { type: 'says', params: 'how many?' },
        actions: { type: 'reply', params: ({ context }) => ({ text: `${context.heard}` }) },
      },
      { actions: 'count' },
    ],
  },
  states: {
    listening: {},
    asking: {
      invoke: {
        src: 'ask',
        onDone: { target: 'listening', actions: { type: 'reply', params: ({ event }) => ({ text: event.output }) } },
      },
    },
  },
});

const BURST = loadSize(30_000, 100_000);

test(`I9: a burst over ${BURST} chats stays within the bound after every unit, and each chat has its own state after it`, async () => {
  const { router, journal, say } = await running(machine);
  const batch = 1000;
  let most = 0;
  for (let from = 1; from <= BURST; from += batch) {
    await router.receiveUpdates(
      Array.from({ length: batch }, (_, n) => textUpdate(from + n, 'x', 1_000_000 + from + n)),
      from,
    );
    most = Math.max(most, router.counts().live);
  }
  expect(most).toBe(limits.liveConversationsMax);
  expect(router.counts()).toMatchObject({ activations: BURST, steps: BURST });
  expect(router.liveIds().slice(-2)).toEqual([String(BURST - 1), String(BURST)]);
  await say(1, 'x', 'how many?');
  await say(BURST, 'how many?');
  const told = await journal.read({ from: 1, limit: 10, types: ['message.accepted'] });
  expect(told.map(({ body }) => JSON.parse(body).message.params.text)).toEqual(['2', '1']);
});

test('an idle conversation is let go after a while, one in use is not, and nobody notices', async () => {
  const { clock, router, say, replies } = await running(machine);
  await say(1, 'x');
  await say(2, 'x');
  await clock.advance(limits.conversationIdleMs - 1000);
  await say(2, 'x');
  await clock.advance(1000 + limits.conversationIdleLookMs);
  expect(router.liveIds()).toEqual(['2']);
  await say(1, 'x', 'how many?');
  await say(2, 'x', 'how many?');
  expect(await replies()).toEqual(['1 2', '2 3']);
});

test('what waits for a conversation that was let go still reaches it', async () => {
  const { clock, router, journal, say, replies } = await running(machine);
  await say(1, 'ask');
  router.passivate(clock.now());
  expect(router.liveIds()).toEqual([]);
  await router.answerRequest(await oldestRequest(journal), { output: 'answered' });
  expect(await replies()).toEqual(['1 answered']);
});

test('one step of a unit of work that is larger than the bound sees what an earlier one did', async () => {
  const { router, journal } = await running(machine);
  const others = limits.liveConversationsMax + 10;
  await router.receiveUpdates(
    [
      textUpdate(1, 'x', 1),
      ...Array.from({ length: others }, (_, n) => textUpdate(n + 2, 'x', n + 2)),
      textUpdate(1, 'how many?', others + 2),
    ],
    others + 3,
  );
  expect(router.counts().live).toBe(limits.liveConversationsMax);
  const told = await journal.read({ from: 1, limit: 10, types: ['message.accepted'] });
  expect(told.map(({ body }) => JSON.parse(body).message.params.text)).toEqual(['1']);
});
