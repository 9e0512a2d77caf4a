import type { ClaimableOf, MessageRecord, Tx } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { end, refuse } from './fate.ts';
import { REPLY_PRIORITY } from './outbox.ts';
import type { Pacing } from './pacing.ts';

/** What a unit of work took out of the queue. */
export interface Claimed {
  /** To be sent, once the unit has committed. Their rows say `sending`; the records are as before. */
  readonly claimed: readonly MessageRecord[];
  /** Ended without a call: to chats that take none, or of keys whose messages are canceled. */
  readonly closed: readonly MessageRecord[];
  /** When the bot as a whole may go on, by the steady clock; null where it need not wait. */
  readonly botAt: number | null;
  /** There may be more to take at once. */
  readonly more: boolean;
}

/** What a claim needs. */
export interface Claiming {
  readonly tx: Tx;
  readonly bot: string;
  readonly pacing: Pacing;
  /** By priority, the key whose message went last; kept up here. */
  readonly turns: Map<number, string>;
  /** Whether nothing of what this key posted is sent any more. */
  readonly isCanceled: (keyId: string) => boolean;
  /** Calls under way. */
  readonly inFlight: number;
  /** How many will go, as far as one knows. Where more may, they are found as well. */
  readonly expected: number;
}

/**
 * Claims what may go now, the urgent first, in the room beside the calls under way. A chat that must wait rests until its
 * time: it is not looked at before. Keys have their turns within a priority, however many messages each has waiting. Where the bot must wait, what Telegram does not count goes on: only a wait that
 * Telegram asked for holds that up. Tokens taken for a unit that does not commit are lost, which costs a moment.
 */
export async function claimSome(claiming: Claiming): Promise<Claimed> {
  // The one place where a copy's messages are held back.
  if (claiming.tx.copyHold() !== null) return { claimed: [], closed: [], botAt: null, more: false };
  const first = await claimOf({}, claiming);
  if (first.botAt === null) return first;
  const inFlight = claiming.inFlight + first.claimed.length;
  const second = await claimOf({ uncounted: true }, { ...claiming, inFlight, expected: 0 });
  return {
    claimed: [...first.claimed, ...second.claimed],
    closed: [...first.closed, ...second.closed],
    botAt: first.botAt,
    more: first.more || second.more,
  };
}

async function claimOf(which: ClaimableOf, claiming: Claiming): Promise<Claimed> {
  const { tx, bot, pacing, turns, isCanceled, inFlight, expected } = claiming;
  const claimed: MessageRecord[] = [];
  const closed: MessageRecord[] = [];
  let page = Math.max(limits.claimPageMin, expected);
  for (let looked = 0; looked < limits.claimLooksMax; page *= 2) {
    const room = limits.sendsInFlightMax - inFlight - claimed.length;
    if (room <= 0) return { claimed, closed, botAt: null, more: false };
    const bulkRoom = room - limits.sendsForRepliesMin;
    const onlyReplies = bulkRoom <= 0;
    // Of bulk not much more is read than may go.
    const wanted = Math.min(room, page, onlyReplies ? room : Math.max(bulkRoom, limits.claimPageMin));
    const asked = { ...which, turns };
    const found = await tx.claimable(wanted, onlyReplies ? { ...asked, priorityMax: REPLY_PRIORITY } : asked);
    looked += found.length;
    const refusals = await tx.closedChats(found.map(({ chat }) => chat));
    const going: MessageRecord[] = [];
    let botAt: number | null = null;
    let full = false;
    for (const message of found) {
      if (message.keyId !== null && isCanceled(message.keyId)) {
        end(tx, bot, message, 'canceled', null);
        closed.push(message);
        continue;
      }
      const refusal = refusals.get(message.chat);
      if (refusal !== undefined) {
        refuse(tx, bot, message, refusal);
        closed.push(message);
        continue;
      }
      // What comes after a message in bulk is in bulk too.
      full = message.priority > REPLY_PRIORITY && going.length >= bulkRoom;
      if (full) break;
      const leave = pacing.ask(pacedOf(message), tx.steadyNow);
      if (leave.kind === 'bot') botAt = leave.until;
      if (leave.kind === 'bot') break;
      if (leave.kind === 'go') going.push(message);
      else tx.rest(message, leave.until);
    }
    tx.claim(going);
    for (const { priority, keyId } of going) turns.set(priority, keyId ?? '');
    claimed.push(...going);
    if (full || botAt !== null || found.length < wanted) return { claimed, closed, botAt, more: closed.length > 0 };
  }
  return { claimed, closed, botAt: null, more: true };
}

const pacedOf = ({ chat, priority, counted, order }: MessageRecord) => ({
  chat,
  priority,
  counted,
  free: order === 'free',
});
