import { expect, test } from 'vitest';
import { waitFor } from 'xstate';
import { UPDATE_KINDS } from '../../src/telegram/telegram.ts';
import { newBot, pending, startPoller, until } from './support.ts';

const inject = async ({ bot }: Awaited<ReturnType<typeof newBot>>, update: object) =>
  (await bot.control('updates', update)).update_ids[0];

test('I1: an update is confirmed only after its commit has resolved', async () => {
  const world = await newBot();
  const commit = Promise.withResolvers<void>();
  const { actor, polls } = await startPoller({ receive: () => commit.promise }, world);
  const { update_id } = await world.bot.write(777, 'hello');
  await waitFor(actor, (snapshot) => snapshot.matches('committing'));
  expect(await pending(world.bot)).toBe(1);
  expect(polls().some(({ offset }) => Number(offset) > update_id)).toBe(false);

  commit.resolve();
  await until(async () => (await pending(world.bot)) === 0);
  expect(polls().at(-1)?.offset).toBe(update_id + 1);
});

test('I1: updates whose commit failed are not confirmed; they come again', async () => {
  const world = await newBot();
  const batches: unknown[] = [];
  const { actor, clock, downs, polls } = await startPoller(
    {
      async receive({ updates }) {
        batches.push(updates);
        if (batches.length === 1) throw new Error('the disk is full');
      },
    },
    world,
  );
  const { update_id } = await world.bot.write(777, 'hello');
  await waitFor(actor, (snapshot) => snapshot.matches('backingOff'));
  expect(downs[0]?.failure.message).toBe('The updates were not stored: the disk is full');
  expect(await pending(world.bot)).toBe(1);
  expect(polls().some(({ offset }) => Number(offset) > update_id)).toBe(false);

  await clock.advance(60_000);
  await until(async () => (await pending(world.bot)) === 0);
  expect(batches[1]).toEqual(batches[0]);
});

test('after a restart polling goes on at the offset that committed with the updates', async () => {
  const world = await newBot();
  const first = await startPoller({}, world);
  const { update_id } = await world.bot.write(777, 'hello');
  await until(() => first.actor.getSnapshot().context.offset === update_id + 1);
  first.actor.stop();

  const second = await startPoller({}, world);
  await world.bot.write(777, 'again');
  await until(() => second.received.length === 1);
  expect(second.polls()[0]?.offset).toBe(update_id + 1);
  expect(second.received[0]?.updates).toMatchObject([{ update_id: update_id + 1 }]);
});

test('every kind of update is asked for by name, also the three that Telegram leaves out by itself', async () => {
  const { bot, polls } = await startPoller();
  await until(async () => (await bot.control('')).polling);
  expect(polls()[0]?.allowed_updates).toEqual(UPDATE_KINDS);
  const { allowed_updates } = await bot.control('');
  expect(allowed_updates).toEqual(
    expect.arrayContaining(['chat_member', 'message_reaction', 'message_reaction_count']),
  );
});

test('polling is told to work once a first short poll is answered, then polls are long', async () => {
  const { bot, polls, ups } = await startPoller();
  await until(async () => (await bot.control('')).polling);
  expect(ups.count).toBe(1);
  expect(polls().map(({ timeout }) => timeout)).toEqual([0, 50]);
});

test('an update of a kind that nobody knows is journalled untouched', async () => {
  const world = await newBot();
  const { received } = await startPoller({}, world);
  const update = { tomorrows_kind: { chat: { id: 777 }, nested: [1, 'a', null, { deep: true }] } };
  const update_id = await inject(world, update);
  await until(() => received.length === 1 && world.journal.bounds().head > 0);
  const [entry] = await world.journal.read({ from: 1, limit: 10 });
  expect(JSON.parse(entry?.body ?? '')).toEqual({ update: { update_id, ...update } });
});

test('an update of 300 KB, and a chat id over 2^31, arrive whole', async () => {
  const world = await newBot();
  await startPoller({}, world);
  const text = 'ü'.repeat(150_000);
  const id = 2 ** 52 - 1;
  await inject(world, { message: { message_id: 1, date: 1, chat: { id, type: 'private' }, text } });
  await until(() => world.journal.bounds().head > 0);
  const [entry] = await world.journal.read({ from: 1, limit: 10 });
  expect(entry?.chat).toBe(String(id));
  expect(JSON.parse(entry?.body ?? '').update.message.text).toBe(text);
});

test('update ids that start again lower are all received, each once', async () => {
  const world = await newBot();
  const { received, actor } = await startPoller({}, world);
  await world.bot.control('update-ids', { next: 900_000 });
  await world.bot.write(777, 'before the idle week');
  await until(() => actor.getSnapshot().context.offset === 900_001);
  await world.bot.control('update-ids', { next: 5 });
  await world.bot.write(777, 'after it');
  await world.bot.write(777, 'and more');
  await until(async () => (await pending(world.bot)) === 0 && actor.getSnapshot().context.offset === 7);
  const ids = received.flatMap(({ updates }) => updates.map((update) => Object(update).update_id));
  expect(ids).toEqual([900_000, 5, 6]);
});

test('a long poll that is answered at once with nothing is not asked again at once', async () => {
  const world = await newBot();
  await world.bot.control('faults', {
    method: 'getUpdates',
    kind: 'malformed',
    times: 1000,
    body: '{"ok":true,"result":[]}',
  });
  const { polls, clock } = await startPoller({}, world);
  await until(() => polls().length === 2);
  await world.bot.control('');
  await world.bot.control('');
  expect(polls()).toHaveLength(2);
  await clock.advance(100);
  await until(() => polls().length === 3);
});
