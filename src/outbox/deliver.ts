import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import { type Deliveries, type Outbox, SETTLED, seqOfMessageId } from './outbox.ts';

export interface DeliveriesOptions {
  readonly bot: string;
  readonly outbox: Outbox;
}

/**
 * Deliveries over the outbox. Telegram's results are kept for those who wait, and nowhere else: whoever waits is gone
 * when the process is. `carriedOut` takes the result of a call before anybody is told of its fate.
 */
export function createDeliveries({ bot, outbox }: DeliveriesOptions): Deliveries & {
  carriedOut(seq: number, result: unknown): void;
} {
  /** By message; null while there is none. */
  const results = new Map<number, string | null>();

  /** Whether the message was taken back; false where it is being sent, or was. */
  async function takenBack(id: string): Promise<boolean> {
    try {
      await outbox.cancel(id);
      return true;
    } catch (error) {
      if (error instanceof SwitchboardError && error.code === 'message_not_cancelable') return false;
      throw error;
    }
  }

  return {
    carriedOut(seq, result) {
      if (results.has(seq)) results.set(seq, JSON.stringify(result));
    },
    async deliver(post, { waitMs, stop, gone }) {
      const { id } = await outbox.accept({ ...post, isReply: true });
      const seq = seqOfMessageId(bot, id) ?? 0;
      // In time: a claim is a transaction of its own, which comes after the one that has just ended.
      results.set(seq, null);
      try {
        let message = await outbox.settled(id, waitMs, stop);
        if (message !== null && !SETTLED.includes(message.status)) {
          if (await takenBack(id)) return { kind: 'withdrawn' };
          message = await outbox.settled(id, limits.botApiTimeoutMs, gone);
          // Telegram asked to wait with it meanwhile.
          if (message !== null && !SETTLED.includes(message.status) && (await takenBack(id)))
            return { kind: 'withdrawn' };
        }
        if (message === null) throw new SwitchboardError('not_found', 'The message is gone');
        const result = results.get(seq) ?? null;
        return result === null ? { kind: 'told', message } : { kind: 'result', result };
      } finally {
        results.delete(seq);
      }
    },
  };
}
