import { EventSource } from 'eventsource';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { limits } from '../../src/limits.ts';
import { manualClock } from '../support/clock.ts';
import { withLimits } from '../support/limits.ts';
import { json, startEdge, until } from './edge.ts';

const Page = Compile(
  Type.Object({
    events: Type.Array(Type.Object({ seq: Type.Integer() })),
    more: Type.Boolean(),
    last_event_id: Type.String(),
  }),
);

/** Reads a stream until it has so many events that are not control events; then lets it go. */
async function read(response: Response, count: number) {
  const events: EventSourceMessage[] = [];
  const control: string[] = [];
  const parser = createParser({
    onEvent: (event) => (event.event?.startsWith('stream.') ? control.push(event.event) : events.push(event)),
  });
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (events.length >= count) break;
  }
  return { control, ids: events.map(({ id }) => id), data: events.map(({ data }) => JSON.parse(data)) };
}

const lines = async (response: Response, count: number): Promise<unknown[]> => {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.split('\n').length > count) break;
  }
  return text
    .split('\n')
    .slice(0, count)
    .map((line) => JSON.parse(line));
};

describe('a stream', () => {
  test('is what the contract says, byte by byte', async () => {
    const edge = await startEdge({ clock: manualClock() });
    await edge.append('777', { text: 'hi' });
    const response = await edge.get('/v1/events?from=earliest');
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += new TextDecoder().decode(chunk);
      if (text.includes('"hi"')) break;
    }
    expect(text.split('\n\n')).toEqual([
      'retry: 1000\nevent: stream.hello\ndata: {"type":"stream.hello","stream":"stream","first":1,"head":1}',
      'id: stream.0',
      'id: stream.1\nevent: update.received\n' +
        'data: {"seq":1,"type":"update.received","bot":"123","chat":"777","at":"2026-01-01T00:00:00.000Z","update":{"text":"hi"}}',
      '',
    ]);
  });

  test('begins at the newest entry, unless it is asked for the earliest', async () => {
    const edge = await startEdge();
    await edge.append('7');
    const [latest, earliest] = [await edge.get('/v1/events'), await edge.get('/v1/events?from=earliest')];
    await edge.append('7');
    expect((await read(latest, 1)).ids).toEqual(['stream.2']);
    expect((await read(earliest, 2)).ids).toEqual(['stream.1', 'stream.2']);
  });

  test('goes on after an id, in the header or the query; the header wins, and an empty one is none', async () => {
    const edge = await startEdge();
    for (let n = 0; n < 4; n += 1) await edge.append('7');
    const ask = async (query: string, header?: string) => {
      const headers = header === undefined ? {} : { 'last-event-id': header };
      return (await read(await edge.get(`/v1/events${query}`, { ...edge.admin.header, ...headers }), 1)).ids[0];
    };
    expect(await ask('?last_event_id=stream.2')).toBe('stream.3');
    expect(await ask('', 'stream.1')).toBe('stream.2');
    expect(await ask('?last_event_id=stream.1', 'stream.3')).toBe('stream.4');
    expect(await ask('?from=earliest', '')).toBe('stream.1');
    expect(await ask('?last_event_id=stream.3', '')).toBe('stream.4');
    expect(await ask('?from=earliest', 'stream.3')).toBe('stream.4');
  });

  test('of an id of another stream, or beyond the head, begins anew and says so', async () => {
    const edge = await startEdge();
    await edge.append('7');
    for (const id of ['other.1', 'stream.99']) {
      const { control, ids } = await read(await edge.get(`/v1/events?last_event_id=${id}`), 1);
      expect(control).toEqual(['stream.hello', 'stream.reset']);
      expect(ids).toEqual(['stream.1']);
    }
  });

  test('of an id that is none is refused, with the form of one', async () => {
    const edge = await startEdge();
    for (const id of ['5', 'stream.', 'stream.x', '%0A', 'stream.1%0Adata:x']) {
      const response = await edge.get(`/v1/events?last_event_id=${id}`);
      expect(response.status).toBe(400);
      const problem = {
        code: 'event_id_malformed',
        detail: 'An event id has the form <stream>.<seq>, as in stream.42',
      };
      expect(await json(response)).toMatchObject({ ...problem, errors: [{ field: 'last_event_id' }] });
    }
  });

  test('can be had as NDJSON', async () => {
    const edge = await startEdge();
    await edge.append('7', { a: 1 });
    const accept = { ...edge.admin.header, accept: 'application/x-ndjson' };
    const response = await edge.get('/v1/events?from=earliest', accept);
    expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    expect(await lines(response, 2)).toMatchObject([
      { type: 'stream.hello', stream: 'stream', first: 1, head: 1 },
      { seq: 1, type: 'update.received', update: { a: 1 } },
    ]);
  });

  test('can be narrowed to chats and types', async () => {
    const edge = await startEdge();
    for (const chat of ['7', '8', '9', null]) {
      await edge.append(chat);
      await edge.append(chat, {}, 'chat.moved');
    }
    const ids = async (query: string, count: number) => (await read(await edge.get(`/v1/events?${query}`), count)).ids;
    expect(await ids('from=earliest&chat=7', 2)).toEqual(['stream.1', 'stream.2']);
    expect(await ids('from=earliest&chat=7&chat=9', 4)).toEqual(['stream.1', 'stream.2', 'stream.5', 'stream.6']);
    expect(await ids('from=earliest&type=chat.moved', 4)).toEqual(['stream.2', 'stream.4', 'stream.6', 'stream.8']);
    expect(await ids('from=earliest&type=chat.moved&chat=8', 1)).toEqual(['stream.4']);
  });

  test('finds the few entries of its filters behind thousands of others of the chat', async () => {
    const edge = await startEdge();
    await edge.journal.write(async (tx) => {
      for (let n = 0; n < 2500; n += 1) tx.append({ type: 'update.received', chat: '7', body: '{}' });
      tx.append({ type: 'chat.moved', chat: '7', body: '{}' });
    });
    const { ids } = await read(await edge.get('/v1/events?from=earliest&chat=7&type=chat.moved'), 1);
    expect(ids).toEqual(['stream.2501']);
  });

  test('of a type or chat that cannot be is refused, naming what can', async () => {
    const edge = await startEdge();
    const type = await edge.get('/v1/events?type=update.lost');
    expect(type.status).toBe(400);
    expect(await json(type)).toMatchObject({
      code: 'request_invalid',
      errors: [{ field: 'type', message: expect.stringContaining('update.received') }],
    });
    // What is written in another way would be found in the journal, and not be heard as it comes.
    for (const chat of ['my%20chat', '0777', '-0', '0', '-', '%2B7', '12345678901234567']) {
      const refused = await edge.get(`/v1/events?chat=${chat}`);
      expect(refused.status, chat).toBe(400);
      expect(await json(refused)).toMatchObject({ code: 'request_invalid', errors: [{ field: 'chat' }] });
    }
    const from = await edge.get('/v1/events?from=yesterday');
    expect(await json(from)).toMatchObject({ errors: [{ field: 'from', message: 'must be one of earliest, latest' }] });
  });

  test('counts against its key, and no longer once it has ended', async () => {
    const edge = await startEdge({ streamsPerKeyMax: 2 });
    const streams = [await edge.get('/v1/events'), await edge.get('/v1/events')];
    const third = await edge.get('/v1/events');
    expect([third.status, third.headers.get('retry-after')]).toEqual([429, '2']);
    expect(await json(third)).toMatchObject({ code: 'too_many_streams' });
    expect((await edge.get('/v1/events', edge.key('operator').header)).status).toBe(200);
    await streams[0]?.body?.cancel();
    await until(() => edge.status.getSnapshot().context.operators.connected === 2);
    expect((await edge.get('/v1/events')).status).toBe(200);
  });
});

