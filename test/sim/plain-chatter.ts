import type { Inquiries, Inquiry } from './inquiries.ts';
import { NAMES, type Version } from './release.ts';

/** What comes to a conversation, and the entry that it came with. */
export type Coming = { readonly seq: number } & (
  | { readonly kind: 'message' | 'note' | 'edit'; readonly text: string }
  | { readonly kind: 'press'; readonly text: string; readonly query: string }
  | { readonly kind: 'member' }
  | { readonly kind: 'timer'; readonly timer: Timer }
  | { readonly kind: 'answer'; readonly src: string; readonly found: string | null }
);

const numberIn = (text: string): string => /#\d+/.exec(text)?.[0] ?? '';
/** What the button under an answer carries, by what was heard last. */
export const buttonUnder = (last: string): string => `button ${numberIn(last)}`;
/** What is heard of a press: whose it is, and what the button carries. */
export const pressText = (query: string, data: string): string => `press ${numberIn(query)} of ${data}`;

export type Timer = 'waiting' | 'asking' | 'left' | 'right' | 'alarm';

/** An entry that the cause before it must have brought. */
export type Expected = { readonly type: string; readonly says: string };

const PATIENCE_MS = 30_000;

/** `chatter.machine.ts` in plain code: what each event brings, which timers are due and which requests are open. */
export class PlainChatter {
  readonly #inquiries: Inquiries;
  state: 'none' | 'idle' | 'asking' | 'waiting' | 'both' | 'paused' | 'over' = 'none';
  left: 'runs' | 'rests' = 'runs';
  right: 'asks' | 'knows' = 'asks';
  /** What was called `both` as it was left; null: it was not, or that is forgotten. */
  leftBoth: string | null = null;
  heard = 0;
  last = '';
  delayMs = 1;
  /** The version that has stored it. */
  version: Version;
  readonly timers = new Map<Timer, number>();
  /** What it waits to be told, by what was asked; also what has been answered and is held. */
  readonly asked = new Map<string, Inquiry>();
  /** The entries that it brings. */
  told: Expected[] = [];

  constructor(version: Version, inquiries: Inquiries) {
    this.version = version;
    this.#inquiries = inquiries;
  }

  /** A timer or a request is taken back, by its name; null: all are. */
  takenBack(_name: string | null): void {}

  /** Its state as JSON, in the names of its version. */
  get value(): string {
    const { state } = this;
    if (state === 'none') return 'null';
    if (state === 'both') return JSON.stringify({ [NAMES[this.version].both]: { left: this.left, right: this.right } });
    return JSON.stringify(state === 'asking' || state === 'waiting' ? NAMES[this.version][state] : state);
  }

  react(coming: Coming, at: number): void {
    switch (coming.kind) {
      case 'message':
        this.#message(coming.text, at);
        return;
      case 'press':
        if (this.state !== 'idle') return;
        this.#hear(coming.text);
        this.tell('message.accepted', coming.query);
        this.#say('pressed');
        return;
      case 'note':
        if (this.state !== 'idle') return;
        this.#hear(coming.text);
        this.#say('noted');
        this.tell('chat.emitted', coming.text);
        return;
      case 'timer':
        this.#ring(coming.timer);
        return;
      case 'answer':
        this.#learn(coming.src, coming.found);
    }
  }

