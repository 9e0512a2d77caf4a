import { type AnyStateMachine, StateMachine } from 'xstate';
import { createMachineTable } from '../../src/conversations/machines.ts';
import type { ConversationRecord, RequestRecord, TimerRecord } from '../../src/journal/journal.ts';

/** A machine of which nothing but the version is another. */
export const bumped = (machine: AnyStateMachine): AnyStateMachine =>
  new StateMachine({ ...machine.config, version: `${machine.version} and one` }, machine.implementations);

/** Judges conversations of a machine by a version of it that changes nothing else: why one does not fit; null: it does. */
export function judgeOfBump(machine: AnyStateMachine) {
  const choice = { machine: machine.id, per: 'chat' } as const;
  const selections = { private: choice, group: null, channel: null };
  const { judge } = createMachineTable(selections, new Map([[machine.id, bumped(machine)]])).versions(machine.id);
  return (record: ConversationRecord, timers: readonly TimerRecord[], requests: readonly RequestRecord[]) => {
    const verdict = judge({ record, timers, requests });
    return verdict.outcome === 'migrated' ? null : `${record.state}: ${verdict.misfit.detail}`;
  };
}
