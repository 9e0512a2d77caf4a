import { isDeepStrictEqual } from 'node:util';
import { type Entry, isErased, type JournalReader } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { classifyUpdate, commandTarget } from '../telegram/update.ts';
import { isSameRequest } from './apply.ts';
import { eventIn } from './received.ts';
import { createRehearsal, type Place, type Rehearsal, type Rehearsed, type Told, toldOf } from './rehearsal.ts';
import { answerEvent, conversationOf, type PerOf } from './routing.ts';
import type { Stepper } from './step.ts';

/** One event of the journal as the machine took it, beside what happened. */
export interface ReplayedStep extends Place, Rehearsed {
  readonly kind: 'step';
  /** What brought the event: the type of its entry, or a timer that fires here and did not then. */
  readonly cause: Entry['type'];
  readonly event: { readonly type: string };
  /** The timer or request whose coming this is. */
  readonly takes: { readonly timer: string } | { readonly request: string } | null;
  /** States before and after, JSON; null: not begun. */
  readonly from: string | null;
  readonly to: string | null;
  /** What the entries tell that came of it then. */
  readonly happened: readonly Told[];
  /** Whether it came to something else than then; false also where nothing can be compared. */
  readonly departs: boolean;
}

/** What else was met on the way. */
export interface ReplayedNote extends Place {
  readonly kind: 'note';
  readonly text: string;
  /** The conversation begins anew after it. */
  readonly restart: boolean;
  readonly departs: boolean;
}

export interface ReplayOptions {
  readonly journal: Pick<JournalReader, 'bot' | 'bounds' | 'read' | 'message' | 'formerChats'>;
  /** The conversation's id today. */
  readonly conversation: string;
  /** Its Telegram chat. */
  readonly chat: string;
  readonly stepper: Stepper;
  readonly perOf: PerOf;
  /** Called with the seq of each entry that was read. */
  readonly onRead?: (seq: number) => void;
  /** Where to go on, in place of the beginning. */
  readonly start?: ReplayPlace;
  /** Called between two events, where a replay may go on later: at the second one's entry. */
  readonly onPlace?: (place: ReplayPlace) => void;
}

/** A place between two events of a conversation. */
export interface ReplayPlace {
  /** The seq of the entry to go on with. */
  readonly from: number;
  /** How it stands there. The replay goes on with this very rehearsal. */
  readonly rehearsal: Rehearsal;
  /** It stood still then. */
  readonly still: boolean;
}

interface Cause {
  readonly entry: Entry;
  readonly conversation: string;
  readonly happened: Told[];
}

/**
 * Steps one conversation through all that its chat's journal holds, with any machine, and tells of each event what it
 * would come to and what it came to. Nothing is sent, asked or written. Reads a page at a time: what is held of a long
 * life is no more than of a short one.
 *
 * Users' messages, aggregators' events and the backend's answers come as they came then. Timers are the machine's own:
 * one that fired then and is not set here does not fire; one that is due here fires before the next event, as it would.
 */
