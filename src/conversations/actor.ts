import { type AnyActorRef, fromCallback } from 'xstate';
import type { Clock, TimerHandle } from '../clock.ts';
import type { Commit, ConversationRecord, RequestRecord, Tx } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { EventAccepted, EventPost } from './conversations.ts';
import type { Router } from './router.ts';
import type { RequestOutcome } from './routing.ts';
import type { createSweepService } from './sweep.ts';
import type { createTimerService } from './timers.ts';

/** Who asked, and waits for the unit of work to be durable. */
export interface Reply<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

export type ConversationsEvent =
  | {
      readonly type: 'updates.received';
      readonly updates: readonly unknown[];
      readonly offset: number;
      readonly reply: Reply<number>;
    }
  | { readonly type: 'chat.retried'; readonly id: string; readonly reply: Reply<ConversationRecord> }
  | {
      readonly type: 'conversations.rewritten';
      readonly job: (tx: Tx) => Promise<readonly string[]>;
      readonly reply: Reply<void>;
    }
  | { readonly type: 'event.posted'; readonly post: EventPost; readonly reply: Reply<EventAccepted> }
  | {
      readonly type: 'request.answered';
      readonly request: RequestRecord;
      readonly outcome: RequestOutcome;
      readonly reply: Reply<boolean>;
    }
  | { readonly type: 'journal.committed'; readonly commit: Commit }
  /** The wall clock was set: other timers may be due. */
  | { readonly type: 'clock.stepped' };

export interface ConversationsActorOptions {
  readonly clock: Clock;
  /** Called at each start, so that a restarted actor begins with nothing in memory. */
  readonly createRouter: () => Router;
  readonly createTimers: (router: Router) => ReturnType<typeof createTimerService>;
  readonly createSweep: (router: Router) => ReturnType<typeof createSweepService>;
  readonly onUp: (router: Router) => void;
}

/** The router as an actor: every event for a conversation comes through it. */
export const conversationsLogic = (options: ConversationsActorOptions) =>
  fromCallback<ConversationsEvent>(({ receive }) => {
    const router = options.createRouter();
    const timers = options.createTimers(router);
    const sweep = options.createSweep(router);
    receive((event) => {
      switch (event.type) {
        case 'updates.received':
          router.receiveUpdates(event.updates, event.offset).then(event.reply.resolve, event.reply.reject);
          return;
        case 'event.posted':
          router.postEvent(event.post).then(event.reply.resolve, event.reply.reject);
          return;
        case 'conversations.rewritten':
          router.rewrite(event.job).then(event.reply.resolve, event.reply.reject);
          return;
        case 'chat.retried':
          router.retry(event.id).then(event.reply.resolve, event.reply.reject);
          return;
        case 'request.answered':
          router.answerRequest(event.request, event.outcome).then(event.reply.resolve, event.reply.reject);
          return;
        case 'journal.committed':
          if (event.commit.timerAt !== null) timers.arm(event.commit.timerAt);
          return;
        case 'clock.stepped':
          timers.look();
      }
    });
    void timers.start();
    void sweep.start();
    const stopPassivating = passivateIdle(router, options.clock);
    options.onUp(router);
    return () => {
      timers.stop();
      stopPassivating();
      sweep.stop();
    };
  });

/** Lets go of idle conversations from time to time, until the function that it gives is called. */
function passivateIdle(router: Router, clock: Clock): () => void {
  const wait = (): TimerHandle => clock.setTimeout(look, limits.conversationIdleLookMs);
  let handle = wait();
  function look(): void {
    router.passivate(clock.now() - limits.conversationIdleMs);
    handle = wait();
  }
  return () => clock.clearTimeout(handle);
}

/** Sends an event that is answered, and gives the answer. */
export function ask<T>(actor: AnyActorRef, event: (reply: Reply<T>) => ConversationsEvent): Promise<T> {
  return new Promise((resolve, reject) => actor.send(event({ resolve, reject })));
}
