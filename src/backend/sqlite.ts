import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Clock } from '../clock.ts';
import { retryWhileLocked } from '../storage-fault.ts';
import type { PaymentRecord, PaymentStore } from './payment-store.ts';

/** The table of the example backend's payments. */
export const PAYMENTS_SCHEMA = `
CREATE TABLE IF NOT EXISTS payments (
  key TEXT PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  conversation TEXT NOT NULL,
  amount TEXT NOT NULL,
  currency TEXT NOT NULL,
  recipient TEXT NOT NULL,
  declined TEXT,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/**
 * Payments in SQLite, durable as the connection is.
 *
 * The connection should be one of its own. It writes in a turn of the event loop of its own too: the journal's
 * transactions, which span microtasks but never turns, are then closed, so that on one connection a payment cannot be
 * undone with a unit of work, and on two neither blocks the other's thread.
 */
export function createSqlitePaymentStore(db: DatabaseSync, clock: Clock): PaymentStore {
  db.exec(PAYMENTS_SCHEMA);
  const insert = db.prepare(
    `INSERT INTO payments (key, id, conversation, amount, currency, recipient, declined, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING`,
  );
  const select = db.prepare('SELECT * FROM payments WHERE key = ?');

  function keep(payment: PaymentRecord): PaymentRecord {
    if (db.isTransaction) throw new Error('The connection is in a transaction, which could undo the payment');
    const { key, id, conversation, amount, currency, recipient, declined, createdAt } = payment;
    insert.run(key, id, conversation, amount, currency, recipient, declined, createdAt);
    const row = select.get(key);
    if (row === undefined) throw new Error(`The payment ${id} was written but is not there`);
    return paymentOf(row);
  }

  // The conversations of a chat, and those of a user in groups: <chat>:u<user>.
  const ofSome = `FROM payments WHERE EXISTS (
    SELECT 1 FROM json_each(?) WHERE conversation = value OR conversation LIKE value || ':%' OR conversation LIKE '%:u' || value)`;
  const some = db.prepare(`SELECT * ${ofSome} ORDER BY created_at`);
  const erase = db.prepare(`DELETE ${ofSome}`);

  return {
    of: async (ids) => some.all(JSON.stringify(ids)).map(paymentOf),
    async erase(ids) {
      await new Promise((resolve) => setImmediate(resolve));
      await retryWhileLocked(clock, () => erase.run(JSON.stringify(ids)));
    },
    async keep(payment) {
      await new Promise((resolve) => setImmediate(resolve));
      return retryWhileLocked(clock, () => keep(payment));
    },
  };
}

/** STRICT and NOT NULL make these the column's own types. */
const paymentOf = (row: Record<string, SQLOutputValue>): PaymentRecord => ({
  key: String(row.key),
  id: String(row.id),
  conversation: String(row.conversation),
  amount: String(row.amount),
  currency: String(row.currency),
  recipient: String(row.recipient),
  declined: row.declined === null ? null : String(row.declined),
  createdAt: Number(row.created_at),
});
