import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from 'xstate';
import type { Doing, Meta } from '../../machines/events.ts';
import { isMessageAction, MESSAGE_ACTIONS } from '../../src/conversations/effects.ts';
import { refusalsOf } from '../../src/conversations/refusals.ts';
import { errorText } from '../../src/errors.ts';
import { parseCall } from '../../src/outbox/call.ts';
import { readFormattedText } from '../../src/sandbox/entities.ts';
import { createParams } from '../../src/sandbox/params.ts';
import { doings, statesOf, wordsOf } from './candidates.ts';
import { type Exploration, explore, type Tried } from './explore.ts';
import { ANNA, BOB } from './harness.ts';

/**
 * What is wrong with a machine, a sentence each; none where it keeps the rules:
 * its file's name is its id, it has a version, every state says what it is for; a path reaches every state and takes
 * every transition, and no step fails. A conversation can be made durable, its messages are such as Telegram takes, and in
 * a private chat every state answers a text, a button, a photo and an edit, or says in `meta.ignores` that it does not.
 */
export function findingsOf(name: string, machine: AnyStateMachine): readonly string[] {
  const meta: Meta = machine.config.meta ?? {};
  const live = meta.runs === 'live';
  const words = new Set(wordsOf(machine));
  const explorations = live
    ? [explore(machine, undefined, [], words)]
    : [
        explore(machine, { conversation: '777', chat: '777' }, [ANNA], words),
        explore(machine, { conversation: '-50', chat: '-50' }, [ANNA, BOB], words),
      ];
  const tried = differing(explorations.flatMap((exploration) => exploration.tried));
  const [inPrivate] = explorations;
  return [
    ...new Set([
      ...(machine.id === name ? [] : [`its id is ${machine.id}, its file's name ${name}`]),
      ...namelessIn(machine, live),
      ...unreachedIn(machine, explorations),
      ...untakenIn(machine, explorations),
      ...told(tried.flatMap(faultOf)),
      ...(live ? [] : [...refusalsOf(machine), ...told(tried.flatMap(unsendableIn))]),
      ...(live || inPrivate === undefined ? [] : told(silencesIn(inPrivate))),
    ]),
  ];
}

/** One thing that is wrong in a state, however many paths lead to it. */
interface Finding {
  readonly state: string;
  /** What it says of these states. */
  says(states: string): string;
}

/** States that a finding names. */
const STATES_NAMED_MAX = 5;

