import type { DatabaseSync } from 'node:sqlite';
import { int, type SeqRange, text } from './sqlite-rows.ts';

/** By how many each key's waiting messages have become more, or less, in a transaction. */
export interface WaitingState {
  readonly waitingBy: Map<string, number>;
  /** The same change by change, so that a part can be taken back. */
  readonly waitingLog: { readonly keyId: string; readonly by: number }[];
}

/** So many messages of a key wait more, or less. */
export function countWaitingOf(state: WaitingState, keyId: string, by: number): void {
  state.waitingLog.push({ keyId, by });
  state.waitingBy.set(keyId, (state.waitingBy.get(keyId) ?? 0) + by);
}

/** Takes back the changes since the log was so long. */
export function uncountWaiting({ waitingBy, waitingLog }: WaitingState, length: number): void {
  for (const { keyId, by } of waitingLog.splice(length)) waitingBy.set(keyId, (waitingBy.get(keyId) ?? 0) - by);
}

/** How many messages of each key wait: a row a key, written with the transactions that change it, and held in memory. */
export function openWaitingCounts(db: DatabaseSync, { slot }: SeqRange) {
  const rows = db.prepare('SELECT key_id, count FROM waiting_counts WHERE slot = ?').all(slot);
  const put = db.prepare('INSERT OR REPLACE INTO waiting_counts (slot, key_id, count) VALUES (?, ?, ?)');
  const remove = db.prepare('DELETE FROM waiting_counts WHERE slot = ? AND key_id = ?');
  const counts = new Map(rows.map((row) => [text(row, 'key_id'), int(row, 'count')]));

  return {
    /** As the transaction has it. */
    of: ({ waitingBy }: WaitingState, keyId: string): number => (counts.get(keyId) ?? 0) + (waitingBy.get(keyId) ?? 0),
    /** Before the transaction commits. What it returns is to be called once that has committed. */
    commit({ waitingBy }: WaitingState): () => void {
      const changed = [...waitingBy].filter(([, by]) => by !== 0);
      const after = changed.map(([keyId, by]) => [keyId, (counts.get(keyId) ?? 0) + by] as const);
      for (const [keyId, count] of after) {
        if (count > 0) put.run(slot, keyId, count);
        else remove.run(slot, keyId);
      }
      return () => {
        for (const [keyId, count] of after) {
          if (count > 0) counts.set(keyId, count);
          else counts.delete(keyId);
        }
      };
    },
  };
}
