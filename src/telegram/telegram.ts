import type { Readable } from 'node:stream';
import type { Update } from '@grammyjs/types';

/**
 * The Bot API as Switchboard uses it. One method: everything else is parameters.
 */
export interface BotApi {
  /**
   * Calls a method of the Bot API and gives its `result`, unparsed.
   * Throws TelegramRefused where Telegram answered no, TelegramUnreachable where no answer was understood,
   * CallImpossible where a file of it is not there: the call has not left and never can.
   */
  call(method: string, params: Readonly<Record<string, unknown>>, options?: CallOptions): Promise<unknown>;
  close(): Promise<void>;
}

export interface CallOptions {
  /** Aborting makes the call throw TelegramUnreachable. */
  readonly signal?: AbortSignal;
  /** Time for the whole call, default limits.botApiTimeoutMs. */
  readonly timeoutMs?: number;
  /** The call is given up once nothing came for so long: before its answer, or within it. Left out: only `timeoutMs` bounds it. */
  readonly silenceMs?: number;
  /** Called just before the first byte may leave. If it throws, nothing leaves. */
  readonly onLeaving?: () => void;
  /** Sent as parts of a form with the call, read from the disk as they go. */
  readonly files?: readonly CallFile[];
}

/** A file of a call: a parameter refers to it as attach:// and the part's name. */
export interface CallFile {
  readonly part: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly path: string;
}

/** How calls end. `not_sent`: Telegram certainly did not get it. `no_answer`: it may have. */
export type CallOutcome = 'ok' | 'refused' | 'rate_limited' | 'server_error' | 'gateway' | 'no_answer' | 'not_sent';

/** The calls since the start. */
export interface CallCounts {
  /** Methods that Switchboard does not know are `other`. */
  readonly calls: readonly { readonly method: string; readonly outcome: CallOutcome; readonly count: number }[];
  /** Seconds that Telegram asked to wait, of all its 429 together. */
  readonly waitAskedS: number;
}

/** Switchboard's own bot in sandbox mode. */
export const SANDBOX_TOKEN = '1:sandbox';
/** Files that the bot has received, by the `file_path` that getFile gave. */
export interface BotFiles {
  /**
   * Begins a download. Throws TelegramRefused where there is no such file, TelegramUnreachable; the stream breaks off
   * where the signal is aborted.
   */
  open(path: string, signal: AbortSignal): Promise<FileDownload>;
  close(): Promise<void>;
}

export interface FileDownload {
  readonly stream: Readable;
  /** Bytes, where it is told. */
  readonly length: number | null;
}

/** The number before the colon: the bot's id. Null where the token is not of Telegram's form. */
export function botOfToken(token: string): string | null {
  return /^(\d{1,16}):[\w-]+$/.exec(token)?.[1] ?? null;
}

/** Every kind of update, the three that Telegram leaves out unless they are named included. Bot API 10.3. */
export const UPDATE_KINDS = [
  'message',
  'edited_message',
  'channel_post',
  'edited_channel_post',
  'business_connection',
  'business_message',
  'edited_business_message',
  'deleted_business_messages',
  'guest_message',
  'stopped_message_generation',
  'message_reaction',
  'message_reaction_count',
  'inline_query',
  'chosen_inline_result',
  'callback_query',
  'shipping_query',
  'pre_checkout_query',
  'purchased_paid_media',
  'poll',
  'poll_answer',
  'my_chat_member',
  'chat_member',
  'chat_join_request',
  'chat_boost',
  'removed_chat_boost',
  'managed_bot',
  'subscription',
] as const satisfies readonly Exclude<keyof Update, 'update_id'>[];
