import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { EntryType } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { createBroadcast } from '../../src/operators/broadcast.ts';
import type { Operators } from '../../src/operators/operators.ts';
import { createStatus } from '../../src/status.ts';
import { type ManualClock, manualClock, settle } from '../support/clock.ts';
import { MemoryJournal, MemorySink, subscription } from './support.ts';

const log = { warn: () => {} };
let clock: ManualClock;
let journal: MemoryJournal;
let broadcast: Operators;

const start = () => createBroadcast({ journal, clock, random: () => 0.5, log });
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

beforeEach(() => {
  clock = manualClock();
  journal = new MemoryJournal();
  broadcast = start();
});

/** Commits so many entries and publishes them. */
function commit(count: number, chat: string | null = '7', size = 0, type: EntryType = 'update.received') {
  broadcast.publish(Array.from({ length: count }, () => journal.append(chat, type, size)));
}

function connect(fields: Parameters<typeof subscription>[1] = {}): MemorySink {
  const sink = new MemorySink();
  void broadcast.subscribe(subscription(sink, fields));
  return sink;
}

/** Lets everything run that can, however many rounds it takes. */
async function quiet(): Promise<void> {
  for (let n = 0; n < 40; n += 1) await settle();
}

describe('I4: a reader sees every entry after its own, in order, once', () => {
  test('live entries come at once, to each reader', async () => {
    const readers = [connect(), connect()];
    commit(3);
    await settle();
    for (const reader of readers) expect(reader.events()).toEqual(['hello', 1, 2, 3]);
  });

  test('what was committed while the broadcast was down comes as it begins again, without another commit', async () => {
    const reader = connect();
    commit(1);
    await settle();
    journal.append('7');
    journal.append('7');
    broadcast.catchUp();
    await quiet();
    expect(reader.seqs()).toEqual([1, 2, 3]);
  });

  test('what was before it comes first, out of the journal, and then what is live', async () => {
    for (let n = 0; n < 5000; n += 1) journal.append('7');
    broadcast = start();
    const reader = connect({ after: 10 });
    commit(2);
    await quiet();
    commit(1);
    await quiet();
    expect(reader.seqs()).toEqual(range(11, 5003));
  });

  test('whatever is published, replayed, filtered or blocked meanwhile', async () => {
    const chats = ['7', '8', null] as const;
    const types = ['update.received', 'chat.moved'] as const;
    const filter = fc.record({
      chats: fc.constantFrom(null, ['7'], ['7', '8'], ['9']),
      types: fc.constantFrom(null, ['chat.moved']),
      after: fc.nat(60),
    });
    const action = fc.oneof(
      fc.record({
        kind: fc.constant('publish' as const),
        count: fc.integer({ min: 1, max: 40 }),
        size: fc.nat(30_000),
      }),
      fc.record({ kind: fc.constant('hold' as const) }),
      fc.record({ kind: fc.constant('flow' as const) }),
      fc.record({ kind: fc.constant('turn' as const) }),
      fc.record({ kind: fc.constant('connect' as const), filter }),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(60), fc.array(action, { maxLength: 30 }), fc.nat(), async (before, actions, seed) => {
        clock = manualClock();
        journal = new MemoryJournal();
        let n = seed;
        const pick = <T>(of: readonly T[]): T | undefined => of[++n % of.length];
        journal.pace = () => (pick([true, false, true]) ? settle() : Promise.resolve());
        const append = (size: number) => journal.append(pick(chats) ?? null, pick(types) ?? 'chat.moved', size);
        for (let m = 0; m < before; m += 1) append(10);
        broadcast = start();
        const readers: { sink: MemorySink; after: number; sees: (seq: number) => boolean }[] = [];
        for (const act of actions) {
          if (act.kind === 'publish') broadcast.publish(Array.from({ length: act.count }, () => append(act.size)));
          else if (act.kind === 'hold') for (const { sink } of readers) sink.open = false;
          else if (act.kind === 'turn') await settle();
          else if (act.kind === 'flow') {
            for (const { sink } of readers) {
              sink.open = true;
              sink.take();
            }
          } else {
            const after = Math.min(act.filter.after, journal.entries.length);
            const sees = (seq: number) => {
              const { chat = null, type = '' } = journal.entries[seq - 1] ?? {};
              const ofChat = act.filter.chats?.some((wanted) => wanted === chat) ?? true;
              return ofChat && (act.filter.types?.some((wanted) => wanted === type) ?? true);
            };
            readers.push({ sink: connect({ ...act.filter, after }), after, sees });
          }
        }
        for (let round = 0; round < 60; round += 1) {
          for (const { sink } of readers) {
            sink.open = true;
            sink.take();
          }
          await settle();
        }
        for (const { sink, after, sees } of readers) {
          expect(sink.seqs()).toEqual(range(after + 1, journal.entries.length).filter(sees));
        }
        broadcast.close();
      }),
      { numRuns: 150 },
    );
  });

  test('a commit that was never published is read from the journal, not skipped', async () => {
    const reader = connect();
    commit(2);
    await settle();
    journal.append('7');
    commit(1);
    await quiet();
    expect(reader.seqs()).toEqual([1, 2, 3, 4]);
  });

  test('entries that retention took are told as one gap', async () => {
    for (let n = 0; n < 50; n += 1) journal.append('7');
    journal.first = 21;
    broadcast = start();
    const reader = connect({ after: 5 });
    await quiet();
    expect(reader.events()).toEqual(['hello', 'gap 6-20', ...range(21, 50)]);
  });

  test('entries that retention takes while they are being read are told as a gap, and not sent', async () => {
    for (let n = 0; n < 50; n += 1) journal.append('7');
    broadcast = start();
    let turns = 0;
    journal.pace = async () => {
      turns += 1;
      if (turns === 2) journal.first = 31;
    };
    const reader = connect({ after: 0 });
    await quiet();
    expect(reader.events()).toEqual(['hello', 'gap 1-30', ...range(31, 50)]);
  });

  test('a reader whose id was of another stream is told that it starts anew', async () => {
    journal.append('7');
    broadcast = start();
    const reader = connect({ reset: true, after: 0 });
    await quiet();
    expect(reader.events()).toEqual(['hello', 'reset', 1]);
  });

  test('a journal that cannot be read ends the stream, so that the reader comes again where it was', async () => {
    for (let n = 0; n < 5; n += 1) journal.append('7');
    broadcast = start();
    journal.pace = () => Promise.reject(new Error('the disk is gone'));
    const reader = connect();
    await quiet();
    expect(reader.destroyed).toBe(true);
    expect(reader.seqs()).toEqual([]);
  });
});

