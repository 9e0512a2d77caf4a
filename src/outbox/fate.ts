import { backoffMs } from '../backoff.ts';
import { errorText } from '../errors.ts';
import type { MessageRecord, Tx } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { CallImpossible, GatewayRefused, TelegramRefused, TelegramUnreachable } from '../telegram/errors.ts';
import { entryBody, isChat } from './outbox.ts';

/** How one call ended. */
export type Fate =
  | { readonly kind: 'sent'; readonly telegramMessageId: number | null; readonly addresses?: readonly SentAddress[] }
  /** `closes`: the chat takes no message of the bot, so that the next need not be tried. */
  | { readonly kind: 'failed'; readonly error: FateError; readonly closes?: boolean }
  /** With on_unknown "resend" it is sent again after `resendAfterMs`. */
  | { readonly kind: 'unknown'; readonly error: FateError; readonly resendAfterMs: number }
  | { readonly kind: 'retry'; readonly error: FateError; readonly delayMs: number }
  | { readonly kind: 'moved'; readonly to: string; readonly error: FateError };

/** Where Telegram says that a message is: of an album each item, of one to an @name the chat's number. */
export interface SentAddress {
  readonly chat: string;
  readonly messageId: number;
}

export interface FateError {
  /** Telegram's error_code; 0 if the answer was not Telegram's, or there was none. */
  readonly code: number;
  readonly description: string;
  /** The failures that were tried again, the oldest first; alike in a row are one. Up to limits.fateHistoryMax. */
  readonly history?: readonly Failures[];
  /** Of a message that waits for another call: an earlier one may have been carried out. */
  readonly may_have_arrived?: true;
  /** Of a message that Telegram had wait (429): what waits with it, its chat or all that the bot sends. */
  readonly held?: 'chat' | 'bot';
}

export interface Failures {
  readonly code: number;
  readonly description: string;
  readonly times: number;
  /** ISO 8601: the first and the last of them. */
  readonly from: string;
  readonly to: string;
}

/** What a message has been through before a call. */
export interface History {
  /** Calls, the one under way included. */
  readonly attempts: number;
  /** Its failures that were tried again. */
  readonly failures: readonly Failures[];
  /** As far as it is proven: a clock that jumps ahead must not bring a message's deadline. */
  readonly now: number;
}

/** A wait that a refusal asked for, and whose refusal it was. */
export interface Wait {
  readonly ms: number;
  readonly by: 'telegram' | 'gateway';
}

/** A message's error, as its row has it. */
export const errorOf = (error: string | null): FateError | null => (error === null ? null : JSON.parse(error));

/** Of a message that is being sent. */
export function historyOf({ attempts, error }: MessageRecord, now: number): History {
  return { attempts, failures: errorOf(error)?.history ?? [], now };
}

/** The fate of a call that Telegram carried out. */
export function fateOfResult(result: unknown): Fate {
  const items: readonly unknown[] = Array.isArray(result) ? result : [result];
  const addresses = items.flatMap(addressOf);
  return { kind: 'sent', telegramMessageId: messageIdOf(items[0]), addresses };
}

function messageIdOf(message: unknown): number | null {
  const id = typeof message === 'object' && message !== null && 'message_id' in message ? message.message_id : null;
  return typeof id === 'number' ? id : null;
}

function addressOf(message: unknown): SentAddress[] {
  const messageId = messageIdOf(message);
  const chat = typeof message === 'object' && message !== null && 'chat' in message ? message.chat : null;
  const id = typeof chat === 'object' && chat !== null && 'id' in chat ? chat.id : null;
  return messageId === null || typeof id !== 'number' ? [] : [{ chat: String(id), messageId }];
}

/**
 * The fate of a call that threw. Only a call that was not carried out is tried again:
 * - it never left: no connection, no name;
 * - Telegram itself says no for now: 429, and 5xx in the Bot API's own form;
 * - it refuses the bot's token: whoever mends that finds nothing failed.
 * A lost answer is `unknown` (I5), and so is 504: the gateway passed the call on, and it is the answer that did not come
 * in time. A gateway's page in place of an answer may be either (telegram/outcome.ts): what the gateway refused is tried
 * again, or `failed` if the next try would end alike; else it is as good as no answer.
 *
 * What is tried again has a deadline, limits.sendDeadlineMs after its first failure: an outage of hours costs no message.
 * Errors of Telegram's own have a number too. `random` from 0 to 1, for jitter.
 */
export function fateOfError(error: unknown, history: History, random: () => number): Fate {
  if (error instanceof TelegramUnreachable) {
    const failure = { code: 0, description: error.message };
    if (error.left) return unknown(failure, history, random);
    if (error instanceof GatewayRefused) {
      if (error.terminal) return failed(failure, history);
      if (error.retryAfterMs !== undefined) return again(failure, history, waitAtLeast(error.retryAfterMs));
    }
    return again(failure, history, outageDelayMs(history, random));
  }
  // A file of it is gone: it never left, and never can.
  if (error instanceof CallImpossible) return failed({ code: 0, description: error.message }, history);
  if (error instanceof TelegramRefused) return fateOfRefusal(error, history, random);
  // Not Telegram's doing: nothing tells whether the request left.
  return unknown({ code: 0, description: errorText(error) }, history, random);
}