test('what retention took is told as a gap, in a stream and in a poll, and reading goes on behind it', async () => {
  const edge = await startEdge();
  for (let n = 0; n < 8; n += 1) await edge.append('7');
  await edge.journal.write(async (tx) => tx.trim(6));
  const accept = { ...edge.admin.header, accept: 'application/x-ndjson' };
  expect(await lines(await edge.get('/v1/events?last_event_id=stream.2', accept), 5)).toMatchObject([
    { type: 'stream.hello', first: 6, head: 8 },
    { type: 'stream.gap', from: 3, to: 5 },
    { seq: 6 },
    { seq: 7 },
    { seq: 8 },
  ]);
  const poll = await json(await edge.get('/v1/events?poll=1&last_event_id=stream.2&limit=2'));
  expect(poll).toMatchObject({ first: 6, gap: { from: 3, to: 5 }, events: [{ seq: 6 }, { seq: 7 }], more: true });
  const earliest = await json(await edge.get('/v1/events?poll=1&from=earliest&limit=1'));
  expect(earliest).toMatchObject({ gap: null, events: [{ seq: 6 }] });
});

test('a reader of rare entries comes back behind those that were not for it, and is told of no gap', async () => {
  const clock = manualClock();
  const edge = await startEdge({ clock });
  const rare = await edge.get('/v1/events?type=chat.quarantined');
  for (let n = 0; n < 5; n += 1) await edge.append('7');
  const text: string[] = [];
  const left = (async () => {
    for await (const chunk of rare.body ?? []) text.push(Buffer.from(chunk).toString());
  })();
  await clock.advance(15_000);
  await edge.journal.write(async (tx) => tx.trim(5));
  edge.cutStreams();
  await left;
  const id = /id: (\S+)\s*$/.exec(text.join(''))?.[1];
  expect(id).toBe('stream.5');
  await edge.append('7', {}, 'chat.quarantined');
  const { control, ids } = await read(await edge.get(`/v1/events?type=chat.quarantined&last_event_id=${id}`), 1);
  expect({ control, ids }).toEqual({ control: ['stream.hello'], ids: ['stream.6'] });
});

