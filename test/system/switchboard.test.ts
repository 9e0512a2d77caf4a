import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type AnyEventObject, fromCallback, setup } from 'xstate';
import { systemClock } from '../../src/clock.ts';
import { limits } from '../../src/limits.ts';
import type { StatusStore } from '../../src/status.ts';
import { createStatus, PART_NAMES, type PartName } from '../../src/status.ts';
import { createSwitchboard } from '../../src/switchboard.ts';
import { startEdge } from '../http/edge.ts';

/** What the parts have gone through. */
interface Story {
  readonly starts: PartName[];
  readonly heard: string[];
  readonly failures: { readonly name: PartName; readonly error: unknown; readonly delayMs: number }[];
  readonly ends: { readonly name: PartName; readonly output: unknown }[];
}

const handOver = { actions: 'handOver' } as const;

/** A part as the outbox and the poller are ones: it fails where it is told to, and drains in its own time. */
const partOf = (name: PartName, { starts, heard }: Story, status: StatusStore) =>
  setup({
    actors: {
      hands: fromCallback<AnyEventObject>(({ receive, sendBack }) => {
        starts.push(name);
        status.trigger.part({ name, state: 'up' });
        receive(({ type }) => {
          heard.push(`${name} ${type}`);
          if (type === 'fail') throw new Error(`${name} broke`);
          if (type === 'finish') sendBack({ type: 'finished' });
        });
      }),
    },
    actions: { handOver: ({ event, self }) => self.getSnapshot().children.hands?.send(event) },
  }).createMachine({
    initial: 'running',
    output: 'its last word',
    invoke: { src: 'hands', id: 'hands' },
    on: { finished: '.ended', fail: handOver, finish: handOver, drain: handOver, work: handOver },
    states: { running: {}, ended: { type: 'final' } },
  });

/** A switchboard of such parts. `random` is what jitter draws. */
function begin({ random = 0, status = createStatus(0) } = {}) {
  const story: Story = { starts: [], heard: [], failures: [], ends: [] };
  const part = (name: PartName) => partOf(name, story, status);
  const switchboard = createSwitchboard({
    parts: {
      ingress: part('ingress'),
      conversations: part('conversations'),
      backend: part('backend'),
      operators: part('operators'),
      outbox: part('outbox'),
    },
    clock: systemClock,
    random: () => random,
    onFailure: (name, error, delayMs) => {
      story.failures.push({ name, error, delayMs });
      status.trigger.part({ name, state: 'restarting', detail: String(error) });
    },
    onEnd: (name, output) => story.ends.push({ name, output }),
  });
  switchboard.start();
  const tell = (name: PartName, type: string) => switchboard.part(name)?.send({ type });
  return { switchboard, tell, status, ...story };
}

