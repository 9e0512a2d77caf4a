import type { Operators, ReaderFilter, Sink } from '../../src/operators/operators.ts';
import { GROUP } from './script.ts';
import type { World } from './world.ts';

const FILTERS: readonly ReaderFilter[] = [
  { chats: null, types: null },
  { chats: [String(GROUP), '11', '12'], types: null },
  { chats: null, types: ['update.received', 'message.sent', 'timer.fired'] },
];

/** An operator who reads with disconnects and pauses, and goes on each time behind the last event that they have. */
export class ModelOperator {
  readonly name: string;
  readonly filter: ReaderFilter;
  readonly #world: World;
  /** Entries that they have, as JSON. */
  readonly has: string[] = [];
  /** They come back where the connection breaks. */
  wants = false;
  #last = 0;
  readonly #gaps: { readonly from: number; readonly to: number }[] = [];
  #stream: Stream | null = null;

  constructor(world: World, index: number) {
    this.#world = world;
    this.name = `operator ${index}`;
    this.filter = FILTERS[index] ?? { chats: null, types: null };
  }

  get connected(): boolean {
    return this.#stream !== null;
  }

  connect(operators: Operators): void {
    this.leave();
    const stream = new Stream((frame) => this.#take(stream, frame));
    this.#stream = stream;
    const gone = operators.subscribe({
      ...this.filter,
      ...{ keyId: this.name, after: this.#last, format: 'sse', reset: false, sink: stream },
    });
    void gone.then(() => {
      if (this.#stream === stream) this.#stream = null;
    });
  }

  /** The connection breaks: what they had not taken of it is lost to them. */
  leave(): void {
    const stream = this.#stream;
    this.#stream = null;
    stream?.break();
  }

  /** They want no more for now. */
  goAway(): void {
    this.wants = false;
    this.leave();
  }

  /** Takes no more from the socket for now. */
  stall(): void {
    if (this.#stream !== null) this.#stream.stalled = true;
  }

  take(): void {
    this.#stream?.resume();
  }

  /** Whether it was told that this entry is gone. */
  misses(seq: number): boolean {
    return this.#gaps.some(({ from, to }) => from <= seq && seq <= to);
  }

  #skip(gap: { readonly from: number; readonly to: number }): void {
    const first = this.#world.serving?.journal.bounds().first ?? 0;
    if (gap.from <= this.#last || gap.to >= first) {
      const told = `${gap.from} to ${gap.to} are gone`;
      this.#world.violate('I4', `${this.name} has ${this.#last}, and is told that ${told} where ${first} is the first`);
    }
    this.#gaps.push(gap);
  }

  #take(stream: Stream, frame: string): void {
    if (this.#stream !== stream) return;
    const id = /^id: [\w-]+\.(\d+)$/m.exec(frame)?.[1];
    const data = /^data: (.*)$/m.exec(frame)?.[1];
    const event = /^event: (.*)$/m.exec(frame)?.[1];
    if (event === 'stream.gap' && data !== undefined) this.#skip(JSON.parse(data));
    else if (event?.startsWith('stream.') && event !== 'stream.hello') {
      this.#world.violate('I4', `${this.name} was told ${frame}`);
    }
    if (id === undefined || data === undefined) return;
    const seq = Number(id);
    if (seq <= this.#last) this.#world.violate('I4', `${this.name} got ${seq} after ${this.#last}`);
    if (seq > this.#world.journalled.length) {
      this.#world.violate('I4', `${this.name} got ${seq}, and ${this.#world.journalled.length} are committed`);
    }
    if (this.misses(seq)) this.#world.violate('I4', `${this.name} got ${seq}, which it was told to be gone`);
    this.#last = seq;
    this.has.push(data);
    this.#world.trace(`${this.name} has ${seq}`);
  }
}

/** What a socket holds at most before it says to wait: small, so that readers are often blocked. */
const SOCKET_BYTES = 2000;

/** The stream's end at the operator. */
class Stream implements Sink {
  stalled = false;
  #held: string[] = [];
  #broken = false;
  readonly #onFrame: (frame: string) => void;
  #drain = () => {};
  #close = () => {};

  constructor(onFrame: (frame: string) => void) {
    this.#onFrame = onFrame;
  }

  write(chunk: Uint8Array | string): boolean {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
    this.#held.push(text);
    if (!this.stalled) this.#flush();
    return this.pending() < SOCKET_BYTES;
  }

  pending(): number {
    return this.#held.reduce((sum, text) => sum + text.length, 0);
  }

  end(): void {
    this.#flush();
  }

  destroy(): void {
    this.break();
  }

  onDrain(listener: () => void): void {
    this.#drain = listener;
  }

  onClose(listener: () => void): void {
    this.#close = listener;
  }

  resume(): void {
    this.stalled = false;
    const blocked = this.pending() >= SOCKET_BYTES;
    this.#flush();
    if (blocked) this.#drain();
  }

  break(): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#held = [];
    this.#close();
  }

  #flush(): void {
    const text = this.#held.join('');
    this.#held = [];
    for (const frame of text.split('\n\n')) if (frame !== '') this.#onFrame(frame);
  }
}
