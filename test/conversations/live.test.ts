import { expect, test } from 'vitest';
import { createLiveConversations, type LiveConversation } from '../../src/conversations/live.ts';
import { createStepper } from '../../src/conversations/step.ts';
import { machine } from './fixtures/greeter.machine.ts';

const stepper = createStepper('greeter', machine);
const { snapshot } = stepper.start(undefined);

const conversation = (id: string, updatedAt: number): LiveConversation => ({
  stepper,
  snapshot,
  alone: null,
  record: {
    ...{ id, chat: id, machine: 'greeter', version: '1', status: 'active', state: '"idle"', error: null },
    ...{ snapshot: stepper.persist(snapshot), lastSeq: 1, updatedAt },
  },
});

function held(max: number, ...ids: readonly string[]) {
  const live = createLiveConversations(max, 1_000_000);
  for (const [usedAt, id] of ids.entries()) live.put(id, conversation(id, usedAt));
  return live;
}

test('I9: beyond the bound the conversation that was used longest ago is let go', () => {
  const live = held(2, '1', '2', '3');
  expect(live.ids()).toEqual(['2', '3']);
  expect(live.get('1')).toBeNull();
  expect([live.get('2')?.record.id, live.get('3')?.record.id]).toEqual(['2', '3']);
});

test('I9: beyond so many characters of snapshots, too', () => {
  const live = createLiveConversations(9, 1000);
  const large = (id: string, length: number): LiveConversation => {
    const { record, ...rest } = conversation(id, 1);
    return { ...rest, record: { ...record, snapshot: 'x'.repeat(length) } };
  };
  for (const id of ['1', '2', '3']) live.put(id, large(id, 300));
  live.put('2', large('2', 400));
  expect(live.ids()).toEqual(['1', '3', '2']);
  live.put('4', large('4', 600));
  expect(live.ids()).toEqual(['2', '4']);
  live.forget('2');
  live.put('5', large('5', 400));
  expect(live.ids()).toEqual(['4', '5']);
  live.forgetAll();
  for (const id of ['6', '7']) live.put(id, large(id, 500));
  expect(live.ids()).toEqual(['6', '7']);
});

test('a step is use; asking for one, or whether it is there, is not', () => {
  const live = held(3, '1', '2', '3');
  live.put('2', conversation('2', 3));
  live.has('1');
  live.get('1');
  live.put('4', conversation('4', 4));
  expect(live.ids()).toEqual(['3', '2', '4']);
});

test('a conversation that is stepped again takes no second place', () => {
  const live = held(2, '1', '2', '2', '2');
  expect([live.ids(), live.activations()]).toEqual([['1', '2'], 2]);
});

test('what nothing has happened to for a while is let go, and counts as activated when it comes again', () => {
  const live = held(9, '1', '2', '3', '4');
  live.put('1', conversation('1', 9));
  expect(live.forgetUnusedSince(2)).toBe(2);
  expect(live.ids()).toEqual(['4', '1']);
  live.put('2', conversation('2', 10));
  expect(live.activations()).toBe(5);
});

test('what is forgotten makes room; all can be', () => {
  const live = held(2, '1', '2');
  live.forget('1');
  live.put('3', conversation('3', 3));
  expect(live.ids()).toEqual(['2', '3']);
  live.forgetAll();
  expect(live.size()).toBe(0);
});
