import type { Chat, Message, User } from '@grammyjs/types';
import { batch, effect, signal } from '@preact/signals';
import type { Fault, FeedEvent } from '../../sandbox/sandbox.ts';
import { fieldsOf, reasonOf } from '../ui/api.ts';
import { listen } from '../ui/stream.ts';
import * as answers from './answers.ts';
import { FEED_TYPES, gather } from './feed.ts';
import { createRoom, type Room } from './room.ts';
import { look, openChat } from './where.ts';

/** Chats that the page keeps; of more those written in longest ago go. */
const KEPT_MAX = 400;

/** Who is there in a sandbox that nobody has been in yet. */
const FIRST_USERS = [
  { id: 777, first_name: 'Mia' },
  { id: 778, first_name: 'Ben' },
];

/** When the sandbox began, ms since 1970 by the server's clock; null: not known yet. */
export const startedAt = signal<number | null>(null);
/** The bot. */
export const me = signal<User | null>(null);
/** Those that the page knows of, by id. */
export const chats = signal<ReadonlyMap<number, answers.ChatItem>>(new Map());
/** Whoever one may be. */
export const users = signal<readonly User[]>([]);
/** By chat: how many messages of the bot came while it was not looked at. */
export const unread = signal<ReadonlyMap<number, number>>(new Map());
/** Nobody reaches the Bot API. */
export const offline = signal(false);
/** What goes wrong with the bot's next calls, the oldest first. */
export const faults = signal<readonly Fault[]>([]);
/** The page hears of what happens. */
export const connected = signal(true);
/** The sandbox has begun anew since this page was opened: its chats are gone. */
export const begunAnew = signal(false);
/** The messages of the chat that is looked at; null: none is. */
export const room = signal<Room | null>(null);
/** By kind of chat: what to write to its machine; null: no machine runs it. */
export const examples = signal<answers.World['examples']>({});
/** Why what a user tried last did not work; null: it did. */
export const failure = signal<string | null>(null);

/** The user of a private chat; in a group whoever is chosen writes. */
export const userOf = (id: number): User | undefined => users.value.find((user) => user.id === id);

/** Does something for a user; what came of it is told by the feed. What went wrong is shown. */
export async function attempt<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    const done = await work();
    failure.value = null;
    return done;
  } catch (error) {
    failure.value = reasonOf(error);
    return null;
  }
}

/** Reads all there is anew. After a time without a feed, what the bot wrote meanwhile is `missed`. */
export async function refresh(missed = false): Promise<void> {
  const found = await answers.world();
  if (found.users.length === 0 && found.chats.length === 0) {
    // A sandbox that has begun anew knows nobody: this page still does.
    for (const user of users.value.length === 0 ? FIRST_USERS : users.value) await answers.addUser(user);
    return refresh(missed);
  }
  batch(() => {
    me.value = found.me;
    examples.value = found.examples;
    users.value = found.users;
    // The server tells the newest; the others are still there, unless the sandbox has begun anew.
    const before = startedAt.value === found.startedAt ? chats.value : [];
    const news = missed && startedAt.value === found.startedAt ? found.chats.filter(isNews) : [];
    chats.value = new Map([...before, ...found.chats.map((chat) => [chat.id, chat] as const)]);
    offline.value = found.offline;
    faults.value = found.faults;
    if (startedAt.value !== null && startedAt.value !== found.startedAt) begunAnew.value = true;
    const known = startedAt.value === found.startedAt ? unread.value : [];
    // How many came while nobody listened is not told: one at least.
    unread.value = new Map([...known, ...news.map(({ id }) => [id, (unread.value.get(id) ?? 0) + 1] as const)]);
    startedAt.value = found.startedAt;
    if (openChat.value === null && matchMedia('(min-width: 900px)').matches)
      look(found.chats[0]?.id ?? firstUser(found), { unasked: true });
  });
}

/** Whether the bot has written last in a chat that is not looked at, and the page has not heard of it. */
const isNews = ({ id, last }: answers.ChatItem): boolean =>
  id !== openChat.value &&
  last?.from?.is_bot === true &&
  last.message_id > (chats.value.get(id)?.last?.message_id ?? 0);

