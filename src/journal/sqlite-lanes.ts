import type { DatabaseSync } from 'node:sqlite';
import { limits } from '../limits.ts';
import type { Tx } from './journal.ts';
import { prepareClaimable } from './sqlite-claimable.ts';
import { int, intOrNull, type SeqRange } from './sqlite-rows.ts';

/**
 * A lane: the messages of one chat that keep their order, or one message that need not. Of the messages of a lane one
 * at most is under way. While none is, the first (by priority, then by acceptance) leads it: its `ready_at` says when
 * it may be claimed, and all the others' is null. So a claim finds what it may take, and costs the same whether one
 * message waits or a million do.
 *
 * `ready_at` is a time of the steady clock of the process that wrote it, `due_at` one of the wall clock: a message that is
 * tried again waits for what is left until then, but never longer than its whole wait, which began at `updated_at`.
 */
export function prepareLanes(db: DatabaseSync, range: SeqRange) {
  const { slot, id: idOf } = range;
  // Entries may outlive their messages' time in the lane (sqlite-tombstones.ts).
  const inLane = (columns: string, limit: number, but = ''): string =>
    `SELECT ${columns} FROM lanes CROSS JOIN messages ON messages.id = lanes.id
     WHERE lanes.slot = ?1 AND lanes.chat = ?2 AND lanes.lane = ?3${but} AND status IN ('queued', 'sending')
     ORDER BY lanes.priority, lanes.id LIMIT ${limit}`;
  const first = db.prepare(inLane('lanes.id, lanes.priority, ready_at', 1));
  const firstTwo = db.prepare(inLane('lanes.id, due_at, updated_at, ready_at', 2));
  const sending = db.prepare(
    `SELECT 1 FROM messages INDEXED BY messages_sending
     WHERE slot = ? AND chat = ? AND lane = ? AND status = 'sending' LIMIT 1`,
  );
  // As `readyFrom` says. The one that has ended is passed over without a look at its row; nobody leads beside one that is
  // being sent, as there may be where two chats became one before this process.
  const leadFirst = db.prepare(
    `UPDATE messages SET ready_at = ${readyFrom('?4', '?6')}
     WHERE id = (${inLane('lanes.id', 1, ' AND lanes.id IS NOT ?5')}) AND status = 'queued'`,
  );
  const ready = db.prepare('UPDATE messages SET ready_at = ? WHERE id = ?');
  const wake = db.prepare(
    `UPDATE messages SET ready_at = 0 WHERE id IN (
       SELECT id FROM messages INDEXED BY messages_resting WHERE slot = ? AND ready_at > 0 AND ready_at <= ?
       ORDER BY ready_at LIMIT +?)`,
  );
  const claimable = prepareClaimable(db, range);
  const claim = db.prepare(
    `UPDATE messages SET status = 'sending', ready_at = NULL, attempts = attempts + 1, updated_at = ?
     WHERE id IN (SELECT value FROM json_each(?))`,
  );
  const nextAt = db.prepare(
    `SELECT min(at) AS at FROM (
       SELECT min(ready_at) AS at FROM messages INDEXED BY messages_resting WHERE slot = ?1 AND ready_at > 0
       UNION ALL SELECT min(due_at) + ?2 FROM messages INDEXED BY messages_scheduled
         WHERE slot = ?1 AND status = 'scheduled'
       UNION ALL SELECT min(expires_at) + ?2 FROM messages INDEXED BY messages_expiring
         WHERE slot = ?1 AND status IN ('queued', 'scheduled') AND expires_at IS NOT NULL)`,
  );
  const restAnew = db.prepare(
    `UPDATE messages SET ready_at = ${readyFrom('?2', '?3')}
     WHERE id IN (SELECT id FROM messages INDEXED BY messages_resting WHERE slot = ?1 AND ready_at > 0)`,
  );

  return {
    /** `ready_at` of a message that is about to be queued. It passes the one that leads, where it comes before that. */
    join(chat: number | string, lane: number, priority: number, dueAt: number, time: Time): number | null {
      const head = first.get(slot, chat, lane);
      if (head === undefined) return readyAt(dueAt, time.now, time);
      // No message leads while one is under way.
      if (head.ready_at === null || int(head, 'priority') <= priority) return null;
      ready.run(null, int(head, 'id'));
      return readyAt(dueAt, time.now, time);
    },
    /**
     * The message under way has ended, or waits again. Nobody leads while one is under way, so that the first leads now.
     * True where one does. `ended`: its id; null where it waits again.
     */
    leadAfterSent(chat: number | string, lane: number, time: Time, ended: number | null): boolean {
      return leadFirst.run(slot, chat, lane, time.now, ended, time.steadyNow).changes > 0;
    },
    /** A message of the lane was queued, or left it: the first of them leads it now. True where there is one. */
    lead(chat: number | string, lane: number, time: Time): boolean {
      const [head, next] = firstTwo.all(slot, chat, lane);
      if (head === undefined) return false;
      if (sending.get(slot, chat, lane) !== undefined) return true;
      if (head.ready_at === null)
        ready.run(readyAt(int(head, 'due_at'), int(head, 'updated_at'), time), int(head, 'id'));
      // It led until another came before it.
      if (next !== undefined && next.ready_at !== null) ready.run(null, int(next, 'id'));
      return true;
    },
    /** The lane's leader leads it no more. */
    unlead(chat: number | string, lane: number): void {
      const head = first.get(slot, chat, lane);
      if (head !== undefined && head.ready_at !== null) ready.run(null, int(head, 'id'));
    },
    /** The lane that this message leads is not looked at before. */
    rest: (seq: number, until: number): void => void ready.run(Math.ceil(until), idOf(seq)),
    /** As the port's `restAnew`. */
    restAnew: ({ now, steadyNow }: Time): void => void restAnew.run(slot, now, steadyNow),
    /** Lanes whose time has come may be claimed from. At most limits.outboxDuePerUnitMax at once. */
    wake: (steadyNow: number): void => void wake.run(slot, steadyNow, limits.outboxDuePerUnitMax),
    claimable,
    claim: (seqs: readonly number[], now: number): void => void claim.run(now, JSON.stringify(seqs.map(idOf))),
    /** As the port's `nextMessageAt`. */
    nextAt: ({ now, steadyNow }: Time): number | null =>
      intOrNull(nextAt.get(slot, steadyNow - now) ?? { at: null }, 'at'),
  };
}

type Time = Pick<Tx, 'now' | 'steadyNow'>;

/** `ready_at` of a message that was queued at `updatedAt`, to be tried at `dueAt`. */
const readyAt = (dueAt: number, updatedAt: number, { now, steadyNow }: Time): number =>
  dueAt <= now ? 0 : steadyNow + Math.min(dueAt - now, Math.max(0, dueAt - updatedAt));

/** The same in SQL. `now` and `steadyNow` are the names of parameters. */
const readyFrom = (now: string, steadyNow: string): string =>
  `CASE WHEN due_at <= ${now} THEN 0 ELSE ${steadyNow} + min(due_at - ${now}, max(0, due_at - updated_at)) END`;

export type Lanes = ReturnType<typeof prepareLanes>;
