import type { Logger } from 'pino';
import type { Claimed } from '../../machines/outbox.machine.ts';
import { backoffMs } from '../backoff.ts';
import type { Clock } from '../clock.ts';
import { type ErrorCode, errorText, SwitchboardError } from '../errors.ts';
import type { Journal, MessageRecord } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { writeMethod } from '../telegram/methods.ts';
import type { BotApi } from '../telegram/telegram.ts';
import { type Fate, type FateError, fateOfError, fateOfResult, settle, tell } from './fate.ts';
import { chatIdOf, messageId } from './outbox.ts';
import type { Pacing } from './pacing.ts';

/** The journal takes no more: what is not stored by now the next process calls unknown. */
const ENDED: readonly ErrorCode[] = ['shutting_down', 'lease_lost'];

export interface SenderOptions {
  readonly journal: Journal;
  readonly api: BotApi;
  readonly pacing: Pacing;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: Logger;
  /** A message's fate is committed. */
  readonly onFate: (seq: number) => void;
  /** A call has ended, its fate is committed: there is room for another. */
  readonly onSettled: (inFlight: number) => void;
}

/**
 * Claims, sends, settles.
 *
 * I5: a message is `sending` in the database before its call begins; a call whose answer is lost, or that a crash cut
 * off, ends as `unknown`. I6: claims commit through the journal, so only the holder of the epoch claims.
 * Per chat one call at a time, in order of acceptance within a priority.
 */
export function createSender({ journal, api, pacing, clock, random, log, onFate, onSettled }: SenderOptions) {
  const { bot } = journal;
  const inFlight = new Map<number, string>();
  let sent = 0;

  async function call(message: MessageRecord): Promise<Fate> {
    const stored: Record<string, unknown> = JSON.parse(message.params);
    // The row's chat rules: a group may have become a supergroup since the message was accepted.
    const addressed = writeMethod(message.method)?.addressed ?? true;
    const params = addressed ? { ...stored, chat_id: chatIdOf(message.chat) } : stored;
    try {
      return fateOfResult(await api.call(message.method, params));
    } catch (error) {
      const last: FateError | null = message.error === null ? null : JSON.parse(message.error);
      const ageMs = clock.now() - message.createdAt;
      return fateOfError(error, { attempts: message.attempts, ageMs, error: last }, random);
    }
  }

  async function send(message: MessageRecord): Promise<void> {
    const fate = await call(message);
    if (fate.kind === 'retry' && fate.error.code === 429) pacing.hold(message.chat, clock.now() + fate.delayMs);
    if (fate.kind !== 'sent') {
      const { code, description } = fate.error;
      log.warn(
        { message: messageId(bot, message.seq), method: message.method, fate: fate.kind, code, description },
        'not sent',
      );
    } else sent += 1;
    // The fate is known and only the disk stands in the way: it is told as soon as the disk takes it. A crash
    // meanwhile makes it unknown, which is true of what the next process knows.
    for (let failures = 1; ; failures += 1) {
      try {
        await journal.write(async (tx) => settle(tx, bot, message, fate));
        break;
      } catch (error) {
        // It keeps its place among the calls under way (limits.sendsInFlightMax), so these are bounded too.
        log.error({ message: messageId(bot, message.seq), error: errorText(error) }, 'a fate could not be stored yet');
        if (error instanceof SwitchboardError && ENDED.includes(error.code)) return;
        const delayMs = backoffMs(failures, limits.restartMinMs, limits.restartMaxMs, random);
        await new Promise<void>((resolve) => clock.setTimeout(resolve, delayMs));
      }
    }
    inFlight.delete(message.seq);
    onFate(message.seq);
    onSettled(inFlight.size);
  }

  return {
    /** Claims what may go out now and begins to send it. */
    async claim(): Promise<Claimed> {
      const now = clock.now();
      const allowance = pacing.allowance(now);
      const cooling = pacing.waiting(now);
      const slots = Math.min(limits.sendsInFlightMax - inFlight.size, allowance);
      const busy = [...cooling.chats, ...inFlight.values()];
      const claimed = await journal.write(async (tx) => {
        const { expired } = await tx.dueMessages();
        for (const message of expired) {
          tx.changeMessage(message.seq, { status: 'expired' });
          tell(tx, bot, message, 'expired', {});
        }
        const messages = slots > 0 ? await tx.claimable(busy, slots) : [];
        for (const { seq, attempts } of messages) tx.changeMessage(seq, { status: 'sending', attempts: attempts + 1 });
        return { messages, expired };
      });
      for (const { seq } of claimed.expired) onFate(seq);
      for (const message of claimed.messages) {
        inFlight.set(message.seq, message.chat);
        if (writeMethod(message.method)?.paced === true) pacing.take(message.chat, now);
        void send({ ...message, attempts: message.attempts + 1 });
      }
      const count = claimed.messages.length;
      const waitMs = await nextWait(now, cooling.waitMs);
      return { count, inFlight: inFlight.size, waitMs };
    },

    /** At start: what a process that died had claimed, and whose fate nobody can know (I5). */
    async recover(): Promise<number> {
      const error = { code: 0, description: 'Switchboard stopped while the call was under way' };
      return journal.write(async (tx) => {
        const orphans = await tx.orphanedMessages();
        for (const message of orphans) settle(tx, bot, message, { kind: 'unknown', error, resendAfterMs: 0 });
        return orphans.length;
      });
    },

    inFlight: () => inFlight.size,
    sent: () => sent,
  };

  /** When there may be something to do that nobody will tell of: a due time, or a bucket that fills. */
  async function nextWait(now: number, coolingMs: number | null): Promise<number | null> {
    const first = await journal.nextMessageAt();
    if (first === null) return null;
    if (first > now) return Math.min(first - now, limits.timerArmMaxMs);
    // Due already: it waits for its chat or for the whole bot to cool, or for a call that will tell when it ends. What
    // comes due later need not wait for that.
    const next = await journal.nextMessageAt(now);
    if (next === null && coolingMs === null) return null;
    const never = Number.POSITIVE_INFINITY;
    return Math.min(next === null ? never : next - now, coolingMs ?? never, limits.timerArmMaxMs);
  }
}

export type Sender = ReturnType<typeof createSender>;