export async function* replay(options: ReplayOptions): AsyncGenerator<ReplayedStep | ReplayedNote> {
  const { journal, chat, stepper, perOf } = options;
  const part = options.conversation.slice(chat.length);
  const rehearsal = options.start?.rehearsal ?? createRehearsal(stepper, journal.bot);
  let cause: Cause | null = null;
  /** The conversation stood still then: nothing came of anything, and nothing can be compared. */
  let still = options.start?.still ?? false;

  const nowhere = { conversation: options.conversation, chat, seq: 0, at: 0 };
  const { first } = journal.bounds();
  if (first > 1 && options.start === undefined) {
    yield note(nowhere, `the journal begins with entry ${first}: how it stood by then is not known`, false);
  }
  for await (const entry of entriesOf(options)) {
    if (isErased(entry)) {
      if (cause !== null) yield* finish(cause);
      cause = null;
      continue;
    }
    const told = ofStep(entry) ? toldOf(entry) : null;
    if (told !== null) {
      // What came of an event was committed with it, and a key's message may have been by chance.
      if (cause !== null && entry.at === cause.entry.at && !(await isPosted(entry))) cause.happened.push(told);
      continue;
    }
    const conversation = conversationIn(entry, perOf);
    if (conversation === null) continue;
    if (cause !== null) yield* finish(cause);
    cause = null;
    options.onPlace?.({ from: entry.seq, rehearsal, still });
    if (conversation.slice(entry.chat?.length) !== part) continue;
    if (isCause(entry)) cause = { entry, conversation, happened: [] };
    else yield noteOf(entry, conversation);
  }
  if (cause !== null) yield* finish(cause);
  const waits = [
    ...rehearsal.timers().map(({ id, dueAt }) => `the timer ${id}, due ${new Date(dueAt).toISOString()}`),
    ...rehearsal.requests().map(({ src, id }) => `an answer from the backend to ${src}, ${id}`),
  ];
  if (waits.length > 0) {
    yield note(nowhere, `waits for ${waits.join('; ')}`, false);
  }

  async function isPosted({ type, seq }: Entry): Promise<boolean> {
    return type === 'message.accepted' && ((await journal.message(seq))?.keyId ?? null) !== null;
  }

  function noteOf(entry: Entry, conversation: string): ReplayedNote {
    const { from, to, outcome, error } = JSON.parse(entry.body);
    const restart = outcome === 'restarted' || entry.type === 'chat.erased';
    if (restart) rehearsal.restart();
    still = entry.type === 'chat.quarantined';
    const text = {
      'chat.migrated': `version ${from} -> ${to ?? 'no machine'}: ${outcome} then`,
      'chat.quarantined': `quarantined then: ${error}`,
      'chat.erased': 'all that came before was erased',
    }[String(entry.type)];
    return { kind: 'note', ...placeOf(entry, conversation), text: text ?? entry.type, restart, departs: false };
  }

  function* finish({ entry, conversation, happened }: Cause): Generator<ReplayedStep | ReplayedNote> {
    const place = placeOf(entry, conversation);
    const fired = entry.type === 'timer.fired' ? String(JSON.parse(entry.body).timer) : null;
    // What was set in this very unit of work did not fire before what came with it.
    for (const timer of rehearsal.timers()) {
      if (timer.dueAt > entry.at || timer.setAt >= entry.at || timer.id === fired) continue;
      // It may have been taken back by the one before.
      if (!rehearsal.takeTimer(timer.id)) continue;
      const event = JSON.parse(timer.event);
      // Of no entry: the requests that it makes are told from those of the event that follows.
      const before = { ...place, seq: place.seq - 0.5, at: entry.at };
      yield step('timer.fired', { event, takes: { timer: timer.id }, departs: true, dueAt: timer.dueAt }, before, []);
    }
    const coming = comingOf(entry);
    if (coming === 'nothing') {
      if (happened.length > 0) yield note(place, 'it was stepped then, and is not here', true);
    } else if (typeof coming === 'string') {
      yield note(place, coming, true);
    } else if (!(isNamed(coming.event) && happened.length === 0)) {
      yield step(entry.type, coming, place, happened);
    }
    if (happened.some(({ type }) => type === 'chat.quarantined')) still = true;
  }

  /** The event that an entry brings here; why it brings none. */
  function comingOf(entry: Entry): Coming | string {
    const body = JSON.parse(entry.body);
    switch (entry.type) {
      case 'update.received': {
        const event = eventIn(body);
        return event === null ? 'nothing' : { event, takes: null, departs: false };
      }
      case 'timer.fired': {
        const timer = rehearsal.timers().find(({ id, dueAt }) => id === body.timer && dueAt <= entry.at);
        if (timer === undefined) return `the timer ${body.timer} fired then, and is not due here`;
        rehearsal.takeTimer(timer.id);
        const { dueAt } = timer;
        return { event: JSON.parse(timer.event), takes: { timer: timer.id }, departs: false, dueAt };
      }
      case 'request.answered': {
        const open = rehearsal.requests();
        const request =
          open.find(({ id }) => isSameRequest(id, String(body.request))) ?? open.find(({ src }) => src === body.src);
        if (request === undefined) {
          return body.late === true ? 'nothing' : `the backend answered ${body.src} then, and nobody asks it here`;
        }
        rehearsal.takeRequest(request.id);
        if (request.invoke === '') return 'nothing';
        const outcome = 'output' in body ? { output: body.output } : { error: body.error };
        const takes = { request: request.id };
        return { event: answerEvent(request, outcome), takes, departs: body.late === true, dueAt: entry.at };
      }
      default:
        return { event: body.event, takes: null, departs: false };
    }
  }

  function step(
    cause: Entry['type'],
    { event, takes, departs, dueAt }: Coming,
    place: Place,
    happened: readonly Told[],
  ): ReplayedStep {
    const from = rehearsal.state();
    const rehearsed = rehearsal.take(event, place, dueAt);
    const other = departs || !isDeepStrictEqual(rehearsed.told, happened);
    const to = rehearsal.state();
    return { kind: 'step', ...place, ...rehearsed, cause, event, takes, from, to, happened, departs: !still && other };
  }

  function note(place: Place, text: string, departs: boolean): ReplayedNote {
    return { kind: 'note', ...place, text, restart: false, departs: !still && departs };
  }
}

