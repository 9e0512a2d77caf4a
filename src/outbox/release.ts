import type { Journal, MessageRecord, Tx } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { end } from './fate.ts';

/**
 * Ends the hold of a copied data folder. With `cancel`, first cancels what came with the copy, page by page: a crash between
 * two pages leaves the outbox held. Returns the seqs of the canceled messages.
 */
export async function releaseCopy(journal: Pick<Journal, 'bot' | 'write'>, cancel: boolean): Promise<number[]> {
  const canceled: number[] = [];
  for (let released = false; !released; ) {
    released = await journal.write(async (tx) => {
      const hold = tx.copyHold();
      if (hold === null) return true;
      const waiting = cancel ? await waitingFor(tx, hold.from) : [];
      for (const message of waiting) {
        end(tx, journal.bot, message, 'canceled', null);
        canceled.push(message.seq);
      }
      if (waiting.length > 0) return false;
      tx.releaseCopy();
      return true;
    });
  }
  return canceled;
}

/**
 * Messages before `seq` that will be sent. Those that were being sent when the copy was made are among them if they are sent again
 * on an unknown outcome: the copy's first start queues them, and the release may come before it.
 */
async function waitingFor(tx: Tx, seq: number): Promise<MessageRecord[]> {
  const interrupted = await tx.orphanedMessages();
  const resent = interrupted.filter((message) => message.seq < seq && message.onUnknown === 'resend');
  return [...resent, ...(await tx.waitingBefore(seq, limits.outboxDuePerUnitMax))];
}