describe('the supervision of the live actors', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  test('every part starts once, and nothing runs before the start or after the stop', () => {
    const { switchboard, starts, tell, heard } = begin();
    expect(starts.toSorted()).toEqual([...PART_NAMES].sort());
    switchboard.stop();
    for (const name of PART_NAMES) tell(name, 'work');
    expect(heard).toEqual([]);
    vi.advanceTimersByTime(limits.restartMaxMs * 3);
    expect(starts).toHaveLength(PART_NAMES.length);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a part that fails is started again after a while, and the others go on', () => {
    const { starts, heard, failures, tell, switchboard } = begin();
    tell('outbox', 'fail');
    expect(failures).toEqual([{ name: 'outbox', error: new Error('outbox broke'), delayMs: limits.restartMinMs / 2 }]);
    expect(switchboard.part('outbox')).toBeNull();
    for (const name of PART_NAMES) tell(name, 'work');
    expect(heard.slice(1)).toEqual(['ingress work', 'conversations work', 'backend work', 'operators work']);
    vi.advanceTimersByTime(limits.restartMinMs / 2 - 1);
    expect(starts).toHaveLength(PART_NAMES.length);
    vi.advanceTimersByTime(1);
    expect(starts.slice(PART_NAMES.length)).toEqual(['outbox']);
    tell('outbox', 'work');
    expect(heard.at(-1)).toBe('outbox work');
    switchboard.stop();
  });

  test.each(PART_NAMES)(
    '%s is restarted as often as it fails, each time after a longer while, up to a bound',
    (name) => {
      const { failures, starts, tell, switchboard } = begin({ random: 1 });
      const delays = [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
      for (const [i, delayMs] of delays.entries()) {
        tell(name, 'fail');
        expect(failures[i]).toMatchObject({ name, delayMs });
        vi.advanceTimersByTime(delayMs);
        expect(starts).toHaveLength(PART_NAMES.length + i + 1);
      }
      switchboard.stop();
    },
  );

  test('a part that ran for long is forgiven its earlier failures', () => {
    const { failures, tell, switchboard } = begin({ random: 1 });
    for (const delayMs of [250, 500]) {
      tell('ingress', 'fail');
      vi.advanceTimersByTime(delayMs);
    }
    vi.advanceTimersByTime(limits.restartMaxMs * 2 - 1);
    tell('ingress', 'fail');
    vi.advanceTimersByTime(1000 + limits.restartMaxMs * 2);
    tell('ingress', 'fail');
    expect(failures.map(({ delayMs }) => delayMs)).toEqual([250, 500, 1000, 250]);
    switchboard.stop();
  });

  test('parts that fail together are restarted each for itself', () => {
    const { failures, starts, tell, switchboard } = begin({ random: 1 });
    tell('backend', 'fail');
    vi.advanceTimersByTime(250);
    for (const name of PART_NAMES) tell(name, 'fail');
    expect(failures.map(({ name, delayMs }) => `${name} ${delayMs}`)).toEqual([
      'backend 250',
      ...PART_NAMES.map((name) => `${name} ${name === 'backend' ? 500 : 250}`),
    ]);
    starts.length = 0;
    vi.advanceTimersByTime(250);
    expect(starts.toSorted()).toEqual(['conversations', 'ingress', 'operators', 'outbox']);
    vi.advanceTimersByTime(250);
    expect(starts.at(-1)).toBe('backend');
    switchboard.stop();
  });

  test('a part that came to its own end is told of, and not started again', () => {
    const { ends, failures, starts, tell, switchboard } = begin();
    tell('ingress', 'finish');
    expect(ends).toEqual([{ name: 'ingress', output: 'its last word' }]);
    expect(switchboard.part('ingress')).toBeNull();
    vi.advanceTimersByTime(limits.restartMaxMs * 3);
    expect(starts).toHaveLength(PART_NAMES.length);
    expect(failures).toEqual([]);
    tell('outbox', 'work');
    expect(switchboard.part('outbox')).not.toBeNull();
    switchboard.stop();
  });

  test('a drain waits until the part has ended', async () => {
    const { switchboard, heard, tell, ends } = begin();
    let drained = false;
    const draining = switchboard.drain('outbox', 1000).then(() => {
      drained = true;
    });
    expect(heard).toEqual(['outbox drain']);
    await vi.advanceTimersByTimeAsync(999);
    expect(drained).toBe(false);
    tell('outbox', 'finish');
    await draining;
    expect(ends.map(({ name }) => name)).toEqual(['outbox']);
    switchboard.stop();
  });

  test('a drain that takes too long is given up, naming the part', async () => {
    const { switchboard } = begin();
    const draining = switchboard.drain('ingress', 1000);
    const refusal = expect(draining).rejects.toThrow(/^ingress did not drain in time: /);
    await vi.advanceTimersByTimeAsync(1000);
    await refusal;
    switchboard.stop();
  });

  test('a drain of a part that has ended, or is down, waits for nothing, and the part stays down', async () => {
    const { switchboard, tell, starts } = begin();
    tell('ingress', 'finish');
    tell('outbox', 'fail');
    await switchboard.drain('ingress', 1000);
    await switchboard.drain('outbox', 1000);
    await vi.advanceTimersByTimeAsync(limits.restartMaxMs);
    expect(starts.filter((name) => name === 'outbox')).toHaveLength(1);
    switchboard.stop();
  });

  test('a part that breaks while it drains does not hold the drain up', async () => {
    const { switchboard, tell, failures } = begin();
    const draining = switchboard.drain('outbox', 1000).catch((error: unknown) => error);
    tell('outbox', 'fail');
    await vi.advanceTimersByTimeAsync(0);
    await draining;
    expect(failures).toHaveLength(1);
    switchboard.stop();
  });
});

test('/readyz says which part is being restarted, and when it is back', async () => {
  const edge = await startEdge();
  edge.status.trigger.service({ state: 'ready' });
  const { tell, switchboard, starts } = begin({ status: edge.status });
  const ready = async () => {
    const response = await edge.get('/readyz');
    return { status: response.status, ...JSON.parse(await response.text()) };
  };
  expect(await ready()).toMatchObject({ status: 200, ready: true });
  const back = new Promise<void>((resolve) => {
    const { unsubscribe } = edge.status.subscribe(({ context }) => {
      if (starts.length === PART_NAMES.length || context.parts.outbox.state !== 'up') return;
      unsubscribe();
      resolve();
    });
  });
  tell('outbox', 'fail');
  expect(await ready()).toMatchObject({
    status: 200,
    ready: true,
    parts: { outbox: { state: 'restarting', detail: 'Error: outbox broke' }, ingress: { state: 'up' } },
  });
  await back;
  expect(await ready()).toMatchObject({ status: 200, ready: true, parts: { outbox: { state: 'up', detail: null } } });
  switchboard.stop();
});
