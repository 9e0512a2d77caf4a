import { expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { frameOf } from '../../src/operators/frames.ts';
import { Ring } from '../../src/operators/ring.ts';
import { MemoryJournal } from './support.ts';

function push(ring: Ring, journal: MemoryJournal, size: number): void {
  const entry = journal.append('7', 'update.received', size);
  ring.push(entry, frameOf('s', entry));
}

test('the ring holds so many bytes, and lets the oldest entries go', () => {
  const journal = new MemoryJournal();
  const ring = new Ring(0);
  for (let n = 0; n < 20; n += 1) push(ring, journal, 1024 * 1024);
  expect([ring.first, ring.head]).toEqual([14, 20]);
  push(ring, journal, limits.broadcastBytesMax);
  expect([ring.first, ring.head]).toEqual([22, 21]);
  push(ring, journal, 1);
  expect([ring.first, ring.head]).toEqual([22, 22]);
});

test('the ring holds so many entries, and lets the oldest go', () => {
  const journal = new MemoryJournal();
  const ring = new Ring(0);
  for (let n = 0; n < limits.broadcastEntriesMax + 3; n += 1) push(ring, journal, 1);
  expect(ring.head - ring.first + 1).toBe(limits.broadcastEntriesMax);
  expect(ring.shared(ring.first - 1, 'sse').bytes.toString()).toContain('id: s.4\n');
});

test('what is shared is as new as the ring', () => {
  const journal = new MemoryJournal();
  const ring = new Ring(0);
  push(ring, journal, 1);
  expect(ring.shared(0, 'sse').after).toBe(1);
  push(ring, journal, 1);
  expect(ring.shared(0, 'sse').after).toBe(2);
  expect(ring.shared(0, 'sse')).toBe(ring.shared(0, 'sse'));
});
