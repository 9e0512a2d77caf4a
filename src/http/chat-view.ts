import { type Static, Type } from 'typebox';
import type { ConversationRecord } from '../journal/journal.ts';

export const ChatView = Type.Object(
  {
    id: Type.String(),
    chat: Type.String({ description: "Telegram's chat id" }),
    machine: Type.String(),
    version: Type.String(),
    status: Type.String({ description: 'active, done or quarantined' }),
    state: Type.Unknown({ description: "XState's state value" }),
    error: Type.Union([Type.String(), Type.Null()]),
    last_seq: Type.Integer(),
    updated_at: Type.String(),
  },
  { description: 'A conversation' },
);

/** What the outside sees of a conversation, over HTTP and on the command line. */
export function chatView(record: ConversationRecord): Static<typeof ChatView> {
  const { id, chat, machine, version, status, error } = record;
  const state: unknown = JSON.parse(record.state);
  const updatedAt = new Date(record.updatedAt).toISOString();
  return { id, chat, machine, version, status, state, error, last_seq: record.lastSeq, updated_at: updatedAt };
}
