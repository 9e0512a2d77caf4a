import { createStore } from '@xstate/store';

/** How each live actor is doing, for /readyz, metrics and pages. Never a source of truth: the journal is. */
export interface Status {
  readonly startedAt: number;
  readonly bot: { readonly id: string; readonly username: string | null };
  readonly parts: Readonly<Record<PartName, Part>>;
  readonly poller: { readonly updates: number; readonly lastPollAt: number | null };
  readonly operators: OperatorFigures;
  readonly outbox: { readonly depth: number; readonly inFlight: number; readonly sent: number };
  readonly conversations: {
    readonly live: number;
    readonly activations: number;
    readonly steps: number;
    readonly quarantines: number;
  };
  readonly backend: {
    readonly inFlight: number;
    readonly waiting: number;
    /** Tries that failed in a row, of the src that fares worst. */
    readonly failures: number;
    readonly lastError: { readonly at: number; readonly src: string; readonly message: string } | null;
  };
  readonly journal: { readonly head: number };
}

/** The readers together. All but `connected` and `polling` is as of the last second. */
export interface OperatorFigures {
  /** Open streams. */
  readonly connected: number;
  /** Those that have not got everything yet. */
  readonly behind: number;
  /** Entries that the one furthest behind has not got yet. */
  readonly lag: number;
  /** Written to readers since the start. */
  readonly bytes: number;
  /** getUpdates of keys under way: now. */
  readonly polling: number;
}

export const PART_NAMES = ['ingress', 'conversations', 'backend', 'operators', 'outbox'] as const;
export type PartName = (typeof PART_NAMES)[number];

/** `detail` says in a sentence why a part is not up, and what to do. */
export interface Part {
  readonly state: 'starting' | 'up' | 'degraded' | 'restarting' | 'stopped';
  readonly detail: string | null;
}

/** Makes the store. Only `set` and `part` change it. */
export function createStatus(startedAt: number) {
  const part: Part = { state: 'starting', detail: null };
  const initial: Status = {
    startedAt,
    bot: { id: '', username: null },
    parts: { ingress: part, conversations: part, backend: part, operators: part, outbox: part },
    poller: { updates: 0, lastPollAt: null },
    operators: { connected: 0, behind: 0, lag: 0, bytes: 0, polling: 0 },
    outbox: { depth: 0, inFlight: 0, sent: 0 },
    conversations: { live: 0, activations: 0, steps: 0, quarantines: 0 },
    backend: { inFlight: 0, waiting: 0, failures: 0, lastError: null },
    journal: { head: 0 },
  };
  return createStore({
    context: initial,
    on: {
      set: (context, event: { values: Partial<Omit<Status, 'parts'>> }) => ({ ...context, ...event.values }),
      part: (context, event: { name: PartName; state: Part['state']; detail?: string }) => ({
        ...context,
        parts: { ...context.parts, [event.name]: { state: event.state, detail: event.detail ?? null } },
      }),
    },
  });
}

export type StatusStore = ReturnType<typeof createStatus>;
