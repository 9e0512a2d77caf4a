/** Where the example backend keeps its payments. */
export interface PaymentStore {
  /**
   * Keeps a payment, unless one is kept under its key already; returns the one that is kept. Durable when it
   * resolves: whoever asks again, after a crash too, gets the first answer.
   */
  keep(payment: PaymentRecord): Promise<PaymentRecord>;
  /** The payments of these chats, and of these users in groups. */
  of(ids: readonly string[]): Promise<PaymentRecord[]>;
  /** Deletes them. Durable when it resolves. */
  erase(ids: readonly string[]): Promise<void>;
}

/** A payment that was asked for, and what was answered. */
export interface PaymentRecord {
  /** What makes it one payment, however often it is asked for. */
  readonly key: string;
  readonly id: string;
  readonly conversation: string;
  /** Two decimals, as text. */
  readonly amount: string;
  readonly currency: string;
  readonly recipient: string;
  /** Why it was declined; null: it was accepted. */
  readonly declined: string | null;
  /** ms since 1970. */
  readonly createdAt: number;
}
