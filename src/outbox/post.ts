import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock, TimerHandle } from '../clock.ts';
import { SwitchboardError } from '../errors.ts';
import type { Journal, MessageRecord, Tx } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { Upload, Uploads } from '../uploads/uploads.ts';
import { parseCall } from './call.ts';
import { cancelMessagesOf } from './cancel.ts';
import { createDroppedLog } from './dropped.ts';
import { end, refuse, resent, settle } from './fate.ts';
import { excessOf } from './nesting.ts';
import {
  addMessage,
  chatIdOf,
  type MessageAccepted,
  type MessagePost,
  messageId,
  type Outbox,
  REPLY_PRIORITY,
  type Resolution,
  SETTLED,
  seqOfMessageId,
} from './outbox.ts';
import { releaseCopy } from './release.ts';
import { requireOwnMessages } from './scope.ts';

export interface PostOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly uploads: Pick<Uploads, 'keep' | 'discard'>;
  /** Told of parameters that are dropped; left out: nobody is. */
  readonly log?: Pick<Logger, 'warn'>;
}

/** The outbox as the HTTP edge sees it. `settledNow` wakes those who wait for a message's fate. */
export function createOutbox({
  journal,
  clock,
  uploads,
  log,
}: PostOptions): Outbox & { settledNow(seq: number): void } {
  const { bot } = journal;
  const waiting = new Map<number, Set<() => void>>();
  const noteDropped = log === undefined ? () => {} : createDroppedLog(log);
  /** All of them, up to limits.messageWaitersMax. */
  let waiters = 0;
  /** Of these, those who wait for messages of each key. */
  const waitersOf = new Map<string, number>();

  const isSettled = (message: MessageRecord | null): boolean => message === null || SETTLED.includes(message.status);

  /** A call has ended. Those who wait look for themselves: it may be tried again. */
  const settledNow = (seq: number): void => {
    for (const wake of waiting.get(seq) ?? []) wake();
  };

  async function accept(post: MessagePost): Promise<MessageAccepted> {
    const { files = [] } = post;
    try {
      // A broadcast is posted by the thousand: what its readers write, and the answers to it, do not wait behind it.
      const accepted = await journal.write((tx) => acceptIn(tx, post, files), post.isReply !== true);
      if (accepted.replayed) await uploads.discard(files);
      return accepted;
    } catch (error) {
      await uploads.discard(files);
      throw error;
    }
  }

  async function acceptIn(tx: Tx, post: MessagePost, files: readonly Upload[]): Promise<MessageAccepted> {
    const { keyId, idempotencyKey, isReply = false } = post;
    const excess = excessOf(post.body);
    if (excess !== null) throw new SwitchboardError('request_invalid', `The body ${excess}`, { field: '' });
    const requestHash = hashOf(post.body ?? null, files);
    tx.forgetAnswersBefore(tx.provenNow - limits.idempotencyWindowMs);
    const first = idempotencyKey === null ? null : await tx.remembered(keyId, idempotencyKey);
    if (first !== null) {
      if (first.requestHash !== requestHash) {
        throw new SwitchboardError('idempotency_key_reused', 'Use a new Idempotency-Key for another message');
      }
      return { ...JSON.parse(first.answer), replayed: true };
    }
    // Only now: what was accepted once is not judged again by a later clock.
    const parts = files.map(({ part }) => part);
    const onDropped = (name: string) => noteDropped(keyId, name);
    const called = parseCall(post.body, { ...post, parts, onDropped }, tx.now);
    const stored = files.length === 0 ? null : JSON.stringify(files);
    const priority = isReply ? REPLY_PRIORITY : called.priority;
    const message = { ...called, priority, files: stored, chat: await tx.currentChat(called.chat) };
    await requireOwnMessages(tx, post, message);
    if ((await tx.outboxDepth()) >= limits.outboxMessagesMax) {
      throw new SwitchboardError('outbox_full', `${limits.outboxMessagesMax} messages wait already: try again later`, {
        retryAfterMs: limits.outboxFullRetryMs,
      });
    }
    const own = await tx.waitingCount(keyId);
    if (own >= limits.keyMessagesWaitingMax) {
      const retryAfterMs = limits.outboxFullRetryMs;
      throw new SwitchboardError('quota_exceeded', `The key has ${own} messages waiting, the most`, { retryAfterMs });
    }
    const added = addMessage(tx, bot, message);
    // At once, however much waits before it.
    const refusal = added.status === 'queued' ? (await tx.closedChats([added.chat])).get(added.chat) : undefined;
    if (refusal !== undefined) refuse(tx, bot, added, refusal);
    const answer = answerOf(refusal === undefined ? added : { ...added, status: 'failed' });
    if (idempotencyKey !== null) tx.remember(keyId, idempotencyKey, { requestHash, answer: JSON.stringify(answer) });
    if (files.length > 0) uploads.keep(answer.id, files);
    return { ...answer, replayed: false };
  }

  const answerOf = (message: MessageRecord) => ({
    id: messageId(bot, message.seq),
    status: message.status,
    chat_id: chatIdOf(message.chat),
    created_at: new Date(message.createdAt).toISOString(),
  });

  async function find(id: string): Promise<MessageRecord | null> {
    const seq = seqOfMessageId(bot, id);
    return seq === null ? null : journal.message(seq);
  }

  /** Changes one message in a unit of work, and gives it as it is then. */
  async function change(id: string, job: (tx: Tx, message: MessageRecord) => void): Promise<MessageRecord> {
    const seq = seqOfMessageId(bot, id);
    const changed = await journal.write(async (tx) => {
      const message = seq === null ? null : await tx.message(seq);
      if (message === null) throw new SwitchboardError('not_found', 'There is no such message');
      job(tx, message);
      return (await tx.message(message.seq)) ?? message;
    });
    if (isSettled(changed)) settledNow(changed.seq);
    return changed;
  }

  return {
    settledNow,
    accept,
    acceptAll: (posts) =>
      Promise.all(
        posts.map((post) => accept(post).catch((error) => (error instanceof Error ? error : new Error(String(error))))),
      ),
    find,

    async settled(id, timeoutMs, signal) {
      const seq = seqOfMessageId(bot, id);
      const found = await find(id);
      if (seq === null || isSettled(found) || timeoutMs <= 0 || signal.aborted) return found;
      const owner = found?.keyId ?? '';
      const own = waitersOf.get(owner) ?? 0;
      if (waiters >= limits.messageWaitersMax || own >= limits.messageWaitersPerKeyMax) return found;
      waiters += 1;
      waitersOf.set(owner, own + 1);
      let timer: TimerHandle | undefined;
      let look = () => {};
      let stop = () => {};
      await new Promise<void>((resolve) => {
        stop = resolve;
        look = () => void find(id).then((message) => isSettled(message) && resolve(), resolve);
        waiting.set(seq, (waiting.get(seq) ?? new Set()).add(look));
        timer = clock.setTimeout(resolve, Math.min(timeoutMs, limits.messageWaitMaxMs));
        signal.addEventListener('abort', stop, { once: true });
        // It may have been settled while this was being set up.
        look();
      });
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      waiters -= 1;
      const left = (waitersOf.get(owner) ?? 1) - 1;
      if (left === 0) waitersOf.delete(owner);
      else waitersOf.set(owner, left);
      const wakers = waiting.get(seq);
      wakers?.delete(look);
      if (wakers?.size === 0) waiting.delete(seq);
      return find(id);
    },

    cancel: (id) =>
      change(id, (tx, message) => {
        if (message.status !== 'queued' && message.status !== 'scheduled') {
          throw new SwitchboardError('message_not_cancelable', `The message is ${message.status}`);
        }
        end(tx, bot, message, 'canceled', null);
      }),

    async cancelAllOf(keyId) {
      const canceled = await cancelMessagesOf(journal, keyId);
      for (const seq of canceled) settledNow(seq);
      return canceled.length;
    },

    async postedBy(keyId, after, limit) {
      const types = ['message.accepted'];
      const accepted = await journal.read({ from: after + 1, limit, types, owner: keyId });
      const messages = await Promise.all(accepted.map(({ seq }) => journal.message(seq)));
      return messages.filter((message) => message !== null);
    },

    held: async () => ({ hold: journal.copyHold(), waiting: await journal.outboxDepth() }),

    async release(cancel) {
      const canceled = await releaseCopy(journal, cancel);
      for (const seq of canceled) settledNow(seq);
      return { canceled: canceled.length };
    },

    resolve: (id, as) =>
      change(id, (tx, message) => {
        if (message.status !== 'unknown') {
          throw new SwitchboardError('message_not_unknown', `The message is ${message.status}`);
        }
        resolveIn(tx, message, as);
      }),

    unknown: (query, limit) => journal.unknownMessages(query, limit),

    async resolveAll(query, as) {
      return journal.write(async (tx) => {
        const messages = await tx.unknownMessages(query, limits.resolvedPerCallMax);
        for (const message of messages) resolveIn(tx, message, as);
        const isLast = messages.length < limits.resolvedPerCallMax;
        const remaining = isLast ? 0 : await tx.unknownCount(query, limits.remainingCountMax);
        return { resolved: messages.length, remaining };
      });
    },
  };

  function resolveIn(tx: Tx, message: MessageRecord, as: Resolution): void {
    if (as === 'sent') settle(tx, bot, message, { kind: 'sent', telegramMessageId: null });
    else if (as === 'failed') {
      settle(tx, bot, message, { kind: 'failed', error: { code: 0, description: 'resolved as failed' } });
    } else {
      // Its deadline begins anew.
      const error = { code: 0, description: 'The answer was lost', ...JSON.parse(message.error ?? '{}') };
      tx.changeMessage(message.seq, { ...resent({ failures: [], now: tx.provenNow }, error), dueAt: tx.now });
    }
  }
}

/** What makes two posts the same: the body, and of each file its place and its content. */
function hashOf(body: unknown, files: readonly Upload[]): string {
  const hash = createHash('sha256').update(JSON.stringify(body));
  for (const { part, name, type, sha256 } of files) hash.update(JSON.stringify([part, name, type, sha256]));
  return hash.digest('hex');
}
