import { type Static, Type } from 'typebox';

/**
 * What the console tells of chats. The schemas are those of its addresses (src/http/console.ts), and the page is typed by
 * them. All of it is derived from the journal, but how far each key has read.
 */

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

export const Standing = Type.Object({
  id: Type.String({ description: 'The conversation' }),
  machine: Type.String(),
  state: Type.String({ description: 'As people read it: underWay.open' }),
  quarantined: Type.Boolean(),
});
export type Standing = Static<typeof Standing>;

export const ConsoleChat = Type.Object(
  {
    chat: Type.String(),
    name: nullable(Type.String({ description: 'Of the group, or of the person who wrote last' })),
    seq: Type.Integer({ description: 'Of its newest entry' }),
    at: Type.String(),
    text: nullable(Type.String({ description: 'The beginning of its last message' })),
    out: Type.Boolean({ description: 'The bot said that' }),
    unread: Type.Integer({ description: 'Messages of users that this key has not read, up to a bound' }),
    unknown: Type.Integer({ description: 'Messages whose fate nobody knows' }),
    scheduled: Type.Integer({ description: 'Messages that wait for their time' }),
    standings: Type.Array(Standing, { description: 'Its conversations; the first few, where it has many' }),
  },
  { description: 'A chat, as the list shows it' },
);
export type ConsoleChat = Static<typeof ConsoleChat>;

export const Progress = Type.Object(
  {
    indexed: Type.Integer({ description: 'Entries taken in; percent of them, if the key is for certain chats' }),
    entries: Type.Integer({ description: 'Entries that there are; 100, if the key is for certain chats' }),
    complete: Type.Boolean({ description: 'Nothing of the past is missing, of entries and of conversations' }),
    fault: nullable(Type.String({ description: 'The database is damaged: what lies behind is not taken in' })),
  },
  { description: 'How far the index is: it begins with the newest' },
);
export type Progress = Static<typeof Progress>;

export const ChatsPage = Type.Object({
  chats: Type.Array(ConsoleChat),
  next: nullable(Type.String()),
  total: nullable(Type.Integer({ description: 'Chats there are, of all that the key may see; on the first page' })),
  progress: Progress,
});
export type ChatsPage = Static<typeof ChatsPage>;

export const StateCount = Type.Object({ machine: Type.String(), state: Type.String(), chats: Type.Integer() });
export type StateCount = Static<typeof StateCount>;

export const Media = Type.Object({
  kind: Type.String({ description: 'photo, video, document, …' }),
  file_id: nullable(Type.String()),
  name: nullable(Type.String()),
  size: nullable(Type.Integer()),
});
export type Media = Static<typeof Media>;

export const SentMessage = Type.Object({
  id: Type.String(),
  status: Type.String(),
  method: Type.String(),
  send_at: nullable(Type.String()),
  attempts: Type.Integer(),
  error: nullable(Type.String({ description: 'Why, in Telegram’s words' })),
  may_have_arrived: Type.Boolean(),
  own: Type.Boolean({ description: 'The key may cancel or resolve it' }),
});
export type SentMessage = Static<typeof SentMessage>;

export const Line = Type.Object(
  {
    seq: Type.Integer(),
    at: Type.String(),
    chat: Type.String({ description: 'As the entry has it: a group that became a supergroup had another id' }),
    type: Type.String({ description: "The entry's" }),
    side: Type.Enum(['in', 'out', 'notice']),
    from: nullable(Type.String()),
    text: Type.String(),
    label: Type.String({ description: 'What it is beside its text: edited, a button pressed, a move' }),
    message_id: nullable(Type.Integer({ description: "Telegram's" })),
    edits: nullable(Type.Integer({ description: 'The message whose new text this is' })),
    deletes: Type.Array(Type.Integer(), { description: 'Messages that this takes away' }),
    reply_to: nullable(Type.Integer()),
    media: Type.Array(Media),
    buttons: Type.Array(Type.Array(Type.String())),
    message: nullable(SentMessage),
  },
  { description: 'An entry, as a transcript shows it' },
);
export type Line = Static<typeof Line>;

