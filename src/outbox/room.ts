import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';

/** The outbox's room for what conversations send. */
export interface Room {
  /** So many messages wait now. */
  note(messages: number): void;
  isFull(): boolean;
  /** Resolves once there is room: whatever makes conversations write waits for it first. */
  free(): Promise<void>;
  /** Throws outbox_full where there is none: for those who can come again. */
  require(): void;
}

/**
 * Posts are refused at limits.outboxMessagesMax; conversations may go on up to `max`, and then what drives them waits: the
 * poller takes no batch, so that Telegram keeps the updates, no timer fires, and no answer of the backend is taken in.
 * Memory does not grow with what waits: all of it is at Telegram or on the disk.
 */
export function createRoom(messages: number, max: number = limits.outboxMessagesMax + limits.outboxRepliesMax): Room {
  let waiting: (() => void)[] = [];
  let count = messages;
  return {
    note(now) {
      count = now;
      if (count >= max || waiting.length === 0) return;
      const going = waiting;
      waiting = [];
      for (const go of going) go();
    },
    isFull: () => count >= max,
    free: () => (count < max ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    require() {
      if (count < max) return;
      throw new SwitchboardError('outbox_full', `${max} messages wait already: try again later`, {
        retryAfterMs: limits.outboxFullRetryMs,
      });
    },
  };
}
