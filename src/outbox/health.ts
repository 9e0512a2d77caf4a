import type { Clock } from '../clock.ts';
import { errorText } from '../errors.ts';
import { limits } from '../limits.ts';
import { CallImpossible, TelegramRefused } from '../telegram/errors.ts';
import { refusesTheBot } from './fate.ts';

export interface SendHealthOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Why sends count as failing; null: they do not. Called with every failure beyond the bound, and with the end of it. */
  readonly onChange: (failing: string | null) => void;
}

/**
 * Whether messages go out at all: limits.sendFailuresMax failures in a row, of whatever chats, and it is told; the first
 * success ends it. What Telegram refuses for the message's or its chat's own sake counts as neither: it was an answer.
 */
export function createSendHealth({ clock, onChange }: SendHealthOptions) {
  let failures = 0;
  let failingSince = 0;
  let lastSentAt: number | null = null;

  return {
    succeeded(): void {
      lastSentAt = clock.now();
      if (failures >= limits.sendFailuresMax) onChange(null);
      failures = 0;
    },
    failed(error: unknown): void {
      if (isOfMessage(error)) return;
      failures += 1;
      if (failures === 1) failingSince = clock.now();
      if (failures < limits.sendFailuresMax) return;
      const since = new Date(failingSince).toISOString();
      onChange(`${failures} calls in a row failed, none got through since ${since}. The last: ${errorText(error)}`);
    },
    lastSentAt: (): number | null => lastSentAt,
  };
}

/** A blocked bot, a chat that is not there, a text that is too long, a file that is gone: other messages go all the same. */
function isOfMessage(error: unknown): boolean {
  if (error instanceof CallImpossible) return true;
  if (!(error instanceof TelegramRefused)) return false;
  const { errorCode: code, description } = error;
  return code >= 400 && code < 500 && code !== 429 && !refusesTheBot({ code, description });
}
