/** Chat ids as text: a private chat's is its user's too. */
export type Ids = ReadonlySet<string>;

/** A JSON value without what is a chat's or a user's, and that, in the order in which it was met. Empty: there was nothing. */
export interface Redacted {
  readonly value: unknown;
  readonly parts: readonly unknown[];
}

/**
 * Takes what is a chat's or a user's out of a JSON value: Telegram's objects in updates and calls, and what machines and
 * backends make of them. The value keeps its shape, so that whoever reads such values goes on reading them:
 * - a user or a chat becomes one with the id 0 and no name
 * - a message that they wrote becomes Telegram's InaccessibleMessage; a forward of one loses its content
 * - an object that is about them, by `user_id`, `from` or the like, keeps its numbers and loses its texts
 *
 * Each of these has `erased: true`. Free text that names them is not found. Throws RangeError if it is nested too deep.
 */
export function redact(value: unknown, ids: Ids): Redacted {
  const parts: unknown[] = [];
  const redacted = walk(value, ids, (part) => void parts.push(part));
  return { value: redacted, parts };
}

/** Whether a conversation's id, `<chat>`, `<chat>:u<user>` or `<chat>:t<topic>`, is of the chat or of the user. */
export function isOwnConversation(id: unknown, ids: Ids): boolean {
  if (typeof id !== 'string') return false;
  const [chat = '', part = ''] = id.split(':');
  return ids.has(chat) || (part.startsWith('u') && ids.has(part.slice(1)));
}

/** Whether an object is a user or a chat with one of the ids, as far as its id tells. */
export const hasId = (value: unknown, ids: Ids): boolean => isObject(value) && isId(value.id, ids);

type Fields = Readonly<Record<string, unknown>>;
type Found = (part: unknown) => void;

/** Fields of a message, or of what tells of an act, whose value is who did it. */
export const ACTORS = ['from', 'user', 'sender_user', 'sender_chat', 'voter_chat', 'actor_chat'] as const;
/** Fields of a part of a message, an answer of a poll say, whose value is who made it. */
const MAKERS = ['added_by_user', 'added_by_chat', 'creator'];
/** Fields that tell a user or a chat from another object with an id. */
const PERSONAL = ['first_name', 'firstName', 'last_name', 'lastName', 'username', 'is_bot', 'title'];
const CHAT_TYPES: readonly unknown[] = ['private', 'group', 'supergroup', 'channel'];
/** Fields whose value is the id of a user or a chat. */
const ID_FIELD = /^((from_|user_|sender_|actor_|voter_)?(chat|user)(_ids?)?|(user|chat)Id|conversation)$/;
/** Texts that tell what an object is, and nothing of anybody. */
const PLAIN = ['type', 'status', 'kind', 'source', 'method', 'parse_mode'];

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isId = (value: unknown, ids: Ids): boolean =>
  (typeof value === 'number' || typeof value === 'string') && ids.has(String(value));

function isOne(value: unknown, ids: Ids, name: string): value is Fields {
  if (!isObject(value) || !isId(value.id, ids)) return false;
  if (name === 'chat' || ACTORS.some((actor) => actor === name)) return true;
  return PERSONAL.some((name) => name in value) || CHAT_TYPES.includes(value.type);
}

const isAbout = (object: Fields, ids: Ids): boolean =>
  isId(object.user_id, ids) ||
  isId(object.userId, ids) ||
  // A chat that was shared.
  (isId(object.chat_id, ids) && PERSONAL.some((name) => name in object)) ||
  [...ACTORS, ...MAKERS].some((name) => hasId(object[name], ids));

const isMessage = (value: unknown): value is Fields => isObject(value) && typeof value.message_id === 'number';
/** A message that they wrote, or of their chat. */
const isTheirs = (value: unknown, ids: Ids): boolean =>
  isMessage(value) && (hasId(value.chat, ids) || hasId(value.from, ids) || hasId(value.sender_chat, ids));
