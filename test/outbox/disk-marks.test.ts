import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { createDiskMarks } from '../../src/outbox/disk-marks.ts';
import { until } from '../ingress/support.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { newWorld, runOutbox, texts } from './support.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

/** A process's marks. The one before was killed: it closed nothing. */
function open({
  bootId = 'boot 1',
  stream = 's',
  at = folder,
}: {
  bootId?: string | null;
  stream?: string;
  at?: string;
} = {}) {
  const marks = createDiskMarks({
    folder: at,
    stream,
    bootId,
    log: { warn: () => expect.fail('a mark was not taken') },
  });
  onTestFinished(() => marks.close());
  return marks;
}
function serve(options?: Parameters<typeof open>[0]) {
  const marks = open(options);
  marks.begin();
  return marks;
}
const call = (seq: number, attempts = 1) => ({ seq, attempts });

describe('I5: that a call never left is proved by its mark alone', () => {
  test('a call that waited when its process was killed is known by the next, one that left is not', () => {
    const killed = serve();
    killed.waiting([call(1), call(2), call(3, 4)]);
    killed.leaving(call(2));
    const { neverLeft } = open();
    expect([call(1), call(2), call(3, 4), call(3, 1), call(9)].map(neverLeft)).toEqual([
      true,
      false,
      true,
      false,
      false,
    ]);
  });

  test('after the machine was started anew, of another journal, or where no boot is known, nothing is', () => {
    for (const other of [{ bootId: 'boot 2' }, { stream: 'other' }, { bootId: null }, {}]) {
      serve().waiting([call(1)]);
      expect(open(other).neverLeft(call(1))).toBe(Object.keys(other).length === 0);
    }
  });

  test('nor from a file that is cut short, of another kind or not there', () => {
    const path = join(folder, 'switchboard.sending');
    expect(open().neverLeft(call(1))).toBe(false);
    for (const [bytes, isKnown] of [
      [300, true],
      [260, false],
    ] as const) {
      serve().waiting([call(1)]);
      truncateSync(path, bytes);
      expect(open().neverLeft(call(1))).toBe(isKnown);
    }
    writeFileSync(path, 'something else');
    expect(open().neverLeft(call(1))).toBe(false);
  });

  test('once a process has settled what it found, the marks are its own', () => {
    serve().waiting([call(1)]);
    serve().waiting([call(2)]);
    const { neverLeft } = open();
    expect([neverLeft(call(1)), neverLeft(call(2))]).toEqual([false, true]);
  });

  test('a mark of a claim that was not committed proves nothing once another process may have made that call', () => {
    for (const between of [() => open({ bootId: null }), () => open()]) {
      serve().waiting([call(1)]);
      // It notes nothing: it knows no boot, or cannot write.
      between();
      expect(open().neverLeft(call(1))).toBe(false);
    }
  });

  test('a call that is noted twice, as its claim was not committed at first, leaves no mark behind', () => {
    const killed = serve();
    killed.waiting([call(1)]);
    killed.waiting([call(5), call(1)]);
    killed.leaving(call(1));
    expect(open().neverLeft(call(1))).toBe(false);
  });

  test('a message that is tried again has one mark, of its last try', () => {
    const killed = serve();
    killed.waiting([call(1, 1)]);
    killed.waiting([call(1, 2)]);
    const { neverLeft } = open();
    expect([neverLeft(call(1, 1)), neverLeft(call(1, 2))]).toEqual([false, true]);
  });

  test('I9: beyond the bound the oldest counts as left, and its leaving takes no mark of another', () => {
    const killed = serve();
    for (let seq = 1; seq <= limits.sendMarks + 1; seq += 1) killed.waiting([call(seq)]);
    killed.leaving(call(1));
    expect(statSync(join(folder, 'switchboard.sending')).size).toBeLessThan(20_000);
    const { neverLeft } = open();
    expect([1, 2, limits.sendMarks + 1].map((seq) => neverLeft(call(seq)))).toEqual([false, true, true]);
  });

  test('once the marks are closed, what waits does not leave any more', () => {
    const stopped = serve();
    stopped.waiting([call(1)]);
    stopped.close();
    expect(() => stopped.leaving(call(1))).toThrow('closed');
    expect(open().neverLeft(call(1))).toBe(true);
  });

  test('where they cannot be written, everything goes on, and nothing is proved', () => {
    mkdirSync(join(folder, 'switchboard.sending'));
    const warned: object[] = [];
    const log = { warn: (fields: object) => void warned.push(fields) };
    const marks = createDiskMarks({ folder, stream: 's', bootId: 'boot 1', log });
    marks.begin();
    marks.waiting([call(1)]);
    marks.leaving(call(1));
    expect(warned).toMatchObject([{ event: 'send_marks_failed' }]);
  });

  test('nobody else may read the file, and nothing of a message is in it', () => {
    serve();
    expect(statSync(join(folder, 'switchboard.sending')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, 'switchboard.sending'), 'utf8').replaceAll('\0', '')).toBe(
      'switchboard sending 1\nboot 1\ns\n',
    );
  });
});

test('a start after a crash sends what had not left, and leaves what may have arrived to somebody', async () => {
  const world = await newWorld();
  const at = world.folder;
  const marks = serve({ at });
  const dying = runOutbox(world, {
    marks,
    through: (api) => ({
      ...api,
      call(_, params, options) {
        if (params.text === 'left') options?.onLeaving?.();
        return new Promise(() => {});
      },
    }),
  });
  const [left, waits] = [await dying.send(1, 'left'), await dying.send(2, 'waits')];
  await until(() => dying.calls.length === 2);

  const next = runOutbox({ ...world, journal: openJournal(at, world.clock) }, { marks: open({ at }) });
  expect(await next.sender.recover()).toBe(1);
  expect((await next.fateOf(waits)).status).toBe('sent');
  expect(await next.find(left)).toMatchObject({ status: 'unknown' });
  expect(texts(next.calls)).toEqual(['waits']);
  expect(await next.find(waits)).toMatchObject({ attempts: 2, error: null });
  // What is sent now is no proof of what waited before.
  expect(open({ at }).neverLeft({ seq: Number(waits.split('-')[1]), attempts: 1 })).toBe(false);
});

test('a call whose leaving cannot be noted does not leave, and is tried again', async () => {
  const world = await newWorld();
  let isFull = true;
  const marks = {
    ...serve({ at: world.folder }),
    leaving() {
      if (isFull) throw new Error('ENOSPC');
    },
  };
  const running = runOutbox(world, { marks });
  const id = await running.send(1, 'x');
  await until(async () => (await running.find(id)).attempts === 1 && (await running.find(id)).status === 'queued');
  expect(await running.seenBy(1)).toEqual([]);
  isFull = false;
  await running.advance(500);
  expect((await running.fateOf(id)).status).toBe('sent');
  expect(await running.seenBy(1)).toEqual(['x']);
});
