import type { AnyActorRef, InspectionEvent } from 'xstate';
import { limits } from '../limits.ts';
import { abridge } from './abridge.ts';
import { type ExchangeItem, type FeedItem, type Lane, LIVE_ACTORS, type StateItem } from './feed-items.ts';

/** Who sends what comes from no actor: XState knows the receiver alone. Each type has one sender. */
export const SENDERS: Readonly<Record<string, Lane>> = {
  'updates.received': 'ingress',
  'event.posted': 'http',
  'chat.retried': 'http',
  'conversations.rewritten': 'http',
  'request.answered': 'backend',
  'requests.freed': 'backend',
  'calls.ended': 'telegram',
  'clock.stepped': 'switchboard',
  'journal.committed': 'journal',
  'requests.made': 'journal',
  'requests.withdrawn': 'journal',
  'messages.queued': 'journal',
};

/** Whom an actor's children stand for: a promise of the poller's is Telegram's answer. */
const CHILDREN: Readonly<Record<string, Lane>> = {
  connect: 'telegram',
  poll: 'telegram',
  commit: 'conversations',
  round: 'journal',
};

/** An actor as a lane: its own, or the one that it stands for; `src` names a child. */
interface Placed {
  readonly lane: Lane;
  readonly src: string | null;
}

const OWN = new Map<unknown, Placed>(LIVE_ACTORS.map((lane) => [lane, { lane, src: null }]));

interface Exchanged extends Omit<ExchangeItem, 'at' | 'count' | 'carried'> {
  readonly at: number;
  count: number;
  carried: number | null;
}

interface Reached extends Pick<StateItem, 'kind' | 'actor' | 'state' | 'status'> {
  readonly at: number;
  count: number;
  context: unknown;
  event: unknown;
}

/**
 * What XState tells of the live actors, gathered for a moment: alike events and alike states are one item with a count,
 * so that a thousand cost as much to tell as one. What is told is shortened once for each kind.
 */
export function createExchanges() {
  const lanes = new WeakMap<object, Placed>();
  let kinds = new Map<string, Exchanged | Reached>();
  let skipped = 0;

  function placeOf(actor: AnyActorRef): Placed {
    const known = lanes.get(actor);
    if (known !== undefined) return known;
    const placed = find(actor);
    lanes.set(actor, placed);
    return placed;
  }

  function find(actor: AnyActorRef): Placed {
    const own = 'systemId' in actor ? OWN.get(actor.systemId) : undefined;
    if (own !== undefined) return own;
    const { src, _parent: parent } = actor;
    if (typeof src !== 'string')
      return { lane: parent === undefined ? 'switchboard' : placeOf(parent).lane, src: null };
    return { lane: CHILDREN[src] ?? (parent === undefined ? 'switchboard' : placeOf(parent).lane), src };
  }

  /** What a promise does with itself is nobody's message; and what a commit asks, `updates.received` says. */
  const isOwn = (type: string, { src }: Placed): boolean =>
    type.startsWith('xstate.promise.') || (type === 'xstate.init' && src === 'commit');

  function exchanged({ actorRef, sourceRef, event }: Extract<InspectionEvent, { type: '@xstate.event' }>, at: number) {
    const target = placeOf(actorRef as AnyActorRef);
    if (isOwn(event.type, target)) return;
    const source = sourceRef === undefined ? null : placeOf(sourceRef as AnyActorRef);
    const from = source?.lane ?? SENDERS[event.type] ?? 'switchboard';
    const src = target.src ?? source?.src ?? '';
    const key = `${from} ${target.lane} ${src} ${event.type}`;
    const known = kinds.get(key);
    const carried = carriedBy(event);
    if (known?.kind === 'exchange') {
      known.count += 1;
      if (carried !== null) known.carried = (known.carried ?? 0) + carried;
    } else if (hasRoom()) {
      const label = labelOf(event.type, src);
      kinds.set(key, { kind: 'exchange', at, from, to: target.lane, label, count: 1, carried, event: abridge(event) });
    }
  }

  function reached(
    { actorRef, event, snapshot }: Extract<InspectionEvent, { type: '@xstate.snapshot' }>,
    at: number,
  ): void {
    const { lane, src } = placeOf(actorRef as AnyActorRef);
    if (src !== null || !('value' in snapshot)) return;
    const { value: state, status } = snapshot;
    const context = 'context' in snapshot ? snapshot.context : null;
    const key = `${lane} ${typeof state === 'string' ? state : JSON.stringify(state)}`;
    const known = kinds.get(key);
    if (known?.kind === 'state') {
      known.count += 1;
      known.context = context;
      known.event = event;
    } else if (hasRoom()) kinds.set(key, { kind: 'state', at, actor: lane, state, status, count: 1, context, event });
  }

  function hasRoom(): boolean {
    if (kinds.size < limits.feedKindsMax) return true;
    skipped += 1;
    return false;
  }

  return {
    /** Takes what XState tells, at that time. */
    note(event: InspectionEvent, at: number): void {
      if (event.type === '@xstate.event') exchanged(event, at);
      else if (event.type === '@xstate.snapshot') reached(event, at);
    },
    /** What there was since it was asked last, in the order in which each kind first came. */
    items(now: number): FeedItem[] {
      const items: FeedItem[] = [...kinds.values()].map((kind) => {
        const at = new Date(kind.at).toISOString();
        if (kind.kind === 'exchange') return { ...kind, at };
        return { ...kind, at, context: abridge(kind.context), event: abridge(kind.event) };
      });
      if (skipped > 0)
        items.push({ kind: 'skipped', at: new Date(now).toISOString(), actor: 'switchboard', count: skipped });
      kinds = new Map();
      skipped = 0;
      return items;
    },
  };
}

/** `xstate.done.actor.0.poller.polling` of the child `poll` is `poll done`; its start is `poll`. */
function labelOf(type: string, src: string): string {
  const [, kind = '', rest = ''] = /^xstate\.(init|after|done\.actor|error\.actor)\.?(.*)$/s.exec(type) ?? [];
  switch (kind) {
    case 'init':
      return src || 'start';
    case 'done.actor':
      return `${src || rest} done`;
    case 'error.actor':
      return `${src || rest} failed`;
    case 'after':
      return `after ${rest.replace(/\.[^.]*\..*$/, '')}`;
    default:
      return type;
  }
}

/** How many it brings, where it brings a list. */
function carriedBy(event: object): number | null {
  if ('updates' in event && Array.isArray(event.updates)) return event.updates.length;
  if ('ids' in event && Array.isArray(event.ids)) return event.ids.length;
  if ('commit' in event && typeof event.commit === 'object' && event.commit !== null && 'entries' in event.commit)
    return Array.isArray(event.commit.entries) ? event.commit.entries.length : null;
  return null;
}
