import type { CopyHold, MessageRecord, MessageStatus, Tx, UnknownQuery } from '../journal/journal.ts';
import { writeMethod } from '../telegram/methods.ts';
import { type Upload, uploadsOf } from '../uploads/uploads.ts';
import type { DeliveryWish } from './delivery.ts';

export { DeliverySchema } from './delivery.ts';

/** What others may ask of the outbox. A message's id is `<bot>-<seq of its message.accepted entry>`. */
export interface Outbox {
  /**
   * Accepts one call of the Bot API for sending. Durable when it resolves.
   * The same idempotency key and body of the same key give the first answer again.
   * Throws SwitchboardError: request_invalid, message_invalid, method_forbidden, scope_missing (a chat that the key
   * may not write to), idempotency_key_reused, outbox_full, quota_exceeded.
   */
  accept(post: MessagePost): Promise<MessageAccepted>;
  /** As `accept`, an answer an item and in their order: what is wrong with one item hinders no other. */
  acceptAll(posts: readonly MessagePost[]): Promise<(MessageAccepted | Error)[]>;
  /** Null where there is no such message. `id` as given by the caller. */
  find(id: string): Promise<MessageRecord | null>;
  /**
   * Resolves with the message once it is settled (or unknown), or after `timeoutMs` as it stands; at once as it stands
   * where limits.messageWaitersMax callers wait already, or limits.messageWaitersPerKeyMax for the same key's messages.
   */
  settled(id: string, timeoutMs: number, signal: AbortSignal): Promise<MessageRecord | null>;
  /** Takes a message back. Throws message_not_cancelable once it is being sent, not_found. */
  cancel(id: string): Promise<MessageRecord>;
  /** Takes back all that a key has waiting. Returns how many messages that were. */
  cancelAllOf(keyId: string): Promise<number>;
  /** The messages that a key posted, in the order of their acceptance, from after that seq: of the entries that are kept. */
  postedBy(keyId: string, after: number, limit: number): Promise<MessageRecord[]>;
  /** Decides an unknown message's fate. Throws message_not_unknown, not_found. */
  resolve(id: string, as: Resolution): Promise<MessageRecord>;
  /** Messages of unknown fate, in the order of their acceptance. */
  unknown(query: UnknownQuery, limit: number): Promise<MessageRecord[]>;
  /**
   * Decides the fate of many, the first accepted first, up to limits.resolvedPerCallMax in one unit of work. `remaining`:
   * how many are still unknown of those asked for, counted up to limits.remainingCountMax.
   */
  resolveAll(query: UnknownQuery, as: Resolution): Promise<{ readonly resolved: number; readonly remaining: number }>;
  /** Why nothing is sent, and how many messages wait. */
  held(): Promise<{ readonly hold: CopyHold | null; readonly waiting: number }>;
  /**
   * Ends the hold of a copy: messages are sent from now on. `cancel`: those that came with the copy are canceled first.
   * Returns how many were canceled. Does nothing if the outbox is not held.
   */
  release(cancel: boolean): Promise<{ readonly canceled: number }>;
}

/** What became of an unknown message, as somebody has found out; or: it is sent again. */
export type Resolution = 'sent' | 'failed' | 'resend';

/** The priority of what a conversation says, or a caller waits for: it goes before all that keys post. */
export const REPLY_PRIORITY = -1;

/** Calls whose callers wait for Telegram's own answer: they know the Bot API alone. They go as replies do. */
export interface Deliveries {
  /**
   * Accepts a call and waits for its fate, for `waitMs` or until `stop` is aborted; then it is taken back if it is not
   * being sent yet. One that is being sent is waited for, as long as `gone` is not aborted. Throws what `accept` throws.
   */
  deliver(post: MessagePost, wait: DeliveryWait): Promise<Delivered>;
}

export interface DeliveryWait {
  readonly waitMs: number;
  readonly stop: AbortSignal;
  readonly gone: AbortSignal;
}

/** `withdrawn`: it was not sent and will not be. `told`: its fate, or how it stands, where Telegram gave no result. */
export type Delivered =
  /** Telegram's result, JSON. */
  | { readonly kind: 'result'; readonly result: string }
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'told'; readonly message: MessageRecord };

export interface MessagePost {
  readonly keyId: string;
  /** Chats that the key is restricted to; null: all. */
  readonly chats: readonly string[] | null;
  /** The key may read; left out: it may not (Poster). */
  readonly mayRead?: boolean;
  /** Null: the post is a message of its own, whatever was posted before. */
  readonly idempotencyKey: string | null;
  /** `{"method","chat_id",…,"delivery"?}`, not yet checked. */
  readonly body: unknown;
  /** It goes as a reply, whatever its delivery says. */
  readonly isReply?: boolean;
  /** Files that came with it. The outbox deletes them where it does not accept the message. */
  readonly files?: readonly Upload[];
}

export interface MessageAccepted {
  readonly id: string;
  readonly status: MessageStatus;
  readonly chat_id: number | string;
  /** ISO 8601. */
  readonly created_at: string;
  /** True where this is the answer of an earlier post with the same key. */
  readonly replayed: boolean;
}

/** Tells whose button was pressed. */
export interface Presses {
  /** Null: the press is not of a conversation's own button. */
  find(tx: Tx, press: Press): Promise<Pressed | null>;
}

