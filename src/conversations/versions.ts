import type { AnyStateMachine } from 'xstate';
import type { AtRest, Migrate } from '../../machines/events.ts';
import { errorText } from '../errors.ts';
import type { ConversationRecord } from '../journal/journal.ts';
import {
  atRest,
  childrenOf,
  historyOf,
  parseAtRest,
  persistedOf,
  type StoredConversation,
  spawnedOf,
} from './at-rest.ts';
import { type ContextCheck, contextMisfit, endMisfit, historyMisfit, type Misfit, stateMisfit } from './fit.ts';
import { pendingMisfit } from './pending.ts';
import type { Stepper } from './step.ts';

/** What becomes of a conversation that does not fit the version of today. */
export type UnfitPolicy = 'keep' | 'restart' | 'quarantine';

/** A machine's versions: that of today, and how conversations come to it from another. */
export interface Versions {
  /** Null: the machine is not loaded. */
  readonly current: Stepper | null;
  /** By version: the older files that are still there, for conversations that are kept on them. */
  readonly older: ReadonlyMap<string, Stepper>;
  readonly unfit: UnfitPolicy;
  /** What users are told whose conversation begins anew. */
  readonly restartText: string;
  /** How the conversation goes on with the version of today. Never throws; changes nothing. */
  judge(stored: StoredConversation): Verdict;
}

export type Verdict =
  | { readonly outcome: 'migrated'; readonly state: string; readonly snapshot: string; readonly rest: AtRest }
  | { readonly outcome: 'kept' | 'restarted' | 'quarantined'; readonly misfit: Misfit };

export interface VersionsOptions extends Pick<Versions, 'older' | 'unfit' | 'restartText'> {
  readonly current: Stepper;
  readonly machine: AnyStateMachine;
  /** The schema of the context, where the machine gives one. */
  readonly context: ContextCheck | null;
  readonly migrate: Migrate | null;
}

/** The versions of a machine by its name. */
export type VersionsOf = (machine: string) => Versions;

/** Whether a conversation that goes on was stored by another version of its machine, or by one that is not loaded. */
export function isOutdated(
  { machine, version, status }: Pick<ConversationRecord, 'machine' | 'version' | 'status'>,
  versionsOf: VersionsOf,
): boolean {
  return status === 'active' && versionsOf(machine).current?.version !== version;
}

/** The versions of a machine that is not loaded: no conversation of it can go on here. */
export function noVersions(machine: string, policy: Pick<Versions, 'unfit' | 'restartText'>): Versions {
  const misfit = { code: 'machine_not_loaded', detail: notLoaded(machine) } as const;
  const outcome = policy.unfit === 'restart' ? 'restarted' : 'quarantined';
  return { ...policy, current: null, older: new Map(), judge: () => ({ outcome, misfit }) };
}

const notLoaded = (machine: string): string => `no chat runs ${machine}: choose it for a kind of chat, or "keep" it`;

/** Why a conversation stands still that does not fit. */
export function misfitText({ machine, version }: ConversationRecord, current: Stepper | null, misfit: Misfit): string {
  if (current === null) return notLoaded(machine);
  return `version ${version} does not fit version ${current.version}: ${misfit.code}: ${misfit.detail}`;
}

/** Whether a conversation stands still for no other reason than that its machine was not loaded, and now is. */
export const mayGoOn = ({ status, error, machine }: ConversationRecord, versionsOf: VersionsOf): boolean =>
  status === 'quarantined' && error === notLoaded(machine) && versionsOf(machine).current !== null;

/** Judges by what is stored: the code of the version that stored it is not needed. */
export function createVersions(options: VersionsOptions): Versions {
  const { machine, current, older, context, migrate, unfit, restartText } = options;

  function migrated(stored: StoredConversation, before: AtRest): AtRest | Misfit {
    if (migrate === null) return before;
    try {
      const after = migrate(stored.record.version, before);
      if (after === null) return { code: 'migrate_refused', detail: 'migrate gave null' };
      return parseAtRest(after, before);
    } catch (error) {
      return { code: 'migrate_failed', detail: errorText(error) };
    }
  }

  function fitted(stored: StoredConversation): Verdict | Misfit {
    const persisted = persistedOf(stored.record);
    const rest = migrated(stored, atRest(persisted, stored));
    if ('code' in rest) return rest;
    const wrong =
      stateMisfit(machine, rest.value) ?? contextMisfit(context, rest.context) ?? historyMisfit(machine, rest.history);
    if (wrong !== null) return wrong;
    const { value, context: kept } = rest;
    const children = childrenOf(persisted, stored, rest);
    const text = JSON.stringify({ ...persisted, value, context: kept, children, historyValue: historyOf(rest) });
    const snapshot = current.restore(text);
    const pending = endMisfit(snapshot) ?? pendingMisfit(snapshot, rest, spawnedOf(persisted, stored));
    if (pending !== null) return pending;
    return { outcome: 'migrated', state: JSON.stringify(snapshot.value), snapshot: current.persist(snapshot), rest };
  }

  function held(misfit: Misfit, version: string): Verdict {
    if (unfit === 'restart') return { outcome: 'restarted', misfit };
    return { outcome: unfit === 'keep' && older.has(version) ? 'kept' : 'quarantined', misfit };
  }

  return {
    current,
    older,
    unfit,
    restartText,
    judge(stored) {
      try {
        const verdict = fitted(stored);
        return 'code' in verdict ? held(verdict, stored.record.version) : verdict;
      } catch (error) {
        return held({ code: 'snapshot_unreadable', detail: errorText(error) }, stored.record.version);
      }
    },
  };
}