const isTheirOrigin = (origin: unknown, ids: Ids): boolean =>
  isObject(origin) && [origin.sender_user, origin.sender_chat, origin.chat].some((sender) => hasId(sender, ids));
const isForward = (message: Fields, ids: Ids): boolean =>
  isTheirOrigin(message.forward_origin, ids) ||
  hasId(message.forward_from, ids) ||
  hasId(message.forward_from_chat, ids);
const isTheirReply = (reply: unknown, ids: Ids): boolean =>
  isObject(reply) && (isTheirOrigin(reply.origin, ids) || hasId(reply.chat, ids));

/** `name`: the field that holds the value. */
function walk(value: unknown, ids: Ids, found: Found, name = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => walk(item, ids, found, name));
  if (!isObject(value)) return isScalarId(name, value, ids) ? idStub(value, found) : value;
  const taken = instead(value, ids, name);
  if (taken !== null) {
    // Somebody else may have forwarded it.
    const { from, ...part } = value;
    found(hasId(from, ids) ? value : part);
    return taken;
  }
  const quotes = isTheirs(value.reply_to_message, ids) || isTheirReply(value.external_reply, ids);
  return mapFields(value, (field, held) => {
    if (field === 'quote' && quotes) {
      found({ quote: held });
      return undefined;
    }
    if (field === 'external_reply' && isTheirReply(held, ids)) {
      found(held);
      return { origin: { type: 'hidden_user', date: 0, sender_user_name: '' }, erased: true };
    }
    return walk(held, ids, found, field);
  });
}

/** What stands in place of an object of theirs; null: it is not theirs. */
function instead(object: Fields, ids: Ids, name: string): Fields | null {
  if (isOne(object, ids, name)) return personStub(object);
  if (isTheirs(object, ids)) return messageStub(object, ['message_id', 'chat'], ids, { date: 0 });
  if (isMessage(object) && isForward(object, ids)) {
    return messageStub(
      object,
      ['message_id', 'date', 'chat', 'from', 'message_thread_id', 'is_topic_message'],
      ids,
      {},
    );
  }
  // A machine's whole context may be about somebody: without its texts the machine could not go on.
  if (name !== 'context' && isAbout(object, ids)) return { ...Object(blank(object, ids)), erased: true };
  return null;
}

function personStub(person: Fields): Fields {
  const names = ['first_name', 'firstName', 'title'].filter((name) => name in person).map((name) => [name, '']);
  const kinds = ['is_bot', 'type'].filter((name) => name in person).map((name) => [name, person[name]]);
  return { id: typeof person.id === 'string' ? '0' : 0, ...Object.fromEntries([...kinds, ...names]), erased: true };
}

function messageStub(message: Fields, kept: readonly string[], ids: Ids, more: Fields): Fields {
  const fields = kept.filter((name) => name in message).map((name) => [name, walk(message[name], ids, () => {}, name)]);
  return { ...Object.fromEntries(fields), ...more, erased: true };
}

/** The same value without its texts. */
function blank(value: unknown, ids: Ids, name = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => blank(item, ids, name));
  if (isOne(value, ids, name)) return personStub(value);
  if (isObject(value)) return mapFields(value, (field, held) => blank(held, ids, field));
  if (isScalarId(name, value, ids)) return typeof value === 'string' ? '0' : 0;
  return typeof value === 'string' && !PLAIN.includes(name) ? '' : value;
}

const isScalarId = (name: string, value: unknown, ids: Ids): boolean =>
  ID_FIELD.test(name) && (isId(value, ids) || isOwnConversation(value, ids));

function idStub(value: unknown, found: Found): string | number {
  found(value);
  return typeof value === 'string' ? '0' : 0;
}

/** A field for which `change` gives undefined is left out. */
function mapFields(object: Fields, change: (name: string, value: unknown) => unknown): Fields {
  const fields = Object.entries(object).map(([name, value]) => [name, change(name, value)] as const);
  return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
}
