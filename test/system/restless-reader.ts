import { get, type IncomingMessage } from 'node:http';
import { crc32 } from 'node:zlib';
import { createParser } from 'eventsource-parser';
import type { Random } from './random.ts';

export type Door = 'sse' | 'ndjson' | 'poll';

export interface RestlessOptions {
  readonly name: string;
  readonly key: string;
  /** Of every request; those after the first go on after the last entry heard. */
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly door: Door;
  readonly random: Random;
  /** Entries heard, about, before it drops its connection; and before it stops reading for a while. */
  readonly dropsEvery: number;
  readonly pausesEvery: number;
  /** Resolves with where to read, while somebody serves there. */
  readonly served: () => Promise<string>;
  /** Resolves a while later, as long as the others get on. */
  readonly pause: () => Promise<void>;
  readonly onHeard: (count: number) => void;
}

/** A reader that comes and goes as it likes, and reads as fast as it likes, until it has heard what it waits for. */
export interface RestlessReader {
  readonly name: string;
  /** The seqs of what it heard, in that order. */
  readonly seqs: number[];
  /** Of all that it heard, byte for byte. */
  checksum: number;
  /** Connections it has made, and times that it stopped reading. */
  connections: number;
  pauses: number;
  /** Resolves once an entry has come of which this is true. Rejects where it is refused, or told of a gap or a reset. */
  readUntil(last: (text: string) => boolean): Promise<void>;
}

export function createRestlessReader(options: RestlessOptions): RestlessReader {
  const { key, door, random, onHeard } = options;
  let lastId = '';
  const soon = (about: number): number => random.whole(1, 2 * about);
  let untilDrop = soon(options.dropsEvery);
  let untilPause = soon(options.pausesEvery);

  function heard(id: string, text: string): void {
    reader.seqs.push(Number(/^\{"seq":(\d+),/.exec(text)?.[1]));
    reader.checksum = crc32(text, reader.checksum);
    lastId = id;
    onHeard(1);
  }

  function request(url: string): Promise<IncomingMessage | null> {
    const asked = new URLSearchParams(lastId === '' ? { from: 'earliest' } : {});
    for (const [name, values] of Object.entries(options.query)) for (const value of values) asked.append(name, value);
    if (door === 'poll') asked.append('poll', '1');
    if (door === 'poll') asked.append('limit', String(random.whole(1, 1000)));
    const headers = {
      authorization: `Bearer ${key}`,
      accept: door === 'ndjson' ? 'application/x-ndjson' : 'text/event-stream',
      ...(lastId === '' ? {} : { 'last-event-id': lastId }),
    };
    return new Promise((resolve, reject) => {
      get(`${url}/v1/events?${asked}`, { headers, agent: false }, (response) => {
        if (response.statusCode === 200) resolve(response);
        // It is about to be gone, and comes back.
        else if (response.statusCode === 503) resolve(null);
        else reject(new Error(`${options.name} was answered ${response.statusCode}`));
        if (response.statusCode !== 200) response.resume();
      }).on('error', () => resolve(null));
    });
  }

  /** One connection: true once the entry that is waited for has come. */
  async function connection(response: IncomingMessage, isLast: (text: string) => boolean): Promise<boolean> {
    reader.connections += 1;
    let done = false;
    let wanted = true;
    let stream = '';
    const take = (id: string, text: string): void => {
      // What came with it is dropped with the connection.
      if (!wanted) return;
      heard(id, text);
      done = isLast(text);
      untilDrop -= 1;
      untilPause -= 1;
      if (done || untilDrop <= 0) wanted = false;
    };
    const control = (type: string, text: string): void => {
      if (type === 'stream.gap' || type === 'stream.reset') throw new Error(`${options.name} was told ${text}`);
      if (type === 'stream.hello') stream = JSON.parse(text).stream;
    };
    const parser = createParser({
      onEvent: ({ id = '', event = '', data }) => (event.startsWith('stream.') ? control(event, data) : take(id, data)),
    });
    let rest = '';
    const feed = (text: string): void => {
      if (door === 'sse') parser.feed(text);
      else rest += text;
      if (door !== 'ndjson') return;
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [, type] = /^\{"type":"(stream\.\w+)"/.exec(line) ?? [];
        if (type !== undefined) control(type, line);
        else take(`${stream}.${/^\{"seq":(\d+),/.exec(line)?.[1]}`, line);
      }
    };
    try {
      for await (const text of response.setEncoding('utf8')) {
        feed(text);
        if (!wanted) break;
        if (untilPause > 0) continue;
        reader.pauses += 1;
        untilPause = soon(options.pausesEvery);
        await options.pause();
      }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ECONNRESET')) throw error;
      return done;
    }
    if (untilDrop <= 0) untilDrop = soon(options.dropsEvery);
    if (door !== 'poll') return done;
    const page: { stream: string; gap: unknown; events: readonly { seq: number }[] } = JSON.parse(rest);
    if (page.gap !== null) throw new Error(`${options.name} was told of a gap`);
    if (page.events.length === 0) await options.pause();
    for (const entry of page.events) {
      take(`${page.stream}.${entry.seq}`, JSON.stringify(entry));
      if (done) break;
    }
    return done;
  }

  const reader: RestlessReader = {
    name: options.name,
    seqs: [],
    checksum: 0,
    connections: 0,
    pauses: 0,
    async readUntil(isLast) {
      for (;;) {
        const response = await request(await options.served());
        if (response !== null && (await connection(response, isLast))) return;
      }
    },
  };
  return reader;
}
