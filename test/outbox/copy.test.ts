import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copyDatabase } from '../../src/journal/sqlite-backup.ts';
import { limits } from '../../src/limits.ts';
import { releaseCopy } from '../../src/outbox/release.ts';
import { until } from '../ingress/support.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { newWorld, type OutboxOptions, runOutbox, texts } from './support.ts';

/** A world whose data folder is a restored backup, made while messages waited, one was scheduled and one was being sent. */
async function restoredWorld(queued = 2, sending: object = {}) {
  const world = await newWorld();
  const { clock, journal } = world;
  const { post, sender, actor } = runOutbox(world, {
    through: (api) => ({ ...api, call: () => new Promise(() => {}) }),
  });
  await post({ chat_id: 1, text: 'sending', delivery: sending });
  await until(() => sender.inFlight() === 1);
  await Promise.all(Array.from({ length: queued }, (_, n) => post({ chat_id: 1, text: `queued ${n}` })));
  const sendAt = new Date(clock.now() + 60_000).toISOString();
  await post({ chat_id: 2, text: 'scheduled', delivery: { send_at: sendAt } });
  const folder = temporaryFolder();
  await copyDatabase(world.folder, join(folder, 'switchboard.db'), () => {});
  actor.stop();
  await journal.close();
  return { ...world, folder, journal: openJournal(folder, clock, '1', 'restored') };
}

/** One more start on the same folder. */
const restart = async (world: Awaited<ReturnType<typeof restoredWorld>>, options?: OutboxOptions) => {
  const journal = openJournal(world.folder, world.clock, '1', 'again');
  const running = runOutbox({ ...world, journal }, options);
  await running.sender.recover();
  return running;
};

test('in a restored copy nothing is sent, neither what waited nor what comes, until it is released; then all of it, in order', async () => {
  const world = await restoredWorld();
  const held = await restart(world);
  const id = await held.post({ chat_id: 1, text: 'new' }, 'new');
  await held.advance(120_000);
  expect(held.calls).toEqual([]);
  expect(await held.find(id)).toMatchObject({ status: 'queued' });
  expect(await held.outbox.held()).toEqual({ hold: { since: world.clock.now() - 120_000, from: 5 }, waiting: 4 });
  expect(await held.find('1-1'), 'its call may have been carried out').toMatchObject({ status: 'unknown' });
  held.actor.stop();

  const stillHeld = await restart(world);
  await stillHeld.advance(1000);
  expect(stillHeld.calls).toEqual([]);
  expect(await stillHeld.outbox.release(false)).toEqual({ canceled: 0 });
  await stillHeld.fateOf(id);
  await until(() => stillHeld.calls.length === 4);
  expect(new Set(texts(stillHeld.calls))).toEqual(new Set(['queued 0', 'queued 1', 'scheduled', 'new']));
  expect(texts(stillHeld.calls.filter(({ params }) => params.chat_id === 1))).toEqual(['queued 0', 'queued 1', 'new']);
  expect((await stillHeld.outbox.held()).hold).toBeNull();
  stillHeld.actor.stop();

  const after = await restart(world);
  await after.fateOf(await after.post({ chat_id: 3, text: 'later' }, 'later'));
  expect(texts(after.calls)).toEqual(['later']);
});

test('a release may cancel what came with the copy, however much that is; what was posted since is sent', async () => {
  const queued = limits.outboxDuePerUnitMax + 1;
  const held = await restart(await restoredWorld(queued));
  const id = await held.post({ chat_id: 1, text: 'new' }, 'new');
  expect(await held.outbox.release(true)).toEqual({ canceled: queued + 1 });
  expect(await held.fateOf(id)).toMatchObject({ status: 'sent' });
  expect(texts(held.calls)).toEqual(['new']);
  expect(await held.find(`1-${queued + 2}`), 'the scheduled one').toMatchObject({ status: 'canceled' });
  expect((await held.outbox.held()).waiting).toBe(0);
  expect(await held.outbox.release(true), 'nothing is held any more').toEqual({ canceled: 0 });
});

test.each([
  ['hold', 'unknown', 3],
  ['resend', 'canceled', 4],
])(
  'a release before the first start cancels as much as one after it; a call that was under way, with %s: %s',
  async (on_unknown, status, count) => {
    const world = await restoredWorld(2, { on_unknown });
    expect(await releaseCopy(world.journal, true)).toHaveLength(count);
    await world.journal.close();
    const after = await restart(world);
    await after.advance(120_000);
    expect(after.calls).toEqual([]);
    expect(await after.find('1-1')).toMatchObject({ status });
  },
);

test('a message whose deadline passes while it is held expires', async () => {
  const held = await restart(await restoredWorld());
  const expires_at = new Date(held.clock.now() + 5000).toISOString();
  const id = await held.post({ chat_id: 3, text: 'in time or not at all', delivery: { expires_at } }, 'new');
  await held.advance(6000);
  expect(await held.fateOf(id)).toMatchObject({ status: 'expired' });
  expect(held.calls).toEqual([]);
});
