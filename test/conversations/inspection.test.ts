import { expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { type Clock, systemClock } from '../../src/clock.ts';
import { createInspection } from '../../src/conversations/inspection.ts';
import type { StepPage, TravelStep } from '../../src/inspector/inspector.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { machine as reminder } from '../machines/reminder.machine.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { groupUpdate, textUpdate } from '../support/updates.ts';
import { running } from './running.ts';
import { first, routerOf, second, tableOf } from './versions.ts';

const inspect = (journal: Journal, machine: AnyStateMachine, clock: Clock) =>
  createInspection({
    ...{ journal, clock, liveState: () => null },
    machines: [{ name: machine.id, machine, source: null }],
    perOf: (kind) => (kind === 'group' ? 'user' : 'chat'),
  });

const newest = { after: null, before: null, limit: 50 };
const wordsOf = ({ event, after, transitions }: TravelStep) =>
  [Object(event).text ?? Object(event).type, after.state, ...transitions].join(' ');

/** What is there, or a failure of the test. */
function there<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('there is nothing');
  return value;
}

test("a chat's life is told step by step: the event, the way taken, what was said, what waited then", async () => {
  const system = await running(reminder);
  await system.say(7, '5');
  await system.clock.advance(5 * 60_000);
  await system.say(7, '2');
  const inspector = inspect(system.journal, reminder, system.clock);
  const { steps, before, ...rest } = there(await inspector.steps('7', newest));
  expect(rest).toEqual({ earlier: false, later: false, complete: true, stepped: 3, begins_at: null });
  expect(before).toMatchObject({ state: null, status: null, timers: [] });
  expect(steps.map(wordsOf)).toEqual([
    '5 waiting idle/0',
    'xstate.after.asked.reminder.waiting idle waiting/2',
    '2 waiting idle/0',
  ]);
  const [asked, fired] = steps;
  expect(asked?.after.timers).toMatchObject([{ due_at: '2026-01-01T00:05:00.000Z' }]);
  expect(fired?.after.timers).toEqual([]);
  expect(fired?.told).toMatchObject([{ method: 'sendMessage', params: { text: 'It is time.' } }, { to: 'idle' }]);
  expect(steps.some(({ departs }) => departs)).toBe(false);
  const now = there(await inspector.now('7'));
  expect(now).toMatchObject({ machine: 'reminder', standing: { state: 'waiting', status: 'active' } });
  expect(now.standing).toEqual(steps.at(-1)?.after);
  expect(await inspector.now('8')).toBeNull();
  expect(await inspector.steps('8', newest)).toBeNull();
});

test('after a crash it is the same life: nothing of it comes from memory', async () => {
  const system = await running(reminder);
  await system.say(7, '5', 'no', '3');
  const told = await inspect(system.journal, reminder, system.clock).steps('7', newest);
  system.crash();
  await system.start();
  expect(await inspect(system.journal, reminder, system.clock).steps('7', newest)).toEqual(told);
});

/** A chat that has heard 1, 2, 3, … */
async function longLife(count: number) {
  const journal = openJournal(temporaryFolder(), systemClock);
  const router = routerOf(journal, tableOf(first));
  for (let n = 0; n < count; n += 100) {
    await router.receiveUpdates(
      Array.from({ length: 100 }, (_, i) => textUpdate(7, `hello ${n + i}`)),
      n + 1,
    );
  }
  return journal;
}

test('pages back and forth make up one life, and each begins as the one before it has ended', async () => {
  const journal = await longLife(1000);
  let read = 0;
  const counting: Journal = {
    ...journal,
    async read(query) {
      const page = await journal.read(query);
      read += page.length;
      return page;
    },
  };
  const inspector = inspect(counting, first, systemClock);
  const limit = 90;
  const back: StepPage[] = [];
  for (let before: number | null = null; ; ) {
    const page: StepPage = there(await inspector.steps('7', { after: null, before, limit }));
    if (!page.complete) continue;
    back.unshift(page);
    if (!page.earlier) break;
    before = there(page.steps[0]).seq;
  }
  const forth: StepPage[] = [];
  for (let after = 0; ; ) {
    const page: StepPage = there(await inspector.steps('7', { after, before: null, limit }));
    forth.push(page);
    after = page.steps.at(-1)?.seq ?? after;
    if (!page.later) break;
  }
  for (const pages of [back, forth]) {
    for (const [n, page] of pages.entries()) {
      if (n > 0) expect(page.before).toEqual(pages[n - 1]?.steps.at(-1)?.after);
    }
  }
  const all = forth.flatMap(({ steps }) => steps);
  expect(all).toHaveLength(1000);
  expect(back.flatMap(({ steps }) => steps)).toEqual(all);
  expect(all.at(-1)?.after.context).toEqual({ heard: 1000 });

  read = 0;
  await inspector.steps('7', { after: null, before: there(all[700]).seq, limit });
  // A page of the journal, and not the whole life.
  expect(read).toBeLessThanOrEqual(limits.readEntriesMax);
});

test('a way that is too long for one answer is gone on with each asking', async () => {
  const journal = await longLife(2000);
  let now = 0;
  // Each look at this clock takes as long as many steps do.
  const clock: Clock = {
    ...systemClock,
    steadyNow: () => (now += 4),
    setTimeout: (fn) => systemClock.setTimeout(fn, 0),
  };
  const inspector = inspect(journal, first, clock);
  let asked = 1;
  let page = there(await inspector.steps('7', newest));
  expect(page).toMatchObject({ complete: false, later: true, steps: [] });
  for (; !page.complete; asked += 1) {
    const { stepped } = page;
    page = there(await inspector.steps('7', newest));
    expect(page.stepped).toBeGreaterThan(stepped);
  }
  expect(asked).toBeGreaterThan(2);
  expect(page).toMatchObject({ later: false, stepped: 2000 });
  expect(page.steps.at(-1)?.after.context).toEqual({ heard: 2000 });
});

