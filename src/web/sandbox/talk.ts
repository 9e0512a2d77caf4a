import type { Message, User } from '@grammyjs/types';
import { computed, signal } from '@preact/signals';
import * as answers from './answers.ts';
import { openChat } from './where.ts';
import { attempt, chats, me, room, userOf, users } from './world.ts';

/** Who writes in each group. */
const writers = signal<ReadonlyMap<number, number>>(new Map());
/** The message of one's own that is being changed; null: a new one is written. */
export const editing = signal<Message | null>(null);

/** The chat that is looked at; also one with a user who has not written yet. Null: there is none of this id. */
export const current = computed<answers.ChatItem | null>(() => {
  const id = openChat.value;
  if (id === null) return null;
  const known = chats.value.get(id);
  if (known !== undefined) return known;
  const user = userOf(id);
  if (user === undefined) return null;
  const { first_name, last_name } = user;
  const named = { first_name, ...(last_name === undefined ? {} : { last_name }) };
  return { id, type: 'private', ...named, closed_to_bot: null, migrated_to: null, last: null };
});

/** Whoever may write in a group: its members first. */
export const candidates = computed<readonly User[]>(() => {
  const members = current.value?.members?.filter((user) => !user.is_bot) ?? [];
  const inside = new Set(members.map(({ id }) => id));
  return [...members, ...users.value.filter(({ id }) => !inside.has(id))];
});

/** Who writes in the chat that is looked at. */
export const writer = computed<User | null>(() => {
  const chat = current.value;
  if (chat === null) return null;
  if (chat.type === 'private') {
    return userOf(chat.id) ?? { id: chat.id, is_bot: false, first_name: chat.first_name ?? 'User' };
  }
  const chosen = writers.value.get(chat.id);
  return candidates.value.find(({ id }) => id === chosen) ?? candidates.value[0] ?? null;
});

/** Chooses who writes in a group. */
export function writeAs(chat: number, user: number): void {
  writers.value = new Map([...writers.value, [chat, user]]);
}

/** Whether it is the bot's; else it is a user's, who may be anybody of us. */
export const isBots = (message: Message): boolean => message.from?.id === me.value?.id;

/** Writes as whoever is chosen. False where it was refused. */
export async function say(message: answers.Written): Promise<boolean> {
  const [chat, from] = [current.value, writer.value];
  if (chat === null || from === null) return false;
  return (await attempt(() => answers.write(chat.id, from, message))) !== null;
}

/** Changes a message of one's own. False where it was refused. */
export async function change(message: Message, text: string): Promise<boolean> {
  return (await attempt(() => answers.edit(message.chat.id, message.message_id, text))) !== null;
}

/** Presses an inline button. What the bot answers comes with the feed. */
export async function press(message: Message, data: string): Promise<void> {
  const from = writer.value;
  if (from !== null) await attempt(() => answers.press(message.chat.id, from, message.message_id, data));
}

/** Blocks the bot in the chat that is looked at, or takes it back. */
export async function setBlocked(blocked: boolean): Promise<void> {
  const [chat, from] = [current.value, writer.value];
  if (chat !== null && from !== null) await attempt(() => answers.setBlocked(chat.id, from, blocked));
}

/** A reply keyboard, as the chat's newest message that has one (or takes it away) left it; null: there is none. */
export const replyKeyboard = computed(() => {
  const newest = room.value?.messages.value?.findLast((message) => {
    const markup = Object(message.reply_markup);
    return isBots(message) && ('keyboard' in markup || markup.remove_keyboard === true);
  });
  const { keyboard, one_time_keyboard: once = false } = Object(newest?.reply_markup);
  if (newest === undefined || !Array.isArray(keyboard)) return null;
  const isUsed = room.value?.messages.value?.some(
    (message) => message.message_id > newest.message_id && !isBots(message),
  );
  return once === true && isUsed === true ? null : (keyboard as readonly (readonly ReplyButton[])[]);
});

/** A button of a reply keyboard, as the bot gave it. */
export type ReplyButton =
  | string
  | { readonly text: string; readonly request_contact?: boolean; readonly request_location?: boolean };

/** Presses a button of the reply keyboard: it writes its own text, a contact, or a place. */
export async function pressReply(button: ReplyButton): Promise<void> {
  const from = writer.value;
  if (typeof button === 'string') await say({ text: button });
  else if (button.request_contact === true && from !== null) {
    const contact = { phone_number: '+10005550100', first_name: from.first_name, user_id: from.id };
    await say({ message: { contact } });
  } else if (button.request_location === true)
    await say({ message: { location: { latitude: 52.37, longitude: 4.9 } } });
  else await say({ text: button.text });
}
