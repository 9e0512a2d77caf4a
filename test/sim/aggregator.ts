import { type ErrorCode, SwitchboardError } from '../../src/errors.ts';
import type { Op } from './script.ts';
import type { World } from './world.ts';

/** A post that the aggregator will have answered, whatever it takes. */
export interface Posted {
  readonly text: string;
  readonly op: Extract<Op, { readonly do: 'post' }>;
  /** Times of the wall clock that the post names. */
  readonly sendAt: number | null;
  readonly expiresAt: number | null;
  /** The latest that the wall clock has shown since the post, up to when it was last set. */
  latestShown: number;
  /** The message's id, once it is told. */
  id: string | null;
  /** Refused for good, with this code. */
  refused: ErrorCode | 'given up' | null;
  canceled: boolean;
  /** Where its fate is unknown it is sent again: so it was posted, or so somebody has decided. */
  resent: boolean;
}

/** How long it waits for an answer before it asks again, and between two tries. */
const PATIENCE_MS = 5000;
const PAUSE_MS = 700;
const GIVES_UP_MS = 6 * 24 * 3_600_000;

const SETTLED: readonly string[] = ['sent', 'failed', 'unknown', 'canceled', 'expired'];

/** Posts messages and events, each under a key of its own and again and again until it is answered. */
export class ModelAggregator {
  readonly #world: World;
  readonly posts: Posted[] = [];
  /** Texts of the events that it posted, and the entry that each was told to be. */
  readonly notes = new Map<string, number | null>();

  constructor(world: World) {
    this.#world = world;
  }

