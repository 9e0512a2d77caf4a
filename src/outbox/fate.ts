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
}

/** The fate of a call that Telegram carried out. */
export function fateOfResult(result: unknown): Fate {
  const first: unknown = Array.isArray(result) ? result[0] : result;
  const id = typeof first === 'object' && first !== null && 'message_id' in first ? first.message_id : null;
  return { kind: 'sent', telegramMessageId: typeof id === 'number' ? id : null };
}

/**
 * The fate of a call that threw. Only a call that certainly was not carried out is tried again: refused for now
 * (429, 5xx), or never left. A lost answer is `unknown` (I5). `random` from 0 to 1, for jitter.
 */
export function fateOfError(error: unknown, attempts: number, random: () => number): Fate {
  if (error instanceof TelegramUnreachable) {
    const fateError = { code: 0, description: error.message };
    return error.left
      ? { kind: 'unknown', error: fateError, resendAfterMs: backoff(attempts, random) }
      : retryOrFail(fateError, attempts, backoff(attempts, random));
  }
  if (error instanceof TelegramRefused) {
    const fateError = { code: error.errorCode, description: error.description };
    if (error.migrateToChat !== undefined && attempts < limits.sendAttemptsMax) {
      return { kind: 'moved', to: error.migrateToChat, error: fateError };
    }
    if (error.retryAfterMs !== undefined) return retryOrFail(fateError, attempts, error.retryAfterMs);
    if (error.errorCode >= 500 || error.errorCode === 429) {
      return retryOrFail(fateError, attempts, backoff(attempts, random));
    }
    return { kind: 'failed', error: fateError };
  }
  // Not Telegram's doing: nothing tells whether the request left.
  const fateError = { code: 0, description: errorText(error) };
  return { kind: 'unknown', error: fateError, resendAfterMs: backoff(attempts, random) };
}

const retryOrFail = (error: FateError, attempts: number, delayMs: number): Fate =>
  attempts >= limits.sendAttemptsMax ? { kind: 'failed', error } : { kind: 'retry', error, delayMs };

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
      tx.moveChat(message.chat, fate.to);
  }
}

/** The entry that tells of a message's fate. */
export function tell(
  tx: Tx,
  bot: string,
  { seq, chat, method }: MessageRecord,
  status: 'sent' | 'failed' | 'unknown' | 'canceled' | 'expired',
  details: Readonly<Record<string, unknown>>,
): void {
  const message = { id: messageId(bot, seq), status, chat_id: chatIdOf(chat), method, ...details };
  tx.append({ type: `message.${status}`, chat, body: `{"message":${JSON.stringify(message)}}` });
}
