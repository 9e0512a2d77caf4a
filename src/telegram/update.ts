import type { UserEvent } from '../../machines/events.ts';

/** What Switchboard needs to know of an update. The update itself is journalled beside it, with every field that it has. */
export interface ClassifiedUpdate {
  readonly updateId: number;
  /** The field that the update carries beside `update_id`: `message`, `poll`, or one that nobody knows yet. */
  readonly kind: string;
  /** Telegram's chat id as text; null where the update belongs to no chat. */
  readonly chat: string | null;
  readonly chatKind: ChatKind | null;
  readonly user: string | null;
  /** The forum topic, where the message is in one. */
  readonly topic: string | null;
  /** What the chat's conversation is told; null where it is told nothing. */
  readonly event: UserEvent | null;
  /** A group became a supergroup: its conversation goes on under the new id. */
  readonly migration: { readonly from: string; readonly to: string } | null;
}

export const CHAT_KINDS = ['private', 'group', 'channel'] as const;
export type ChatKind = (typeof CHAT_KINDS)[number];

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const id = (value: unknown): number | null => (typeof value === 'number' && Number.isSafeInteger(value) ? value : null);

/**
 * Reads an update without trusting any of it: what is absent or of another type is simply not known.
 * Null where it is no update at all (no whole number as `update_id`).
 */
export function classifyUpdate(update: unknown): ClassifiedUpdate | null {
  const fields = fieldsOf(update);
  const updateId = id(fields?.update_id);
  if (fields === null || updateId === null) return null;
  const kind = Object.keys(fields).find((name) => name !== 'update_id') ?? 'empty';
  const content = fieldsOf(fields[kind]) ?? {};
  const message = kind === 'callback_query' ? (fieldsOf(content.message) ?? {}) : content;
  const chat = fieldsOf(message.chat);
  const chatId = id(chat?.id);
  const user = fieldsOf(content.from) ?? fieldsOf(content.user);
  const topic = message.is_topic_message === true ? id(message.message_thread_id) : null;
  return {
    updateId,
    kind,
    chat: chatId === null ? null : String(chatId),
    chatKind: chatId === null ? null : chatKindOf(chat?.type, chatId),
    user: id(user?.id)?.toString() ?? null,
    topic: topic?.toString() ?? null,
    event: chatId === null ? null : eventOf(kind, content),
    migration: migrationOf(content, chatId),
  };
}

/** Whom a command names, `/pay@OtherBot`: without the @; null where it names nobody, or is no command. */
export const commandTarget = (text: string): string | null => /^\/\w+@(\w+)/.exec(text)?.[1] ?? null;

/** Groups and channels have negative ids; the type tells them apart. Without a type, a negative id is a group. */
export function chatKindOf(type: unknown, chatId: number): ChatKind {
  if (type === 'channel') return 'channel';
  if (type === 'private') return 'private';
  return chatId > 0 ? 'private' : 'group';
}

function eventOf(kind: string, content: Fields): UserEvent | null {
  switch (kind) {
    case 'message':
    case 'channel_post':
      return isService(content) ? null : { type: 'message.received', ...messageOf(content) };
    case 'edited_message':
    case 'edited_channel_post':
      return { type: 'message.edited', ...messageOf(content) };
    case 'callback_query': {
      const from = personOf(content.from);
      if (from === null) return null;
      const messageId = id(fieldsOf(content.message)?.message_id);
      return { type: 'callback.received', id: text(content.id), data: text(content.data), messageId, from };
    }
    case 'my_chat_member':
      return { type: 'membership.changed', status: text(fieldsOf(content.new_chat_member)?.status) };
    default:
      return null;
  }
}

function messageOf(message: Fields) {
  const dated = id(message.edit_date) ?? id(message.date) ?? 0;
  return {
    text: text(message.text) || text(message.caption),
    kind: CONTENT_KINDS.find((kind) => message[kind] !== undefined) ?? 'other',
    messageId: id(message.message_id) ?? 0,
    from: personOf(message.from),
    at: isoOf(dated),
  };
}

/** ISO 8601 of Telegram's seconds; a time that no calendar has is that of 1970. */
const isoOf = (seconds: number): string => new Date(Math.abs(seconds) > 8.64e12 ? 0 : seconds * 1000).toISOString();

function personOf(value: unknown) {
  const person = fieldsOf(value);
  const personId = id(person?.id);
  if (person === null || personId === null) return null;
  const base = { id: personId, firstName: text(person.first_name) };
  return typeof person.language_code === 'string' ? { ...base, languageCode: person.language_code } : base;
}

function migrationOf(message: Fields, chatId: number | null): ClassifiedUpdate['migration'] {
  if (chatId === null) return null;
  const to = id(message.migrate_to_chat_id);
  if (to !== null) return { from: String(chatId), to: String(to) };
  const from = id(message.migrate_from_chat_id);
  return from === null ? null : { from: String(from), to: String(chatId) };
}

/** Contents of a message, the more telling first: an animation carries a document too. */
const CONTENT_KINDS = [
  'text',
  'animation',
  'photo',
  'video',
  'document',
  'audio',
  'voice',
  'video_note',
  'sticker',
  'paid_media',
  'story',
  'checklist',
  'contact',
  'dice',
  'game',
  'poll',
  'venue',
  'location',
  'invoice',
  'successful_payment',
  'users_shared',
  'chat_shared',
  'web_app_data',
] as const;

/** Notices that Telegram writes by itself: nobody said anything that a conversation could answer. */
const SERVICE_FIELDS = [
  'new_chat_members',
  'left_chat_member',
  'new_chat_title',
  'new_chat_photo',
  'delete_chat_photo',
  'group_chat_created',
  'supergroup_chat_created',
  'channel_chat_created',
  'message_auto_delete_timer_changed',
  'migrate_to_chat_id',
  'migrate_from_chat_id',
  'pinned_message',
  'forum_topic_created',
  'forum_topic_edited',
  'forum_topic_closed',
  'forum_topic_reopened',
  'video_chat_started',
  'video_chat_ended',
] as const;

const isService = (message: Fields): boolean => SERVICE_FIELDS.some((field) => message[field] !== undefined);
