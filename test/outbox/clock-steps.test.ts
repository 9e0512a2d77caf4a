import { describe, expect, test } from 'vitest';
import { until } from '../ingress/support.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal } from '../support/journal.ts';
import { newWorld, type Running, runOutbox, texts, type World } from './support.ts';

const S = 1000;
const HOUR = 3600 * S;
const STEPS = [5 * S, -5 * S, 40 * S, -40 * S, HOUR, -HOUR, 24 * HOUR, -24 * HOUR];
/** One message a second to a chat, after one at once. */
const PACE = { chatPerS: 1, chatBurst: 1 };

/** A process has died; the next one starts, on a clock that shows this. */
async function restart({ folder, ...world }: World, dead: Running, wall: number): Promise<Running> {
  dead.actor.stop();
  const clock = manualClock(wall);
  const next = runOutbox({ ...world, folder, clock, journal: openJournal(folder, clock) }, { rates: PACE });
  await next.sender.recover();
  next.actor.send({ type: 'messages.queued' });
  return next;
}

const called = (running: Running, count: number) => until(async () => running.calls.length === count);

describe.each(STEPS)('the clock is set by %i ms', (byMs) => {
  test('while messages wait for the pace: each goes a second after the one before, as ever', async () => {
    const running = runOutbox(await newWorld(), { rates: PACE });
    const { send, clock, advance, calls } = running;
    for (const text of ['1', '2', '3', '4']) await send(1, text);
    await called(running, 1);
    clock.set(clock.now() + byMs);
    for (const count of [2, 3]) {
      await advance(999);
      expect(calls).toHaveLength(count - 1);
      await advance(1);
      await called(running, count);
    }
    // What comes after the step keeps the pace as well.
    await send(2, 'other');
    await called(running, 4);
    await advance(1000);
    await called(running, 5);
    expect(texts(calls)).toEqual(['1', '2', '3', 'other', '4']);
  });

  test('while the process is down: what rested for its pace waits no longer than the pace asks', async () => {
    const world = await newWorld();
    const before = runOutbox(world, { rates: PACE });
    for (const text of ['1', '2', '3']) await before.send(1, text);
    await called(before, 1);
    await until(async () => before.actor.getSnapshot().value === 'waiting');
    const next = await restart(world, before, world.clock.now() + byMs);
    await called(next, 1);
    await next.advance(1000);
    await called(next, 2);
    expect(texts(next.calls)).toEqual(['2', '3']);
  });

  test('while a message waits for another try, also one that others were put before', async () => {
    const world = await newWorld();
    const before = runOutbox(world);
    await world.bot.control('faults', { method: 'sendMessage', error_code: 500 });
    const id = await before.send(1, 'again');
    await until(async () => (await before.find(id)).error !== null);
    // It takes the place at the head of the lane, until it has gone.
    await before.reply(1, 'reply');
    await called(before, 2);
    world.clock.set(world.clock.now() + byMs);
    await before.advance(500);
    await called(before, 3);
    expect(texts(before.calls)).toEqual(['again', 'reply', 'again']);
  });

  test('while the process is down, and Telegram has asked to wait: it is asked again no later than that', async () => {
    const world = await newWorld();
    const before = runOutbox(world);
    await world.bot.control('faults', { method: 'sendMessage', error_code: 429, retry_after: 60 });
    const id = await before.send(1, 'patient');
    await until(async () => (await before.find(id)).error !== null);
    const next = await restart(world, before, world.clock.now() + byMs);
    const leftMs = Math.min(60 * S, Math.max(0, 60 * S - byMs));
    if (leftMs > 0) {
      await next.advance(leftMs - 1);
      expect(next.calls).toEqual([]);
      await next.advance(1);
    }
    await called(next, 1);
  });

  test('after a scheduled message has come due: it goes all the same', async () => {
    const world = await newWorld();
    const running = runOutbox(world, { rates: PACE });
    const { send, clock, advance, calls } = running;
    await send(1, 'first');
    await called(running, 1);
    await send(1, 'scheduled', { send_at: new Date(clock.now() + 500).toISOString() });
    // It is due, and waits for the pace.
    await advance(500);
    clock.set(clock.now() + byMs);
    await advance(500);
    await called(running, 2);
    expect(texts(calls)).toEqual(['first', 'scheduled']);
  });
});