function fateOfRefusal(refusal: TelegramRefused, history: History, random: () => number): Fate {
  const { errorCode: code, description, retryAfterMs, migrateToChat } = refusal;
  const failure = { code, description };
  if (migrateToChat !== undefined && history.attempts < limits.sendAttemptsMax) {
    return { kind: 'moved', to: migrateToChat, error: failure };
  }
  if (retryAfterMs !== undefined) return again(failure, history, waitAtLeast(retryAfterMs));
  if (refusesTheBot(failure)) return again(failure, history, outageDelayMs(history, random));
  if (code === 504) return unknown(failure, history, random);
  if (code < 500 && code !== 429) {
    return { ...failed(failure, history), closes: closesChat(failure) };
  }
  const times = inARow(history, (earlier) => (code === 429 ? earlier === 429 : earlier >= 500)) + 1;
  if (times >= limits.sendAttemptsMax) return failed(failure, history);
  return again(failure, history, backoff(times, random));
}

/**
 * How long Telegram asked to wait (429), whatever becomes of the message itself; null: it did not. Where it named no time:
 * as long as the message waits. `by`: a gateway that asks to wait means all that the bot sends; Telegram may mean the chat.
 */
export function waitAsked(error: unknown, fate: Fate): Wait | null {
  if (error instanceof GatewayRefused && error.retryAfterMs !== undefined) {
    return { ms: waitAtLeast(error.retryAfterMs), by: 'gateway' };
  }
  if (!(error instanceof TelegramRefused) || error.errorCode !== 429) return null;
  if (error.retryAfterMs !== undefined) return { ms: waitAtLeast(error.retryAfterMs), by: 'telegram' };
  return { ms: fate.kind === 'retry' ? fate.delayMs : limits.sendBackoffMaxMs, by: 'telegram' };
}

const waitAtLeast = (ms: number): number => Math.max(ms, limits.sendBackoffMinMs);

/** The token is refused, not the message (telegram.md: 404 "Not Found" is a malformed one): once it is mended, all goes on. */
export const refusesTheBot = ({ code, description }: FateError): boolean =>
  code === 401 || (code === 404 && description === 'Not Found');

/** The bot is blocked, put out, or was never let in: true of every message until something comes from the chat. */
const closesChat = ({ code, description }: FateError): boolean =>
  code === 403 && /blocked by the user|deactivated|was kicked|not a member|can't initiate/i.test(description);

/** Nothing that comes from a chat bears its @name alone, nor is anything of no chat: closed by that, they would stay so. */
const canOpen = (chat: string): boolean => isChat(chat) && !chat.startsWith('@');

const failed = (failure: FateError, { failures }: History) =>
  ({ kind: 'failed', error: withHistory(failure, failures) }) as const;

function again(failure: FateError, history: History, delayMs: number): Fate {
  const { failures, now } = history;
  const first = failures[0];
  const since = first === undefined ? now : Date.parse(first.from);
  const leftMs = since + limits.sendDeadlineMs - now;
  if (leftMs <= 0) return failed(failure, history);
  const error = withHistory(failure, remembered(history, failure));
  return { kind: 'retry', error, delayMs: Math.min(delayMs, leftMs) };
}

function unknown(failure: FateError, history: History, random: () => number): Fate {
  const resendAfterMs = backoff(history.attempts, random);
  return { kind: 'unknown', error: withHistory(failure, history.failures), resendAfterMs };
}

const withHistory = ({ code, description }: FateError, failures: readonly Failures[]): FateError =>
  failures.length === 0 ? { code, description } : { code, description, history: failures };

/** The failures with one more. At the bound the oldest but one goes: the first tells since when. */
export function remembered(
  { failures, now }: Pick<History, 'failures' | 'now'>,
  failure: FateError,
): readonly Failures[] {
  const { code, description } = failure;
  const at = new Date(now).toISOString();
  const last = failures.at(-1);
  if (last?.code === code && last.description === description) {
    return [...failures.slice(0, -1), { ...last, times: last.times + 1, to: at }];
  }
  const kept = failures.length < limits.fateHistoryMax ? failures : [...failures.slice(0, 1), ...failures.slice(2)];
  return [...kept, { code, description, times: 1, from: at, to: at }];
}

function inARow({ failures }: History, counts: (code: number) => boolean): number {
  const from = failures.findLastIndex(({ code }) => !counts(code)) + 1;
  return failures.slice(from).reduce((sum, { times }) => sum + times, 0);
}

const backoff = (attempts: number, random: () => number): number =>
  backoffMs(attempts, limits.sendBackoffMinMs, limits.sendBackoffMaxMs, random);

