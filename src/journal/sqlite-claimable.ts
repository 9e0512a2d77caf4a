import type { DatabaseSync } from 'node:sqlite';
import type { ClaimableOf, MessageRecord } from './journal.ts';
import { BY_NUMBER, intOrNull, MESSAGE_COLUMNS, messageOf, type SeqRange } from './sqlite-rows.ts';

/**
 * Finds the messages that may be claimed, those that lead their lanes (sqlite-lanes.ts): the urgent first, and within a
 * priority one of each key in turn. Each step is one seek in an index, so that a claim costs the same however many wait.
 */
export function prepareClaimable(db: DatabaseSync, range: SeqRange) {
  const all = prepareTurns(db, range, 'messages_ready', '');
  const uncounted = prepareTurns(db, range, 'messages_ready_uncounted', ' AND uncounted = 1');

  return (now: number, limit: number, which: ClaimableOf): MessageRecord[] => {
    const { priorityMax = Number.MAX_SAFE_INTEGER, turns } = which;
    const { nextPriority, inTurns } = which.uncounted === true ? uncounted : all;
    const found: MessageRecord[] = [];
    if (limit <= 0) return found;
    let priority = nextPriority(Number.MIN_SAFE_INTEGER);
    while (priority !== null && priority <= priorityMax && found.length < limit) {
      for (const message of inTurns(now, priority, turns?.get(priority), limit - found.length)) found.push(message);
      priority = found.length < limit ? nextPriority(priority) : null;
    }
    return found;
  };
}

/** The messages of one key that were read so far: one at least. */
interface Queue {
  /** '' are the conversations. */
  readonly key: string;
  readonly messages: MessageRecord[];
  /** There may be more. */
  open: boolean;
}

function prepareTurns(db: DatabaseSync, range: SeqRange, index: string, which: string) {
  const { slot } = range;
  const ready = `FROM messages INDEXED BY ${index} WHERE slot = ?1 AND ready_at = 0${which}`;
  const mayGo = "status = 'queued' AND (expires_at IS NULL OR expires_at > ?3)";
  const nextPriority = db.prepare(`SELECT min(priority) AS priority ${ready} AND priority > ?2`);
  const ofKey = db.prepare(
    `SELECT ${MESSAGE_COLUMNS.join(', ')} ${ready} AND priority = ?2 AND key_id IS ?4 AND id > ?5 AND ${mayGo}
     ORDER BY id LIMIT +?6`,
  );
  const ofNextKey = db.prepare(
    `SELECT ${MESSAGE_COLUMNS.join(', ')} ${ready} AND priority = ?2 AND key_id > ?4 AND ${mayGo}
     ORDER BY key_id, id LIMIT 1`,
  );
  // With an object a row, and a name a column, a send takes some 5 % more CPU.
  for (const statement of [ofKey, ofNextKey]) statement.setReturnArrays(true);

  const some = (now: number, priority: number, key: string, after: number, limit: number): MessageRecord[] =>
    ofKey
      .all(slot, priority, now, key === '' ? null : key, after, limit)
      .map((row) => messageOf(range, row, BY_NUMBER));

  /** The first message of each key that has one ready, from the key behind `last` on and round to it. */
  function firsts(now: number, priority: number, last: string | undefined, max: number): Queue[] {
    const queues: Queue[] = [];
    const add = (key: string, message: MessageRecord): void =>
      void queues.push({ key, messages: [message], open: true });
    const addKeys = (from: string, to: string | null): void => {
      for (let key = from; queues.length < max; ) {
        const row = ofNextKey.get(slot, priority, now, key);
        const message = row === undefined ? null : messageOf(range, row, BY_NUMBER);
        if (message === null || message.keyId === null || (to !== null && message.keyId > to)) return;
        key = message.keyId;
        add(key, message);
      }
    };
    if (last !== undefined) addKeys(last, null);
    const [own] = queues.length < max ? some(now, priority, '', 0, 1) : [];
    if (own !== undefined) add('', own);
    if (last !== '') addKeys('', last ?? null);
    return queues;
  }

  /**
   * Reads on until there are enough: of each key its share, and more of those that have more if others have less. Those with
   * fewer come first: it is their turn.
   */
  function fill(queues: readonly Queue[], now: number, priority: number, limit: number): void {
    for (let missing = limit - queues.length; missing > 0; ) {
      const open = queues.filter((queue) => queue.open).sort((a, b) => a.messages.length - b.messages.length);
      if (open.length === 0) return;
      const [each, extra] = [Math.floor(missing / open.length), missing % open.length];
      for (const [n, queue] of open.entries()) {
        const share = n < extra ? each + 1 : each;
        const after = queue.messages.at(-1);
        const more =
          share === 0 ? [] : some(now, priority, queue.key, after === undefined ? 0 : range.id(after.seq), share);
        queue.messages.push(...more);
        queue.open = more.length === share;
        missing -= more.length;
      }
    }
  }

  return {
    nextPriority: (priority: number): number | null =>
      intOrNull(nextPriority.get(slot, priority) ?? { priority: null }, 'priority'),

    inTurns(now: number, priority: number, last: string | undefined, limit: number): MessageRecord[] {
      const queues = firsts(now, priority, last, limit);
      fill(queues, now, priority, limit);
      const found: MessageRecord[] = [];
      for (let turn = 0, more = true; more && found.length < limit; turn += 1) {
        more = false;
        for (const { messages } of queues) {
          const message = messages[turn];
          if (message === undefined || found.length >= limit) continue;
          more = true;
          found.push(message);
        }
      }
      return found;
    },
  };
}
