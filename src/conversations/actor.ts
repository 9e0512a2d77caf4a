import { type AnyActorRef, fromCallback } from 'xstate';
import type { Commit } from '../journal/journal.ts';
import type { EventAccepted, EventPost } from './conversations.ts';
import type { RequestOutcome, Router } from './router.ts';
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
  | { readonly type: 'event.posted'; readonly post: EventPost; readonly reply: Reply<EventAccepted> }
  | {
      readonly type: 'request.answered';
      readonly id: string;
      readonly outcome: RequestOutcome;
      readonly reply: Reply<boolean>;
    }
  | { readonly type: 'journal.committed'; readonly commit: Commit };

export interface ConversationsActorOptions {
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
        case 'request.answered':
          router.answerRequest(event.id, event.outcome).then(event.reply.resolve, event.reply.reject);
          return;
        case 'journal.committed':
          if (event.commit.timerAt !== null) timers.arm(event.commit.timerAt);
      }
    });
    void timers.start();
    void sweep.start();
    options.onUp(router);
    return () => {
      timers.stop();
      sweep.stop();
    };
  });

/** Sends an event that is answered, and gives the answer. */
export function ask<T>(actor: AnyActorRef, event: (reply: Reply<T>) => ConversationsEvent): Promise<T> {
  return new Promise((resolve, reject) => actor.send(event({ resolve, reject })));
}