test('streams are counted over all keys too; who is refused does not keep the connection', async () => {
  const edge = await startEdge({ streamsMax: 2 });
  const streams = [
    await edge.get('/v1/events', edge.key('operator').header),
    await edge.get('/v1/events', edge.key('operator').header),
  ];
  const third = await edge.get('/v1/events', edge.key('operator').header);
  const { status, headers } = third;
  expect([status, headers.get('retry-after'), headers.get('connection')]).toEqual([503, '2', 'close']);
  expect(await json(third)).toMatchObject({ code: 'overloaded' });
  for (const { body } of streams) await body?.cancel();
});

describe('an EventSource client', () => {
  test('resumes a lost stream without loss or repeat', async () => {
    const edge = await startEdge();
    for (let n = 0; n < 3; n += 1) await edge.append('7');
    let connections = 0;
    const source = new EventSource(`${edge.url}/v1/events?from=earliest`, {
      fetch: async (url, init) => {
        connections += 1;
        return fetch(url, { ...init, headers: { ...init.headers, ...edge.admin.header } });
      },
    });
    onTestFinished(() => source.close());
    const seqs: number[] = [];
    const got = (count: number) => until(() => seqs.length >= count);
    source.addEventListener('update.received', ({ data }) => seqs.push(JSON.parse(data).seq));
    await got(3);
    // The connection is cut under the client, more is written, and it comes back by itself.
    for (let cut = 1; cut <= 2; cut += 1) {
      edge.cutStreams();
      for (let n = 0; n < 3; n += 1) await edge.append('7');
      await got(3 + cut * 3);
    }
    expect(connections).toBe(3);
    expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('that lost its stream before the first event misses nothing', async () => {
    const edge = await startEdge();
    await edge.append('7');
    const source = new EventSource(`${edge.url}/v1/events`, {
      fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...edge.admin.header } }),
    });
    onTestFinished(() => source.close());
    const seqs: number[] = [];
    let hellos = 0;
    source.addEventListener('stream.hello', () => {
      hellos += 1;
    });
    source.addEventListener('update.received', ({ data }) => seqs.push(JSON.parse(data).seq));
    await until(() => hellos === 1);
    edge.cutStreams();
    await edge.append('7');
    await until(() => seqs.length === 1);
    expect(seqs).toEqual([2]);
  });
});

