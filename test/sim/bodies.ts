import type { Entry } from '../../src/journal/journal.ts';
import { ANEW } from './release.ts';

/** What makes a message one of its kind. */
export const textOf = ({ params }: Fields['message']): string => params.text ?? params.callback_query_id ?? '';

/** What an entry that a step brings says. */
export function saysOf({ type }: Entry, { message, from, to, outcome, event }: Fields): string {
  if (type === 'message.accepted') return textOf(message).startsWith(ANEW) ? ANEW : textOf(message);
  if (type === 'chat.moved') return `${JSON.stringify(from)} ${JSON.stringify(to)}`;
  if (type === 'chat.migrated') return `${String(from)} ${String(to)} ${outcome}`;
  return type === 'chat.emitted' ? event.note : '';
}

/** An entry's body: the fields of its type are there, and no others. */
export interface Fields {
  readonly conversation?: string;
  readonly update: Update;
  readonly button?: string | null;
  readonly event: { readonly note: string };
  readonly due_at: number;
  readonly timer: string;
  readonly request: string;
  readonly src: string;
  readonly late?: boolean;
  readonly output?: { readonly found: string };
  readonly error?: { readonly code: string };
  readonly outcome?: string;
  readonly from: unknown;
  readonly to: unknown;
  readonly message: {
    readonly id: string;
    readonly params: { readonly text?: string; readonly callback_query_id?: string };
    readonly telegram_message_id?: number;
  };
}

export interface Update {
  readonly message?: Content;
  readonly edited_message?: Content;
  readonly callback_query?: Content & { readonly data: string; readonly id: string };
  readonly my_chat_member?: Content;
}

interface Content {
  readonly text?: string;
  readonly from?: { readonly id: number };
  readonly migrate_to_chat_id?: number;
  readonly migrate_from_chat_id?: number;
  readonly chat?: { readonly id: number; readonly type: string };
  readonly message?: { readonly message_id: number; readonly chat: { readonly id: number; readonly type: string } };
}
