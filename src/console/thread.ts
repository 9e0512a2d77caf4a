import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import { errorText } from '../errors.ts';
import { limits } from '../limits.ts';
import type { ConsoleAnswers } from './console.ts';
import type { Indexing } from './indexing.ts';

/** What the index's thread is told: something was asked, or the journal's head moved. */
export type ToThread =
  | {
      readonly kind: 'ask';
      readonly id: number;
      readonly name: keyof ConsoleAnswers;
      readonly asked: readonly unknown[];
    }
  | { readonly kind: 'moved' };

/** What it tells: an answer; that it has taken in what is new; that it rests, as nobody looks. */
export type FromThread =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: string }
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
 * unless that is very much. Nobody asked for limits.consoleIdleMs: it rests.
 */
export function runConsoleThread({ port, indexing, answers, clock }: ThreadParts): void {
  const tell = (message: FromThread) => port.postMessage(message);
  let lookedAt = clock.now();
  let working = false;

  /** Steps taken for one question: a head that runs ahead is not waited for. */
  const STEPS_MAX = 20;
  function catchUp(): void {
    for (let n = 0; n < STEPS_MAX; n += 1) if (indexing.step() !== 'live') return;
  }

  function work(): void {
    if (clock.now() - lookedAt > limits.consoleIdleMs) {
      working = false;
      tell({ kind: 'resting' });
      return;
    }
    const begunAt = clock.now();
    const step = indexing.step();
    if (step === 'idle') {
      working = false;
      tell({ kind: 'caught-up' });
      return;
    }
    // What is live comes at once; the past leaves the processor to others.
    const rest = step === 'past' ? (clock.now() - begunAt) * limits.consoleRest : 0;
    clock.setTimeout(work, rest);
  }

  function wake(): void {
    if (working) return;
    working = true;
    clock.setTimeout(work, 0);
  }

  port.on('message', (message: ToThread) => {
    if (message.kind === 'moved') {
      // While the past is taken in, what is new goes before it by itself.
      if (clock.now() - lookedAt <= limits.consoleIdleMs) catchUp();
      tell({ kind: 'caught-up' });
      wake();
      return;
    }
    lookedAt = clock.now();
    const { id, name, asked } = message;
    try {
      catchUp();
      const answer = (answers[name] as (...asked: readonly unknown[]) => unknown)(...asked);
      tell({ kind: 'answer', id, answer });
    } catch (error) {
      tell({ kind: 'failed', id, error: errorText(error) });
    }
    wake();
  });
}
