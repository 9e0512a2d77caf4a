import { type Static, Type } from 'typebox';
import { PART_NAMES } from '../status.ts';

/**
 * What the feed tells those who look, moment by moment (limits.feedMomentMs): of the live actors the events that they
 * exchange and the states that they come to, of chats their steps. Alike ones of a moment are one item with a count.
 */

/** The live actors, the root first. */
export const LIVE_ACTORS = ['switchboard', ...PART_NAMES] as const;
export type LiveActor = (typeof LIVE_ACTORS)[number];

/** Whoever else events come from, or go to: no actors of XState, and so without a state. */
export const OUTSIDE = ['telegram', 'http', 'journal'] as const;
export type Lane = LiveActor | (typeof OUTSIDE)[number];

const Count = Type.Integer({ minimum: 1, description: 'How many of the kind the moment had; the item is one of them' });
const Actor = Type.String({ description: 'A live actor, or `chat:<conversation>`' });
const At = Type.String({ description: 'When the first of them came' });
const State = Type.Unknown({ description: "XState's state value; null: it has none" });
const Context = Type.Unknown({ description: 'Shortened where it is long' });
const Nullable = Type.Union([Type.String(), Type.Null()]);

const ActorItem = Type.Object(
  {
    ...{ kind: Type.Literal('actor'), at: At, actor: Actor, state: State, context: Context },
    parent: Nullable,
    machine: Type.Union([Type.String(), Type.Null()], { description: 'Null: it runs none' }),
    version: Nullable,
    status: Nullable,
  },
  { description: 'How an actor stands as the feed begins' },
);
export type ActorItem = Static<typeof ActorItem>;

const ExchangeItem = Type.Object(
  {
    ...{ kind: Type.Literal('exchange'), at: At, count: Count },
    from: Type.String(),
    to: Type.String(),
    label: Type.String({ description: 'As people read it: `poll done`' }),
    carried: Type.Union([Type.Integer(), Type.Null()], {
      description: 'Updates, entries or ids in all of them; null: it carries no list',
    }),
    event: Type.Unknown({ description: 'The first of them, shortened' }),
  },
  { description: 'An event that went from one to another' },
);
export type ExchangeItem = Static<typeof ExchangeItem>;

const StateItem = Type.Object(
  {
    ...{ kind: Type.Literal('state'), at: At, count: Count, actor: Actor, state: State, context: Context },
    status: Type.String(),
    event: Type.Unknown({ description: 'What brought it there last, shortened' }),
  },
  { description: 'A state that a live actor came to' },
);
export type StateItem = Static<typeof StateItem>;

const StepItem = Type.Object(
  {
    ...{ kind: Type.Literal('step'), at: At, actor: Actor, state: State, context: Context },
    seq: Type.Integer({ description: "Of the event's entry" }),
    event: Type.Unknown(),
    from: Type.Unknown({ description: 'The state before; null: it began' }),
    machine: Type.String(),
    version: Type.String(),
    status: Type.String(),
    error: Nullable,
  },
  { description: 'A durable step of a chat' },
);
export type StepItem = Static<typeof StepItem>;

const SkippedItem = Type.Object(
  { kind: Type.Literal('skipped'), at: At, actor: Type.String({ description: 'or `chats`' }), count: Count },
  { description: 'So many more there were, of which nothing else is told' },
);
export type SkippedItem = Static<typeof SkippedItem>;

export const FeedItem = Type.Union([ActorItem, ExchangeItem, StateItem, StepItem, SkippedItem]);
export type FeedItem = Static<typeof FeedItem>;

/** Live actors, `chats` for some steps of any chat, and `chat:<conversation>`. */
export const FEED_ACTOR = `^(${[...LIVE_ACTORS, 'chats'].join('|')}|chat:-?[1-9]\\d{0,15}(:[ut]\\d{1,16})?)$`;

/** Who reads the feed: a page's stream, a tool's socket. */
export interface FeedReader {
  /** A moment that had something for it, in order. */
  take(items: readonly FeedItem[]): void;
  /** The feed is over: its key ended, or the process stops. */
  end(): void;
}

/**
 * What live actors and chats do, as it happens, for those who look. Nothing is attached to anything while nobody does.
 * It is sampled: it may tell less than there was, and says how much less; the journal has all.
 */
export interface Feed {
  /**
   * Tells a reader of these actors, how they stand first, until the function that it gives is called. Calls the reader
   * later, never at once. Throws overloaded where there are limits.feedReadersMax readers.
   */
  open(options: {
    readonly keyId: string;
    readonly actors: readonly string[];
    readonly reader: FeedReader;
  }): () => void;
  /** Ends the readers of a key that may look no more. */
  endOf(keyId: string): void;
  /** Ends all. */
  close(): void;
}
