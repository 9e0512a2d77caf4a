import type { Journal } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { end } from './fate.ts';

/**
 * Cancels what a key has waiting, queued and scheduled, page by page. After a crash between two pages the rest still waits:
 * who asks again goes on. What is being sent is not canceled. Returns the seqs of the canceled messages.
 */
export async function cancelMessagesOf(journal: Pick<Journal, 'bot' | 'write'>, keyId: string): Promise<number[]> {
  const canceled: number[] = [];
  for (let place: string | null = ''; place !== null; ) {
    const after: string = place;
    place = await journal.write(async (tx) => {
      const { messages, next } = await tx.waitingOf(keyId, after, limits.cancelLooksPerUnit);
      for (const message of messages) {
        end(tx, journal.bot, message, 'canceled', null);
        canceled.push(message.seq);
      }
      return next;
    });
  }
  return canceled;
}
