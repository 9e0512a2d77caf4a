import { createStore } from '@xstate/store';

/** How each live actor is doing, for /readyz, metrics and pages. Never a source of truth: the journal is. */
export interface Status {
  readonly startedAt: number;
  readonly bot: { readonly id: string; readonly username: string | null };
  readonly service: Service;
  readonly parts: Readonly<Record<StatusName, Part>>;
  readonly poller: { readonly updates: number; readonly lastPollAt: number | null };
  readonly operators: OperatorFigures;
  readonly outbox: OutboxFigures;
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
  /** How often the wall clock was set since the start, and by how much the last time. */
  readonly clock: { readonly steps: number; readonly lastStepMs: number };
}

export interface OutboxFigures {
  readonly depth: number;
  readonly inFlight: number;
  /** Carried out by Telegram. */
  readonly sent: number;
  readonly lastSentAt: number | null;
  /** Entries since the start about how messages ended. One that was unknown may be sent later. */
  readonly ended: Readonly<Record<EndedAs, number>>;
}

export const ENDED_AS = ['sent', 'failed', 'unknown', 'expired', 'canceled'] as const;
export type EndedAs = (typeof ENDED_AS)[number];

/** Figures that are looked up when somebody asks for the metrics. */
export interface Figures {
  telegram(): {
    readonly calls: readonly { readonly method: string; readonly outcome: string; readonly count: number }[];
    readonly waitAskedS: number;
  };
  callbacks(): { readonly behind: number; readonly failing: number };
  /** ms since 1970; null: no message waits. */
  oldestWaitingAt(): Promise<number | null>;
  quarantined(): Promise<number>;
  disk(): Promise<{ readonly databaseBytes: number; readonly walBytes: number; readonly freeBytes: number }>;
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
/** The live actors and the data folder: each has a state. */
export const STATUS_NAMES = [...PART_NAMES, 'data'] as const;
export type StatusName = (typeof STATUS_NAMES)[number];

/** `detail` says in a sentence why a part is not up, and what to do. */
export interface Part {
  readonly state: 'starting' | 'up' | 'degraded' | 'restarting' | 'stopped';
  readonly detail: string | null;
}

/** Whether requests can be taken: only while `ready`. A degraded part does not change that. */
export interface Service {
  readonly state: 'starting' | 'ready' | 'stopping' | 'failed';
  readonly detail: string | null;
}

interface Context extends Status {
  /** How each part runs, apart from its troubles. */
  readonly running: Readonly<Record<StatusName, Part>>;
  /** Each part's troubles in words, by cause. */
  readonly troubles: Readonly<Record<StatusName, Readonly<Record<string, string>>>>;
}

const ofEach = <T>(value: T): Record<StatusName, T> => ({
  ...{ ingress: value, conversations: value, backend: value, operators: value, outbox: value, data: value },
});

/** The data folder is open before anything else starts. */
const UP: Part = { state: 'up', detail: null };

/** Makes the store. Only its events change it. */
export function createStatus(startedAt: number) {
  const part: Part = { state: 'starting', detail: null };
  const initial: Context = {
    startedAt,
    bot: { id: '', username: null },
    service: { state: 'starting', detail: null },
    parts: { ...ofEach(part), data: UP },
    running: { ...ofEach(part), data: UP },
    troubles: ofEach({}),
    poller: { updates: 0, lastPollAt: null },
    operators: { connected: 0, behind: 0, lag: 0, bytes: 0, polling: 0 },
    outbox: {
      ...{ depth: 0, inFlight: 0, sent: 0, lastSentAt: null },
      ended: { sent: 0, failed: 0, unknown: 0, expired: 0, canceled: 0 },
    },
    conversations: { live: 0, activations: 0, steps: 0, quarantines: 0 },
    backend: { inFlight: 0, waiting: 0, failures: 0, lastError: null },
    journal: { head: 0 },
    clock: { steps: 0, lastStepMs: 0 },
  };
  return createStore({
    context: initial,
    on: {
      set: (context, event: { values: Partial<Omit<Status, 'parts' | 'service'>> }) => ({
        ...context,
        ...event.values,
      }),
      service: (context, { state, detail }: { state: Service['state']; detail?: string }) => ({
        ...context,
        service: { state, detail: detail ?? null },
      }),
      /** How a part runs. Its troubles stay. */
      part(context, { name, state, detail }: { name: StatusName; state: RunningState; detail?: string }) {
        const running = { ...context.running, [name]: { state, detail: detail ?? null } };
        return withPart({ ...context, running }, name);
      },
      /** Something is wrong with a part, or no longer (null). Each cause is told and ended for itself. */
      trouble(context, { name, cause, detail }: { name: StatusName; cause: string; detail: string | null }) {
        const { [cause]: _, ...others } = context.troubles[name];
        const now = detail === null ? others : { ...others, [cause]: detail };
        return withPart({ ...context, troubles: { ...context.troubles, [name]: now } }, name);
      },
    },
  });
}

type RunningState = Exclude<Part['state'], 'degraded'>;

/** A part that is being restarted or has stopped is that, whatever else is wrong. */
function withPart(context: Context, name: StatusName): Context {
  const running = context.running[name];
  const troubles = Object.values(context.troubles[name]);
  const isDegraded = troubles.length > 0 && (running.state === 'starting' || running.state === 'up');
  const part: Part = isDegraded ? { state: 'degraded', detail: troubles.join('; ') } : running;
  return { ...context, parts: { ...context.parts, [name]: part } };
}

export type StatusStore = ReturnType<typeof createStatus>;
