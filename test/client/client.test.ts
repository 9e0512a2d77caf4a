import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ClientEvent, type EventsOptions, EventsRefused, events } from '../../src/client/client.ts';
import { systemClock } from '../../src/clock.ts';
import { limits } from '../../src/limits.ts';
import { startEdge } from '../http/edge.ts';
import { manualClock, settle } from '../support/clock.ts';

/** Comes back at once. */
const AT_ONCE = {
  clock: {
    ...systemClock,
    setTimeout: (fn: () => void, ms: number) => systemClock.setTimeout(fn, ms > 40_000 ? ms : 0),
  },
};

/** Takes so many events, and leaves. */
async function take(count: number, options: EventsOptions): Promise<ClientEvent[]> {
  const taken: ClientEvent[] = [];
  if (count === 0) return taken;
  for await (const event of events({ ...AT_ONCE, ...options })) {
    taken.push(event);
    if (taken.length >= count) break;
  }
  return taken;
}

const seqs = (taken: readonly ClientEvent[]) => taken.map((event) => ('seq' in event ? event.seq : event.type));

describe('the events of a journal', () => {
  test('come whole, from where they are wanted, and go on behind the id that was kept', async () => {
    const edge = await startEdge();
    const at = { url: `${edge.url}/`, key: edge.admin.text };
    for (let n = 0; n < 5; n += 1) await edge.append('7', { n });
    const [first] = await take(1, { ...at, after: 'earliest' });
    expect(first).toEqual({
      ...{ id: 'stream.1', seq: 1, type: 'update.received', bot: '123', chat: '7', at: expect.any(String) },
      update: { n: 0 },
    });
    const [, third] = await take(2, { ...at, after: 'stream.1' });
    expect(third).toMatchObject({ seq: 3 });
    const before = edge.journal.bounds().head;
    let live: readonly ClientEvent[] | null = null;
    void take(1, at).then((taken) => {
      live = taken;
    });
    // Whenever it begins, it begins with what comes then.
    while (live === null) {
      await edge.append('7');
      await settle();
    }
    expect(seqs(live)[0]).toBeGreaterThan(before);
    while (edge.status.getSnapshot().context.operators.connected > 0) await settle();
  });

  test('come once and in order, however often the stream breaks', async () => {
    const edge = await startEdge();
    const stop = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      const options = { url: edge.url, key: edge.admin.text, after: 'earliest', signal: stop.signal, ...AT_ONCE };
      for await (const event of events(options)) {
        if (!('seq' in event)) throw new Error(event.type);
        seen.push(event.seq);
        if (seen.length === 600) stop.abort();
      }
    })();
    for (let n = 1; n <= 600; n += 1) {
      await edge.append('7', { text: 'x'.repeat(n % 50 === 0 ? 300_000 : 10) });
      if (n % 37 === 0) edge.cutStreams();
    }
    await reading;
    expect(seen).toEqual(Array.from({ length: 600 }, (_, i) => i + 1));
  });

  test('of certain chats and types, and those of a key for certain chats, leave numbers out and are no gaps', async () => {
    const edge = await startEdge();
    for (let n = 0; n < 12; n += 1)
      await edge.append(n % 2 === 0 ? '7' : '8', {}, n % 3 === 0 ? 'chat.moved' : 'update.received');
    const at = { url: edge.url, after: 'earliest' };
    expect(seqs(await take(6, { ...at, key: edge.admin.text, chats: [7] }))).toEqual([1, 3, 5, 7, 9, 11]);
    expect(seqs(await take(4, { ...at, key: edge.admin.text, types: ['chat.moved'] }))).toEqual([1, 4, 7, 10]);
    const own = edge.key('operator', { chats: ['8'] });
    expect(seqs(await take(6, { ...at, key: own.text }))).toEqual([2, 4, 6, 8, 10, 12]);
  });

  test('of a journal made anew begin with a reset', async () => {
    const edge = await startEdge();
    await edge.append('7');
    const taken = await take(2, { url: edge.url, key: edge.admin.text, after: 'another.42' });
    expect(taken).toMatchObject([{ type: 'stream.reset', stream: 'stream' }, { seq: 1 }]);
    const beyond = await take(2, { url: edge.url, key: edge.admin.text, after: 'stream.42' });
    expect(beyond).toMatchObject([{ type: 'stream.reset', stream: 'stream' }, { seq: 1 }]);
  });

  test('begin with what comes next where no id was kept, also where an empty one was', async () => {
    const { at, asked } = await serving([[{ ...hello, head: 4 }, entry(5)]]);
    expect(seqs(await take(1, { ...at, after: '' }))).toEqual([5]);
    expect(asked).toEqual(['/v1/events?from=latest']);
  });

  test('end when the signal says so, whatever is under way', async () => {
    const edge = await startEdge();
    const stop = new AbortController();
    const next = events({ url: edge.url, key: edge.admin.text, signal: stop.signal }).next();
    while (edge.status.getSnapshot().context.operators.connected === 0) await settle();
    stop.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await events({ url: edge.url, key: edge.admin.text, signal: stop.signal }).next()).toMatchObject({
      done: true,
    });
  });

  test('are refused with what Switchboard says, also once the key is revoked', async () => {
    const edge = await startEdge();
    const operator = edge.key('operator');
    const refusal = (options: Partial<EventsOptions>) =>
      take(1, { url: edge.url, key: operator.text, ...options }).catch((error: unknown) => error);
    expect(await refusal({ key: '1:none' })).toBeInstanceOf(EventsRefused);
    expect(await refusal({ key: '1:none' })).toMatchObject({ status: 401, code: 'key_missing' });
    expect(await refusal({ key: edge.key('aggregator').text })).toMatchObject({ status: 403, code: 'scope_missing' });
    expect(await refusal({ after: 'nonsense' })).toMatchObject({ status: 400, code: 'event_id_malformed' });
    const running = refusal({});
    while (edge.status.getSnapshot().context.operators.connected === 0) await settle();
    edge.keyring.revoke(operator.id);
    expect(await running).toMatchObject({ status: 401, code: 'key_missing' });
  });
});

