import { limits } from '../limits.ts';
import { type FeedItem, LIVE_ACTORS, OUTSIDE } from './feed-items.ts';

/** The protocol's version: that of @statelyai/inspect which the tests receive it with. */
export const STATELY_VERSION = '0.7.2';

/** An event of @statelyai/inspect's protocol, as its receivers take it (its src/types.ts). */
export type StatelyEvent = {
  readonly _version: string;
  readonly id: string;
  /** ms since 1970, as text. */
  readonly createdAt: string;
  readonly rootId: string;
  /** An actor: of the live ones its name, `chat:<conversation>`, or who is outside. */
  readonly sessionId: string;
} & (
  | {
      readonly type: '@xstate.actor';
      readonly name: string;
      readonly parentId: string | undefined;
      /** The machine's config as JSON; of what is no machine its id. */
      readonly definition: string;
      readonly snapshot: StatelySnapshot;
    }
  | { readonly type: '@xstate.event'; readonly sourceId: string | undefined; readonly event: { readonly type: string } }
  | { readonly type: '@xstate.snapshot'; readonly event: { readonly type: string }; readonly snapshot: StatelySnapshot }
);

interface StatelySnapshot {
  readonly status: string;
  readonly value?: unknown;
  readonly context?: unknown;
  readonly error?: unknown;
}

const ROOT = 'switchboard';
/** XState has no word for a chat that stands still: it is a machine in an error. */
const STATUS: Readonly<Record<string, string>> = { quarantined: 'error' };

/**
 * The feed in @statelyai/inspect's protocol, for one receiver. Actors are made known before anything is told of them;
 * of chats that nobody named, the last limits.feedSampledActorsMax are remembered as known. What sampling left out is an
 * event `feed.skipped` with its count; what one item stands for is the field `count` of its event.
 */
export function createStately(definition: (machine: string, version: string | null) => string | null) {
  const known = new Set<string>();
  let lastId = 0;

  const envelope = (sessionId: string, at: string) => {
    lastId += 1;
    const createdAt = String(Date.parse(at));
    return { _version: STATELY_VERSION, id: String(lastId), createdAt, rootId: ROOT, sessionId };
  };

  function actor(
    name: string,
    at: string,
    parentId: string | undefined,
    machine: string | null,
    version: string | null,
    snapshot: StatelySnapshot,
  ): StatelyEvent {
    known.add(name);
    const text = machine === null ? null : definition(machine, version);
    const shape = { name, parentId, definition: text ?? JSON.stringify({ id: name }), snapshot };
    return { type: '@xstate.actor', ...envelope(name, at), ...shape };
  }

  /** What has no machine is made known as it is met. */
  function meet(name: string, at: string): StatelyEvent[] {
    if (known.has(name)) return [];
    const parent = name === ROOT || OUTSIDE.some((one) => one === name) ? undefined : ROOT;
    return [actor(name, at, parent, null, null, { status: 'active' })];
  }

  function forgetOldest(): void {
    for (const name of known) {
      if (known.size <= limits.feedSampledActorsMax) return;
      if (!LIVE_ACTORS.some((live) => live === name)) known.delete(name);
    }
  }

  return (item: FeedItem): StatelyEvent[] => {
    const { at } = item;
    switch (item.kind) {
      case 'actor': {
        const { state: value, context, status, parent, machine, version } = item;
        const snapshot = { ...snapshotOf(value, context), status: STATUS[status ?? ''] ?? status ?? 'stopped' };
        return [actor(item.actor, at, parent ?? undefined, machine, version, snapshot)];
      }
      case 'exchange': {
        const event = withCount(item.event, item.label, item.count);
        const told: StatelyEvent = { type: '@xstate.event', ...envelope(item.to, at), sourceId: item.from, event };
        return [...meet(item.from, at), ...meet(item.to, at), told];
      }
      case 'state': {
        const snapshot = { ...snapshotOf(item.state, item.context), status: item.status };
        const event = withCount(item.event, '', item.count);
        return [...meet(item.actor, at), { type: '@xstate.snapshot', ...envelope(item.actor, at), event, snapshot }];
      }
      case 'step': {
        const { actor: chat, state, context, error, machine, version } = item;
        const status = STATUS[item.status] ?? item.status;
        const fault = error === null ? {} : { error: { message: error } };
        const snapshot = { ...snapshotOf(state, context), status, ...fault };
        const event = withCount(item.event, '', 1);
        const made = known.has(chat) ? [] : [actor(chat, at, 'conversations', machine, version, snapshot)];
        forgetOldest();
        return [
          ...made,
          { type: '@xstate.event', ...envelope(chat, at), sourceId: 'conversations', event },
          { type: '@xstate.snapshot', ...envelope(chat, at), event, snapshot },
        ];
      }
      case 'skipped': {
        const event = { type: 'feed.skipped', of: item.actor, count: item.count };
        const to = item.actor === 'chats' ? 'conversations' : item.actor;
        return [...meet(to, at), { type: '@xstate.event', ...envelope(to, at), sourceId: undefined, event }];
      }
    }
  };
}

const snapshotOf = (value: unknown, context: unknown) => (value === null ? {} : { value, context });

/** An event with its type; and how many it stands for, where these are several. */
function withCount(event: unknown, label: string, count: number): { readonly type: string } {
  const fields: Readonly<Record<string, unknown>> = typeof event === 'object' && event !== null ? { ...event } : {};
  return { ...fields, type: String(fields.type ?? label), ...(count === 1 ? {} : { count }) };
}
