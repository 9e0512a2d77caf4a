import { signal } from '@preact/signals';
import type { FeedItem } from '../../inspector/inspector.ts';
import { listen } from '../ui/stream.ts';

/** Rows of a sequence that are kept; older ones go. */
const KEPT_MAX = 400;
/** Rows of one second beyond which alike ones are joined: more of them nobody can read as they come. */
const READABLE_PER_S = 30;

/** An item of the feed as it is shown. What is alike within a busy second is one of them. */
export interface FeedRow {
  /** Never given twice. */
  readonly id: number;
  readonly item: FeedItem;
  /** When it came, by the page's clock. */
  readonly cameAt: number;
  /** The items that it stands for, with their own counts. */
  readonly count: number;
  readonly carried: number;
}

/** How an actor stands, and what it took so far. */
export interface ActorNow {
  readonly state: unknown;
  readonly status: string | null;
  readonly context: unknown;
  readonly received: number;
  readonly sent: number;
}

/** Follows what these actors do, until `close`. */
export function followFeed(actors: readonly string[]) {
  const rows = signal<readonly FeedRow[]>([]);
  const stands = signal<ReadonlyMap<string, ActorNow>>(new Map());
  const connected = signal(true);
  const paused = signal(false);
  /** What came while it was paused. */
  const missed = signal(0);
  let lastId = 0;

  function take(items: readonly FeedItem[]): void {
    note(items);
    const shown = items.filter(({ kind }) => kind !== 'actor');
    if (paused.value) {
      missed.value += shown.reduce((sum, item) => sum + countOf(item), 0);
      return;
    }
    const now = performance.now();
    let next = [...rows.value];
    const recent = next.findIndex(({ cameAt }) => cameAt > now - 1000);
    const busy = recent !== -1 && next.length - recent + shown.length > READABLE_PER_S;
    for (const item of shown) {
      const at = busy ? next.findIndex((row, n) => n >= recent && isAlike(row.item, item)) : -1;
      const before = next[at];
      if (before === undefined) {
        lastId += 1;
        next.push({ id: lastId, item, cameAt: now, count: countOf(item), carried: carriedBy(item) });
      } else {
        const [count, carried] = [before.count + countOf(item), before.carried + carriedBy(item)];
        next[at] = { ...before, count, carried };
      }
    }
    if (next.length > KEPT_MAX) next = next.slice(-KEPT_MAX);
    rows.value = next;
  }

  function note(items: readonly FeedItem[]): void {
    const all = new Map(stands.value);
    const change = (actor: string, by: Partial<ActorNow>): void => {
      const before = all.get(actor) ?? { state: null, status: null, context: null, received: 0, sent: 0 };
      all.set(actor, { ...before, ...by });
    };
    for (const item of items) {
      if (item.kind === 'exchange') {
        change(item.to, { received: (all.get(item.to)?.received ?? 0) + item.count });
        change(item.from, { sent: (all.get(item.from)?.sent ?? 0) + item.count });
      } else if (item.kind !== 'skipped') {
        change(item.actor, { state: item.state, status: item.status, context: item.context });
      }
    }
    stands.value = all;
  }

  const query = actors.map((actor) => `actor=${encodeURIComponent(actor)}`).join('&');
  const stream = listen(() => `v1/inspector/feed?${query}`, ['message'], {
    event: (data) => take(JSON.parse(data)),
    opened() {
      connected.value = true;
    },
    lost() {
      connected.value = false;
    },
  });

  return {
    ...{ rows, stands, connected, paused, missed },
    pause(): void {
      paused.value = true;
    },
    goOn(): void {
      paused.value = false;
      missed.value = 0;
    },
    close: stream.close,
  };
}

export type FollowedFeed = ReturnType<typeof followFeed>;

const countOf = (item: FeedItem): number => ('count' in item ? item.count : 1);
const carriedBy = (item: FeedItem): number => (item.kind === 'exchange' ? (item.carried ?? 0) : 0);

function isAlike(one: FeedItem, other: FeedItem): boolean {
  if (one.kind === 'exchange' && other.kind === 'exchange')
    return one.from === other.from && one.to === other.to && one.label === other.label;
  if (one.kind === 'state' && other.kind === 'state')
    return one.actor === other.actor && JSON.stringify(one.state) === JSON.stringify(other.state);
  return one.kind === 'skipped' && other.kind === 'skipped' && one.actor === other.actor;
}
