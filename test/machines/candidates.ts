import type { AnyStateMachine, AnyStateNode } from 'xstate';
import type { Doing, Meta } from '../../machines/events.ts';
import { limits } from '../../src/limits.ts';
import type { Happening, Situation } from './explore.ts';
import { type ANNA, edits, membership, presses, says } from './harness.ts';

export type Somebody = typeof ANNA;

const at = '2026-01-01T00:00:00.000Z';
/** Ids and times that do not change, so that a machine that keeps them comes to the same place again. */
const message = { messageId: 5, at } as const;

/** What a user does that no machine can have foreseen. */
export const doings: Readonly<Record<Doing, Happening>> = {
  text: says('well, hello there', message),
  button: presses('a button of long ago'),
  photo: says('', { ...message, kind: 'photo' }),
  edit: edits('I meant something else', { ...message, messageId: 6 }),
};

/** What a user may write that a machine which says it back must mind: as long as a text may be, and marks of formatting. */
const AWKWARD: readonly string[] = ['x'.repeat(limits.textLengthMax), '<&_*['];

/** Every state of a machine, its root first. */
export const statesOf = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(statesOf)];

/** Texts that the machine's guards are given to compare with: tried as a word and as a command. */
export function wordsOf({ root }: AnyStateMachine): string[] {
  const texts = (value: unknown): string[] => {
    if (typeof value === 'string') return [value];
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
  };
  const guards = statesOf(root).flatMap((node) =>
    [...[...node.transitions.values()].flat(), ...(node.always ?? [])].map(({ guard }) => guard),
  );
  return guards.flatMap((guard) => (typeof guard === 'object' && 'params' in guard ? texts(guard.params) : []));
}

/** All that can happen in a situation. */
export function candidates(
  machine: AnyStateMachine,
  meta: Meta,
  { timers, asked, buttons }: Situation,
  words: ReadonlySet<string>,
  people: readonly Somebody[],
): readonly Happening[] {
  const { texts = [], events = [], answers = {}, errors = {} } = meta.examples ?? {};
  const written = [...texts, ...words].flatMap((text) => (text.startsWith('/') ? [text] : [text, `/${text}`]));
  const fromPeople = people.flatMap((from): Happening[] => [
    ...Object.values(doings).map((doing) => ({ ...doing, from })),
    ...[...new Set([...written, '/start', '/help', '/unknown', ...AWKWARD])].map((text) =>
      says(text, { ...message, from }),
    ),
    ...buttons.map((data) => presses(data, { from })),
    edits('an edit', { ...message, from }),
    { ...says('a picture', { ...message, from }), kind: 'sticker' },
  ]);
  const ended = Object.entries(asked).flatMap(([actorId, src]): Happening[] => [
    ...(answers[src] ?? [null]).map((output) => ({ type: `xstate.done.actor.${actorId}`, output, actorId })),
    ...(errors[src] ?? FAILURES).map((error) => ({
      type: `xstate.error.actor.${actorId}`,
      error,
      actorId,
    })),
  ]);
  const comings = meta.runs === 'live' ? [] : [...fromPeople, ...['kicked', 'member', 'left'].map(membership)];
  return [...comings, ...Object.values(timers), ...ended, ...events, ...ownEvents(machine, meta)];
}

/** What the backend's failures look like to a conversation. */
const FAILURES = ['unreachable', 'timeout', 'refused', 'unknown_request', 'overloaded'].map((code) => ({
  code,
  message: 'it failed',
}));

/** Events that the machine names and nobody has given an example of. */
function ownEvents({ root }: AnyStateMachine, { runs, examples }: Meta): Happening[] {
  const named = new Set(statesOf(root).flatMap((node) => [...node.transitions.keys()]));
  return [...named]
    .filter((type) => runs === 'live' || type.includes('.'))
    .filter((type) => !/^$|\*|^(xstate|message|callback|membership)\./.test(type))
    .filter((type) => !examples?.events?.some((event) => event.type === type))
    .map((type) => ({ type }));
}