test('two who look at one time get their own', async () => {
  const inspector = inspect(await longLife(600), first, systemClock);
  const [early, late] = await Promise.all([
    inspector.steps('7', { after: 0, before: null, limit: 3 }),
    inspector.steps('7', newest),
  ]);
  expect(early?.steps.map(({ after }) => Object(after.context).heard)).toEqual([1, 2, 3]);
  expect(late?.steps.at(-1)?.after.context).toEqual({ heard: 600 });
});

test('a group that became a supergroup has the life that it had before', async () => {
  const journal = openJournal(temporaryFolder(), systemClock);
  const router = routerOf(journal, tableOf(first));
  await router.receiveUpdates([groupUpdate(-5, 1, 'hello')], 1);
  await journal.write(async (tx) => tx.moveChat('-5', '-1005'));
  await router.receiveUpdates([groupUpdate(-1005, 1, 'hello again')], 2);
  const id = there((await journal.conversations({ after: null, limit: 1, chats: null }))[0]).id;
  const { steps } = there(await inspect(journal, first, systemClock).steps(id, newest));
  expect(steps.map(({ event }) => Object(event).text)).toEqual(['hello', 'hello again']);
});

test('chats are counted by state with the states within, and listed page by page', async () => {
  const journal = openJournal(temporaryFolder(), systemClock);
  const saved = (id: number, state: unknown, status: 'active' | 'quarantined') => ({
    ...{ id: String(id), chat: String(id), machine: 'shop', version: '1', snapshot: 'null', error: null },
    ...{ status, state: JSON.stringify(state), lastSeq: 1, updatedAt: 1 },
  });
  await journal.write(async (tx) => {
    for (let id = 1000; id < 3000; id += 1) tx.saveConversation(saved(id, 'idle', 'active'));
    for (let id = 3000; id < 3010; id += 1) tx.saveConversation(saved(id, { busy: { a: 'b', c: 'd' } }, 'active'));
    tx.saveConversation(saved(4000, { busy: { a: 'x', c: 'd' } }, 'quarantined'));
    tx.saveConversation({ ...saved(5000, 'idle', 'active'), machine: 'other' });
  });
  const inspector = inspect(journal, first, systemClock);
  let counts = await inspector.counts('shop');
  while (!counts.complete) counts = await inspector.counts('shop');
  expect(counts.counted).toBe(2012);
  expect(
    Object.fromEntries(counts.states.map(({ path, active, quarantined }) => [path, [active, quarantined]])),
  ).toEqual({
    ...{ '': [2010, 1], idle: [2000, 0], busy: [10, 1] },
    ...{ 'busy.a': [10, 1], 'busy.a.b': [10, 0], 'busy.a.x': [0, 1], 'busy.c': [10, 1], 'busy.c.d': [10, 1] },
  });
  const page = await inspector.chatsIn('shop', { state: 'busy.a.b', after: null, limit: 8 });
  expect(page.chats.map(({ id }) => id)).toEqual(Array.from({ length: 8 }, (_, n) => String(3000 + n)));
  const next = await inspector.chatsIn('shop', { state: 'busy.a.b', after: page.next, limit: 8 });
  expect(next).toMatchObject({ chats: [{ id: '3008' }, { id: '3009' }], next: null });
});

test('who asks for counts again at once gets the same: a count is not begun anew each time', async () => {
  const journal = await longLife(100);
  let walks = 0;
  const counting: Journal = {
    ...journal,
    async conversationVersions(after, limit) {
      walks += 1;
      return journal.conversationVersions(after, limit);
    },
  };
  let now = 0;
  const inspector = inspect(counting, first, { ...systemClock, steadyNow: () => now });
  for (let n = 0; n < 5; n += 1) expect((await inspector.counts('shop')).counted).toBe(1);
  expect(walks).toBe(1);
  now += limits.censusEveryMs;
  await inspector.counts('shop');
  expect(walks).toBe(2);
});

test('chats of an older version that is kept are counted on its chart, and not on that of today', async () => {
  const journal = openJournal(temporaryFolder(), systemClock);
  const router = routerOf(journal, tableOf(first));
  await router.receiveUpdates([textUpdate(7, 'hello'), textUpdate(8, 'buy')], 3);
  const inspector = createInspection({
    ...{ journal, clock: systemClock, liveState: () => null, perOf: () => 'chat' },
    machines: [
      { name: 'shop', machine: second, source: null },
      { name: 'shop@1', machine: first, source: null },
    ],
  });
  expect((await inspector.counts('shop')).states).toEqual([]);
  expect((await inspector.counts('shop@1')).states).toContainEqual({
    ...{ path: 'deciding', active: 1, done: 0, quarantined: 0 },
  });
  const query = { state: '', after: null, limit: 10 };
  expect((await inspector.chatsIn('shop', query)).chats).toEqual([]);
  expect((await inspector.chatsIn('shop@1', query)).chats.map(({ id }) => id)).toEqual(['7', '8']);
  expect(JSON.parse(inspector.definition('shop', '1') ?? '')).toMatchObject({ version: '1' });
  expect(JSON.parse(inspector.definition('shop', '2') ?? '')).toMatchObject({ version: '2' });
});