  #message(text: string, at: number): void {
    const { state } = this;
    const word = /^\w+/.exec(text)?.[0] ?? '';
    const is = (...words: string[]): boolean => words.includes(word);
    if (is('boom')) this.#answer(text, 'survived');
    else if (is('end')) {
      this.#hear(text);
      this.#go('over', at);
      this.endAll();
    } else if (state === 'idle') this.#command(word, text, at);
    else if (state === 'waiting') {
      this.#answer(text, 'woken by');
      this.#go('idle', at);
    } else if (is('stop')) {
      this.#answer(text, 'stopped');
      this.#go('idle', at);
    } else if (state === 'both' && is('pause')) {
      this.#answer(text, 'paused');
      this.#go('paused', at);
    } else if (state === 'paused') {
      this.#answer(text, 'goes on');
      if (this.leftBoth === null) [this.left, this.right] = ['runs', 'asks'];
      this.#go('both', at);
    }
  }

  #command(word: string, text: string, at: number): void {
    const first = !this.asked.has('price');
    this.#hear(text);
    if (word === 'ask') this.#go('asking', at);
    else if (word === 'later') this.#go('waiting', at);
    else if (word === 'both') {
      [this.left, this.right] = ['runs', 'asks'];
      this.#go('both', at);
    } else if (word === 'alarm') {
      this.#set('alarm', at + this.delayMs);
      this.#say('set');
    } else if (word === 'quiet') {
      this.#clear('alarm');
      this.#say('quieted');
    } else if (word === 'spawn' && first) {
      this.#ask('price', at);
      this.#say('asked');
    } else if (word === 'tell') {
      this.#inquiries.make('record', text, at);
      this.tell('chat.emitted', text);
      this.#say('told');
    } else this.#say('heard');
  }

  #ring(timer: Timer): void {
    const { state } = this;
    if (timer === 'alarm') this.#answer(null, 'rang');
    else if (timer === 'waiting' && state === 'waiting') {
      this.#answer(null, 'waited');
      this.#go('idle', 0);
    } else if (timer === 'asking' && state === 'asking') {
      this.#answer(null, 'gave up on');
      this.#go('idle', 0);
    } else if (timer === 'left' && state === 'both' && this.left === 'runs') {
      this.#clear('left');
      this.left = 'rests';
      this.#answer(null, 'rested');
      this.#join();
    } else if (timer === 'right' && state === 'both' && this.right === 'asks') {
      this.#endRight();
      this.#answer(null, 'gave up on');
      this.#join();
    }
  }

  #learn(src: string, found: string | null): void {
    this.asked.delete(src);
    this.#answer(null, `found ${found ?? 'nothing'} for`);
    if (src === 'lookUp') this.#go('idle', 0);
    else if (src === 'lookBeside') {
      this.#endRight();
      this.#join();
    }
  }

  /** Both regions have come to their end. */
  #join(): void {
    if (this.left !== 'rests' || this.right !== 'knows') return;
    this.#answer(null, 'has both of');
    this.#go('idle', 0);
  }

  #endRight(): void {
    this.#clear('right');
    this.withdraw('lookBeside');
    this.right = 'knows';
  }

  /** Leaves the state, with what belongs to it, and enters another. */
  #go(state: PlainChatter['state'], at: number): void {
    if (this.state === 'asking') {
      this.#clear('asking');
      this.withdraw('lookUp');
    } else if (this.state === 'waiting') this.#clear('waiting');
    else if (this.state === 'both') {
      this.#clear('left');
      this.#clear('right');
      this.withdraw('lookBeside');
      this.leftBoth = NAMES[this.version].both;
    }
    this.state = state;
    if (state === 'asking') {
      this.#ask('lookUp', at);
      this.#set('asking', at + PATIENCE_MS);
    } else if (state === 'waiting') this.#set('waiting', at + this.delayMs);
    else if (state === 'both') {
      if (this.left === 'runs') this.#set('left', at + this.delayMs);
      if (this.right === 'asks') {
        this.#ask('lookBeside', at);
        this.#set('right', at + PATIENCE_MS);
      }
    }
  }

  /** Nothing waits for anything any more. */
  endAll(): void {
    this.timers.clear();
    for (const src of [...this.asked.keys()]) this.withdraw(src);
    this.takenBack(null);
  }

  #set(timer: Timer, dueAt: number): void {
    this.#clear(timer);
    this.timers.set(timer, dueAt);
  }

  #clear(timer: Timer): void {
    this.timers.delete(timer);
    this.takenBack(timer);
  }

  #ask(src: string, at: number): void {
    this.asked.set(src, this.#inquiries.make(src, this.last, at));
  }

  withdraw(src: string): void {
    const inquiry = this.asked.get(src);
    if (inquiry === undefined) return;
    inquiry.open = false;
    this.asked.delete(src);
    this.takenBack(src);
  }

  #hear(text: string | null): void {
    this.heard += 1;
    if (text === null) return;
    this.last = text;
    this.delayMs = Number(/^(?:later|both|alarm) (\d+)/.exec(text)?.[1] ?? this.delayMs);
  }

  #answer(text: string | null, word: string): void {
    this.#hear(text);
    this.#say(word);
  }

  #say(word: string): void {
    this.tell('message.accepted', `${this.heard} ${word} ${this.last}`);
  }

  tell(type: string, says: string): void {
    this.told.push({ type, says });
  }
}
