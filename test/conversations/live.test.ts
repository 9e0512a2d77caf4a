import { expect, test } from 'vitest';
import { createLiveConversations, type LiveConversation } from '../../src/conversations/live.ts';
import { createStepper } from '../../src/conversations/step.ts';
import { machine } from './fixtures/greeter.machine.ts';

const stepper = createStepper('greeter', machine);
const { snapshot } = stepper.start(undefined);

const conversation = (id: string): LiveConversation => ({
  stepper,
  snapshot,
  record: {
    ...{ id, chat: id, machine: 'greeter', version: '1', status: 'active', state: '"idle"', error: null },
    ...{ snapshot: stepper.persist(snapshot), lastSeq: 1, updatedAt: 0 },
  },
});

function held(max: number, ...ids: readonly string[]) {
  const live = createLiveConversations(max);
  for (const id of ids) live.put(id, conversation(id));
  return live;
}

test('I9: beyond the bound the conversation that was used longest ago is let go', () => {
  const live = held(2, '1', '2', '3');
  expect(live.size()).toBe(2);
  expect(live.take('1')).toBeNull();
  expect([live.take('2')?.record.id, live.take('3')?.record.id]).toEqual(['2', '3']);
});

test('taking one out is use, and so is its next step; asking whether it is there is not', () => {
  const live = held(3, '1', '2', '3');
  live.take('1');
  live.put('2', conversation('2'));
  live.has('3');
  live.put('4', conversation('4'));
  expect(['1', '2', '3', '4'].map((id) => live.has(id))).toEqual([true, true, false, true]);
});

test('a conversation that is stepped again takes no second place', () => {
  const live = held(2, '1', '2', '2', '2');
  expect(live.size()).toBe(2);
  expect(live.has('1')).toBe(true);
});

test('after a commit that failed nothing is held; what is forgotten makes room', () => {
  const live = held(2, '1', '2');
  live.forget('1');
  live.put('3', conversation('3'));
  expect(live.has('2')).toBe(true);
  live.forgetAll();
  expect(live.size()).toBe(0);
});