/** A server that gives these answers, one after the other: lines of a stream, or a status with its headers. */
async function serving(
  answers: readonly (
    | readonly object[]
    | { status: number; retryAfter?: string }
    | { text: string }
    | 'reset'
    | 'silence'
    | 'no answer'
  )[],
) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const answer = answers[asked.length - 1];
    if (answer === undefined || answer === 'reset') return void request.socket.destroy();
    if (answer === 'no answer') return;
    if (answer === 'silence') return void response.writeHead(200).flushHeaders();
    if ('text' in answer) return void response.write(answer.text);
    if ('status' in answer) {
      const headers = answer.retryAfter === undefined ? {} : { 'retry-after': answer.retryAfter };
      return void response.writeHead(answer.status, headers).end();
    }
    response.end(answer.map((line) => `${JSON.stringify(line)}\n`).join(''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { at: { url: `http://127.0.0.1:${port}`, key: 'k', after: 'earliest' }, asked };
}

const hello = { type: 'stream.hello', stream: 's', first: 1, head: 9 };
const entry = (seq: number) => ({
  seq,
  type: 'update.received',
  bot: '1',
  chat: '7',
  at: '',
  update: { update_id: seq },
});

describe('what is missing', () => {
  test('is told as the server declares it', async () => {
    const { at } = await serving([[hello, { type: 'stream.gap', from: 1, to: 3 }, entry(4)]]);
    expect(await take(2, at)).toMatchObject([
      { type: 'stream.gap', from: 1, to: 3 },
      { seq: 4, id: 's.4' },
    ]);
  });

  test('without a word is asked for again; what comes twice is given once', async () => {
    const { at, asked } = await serving([
      [hello, entry(1), entry(3)],
      [hello, entry(1), entry(2), entry(3)],
    ]);
    expect(seqs(await take(3, at))).toEqual([1, 2, 3]);
    expect(asked).toEqual(['/v1/events?from=earliest', '/v1/events?last_event_id=s.1']);
  });

  test('and does not come when it is asked for again is told as a gap', async () => {
    const { at } = await serving([
      [hello, entry(1), entry(3)],
      [hello, entry(3), entry(4)],
    ]);
    expect(await take(4, at)).toMatchObject([
      { seq: 1 },
      { type: 'stream.gap', from: 2, to: 2 },
      { seq: 3 },
      { seq: 4 },
    ]);
  });
});

describe('a journal that is another', () => {
  const other = { ...hello, stream: 'new', head: 99 };

  test('is told once, also where the connection breaks before the server tells it', async () => {
    const { at, asked } = await serving([[other], [other, entry(1)]]);
    expect(await take(2, { ...at, after: 'old.42' })).toMatchObject([
      { type: 'stream.reset', stream: 'new' },
      { seq: 1, id: 'new.1' },
    ]);
    expect(asked).toEqual(['/v1/events?last_event_id=old.42', '/v1/events?last_event_id=new.0']);
  });

  test('is told once where it comes in the middle, or has the name and is not as long', async () => {
    for (const next of [other, { ...hello, head: 1 }]) {
      const { at, asked } = await serving([
        [hello, entry(1), entry(2)],
        [next, { type: 'stream.reset' }, entry(1)],
      ]);
      expect(seqs(await take(4, at))).toEqual([1, 2, 'stream.reset', 1]);
      expect(asked[1]).toBe('/v1/events?last_event_id=s.2');
    }
  });
});

/** Comes back at once, and notes how long it would have waited. */
function noting() {
  const waits: number[] = [];
  const clock = {
    ...systemClock,
    setTimeout(fn: () => void, ms: number) {
      if (ms !== limits.clientSilenceMs) waits.push(ms);
      return systemClock.setTimeout(fn, ms === limits.clientSilenceMs ? ms : 0);
    },
  };
  return { waits, clock };
}

describe('coming back', () => {
  test('happens after whatever breaks the connection', async () => {
    const { at, asked } = await serving([
      'reset',
      { status: 503 },
      [hello, entry(1)],
      { status: 429 },
      [hello, entry(2)],
    ]);
    expect(seqs(await take(2, at))).toEqual([1, 2]);
    expect(asked).toHaveLength(5);
  });

  test('waits longer each time nothing comes, with jitter, and as long as the server says', async () => {
    const { waits, clock } = noting();
    const { at } = await serving([
      'reset',
      'reset',
      'reset',
      { status: 503, retryAfter: '7' },
      [hello, entry(1)],
      'reset',
      [hello, entry(2)],
    ]);
    await take(2, { ...at, clock, random: () => 1 });
    expect(waits).toEqual([500, 1000, 2000, 7000, 500, 1000]);
  });

  test('waits longer also where each stream opens and ends with nothing in it; a heartbeat shows that one lasts', async () => {
    const { waits, clock } = noting();
    const beat = { type: 'stream.heartbeat' };
    const old = { ...entry(1), update: {} };
    const { at } = await serving([[hello], [hello, entry(1)], [hello], [hello, old], [hello, beat], [hello, entry(2)]]);
    await take(2, { ...at, clock, random: () => 1 });
    expect(waits).toEqual([500, 500, 1000, 2000, 500]);
  });

  test('is spread: of each wait from half to the whole', async () => {
    const { waits, clock } = noting();
    const { at } = await serving(['reset', 'reset', 'reset', [hello, entry(1)]]);
    const random = [0, 0.5, 1][Symbol.iterator]();
    await take(1, { ...at, clock, random: () => random.next().value ?? 0 });
    expect(waits).toEqual([250, 750, 2000]);
  });

  test('happens where a line grows beyond all bounds: it is given up', async () => {
    const { at, asked } = await serving([{ text: `"${'x'.repeat(limits.clientLineLengthMax)}` }, [hello, entry(1)]]);
    expect(seqs(await take(1, at))).toEqual([1]);
    expect(asked).toHaveLength(2);
  });

  test.each(['silence', 'no answer'] as const)('happens after %s for too long', async (first) => {
    const { at, asked } = await serving([first, [hello, entry(1)]]);
    const clock = manualClock();
    const taken = take(1, { ...at, clock });
    while (asked.length === 0) await settle();
    // The answer's head is on its way until the reader waits for a line.
    while (asked.length < 2) await clock.advance(limits.clientSilenceMs);
    expect(seqs(await taken)).toEqual([1]);
  });
});
