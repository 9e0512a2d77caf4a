/**
 * What Switchboard tells a conversation, and what a conversation asks of it. Everything is JSON: a snapshot is
 * stored after each step.
 */

/** Who a conversation is with. Given once, as the machine's input. */
export interface ConversationInput {
  /** The conversation's own id: the chat's, with `:u<user>` or `:t<topic>` behind it where the settings say so. */
  readonly conversation: string;
  /** Telegram's chat id, as text. */
  readonly chat: string;
}

export interface Person {
  readonly id: number;
  readonly firstName: string;
  readonly languageCode?: string;
}

/** The user wrote a message. `text` is a text's or a caption's; `kind` names Telegram's content: text, photo, sticker, … */
export interface MessageReceived {
  readonly type: 'message.received';
  readonly text: string;
  readonly kind: string;
  readonly messageId: number;
  readonly from: Person | null;
  /** ISO 8601, as Telegram dated it. */
  readonly at: string;
}

/** The user changed a message of theirs. */
export interface MessageEdited extends Omit<MessageReceived, 'type'> {
  readonly type: 'message.edited';
}

/**
 * The user pressed an inline button of the conversation's own: Switchboard has checked that it gave that message that button.
 * Answer with `answerCallback`, or Telegram shows a spinner.
 */
export interface CallbackReceived {
  readonly type: 'callback.received';
  readonly id: string;
  /** What the machine gave the button; empty where that is not kept any more. */
  readonly data: string;
  /** The message that carries the button; null where Telegram no longer tells. */
  readonly messageId: number | null;
  readonly from: Person;
}

/** The user blocked, unblocked, added or removed the bot: Telegram's ChatMember status. */
export interface MembershipChanged {
  readonly type: 'membership.changed';
  readonly status: string;
}

/** The events that Telegram's updates become. */
export type UserEvent = MessageReceived | MessageEdited | CallbackReceived | MembershipChanged;

export interface InlineButton {
  readonly text: string;
  readonly callback_data?: string;
  readonly url?: string;
}

/** Rows of buttons under a message. */
export interface InlineKeyboard {
  readonly inline_keyboard: readonly (readonly InlineButton[])[];
}

/** `reply`: a message to the conversation's chat. More fields of Telegram's sendMessage may be given. */
export interface Reply {
  readonly text: string;
  readonly parse_mode?: 'HTML' | 'MarkdownV2';
  readonly reply_markup?: InlineKeyboard;
}

/** `edit`: new text and buttons for a message that the bot sent. */
export interface Edit extends Reply {
  readonly message_id: number;
}

/** `answerCallback`: what Telegram shows to who pressed the button. */
export interface AnswerCallback {
  readonly callback_query_id: string;
  readonly text?: string;
  readonly show_alert?: boolean;
}

/** A conversation between two events, as `migrate` of a machine gets it and gives it back. */
export interface AtRest {
  /** XState's state value. */
  readonly value: RestingState;
  readonly context: unknown;
  /**
   * What is due later; of a chat that is retried also what came due while it stood still. XState names an `after` by its
   * delay and its state, `xstate.after.patience.support.waiting`: where a state gets another name, so do its timers, in
   * `id` and in `event.type`. `dueAt` in ms since 1970: what came due keeps its turn as long as that stays, and is set anew
   * where it is another.
   */
  readonly timers: readonly {
    readonly id: string;
    readonly dueAt: number;
    readonly event: { readonly type: string };
  }[];
  /**
   * What the backend has been asked, and whose answer it has not taken. `invoke` may be given another name; one left out is
   * withdrawn.
   */
  readonly requests: readonly {
    readonly id: string;
    readonly invoke: string;
    readonly src: string;
    readonly input: unknown;
  }[];
  /** Where history leads: by the id of the history state, `support.form.recent`, the ids of the states it remembers. */
  readonly history: Readonly<Record<string, readonly string[]>>;
}

/** What `migrate` gives back: `history` left out is as it was, a history state left out of it remembers nothing. */
export type Migrated = Omit<AtRest, 'history'> & Partial<Pick<AtRest, 'history'>>;

/** A state's name, or of each region or parent the state within. */
export type RestingState = string | { readonly [state: string]: RestingState };

/**
 * `export const migrate` of a machine's file: brings a conversation that another version of the machine left at rest to
 * this one. `from` is that other version. Null: it cannot be done, and the settings say what becomes of it.
 */
export type Migrate = (from: string, conversation: AtRest) => Migrated | null;

/** What a user can do in a private chat that a conversation should answer, however it stands. */
export type Doing = 'text' | 'button' | 'photo' | 'edit';

/** `meta` of a machine and of its states: what XState itself does not ask. */
export interface Meta {
  /** At a final state, or at the machine: what comes after the conversation's end. Left out, the next event begins it anew. */
  readonly whenDone?: 'restart' | 'stay';
  /** At a state: what it leaves without an answer on purpose, with the states within it. */
  readonly ignores?: readonly Doing[];
  /** At the machine: it runs as a live actor of Switchboard, and is no conversation. */
  readonly runs?: 'live';
  /** At the machine: what leads through it, where that cannot be told from the machine itself. Tests try it everywhere. */
  readonly examples?: {
    /** What users write; the sandbox's page suggests it. Commands in the machine's own texts, and words in the params of its guards, are tried anyway. */
    readonly texts?: readonly string[];
    /** What is posted to it, or sent. */
    readonly events?: readonly { readonly type: string; readonly [field: string]: unknown }[];
    /** What an actor that it asks may answer, by the actor's name; left out, null is tried. */
    readonly answers?: Readonly<Record<string, readonly unknown[]>>;
    /** With what it may fail; left out, the failures of a backend are tried. */
    readonly errors?: Readonly<Record<string, readonly unknown[]>>;
  };
}