  post(op: Extract<Op, { readonly do: 'post' }>): void {
    const { n, chat, priority, sendInMs, expireInMs, onUnknown } = op;
    const { wall } = this.#world.time;
    const sendAt = sendInMs === null ? null : wall + sendInMs;
    const expiresAt = expireInMs === null ? null : wall + expireInMs;
    const text = `post #${n}`;
    const delivery = {
      priority,
      on_unknown: onUnknown,
      ...(sendAt === null ? {} : { send_at: new Date(sendAt).toISOString() }),
      ...(expiresAt === null ? {} : { expires_at: new Date(expiresAt).toISOString() }),
    };
    const posted: Posted = {
      text,
      op,
      sendAt,
      expiresAt,
      latestShown: wall,
      id: null,
      refused: null,
      canceled: false,
      resent: onUnknown === 'resend',
    };
    this.posts.push(posted);
    const body = { chat_id: chat, text, delivery };
    this.#insist(
      `post #${n}`,
      (system) => system.outbox.accept({ keyId: `key ${n % 3}`, chats: null, idempotencyKey: `post-${n}`, body }),
      ({ id }) => {
        if (posted.id !== null && posted.id !== id)
          this.#world.violate('I2', `${text} was accepted as ${posted.id} and as ${id}`);
        posted.id = id;
        if (n % 3 === 0) this.#await(id);
      },
      (code) => {
        posted.refused = code;
        // A post that comes for the first time after its own end is refused.
        if (code !== 'given up' && (code !== 'request_invalid' || expiresAt === null))
          this.#world.violate('I2', `${text} was refused: ${code}`);
      },
    );
  }

  /** The wall clock is about to be set. */
  noteTime(): void {
    const { wall } = this.#world.time;
    for (const posted of this.posts) posted.latestShown = Math.max(posted.latestShown, wall);
  }

  note(n: number, conversation: string): void {
    const note = `note #${n}`;
    this.notes.set(note, null);
    const event = { type: 'note.posted', note };
    let known = false;
    this.#insist(
      note,
      (system) => {
        known = this.#world.ledger.knows(conversation);
        const idempotencyKey = `note-${n}`;
        return system.conversations.postEvent({ keyId: 'aggregator', idempotencyKey, conversation, event });
      },
      ({ seq }) => {
        const before = this.notes.get(note) ?? null;
        if (before !== null && before !== seq)
          this.#world.violate('I2', `${note} was taken as ${before} and as ${seq}`);
        this.notes.set(note, seq);
      },
      (code) => {
        // In a group there may be no such conversation yet.
        this.notes.delete(note);
        if (known && code !== 'given up')
          this.#world.violate('I2', `${note} was refused: ${code}, and there is a conversation ${conversation}`);
        if (code !== 'given up' && (code !== 'not_found' || !conversation.startsWith('-'))) {
          this.#world.violate('I2', `${note} was refused: ${code}`);
        }
      },
    );
  }

  /** Waits for the message's fate: what it is told must be so. */
  #await(id: string): void {
    const process = this.#world.serving;
    if (process === null) return;
    process.system.outbox.settled(id, 20_000, new AbortController().signal).then(
      (message) => {
        const [status, fate] = [message?.status ?? '', this.#world.ledger.fateOf(id)];
        if (!process.dead && SETTLED.includes(status) && status !== fate) {
          this.#world.violate('outbox', `who waits for ${id} is told that it is ${status}, and it is ${fate}`);
        }
      },
      () => {},
    );
  }

  /** Takes the post back, if it can be. */
  cancel(n: number): void {
    const posted = this.posts.find(({ op }) => op.n === n);
    const process = this.#world.serving;
    if (posted === undefined || posted.id === null || process === null) return;
    void process.system.outbox.cancel(posted.id).then(
      ({ status }) => {
        // Of one that was to be sent again an earlier call may have been carried out.
        const doubtful = status === 'unknown' && posted.resent;
        if (status !== 'canceled' && !doubtful)
          this.#world.violate('I5', `${posted.text} was canceled and is ${status}`);
        posted.canceled = !doubtful;
      },
      () => {},
    );
  }

  /** Decides the fate of every message that it knows to be unknown. */
  resolve(as: 'sent' | 'failed' | 'resend'): void {
    const process = this.#world.serving;
    if (process === null) return;
    for (const post of this.posts) {
      const { id } = post;
      if (id === null || this.#world.ledger.fateOf(id) !== 'unknown') continue;
      post.resent ||= as === 'resend';
      void process.system.outbox.resolve(id, as).then(
        () => this.#world.trace(`resolved ${id} as ${as}`),
        () => {},
      );
    }
  }

  /** Asks until it is answered; nobody hears of an answer that a dead process gave. */
  #insist<T>(
    what: string,
    ask: (system: NonNullable<World['serving']>['system']) => Promise<T>,
    answered: (answer: T) => void,
    refused: (code: ErrorCode | 'given up') => void,
  ): void {
    const world = this.#world;
    let over = false;
    const begun = world.time.now;
    const attempt = (): void => {
      if (over) return;
      // Its key is forgotten after a week: to ask again would be to ask anew.
      if (world.time.now - begun > GIVES_UP_MS) {
        over = true;
        refused('given up');
        return;
      }
      const process = world.serving;
      if (process === null) {
        world.whenServing(attempt);
        return;
      }
      let waiting = true;
      const again = (delayMs: number): void => {
        if (waiting) world.time.after(delayMs, attempt);
        waiting = false;
      };
      world.time.after(PATIENCE_MS, () => again(0));
      ask(process.system).then(
        (answer) => {
          if (process.dead) return;
          world.trace(`answered ${what}`);
          over = true;
          answered(answer);
        },
        (error: unknown) => {
          if (process.dead || over) return;
          if (!(error instanceof SwitchboardError) || error.entry.kind !== 'terminal' || error.code === 'lease_lost') {
            again(PAUSE_MS);
            return;
          }
          over = true;
          refused(error.code);
        },
      );
    };
    attempt();
    // Now and then it asks twice, as whoever has lost the answer does.
    if (world.delay(1, 6) === 1) world.time.after(world.delay(0, 3), attempt);
  }
}