/** A press as Telegram tells of it. */
export interface Press {
  readonly chat: string;
  /** The message that carries the button; null: Telegram does not tell. */
  readonly messageId: number | null;
  readonly data: string;
  /** The message is in a chat of a business account: its id may be that of another message of the bot's own chat. */
  readonly isBusiness: boolean;
}

/** A press of a conversation's own button. */
export interface Pressed {
  /** What the machine gave the button; empty: that is not known any more. */
  readonly data: string;
  /** The message has arrived, as somebody pressed its button: settles it as sent, if that was not known. */
  readonly prove: () => void;
}

/** Statuses in which nothing more happens to a message by itself. */
export const SETTLED: readonly MessageStatus[] = ['sent', 'failed', 'unknown', 'expired', 'canceled'];

/** A message's id as callers know it: `<bot>-<seq>`. */
export const messageId = (bot: string, seq: number): string => `${bot}-${seq}`;

/** The seq in a message's id; null where the id is not one of this bot's. */
export function seqOfMessageId(bot: string, id: string): number | null {
  const digits = id.startsWith(`${bot}-`) ? id.slice(bot.length + 1) : '';
  return /^[1-9]\d{0,15}$/.test(digits) ? Number(digits) : null;
}

/** False of calls that are addressed to no chat, as the answer to a button: all of them have the chat `0`. */
export const isChat = (chat: string): boolean => chat !== '0';

/** A chat id as Telegram's JSON has it: a number, or an @name. */
export const chatIdOf = (chat: string): number | string => (chat.startsWith('@') ? chat : Number(chat));

/** What the outside sees of a message: the answer of GET /v1/messages/{id}, and `message` in the stream. */
export function messageView(bot: string, message: MessageRecord) {
  return {
    id: messageId(bot, message.seq),
    status: message.status,
    chat_id: chatIdOf(message.chat),
    method: message.method,
    attempts: message.attempts,
    created_at: new Date(message.createdAt).toISOString(),
    updated_at: new Date(message.updatedAt).toISOString(),
    ...(message.status === 'scheduled' ? { send_at: new Date(message.dueAt).toISOString() } : {}),
    ...(message.telegramMessageId === null ? {} : { telegram_message_id: message.telegramMessageId }),
    ...(message.error === null ? {} : { error: JSON.parse(message.error) as unknown }),
  };
}

/** What becomes a message. */
export interface NewMessage extends DeliveryWish {
  readonly chat: string;
  readonly method: string;
  /** The call's parameters, JSON. */
  readonly params: string;
  readonly keyId: string | null;
  /** Files uploaded with it, JSON (uploads.ts). */
  readonly files?: string | null;
}

/** What accepting a message takes of a transaction. */
export type MessageTx = Pick<Tx, 'now' | 'nextSeq' | 'append' | 'addMessage'>;

/** A message of a conversation to its own chat: before all that keys post, and sent once or `unknown`. */
export function addReply(tx: MessageTx, bot: string, call: Pick<NewMessage, 'chat' | 'method' | 'params'>): void {
  const wish = { priority: REPLY_PRIORITY, sendAt: null, expiresAt: null, onUnknown: 'hold' } as const;
  addMessage(tx, bot, { ...call, ...wish, keyId: null });
}

/** The only way into the outbox: the message's row and its message.accepted entry, in the caller's unit of work. */
export function addMessage(tx: MessageTx, bot: string, message: NewMessage): MessageRecord {
  const { chat, method, params, priority, sendAt, expiresAt, onUnknown, keyId, files } = message;
  // What is written to no chat has no order to keep: the answers to all users' buttons would wait for each other.
  const order = isChat(chat) ? (message.order ?? 'chat') : 'free';
  const seq = tx.nextSeq();
  const status = sendAt !== null && sendAt > tx.now ? 'scheduled' : 'queued';
  const record: MessageRecord = {
    seq,
    chat,
    order,
    method,
    counted: writeMethod(method)?.paced === true,
    params,
    status,
    priority,
    // One that has come due stays due: a clock that is set back later would hold it up.
    dueAt: status === 'scheduled' && sendAt !== null ? sendAt : 0,
    expiresAt,
    onUnknown,
    keyId,
    attempts: 0,
    telegramMessageId: null,
    error: null,
    files: files ?? null,
    createdAt: tx.now,
    updatedAt: tx.now,
  };
  const sendAtTold = status === 'scheduled' ? `,"send_at":"${new Date(record.dueAt).toISOString()}"` : '';
  const more = `,"params":${params}${filesTold(files)}${sendAtTold}`;
  tx.append({ type: 'message.accepted', chat, owner: keyId, body: entryBody(bot, record, status, more) });
  tx.addMessage(record);
  return record;
}

/** What an entry about a message carries. `more`: what it says beside, as JSON's text: `,"error":{…}`. */
export const entryBody = (
  bot: string,
  { seq, chat, method }: MessageRecord,
  status: MessageStatus,
  more: string,
): string =>
  `{"message":{"id":"${messageId(bot, seq)}","status":"${status}","chat_id":${JSON.stringify(chatIdOf(chat))},"method":"${method}"${more}}}`;

/** A message's files as readers are told of them. */
function filesTold(files: string | null | undefined): string {
  if (files === null || files === undefined) return '';
  const told = uploadsOf(files).map(({ part, name, type, size }) => ({ part, name, type, size }));
  return `,"files":${JSON.stringify(told)}`;
}
