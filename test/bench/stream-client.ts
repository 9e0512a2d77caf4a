import { connect, type Socket } from 'node:net';

/**
 * Readers of an event stream, many in one process, that count what arrives and how old it is. It knows no more of the
 * stream than that an event ends with an empty line, so that it counts Switchboard and its peers alike.
 *
 * Orders come from the parent, one answer goes back for each: `opened`, `armed`, `count`, `closed`.
 */
export type ClientOrder =
  | {
      readonly open: {
        readonly port: number;
        readonly path: string;
        /** One a reader, in turn. */
        readonly authorizations: readonly string[];
        readonly readers: number;
        /** They read nothing after the beginning. */
        readonly stuck: boolean;
      };
    }
  /** From now on events count: `events` of them each, then `count` is told. What is not read by all in time is told as it is. */
  | { readonly arm: { readonly events: number; readonly patienceMs: number } }
  | { readonly close: true };

export interface Count {
  /** Events read by all readers together. */
  readonly events: number;
  /** Readers that have read all. */
  readonly complete: number;
  /** From the first event read by anybody to the last. */
  readonly ms: number;
  /** When the last was read, process.hrtime in ms: the same clock in all processes of a machine. */
  readonly endedAt: number;
  /** Age of events when they were read, where their text holds `at <hrtime>;`. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}
export type ClientReport =
  | { readonly opened: number }
  | { readonly armed: true }
  | { readonly count: Count }
  | { readonly closed: true };

interface Reader {
  readonly socket: Socket;
  /** Events read since armed. */
  events: number;
  /** The last byte was a line's end. */
  atLineEnd: boolean;
  /** What is being read is a comment, as heartbeats are. */
  comment: boolean;
}

const EMPTY_LINE = Buffer.from('\n\n');
const [LINE_END, COLON] = [10, 58];
/** Ages in steps of 0.1 ms, up to 60 s. */
const ages = new Uint32Array(600_000);
const readers: Reader[] = [];
/** When each event was made, as the first reader of it found in its text. */
let madeAt: number[] = [];
let wanted = 0;
let events = 0;
let complete = 0;
let begunAt = 0;
let patience: NodeJS.Timeout | undefined;
let armed = false;

const now = (): number => Number(process.hrtime.bigint()) / 1e6;

function take(reader: Reader, bytes: Buffer): void {
  if (!armed) return;
  const at = now();
  let from = 0;
  if (reader.atLineEnd && bytes[0] === LINE_END) {
    ended(reader, bytes, 0, 0, at);
    from = 1;
  }
  for (;;) {
    if (from > 0) reader.comment = bytes[from] === COLON;
    const end = bytes.indexOf(EMPTY_LINE, from);
    if (end === -1) break;
    ended(reader, bytes, from, end, at);
    from = end + 2;
  }
  reader.atLineEnd = bytes[bytes.length - 1] === LINE_END && from !== bytes.length;
}

/** An event ended, of which bytes from `from` to `end` are at hand. */
function ended(reader: Reader, bytes: Buffer, from: number, end: number, at: number): void {
  if (reader.comment) return;
  if (begunAt === 0) begunAt = at;
  const made = madeAt[reader.events] ?? timeIn(bytes.toString('latin1', from, end));
  madeAt[reader.events] = made;
  const age = Math.min(Math.floor((at - made) * 10), ages.length - 1);
  if (age >= 0) ages[age] = (ages[age] ?? 0) + 1;
  reader.events += 1;
  events += 1;
  if (reader.events !== wanted) return;
  complete += 1;
  if (complete === readers.length) tell();
}

const timeIn = (text: string): number => Number(/at (\d+);/.exec(text)?.[1] ?? Number.NaN) / 1e6;

function tell(): void {
  armed = false;
  clearTimeout(patience);
  const endedAt = now();
  const [p50, p99, max] = [0.5, 0.99, 1].map(ageAt);
  const count = { events, complete, ms: endedAt - begunAt, endedAt, p50: p50 ?? 0, p99: p99 ?? 0, max: max ?? 0 };
  process.send?.({ count } satisfies ClientReport);
}

function ageAt(share: number): number {
  const total = ages.reduce((sum, n) => sum + n, 0);
  let left = Math.max(1, Math.ceil(total * share));
  for (const [age, count] of ages.entries()) {
    left -= count;
    if (left <= 0) return age / 10;
  }
  return Number.NaN;
}

const shared = Buffer.alloc(256 * 1024);

function open(port: number, path: string, authorization: string, stuck: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let reader: Reader | null = null;
    let head = '';
    const onBytes = (length: number): boolean => {
      const bytes = shared.subarray(0, length);
      if (reader !== null) {
        take(reader, bytes);
        return true;
      }
      head += bytes.toString('latin1');
      if (!head.includes('\r\n\r\n')) return true;
      if (!head.startsWith('HTTP/1.1 200')) {
        reject(new Error(`A reader was answered: ${head}`));
        return false;
      }
      head = '';
      reader = { socket, events: 0, atLineEnd: false, comment: false };
      if (stuck) stuckSockets.push(socket);
      else readers.push(reader);
      resolve();
      return !stuck;
    };
    const socket = connect({ port, host: '127.0.0.1', onread: { buffer: shared, callback: onBytes } });
    socket.on('error', reject);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n${authorization}\r\n`);
  });
}
const stuckSockets: Socket[] = [];

process.on('message', async (order: ClientOrder) => {
  if ('open' in order) {
    const { port, path, authorizations, readers: count, stuck } = order.open;
    for (let done = 0; done < count; done += 50) {
      const some = Array.from({ length: Math.min(50, count - done) }, (_, n) => {
        const authorization = authorizations[(done + n) % authorizations.length];
        return open(port, path, authorization === undefined ? '' : `Authorization: ${authorization}\r\n`, stuck);
      });
      await Promise.all(some);
    }
    process.send?.({ opened: readers.length } satisfies ClientReport);
  } else if ('arm' in order) {
    wanted = order.arm.events;
    ages.fill(0);
    madeAt = [];
    events = complete = begunAt = 0;
    for (const reader of readers) Object.assign(reader, { events: 0, atLineEnd: false, comment: false });
    armed = true;
    patience = setTimeout(tell, order.arm.patienceMs);
    process.send?.({ armed: true } satisfies ClientReport);
  } else {
    for (const socket of [...readers.splice(0).map(({ socket }) => socket), ...stuckSockets.splice(0)])
      socket.destroy();
    process.send?.({ closed: true } satisfies ClientReport);
  }
});
process.on('disconnect', () => process.exit());
