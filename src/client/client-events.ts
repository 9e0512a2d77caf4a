/** What the client gives, and the lines of NDJSON that it comes from. */

interface Entry<T extends string> {
  /** Give it as `after` to go on behind this event. */
  readonly id: string;
  /** The event's place in the journal. */
  readonly seq: number;
  readonly type: T;
  readonly bot: string;
  /** Telegram's chat id; null where it belongs to no chat. */
  readonly chat: string | null;
  /** ISO 8601. */
  readonly at: string;
  /** Where it is not the chat's own conversation. */
  readonly conversation?: string;
  /** What the entry carried was erased: none of the fields that its type has beside these is there. */
  readonly erased?: true;
}

/** Telegram's Update, untouched. */
export interface TelegramUpdate {
  readonly update_id: number;
  readonly [kind: string]: unknown;
}

/** A message of the outbox. */
export interface OutboxMessage {
  readonly id: string;
  readonly status: string;
  readonly chat_id: number | string;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly telegram_message_id?: number;
  readonly error?: { readonly code: number; readonly description: string };
}

type Fate = 'accepted' | 'sent' | 'failed' | 'unknown' | 'canceled' | 'expired';

/** An entry of the journal. A type that this version does not know comes too: with more fields than are named here. */
export type JournalEvent =
  | (Entry<'update.received'> & { readonly update: TelegramUpdate; readonly error?: string })
  | (Entry<'event.received'> & {
      readonly event: { readonly type: string; readonly [field: string]: unknown };
      /** The id of the key that posted it; earlier versions did not tell it. */
      readonly key?: string;
    })
  | (Entry<'chat.emitted'> & { readonly event: { readonly type: string; readonly [field: string]: unknown } })
  | (Entry<'timer.fired'> & {
      readonly timer: string;
      readonly due_at: number;
      readonly event: { readonly type: string };
    })
  | (Entry<'request.answered'> & {
      readonly request: string;
      readonly src: string;
      readonly output?: unknown;
      readonly error?: unknown;
    })
  | (Entry<'chat.moved'> & { readonly machine: string; readonly from: unknown; readonly to: unknown })
  | (Entry<'chat.migrated'> & { readonly machine: string; readonly outcome?: string })
  | (Entry<'chat.resumed'> & { readonly machine: string; readonly dropped?: number })
  | (Entry<'chat.erased'> & {
      readonly erasure: {
        readonly number: number;
        readonly through: number;
        readonly entries: number;
        readonly mentions: number;
      };
    })
  | (Entry<'chat.quarantined'> & { readonly error: string; readonly machine: string })
  | (Entry<`message.${Fate}`> & { readonly message: OutboxMessage });

/** Entries that are not kept any more, or that did not come. */
export interface StreamGap {
  readonly type: 'stream.gap';
  readonly from: number;
  readonly to: number;
}

/** The journal is another one than before: its events begin anew, at the earliest. */
export interface StreamReset {
  readonly type: 'stream.reset';
  /** Its name. */
  readonly stream: string;
}

export type ClientEvent = JournalEvent | StreamGap | StreamReset;

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/** A line as the server writes it. */
export type StreamLine =
  | {
      readonly type: 'stream.hello';
      readonly stream: string;
      readonly first: number;
      readonly head: number;
      readonly filtered?: boolean;
    }
  | { readonly type: 'stream.heartbeat'; readonly seq?: number }
  | { readonly type: 'stream.reset' }
  | { readonly type: 'stream.error'; readonly code: string; readonly detail: string }
  | StreamGap
  | WithoutId<JournalEvent>;
