import type { Logger } from 'pino';
import type { Round } from '../../machines/outbox.machine.ts';
import type { Clock } from '../clock.ts';
import type { Hold, Journal, MessageRecord, Tx } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { writeMethod } from '../telegram/methods.ts';
import type { BotApi } from '../telegram/telegram.ts';
import { type Uploads, uploadsOf } from '../uploads/uploads.ts';
import { createTokens, type Tokens, withButtonData } from './buttons.ts';
import { claimSome } from './claim.ts';
import { end, type Fate, fateOfError, fateOfResult, historyOf, settle, type Wait, waitAsked } from './fate.ts';
import type { createSendHealth } from './health.ts';
import type { SendMarks } from './marks.ts';
import { chatIdOf, messageId } from './outbox.ts';
import type { Pacing } from './pacing.ts';

export interface SenderOptions {
  readonly journal: Journal;
  readonly api: BotApi;
  readonly uploads: Pick<Uploads, 'pathOf'>;
  readonly pacing: Pacing;
  readonly marks: SendMarks;
  readonly health: Pick<ReturnType<typeof createSendHealth>, 'succeeded' | 'failed'>;
  /** Whether nothing of what this key posted is sent any more: it was revoked so. */
  readonly isCanceled: (keyId: string) => boolean;
  readonly clock: Clock;
  /** See ProvenTime. */
  readonly provenNow: () => number;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: Logger;
  /** Telegram carried a call out, with this result; its fate comes next. */
  readonly onResult: (seq: number, result: unknown) => void;
  /** A message's fate is committed. */
  readonly onFate: (seq: number) => void;
  /** Calls have ended: their fates wait for a round. `enough`: of those under way so many that it need not wait for more. */
  readonly onEnded: (enough: boolean) => void;
  /** A round is over: the figures may have changed. */
  readonly onRound: () => void;
}

interface Ended {
  readonly message: MessageRecord;
  readonly fate: Fate;
  /** What Telegram asked to wait with. */
  readonly hold: Hold | null;
}

/**
 * Claims, sends, settles. One unit of work, a round, stores the fates of the calls that have ended and claims what goes
 * next: many messages share its commit.
 *
 * I5: a message is `sending` in the database before its call begins; a call whose answer is lost, or that a crash cut
 * off, ends as `unknown`, unless the marks prove that it never left. A fate that the disk does not take is kept, and stored by the next round that succeeds; a crash
 * meanwhile makes it unknown, which is true of what the next process knows. I6: claims commit through the journal, so only
 * the holder of the epoch claims.
 */
