/** How fast messages may go out. Starting figures are Telegram's published ones (telegram.md, Sending). */
export interface PacingRates {
  /** Messages a second to one private chat, and how many may go at once. */
  readonly chatPerS: number;
  readonly chatBurst: number;
  /** Messages a minute to one group. */
  readonly groupPerMin: number;
  readonly groupBurst: number;
  /** Messages a second in all. */
  readonly overallPerS: number;
  readonly overallBurst: number;
}

interface Bucket {
  tokens: number;
  /** When `tokens` was true, ms. */
  at: number;
}

/**
 * Token buckets: one a chat, one for all. Telegram's own `retry_after` rules over them (`hold`).
 * Memory: chats written to lately; a bucket that is full again is forgotten.
 */
export function createPacing(rates: PacingRates) {
  const chats = new Map<string, Bucket>();
  const holds = new Map<string, number>();
  const overall: Bucket = { tokens: rates.overallBurst, at: 0 };

  const shape = (chat: string) =>
    chat.startsWith('-') || chat.startsWith('@')
      ? { perMs: rates.groupPerMin / 60_000, burst: rates.groupBurst }
      : { perMs: rates.chatPerS / 1000, burst: rates.chatBurst };

  function refill(bucket: Bucket, perMs: number, burst: number, now: number): void {
    bucket.tokens = Math.min(burst, bucket.tokens + Math.max(0, now - bucket.at) * perMs);
    bucket.at = now;
  }

  /** ms until a whole token is there. */
  const waitFor = (bucket: Bucket, perMs: number): number =>
    bucket.tokens >= 1 ? 0 : Math.ceil((1 - bucket.tokens) / perMs);

  return {
    /** A message is about to go: takes its tokens. */
    take(chat: string, now: number): void {
      const { perMs, burst } = shape(chat);
      const bucket = chats.get(chat) ?? { tokens: burst, at: now };
      refill(bucket, perMs, burst, now);
      bucket.tokens -= 1;
      chats.set(chat, bucket);
      overall.tokens -= 1;
    },
    /** Telegram asked to wait before this chat is written to again. */
    hold(chat: string, until: number): void {
      holds.set(chat, Math.max(until, holds.get(chat) ?? 0));
    },
    /** How many messages may go out now, over all chats. */
    allowance(now: number): number {
      refill(overall, rates.overallPerS / 1000, rates.overallBurst, now);
      return Math.floor(overall.tokens);
    },
    /** Chats that must wait, and the ms until the first of them (or the overall bucket) is free; null: nothing waits. */
    waiting(now: number): { readonly chats: readonly string[]; readonly waitMs: number | null } {
      let waitMs = overall.tokens >= 1 ? Number.POSITIVE_INFINITY : waitFor(overall, rates.overallPerS / 1000);
      const blocked = new Set<string>();
      for (const [chat, until] of holds) {
        if (until <= now) {
          holds.delete(chat);
          continue;
        }
        blocked.add(chat);
        waitMs = Math.min(waitMs, until - now);
      }
      for (const [chat, bucket] of chats) {
        const { perMs, burst } = shape(chat);
        refill(bucket, perMs, burst, now);
        if (bucket.tokens >= burst) chats.delete(chat);
        if (bucket.tokens >= 1) continue;
        blocked.add(chat);
        waitMs = Math.min(waitMs, waitFor(bucket, perMs));
      }
      return { chats: [...blocked], waitMs: waitMs === Number.POSITIVE_INFINITY ? null : waitMs };
    },
  };
}

export type Pacing = ReturnType<typeof createPacing>;