describe('I7: what a reader may not see', () => {
  test('a reader of some chats gets nothing of others, nor what belongs to no chat: live, or out of the journal', async () => {
    for (const chat of ['7', '8', null]) journal.append(chat);
    broadcast = start();
    const reader = connect({ chats: ['7'] });
    await quiet();
    for (const chat of ['8', null, '7']) commit(1, chat);
    await quiet();
    expect(reader.seqs()).toEqual([1, 6]);
    expect(reader.text).not.toContain('"8"');
  });

  test('a page is filtered alike', async () => {
    for (const chat of ['7', '8', null, '7']) journal.append(chat);
    const page = await broadcast.page({ after: 1, limit: 10, chats: ['7'], types: null });
    expect(page.texts.map((text) => JSON.parse(text).seq)).toEqual([4]);
    expect(page).toMatchObject({ after: 4, atHead: true, gap: null });
  });

  test('the streams of a key that ends end with it, those of others go on; a blocked one is cut', async () => {
    const mine = connect({ keyId: '1' });
    const blocked = connect({ keyId: '1' });
    const others = connect({ keyId: '2' });
    blocked.open = false;
    commit(1);
    await settle();
    broadcast.endStreamsOf('1');
    commit(1);
    await settle();
    expect([mine.ended, blocked.destroyed, others.ended]).toEqual([true, true, false]);
    expect([mine.seqs(), others.seqs()]).toEqual([[1], [1, 2]]);
  });
});

