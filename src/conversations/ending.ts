import type { AnyMachineSnapshot, AnyStateNode } from 'xstate';

/**
 * What comes after a conversation's end: the next event of its user or of an aggregator starts it anew, or it stays
 * ended, and what comes is journalled and not taken. Said as `meta.whenDone` at the final state, or else at the machine.
 */
export type WhenDone = 'restart' | 'stay';

/** Whether it is a word of `meta.whenDone`. */
export const isWhenDone = (value: unknown): value is WhenDone => value === 'restart' || value === 'stay';

/** `meta.whenDone` as the author has written it; undefined where nothing is said. */
export function whenDoneOf(state: AnyStateNode): unknown {
  const meta: unknown = state.meta;
  return typeof meta === 'object' && meta !== null && 'whenDone' in meta ? meta.whenDone : undefined;
}

/** What comes after the end that this conversation has come to. */
export function afterEnd({ _nodes, machine }: AnyMachineSnapshot): WhenDone {
  const final = _nodes.find(({ type, parent }) => type === 'final' && parent === machine.root);
  const said = (final === undefined ? undefined : whenDoneOf(final)) ?? whenDoneOf(machine.root);
  return isWhenDone(said) ? said : 'restart';
}
