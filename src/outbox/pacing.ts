import type { Hold } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { Bucket } from './bucket.ts';
import { isChat, REPLY_PRIORITY } from './outbox.ts';

/** How fast messages go out at first. Telegram's published figures (telegram.md, Sending) where nobody says otherwise. */
export interface PacingRates {
  /** Messages a second to one private chat, and how many may go at once. */
  readonly chatPerS: number;
  readonly chatBurst: number;
  /** Messages in any minute to one group, and how many may go at once. */
  readonly groupPerMin: number;
  readonly groupBurst: number;
  /** Messages a second in all. */
  readonly overallPerS: number;
  readonly overallBurst: number;
}

/** What pacing must know of a message. */
export interface Paced {
  readonly chat: string;
  /** That of a reply (REPLY_PRIORITY), or one of bulk. */
  readonly priority: number;
  /** Telegram counts it as a message. What is not counted waits only where Telegram asked to wait. */
  readonly counted: boolean;
  /** It waits beside the others of its chat, not behind them. */
  readonly free: boolean;
}

/** `go`: its tokens are taken. Else what it waits for, its chat or the whole bot, and when to ask again. */
export type Leave = { readonly kind: 'go' } | { readonly kind: 'chat' | 'bot'; readonly until: number };

const GO: Leave = { kind: 'go' };

/**
 * A bucket for each chat and one for the bot; each learns (bucket.ts). Replies may empty the bot's bucket, bulk leaves a
 * third of it to them: however much waits in bulk, a reply finds a token.
 *
 * All times are those of the steady clock: that the wall clock is set neither stops nor hurries anything.
 *
 * Memory: the chats written to last, limits.pacedChatsMax, and those that Telegram asked to wait with. A chat that is
 * forgotten starts anew.
 */
export function createPacing(rates: PacingRates, startAt: number) {
  const chats = new Map<string, Bucket>();
  const bot = new Bucket({ perMs: rates.overallPerS / 1000, burst: rates.overallBurst }, startAt);
  const kept = Math.floor(rates.overallBurst / 3);
  /** The last refusal that its chat's own messages do not explain. */
  let odd = { chat: '', at: Number.NEGATIVE_INFINITY };

  function bucketOf(chat: string, now: number): Bucket {
    let bucket = chats.get(chat);
    if (bucket === undefined) {
      bucket = new Bucket(flowOf(chat), now);
      if (chats.size >= limits.pacedChatsMax) forgetOne(now);
    } else chats.delete(chat);
    // The Map's order is that of their last use.
    chats.set(chat, bucket);
    return bucket;
  }

  /** The one used longest ago, of those that Telegram has not asked to wait with: these are as good as used. */
  function forgetOne(now: number): void {
    let looks = 0;
    for (const [chat, bucket] of chats) {
      chats.delete(chat);
      looks += 1;
      if (bucket.heldUntil <= now || looks === limits.pacedHeldLooksMax) return;
      chats.set(chat, bucket);
    }
  }

  const flowOf = (chat: string) =>
    chat.startsWith('-') || chat.startsWith('@')
      ? // What goes at once counts in its minute.
        { perMs: Math.max(1, rates.groupPerMin - rates.groupBurst + 1) / 60_000, burst: rates.groupBurst }
      : { perMs: rates.chatPerS / 1000, burst: rates.chatBurst };

  /** When the bot's bucket lets it go. Bulk goes a few at a time, so that a unit of work serves more than one. */
  function botReadyAt(priority: number, now: number): number {
    if (priority === REPLY_PRIORITY) return bot.readyAt(now, 1);
    if (bot.readyAt(now, kept + 1) <= now) return now;
    const few = Math.min(Math.max(1, bot.perMs * limits.bulkEveryMs), rates.overallBurst - kept);
    return bot.readyAt(now, kept + few);
  }

  function allRefused(waitMs: number, now: number): 'bot' {
    // While nobody sends, Telegram's own allowance grows: replies that came meanwhile go at once, bulk does not.
    bot.refused(now, waitMs, Math.max(1, Math.min(kept, Math.floor(bot.perMs * waitMs))));
    return 'bot';
  }

  return {
    /** Whether a message may go now. */
    ask({ chat, priority, counted, free }: Paced, now: number): Leave {
      const bucket = bucketOf(chat, now);
      const chatAt = !counted ? bucket.heldUntil : free ? bucket.turnAt(now) : bucket.readyAt(now, 1);
      if (chatAt > now) return { kind: 'chat', until: chatAt };
      const botAt = counted ? botReadyAt(priority, now) : bot.heldUntil;
      if (botAt > now) return { kind: 'bot', until: botAt };
      if (counted) {
        bucket.take(now);
        bot.take(now);
      } else bucket.note(now);
      return GO;
    },

    /**
     * Telegram answered 429 to a message of this chat. It does not say whether it means the chat or the bot. The chat,
     * where other calls for it went shortly before; the bot, where none did and the bot is near its own limit, or
     * where another chat was refused as oddly a moment ago. In doubt the chat: no other is held up for it. What is written
     * to no chat is of as many users: the message is meant alone.
     */
    refused(chat: string, waitMs: number, now: number): 'message' | 'chat' | 'bot' {
      if (!isChat(chat)) return 'message';
      const bucket = bucketOf(chat, now);
      const nearLimit = bot.tokens(now) < rates.overallBurst / 2;
      const twice = odd.chat !== chat && now - odd.at < limits.paceSameCauseMs;
      if (!bucket.busy) odd = { chat, at: now };
      if (!bucket.busy && (nearLimit || twice || bot.heldUntil > now)) return allRefused(waitMs, now);
      bucket.refused(now, waitMs);
      return 'chat';
    },

    /** All that the bot sends is to wait. */
    allRefused,

    /** At start: Telegram asked an earlier process to wait. */
    heldOver({ chat, waitMs }: Hold, now: number): void {
      const bucket = chat === null ? bot : bucketOf(chat, now);
      bucket.refused(now, waitMs);
    },

    /** Messages a second in all, as learned so far. */
    perS: (): number => bot.perMs * 1000,
    /** Chats remembered. */
    size: (): number => chats.size,
  };
}

export type Pacing = ReturnType<typeof createPacing>;
