import type { AnyStateNode } from 'xstate';

export type Transition = NonNullable<ReturnType<AnyStateNode['transitions']['get']>>[number];

/** A state and all within it, itself first. */
export const below = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(below)];

/** Whether a state has a transition on the event; a guard may refuse it. */
export const takes =
  (type: string) =>
  (node: AnyStateNode): boolean =>
    [...node.transitions.keys()].some((on) => matches(on, type));

/**
 * Whether an event that comes to the state takes one of its own transitions that are so, whatever guards say: the last of
 * those that may be taken has none, and no state within takes the event first.
 */
export function surelyTakes(node: AnyStateNode, type: string, are: (transition: Transition) => boolean): boolean {
  const own = node.transitions.get(type) ?? [];
  const last = own.findIndex(({ guard }) => guard === undefined);
  const [, ...inner] = below(node);
  return last >= 0 && own.slice(0, last + 1).every(are) && !inner.some(takes(type));
}

/** Whether an event descriptor of `on` (a name, `*`, or `payment.*`) takes the event. */
const matches = (on: string, type: string): boolean =>
  on === type || on === '*' || (on.endsWith('.*') && type.startsWith(on.slice(0, -1)));
