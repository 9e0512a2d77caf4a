import type { DatabaseSync } from 'node:sqlite';
import { openReader } from '../../src/journal/sqlite-open.ts';

/** What a process that died, or one that begins, has committed. */
export interface Autopsy {
  /** Texts of the messages that are being sent, as far as the database knows. */
  sending(): string[];
  /** Messages that were accepted. */
  accepted(): number;
  /** Resolves once more are than now. */
  acceptedMore(): Promise<void>;
  /** Resolves once the next process has taken the journal over. */
  takenOver(): Promise<void>;
  /** Resolves once it has ended what its predecessor was sending, too. */
  recovered(): Promise<void>;
  close(): void;
}

export function beginAutopsy(folder: string): Autopsy {
  const db: DatabaseSync = openReader(folder);
  const rows = db.prepare("SELECT id, params FROM messages WHERE status = 'sending' ORDER BY id");
  const count = db.prepare('SELECT count(*) AS n FROM messages');
  const epochs = db.prepare('SELECT sum(epoch) AS n FROM head');
  const epoch = epochs.get()?.n;
  const orphans = new Set(rows.all().map(({ id }) => id));
  const accepted = () => Number(count.get()?.n);
  const isTaken = () => epochs.get()?.n !== epoch;

  /** Looks as often as it can: what it waits for takes a moment. */
  async function until(so: () => boolean): Promise<void> {
    while (db.isOpen && !so()) await new Promise(setImmediate);
  }

  return {
    sending: () => rows.all().map(({ params }) => JSON.parse(String(params)).text),
    accepted,
    acceptedMore: () => {
      const before = accepted();
      return until(() => accepted() > before);
    },
    takenOver: () => until(isTaken),
    recovered: () => until(() => isTaken() && rows.all().every(({ id }) => !orphans.has(id))),
    close: () => db.close(),
  };
}
