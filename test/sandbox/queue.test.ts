import fc from 'fast-check';
import { expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { createUpdateQueue } from '../../src/sandbox/queue.ts';
import { manualClock } from '../support/clock.ts';

const encode = (id: number) => String(id);

test('a full queue drops its oldest update', () => {
  const queue = createUpdateQueue(manualClock(), 1);
  for (let i = 0; i <= limits.sandboxQueueUpdatesMax; i += 1) queue.add('a', encode);
  expect(queue.size).toBe(limits.sandboxQueueUpdatesMax);
  expect(queue.read(0, 1)[0]?.id).toBe(2);
});

test('the oldest go too once all together are too long; the newest stays, however long it is', () => {
  const queue = createUpdateQueue(manualClock(), 1, 10);
  const waiting = () => queue.all().map(({ id }) => id);
  const add = (length: number) => queue.add('a', () => 'x'.repeat(length));
  const [first, second] = [add(4), add(4)];
  queue.remove(first);
  queue.remove(first);
  add(6);
  expect(waiting(), 'what was removed counts no more').toEqual([2, 3]);
  queue.read(second.id + 1, 1);
  add(4);
  expect(waiting(), 'nor what was confirmed').toEqual([3, 4]);
  add(1);
  expect(waiting()).toEqual([4, 5]);
  add(11);
  expect(waiting()).toEqual([6]);
});

test('whatever is added, read, confirmed and removed, the queue is the list it should be', () => {
  const act = fc.oneof(
    fc.record({ type: fc.constant('add' as const), count: fc.integer({ min: 1, max: 2000 }) }),
    fc.record({ type: fc.constant('confirm' as const), count: fc.integer({ min: 0, max: 3000 }) }),
    fc.record({ type: fc.constant('remove' as const), count: fc.integer({ min: 0, max: 50 }) }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
      const queue = createUpdateQueue(manualClock(), 1);
      let expected: number[] = [];
      let nextId = 1;
      for (const { type, count } of acts) {
        if (type === 'add') {
          for (let i = 0; i < count; i += 1) {
            expected.push(nextId);
            nextId = queue.add('a', encode).id + 1;
          }
        } else if (type === 'confirm') {
          const offset = (expected[0] ?? nextId) + Math.min(count, expected.length);
          queue.read(offset, 1);
          expected = expected.filter((id) => id >= offset);
        } else {
          const removed = queue.all()[count];
          if (removed !== undefined) queue.remove(removed);
          expected = expected.filter((id) => id !== removed?.id);
        }
        expect(queue.size).toBe(expected.length);
        expect(queue.read(0, 100).map((update) => update.id)).toEqual(expected.slice(0, 100));
      }
    }),
    { numRuns: 50 },
  );
});
