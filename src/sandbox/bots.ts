import type { BotCommand, UserFromGetMe } from '@grammyjs/types';
import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';
import { UPDATE_KINDS } from '../telegram/telegram.ts';
import { ApiError } from './api-error.ts';
import { type ChatStore, createChatStore } from './chats.ts';
import { createFaultList, type FaultList } from './faults.ts';
import { createFeed, type Feed, type FeedEvent } from './feed.ts';
import { createFileStore, type FileStore } from './files.ts';
import { type FloodLimits, type FloodTrace, newTrace } from './flood.ts';
import type { Outside } from './outside.ts';
import { createPoller, type Poller } from './poller.ts';
import { createUpdateQueue, type UpdateQueue } from './queue.ts';
import type { Webhook } from './webhook.ts';

/** Takes one event and its fields, for a log. Never a token or a text. */
export type SandboxLog = (event: string, fields: Readonly<Record<string, unknown>>) => void;

/** What all of the sandbox shares. */
export interface World {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: SandboxLog;
  readonly flood: FloodLimits;
  readonly outside: Outside;
  readonly files: FileStore;
  readonly bots: Map<string, Bot>;
  /** When it began, ms since 1970: another number is another sandbox, which knows nothing of this one's chats. */
  readonly startedAt: number;
  /** Nobody reaches the Bot API. */
  offline: boolean;
}

/** A button that a user pressed, and what the bot answered. */
export interface PressedButton {
  readonly chatId: number;
  readonly atMs: number;
  answer: { readonly text?: string; readonly show_alert?: boolean; readonly url?: string } | undefined;
}

/** One bot account: all that belongs to one token. */
export interface Bot {
  readonly token: string;
  readonly id: number;
  me: UserFromGetMe;
  revoked: boolean;
  flood: FloodLimits;
  readonly floodTrace: FloodTrace;
  /** The kinds of updates that it takes; null: Telegram's default. */
  allowedUpdates: ReadonlySet<string> | null;
  readonly queue: UpdateQueue;
  readonly poller: Poller;
  webhook: Webhook | null;
  webhookSetAtMs: number;
  readonly chats: ChatStore;
  /** Private chats and basic groups of an account count their messages together; supergroups each for themselves. */
  nextMessageId: number;
  readonly buttons: Map<string, PressedButton>;
  buttonsPressed: number;
  /** By scope and language. */
  readonly commands: Map<string, readonly BotCommand[]>;
  readonly faults: FaultList;
  readonly feed: Feed;
}

/** Kinds that Telegram leaves out unless they are asked for by name. */
const UNASKED: ReadonlySet<string> = new Set(['chat_member', 'message_reaction', 'message_reaction_count']);
const KNOWN_KINDS: ReadonlySet<string> = new Set(UPDATE_KINDS);
const UPDATE_ID_MAX = 2 ** 31 - 1;

/** A sandbox without bots. `random` gives from 0 to below 1; `flood` is what every bot starts with. */
export function createWorld(given: Pick<World, 'clock' | 'random' | 'log' | 'flood' | 'outside'>): World {
  return {
    ...given,
    files: createFileStore(),
    bots: new Map(),
    startedAt: given.clock.now(),
    offline: false,
  };
}

/** The bot of a token, made at its first use; null where the token is not of Telegram's form. */
export function botOf(world: World, token: string): Bot | null {
  const known = world.bots.get(token);
  if (known !== undefined) {
    world.bots.delete(token);
    world.bots.set(token, known);
    return known;
  }
  const id = Number(/^([1-9]\d{0,15}):[\w-]{1,80}$/.exec(token)?.[1] ?? 0);
  if (id === 0) return null;
  const bot = newBot(world, token, id);
  world.bots.set(token, bot);
  const oldest = world.bots.size > limits.sandboxBotsMax ? world.bots.keys().next().value : undefined;
  if (oldest !== undefined) forgetBot(world, oldest);
  return bot;
}

/** Ends all that the bot has under way. */
export function forgetBot(world: World, token: string): void {
  const bot = world.bots.get(token);
  world.bots.delete(token);
  bot?.poller.abort(new ApiError(401, 'Unauthorized'));
  bot?.webhook?.close();
  bot?.feed.close();
}

/** A first update_id, or the one after an idle week. */
export const randomUpdateId = (world: World): number => 1 + Math.floor(world.random() * (UPDATE_ID_MAX - 2 ** 24));

function newBot(world: World, token: string, id: number): Bot {
  const queue = createUpdateQueue(world.clock, randomUpdateId(world));
  const bot: Bot = {
    token,
    id,
    me: newMe(id),
    revoked: false,
    flood: world.flood,
    floodTrace: newTrace(),
    allowedUpdates: null,
    queue,
    poller: createPoller(world.clock, queue, () => bot.flood),
    webhook: null,
    webhookSetAtMs: Number.NEGATIVE_INFINITY,
    chats: createChatStore(),
    nextMessageId: 1,
    buttons: new Map(),
    buttonsPressed: 0,
    commands: new Map(),
    faults: createFaultList(),
    feed: createFeed(world.clock),
  };
  return bot;
}

function newMe(id: number): UserFromGetMe {
  return {
    id,
    is_bot: true,
    first_name: 'Sandbox Bot',
    username: `sandbox_${id}_bot`,
    can_join_groups: true,
    // Privacy mode is off, so that a group's messages reach the bot; the control API switches it on.
    can_read_all_group_messages: true,
    supports_inline_queries: false,
    can_connect_to_business: false,
    has_main_web_app: false,
    has_topics_enabled: false,
    allows_users_to_create_topics: false,
    can_manage_bots: false,
    supports_join_request_queries: false,
  };
}

/** True for a kind of update that the Bot API names. */
export const isKnownKind = (kind: string): boolean => KNOWN_KINDS.has(kind);

/** True where the bot is to be told of this kind of update. Kinds that nobody knows are always passed on. */
export function wants(bot: Bot, kind: string): boolean {
  if (!isKnownKind(kind)) return true;
  return bot.allowedUpdates === null ? !UNASKED.has(kind) : bot.allowedUpdates.has(kind);
}

/**
 * Puts an update in the bot's queue and hands it to whoever waits.
 * Gives its update_id; null where the bot's allowed_updates leave this kind out.
 */
export function deliver(bot: Bot, kind: string, content: unknown, lane: string): number | null {
  if (!wants(bot, kind)) return null;
  const json = JSON.stringify(content);
  return enqueue(bot, lane, (id) => `{"update_id":${id},"${kind}":${json}}`);
}

/** Puts an update's text in the queue as it is. */
export function enqueue(bot: Bot, lane: string, encode: (id: number) => string, id?: number): number {
  const update = bot.queue.add(lane, encode, id);
  if (bot.webhook === null) bot.poller.wake();
  else bot.webhook.add(update);
  return update.id;
}

/** Tells the readers of the bot's events. */
export const publish = (bot: Bot, event: FeedEvent): void => bot.feed.publish(event);

/** Tells the readers of the bot's events what goes wrong with its calls from now on. */
export const publishTrouble = ({ offline }: World, bot: Bot): void =>
  publish(bot, { type: 'trouble', direction: 'in', chat_id: null, offline, faults: bot.faults.all() });