describe('the end of a key', () => {
  test('ends its streams within a second; those of other keys go on', async () => {
    const clock = manualClock();
    const edge = await startEdge({ clock });
    const [mine, other] = [edge.key('operator'), edge.key('operator')];
    const stream = await edge.get('/v1/events', mine.header);
    const others = await edge.get('/v1/events', other.header);
    const end = (async () => {
      for await (const _ of stream.body ?? []);
    })();
    edge.keyring.revoke(mine.id);
    await clock.advance(1000);
    await end;
    await edge.append('7');
    expect((await read(others, 1)).ids).toEqual(['stream.1']);
    expect((await edge.get('/v1/events', mine.header)).status).toBe(401);
  });

  test('by time ends them too', async () => {
    const clock = manualClock();
    const edge = await startEdge({ clock });
    const stream = await edge.get('/v1/events', edge.key('operator', { expiresAt: clock.now() + 60_000 }).header);
    const end = (async () => {
      for await (const _ of stream.body ?? []);
    })();
    await clock.advance(61_000);
    await end;
    expect(edge.status.getSnapshot().context.operators.connected).toBe(0);
  });
});

describe('a restricted key', () => {
  test('sees its chats alone, live and earlier, and may ask for no other', async () => {
    const edge = await startEdge();
    const { header } = edge.key('operator', { chats: ['7', '9'] });
    for (const chat of ['7', '8', null, '9']) await edge.append(chat);
    const stream = await edge.get('/v1/events?from=earliest', header);
    for (const chat of ['8', null, '7']) await edge.append(chat);
    expect((await read(stream, 3)).ids).toEqual(['stream.1', 'stream.4', 'stream.7']);
    const one = await edge.get('/v1/events?from=earliest&chat=9', header);
    expect((await read(one, 1)).ids).toEqual(['stream.4']);
    for (const chat of ['8', '12345']) {
      const refused = await edge.get(`/v1/events?chat=7&chat=${chat}`, header);
      expect(refused.status).toBe(403);
      expect(await json(refused)).toMatchObject({ code: 'scope_missing' });
    }
    const page = await edge.get('/v1/events?from=earliest&poll=1', header);
    expect(await json(page)).toMatchObject({ events: [{ chat: '7' }, { chat: '9' }, { chat: '7' }] });
  });

  test('is told of the length of its own entries, wherever it begins, and not of what others write', async () => {
    const clock = manualClock();
    const edge = await startEdge({ clock });
    const { header } = edge.key('operator', { chats: ['7'] });
    const poll = async (query: string) => json(await edge.get(`/v1/events?poll=1&${query}`, header));
    expect(await poll('from=latest')).toMatchObject({ head: 0, last_event_id: 'stream.0', events: [] });
    for (const chat of ['7', '8', null, '8']) await edge.append(chat);
    const place = { head: 1, reset: false, gap: null, more: false, last_event_id: 'stream.1' };
    expect(await poll('from=latest')).toMatchObject({ ...place, events: [] });
    expect(await poll('from=earliest')).toMatchObject({ ...place, events: [{ seq: 1 }] });
    expect(await poll('last_event_id=stream.1')).toMatchObject({ ...place, events: [] });
    // Ids that it made up: of an entry of others, and of none.
    for (const seq of [3, 999])
      expect(await poll(`last_event_id=stream.${seq}`)).toMatchObject({ reset: false, head: seq, events: [] });
    expect(await json(await edge.get('/v1/events?poll=1')), 'who sees all').toMatchObject({ head: 4 });

    const stream = await edge.get('/v1/events', header);
    const lines = (stream.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const until = async (pattern: RegExp): Promise<void> => {
      while (!pattern.test(text)) text += (await lines.read()).value;
    };
    await until(/"head":1,"filtered":true}\n\nid: stream\.1\n\n/);
    await edge.append('8');
    await clock.advance(limits.heartbeatMs);
    await until(/:\nid: stream\.1\n\n/);
    await edge.append('7');
    await until(/id: stream\.6\nevent/);
    await edge.append('8');
    await clock.advance(limits.heartbeatMs);
    await until(/:\nid: stream\.6\n\n/);
    expect(text).not.toMatch(/stream\.[^16h]/);
    await lines.cancel();
  });

  test('that may not read is told of the length of its own messages', async () => {
    const edge = await startEdge();
    const { header } = edge.key('aggregator');
    await edge.append('7');
    await edge.send('POST', '/v1/messages', { chat_id: 7, text: 'a' }, { ...header, 'idempotency-key': 'a' });
    await edge.append('7');
    for (const from of ['earliest', 'latest'])
      expect(await json(await edge.get(`/v1/messages/events?poll=1&from=${from}`, header))).toMatchObject({
        ...{ head: 2, last_event_id: 'stream.2' },
      });
  });
});