describe('I9: what a reader costs', () => {
  test('a slow reader holds one buffer, however much is published', async () => {
    const slow = connect();
    slow.open = false;
    for (let n = 0; n < 100; n += 1) {
      commit(100, '7', 1000);
      await settle();
      slow.take(50_000);
    }
    expect(slow.heldMax).toBeLessThan(limits.readerBufferBytes + 2000);
    slow.open = true;
    slow.take();
    await quiet();
    expect(slow.seqs()).toEqual(range(1, 10_000));
  });

  test('readers that take a byte a second, as many as a key may have, hold one buffer each and delay nobody', async () => {
    const slow = range(1, limits.streamsPerKeyMax).map(() => connect());
    for (const reader of slow) reader.open = false;
    const others = [connect(), connect({ format: 'ndjson' }), connect({ chats: ['7'] })];
    for (let second = 1; second <= 90; second += 1) {
      commit(20, '7', 1000);
      await settle();
      for (const other of others) expect(other.text).toContain(`"n":${second * 20},`);
      await clock.advance(1000);
      for (const reader of slow) reader.take(1);
    }
    expect(slow.filter(({ destroyed }) => destroyed)).toEqual([]);
    expect(Math.max(...slow.map(({ heldMax }) => heldMax))).toBeLessThan(limits.readerBufferBytes + 2000);
    expect(journal.reads, 'for readers that take nothing').toBe(0);
  });

  test('large entries are read a few at a time', async () => {
    for (let n = 0; n < 300; n += 1) journal.append('7', 'update.received', 300_000);
    broadcast = start();
    const reader = connect();
    reader.open = false;
    for (let n = 0; n < 305; n += 1) {
      await settle();
      reader.take();
    }
    expect(reader.seqs()).toEqual(range(1, 300));
    expect(reader.heldMax).toBeLessThan(limits.readerBufferBytes + 301_000);
    expect(journal.entriesRead, 'each once').toBe(300);
  });

  test('large entries behind thousands of small ones are read no more than they are sent', async () => {
    for (let n = 0; n < 3000; n += 1) journal.append('7');
    for (let n = 0; n < 200; n += 1) journal.append('7', 'update.received', 500_000);
    broadcast = start();
    const reader = connect();
    reader.open = false;
    for (let n = 0; n < 250; n += 1) {
      await settle();
      reader.take();
    }
    expect(reader.seqs()).toEqual(range(1, 3200));
    expect(journal.entriesRead).toBeLessThan(3500);
  });

  test('readers at one place share the bytes of a round, one write each', async () => {
    const readers = [connect(), connect(), connect()];
    await settle();
    commit(1);
    commit(1);
    await settle();
    const last = readers.map(({ writes }) => writes.at(-1));
    expect(new Set(last).size).toBe(1);
    expect(readers.map(({ writes }) => writes.length)).toEqual([2, 2, 2]);
  });

  test('more readers than one tick serves are all served, and other work has its turn between', async () => {
    const ticks: (() => void)[] = [];
    broadcast = createBroadcast({ journal, clock, random: () => 0.5, log, schedule: (run) => ticks.push(run) });
    const readers = Array.from({ length: limits.readersPerTick * 2 + 5 }, () => connect());
    while (ticks.length > 0) ticks.shift()?.();
    commit(2);
    const served: number[] = [];
    while (ticks.length > 0) {
      ticks.shift()?.();
      served.push(readers.filter((reader) => reader.seqs().length === 2).length);
    }
    expect(served.slice(0, 3)).toEqual([limits.readersPerTick, limits.readersPerTick * 2, readers.length]);
    for (const reader of readers) expect(reader.seqs()).toEqual([1, 2]);
  });

  test('of many readers that are behind a few are read for at once, and all get what they want', async () => {
    for (let n = 0; n < 10; n += 1) journal.append('7');
    broadcast = start();
    let [underWay, most] = [0, 0];
    const { read } = journal;
    journal.read = async (query) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await settle();
      const entries = await read.call(journal, query);
      underWay -= 1;
      return entries;
    };
    const readers = Array.from({ length: limits.replayPagesMax * 4 }, () => connect());
    await quiet();
    expect(most).toBe(limits.replayPagesMax);
    for (const reader of readers) expect(reader.seqs()).toEqual(range(1, 10));
  });

  test('a filtered reader that is behind has nothing read for it but what it gets', async () => {
    for (let n = 1; n <= 6000; n += 1) journal.append(n % 2000 === 0 ? '9' : '7');
    broadcast = start();
    const readers = [connect({ chats: ['9'] }), connect({ chats: ['9'], types: ['chat.moved'] })];
    await quiet();
    expect(readers.map((reader) => reader.seqs())).toEqual([[2000, 4000, 6000], []]);
    expect(journal.entriesRead).toBe(3);
  });

  test('a reader that leaves is forgotten, whatever it was doing', async () => {
    const status = createStatus(0);
    broadcast = createBroadcast({ journal, clock, random: () => 0, log, status });
    const connected = () => status.getSnapshot().context.operators.connected;
    const sink = new MemorySink();
    const gone = broadcast.subscribe(subscription(sink));
    expect(connected()).toBe(1);
    sink.leave();
    await gone;
    expect(connected()).toBe(0);
    commit(1);
    await settle();
    expect(sink.seqs()).toEqual([]);
  });
});

describe('time', () => {
  test('each reader gets a comment every 15 s', async () => {
    const readers = [connect(), connect(), connect({ format: 'ndjson' })];
    await clock.advance(limits.heartbeatMs * 4);
    expect(readers.slice(0, 2).map(({ heartbeats }) => heartbeats)).toEqual([4, 4]);
    expect(readers[2]?.text.split('\n').filter((line) => line === '{"type":"stream.heartbeat"}')).toHaveLength(4);
  });

  test('a reader that does not get every entry is told how far it has come', async () => {
    const readers = [connect({ chats: ['9'] }), connect({ chats: ['9'], format: 'ndjson' })];
    const told = () => readers.map(({ writes }) => writes.at(-1));
    await clock.advance(limits.heartbeatMs);
    expect(told()).toEqual([':\nid: s.0\n\n', '{"type":"stream.heartbeat","seq":0}\n']);
    commit(3);
    await quiet();
    expect(
      readers.map(({ writes }) => writes.length),
      'none of it is written to them',
    ).toEqual([2, 2]);
    await clock.advance(limits.heartbeatMs);
    expect(told()).toEqual([':\nid: s.3\n\n', '{"type":"stream.heartbeat","seq":3}\n']);
  });

  test('readers are told when to come back, each at a time of its own', () => {
    const retries = [0, 0.5, 0.999].map((random) => {
      broadcast = createBroadcast({ journal, clock, random: () => random, log });
      return Number(/^retry: (\d+)\n/.exec(connect().text)?.[1]);
    });
    expect(retries).toEqual([1000, 2000, 2998]);
  });

  test('closing ends every stream, and those that come later at once', async () => {
    const reader = connect();
    broadcast.close();
    const late = new MemorySink();
    await broadcast.subscribe(subscription(late));
    expect([reader.ended, late.ended, late.text]).toEqual([true, true, '']);
  });
});
