/**
 * The fields of a Message that its sender gave, or that Telegram always gives. Any other field may carry what somebody else
 * wrote (a message replied to, a quote, where a forward comes from): it is left out, also one that Telegram adds tomorrow.
 */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  ...['message_id', 'message_thread_id', 'date', 'edit_date', 'chat', 'from', 'sender_chat', 'business_connection_id'],
  ...['is_topic_message', 'is_paid_post', 'paid_star_count', 'has_protected_content', 'media_group_id', 'effect_id'],
  ...['text', 'entities', 'link_preview_options', 'suggested_post_info', 'reply_markup'],
  ...['caption', 'caption_entities', 'show_caption_above_media', 'has_media_spoiler'],
  ...['animation', 'audio', 'document', 'live_photo', 'paid_media', 'photo', 'sticker', 'video', 'video_note', 'voice'],
  ...['contact', 'dice', 'game', 'invoice', 'location', 'poll', 'venue'],
]);

/**
 * Telegram's result of a write as a key without `read` may see it: what the key itself sent, and the fields that Telegram
 * always gives, which clients fail without. Users, chats and poll options of others lose what they say of others.
 * `result` is a Message, a list of them, a MessageId or `true`.
 */
export function ownContent(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(ownContent);
  if (typeof result !== 'object' || result === null) return result;
  const own = Object.entries(result).filter(([name]) => OWN_FIELDS.has(name));
  return Object.fromEntries(own.map(([name, value]) => [name, withoutProfiles(value)]));
}

/** Fields of a Message in which a call names users, and Telegram's answer tells their profiles. */
const NAMING_FIELDS = ['entities', 'caption_entities', 'contact'];

/**
 * Telegram's result of a write as a key for certain chats may see it, which may read those: all but the profiles of users whom
 * the call named, as they may be of other chats.
 */
export function withoutNamedProfiles(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(withoutNamedProfiles);
  if (typeof result !== 'object' || result === null) return result;
  const fields = Object.entries(result);
  return Object.fromEntries(
    fields.map(([name, value]) => [name, NAMING_FIELDS.includes(name) ? withoutProfiles(value) : value]),
  );
}

/** Telegram fills in the profiles of users that a call only names, in a mention say. */
function withoutProfiles(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !isOfOthers(item)).map(withoutProfiles);
  if (typeof value !== 'object' || value === null) return value;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  if (fields.is_bot === true) return value;
  if (fields.is_bot === false) return { id: fields.id, is_bot: false, first_name: '' };
  if (isChat(fields)) return { id: fields.id, type: fields.type };
  // A contact's user_id: whose account has that phone number.
  const { user_id: _, ...rest } = fields;
  return Object.fromEntries(Object.entries(rest).map(([name, field]) => [name, withoutProfiles(field)]));
}

const isChat = ({ id, type }: Readonly<Record<string, unknown>>): boolean =>
  typeof id === 'number' && typeof type === 'string' && /^(private|group|supergroup|channel)$/.test(type);

/** An answer that a member has added to a poll. */
const isOfOthers = (item: unknown): boolean =>
  typeof item === 'object' && item !== null && ('added_by_user' in item || 'added_by_chat' in item);