interface Coming {
  readonly event: { readonly type: string };
  readonly takes: ReplayedStep['takes'];
  /** It was dropped then. */
  readonly departs: boolean;
  /** Of what it waited for. */
  readonly dueAt?: number;
}

/** The chat's entries in order, under each id that it has had. */
async function* entriesOf({ journal, chat, onRead, start }: ReplayOptions): AsyncGenerator<Entry> {
  const chats = [chat];
  // A group moves once; more steps than a few would be a circle.
  for (let n = 0; n < 4; n += 1) {
    const former = chats.flatMap((id) => journal.formerChats(id)).filter((id) => !chats.includes(id));
    chats.push(...former);
  }
  for (let from = start?.from ?? 1; ; ) {
    const page = await journal.read({ from, limit: limits.readEntriesMax, chats });
    for (const entry of page) {
      onRead?.(entry.seq);
      yield entry;
    }
    const last = page.at(-1);
    if (last === undefined) return;
    from = last.seq + 1;
  }
}

const placeOf = ({ seq, at, chat }: Entry, conversation: string): Place => ({
  conversation,
  chat: chat ?? '',
  seq,
  at,
});

/** A command that names a bot, `/pay@SomeBot`: whether that was this one shows in what came of it then. */
const isNamed = (event: { readonly type: string; readonly text?: unknown }): boolean =>
  event.type === 'message.received' && typeof event.text === 'string' && commandTarget(event.text) !== null;

const CAUSES = ['update.received', 'event.received', 'timer.fired', 'request.answered'];
const isCause = ({ type }: Entry): boolean => CAUSES.includes(type);

/** False for a quarantine that no event caused: a version that did not fit, or a retry. */
const ofStep = ({ type, body }: Entry): boolean => type !== 'chat.quarantined' || 'event' in JSON.parse(body);

/** The conversation that an event or a change from outside was for; null for an entry that is neither. */
function conversationIn({ type, chat, body }: Entry, perOf: PerOf): string | null {
  if (chat === null) return null;
  if (type === 'update.received') {
    const facts = classifyUpdate(JSON.parse(body).update);
    return (facts === null ? null : conversationOf(facts, perOf)) ?? chat;
  }
  const others = ['chat.migrated', 'chat.quarantined', 'chat.resumed', 'chat.erased'];
  return CAUSES.includes(type) || others.includes(type) ? (JSON.parse(body).conversation ?? chat) : null;
}
