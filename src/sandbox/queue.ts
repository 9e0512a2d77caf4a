import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';

/** An update that waits to be confirmed. It is kept as the text that goes out, so that nothing changes it on the way. */
export interface QueuedUpdate {
  readonly id: number;
  readonly json: string;
  /** Updates of one lane are delivered to a webhook in their order; lanes do not wait for each other. */
  readonly lane: string;
  readonly expiresAtMs: number;
  /** The queue holds it no more; nobody needs to deliver it. */
  dropped: boolean;
}

/**
 * A bot's update queue.
 * - An update stays until a read with a *higher* offset, a negative offset, its delivery to a webhook, or 24 h.
 * - Ids rise by one. After `restart` they go on from any number, maybe a lower one.
 */
export interface UpdateQueue {
  readonly size: number;
  /** Adds an update; `encode` makes its text from the id it gets. An id given is used as it is. */
  add(lane: string, encode: (id: number) => string, id?: number): QueuedUpdate;
  /** Forgets what `offset` confirms and gives what comes next, at most `count` and about 4 MiB. */
  read(offset: number, count: number): readonly QueuedUpdate[];
  /** Forgets one update that waits, wherever it is: a webhook has taken it. */
  remove(update: QueuedUpdate): void;
  /** Forgets all; gives how many. */
  clear(): number;
  /** The next update gets this id. What waits is forgotten, as after an idle week. */
  restart(nextId: number): number;
  all(): readonly QueuedUpdate[];
}

/** How far past its end an offset may lie before the queue takes it for one of an older numbering (tdlib's TQueue). */
const OFFSET_AHEAD_MAX = 10;

/** An empty queue whose first update gets `firstId`. */
export function createUpdateQueue(
  clock: Clock,
  firstId: number,
  lengthMax: number = limits.sandboxQueueLengthMax,
): UpdateQueue {
  // Waiting are updates[first..] without `gone`. (A Set would be slow: reading its head walks over all that was deleted.)
  let updates: QueuedUpdate[] = [];
  let first = 0;
  const gone = new Set<QueuedUpdate>();
  let nextId = firstId;
  /** Characters of those that wait. */
  let length = 0;

  const size = (): number => updates.length - first - gone.size;
  const head = (): QueuedUpdate | undefined => {
    for (;;) {
      const update = updates[first];
      if (update === undefined || !gone.delete(update)) return update;
      first += 1;
    }
  };
  const forgetWhile = (forget: (update: QueuedUpdate) => boolean): void => {
    for (let update = head(); update !== undefined && forget(update); update = head()) {
      update.dropped = true;
      length -= update.json.length;
      first += 1;
    }
    if (first > 1024 && first * 2 > updates.length) {
      updates = updates.slice(first);
      first = 0;
    }
  };
  const expire = (): void => {
    const now = clock.steadyNow();
    forgetWhile((update) => update.expiresAtMs <= now);
  };
  const isOfThisNumbering = (offset: number): boolean =>
    offset <= nextId + OFFSET_AHEAD_MAX && offset >= (head()?.id ?? nextId) - limits.sandboxQueueUpdatesMax;

  return {
    get size() {
      expire();
      return size();
    },
    add(lane, encode, id = nextId) {
      expire();
      nextId = Math.max(nextId, id + 1);
      const update = {
        id,
        json: encode(id),
        lane,
        expiresAtMs: clock.steadyNow() + limits.sandboxUpdateLifeMs,
        dropped: false,
      };
      updates.push(update);
      length += update.json.length;
      forgetWhile(() => size() > limits.sandboxQueueUpdatesMax || (length > lengthMax && size() > 1));
      return update;
    },
    read(offset, count) {
      expire();
      if (offset < 0) forgetWhile(() => size() > -offset);
      else if (offset > 0 && isOfThisNumbering(offset)) forgetWhile((update) => update.id < offset);
      const answer: QueuedUpdate[] = [];
      let bytes = 0;
      for (let i = first; i < updates.length && answer.length < count; i += 1) {
        const update = updates[i];
        if (update === undefined || gone.has(update)) continue;
        bytes += update.json.length;
        if (answer.length > 0 && bytes > limits.sandboxAnswerBytesMax) break;
        answer.push(update);
      }
      return answer;
    },
    remove(update) {
      if (update.dropped) return;
      gone.add(update);
      length -= update.json.length;
      update.dropped = true;
    },
    clear() {
      const count = size();
      forgetWhile(() => true);
      return count;
    },
    restart(id) {
      nextId = id;
      return this.clear();
    },
    all: () => updates.slice(first).filter((update) => !gone.has(update)),
  };
}
