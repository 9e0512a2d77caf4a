import type { MessagePort } from 'node:worker_threads';
import type { Clock, TimerHandle } from '../clock.ts';
import { errorText } from '../errors.ts';
import { limits } from '../limits.ts';
import type { ConsoleAnswers, IndexErasing } from './console.ts';
import { isIndexDamage, isJournalDamage } from './damage.ts';
import type { Indexing } from './indexing.ts';

/** What the index's thread is told: something was asked, the journal's head moved, or entries are gone. */
export type ToThread =
  | {
      readonly kind: 'ask';
      readonly id: number;
      readonly name: keyof (ConsoleAnswers & IndexErasing);
      readonly asked: readonly unknown[];
    }
  | { readonly kind: 'moved' }
  /** Retention took entries. */
  | { readonly kind: 'forget' };

/** What it tells: an answer; that the journal is damaged, so that nothing more is taken in; that it has taken in what is new; that it rests, as nobody looks. */
export type FromThread =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: string; readonly isJournalDamaged: boolean }
  | { readonly kind: 'journal-damaged'; readonly error: string }
  | { readonly kind: 'caught-up' }
  | { readonly kind: 'resting' };

export interface ThreadParts {
  readonly port: Pick<MessagePort, 'postMessage' | 'on'>;
  readonly indexing: Indexing;
  readonly answers: ConsoleAnswers;
  readonly clock: Clock;
}

/**
 * The index's own thread: answers, and takes entries in between. A question is answered with all that is committed by then,
 * unless that is more than one step takes in. Nobody asked for limits.consoleIdleMs: it rests. Whatever finds the index
 * damaged ends the thread with that error: the next one begins anew. If the journal is damaged, it takes in no more, and
 * answers from what it has.
 */
export function runConsoleThread({ port, indexing, answers, clock }: ThreadParts): void {
  const tell = (message: FromThread) => port.postMessage(message);
  let lookedAt = Number.NEGATIVE_INFINITY;
  let working = false;

  /** The head moved, and it has not been said since that it was followed. */
  let moved = false;

  let faultTold: string | null = null;

  function work(): void {
    const begunAt = clock.steadyNow();
    const rests = begunAt - lookedAt > limits.consoleIdleMs;
    const step = rests ? indexing.forget() : indexing.step();
    const fault = indexing.fault();
    if (fault !== null && fault !== faultTold) tell({ kind: 'journal-damaged', error: fault });
    faultTold = fault;
    if (moved && step !== 'live') {
      moved = false;
      tell({ kind: 'caught-up' });
    }
    if (step === 'idle') {
      working = false;
      if (rests) tell({ kind: 'resting' });
      tidyLater();
      return;
    }
    // Whoever takes updates in wants the processor more.
    clock.setTimeout(work, (clock.steadyNow() - begunAt) * limits.consoleRest);
  }

  let timer: TimerHandle | undefined;
  function tidyLater(): void {
    clock.clearTimeout(timer);
    const at = indexing.tidyAt();
    if (at !== null) timer = clock.setTimeout(wake, Math.max(0, at - clock.steadyNow()));
  }

  function wake(): void {
    if (working) return;
    working = true;
    clock.setTimeout(work, 0);
  }

  port.on('message', (message: ToThread) => {
    if (message.kind === 'moved') {
      moved = true;
      wake();
      return;
    }
    if (message.kind === 'forget') {
      wake();
      return;
    }
    lookedAt = clock.steadyNow();
    const { id, name, asked } = message;
    try {
      // With what is new; a head that runs ahead is not waited for.
      indexing.live();
      const methods = { ...answers, erase: indexing.erase, empty: indexing.empty };
      const answer = (methods[name] as (...asked: readonly unknown[]) => unknown)(...asked);
      tell({ kind: 'answer', id, answer });
    } catch (error) {
      if (isIndexDamage(error)) throw error;
      tell({ kind: 'failed', id, error: errorText(error), isJournalDamaged: isJournalDamage(error) });
    }
    wake();
  });
}