/** As long again as the outage has lasted, so that it is met with fewer and fewer tries. */
function outageDelayMs({ failures, now }: History, random: () => number): number {
  const first = failures[0];
  // A clock that was set back must not make an old outage look like one that has just begun.
  const lastedMs = first === undefined ? 0 : Math.abs(now - Date.parse(first.from));
  return Math.min(limits.sendBackoffMaxMs, Math.max(limits.sendBackoffMinMs, lastedMs)) * (0.5 + random() / 2);
}

/** Writes the fate of a message, as its row is, into that row, and its entry for the operators. */
export function settle(tx: Tx, bot: string, message: MessageRecord, fate: Fate): void {
  const { seq } = message;
  switch (fate.kind) {
    case 'sent': {
      const { telegramMessageId, addresses = [] } = fate;
      tx.changeMessage(seq, { status: 'sent', telegramMessageId, error: null }, message);
      if (message.keyId !== null) noteAddresses(tx, message, telegramMessageId, addresses);
      tell(tx, bot, message, 'sent', telegramMessageId === null ? '' : `,"telegram_message_id":${telegramMessageId}`);
      return;
    }
    case 'failed':
      end(tx, bot, message, 'failed', fate.error);
      if (fate.closes === true && canOpen(message.chat))
        tx.closeChat(message.chat, JSON.stringify(withHistory(fate.error, [])), seq);
      return;
    case 'unknown': {
      // With `resend` the sender has said that a double is better than a loss; the operators still hear of it.
      const again = message.onUnknown === 'resend' && message.attempts < limits.sendAttemptsMax;
      const change = again
        ? { ...resent(historyOf(message, tx.provenNow), fate.error), dueAt: tx.now + fate.resendAfterMs }
        : ({ status: 'unknown', error: JSON.stringify(fate.error) } as const);
      tx.changeMessage(seq, change, message);
      tell(tx, bot, message, 'unknown', errorTold(fate.error));
      return;
    }
    case 'retry': {
      const error = JSON.stringify(mayHaveArrived(message) ? { ...fate.error, may_have_arrived: true } : fate.error);
      tx.changeMessage(seq, { status: 'queued', dueAt: tx.now + fate.delayMs, error }, message);
      return;
    }
    case 'moved':
      tx.changeMessage(seq, { status: 'queued', chat: fate.to }, message);
      tx.moveMessages(message.chat, fate.to);
  }
}

/** What its row does not say of where a key's message is: the key may change it by each of its addresses. */
function noteAddresses(
  tx: Tx,
  { seq, chat }: MessageRecord,
  telegramMessageId: number | null,
  addresses: readonly SentAddress[],
): void {
  for (const address of addresses) {
    if (address.chat === chat && address.messageId === telegramMessageId) continue;
    tx.addSentAddress(seq, address.chat, address.messageId);
  }
}

/** Ends a message to a chat that takes none, untried. `refusal`: what the chat was closed with, as `closedChats` gives it. */
export const refuse = (tx: Tx, bot: string, message: MessageRecord, refusal: string): void =>
  settle(tx, bot, message, { kind: 'failed', error: JSON.parse(refusal) });

/** How a message of unknown fate goes back into the queue. `history`: what it has been through before that call. */
export function resent(history: Pick<History, 'failures' | 'now'>, failure: FateError) {
  const error: FateError = { ...withHistory(failure, remembered(history, failure)), may_have_arrived: true };
  return { status: 'queued', error: JSON.stringify(error) } as const;
}

/** Of a message that was to be sent again. One that is unknown already ends as somebody has found out. */
const mayHaveArrived = ({ status, error }: MessageRecord): boolean =>
  status !== 'unknown' && errorOf(error)?.may_have_arrived === true;

/**
 * Ends a message that was not sent by its last call, or is taken out of the queue. I5: where the answer of an earlier
 * call was lost it is `unknown`, whatever ends it: it may have arrived. `error` null: it keeps the one it has.
 */
export function end(
  tx: Tx,
  bot: string,
  message: MessageRecord,
  as: 'failed' | 'expired' | 'canceled',
  error: FateError | null,
): void {
  const before = errorOf(message.error);
  const last = error ?? before;
  const told = last === null ? null : withHistory(last, last.history ?? before?.history ?? []);
  const status = mayHaveArrived(message) ? 'unknown' : as;
  tx.changeMessage(message.seq, { status, error: told === null ? null : JSON.stringify(told) }, message);
  tell(tx, bot, message, status, told === null ? '' : errorTold(told));
}

/** The entry that tells of a message's fate. `more`: as entryBody has it. */
function tell(
  tx: Tx,
  bot: string,
  message: MessageRecord,
  status: 'sent' | 'failed' | 'unknown' | 'canceled' | 'expired',
  more: string,
): void {
  const { chat, keyId: owner } = message;
  tx.append({ type: `message.${status}`, chat, owner, body: entryBody(bot, message, status, more) });
}

const errorTold = (error: FateError): string => `,"error":${JSON.stringify(error)}`;