export const Transcript = Type.Object({
  chat: nullable(ConsoleChat),
  lines: Type.Array(Line),
  earlier: Type.Boolean(),
  later: Type.Boolean(),
  progress: Progress,
});
export type Transcript = Static<typeof Transcript>;

export const Hit = Type.Object({
  seq: Type.Integer(),
  chat: Type.String(),
  name: nullable(Type.String()),
  at: Type.String(),
  out: Type.Boolean(),
  snippet: Type.Array(Type.Object({ text: Type.String(), hit: Type.Boolean() })),
});
export type Hit = Static<typeof Hit>;

export const SearchPage = Type.Object({
  chats: Type.Array(ConsoleChat, { description: 'Whose name or id it is' }),
  hits: Type.Array(Hit, { description: 'The newest first' }),
  next: nullable(Type.Integer({ description: 'Give it as `before` to go on' })),
  progress: Progress,
});
export type SearchPage = Static<typeof SearchPage>;

export const Place = Type.Object({ chat: Type.String(), seq: Type.Integer() });
export type Place = Static<typeof Place>;

/** Who looks. */
export interface Viewer {
  readonly keyId: string;
  /** Chats that its key is for; null: all (I7). */
  readonly chats: readonly string[] | null;
  /** It may cancel and resolve everybody's messages. */
  readonly admin: boolean;
}

export const CHAT_STATUSES = ['quarantined', 'unknown', 'scheduled'] as const;

export interface ChatsQuery {
  readonly status: (typeof CHAT_STATUSES)[number] | null;
  readonly machine: string | null;
  readonly state: string | null;
  readonly unread: boolean;
  /** Only these; null: all. */
  readonly ids: readonly string[] | null;
  /** The `next` of the page before. */
  readonly after: string | null;
  readonly limit: number;
}

export interface TranscriptQuery {
  /** The last lines before this seq, those after it, or those around it; all null: the newest. */
  readonly before: number | null;
  readonly after: number | null;
  readonly around: number | null;
  readonly limit: number;
}

export interface SearchQuery {
  readonly text: string;
  readonly chat: string | null;
  readonly before: number | null;
  readonly limit: number;
}

/** What can be asked of the index. The first question starts it. Nothing of a chat that the viewer may not see. */
export interface ConsoleAnswers {
  chats(viewer: Viewer, query: ChatsQuery): ChatsPage;
  states(viewer: Viewer): readonly StateCount[];
  /** Those of the chat as it was called before too. */
  transcript(viewer: Viewer, chat: string, query: TranscriptQuery): Transcript;
  /** Never an error, whatever is in the text; words are found by their beginnings, whole where they stand in quotes. */
  search(viewer: Viewer, query: SearchQuery): SearchPage;
  /** Where an entry is shown: a fate at its message. Null where it is gone, belongs to no chat, or is not to be seen. */
  place(viewer: Viewer, seq: number): Place | null;
}

/** What an erasure took: chats up to an entry, and in other chats single entries, which have lost something. */
export interface ErasedFromIndex {
  readonly chats: readonly string[];
  readonly through: number;
  readonly seqs: readonly number[];
}

/** How the index follows an erasure. */
export interface IndexErasing {
  /** Forgets these chats up to the entry, and reads the single entries again. Repeating it changes nothing. */
  erase(erased: ErasedFromIndex): void;
  /** Gives back the room of what was deleted, so that no word of it is left in the file. False: the file is in use. */
  empty(): boolean;
}

/** The same from outside the index's thread. Rejects with SwitchboardError overloaded where too much is asked at once. */
export type Console = Asked<ConsoleAnswers>;

/** The same methods, asked of another thread. */
export type Asked<Methods extends { readonly [Name in keyof Methods]: (...asked: never[]) => unknown }> = {
  readonly [Name in keyof Methods]: (...asked: Parameters<Methods[Name]>) => Promise<ReturnType<Methods[Name]>>;
};

/** How far keys have read. Durable, and in no other way known: kept beside the journal, not in the index. */
export interface ReadMarks {
  /** Where the key began (null: it has not), and how far it has read since. */
  of(keyId: string): { readonly begun: number | null; readonly chats: ReadonlyMap<string, number> };
  begin(keyId: string, seq: number): void;
  /** It has read the chat up to there; never goes back. */
  set(keyId: string, chat: string, seq: number): void;
}
