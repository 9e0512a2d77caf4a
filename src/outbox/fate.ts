import { backoffMs } from '../backoff.ts';
import { errorText } from '../errors.ts';
import type { MessageRecord, Tx } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { TelegramRefused, TelegramUnreachable } from '../telegram/errors.ts';
import { chatIdOf, messageId } from './outbox.ts';

/** How one call ended. */
export type Fate =
  | { readonly kind: 'sent'; readonly telegramMessageId: number | null }
  | { readonly kind: 'failed'; readonly error: FateError }
  /** With on_unknown "resend" it is sent again after `resendAfterMs`. */
  | { readonly kind: 'unknown'; readonly error: FateError; readonly resendAfterMs: number }
  | { readonly kind: 'retry'; readonly error: FateError; readonly delayMs: number }
  | { readonly kind: 'moved'; readonly to: string; readonly error: FateError };

export interface FateError {
  /** Telegram's error_code; 0 where there was no answer. */
  readonly code: number;
  readonly description: string;
  /** Errors of Telegram's own (5xx) in a row, this one included: at limits.sendAttemptsMax the message has failed. */
  readonly times?: number;
}

/** What a message has been through before a call. */
export interface History {
  /** Calls, the one under way included. */
  readonly attempts: number;
  /** Since the message was accepted. */
  readonly ageMs: number;
  /** How its last call failed; null: it did not, or was the first. */
  readonly error: FateError | null;
}

/** The fate of a call that Telegram carried out. */
export function fateOfResult(result: unknown): Fate {
  const first: unknown = Array.isArray(result) ? result[0] : result;
  const id = typeof first === 'object' && first !== null && 'message_id' in first ? first.message_id : null;
  return { kind: 'sent', telegramMessageId: typeof id === 'number' ? id : null };
}

/**
 * The fate of a call that threw. Only a call that certainly was not carried out is tried again: refused for now (429,
 * 5xx), or never left. A lost answer is `unknown` (I5). While Telegram cannot be reached, or asks to wait, there is no
 * last try: an outage, however long, costs no message but those that expire. `random` from 0 to 1, for jitter.
 */
export function fateOfError(error: unknown, history: History, random: () => number): Fate {
  const { attempts, ageMs } = history;
  if (error instanceof TelegramUnreachable) {
    const fateError = { code: 0, description: error.message };
    if (error.left) return { kind: 'unknown', error: fateError, resendAfterMs: backoff(attempts, random) };
    // As long again as it has waited, so that an outage is met with fewer and fewer tries.
    const waitMs = Math.min(limits.sendBackoffMaxMs, Math.max(limits.sendBackoffMinMs, ageMs));
    return { kind: 'retry', error: fateError, delayMs: waitMs * (0.5 + random() / 2) };
  }
  if (error instanceof TelegramRefused) {
    const fateError = { code: error.errorCode, description: error.description };
    if (error.migrateToChat !== undefined && attempts < limits.sendAttemptsMax) {
      return { kind: 'moved', to: error.migrateToChat, error: fateError };
    }
    if (error.retryAfterMs !== undefined) {
      return { kind: 'retry', error: fateError, delayMs: error.retryAfterMs };
    }
    if (error.errorCode >= 500 || error.errorCode === 429) {
      const times = (history.error?.times ?? 0) + 1;
      const counted = { ...fateError, times };
      if (times >= limits.sendAttemptsMax) return { kind: 'failed', error: counted };
      return { kind: 'retry', error: counted, delayMs: backoff(times, random) };
    }
    return { kind: 'failed', error: fateError };
  }
  // Not Telegram's doing: nothing tells whether the request left.
  const fateError = { code: 0, description: errorText(error) };
  return { kind: 'unknown', error: fateError, resendAfterMs: backoff(attempts, random) };
}

const backoff = (attempts: number, random: () => number): number =>
  backoffMs(attempts, limits.sendBackoffMinMs, limits.sendBackoffMaxMs, random);

/** Writes a fate into the message's row, and its entry for the operators. */
export function settle(tx: Tx, bot: string, message: MessageRecord, fate: Fate): void {
  switch (fate.kind) {
    case 'sent': {
      const { telegramMessageId } = fate;
      tx.changeMessage(message.seq, { status: 'sent', telegramMessageId, error: null });
      tell(tx, bot, message, 'sent', telegramMessageId === null ? {} : { telegram_message_id: telegramMessageId });
      return;
    }
    case 'failed':
      tx.changeMessage(message.seq, { status: 'failed', error: JSON.stringify(fate.error) });
      tell(tx, bot, message, 'failed', { error: fate.error });
      return;
    case 'unknown': {
      // With `resend` the sender has said that a double is better than a loss; the operators still hear of it.
      const again = message.onUnknown === 'resend' && message.attempts < limits.sendAttemptsMax;
      tx.changeMessage(message.seq, {
        ...(again ? { status: 'queued', dueAt: tx.now + fate.resendAfterMs } : { status: 'unknown' }),
        error: JSON.stringify(fate.error),
      });
      tell(tx, bot, message, 'unknown', { error: fate.error });
      return;
    }
    case 'retry':
      tx.changeMessage(message.seq, {
        status: 'queued',
        dueAt: tx.now + fate.delayMs,
        error: JSON.stringify(fate.error),
      });
      return;
    case 'moved':
      tx.changeMessage(message.seq, { status: 'queued', chat: fate.to });
      tx.moveMessages(message.chat, fate.to);
  }
}

/** The entry that tells of a message's fate. */
export function tell(
  tx: Tx,
  bot: string,
  { seq, chat, method, keyId: owner }: MessageRecord,
  status: 'sent' | 'failed' | 'unknown' | 'canceled' | 'expired',
  details: Readonly<Record<string, unknown>>,
): void {
  const message = { id: messageId(bot, seq), status, chat_id: chatIdOf(chat), method, ...details };
  tx.append({ type: `message.${status}`, chat, owner, body: `{"message":${JSON.stringify(message)}}` });
}
