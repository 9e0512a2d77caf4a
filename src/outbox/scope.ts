import { SwitchboardError } from '../errors.ts';
import type { MessageRecord, Tx } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { buttonData, isReserved } from './buttons.ts';
import type { Params } from './rules.ts';

/** Who posts: a key, the chats that it is restricted to (null: all), whether it may read, and the names of the files that it uploaded. */
export interface Poster {
  readonly keyId: string;
  readonly chats: readonly string[] | null;
  /** Left out: the key learns nothing of what others wrote, and changes only what it sent itself. */
  readonly mayRead?: boolean;
  readonly parts?: readonly string[];
  /** Told of each parameter that is left out of the call, as the key may not pass on what nobody knows. */
  readonly onDropped?: (name: string) => void;
}

const refused = (message: string, field: string) => new SwitchboardError('scope_missing', message, { field });

/**
 * I7: keeps a key that is for certain chats (null: for all) to them: every chat that a call names, whether it writes there
 * or takes something from there. Throws scope_missing, naming the field.
 */
export function requireOwnChats(chats: readonly string[] | null, chat: string, params: Params): void {
  if (chats === null) return;
  if (!chats.includes(chat)) throw refused('This key may not write to that chat', 'chat_id');
  if (params.business_connection_id !== undefined) {
    // The same chat id is another chat there: that of the business account.
    throw refused('A key for certain chats may not send for a business account', 'business_connection_id');
  }
  // As a text it could name a chat twice, and Telegram would read it in its own way.
  if (typeof params.reply_parameters === 'string')
    throw refused('With a key for certain chats this must be an object', 'reply_parameters');
  for (const { field, value } of named(/(^|_)chat_id$/, params)) {
    if (value === undefined || value === null || chats.includes(String(value))) continue;
    throw refused('This key may not name that chat', field);
  }
}

/** No key gives a button data as conversations' buttons have. Throws message_invalid, naming the field. */
export function requireOwnButtons(params: Params): void {
  for (const { field, value } of named(/^callback_data$/, params)) {
    if (typeof value !== 'string' || !isReserved(value)) continue;
    const message = `${field}: data that begins with sb~ is for the buttons of conversations`;
    throw new SwitchboardError('message_invalid', message, { field });
  }
}

/** The fields of this name, at any depth. */
function* named(name: RegExp, value: unknown, path = ''): Generator<{ field: string; value: unknown }> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, field] of Object.entries(value)) {
    const at = path === '' ? key : `${path}/${key}`;
    if (name.test(key)) yield { field: at, value: field };
    yield* named(name, field, at);
  }
}

/**
 * I7: a key that may not read takes nothing of others into its messages, from where the answer or the chat would show it
 * to whoever posts. Throws scope_missing, naming the field.
 */
export function requireOwnContent({ mayRead }: Poster, method: string, params: Params): void {
  if (mayRead === true) return;
  if (/^(forward|copy)Message/.test(method) || params.from_chat_id !== undefined)
    throw refused('Forwards and copies take a key that may read', 'method');
  if (params.inline_message_id !== undefined)
    throw refused('Only a key that may read changes inline messages', 'inline_message_id');
}

/**
 * I7: a key that may not read changes and quotes only what it sent itself. A quote has to be found in the message that it
 * is of, so that guesses would tell what others wrote. A reply to a message of another chat shows that message's photo or
 * phone number to whoever reads the reply. Throws scope_missing, naming the field.
 */
export async function requireOwnMessages(
  tx: Pick<Tx, 'sentMessages'>,
  { keyId, mayRead }: Poster,
  { chat, method, params: json }: Pick<MessageRecord, 'chat' | 'method' | 'params'>,
): Promise<void> {
  const params: Params = JSON.parse(json);
  if (mayRead === true) return requireOwnKeyboard(tx, chat, method, params);
  const isOwn = async (id: unknown): Promise<boolean> => {
    if (typeof id !== 'number') return false;
    const calls = await tx.sentMessages(chat, id, limits.callsOfMessageMax);
    return calls.some((call) => {
      const address = call.counted && call.keyId === keyId ? addressOf(call.params) : null;
      return address !== null && address === addressOf(json);
    });
  };
  for (const { field, id } of changedBy(method, params)) {
    if (!(await isOwn(id))) throw refused('This key may change only messages that it sent itself', field);
  }
  const { quote, message_id: quoted, chat_id: there } = Object(params.reply_parameters);
  if (String(there ?? params.chat_id) !== String(params.chat_id))
    throw refused('This key may reply only to messages of the chat that it writes to', 'reply_parameters/chat_id');
  if (quote === undefined || quote === '') return;
  if (!(await isOwn(quoted)))
    throw refused('This key may quote only messages that it sent itself', 'reply_parameters/quote');
}

/** Buttons under a conversation's message are its own: a user takes them for that. */
async function requireOwnKeyboard(
  tx: Pick<Tx, 'sentMessages'>,
  chat: string,
  method: string,
  params: Params,
): Promise<void> {
  if (buttonData(params).length === 0) return;
  for (const { id } of changedBy(method, params)) {
    const calls = typeof id === 'number' ? await tx.sentMessages(chat, id, limits.callsOfMessageMax) : [];
    if (calls.some((call) => call.keyId === null))
      throw refused('Only the conversation itself puts buttons under its messages', 'reply_markup');
  }
}

/** In whose name a call was made. Null: retention has taken what it said, and nothing tells. */
function addressOf(json: string): unknown {
  const { chat_id: chat, business_connection_id: connection = 'the bot' }: Params = JSON.parse(json);
  return chat === undefined ? null : connection;
}

/** The messages that a call changes or takes away. */
function changedBy(method: string, { message_id: one, message_ids: many }: Params) {
  if (!/^(edit|delete|stop)/.test(method)) return [];
  const ids = Array.isArray(many) ? many.map((id: unknown, n) => ({ field: `message_ids/${n}`, id })) : [];
  return one === undefined && ids.length > 0 ? ids : [{ field: 'message_id', id: one }, ...ids];
}
