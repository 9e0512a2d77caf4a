import { expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import type { Stepped, StepWatch } from '../../src/conversations/conversations.ts';
import { createMachineTable } from '../../src/conversations/machines.ts';
import { createRouter } from '../../src/conversations/router.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { textUpdate } from '../support/updates.ts';

const fault = { mended: false };
const machine = setup({
  types: { context: {} as { heard: number }, events: {} as { type: 'message.received'; text: string } },
  actions: {
    count: assign(({ context, event }) => {
      if (event.text === 'fault' && !fault.mended) throw new Error('cannot take it');
      return { heard: context.heard + 1 };
    }),
  },
  guards: { says: ({ event }, text: string) => event.text === text },
}).createMachine({
  id: 'counter',
  version: '1',
  context: { heard: 0 },
  initial: 'on',
  states: {
    on: {
      on: {
        'message.received': [
          { guard: { type: 'says', params: 'bye' }, target: 'over', actions: 'count' },
          { actions: 'count' },
        ],
      },
    },
    over: { type: 'final' },
  },
});

/** A router whose steps somebody looks at, of these chats. */
function watched(chats: readonly number[], wrap: (journal: Journal) => Journal = (journal) => journal) {
  fault.mended = false;
  const journal = wrap(openJournal(temporaryFolder(), manualClock()));
  const told: Stepped[] = [];
  const watch: StepWatch = {
    wants: (conversation) => chats.includes(Number(conversation)),
    stepped: (step) => void told.push(step),
  };
  const selection = { machine: 'counter', per: 'chat' } as const;
  const machines = createMachineTable(
    { private: selection, group: null, channel: null },
    new Map([['counter', machine]]),
  );
  let looks: StepWatch | null = watch;
  const router = createRouter({ journal, machines, username: () => null, watch: () => looks });
  const say = (...said: readonly (readonly [number, string])[]) =>
    router.receiveUpdates(
      said.map(([chat, text]) => textUpdate(chat, text)),
      1,
    );
  return { journal, router, told, say, leave: () => (looks = null) };
}

test('steps of the chats that are looked at are told in order, each with where it came from and how it stands then', async () => {
  const { told, say, journal } = watched([7, 8]);
  await say([7, 'a'], [9, 'a'], [8, 'b'], [7, 'bye']);
  expect(told).toMatchObject([
    { conversation: '7', seq: 1, from: null, event: { text: 'a' }, record: { state: '"on"', status: 'active' } },
    { conversation: '8', from: null, event: { text: 'b' } },
    { conversation: '7', from: '"on"', event: { text: 'bye' }, record: { state: '"over"', status: 'done' } },
  ]);
  expect(told.at(-1)?.record).toEqual(await journal.conversation('7'));
});

test('a step that did not become durable is not told', async () => {
  let broken = true;
  const { told, say } = watched([7], (journal) => ({
    ...journal,
    write: (job) =>
      journal.write(async (tx) => {
        const done = await job(tx);
        if (broken) throw new Error('the disk is full');
        return done;
      }),
  }));
  await expect(say([7, 'a'])).rejects.toThrow('the disk is full');
  expect(told).toEqual([]);
  broken = false;
  await say([7, 'b']);
  expect(told).toMatchObject([{ event: { text: 'b' }, record: { lastSeq: 1 } }]);
});

test('a chat that fails is told with its error, and once more when it goes on', async () => {
  const { told, say, router, journal } = watched([7]);
  await say([7, 'a'], [7, 'fault'], [7, 'held']);
  expect(told).toMatchObject([
    { event: { text: 'a' } },
    { event: { text: 'fault' }, record: { status: 'quarantined', error: 'cannot take it', state: '"on"' } },
  ]);
  fault.mended = true;
  await router.retry('7');
  expect(told.at(-1)).toMatchObject({ event: { type: 'chat.retried' }, record: { status: 'active', error: null } });
  expect(told.at(-1)?.record).toEqual(await journal.conversation('7'));
});

test('whoever has left is told nothing more', async () => {
  const { told, say, leave } = watched([7]);
  await say([7, 'a']);
  leave();
  await say([7, 'b']);
  expect(told.length).toBe(1);
});
