import type { Clock } from '../clock.ts';
import { tooManyRequests } from './api-error.ts';

/** How much a bot may send. Null: no limit. Telegram does not publish its own; these are its rules of thumb. */
export interface FloodLimits {
  /** Messages a second to one private chat, after a burst of `chatBurst`. */
  readonly chatPerSecond: number | null;
  readonly chatBurst: number;
  /** Messages in any 60 s to one group. */
  readonly groupPerMinute: number | null;
  /** Messages a second to all chats, after a burst of as many. */
  readonly botPerSecond: number | null;
  /** Slow down the same offset asked again at once, repeated 409s, and setWebhook twice a second. */
  readonly repeatedPolls: boolean;
}

/** Telegram's rules of thumb, with room for a burst in a private chat. */
export const TELEGRAM_FLOOD: FloodLimits = {
  chatPerSecond: 1,
  chatBurst: 10,
  groupPerMinute: 20,
  botPerSecond: 30,
  repeatedPolls: true,
};

/** For tests and load: nothing is slowed down or refused. */
export const NO_FLOOD: FloodLimits = {
  chatPerSecond: null,
  chatBurst: 1,
  groupPerMinute: null,
  botPerSecond: null,
  repeatedPolls: false,
};

/** What a chat, or the whole bot, has sent lately. */
export interface FloodTrace {
  /** When the bucket is empty again. */
  emptyAtMs: number;
  /** Times of the last minute's messages, oldest first; groups only. */
  readonly recentMs: number[];
}

/** Of a chat or a bot that has sent nothing. */
export const newTrace = (): FloodTrace => ({ emptyAtMs: 0, recentMs: [] });

const MINUTE_MS = 60_000;

/** Counts one message, or throws 429 with the seconds to wait and counts nothing. */
export function checkFlood(clock: Clock, flood: FloodLimits, bot: FloodTrace, chat: FloodTrace, group: boolean): void {
  const now = clock.steadyNow();
  const waits = [
    flood.botPerSecond === null ? 0 : bucketWaitMs(bot, now, 1000 / flood.botPerSecond, flood.botPerSecond),
    group ? windowWaitMs(chat, now, flood.groupPerMinute) : 0,
    group || flood.chatPerSecond === null ? 0 : bucketWaitMs(chat, now, 1000 / flood.chatPerSecond, flood.chatBurst),
  ];
  const waitMs = Math.max(...waits);
  if (waitMs > 0) throw tooManyRequests(Math.ceil(waitMs / 1000));
  if (flood.botPerSecond !== null) fill(bot, now, 1000 / flood.botPerSecond);
  if (group) {
    if (flood.groupPerMinute !== null) chat.recentMs.push(now);
  } else if (flood.chatPerSecond !== null) fill(chat, now, 1000 / flood.chatPerSecond);
}

function bucketWaitMs(trace: FloodTrace, now: number, intervalMs: number, burst: number): number {
  return Math.max(0, trace.emptyAtMs - now - (burst - 1) * intervalMs);
}

function fill(trace: FloodTrace, now: number, intervalMs: number): void {
  trace.emptyAtMs = Math.max(trace.emptyAtMs, now) + intervalMs;
}

function windowWaitMs(trace: FloodTrace, now: number, perMinute: number | null): number {
  if (perMinute === null) return 0;
  const recent = trace.recentMs;
  while (recent[0] !== undefined && recent[0] <= now - MINUTE_MS) recent.shift();
  const blocking = recent[recent.length - perMinute];
  return blocking === undefined ? 0 : blocking + MINUTE_MS - now;
}
