import type { ConversationRecord, Tx } from '../journal/journal.ts';
import type { Stepped } from './conversations.ts';

/** The transaction, and what is saved in it of the conversation that is stepped. */
export function savedIn(tx: Tx): { readonly tx: Tx; saved(): ConversationRecord | null } {
  let saved: ConversationRecord | null = null;
  const saveConversation = (record: ConversationRecord): void => {
    saved = record;
    tx.saveConversation(record);
  };
  return { tx: Object.create(tx, { saveConversation: { value: saveConversation } }), saved: () => saved };
}

/** A conversation that stands elsewhere now by no event of its own. */
export const movedOn = (type: string, record: ConversationRecord, from: string | null): Stepped => ({
  ...{ conversation: record.id, seq: record.lastSeq, event: { type }, from, record },
});
