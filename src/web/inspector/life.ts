import { computed, signal } from '@preact/signals';
import type { ChatNow, Standing, TravelStep } from '../../inspector/inspector.ts';
import { reasonOf } from '../ui/api.ts';
import { listen } from '../ui/stream.ts';
import * as answers from './answers.ts';

/** The entries after which a chat may stand elsewhere. */
const TYPES = [
  ...['update.received', 'event.received', 'timer.fired', 'request.answered', 'chat.moved'],
  ...['chat.migrated', 'chat.quarantined', 'chat.resumed'],
];

/** Steps that are kept: the page stays light, and the others are asked for again. */
const KEPT_MAX = 400;

/** Where a chat stands, and a part of its life to walk through. Follows it live until `close`. */
export function createLife(chat: string) {
  const now = signal<ChatNow | null>(null);
  /** The server's clock against ours, ms. */
  const skew = signal(0);
  const steps = signal<readonly TravelStep[]>([]);
  const before = signal<Standing | null>(null);
  const earlier = signal(false);
  const later = signal(false);
  const beginsAt = signal<number | null>(null);
  /** The step that is looked at; null: the chat as it is now. */
  const at = signal<number | null>(null);
  /** Steps made so far on a long way; null: nothing is under way. */
  const underWay = signal<number | null>(null);
  const failure = signal<string | null>(null);
  const connected = signal(true);
  let closed = false;

  async function page(query: { readonly after?: number; readonly before?: number }) {
    underWay.value = 0;
    try {
      for (;;) {
        const answer = await answers.steps(chat, query);
        if (answer.complete || closed || (query.after !== undefined && answer.steps.length > 0)) return answer;
        underWay.value = answer.stepped;
      }
    } finally {
      underWay.value = null;
    }
  }

  /** The newest steps, and where it stands. */
  async function begin(): Promise<void> {
    try {
      await refreshNow();
      const newest = await page({});
      before.value = newest.before;
      steps.value = newest.steps;
      earlier.value = newest.earlier;
      later.value = false;
      beginsAt.value = newest.begins_at;
      failure.value = null;
    } catch (error) {
      failure.value = reasonOf(error);
    }
  }

  async function refreshNow(): Promise<void> {
    const answer = await answers.chatNow(chat);
    skew.value = Date.parse(answer.now) - Date.now();
    now.value = answer;
  }

  async function loadEarlier(): Promise<void> {
    const [first] = steps.value;
    if (!earlier.value || first === undefined || underWay.value !== null) return;
    const found = await page({ before: first.seq });
    const looked = at.value ?? steps.value.length - 1;
    const joined = [...found.steps, ...steps.value];
    steps.value = joined.slice(0, KEPT_MAX);
    if (joined.length > KEPT_MAX) later.value = true;
    before.value = found.before;
    earlier.value = found.earlier;
    at.value = looked + found.steps.length;
  }

  async function loadLater(): Promise<void> {
    const last = steps.value.at(-1);
    const found = await page(last === undefined ? {} : { after: last.seq });
    const following = at.value === null;
    const joined = [...steps.value, ...found.steps];
    const dropped = Math.max(0, joined.length - KEPT_MAX);
    if (dropped > 0) {
      before.value = joined[dropped - 1]?.after ?? null;
      earlier.value = true;
    }
    steps.value = joined.slice(dropped);
    later.value = found.later;
    if (!following && at.value !== null) at.value = Math.max(0, at.value - dropped);
  }

  const guarded = (work: () => Promise<void>) => async (): Promise<void> => {
    try {
      await work();
      failure.value = null;
    } catch (error) {
      failure.value = reasonOf(error);
    }
  };

  // What happens is told by the chat's events; several at once are one look.
  let looking = false;
  let again = false;
  const refresh = guarded(async () => {
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    try {
      do {
        again = false;
        await refreshNow();
        if (!later.value) await loadLater();
      } while (again && !closed);
    } finally {
      looking = false;
    }
  });
  const begun = begin();
  const stream = listen(() => `v1/events?chat=${encodeURIComponent(chat.replace(/:.*/, ''))}`, TYPES, {
    event: () => void begun.then(refresh),
    opened() {
      void begun.then(refresh);
      connected.value = true;
    },
    lost() {
      connected.value = false;
    },
  });

  const step = computed(() => (at.value === null ? (steps.value.at(-1) ?? null) : (steps.value[at.value] ?? null)));
  const standing = computed(() => (at.value === null ? (now.value?.standing ?? null) : (step.value?.after ?? null)));
  /** How it stood before the step that is looked at. */
  const stoodBefore = computed(() => {
    const index = at.value ?? steps.value.length - 1;
    return index <= 0 ? before.value : (steps.value[index - 1]?.after ?? null);
  });

  /** Looks at a step; the newest of all is the chat as it is now. */
  function to(index: number): void {
    const last = steps.value.length - 1;
    if (index >= last && !later.value) at.value = null;
    else at.value = Math.max(0, Math.min(index, last));
  }

  return {
    ...{
      chat,
      now,
      skew,
      steps,
      earlier,
      before,
      later,
      beginsAt,
      at,
      underWay,
      failure,
      connected,
      step,
      standing,
      stoodBefore,
    },
    begun,
    to,
    back: guarded(async () => {
      const index = at.value ?? steps.value.length - 1;
      if (index <= 0 && earlier.value) await loadEarlier();
      to((at.value ?? steps.value.length - 1) - 1);
    }),
    forth: guarded(async () => {
      if (at.value === null) return;
      if (at.value >= steps.value.length - 1 && later.value) await loadLater();
      if (at.value !== null) to(at.value + 1);
    }),
    loadEarlier: guarded(loadEarlier),
    loadLater: guarded(loadLater),
    /** To the first step that there is. */
    toFirst: guarded(async () => {
      if (earlier.value) {
        const found = await page({ after: 0 });
        steps.value = found.steps;
        before.value = found.before;
        earlier.value = found.earlier;
        later.value = found.later;
      }
      to(0);
    }),
    /** To how it is now. */
    async toNow(): Promise<void> {
      at.value = null;
      if (later.value) await begin();
    },
    close(): void {
      closed = true;
      stream.close();
    },
  };
}

export type Life = ReturnType<typeof createLife>;