export function createSender(options: SenderOptions) {
  const {
    journal,
    api,
    uploads,
    pacing,
    marks,
    health,
    isCanceled,
    clock,
    provenNow,
    random,
    log,
    onResult,
    onFate,
    onEnded,
    onRound,
  } = options;
  const { bot } = journal;
  const tokens = createTokens(journal.buttons.secret, bot);
  /** Calls whose fate is not stored, up to limits.sendsInFlightMax. */
  let inFlight = 0;
  let ended: Ended[] = [];
  /** Whose turn it was last: forgotten with the process, which costs nobody more than a turn. */
  const turns = new Map<number, string>();
  let last: Promise<unknown> = Promise.resolve();
  let sent = 0;

  async function call(message: MessageRecord): Promise<Ended> {
    try {
      const result = await api.call(message.method, paramsOf(message, tokens), {
        files: filesOf(message),
        onLeaving: () => marks.leaving(message),
      });
      health.succeeded();
      onResult(message.seq, result);
      return { message, fate: fateOfResult(result), hold: null };
    } catch (error) {
      health.failed(error);
      const fate = fateOfError(error, historyOf(message, provenNow()), random);
      const wait = waitAsked(error, fate);
      return wait === null ? { message, fate, hold: null } : asHeld(message, fate, wait);
    }
  }

  const filesOf = ({ files }: MessageRecord) =>
    uploadsOf(files).map((upload) => ({ ...upload, path: uploads.pathOf(upload) }));

  async function send(message: MessageRecord): Promise<void> {
    const done = await call(message);
    const { fate } = done;
    if (fate.kind === 'sent') sent += 1;
    else {
      const { code } = fate.error;
      const description = withoutEchoes(fate.error.description, message);
      const id = messageId(bot, message.seq);
      log.warn({ message: id, method: message.method, fate: fate.kind, code, description }, 'not sent');
    }
    const before = endedSoFar();
    ended.push(done);
    const now = endedSoFar();
    if (now !== before) onEnded(now === 'enough');
  }

  /** Three of four calls under way have ended: those that are left would share little more. None waits for a single other. */
  function endedSoFar(): Round['ended'] {
    if (ended.length === 0) return 'none';
    return inFlight - ended.length <= Math.max(1, inFlight / 4) ? 'enough' : 'some';
  }

  /** Where Telegram asks to wait, whoever else it means waits too, also in the next process. */
  function asHeld(message: MessageRecord, fate: Fate, { ms, by }: Wait): Ended {
    const now = clock.steadyNow();
    const held = by === 'gateway' ? pacing.allRefused(ms, now) : pacing.refused(message.chat, ms, now);
    if (held === 'message') return { message, fate, hold: null };
    const hold = { chat: held === 'bot' ? null : message.chat, waitMs: ms };
    if (fate.kind !== 'retry') return { message, fate, hold };
    return { message, fate: { ...fate, error: { ...fate.error, held } }, hold };
  }

  function expire(tx: Tx, messages: readonly MessageRecord[]): void {
    for (const message of messages) end(tx, bot, message, 'expired', null);
  }

  async function round(ending: boolean): Promise<Round> {
    const done = await journal.write(async (tx) => {
      const stored = [...ended];
      for (const { message, fate, hold } of stored) {
        settle(tx, bot, message, fate);
        if (hold !== null) tx.hold(hold);
      }
      if (ending) return { stored, claimed: [], closed: [], expired: [], more: false, nextAt: null };
      const { expired } = await tx.dueMessages();
      expire(tx, expired);
      // As a rule as many go as have ended.
      const expected = stored.length;
      const some = await claimSome({
        tx,
        bot,
        pacing,
        turns,
        isCanceled,
        inFlight: inFlight - stored.length,
        expected,
      });
      const nextAt = await tx.nextMessageAt();
      // Before the commit: it may outlive the process by itself.
      marks.waiting(some.claimed.map(({ seq, attempts }) => ({ seq, attempts: attempts + 1 })));
      return { stored, expired, ...some, nextAt: earlier(nextAt, some.botAt) };
    });
    ended = ended.slice(done.stored.length);
    inFlight += done.claimed.length - done.stored.length;
    for (const { message } of done.stored) onFate(message.seq);
    for (const { seq } of [...done.expired, ...done.closed]) onFate(seq);
    for (const message of done.claimed) void send({ ...message, status: 'sending', attempts: message.attempts + 1 });
    onRound();
    const waitMs =
      done.nextAt === null ? null : Math.min(Math.max(0, done.nextAt - clock.steadyNow()), limits.timerArmMaxMs);
    return { inFlight, more: done.more, ended: endedSoFar(), waitMs };
  }

  return {
    /**
     * Stores the fates that have come in; unless `ending` claims what may go now, and begins to send it. One at a time,
     * also where the actor was started anew in the middle of one.
     */
    round(ending: boolean): Promise<Round> {
      const next = last.then(() => round(ending));
      last = next.catch(() => {});
      return next;
    },

    /**
     * At start: what a process that died had claimed. A call that certainly never left is made anew; of the others nobody
     * can know the fate (I5), and their number is given. Where Telegram had asked to wait, this process waits on.
     */
    async recover(): Promise<number> {
      const orphans = await journal.write(async (tx) => {
        const messages = await settleOrphans(tx, bot, marks);
        for (const hold of await tx.holds(limits.pacedChatsMax)) pacing.heldOver(hold, tx.steadyNow);
        tx.restAnew();
        return messages;
      });
      const queued = orphans.filter(marks.neverLeft).length;
      if (queued > 0)
        log.info({ event: 'requeued', queued }, 'messages whose calls had not left before a crash are sent now');
      marks.begin();
      return orphans.length - queued;
    },

    inFlight: () => inFlight,
    sent: () => sent,
  };
}

export type Sender = ReturnType<typeof createSender>;

/** Settles what a process that died had claimed, and gives it as it was: see `recover`. */
export async function settleOrphans(
  tx: Tx,
  bot: string,
  marks: Pick<SendMarks, 'neverLeft'>,
): Promise<MessageRecord[]> {
  const error = { code: 0, description: 'Switchboard stopped while the call was under way' };
  const messages = await tx.orphanedMessages();
  for (const message of messages) {
    // The attempt counts, so that its mark stays its own.
    if (marks.neverLeft(message)) tx.changeMessage(message.seq, { status: 'queued', dueAt: tx.now }, message);
    else settle(tx, bot, message, { kind: 'unknown', error, resendAfterMs: 0 });
  }
  return messages;
}

/**
 * The row's chat rules: a group may have become a supergroup since the message was accepted. An @name is as it was spelt.
 * The buttons of a conversation carry tokens: the same ones however often it is sent.
 */
function paramsOf({ seq, keyId, method, params, chat }: MessageRecord, tokens: Tokens): Record<string, unknown> {
  const asked: Record<string, unknown> = JSON.parse(params);
  const stored = keyId === null ? { ...withButtonData(asked, (n) => tokens.textOf({ seq, n })) } : asked;
  if (writeMethod(method)?.addressed !== false && !chat.startsWith('@')) stored.chat_id = chatIdOf(chat);
  return stored;
}

/** A description for the log, without the texts and file names of the call that it repeats (I7). */
function withoutEchoes(description: string, { params, files }: MessageRecord): string {
  const texts = textsIn([JSON.parse(params), files === null ? null : JSON.parse(files)]);
  const echoed = texts.slice(0, limits.logEchoesMax).filter((text) => text.length > 2);
  return echoed.reduce((left, text) => left.replaceAll(text, '[cut]'), description.slice(0, limits.logTextMax));
}

const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
};

const earlier = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b);
