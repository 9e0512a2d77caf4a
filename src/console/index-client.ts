import type { Clock } from '../clock.ts';
import { SwitchboardError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { Logger } from '../log.ts';
import type { Asked, Console, ConsoleAnswers, IndexErasing } from './console.ts';
import { isIndexDamage, isJournalDamage } from './damage.ts';
import type { FromThread, ToThread } from './thread.ts';

/** The index's thread, as it is started: a worker's own methods. */
export interface IndexThread {
  postMessage(message: ToThread): void;
  on(event: 'message', listener: (message: FromThread) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: () => void): unknown;
  terminate(): Promise<unknown>;
}

export interface ConsoleOptions {
  /** `anew`: without the index that is there. */
  readonly start: (anew: boolean) => IndexThread;
  /** Whether there is an index. */
  readonly exists: () => boolean;
  readonly journal: Pick<Journal, 'onCommit'>;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
  /** Takes note that the journal is damaged. */
  readonly reportFault: (fault: SwitchboardError) => void;
}

interface Asking {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The console, answered by a thread of its own that the first question starts. A commit costs it nothing but, while
 * somebody looks, one message that is not repeated until the thread has followed. A thread that fails costs the questions
 * under way, and the next one starts another: without the index where that was found damaged, at most once in
 * limits.consoleAnewMs, as a disk that fails damages it again. Questions that meet damage in the journal are refused with
 * data_damaged.
 */
export function createConsole({
  start,
  exists,
  journal,
  clock,
  log,
  reportFault,
}: ConsoleOptions): Console & { readonly erasing: Asked<IndexErasing>; forget(): void; close(): Promise<void> } {
  let thread: IndexThread | null = null;
  /** When another thread may be started. */
  let startAt = Number.NEGATIVE_INFINITY;
  let damaged = false;
  /** The last thread could not start, as the journal is damaged. */
  let journalFault: SwitchboardError | null = null;
  let anewAt = Number.NEGATIVE_INFINITY;
  let closed = false;
  /** Somebody looks. */
  let awake = false;
  /** The thread was told that the head moved, and has not followed yet; and whether it moved again since. */
  let told = false;
  let movedSince = false;
  let nextId = 0;
  const asking = new Map<number, Asking>();

  journal.onCommit(() => {
    if (!awake) return;
    if (told) movedSince = true;
    else tellMoved();
  });

  function tellMoved(): void {
    told = true;
    movedSince = false;
    // After the commit's own work: its readers come first.
    setImmediate(() => thread?.postMessage({ kind: 'moved' }));
  }

  function started(): IndexThread {
    if (thread !== null) return thread;
    const made = start(damaged);
    thread = made;
    if (damaged) anewAt = clock.steadyNow();
    damaged = false;
    journalFault = null;
    made.on('message', (message) => {
      if (message.kind === 'resting') awake = false;
      else if (message.kind === 'caught-up') {
        told = false;
        if (movedSince && awake) tellMoved();
      } else if (message.kind === 'journal-damaged') {
        damagedJournal(message.error);
      } else {
        const one = asking.get(message.id);
        asking.delete(message.id);
        if (message.kind === 'answer') one?.resolve(message.answer as never);
        else if (message.isJournalDamaged) one?.reject(damagedJournal(message.error));
        else one?.reject(new Error(message.error));
      }
    });
    const end = (error: Error): void => {
      if (thread !== made) return;
      thread = null;
      [awake, told] = [false, false];
      damaged = isIndexDamage(error);
      journalFault = isJournalDamage(error) ? damagedJournal(error.message) : null;
      startAt = Math.max(clock.steadyNow() + limits.consoleRestartMs, damaged ? anewAt + limits.consoleAnewMs : 0);
      const next = damaged ? 'the console index is damaged, and is made anew' : 'the console index is started again';
      if (!closed && journalFault === null) log.warn({ event: 'console_failed', error: error.message }, next);
      for (const { reject } of asking.values()) reject(again());
      asking.clear();
    };
    made.on('error', end);
    made.on('exit', () => end(new Error('its thread ended')));
    return made;
  }

  /** Reports damage that the thread found. Its text says what to do. */
  function damagedJournal(text: string): SwitchboardError {
    const fault = new SwitchboardError('data_damaged', text);
    reportFault(fault);
    return fault;
  }

  const again = (): SwitchboardError =>
    journalFault ??
    new SwitchboardError('overloaded', 'The console is being started: try again soon', {
      retryAfterMs: Math.max(limits.consoleRestartMs, startAt - clock.steadyNow()),
    });

  type Methods = ConsoleAnswers & IndexErasing;
  function ask<Name extends keyof Methods>(
    name: Name,
    asked: Parameters<Methods[Name]>,
  ): Promise<ReturnType<Methods[Name]>> {
    if (closed) return Promise.reject(new SwitchboardError('shutting_down', 'Switchboard is shutting down'));
    if (asking.size >= limits.consoleAsksMax || clock.steadyNow() < startAt) return Promise.reject(again());
    const { promise, resolve, reject } = Promise.withResolvers<ReturnType<Methods[Name]>>();
    const id = nextId++;
    asking.set(id, { resolve, reject });
    awake = true;
    started().postMessage({ kind: 'ask', id, name, asked });
    return promise;
  }

  return {
    chats: (...asked) => ask('chats', asked),
    states: (...asked) => ask('states', asked),
    transcript: (...asked) => ask('transcript', asked),
    search: (...asked) => ask('search', asked),
    place: (...asked) => ask('place', asked),
    erasing: {
      erase: (...asked) => ask('erase', asked),
      empty: (...asked) => ask('empty', asked),
    },
    /** Retention took entries: what the index has of them goes too, also while nobody looks. */
    forget() {
      if (closed || clock.steadyNow() < startAt || (thread === null && !exists())) return;
      started().postMessage({ kind: 'forget' });
    },
    async close() {
      closed = true;
      await thread?.terminate();
    },
  };
}