const firstUser = (found: answers.World): number | null => found.users[0]?.id ?? null;

/** Follows the sandbox from now on, for as long as the page is open. */
export function follow(): void {
  const take = gather<FeedEvent>((events) => batch(() => takeAll(events)));
  listen(() => 'v1/sandbox/feed', FEED_TYPES, {
    event: (data) => take(JSON.parse(data)),
    opened() {
      connected.value = true;
      void attempt(() => refresh(true));
      void room.value?.load();
    },
    lost(isRefused) {
      connected.value = false;
      // The same question by itself says why.
      if (isRefused) void attempt(refresh);
    },
  });
  effect(() => {
    const id = openChat.value;
    if (room.peek()?.chat === id) return;
    const made =
      id === null
        ? null
        : createRoom(id, (item) => {
            chats.value = new Map([...chats.peek(), [id, item]]);
          });
    room.value = made;
    begunAnew.value = false;
    void made?.load();
    if (id !== null) unread.value = new Map([...unread.peek()].filter(([chat]) => chat !== id));
  });
}

function takeAll(events: readonly FeedEvent[]): void {
  const changed = new Map(chats.value);
  const news = new Map(unread.value);
  let isStrange = false;
  for (const event of events) {
    if (event.type === 'trouble') {
      offline.value = event.offline === true;
      faults.value = event.faults as readonly Fault[];
    }
    const { chat_id: id } = event;
    if (id === null) continue;
    const item = changed.get(id);
    // A group, one that has moved, or has new members, is more than one event tells.
    if ((item === undefined && id < 0) || isService(event)) isStrange = true;
    const { chat } = fieldsOf(event.message);
    const before = item ?? { ...(chat as Chat | undefined), id, closed_to_bot: null, migrated_to: null, last: null };
    if ('type' in before) changed.set(id, { ...before, ...changeOf(before, event) });
    if (event.type === 'message' && event.direction === 'out' && id !== openChat.value)
      news.set(id, (news.get(id) ?? 0) + 1);
  }
  chats.value = changed.size > KEPT_MAX ? newestOf(changed) : changed;
  unread.value = news;
  const current = room.value;
  current?.take(events.filter(({ chat_id: id }) => id === current.chat));
  if (isStrange) refreshSoon();
}

function isService({ type, message }: FeedEvent): boolean {
  const fields = fieldsOf(message);
  return (
    type === 'deleted' || ['new_chat_members', 'left_chat_member', 'migrate_to_chat_id'].some((name) => name in fields)
  );
}

function changeOf(item: answers.ChatItem, event: FeedEvent): Partial<answers.ChatItem> {
  const message = event.message as Message | undefined;
  if (message !== undefined && (event.type === 'message' || message.message_id === item.last?.message_id)) {
    return { last: message };
  }
  const { status } = fieldsOf(fieldsOf(event.my_chat_member).new_chat_member);
  if (typeof status !== 'string') return {};
  return { closed_to_bot: status === 'kicked' ? 'the bot is blocked' : null };
}

/** The chat that was written in last first. Within a second, private chats and groups count their messages together. */
export const byNewest = (a: answers.ChatItem, b: answers.ChatItem): number =>
  (b.last?.date ?? 0) - (a.last?.date ?? 0) || (b.last?.message_id ?? 0) - (a.last?.message_id ?? 0);

/** Half of what is kept, so that this is not done each time; and the chat that is looked at. */
function newestOf(all: ReadonlyMap<number, answers.ChatItem>): ReadonlyMap<number, answers.ChatItem> {
  const sorted = [...all].sort(([, a], [, b]) => byNewest(a, b));
  return new Map(sorted.filter(([id], i) => i < KEPT_MAX / 2 || id === openChat.value));
}

let refreshTimer: ReturnType<typeof setTimeout> | undefined;
/** Once for many events. */
function refreshSoon(): void {
  if (refreshTimer !== undefined) return;
  refreshTimer = setTimeout(() => {
    refreshTimer = undefined;
    void attempt(refresh);
  }, 150);
}
