import { SwitchboardError } from '../errors.ts';
import type { Params } from './rules.ts';

/**
 * I7: keeps a key that is for certain chats (null: for all) to them: the chat that a call writes to, and those that
 * it takes something from, as a forward, a copy or a reply across chats does. Throws scope_missing, naming the field.
 */
export function requireOwnChats(chats: readonly string[] | null, chat: string, params: Params): void {
  if (chats === null) return;
  if (!chats.includes(chat)) throw notOwn('This key may not write to that chat', 'chat_id');
  const { from_chat_id: from, reply_parameters: reply } = params;
  const isOwn = (id: unknown): boolean => id === undefined || id === null || chats.includes(String(id));
  if (!isOwn(from)) throw notOwn('This key may not take messages from that chat', 'from_chat_id');
  // As a text it could name a chat twice, and Telegram would read it in its own way.
  if (typeof reply === 'string')
    throw notOwn('With a key for certain chats this must be an object', 'reply_parameters');
  if (!isOwn(fieldsOf(reply).chat_id)) {
    throw notOwn('This key may not reply to messages of that chat', 'reply_parameters/chat_id');
  }
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

const notOwn = (message: string, field: string) => new SwitchboardError('scope_missing', message, { field });