describe('a poll', () => {
  test('answers what is there, and how to go on', async () => {
    const edge = await startEdge();
    for (let n = 0; n < 5; n += 1) await edge.append(n % 2 === 0 ? '7' : '8', { n });
    const poll = async (query: string) => json(await edge.get(`/v1/events?poll=1&${query}`));
    expect(await poll('from=earliest&limit=2')).toMatchObject({
      ...{ stream: 'stream', first: 1, head: 5, reset: false, gap: null, more: true, last_event_id: 'stream.2' },
      events: [{ seq: 1, update: { n: 0 } }, { seq: 2 }],
    });
    const rest = { more: false, last_event_id: 'stream.5', events: [{ seq: 3 }, { seq: 4 }, { seq: 5 }] };
    expect(await poll('last_event_id=stream.2')).toMatchObject(rest);
    expect(await poll('last_event_id=stream.5')).toMatchObject({ events: [], last_event_id: 'stream.5' });
    expect(await poll('last_event_id=stream.3&chat=8')).toMatchObject({
      events: [{ seq: 4 }],
      last_event_id: 'stream.5',
    });
    expect(await poll('last_event_id=other.3&limit=1')).toMatchObject({ reset: true, events: [{ seq: 1 }] });
    expect(await poll('')).toMatchObject({ events: [], last_event_id: 'stream.5' });
  });

  test('of many entries, page by page, meets each once', async () => {
    const edge = await startEdge();
    await edge.journal.write(async (tx) => {
      for (let n = 0; n < 950; n += 1) tx.append({ type: 'update.received', chat: '7', body: '{}' });
    });
    const seqs: number[] = [];
    let after = 'stream.0';
    for (let more = true; more; ) {
      const page = Page.Parse(await json(await edge.get(`/v1/events?poll=1&limit=333&last_event_id=${after}`)));
      seqs.push(...page.events.map(({ seq }) => seq));
      ({ more, last_event_id: after } = page);
    }
    expect(seqs).toEqual(Array.from({ length: 950 }, (_, n) => n + 1));
  });
});

test('a page holds as much as may be made at once: a poll, and a chat’s journal', async () => {
  const edge = await startEdge();
  const text = 'x'.repeat(900_000);
  for (let n = 0; n < 12; n += 1) await edge.append('7', { text });
  const poll = Page.Parse(await json(await edge.get('/v1/events?poll=1&from=earliest&limit=1000')));
  expect(poll).toMatchObject({ more: true, last_event_id: 'stream.5' });
  expect(poll.events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  const rest = await json(await edge.get(`/v1/events?poll=1&last_event_id=stream.10`));
  expect(rest).toMatchObject({ more: false, last_event_id: 'stream.12', events: [{ seq: 11 }, { seq: 12 }] });
  const chat = await json(await edge.get('/v1/chats/7/events?limit=200'));
  expect(chat).toMatchObject({ next: 5, events: [1, 2, 3, 4, 5].map((seq) => ({ seq })) });
});

test('a reader that misspells a parameter is told so, rather than given everything', async () => {
  const edge = await startEdge();
  const response = await edge.get('/v1/events?chats=7&poll=1');
  expect(response.status).toBe(400);
  expect(await json(response)).toMatchObject({
    code: 'request_invalid',
    errors: [{ field: 'chats', message: 'is not known here' }],
  });
});

test('a poll lets others have their turn before each page that it reads', async () => {
  withLimits({ pollPageEntries: 1 });
  const edge = await startEdge();
  for (const chat of ['7', '8', '9']) await edge.append(chat);
  let turn = 0;
  let counting = setImmediate(function count() {
    turn += 1;
    counting = setImmediate(count);
  });
  onTestFinished(() => clearImmediate(counting));
  const turns: number[] = [];
  const page = edge.operators.page.bind(edge.operators);
  vi.spyOn(edge.operators, 'page').mockImplementation((query) => {
    turns.push(turn);
    return page(query);
  });
  expect(Page.Parse(await json(await edge.get('/v1/events?poll=1&from=earliest'))).events).toHaveLength(3);
  expect(new Set(turns).size, 'as many turns as pages').toBe(turns.length);
  expect(turns.length).toBeGreaterThan(2);
});