/** A sentence for each thing to mend: findings that differ in the state, in numbers or in quoted text alone are one. */
function told(findings: readonly Finding[]): string[] {
  const alike = Map.groupBy(findings, ({ says }) => says('').replace(/\d+|'[^']*'|"[^"]*"/g, ''));
  return [...alike.values()].flatMap(([first, ...more]) => {
    if (first === undefined) return [];
    const states = [...new Set([first, ...more].map(({ state }) => state))];
    const rest = states.length - STATES_NAMED_MAX;
    const named = states.slice(0, STATES_NAMED_MAX).join(', ');
    return [first.says(rest > 0 ? `${named} and ${rest} more` : named)];
  });
}

/** Of steps that ask for the same in the same state one is enough. */
function differing(tried: readonly Tried[]): readonly Tried[] {
  const messages = (tried: Tried) => tried.actions.filter(({ type }) => isMessageAction(type));
  const key = (one: Tried) => JSON.stringify([one.from.value, one.event.type, messages(one), errorText(one.fault)]);
  return [...new Map(tried.map((one) => [key(one), one])).values()];
}

const nameOf = (node: AnyStateNode): string => [node.machine.id, ...node.path].join('.');

function namelessIn(machine: AnyStateMachine, live: boolean): string[] {
  const nameless = statesOf(machine.root).filter(({ description, type }) => !description && type !== 'history');
  const version = live || machine.version !== undefined ? [] : ['it has no version'];
  return [...version, ...nameless.map((node) => `${nameOf(node)} has no description: say what it is for`)];
}

function unreachedIn(machine: AnyStateMachine, explorations: readonly Exploration[]): string[] {
  const reached = new Set(explorations.flatMap((one) => one.reached.flatMap(({ _nodes }) => _nodes)));
  return statesOf(machine.root)
    .filter((node) => node.type !== 'history' && !reached.has(node))
    .map((node) => `${nameOf(node)} is reached by no path${more(explorations)}`);
}

function untakenIn(machine: AnyStateMachine, explorations: readonly Exploration[]): string[] {
  return statesOf(machine.root).flatMap((node) => {
    const always = (node.always ?? []).map((transition) => ['always', transition] as const);
    const named = [...node.transitions].flatMap(([on, all]) => all.map((transition) => [on, transition] as const));
    return [...named, ...always].flatMap(([on, transition]) => {
      if (explorations.some(({ taken }) => taken.has(transition))) return [];
      const { guard, target } = transition;
      const which = [
        ...(guard === undefined ? [] : [`if ${typeof guard === 'object' ? JSON.stringify(guard) : String(guard)}`]),
        ...(target ?? []).map((to) => `to ${nameOf(to)}`),
      ].join(' ');
      return [`${nameOf(node)} on ${on} ${which}: no path takes it${more(explorations)}`];
    });
  });
}

/** What an author can do about it. */
const more = (explorations: readonly Exploration[]): string =>
  explorations.some(({ cut }) => cut)
    ? ' among the first that were tried: keep less that changes in the context, or give meta.examples that lead there sooner'
    : ': nothing leads there, or meta.examples must tell what does';

function faultOf({ from, event, fault }: Tried): Finding[] {
  if (fault === null) return [];
  return [{ state: where(from), says: (states) => `in ${states} on ${event.type} it fails: ${errorText(fault)}` }];
}

/** A state as its author writes it. */
const where = ({ value }: AnyMachineSnapshot): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Messages that Telegram would not take, as the outbox checks what others post. */
function unsendableIn({ from, event, actions }: Tried): Finding[] {
  return actions.flatMap(({ type, params }) => {
    if (!isMessageAction(type)) return [];
    const method = MESSAGE_ACTIONS[type];
    const address = method === 'answerCallbackQuery' ? {} : { chat_id: 777 };
    try {
      parseCall({ method, ...address, ...(params as object) }, { keyId: '1', chats: null }, 0);
      // The outbox leaves formatting to Telegram; the sandbox reads it as Telegram does.
      if (method !== 'answerCallbackQuery') {
        readFormattedText(createParams(new Map(Object.entries(params as object))), 'text', 'entities');
      }
      return [];
    } catch (error) {
      const says = (states: string) =>
        `in ${states} on ${event.type} it sends a ${type} that Telegram refuses: ${errorText(error)}`;
      return [{ state: where(from), says }];
    }
  });
}

function silencesIn({ reached, tried }: Exploration): Finding[] {
  const answered = (Object.entries(doings) as [Doing, (typeof doings)[Doing]][]).flatMap(([doing, { type }]) =>
    tried
      .filter(({ event }) => event.type === type && isDoing(event, doing))
      .filter(
        ({ actions, from }) =>
          !isAnswered(
            doing,
            actions.map((action) => action.type),
          ) && !isIgnored(from, doing),
      )
      .map(({ from }) => ({ doing, from })),
  );
  const active = new Set(reached.filter(({ status }) => status === 'active').map(where));
  return answered
    .filter(({ from }) => active.has(where(from)))
    .map(({ doing, from }) => ({
      state: where(from),
      says: (states) =>
        `nothing answers ${WORDS[doing]} in ${states}: answer it, or write meta: { ignores: ['${doing}'] }`,
    }));
}

const WORDS: Readonly<Record<Doing, string>> = {
  text: 'a text',
  button: 'a button',
  photo: 'a photo',
  edit: 'an edited message',
};

const isDoing = (event: Tried['event'], doing: Doing): boolean => {
  const probe = doings[doing];
  return event.text === probe.text && event.kind === probe.kind && event.data === probe.data;
};

/** Somebody hears of it, or will: a message, or a question to the backend. A button waits for its own answer. */
const isAnswered = (doing: Doing, actions: readonly string[]): boolean =>
  actions.includes('answerCallback') ||
  (doing !== 'button' && actions.some((type) => isMessageAction(type) || type === 'xstate.spawnChild'));

function isIgnored({ _nodes }: AnyMachineSnapshot, doing: Doing): boolean {
  return (_nodes as readonly AnyStateNode[]).some((node) => (node.meta as Meta | undefined)?.ignores?.includes(doing));
}
